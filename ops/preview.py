"""What a firing would do, worked out by the job's own code from the function's own environment; nothing is fired or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ops.target import Stack
from salesflow import clock, job_events
from salesflow.identity import CATALOGUE, JobKind
from salesflow.job_events import Firing, JobFields, JobRequest, ReportFields
from salesflow.ledger import RunRecord, SendOutcome
from salesflow.windows import Period, Window, previous_window, window_of


@dataclass(frozen=True, slots=True)
class Preview:
    """A firing that was not made.

    `window` are the days that it looks at, `compared_with` those that they are held against; `reads` its inputs in words;
    `recipients` who would be mailed, with `left_out` and why not; `keys` what it would write in `bucket`; `outcome` what the
    ledger says would come of it.
    """

    job: str
    event: Mapping[str, Any]
    identity: str
    business_date: date
    day_is_over: bool
    window: Window | None
    compared_with: Window | None
    reads: Sequence[str]
    recipients: Sequence[str]
    left_out: Mapping[str, str]
    bucket: str
    keys: Sequence[str]
    outcome: str


def request_of(stack: Stack, job: str, event: Mapping[str, Any], now: datetime) -> tuple[JobKind[Any], JobRequest[Any]]:
    """The request that an event makes of a job, as its function would read it. Raises InvalidJobEvent."""
    kind = CATALOGUE[job]
    return kind, Firing.of(event, kind.fields).for_shop(stack.settings, now)


def preview(stack: Stack, job: str, event: Mapping[str, Any], now: datetime) -> Preview:
    """What a firing of `job` with `event` would do now. Raises InvalidJobEvent, and what looking things up raises."""
    kind, request = request_of(stack, job, event, now)
    fields, day = request.fields, request.business_date
    identity = kind.identity(request)
    window = _window(fields, day)
    is_report = isinstance(fields, ReportFields)
    recipients, left_out = _recipients(stack, fields, identity, day)
    return Preview(
        job=job,
        event=event,
        identity=identity,
        business_date=day,
        day_is_over=request.day_is_over(stack.zone),
        window=window,
        compared_with=previous_window(fields.period, window) if is_report and window is not None else None,
        reads=_reads(stack, request),
        recipients=recipients,
        left_out=left_out,
        bucket=stack.bucket,
        keys=[stack.files.full(key) for key in _keys(job, fields, day)],
        outcome=_outcome(stack.ledger.find(identity, day), fields, now),
    )


def _window(fields: JobFields, day: date) -> Window | None:
    period = getattr(fields, "period", None)
    return window_of(period, day) if isinstance(period, Period) else None


def _reads(stack: Stack, request: JobRequest[Any]) -> list[str]:
    """The inputs of a job, in words; with the days that its first step, the sync, would ask the source for."""
    settings, fields, day = stack.settings, request.fields, request.business_date
    if isinstance(fields, job_events.WatchdogFields):
        hours = settings.watch_lookback_hours
        return [f"the schedules of the group {settings.schedule_group}", f"the ledger, at most {hours} hours back"]
    reads = [f"sales since {_sync_from(stack, request)} from {settings.api_url}, into the history"]
    if isinstance(fields, ReportFields):
        from salesflow.analytics.sales import days_needed

        needed = days_needed(fields.period, day)
        reads.append(f"sale lines of {needed.first} to {needed.last} from the history")
        if fields.report_type != "sales":
            reads.append(f"the stock at the close of {day}")
        if fields.report_type != "stock":
            reads.append("the newest forecast")
    elif isinstance(fields, job_events.AnomalyCheckFields):
        reads += [
            "the daily panel and the shop's days",
            f"the stock at the close of {day}, for causes",
            "the open alerts",
        ]
    elif isinstance(fields, job_events.SyncHistoryFields):
        reads.append("the stock as it is now")
    else:
        reads.append(f"the daily panel and the shop's days, at most {settings.history_days} days back")
    return reads


def _sync_from(stack: Stack, request: JobRequest[Any]) -> date:
    """The first day that the sync would read again, by its own plan and what is covered now."""
    from salesflow.history.sync import History
    from salesflow.jobs.needs import demand_of

    settings = stack.settings
    has_lines = isinstance(request.fields, ReportFields | job_events.SyncHistoryFields)
    history = History.of(stack.objects, settings, with_lines=has_lines)
    return history.plan(demand_of(request, settings), read_at=clock.now()).since


def _recipients(stack: Stack, fields: JobFields, identity: str, day: date) -> tuple[tuple[str, ...], dict[str, str]]:
    """Who would be mailed, and who would not though they are meant, with the reason."""
    from salesflow.delivery.addresses import MarkedAddresses
    from salesflow.jobs.recipients import recipients_of
    from salesflow.links.things import MailList

    meant = recipients_of(fields, stack.settings)
    if not meant:
        return (), {}
    mail_list = MailList.REPORTS if isinstance(fields, ReportFields) else MailList.ALERTS
    left_out = {
        address: marked.reason
        for address, marked in MarkedAddresses(stack.rows).all().items()
        if marked.has_stopped(mail_list) or not marked.is_own_choice
    }
    if not fields.force:
        standing = stack.ledger.find(identity, day)
        for sent in stack.ledger.sends(identity, day, standing.edition) if standing else ():
            if sent.outcome is SendOutcome.SENT:
                left_out[sent.recipient.lower()] = f"was told already, at {sent.recorded_at:%Y-%m-%d %H:%M} UTC"
    reasons = {address: left_out[address.lower()] for address in meant if address.lower() in left_out}
    return tuple(address for address in meant if address not in reasons), reasons


def _keys(job: str, fields: JobFields, day: date) -> list[str]:
    """What the job would write for its date, beside the history."""
    if isinstance(fields, ReportFields):
        from salesflow.delivery.store import latest_key, manifest_key, report_key

        files = [report_key(fields.report_type, fields.period, day, fmt) for fmt in fields.formats]
        latest = [latest_key(fields.report_type, fields.period, fmt) for fmt in fields.formats]
        return [*files, manifest_key(fields.report_type, fields.period, day), *latest]
    if isinstance(fields, job_events.AnomalyCheckFields):
        from salesflow.alerts.result import result_key

        if fields.name is not None:  # filed under the SKU, which the check looks up
            return [f"anomalies/PRODUCT/sku=(that of {fields.name})/..."]
        return [result_key(fields.scope, fields.sku, fields.period, day)]
    if job == "forecast":
        from salesflow.delivery.forecasts import forecast_key

        return [forecast_key(day)]
    return []


def _outcome(standing: RunRecord | None, fields: JobFields, now: datetime) -> str:
    """What the ledger would make of the claim."""
    if standing is None:
        return "It would run: nothing is on record for this date."
    if standing.is_alive(now):
        return f"It would answer DUPLICATE: run {standing.run_id} is at work on this date."
    if standing.status.is_done and not standing.has_told(fields.audience) and not fields.force:
        return f"It would mail whoever was not told by run {standing.run_id}, with the files that are there."
    if standing.status.is_done and not standing.interim and not fields.force:
        return f"It would answer DUPLICATE: this date ended as {standing.status} (run {standing.run_id}); --force runs it again."
    if fields.force:
        return f"It would run again, and mail again: the last run ended as {standing.status}."
    return f"It would go on where the last run stopped ({standing.status}): {standing.reason or 'it left no reason'}"
