"""`upgrade`: a stack of an older version, brought up to date with everything that it was told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.complaints import ExitCode, Misused, NotFound
from ops.desk import Desk
from ops.groups import Group
from ops.options import DryRunOption, YesOption
from ops.samconfig import PLACE, kept_for_later, read_parameters, write_parameters
from ops.terminal import Facts, Table

if TYPE_CHECKING:
    from ops.upgrade import Carried
    from salesflow.settings import Stored

app = Group("A stack of an older version, brought up to date with everything that it was told.")


@app.command(
    "upgrade", of_shop=False, examples=["upgrade --dry-run", "upgrade", "upgrade --stack shop2 --yes", "upgrade --back"]
)
def upgrade(
    desk: Desk,
    *,
    config_file: Annotated[
        Path, typer.Option(dir_okay=False, show_default="samconfig.toml", help="The file with the answers.")
    ] = PLACE,
    back: Annotated[bool, typer.Option("--back", help="Say how to go back to the version before.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until the links that AWS mails are clicked.")] = True,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Carry what the stack's Parameters say to where it belongs now, show the difference, and deploy.

    What is a setting now goes into the shop's row, which the older version passes over; hours become cron expressions in samconfig.toml. The
    Parameters of now are kept there too, in an environment of their own, with which the older version is deployed again.
    """
    from ops.commands.deploy import brought_up
    from ops.upgrade import carried, is_older

    stack = desk.stack
    if back:
        _way_back(desk, config_file)
        return
    if not is_older(stack.parameters):
        desk.out.show(
            {"carried": {}}, Facts("", [("upgrade", "Nothing to carry: the stack has this version's Parameters.")])
        )
        if not dry_run:
            brought_up(desk, config_file=config_file, wait=wait, yes=yes)
        return
    try:
        found = carried(stack.parameters)
    except ValueError as error:
        raise Misused(
            f"A Parameter of {stack.name} cannot be carried: {error}.", action="Correct it on the stack first."
        ) from None
    said = {name: value for name, value in found.settings.items() if name not in stack.settings_version.values}
    _show(desk, found, said)
    if dry_run:
        return
    if not desk.out.confirm(f"Carry this and deploy {stack.name}?", yes=yes):
        raise typer.Exit(ExitCode.FAILED)
    from ops.shop_settings import write

    environment = kept_for_later(config_file, stack.parameters, stack=desk.target.stack)
    write(stack, dict(said))
    known = read_parameters(config_file, desk.target.stack)
    standing = {name: value for name, value in stack.parameters.items() if not is_older({name: value})}
    write_parameters(config_file, {**known, **standing, **found.crons}, stack=desk.target.stack, replacing=True)
    desk.out.note(
        f"The Parameters of before are in {config_file.name}, environment {environment}: `upgrade --back` says how to go back."
    )
    brought_up(Desk(desk.target, desk.out), config_file=config_file, wait=wait, yes=yes, carried=True)


def _show(desk: Desk, found: Carried, said: dict[str, Stored]) -> None:
    """The difference."""
    from ops.shop_settings import as_text

    rows = [("setting", name, as_text(value)) for name, value in said.items()]
    rows += [("parameter", name, value or "off") for name, value in found.crons.items()]
    rows += [
        ("nowhere", name, f"{value}: set MemorySize or Timeout in template.yaml") for name, value in found.lost.items()
    ]
    data: dict[str, Any] = {"settings": said, "parameters": dict(found.crons), "lost": dict(found.lost)}
    desk.out.show({"carried": data}, Table("What is carried", ("becomes", "name", "value"), rows, prose={"value"}))


def _way_back(desk: Desk, config_file: Path) -> None:
    """What goes back to the version before, with the Parameters that it had."""
    from ops.samconfig import before_of

    environment = before_of(desk.target.stack, config_file)
    if not read_parameters(config_file, environment=environment):
        raise NotFound(f"{config_file.name} has no environment {environment}.", action="It is written by `upgrade`.")
    words = f"sam deploy --config-env {environment}"
    desk.out.show(
        {"environment": environment, "next": words},
        Facts(
            "",
            [
                ("first", "git checkout the version before, then sam build"),
                ("then", words),
                ("stays", "the shop's row: the version before passes it over"),
            ],
        ),
    )
