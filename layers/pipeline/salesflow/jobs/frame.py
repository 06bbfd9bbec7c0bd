"""What every job does around its work: parse, claim, do it once, record the outcome, answer."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, Self
from zoneinfo import ZoneInfo

from salesflow import clock
from salesflow.errors import DateHeld, SalesFlowError, SystemTokenMissing, SystemTokenRejected
from salesflow.identity import JobKind
from salesflow.job_events import Firing, JobFields, JobRequest
from salesflow.jobs.recipients import recipients_of
from salesflow.jobs.runtime import Runtime
from salesflow.ledger import Artifact, Claim, RunRecord, RunStatus
from salesflow.observability import MetricUnit, counts, logger, metrics
from salesflow.settings import Settings
from salesflow.shop_id import MAIN_SHOP
from salesflow.shops.book import NoSuchShop

if TYPE_CHECKING:
    from salesflow.watch.expected import Expectations

DUPLICATE = "DUPLICATE"
_LONGEST_WAIT = timedelta(seconds=15)
LAST_SECONDS = timedelta(seconds=10)
"""Kept back at the end of a function's time, to record a failure before Lambda ends the process."""


class LambdaContext(Protocol):
    """The part of Lambda's context object that jobs use."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the process."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job's work came to.

    notified: who has been told in the run's edition, by it or by one before it; told_now: of these, by this run. `details`
    goes into the answer and the ledger as it is (JSON values only).
    """

    status: RunStatus
    reason: str
    artifacts: tuple[Artifact, ...] = ()
    notified: tuple[str, ...] = ()
    told_now: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run[Fields: JobFields]:
    """One claimed run: what was asked, the claim on its date, what to work with, and when (aware) it must have ended."""

    request: JobRequest[Fields]
    claim: Claim
    runtime: Runtime
    deadline: datetime | None


def _nothing_to_check(_request: JobRequest[Any], _settings: Settings) -> None:
    """Most events are good wherever they are fired."""


@dataclass(frozen=True, slots=True)
class Job[Fields: JobFields]:
    """A job: its name, the fields that its events may have, and its work.

    check: raises InvalidJobEvent for what is allowed in itself and not with these settings, before anything is done.
    keeps_library: whether its runs make the library page anew.
    """

    name: str
    fields: type[Fields]
    identity: Callable[[JobRequest[Fields]], str]
    work: Callable[[Run[Fields]], Outcome]
    check: Callable[[JobRequest[Fields], Settings], None]
    keeps_library: bool

    @classmethod
    def of(
        cls,
        kind: JobKind[Fields],
        work: Callable[[Run[Fields]], Outcome],
        check: Callable[[JobRequest[Fields], Settings], None] = _nothing_to_check,
    ) -> Self:
        """The job of a kind in the catalogue."""
        return cls(kind.name, kind.fields, kind.identity, work, check, kind.keeps_library)


def run_job[Fields: JobFields](
    job: Job[Fields], event: object, context: LambdaContext | None, runtime: Runtime
) -> dict[str, Any]:
    """Run a job for an event and answer as the contract says.

    context: Lambda's; without one (a call from a shell) there is no deadline and every call is a request of its own.

    Raises InvalidJobEvent and DateHeld before anything is done, and what is wrong with the shop's settings, without which no business
    date is known; any other error is recorded in the ledger as FAILED, then raised, so that Lambda retries and its failure destination
    sees it.
    """
    began = time.perf_counter()
    now = clock.now()
    firing = Firing.of(event, job.fields)
    logger.append_keys(shop=firing.fields.shop)
    runtime = _for_run(runtime, job.name, firing.fields.shop)
    request = firing.for_shop(runtime.settings, now)
    job.check(request, runtime.settings)
    identity = job.identity(request)
    logger.append_keys(
        job=job.name,
        identity=identity,
        schedule=request.schedule,
        scheduled_time=request.scheduled_time.isoformat(),
        business_date=request.business_date.isoformat(),
    )
    deadline = _deadline(now, context)
    request_id = request.request_id or (str(uuid.uuid4()) if context is None else context.aws_request_id)
    claim = _claim(request, identity, runtime, request_id, deadline)
    if isinstance(claim, RunRecord):
        logger.info("duplicate", run_id=claim.run_id, status=claim.status)
        if claim.status is not RunStatus.RUNNING:  # the run may have been ended between its outcome and the page
            _keep_library(job, request, runtime, deadline)
            _expect(request, runtime, claim.status)
        return _duplicate(job.name, request.business_date, claim)
    logger.append_keys(run_id=claim.run_id, attempt=claim.attempt)
    logger.info("started", edition=claim.edition)
    # With `service`, which is the job: the two dimensions that the template's alarms and dashboard ask for.
    metrics.add_dimension(name="stack", value=runtime.settings.stack_name)
    claim.deadline = deadline
    try:
        with claim:
            outcome = job.work(Run(request, claim, runtime, claim.deadline))
            claim.finish(
                outcome.status,
                reason=outcome.reason,
                artifacts=outcome.artifacts,
                notified=outcome.notified,
                details=outcome.details,
            )
    except Exception as error:
        logger.exception("failed", error=type(error).__name__)
        metrics.add_metric(name="RunsFailed", unit=MetricUnit.Count, value=1)
        if isinstance(error, SystemTokenMissing | SystemTokenRejected):
            metrics.add_metric(name="TokenFailures", unit=MetricUnit.Count, value=1)
        _keep_library(job, request, runtime, claim.deadline)
        _expect(request, runtime, RunStatus.FAILED)
        raise
    else:
        logger.info("finished", status=outcome.status, reason=outcome.reason, details=counts(outcome.details))
        metrics.add_metric(name=f"Runs{outcome.status.title().replace('_', '')}", unit=MetricUnit.Count, value=1)
        if not _keep_library(job, request, runtime, claim.deadline):
            metrics.add_metric(name="LibraryFailures", unit=MetricUnit.Count, value=1)
        _expect(request, runtime, outcome.status)
    finally:
        metrics.add_metric(name="Duration", unit=MetricUnit.Milliseconds, value=(time.perf_counter() - began) * 1000)
        metrics.flush_metrics()
        logger.clear_state()
    return _answer(
        job.name,
        request.business_date,
        str(outcome.status),
        outcome.reason,
        outcome.artifacts,
        outcome.told_now if claim.held.tells_rest else outcome.notified,
        {"run_id": claim.run_id, "attempt": claim.attempt, "schedule": request.schedule, **outcome.details},
    )


def _for_run(runtime: Runtime, job: str, shop: str) -> Runtime:
    """The runtime with the shop's settings as they are now; a row that cannot be used is logged and counted as a run that failed."""
    try:
        return runtime.for_run(shop)
    except NoSuchShop:
        raise  # an event that is refused, as any other
    except SalesFlowError as error:
        logger.exception("failed", job=job, error=type(error).__name__)
        metrics.add_dimension(name="stack", value=runtime.settings.stack_name)
        metrics.add_metric(name="RunsFailed", unit=MetricUnit.Count, value=1)
        metrics.flush_metrics()
        raise


def _claim(
    request: JobRequest[Any], identity: str, runtime: Runtime, request_id: str, deadline: datetime | None
) -> Claim | RunRecord:
    """Claim the request's date, or learn why there is nothing to do.

    Two kinds of live runs are waited for, and never answered as a duplicate, which Lambda would take for success: an
    earlier try of this very request, which was ended from outside and whose lease still stands; and a run that would leave
    something of this firing undone though it ended well. Raises DateHeld where neither ends within the function's time.
    """
    zone = runtime.settings.zone
    while True:
        claim = runtime.ledger.claim(
            identity,
            request.business_date,
            request_id=request_id,
            schedule=request.schedule,
            scheduled_time=request.scheduled_time,
            force=request.fields.force,
            resend=request.fields.resends,
            day_is_over=request.day_is_over(zone),
            audience=request.fields.audience,
            readers=recipients_of(request.fields, runtime.settings),
            settings=runtime.settings_used,
        )
        if isinstance(claim, Claim) or claim.status is not RunStatus.RUNNING or claim.lease_until is None:
            return claim
        if _is_answered_by(claim, request, request_id, zone):
            return claim
        now = clock.now()
        pause = min(claim.lease_until - now, _LONGEST_WAIT)
        if deadline is None or now + pause >= deadline:
            raise DateHeld(
                f"Run {claim.run_id} holds {identity} for {request.business_date} until {claim.lease_until:%H:%M:%S} UTC, and "
                "this run is not to be answered by it.",
                action="Lambda tries this run again. By hand: fire it again in a minute.",
            )
        logger.info("waiting", run_id=claim.run_id, lease_until=claim.lease_until.isoformat())
        clock.wait(max(pause.total_seconds(), 0.0))


def _is_answered_by(live: RunRecord, request: JobRequest[Any], request_id: str, zone: ZoneInfo) -> bool:
    """Whether a run at work is another request's, and leaves nothing of this one undone once it ends well."""
    leaves_undone = (live.interim and request.day_is_over(zone)) or not live.will_tell(request.fields.audience)
    return live.request_id != request_id and not leaves_undone


def _keep_library[Fields: JobFields](
    job: Job[Fields], request: JobRequest[Fields], runtime: Runtime, deadline: datetime | None
) -> bool:
    """Note how the run ended and make the library page anew; see `LibraryKeeper.keep`."""
    identity, day = job.identity(request), request.business_date
    ended = lambda: runtime.ledger.runs(identity, day, day)  # noqa: E731
    return runtime.library.keep(job.name, ended, deadline=deadline, page=job.keeps_library)


def _expect(request: JobRequest[Any], runtime: Runtime, status: RunStatus) -> None:
    """Say of another shop's schedule that it did its work, or did not: the stack's watchdog looks at the late ones alone."""
    if runtime.shop == MAIN_SHOP or request.trigger != "schedule":
        return
    from salesflow.watch.expected import Expectations

    expected = Expectations(runtime.rows, timedelta(minutes=runtime.settings.watch_grace_minutes))
    try:
        if status in (RunStatus.SUCCEEDED, RunStatus.SKIPPED_EMPTY):
            expected.done(request.schedule, request.scheduled_time)
            _tell_outside(runtime, expected)
        else:
            expected.undone(request.schedule)
    except SalesFlowError as error:  # it is looked at once more than it need be
        logger.warning("what is expected next was not written", why=str(error))


def _tell_outside(runtime: Runtime, expected: "Expectations") -> None:
    """What another shop's runs do in the place of a look an hour: say that its owner is to hear of its readers, and give the sign of life."""
    from salesflow.watch.heartbeat import beat
    from salesflow.watch.logbook import told_readers

    now, url = clock.now(), runtime.settings.heartbeat_url
    if set(runtime.readers_left_out) != set(told_readers(runtime.rows)):
        expected.want_look(now)
    if url and not runtime.settings.unusable_addresses and expected.is_well(now):
        beat(url)


def _deadline(now: datetime, context: LambdaContext | None) -> datetime | None:
    if context is None:
        return None
    return now + timedelta(milliseconds=context.get_remaining_time_in_millis()) - LAST_SECONDS


def _duplicate(job: str, business_date: date, standing: RunRecord) -> dict[str, Any]:
    live = standing.status is RunStatus.RUNNING
    reason = (
        f"Run {standing.run_id} is at work on {business_date} right now."
        if live
        else f"{business_date} is done already: run {standing.run_id} ended as {standing.status}. "
        'Fire the job with "force": true to run it again.'
    )
    return _answer(job, business_date, DUPLICATE, reason, standing.artifacts, (), {"run_id": standing.run_id})


def _answer(
    job: str,
    business_date: date,
    status: str,
    reason: str,
    artifacts: tuple[Artifact, ...],
    notified: tuple[str, ...],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "job": job,
        "business_date": business_date.isoformat(),
        "status": status,
        "reason": reason,
        "artifacts": [artifact.as_dict() for artifact in artifacts],
        "notified": list(notified),
        **more,
    }
