"""Ticks: what a schedule's firing should have left in the ledger, and how that stands at a moment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from salesflow.errors import InvalidJobEvent
from salesflow.identity import CATALOGUE, JobKind
from salesflow.job_events import NOBODY_S_OWN, Audience, JobRequest
from salesflow.ledger import RunRecord, RunStatus
from salesflow.stored import UnreadableRow
from salesflow.watch.schedules import Schedule
from salesflow.windows import MIDNIGHT

RETRIES_OVER = timedelta(minutes=10)
"""Lambda tries a failed run again after one and after two minutes: one that has stood as failed for longer is final."""


_UNTOLD = "Its work was done by a run that was to tell fewer (notify none or owner, or some of the readers): the rest was not told."


class Trouble(StrEnum):
    """What can be wrong with a firing's work."""

    MISSING = "missing"
    LATE = "late"
    FAILED = "failed"
    PARTIAL = "partial"
    STALE = "stale"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Tick:
    """One firing of a schedule, and the run that it should have left.

    wants_final: whether the business date was over, so that an interim run does not count. doubt: why the firing may
    never have been due; empty where it certainly was. told: whether the owner knows of its trouble.
    """

    schedule: str
    due: datetime
    job: str
    identity: str
    business_date: date
    wants_final: bool
    window_minutes: int
    doubt: str = ""
    told: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a tick stands: done or not, and the trouble with it, if any (a run may be done, but late)."""

    tick: Tick
    done: bool
    trouble: Trouble | None = None
    reason: str = ""


def job_of(schedule: Schedule, stack: str) -> JobKind[Any] | None:
    """The job that a schedule fires, by its function's name; None where it is none of this stack's."""
    prefix = f"{stack}-"
    if not schedule.function.startswith(prefix):
        return None
    return CATALOGUE.get(schedule.function.removeprefix(prefix).replace("-", "_"))


def tick_of(
    schedule: Schedule,
    due: datetime,
    *,
    stack: str,
    zone: ZoneInfo,
    day_ends_at: time = MIDNIGHT,
    doubt: str = "",
) -> Tick:
    """The tick of a schedule at `due`: its identity and business date by the job's own code.

    Raises InvalidJobEvent where the job would refuse the schedule's input, or where it fires no job of this stack.
    """
    kind = job_of(schedule, stack)
    if kind is None:
        raise InvalidJobEvent(
            f"It fires {schedule.function or 'no function'}, which is no job of this stack.",
            action="Move it to another group: the watchdog watches this stack's group.",
        )
    request = JobRequest.from_event(schedule.event(due), kind.fields, now=due, zone=zone, day_ends_at=day_ends_at)
    return Tick(
        schedule=schedule.name,
        due=due,
        job=kind.name,
        identity=kind.identity(request),
        business_date=request.business_date,
        wants_final=request.day_is_over(zone),
        window_minutes=schedule.window_minutes,
        doubt=doubt,
    )


def audience_of(
    schedule: Schedule, *, stack: str, zone: ZoneInfo, readers: Mapping[str, tuple[str, ...]] = NOBODY_S_OWN
) -> Audience:
    """Whom a schedule's firings are to tell; nobody, where it says nothing that its job would take."""
    kind = job_of(schedule, stack)
    try:
        now = schedule.modified
        if kind is None:
            return Audience.NOBODY
        request = JobRequest.from_event(schedule.event(now), kind.fields, now=now, zone=zone, readers=readers)
    except InvalidJobEvent:
        return Audience.NOBODY
    return request.fields.audience


def judge(
    tick: Tick,
    run: RunRecord | UnreadableRow | None,
    *,
    now: datetime,
    grace: timedelta,
    audience: Audience = Audience.NOBODY,
) -> Verdict | None:
    """How a tick stands at `now`; None while it is too early to tell.

    run: the ledger's, or what is wrong with its row. audience: whom the firing is to tell: done asks who was told.
    """
    if isinstance(run, UnreadableRow):
        return Verdict(tick, False, Trouble.UNREADABLE, str(run))
    last_moment = tick.due + timedelta(minutes=tick.window_minutes) + grace
    is_overdue = now >= last_moment
    if run is None or (run.interim and tick.wants_final):
        return Verdict(tick, False, Trouble.MISSING, "No run of it is on record.") if is_overdue else None
    match run.status:
        case RunStatus.SUCCEEDED | RunStatus.SKIPPED_EMPTY if not run.has_told(audience):
            return Verdict(tick, False, Trouble.PARTIAL, _UNTOLD) if is_overdue else None
        case RunStatus.SUCCEEDED | RunStatus.SKIPPED_EMPTY:
            # Only the tick's own run tells how late it was: another one may have been fired again by hand since.
            if run.finished_at and run.scheduled_time == tick.due and run.finished_at > last_moment:
                return Verdict(
                    tick, True, Trouble.LATE, f"It was done {_span(run.finished_at - tick.due)} after it was due."
                )
            return Verdict(tick, True)
        case RunStatus.PARTIAL:
            return Verdict(tick, False, Trouble.PARTIAL, run.reason)
        case RunStatus.SKIPPED_STALE:
            return Verdict(tick, False, Trouble.STALE, run.reason)
        case RunStatus.FAILED:
            is_final = run.finished_at is not None and run.finished_at <= now - RETRIES_OVER
            return Verdict(tick, False, Trouble.FAILED, run.reason) if is_final or is_overdue else None
        case RunStatus.RUNNING:
            return _judge_running(tick, run, now=now, is_overdue=is_overdue)


def _judge_running(tick: Tick, run: RunRecord, *, now: datetime, is_overdue: bool) -> Verdict | None:
    if run.is_alive(now):  # one that makes up for trouble told before is no news until it ends
        since = f"It has been at work for {_span(now - run.started_at)} and is not done."
        return Verdict(tick, False, Trouble.LATE, since) if is_overdue and not tick.told else None
    ended = run.lease_until or run.started_at
    if not is_overdue and ended > now - RETRIES_OVER:
        return None
    return Verdict(
        tick, False, Trouble.FAILED, "Its last try was ended from outside (time or memory ran out) and left no reason."
    )


def _span(length: timedelta) -> str:
    minutes = round(length / timedelta(minutes=1))
    return f"{minutes} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
