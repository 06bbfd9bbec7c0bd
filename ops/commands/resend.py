"""`resend`: a report's mail, to those who were not told."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.complaints import ExitCode
from ops.desk import Desk
from ops.groups import Group
from ops.terminal import Cell, Facts, status


def resend(
    desk: Desk,
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id or a part of it, or SF-... of a mail's subject.")
    ],
    *,
    to: Annotated[list[str] | None, typer.Option("--to", help="Only this recipient; repeat for more.")] = None,
    again: Annotated[bool, typer.Option("--again", help="With --to: mail them though they were told.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show who would be mailed.")] = False,
) -> None:
    """Mail a report to those of its recipients who were not told: refused ones, and those added since.

    Nobody is mailed who is not in the parameter ReportRecipients, and nobody twice unless --again says so.
    """
    from ops.firing import fire
    from ops.resend import plan
    from ops.runs import find

    found = find(desk.stack, run)
    wanted = plan(desk.stack, found, to or (), again=again)
    facts: list[tuple[str, Cell]] = [
        ("report", f"{found.record.identity} of {found.record.business_date}"),
        ("mails", ", ".join(wanted.recipients) or "nobody: all of them were told"),
    ]
    if wanted.told_before:
        facts.append(("told before", ", ".join(wanted.told_before)))
    if dry_run or not wanted.recipients:
        desk.out.show(wanted, Facts("Dry run: nothing is sent" if dry_run else "Nothing to send", facts))
        return
    with desk.out.progress("Sending"):
        answer = fire(desk.stack, "report", wanted.event)
    told = set(answer.answer.get("notified", ()))
    lacking = [address for address in wanted.recipients if address not in told]
    data = {"status": answer.status, "reason": answer.reason, "told": sorted(told), "not_told": lacking}
    facts = [facts[0], ("status", status(answer.status)), ("told", ", ".join(sorted(told)) or "nobody")]
    facts += [("not told", ", ".join(lacking))] if lacking else []
    desk.out.show(data | {"event": wanted.event}, Facts("", [*facts, ("why", answer.reason)]))
    if lacking:
        raise typer.Exit(ExitCode.FAILED)


def register(app: Group) -> None:
    """Put the command into the command line."""
    app.command(
        "resend",
        rich_help_panel="Work",
        examples=["resend 1f09c2ab --dry-run", "resend SF-7QK2M5XA --to accountant@shop.example.com"],
    )(resend)
