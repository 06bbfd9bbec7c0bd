"""Groups of commands: the global options on every command, examples in every help, one way for everything that goes wrong."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from ops.desk import Desk
from ops.errors import complaining
from ops.target import Target
from ops.terminal import Output

PANEL = "Which stack, and how to print"

StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        envvar="SALESFLOW_STACK",
        help="The stack's name (default: samconfig.toml's, or salesflow).",
        rich_help_panel=PANEL,
    ),
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="AWS profile (default: AWS_PROFILE).", rich_help_panel=PANEL)
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        "--region", help="AWS region (default: your configuration's, or samconfig.toml's).", rich_help_panel=PANEL
    ),
]
LocalOption = Annotated[
    bool, typer.Option("--local", help="The cloud that `python -m ops up` keeps running here.", rich_help_panel=PANEL)
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.", rich_help_panel=PANEL)]

_STACK_OPTIONS: dict[str, tuple[Any, object]] = {
    "target_stack": (StackOption, None),
    "target_profile": (ProfileOption, None),
    "target_region": (RegionOption, None),
    "target_local": (LocalOption, False),
}
_JSON_OPTION: dict[str, tuple[Any, object]] = {"as_json": (JsonOption, False)}
_CONTEXT = "typer_context"


class Group(typer.Typer):
    """A group of commands, or the root of all. See `ops.commands` on how to use it."""

    def __init__(self, help: str, *, examples: Sequence[str] = (), **settings: Any) -> None:  # noqa: A002 - Typer's word
        super().__init__(
            help=help,
            epilog=_epilog(examples),
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode="rich",
            **settings,
        )
        super().callback()(_nothing)

    def command(  # type: ignore[override]  # fewer settings than Typer's, and some of our own
        self, name: str | None = None, *, examples: Sequence[str] = (), needs_stack: bool = True, **settings: Any
    ) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Register a function as a command. A parameter annotated `Desk` is given the desk, and is no option.

        `examples` are command lines without the program's name, shown at the end of the help; `needs_stack` False leaves
        --stack, --profile, --region and --local out.
        """

        def register(function: Callable[..., None]) -> Callable[..., None]:
            command = with_desk(function, needs_stack=needs_stack)
            super(Group, self).command(name, epilog=_epilog(examples), **settings)(command)
            return function

        return register

    def pass_on(self, name: str, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Register a function as a command that takes all that is said as it is, and passes it on."""
        return super().command(name, add_help_option=False, **settings)


def with_desk(function: Callable[..., None], *, needs_stack: bool) -> Callable[..., None]:
    """The function with the global options added, its desk laid, and its errors made complaints."""
    parameters = list(inspect.signature(function, eval_str=True).parameters.values())
    desks = [parameter.name for parameter in parameters if parameter.annotation is Desk]
    added = (_STACK_OPTIONS if needs_stack else {}) | _JSON_OPTION

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
            function(**given, **dict.fromkeys(desks, Desk(target, Output(as_json=as_json))))

    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [p for p in parameters if p.annotation is not Desk]
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


def lay_desk(
    typer_context: typer.Context,
    *,
    stack: StackOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Keep what is said before the command's name for the command."""
    typer_context.obj = Desk(Target(stack, profile, region, local), Output(as_json=as_json))


def _nothing() -> None:
    """A group with one command stays a group."""


def _epilog(examples: Sequence[str]) -> str | None:
    if not examples:
        return None
    lines = "\n\n".join(f"  [cyan]salesflow-ops {_escaped(example)}[/]" for example in examples)
    return f"[bold]Examples[/]\n\n{lines}"


def _escaped(example: str) -> str:
    from rich.markup import escape

    return escape(example)
