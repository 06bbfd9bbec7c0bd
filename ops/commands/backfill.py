"""`backfill`: a report for every date of a period.

Backfill: one report for every date of a period, as many at once as is polite, and none that another run is at.

The ledger is the memory: what is done there is not done again, so that a backfill that was interrupted goes on where it
stopped when it is started again. Each date is one invocation of the report function, which claims its date as always.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

import typer

from ops.complaints import ExitCode, Misused
from ops.desk import Desk
from ops.firing import Answer, fire
from ops.groups import Group
from ops.options import AllShopsOption, DryRunOption, PeriodOption, TypeOption, YesOption
from ops.target import Stack
from ops.terminal import Facts, Table, status
from salesflow import clock
from salesflow.errors import SalesFlowError
from salesflow.formats import Format, ReportType
from salesflow.job_events import Notify, ReportFields
from salesflow.ledger import RunRecord, RunStatus
from salesflow.windows import Period

AT_ONCE, MOST_DAYS = 2, 92


@dataclass(frozen=True, slots=True)
class Step:
    """One date of the plan: whether it is to be run, why or why not, and how it stands in the ledger."""

    business_date: date
    wanted: bool
    why: str
    standing: RunStatus | None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a date."""

    business_date: date
    status: str
    reason: str
    seconds: float
    notified: tuple[str, ...] = ()


class Reprocess(StrEnum):
    """Which dates that have been run already are run again."""

    NONE = "none"
    """None of them."""
    FAILED = "failed"
    """Those that failed, or lack something (PARTIAL, a run that was killed)."""
    COMPLETED = "completed"
    """All of them; whoever was told is told again, unless nobody is to be told."""


def plan(stack: Stack, fields: ReportFields, dates: Sequence[date], reprocess: Reprocess, now: datetime) -> list[Step]:
    """What is to be done for each date, from what the ledger knows of it. Raises LedgerUnavailable."""
    standing = {run.business_date: run for run in stack.ledger.runs(fields.identity, dates[0], dates[-1])}
    return [_step(day, standing.get(day), reprocess, now) for day in dates]


def _step(day: date, run: RunRecord | None, reprocess: Reprocess, now: datetime) -> Step:
    if run is None:
        return Step(day, True, "never run", None)
    if run.is_alive(now):
        return Step(day, False, "another run is at it right now", run.status)
    done = run.status.is_done and not run.interim
    if done:
        again = reprocess is Reprocess.COMPLETED
        return Step(day, again, f"done: {run.status}", run.status, force=again)
    lacking = "made before the day was over" if run.status.is_done else f"ended as {run.status}"
    if run.status is RunStatus.RUNNING:
        lacking = "was killed while it ran"
    return Step(day, reprocess is not Reprocess.NONE, lacking, run.status)


class Backfill:
    """The runs of a plan, at most `at_once` at the same time, the oldest date first."""

    def __init__(
        self, stack: Stack, fields: ReportFields, steps: Sequence[Step], *, notify: Notify, at_once: int
    ) -> None:
        self._stack = stack
        self._fields = fields
        self._waiting = [step for step in steps if step.wanted]
        self._notify = notify
        self._at_once = at_once
        self._running: dict[Future[Done], date] = {}

    @property
    def running(self) -> list[date]:
        """The dates that are being run now."""
        return sorted(self._running.values())

    @property
    def waiting(self) -> int:
        """How many dates have not been started."""
        return len(self._waiting)

    def stop(self) -> None:
        """Start no further date; `run` ends when those that are running are done."""
        self._waiting.clear()

    def run(self) -> Iterator[Done]:
        """Do it; each date as it ends. May be called again after an interruption, to wait for what is still running."""
        pool = ThreadPoolExecutor(self._at_once)
        try:
            while self._waiting or self._running:
                while self._waiting and len(self._running) < self._at_once:
                    step = self._waiting.pop(0)
                    self._running[pool.submit(self._one, step)] = step.business_date
                finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
                for future in sorted(finished, key=lambda f: self._running[f]):
                    del self._running[future]
                    yield future.result()
        finally:
            pool.shutdown(wait=False)

    def _one(self, step: Step) -> Done:
        from botocore.exceptions import BotoCoreError, ClientError

        event = self._fields.model_dump(mode="json", exclude_defaults=True) | {
            "business_date": step.business_date.isoformat(),
            "notify": self._notify.value,
        }
        if step.force:
            event["force"] = True
        began = clock.now()
        try:
            answer = fire(self._stack, "report", event)
        except (BotoCoreError, ClientError, SalesFlowError) as error:
            # The other dates still want to be done; this one can be tried again.
            answer = Answer("", error_type=type(error).__name__, error=str(error))
        seconds = (clock.now() - began).total_seconds()
        told = tuple(answer.answer.get("notified", ()))
        return Done(step.business_date, answer.status, answer.reason, seconds, told)


app = Group("Make what was not made when it was due.", examples=["backfill report --from 2026-11-01 --to 2026-11-20"])

UNDONE = {"FAILED", "PARTIAL"}


@app.command(
    "report",
    examples=[
        "backfill report --from 2026-11-01 --to 2026-11-20 --dry-run",
        "backfill report --from 2026-11-01 --to 2026-11-20 --type combined --format pdf --reprocess failed",
        "backfill report --from 2026-11-01 --to 2026-11-20 --all-shops --dry-run",
    ],
)
def backfill_report(
    desk: Desk,
    *,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first business date.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last business date.")],
    report_type: TypeOption = ReportType.SALES,
    formats: Annotated[
        list[Format] | None, typer.Option("--format", "-f", help="Repeat for more [pdf and excel].")
    ] = None,
    period: PeriodOption = Period.DAILY,
    reprocess: Annotated[
        Literal["none", "failed", "completed"] | None,
        typer.Option(help="Which dates that were run already are run again [none; with --all-shops failed]."),
    ] = None,
    notify: Annotated[Notify, typer.Option("--notify", help="Who is mailed each report.")] = Notify.NONE,
    max_days: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Refuse a longer period [92; with --all-shops 31].")
    ] = None,
    at_once: Annotated[
        int | None, typer.Option(min=1, max=10, help="How many to make at the same time [2; with --all-shops 20].")
    ] = None,
    all_shops: AllShopsOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Make a report for each date, the oldest first; nothing that is done or being done is done twice.

    Interrupt it whenever you like: the same command goes on where it stopped. Nobody is mailed unless --notify says so. With --all-shops
    the stack's own machine does it, as `fleet backfill` has it (which can say more): few shops first, and it says how to watch it.
    """
    if all_shops:
        from ops.commands import fleet

        desk.ensure_no_single_shop()
        if reprocess not in (None, "failed"):
            raise Misused(
                f"--reprocess {reprocess} is for one shop: of all shops, what is lacking or failed is made.",
                action="Leave it out, or say --shop.",
            )
        bounds = {"max_days": max_days, "at_once": at_once}
        said_bounds = {name: number for name, number in bounds.items() if number is not None}
        fleet.backfill(
            desk=desk,
            first=first,
            last=last,
            report_type=report_type,
            formats=formats,
            period=period,
            notify=notify,
            yes=yes,
            dry_run=dry_run,
            **said_bounds,
        )
        return
    dates = desk.dates(first, last, most=max_days or MOST_DAYS)
    said = {"report_type": report_type, "period": period} | ({"formats": formats} if formats else {})
    fields = ReportFields.model_validate(said)
    steps = plan(desk.stack, fields, dates, Reprocess(reprocess or "none"), clock.now())
    if dry_run:
        _show_plan(desk, steps, fields.identity)
        return
    readers = {Notify.NONE: (), Notify.OWNER: desk.stack.settings.owner_recipients}.get(
        notify, desk.stack.settings.report_recipients
    )
    wanted = sum(step.wanted for step in steps)
    if readers and wanted:
        question = f"Mail {len(readers)} reader{'s'[: len(readers) > 1]} up to {wanted} reports each?"
        if not desk.out.confirm(question, yes=yes):
            raise typer.Exit(ExitCode.FAILED)
    work = Backfill(desk.stack, fields, steps, notify=notify, at_once=at_once or AT_ONCE)
    done, interrupted = _run(desk, work)
    left_out = [step for step in steps if not step.wanted]
    _show_done(desk, done, left_out, interrupted)
    if interrupted:
        desk.out.note("The same command goes on with the dates that are lacking.")
        raise typer.Exit(ExitCode.INTERRUPTED)
    if any(one.status in UNDONE for one in done):
        raise typer.Exit(ExitCode.FAILED)


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
    desk.out.show(steps, Table(title, ("business date", "what", "why"), rows, prose={"why"}))


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
    desk.out.show(
        data,
        Table("Backfill", columns, rows, empty="Nothing was to be done.", prose={"why"}, minor=("time",)),
        Facts("In all", summary),
    )
