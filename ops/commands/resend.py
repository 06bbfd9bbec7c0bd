"""`resend`: a report's mail, to those who were not told.

Resend: a report's mail to those who were not told of it, as the run itself would have sent it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ops.complaints import ExitCode, Misused
from ops.desk import Desk
from ops.groups import Group
from ops.options import DryRunOption, RecipientOption, RunArgument
from ops.runs import Run
from ops.target import Stack
from ops.terminal import Cell, Facts, status
from salesflow.ledger import SendOutcome
from salesflow.ledger.runs import FORCED

app = Group("A report's mail, to those who were not told.")


@dataclass(frozen=True, slots=True)
class Resending:
    """What a resend would do: the event to fire, whom it mails, and who was told before (and is left alone)."""

    event: dict[str, Any]
    recipients: tuple[str, ...]
    told_before: tuple[str, ...]


def plan(stack: Stack, run: Run, to: Sequence[str] = (), *, again: bool = False) -> Resending:
    """What to fire for a run's report. `to` narrows it to some recipients; `again` mails them though they were told.

    Raises Misused for a run that is no report, for an address that the stack does not mail, and for one that was told.
    """
    job, *parts = run.record.identity.split("/")
    if job != "report":
        raise Misused(
            f"{run.record.identity} is no report: only the mails of reports can be sent again.",
            action="An alert stands in `anomalies show`; a run that failed is fired again with `run`.",
        )
    own = stack.settings.schedule_recipients.get(run.record.schedule)
    readers = stack.settings.report_recipients if own is None else own
    if own is not None and not own:
        raise Misused(f"{run.record.schedule} has no reader.", action="Add one: salesflow-ops recipients add --report.")
    strangers = [address for address in to if address not in readers]
    if strangers:
        raise Misused(
            f"{', '.join(strangers)} is not among the report's recipients.",
            action=f"They are {', '.join(readers) or 'none'}: salesflow-ops recipients add.",
        )
    told = _told(run)
    wanted = tuple(address for address in readers if address in to) if to else readers
    event: dict[str, Any] = {
        "report_type": parts[0],
        "period": parts[1],
        "formats": parts[2].split("+"),
        "business_date": run.record.business_date.isoformat(),
    }
    if again:
        if not to:
            raise Misused("Whom again?", action="Say --recipient ADDRESS with --again.")
        return Resending(event | {"force": True, "to": list(wanted)}, wanted, ())
    before = tuple(address for address in wanted if address in told)
    lacking = tuple(address for address in wanted if address not in told)
    if to and before:
        raise Misused(
            f"{', '.join(before)} was told already ({told[before[0]]}).", action="Say --again to mail them once more."
        )
    return Resending(
        event | {"resend": True} | ({"to": list(wanted)} if to or own is not None else {}), lacking, before
    )


def _told(run: Run) -> dict[str, str]:
    """When each recipient was told of the date: in the run's edition, or by a forced run."""
    counted = {run.record.edition} if not run.record.interim else set[str]()
    return {
        sent.recipient: f"{sent.recorded_at:%Y-%m-%d %H:%M} UTC"
        for sent in run.sends
        if sent.outcome is SendOutcome.SENT and (sent.edition in counted or sent.edition.startswith(FORCED))
    }


@app.command(
    "resend",
    examples=["resend 1f09c2ab --dry-run", "resend SF-7QK2M5XA --recipient accountant@shop.example.com"],
)
def resend(
    desk: Desk,
    run: RunArgument,
    *,
    to: RecipientOption = None,
    again: Annotated[bool, typer.Option("--again", help="With --recipient: mail them though they were told.")] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Mail a report to those of its recipients who were not told: refused ones, and those added since.

    Nobody is mailed who is not among its recipients, and nobody twice unless --again says so.
    """
    from ops.firing import fire
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
