"""Groups of commands: the global options on every command, examples in every help, one way for everything that goes wrong.

Help is plain text that is quick to make: what is not asked for is not imported.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from ops import completion
from ops.complaints import Misused, in_words
from ops.desk import Desk
from ops.errors import complaining
from ops.target import Target
from ops.terminal import Output

if TYPE_CHECKING:
    from typer._click import HelpFormatter

PROGRAM = "salesflow-ops"
PANEL = "Which stack, and how to print"
SHOP = "--shop"
"""With a value it says which shop; where version 1.0.0 had it as a flag, it is one without."""
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        envvar="SALESFLOW_STACK",
        help="The stack's name [samconfig.toml's, or salesflow].",
        rich_help_panel=PANEL,
    ),
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="AWS profile [AWS_PROFILE].", rich_help_panel=PANEL)
]
RegionOption = Annotated[
    str | None,
    typer.Option("--region", help="AWS region [your configuration's, or samconfig.toml's].", rich_help_panel=PANEL),
]
LocalOption = Annotated[
    bool, typer.Option("--local", help=f"The cloud that `{PROGRAM} up` keeps running here.", rich_help_panel=PANEL)
]
ShopOption = Annotated[
    str | None,
    typer.Option(
        SHOP,
        metavar="ID",
        help="Which of the stack's shops [its own: main].",
        rich_help_panel=PANEL,
        autocompletion=completion.seen("shop"),
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.", rich_help_panel=PANEL)]

_STACK_OPTIONS: dict[str, tuple[Any, object]] = {
    "target_stack": (StackOption, None),
    "target_profile": (ProfileOption, None),
    "target_region": (RegionOption, None),
    "target_local": (LocalOption, False),
}
_SHOP_OPTION: dict[str, tuple[Any, object]] = {"target_shop": (ShopOption, None)}
_JSON_OPTION: dict[str, tuple[Any, object]] = {"as_json": (JsonOption, False)}
_CONTEXT = "typer_context"


class _Plain:
    """Options and examples as sections of plain text."""

    epilog: str | None

    def format_options(self, ctx: Any, formatter: HelpFormatter) -> None:
        """Each panel's options in a section of its own, the command's own first; then a group's commands."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):  # type: ignore[attr-defined]  # of the command that this is mixed into
            if record := parameter.get_help_record(ctx):
                usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(record)
        for title in sorted(sections, key=lambda title: title == PANEL):
            with formatter.section(title):
                formatter.write_dl(sections[title])
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: HelpFormatter) -> None:
        """The examples, a line each, never wrapped: they are there to be copied."""
        del ctx
        if self.epilog:
            formatter.write(f"\nExamples:\n{self.epilog}\n")


class PlainCommand(_Plain, TyperCommand):
    """A command whose help is plain text, and what it says of a value that will not do."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What the words of a line mean. Raises typer.BadParameter."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = in_words(error.message)
            raise


def _taking(words: Sequence[str], renamed: Mapping[str, str]) -> type[PlainCommand]:
    """A command that still takes what version 1.0.0 took: bare words for these options, the last of them for all that follow, and old names."""

    class Taking(PlainCommand):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            count = next((n for n, word in enumerate(args) if word.startswith("-")), len(args)) if words else 0
            said = [part for n, word in enumerate(args[:count]) for part in (words[min(n, len(words) - 1)], word)]
            rest = args[count:]
            for n, word in enumerate(rest):
                takes_value = n + 1 < len(rest) and not rest[n + 1].startswith("-")
                said.append(word if word == SHOP and takes_value else renamed.get(word, word))
            return super().parse_args(ctx, said)

    return Taking


class PlainGroup(_Plain, TyperGroup):
    """A group whose help is plain text, its commands by panel."""

    def format_commands(self, ctx: Any, formatter: HelpFormatter) -> None:
        """A section a panel."""
        del ctx
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            panel = str(getattr(command, "rich_help_panel", None) or "Commands")
            panels.setdefault(panel, []).append((name, command.get_short_help_str(limit=200)))
        for title, rows in panels.items():
            with formatter.section(title):
                formatter.write_dl(rows)


class Group(typer.Typer):
    """A group of commands. See `ops.commands` on how to use it."""

    def __init__(
        self,
        help: str,  # noqa: A002 - Typer's word
        *,
        examples: Sequence[str] = (),
        cls: type[TyperGroup] = PlainGroup,
        **settings: Any,
    ) -> None:
        super().__init__(
            help=help,
            epilog=_epilog(examples),
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
            cls=cls,
            context_settings=HELP_OPTIONS,
            **settings,
        )
        super().callback()(_nothing)

    def command(  # type: ignore[override]  # fewer settings than Typer's, and some of our own
        self,
        name: str | None = None,
        *,
        examples: Sequence[str] = (),
        needs_stack: bool = True,
        of_shop: bool = True,
        words: Sequence[str] = (),
        renamed: Mapping[str, str] = MappingProxyType({}),
        **settings: Any,
    ) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Register a function as a command. A parameter annotated `Desk` is given the desk, and is no option; one annotated with a
        dataclass of options (`ops.options`) stands for them all.

        `examples` are command lines without the program's name, shown at the end of the help; `needs_stack` False leaves
        --stack, --profile, --region, --local and --shop out, `of_shop` False --shop alone; `words` are the options
        that version 1.0.0 took as bare words before all others, `renamed` what it called some of them.
        """

        def register(function: Callable[..., None]) -> Callable[..., None]:
            command = with_desk(function, needs_stack=needs_stack, of_shop=of_shop and needs_stack)
            given: dict[str, Any] = {
                "cls": _taking(words, renamed) if words or renamed else PlainCommand,
                "epilog": _epilog(examples),
                "context_settings": HELP_OPTIONS,
            } | settings
            super(Group, self).command(name, **given)(command)
            return function

        return register

    def pass_on(self, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Register a function as a command that takes all that is said as it is, `--help` too, and passes it on."""
        passed_on = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
        return super().command(name, add_help_option=False, context_settings=passed_on, cls=PlainCommand)


def with_desk(function: Callable[..., None], *, needs_stack: bool, of_shop: bool) -> Callable[..., None]:
    """The function with the global options added, its desk laid, and its errors made complaints."""
    parameters = list(inspect.signature(function, eval_str=True).parameters.values())
    desks = [parameter.name for parameter in parameters if parameter.annotation is Desk]
    shared: dict[str, Any] = {
        p.name: p.annotation for p in parameters if p.name not in desks and is_dataclass(p.annotation)
    }
    added = (_STACK_OPTIONS if needs_stack else {}) | (_SHOP_OPTION if of_shop else {}) | _JSON_OPTION

    def command(**given: Any) -> None:
        desk = Desk.of(given.pop(_CONTEXT))
        said = {name: given.pop(name) for name in added}
        as_json = said.pop("as_json") or desk.out.as_json
        target = (
            desk.target.narrowed(**{name.removeprefix("target_"): value for name, value in said.items()})
            if said
            else desk.target
        )
        with complaining():
            if target.shop is not None and not of_shop:
                raise Misused("This is about no single shop.", action="Leave --shop out.")
            for name, options in shared.items():
                given[name] = options(**{one.name: given.pop(one.name) for one in fields(options)})
            function(**given, **dict.fromkeys(desks, Desk(target, Output(as_json=as_json))))

    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [
        each
        for p in parameters
        if p.name not in desks
        for each in (_options(shared[p.name]) if p.name in shared else [p])
    ]
    extra = [
        inspect.Parameter(name, keyword, default=default, annotation=option)
        for name, (option, default) in added.items()
    ]
    context = inspect.Parameter(_CONTEXT, keyword, annotation=typer.Context)
    functools.update_wrapper(command, function)
    del command.__wrapped__  # type: ignore[attr-defined]  # the signature below is the truth, not the function's own
    positional = [p for p in own if p.kind is not keyword]
    keywords = [p for p in own if p.kind is keyword]
    signature = inspect.Signature([*positional, *keywords, context, *extra])
    command.__signature__ = signature  # type: ignore[attr-defined]  # as inspect documents it
    command.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return command


def _options(shared: type[Any]) -> list[inspect.Parameter]:
    """The options that a dataclass of them stands for."""
    types, keyword = get_type_hints(shared, include_extras=True), inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(f.name, keyword, default=f.default, annotation=types[f.name]) for f in fields(shared)]


def _version(wanted: bool) -> None:
    if wanted:
        import salesflow

        sys.stdout.write(f"{PROGRAM} {salesflow.__version__}\n")
        raise typer.Exit


def lay_desk(
    typer_context: typer.Context,
    *,
    stack: StackOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    local: LocalOption = False,
    shop: ShopOption = None,
    as_json: JsonOption = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="The version, and nothing else.")
    ] = False,
) -> None:
    """Keep what is said before the command's name for the command."""
    del version
    typer_context.obj = Desk(Target(stack, profile, region, local, shop), Output(as_json=as_json))


def _nothing() -> None:
    """A group with one command stays a group."""


def _epilog(examples: Sequence[str]) -> str:
    return "\n".join(f"  {PROGRAM} {example}" for example in examples)
