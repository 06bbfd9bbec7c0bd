"""`backfill`: a report for every date of a period."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ops.complaints import ExitCode
from ops.desk import Desk
from ops.groups import Group
from ops.terminal import Facts, Table, status

if TYPE_CHECKING:
    from ops.backfill import Backfill, Done, Step

app = Group("Make what was not made when it was due.", examples=["backfill report --from 2026-11-01 --to 2026-11-20"])

UNDONE = {"FAILED", "PARTIAL"}


@app.command(
    "report",
    examples=[
        "backfill report --from 2026-11-01 --to 2026-11-20 --dry-run",
        "backfill report --from 2026-11-01 --to 2026-11-20 --type combined --format pdf --reprocess failed",
    ],
)
def backfill_report(
    desk: Desk,
    *,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first business date.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last business date.")],
    kind: Annotated[Literal["sales", "stock", "combined"], typer.Option("--type", help="The report.")] = "sales",
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="Repeat for more than one [default: pdf and excel].")
    ] = None,
    period: Annotated[
        Literal["daily", "weekly", "monthly", "quarterly"], typer.Option(help="The days that each report looks at.")
    ] = "daily",
    reprocess: Annotated[
        Literal["none", "failed", "completed"], typer.Option(help="Which dates that were run already are run again.")
    ] = "none",
    notify: Annotated[Literal["none", "owner", "all"], typer.Option(help="Who is mailed each report.")] = "none",
    max_days: Annotated[int, typer.Option(min=1, max=1000, help="Refuse a longer period.")] = 92,
    at_once: Annotated[int, typer.Option(min=1, max=10, help="How many to make at the same time.")] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done for each date.")] = False,
) -> None:
    """Make a report for each date, the oldest first; nothing that is done or being done is done twice.

    Interrupt it whenever you like: the same command goes on where it stopped. Nobody is mailed unless --notify says so.
    """
    from ops.backfill import Backfill, Reprocess, dates_between, plan
    from salesflow import clock
    from salesflow.job_events import Notify, ReportFields

    now = clock.now()
    today = now.astimezone(desk.stack.zone).date()
    dates = dates_between(first.date(), last.date(), today=today, most=max_days)
    fields = ReportFields.model_validate({"report_type": kind, "period": period} | _formats(formats))
    steps = plan(desk.stack, fields, dates, Reprocess(reprocess), now)
    if dry_run:
        _show_plan(desk, steps, fields.identity)
        return
    work = Backfill(desk.stack, fields, steps, notify=Notify(notify), at_once=at_once)
    done, interrupted = _run(desk, work)
    left_out = [step for step in steps if not step.wanted]
    _show_done(desk, done, left_out, interrupted)
    if interrupted:
        desk.out.note("The same command goes on with the dates that are lacking.")
        raise typer.Exit(ExitCode.INTERRUPTED)
    if any(one.status in UNDONE for one in done):
        raise typer.Exit(ExitCode.FAILED)


def _formats(said: list[str] | None) -> dict[str, list[str]]:
    from ops.complaints import Misused
    from salesflow.formats import Format

    for name in said or ():
        if name not in Format:
            raise Misused(f"{name} is no format of reports.", action=f"Say one of {', '.join(Format)}.")
    return {"formats": said} if said else {}


def _run(desk: Desk, work: Backfill) -> tuple[list[Done], bool]:
    """All dates that were started, in the order in which they ended, and whether somebody interrupted it."""
    done: list[Done] = []
    interrupted = False
    with desk.out.progress("Making reports", total=work.waiting) as working:
        while True:
            try:
                for one in work.run():
                    done.append(one)
                    working.at(f"{one.business_date} {one.status}")
                    working.advance()
                    if not desk.out.is_terminal:
                        desk.out.note(f"{one.business_date} {one.status} in {one.seconds:.1f} s: {one.reason}")
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                work.stop()
                running = ", ".join(map(str, work.running))
                if running:
                    desk.out.note(f"No further date is started. Waiting for {running}; Ctrl+C again leaves them alone.")
            else:
                return done, interrupted


def _show_plan(desk: Desk, steps: list[Step], identity: str) -> None:
    rows = [(step.business_date.isoformat(), "run" if step.wanted else "leave", step.why) for step in steps]
    wanted = sum(step.wanted for step in steps)
    title = f"{wanted} of {len(steps)} dates of {identity} would be run"
    desk.out.show(steps, Table(title, ("business date", "what", "why"), rows))


def _show_done(desk: Desk, done: list[Done], left_out: list[Step], interrupted: bool) -> None:
    rows = [
        (d.business_date.isoformat(), status(d.status), f"{d.seconds:.1f} s", ", ".join(d.notified) or "-", d.reason)
        for d in sorted(done, key=lambda d: d.business_date)
    ]
    counts = Counter(one.status for one in done)
    summary = [(word, str(count)) for word, count in sorted(counts.items())]
    summary += [("left as they were", str(len(left_out)))]
    data = {"done": done, "left_out": left_out, "counts": dict(counts), "interrupted": interrupted}
    columns = ("business date", "status", "time", "mailed to", "why")
    desk.out.show(data, Table("Backfill", columns, rows, empty="Nothing was to be done."), Facts("In all", summary))
