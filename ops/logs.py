"""What a stack's functions wrote into CloudWatch Logs, line by line, as values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.runs import Run
from ops.target import Stack
from salesflow import clock
from salesflow.stored import json_object

JOBS = ("report", "sync_history", "forecast", "anomaly_check", "watchdog", "mail_events", "links")
ONLY_WITH = {"mail_events": "MailEventsFunction", "links": "LinksFunction"}
"""Functions that a stack has only under a condition, by their logical ids."""
SLACK = timedelta(minutes=2)
"""Before a run claims its date its container starts; after it has ended Lambda writes its own record."""

# Said by every line of a run, or of use to nobody but Powertools.
_COMMON = {
    "attempt",
    "business_date",
    "details",  # the answer's own words, which are shown with it
    "exception",
    "exception_name",
    "identity",
    "job",
    "level",
    "location",
    "message",
    "run_id",
    "schedule",
    "scheduled_time",
    "service",
    "stack_trace",
    "timestamp",
    "xray_trace_id",
}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: when, by which job, how grave, what, and the fields that it holds beside. `id` is CloudWatch's."""

    id: str
    moment: datetime
    job: str
    level: str
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run that wrote it; "" where it belongs to none."""
        return str(self.fields.get("run_id", ""))

    @property
    def more(self) -> str:
        """Its own fields, for a reader."""
        own = {name: value for name, value in self.fields.items() if name not in _COMMON}
        raised = str(self.fields.get("exception") or "").strip().splitlines()
        sentence = [raised[-1].partition(": ")[2] or raised[-1]] if raised else []
        return " ".join([*(f"{name}={_short(value)}" for name, value in own.items()), *sentence])


def read(stack: Stack, job: str, since: datetime, until: datetime | None = None, *, holds: str = "") -> list[LogLine]:
    """The lines of a job's function from `since` on that hold a text, in order of time; metrics are left out."""
    request: dict[str, Any] = {
        "logGroupName": stack.function(job).log_group,
        "startTime": int(since.timestamp() * 1000),
    }
    if until is not None:
        request["endTime"] = int(until.timestamp() * 1000) + 1
    if holds:
        request["filterPattern"] = f'"{holds}"'
    pages = stack.client("logs").get_paginator("filter_log_events").paginate(**request)
    lines = [line for page in pages for event in page["events"] if (line := _line(job, event)) is not None]
    return sorted(lines, key=lambda line: line.moment)


def of_run(stack: Stack, run: Run) -> list[LogLine]:
    """What a run wrote, and Lambda's own record of it."""
    record = run.record
    since, until = record.started_at - SLACK, (record.finished_at or clock.now()) + SLACK
    found = {
        line.id: line
        for text in (record.run_id, record.request_id)
        for line in read(stack, run.job, since, until, holds=text)
    }
    return sorted(found.values(), key=lambda line: line.moment)


class Follower:
    """Reads what is new in the logs of some jobs, each time that it is asked."""

    def __init__(self, stack: Stack, jobs: tuple[str, ...], since: datetime) -> None:
        self._stack = stack
        self._since = dict.fromkeys(jobs, since)
        self._seen: set[str] = set()

    def new(self) -> Iterator[LogLine]:
        """The lines that came since the last call, in order of time."""
        found = []
        for job, since in self._since.items():
            lines = [line for line in read(self._stack, job, since) if line.id not in self._seen]
            self._seen.update(line.id for line in lines)
            if lines:  # lines of one moment may come one after the other
                self._since[job] = lines[-1].moment - timedelta(seconds=5)
            found += lines
        yield from sorted(found, key=lambda line: line.moment)


def _line(job: str, event: Mapping[str, Any]) -> LogLine | None:
    """A log event as a line; None for a metric."""
    text = str(event["message"]).rstrip()
    known = event.get("eventId") or f"{event['timestamp']} {text}"  # the model of the API promises none
    moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    held = json_object(text)
    if held is None:
        return LogLine(known, moment, job, "", text)
    if "_aws" in held:
        return None
    if str(held.get("type", "")).startswith("platform."):
        return LogLine(
            known,
            moment,
            job,
            "LAMBDA",
            _platform(held),
            {"request_id": held["record"].get("requestId", "")},
        )
    message = str(held.get("message", text))
    return LogLine(known, moment, job, str(held.get("level", "")), message, held)


def _platform(held: Mapping[str, Any]) -> str:
    """Lambda's own record in words."""
    kind, record = str(held["type"]).removeprefix("platform."), held.get("record", {})
    metrics = record.get("metrics") or {}
    if kind != "report" or not metrics:
        return kind
    cold = f", cold start {metrics['initDurationMs'] / 1000:.1f} s" if "initDurationMs" in metrics else ""
    return (
        f"{record.get('status', 'report')}: {metrics['durationMs'] / 1000:.1f} s{cold}, "
        f"{metrics.get('maxMemoryUsedMB', '?')} of {metrics.get('memorySizeMB', '?')} MB"
    )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:199] + "…"
