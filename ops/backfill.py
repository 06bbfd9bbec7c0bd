"""Backfill: one report for every date of a period, as many at once as is polite, and none that another run is at.

The ledger is the memory: what is done there is not done again, so that a backfill that was interrupted goes on where it
stopped when it is started again. Each date is one invocation of the report function, which claims its date as always.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from ops.complaints import Misused
from ops.firing import Answer, fire
from ops.target import Stack
from salesflow import clock
from salesflow.errors import SalesFlowError
from salesflow.job_events import Notify, ReportFields
from salesflow.ledger import RunRecord, RunStatus


class Reprocess(StrEnum):
    """Which dates that have been run already are run again."""

    NONE = "none"
    """None of them."""
    FAILED = "failed"
    """Those that failed, or lack something (PARTIAL, a run that was killed)."""
    COMPLETED = "completed"
    """All of them; whoever was told is told again, unless nobody is to be told."""


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


def dates_between(first: date, last: date, *, today: date, most: int) -> list[date]:
    """The dates from `first` to `last`, both included. Raises Misused for a period that is empty, too long, or not over."""
    if last < first:
        raise Misused(f"--to {last} is before --from {first}.", action="Turn them round.")
    if last >= today:
        raise Misused(f"{last} is not over yet: today is {today}.", action=f"Say --to {today - timedelta(days=1)}.")
    days = (last - first).days + 1
    if days > most:
        raise Misused(f"{days} days are more than --max-days {most}.", action=f"Say --max-days {days} if you mean it.")
    return [first + timedelta(days=n) for n in range(days)]


def plan(stack: Stack, fields: ReportFields, dates: Sequence[date], reprocess: Reprocess, now: datetime) -> list[Step]:
    """What is to be done for each date, from what the ledger knows of it. Raises LedgerUnavailable."""
    standing = {run.business_date: run for run in stack.ledger.runs(fields.identity, dates[0], dates[-1])}
    return [_step(day, standing.get(day), reprocess, now) for day in dates]


def _step(day: date, run: RunRecord | None, reprocess: Reprocess, now: datetime) -> Step:
    if run is None:
        return Step(day, True, "never run", None)
    if run.status is RunStatus.RUNNING and run.lease_until is not None and run.lease_until > now:
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
