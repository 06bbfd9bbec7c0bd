"""The jobs by name: what their events may ask, and what makes two firings the same work.

The jobs themselves take these from here, and the watchdog asks them which run a schedule's firing should have left in
the ledger. Nothing here imports what a job works with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from salesflow.job_events import (
    AnomalyCheckFields,
    ForecastFields,
    JobFields,
    JobRequest,
    ReportFields,
    SyncHistoryFields,
    WatchdogFields,
)


@dataclass(frozen=True, slots=True)
class JobKind[Fields: JobFields]:
    """A job's name, the fields that its events may have, and the identity of a request's work.

    catches_up: whether a later run does the work of an earlier one that was missed, so that nothing stays lacking.
    keeps_library: whether its runs make the library page anew. (The watchdog reads no bucket; what it did is on the next page.)
    """

    name: str
    fields: type[Fields]
    identity: Callable[[JobRequest[Fields]], str]
    catches_up: bool
    keeps_library: bool = True


def each_tick(name: str) -> Callable[[JobRequest[Any]], str]:
    """The identity of jobs that run many times for one business date: each tick of a schedule is work of its own."""

    def identity(request: JobRequest[Any]) -> str:
        return name if request.trigger == "manual" else f"{name}@{request.scheduled_time:%Y-%m-%dT%H:%MZ}"

    return identity


REPORT = JobKind("report", ReportFields, lambda request: request.fields.identity, catches_up=False)
SYNC_HISTORY = JobKind("sync_history", SyncHistoryFields, each_tick("sync_history"), catches_up=True)
ANOMALY_CHECK = JobKind("anomaly_check", AnomalyCheckFields, lambda request: request.fields.identity, catches_up=False)
FORECAST = JobKind("forecast", ForecastFields, lambda _: "forecast", catches_up=True)
WATCHDOG = JobKind("watchdog", WatchdogFields, each_tick("watchdog"), catches_up=True, keeps_library=False)

CATALOGUE: Mapping[str, JobKind[Any]] = {
    kind.name: kind for kind in (REPORT, SYNC_HISTORY, ANOMALY_CHECK, FORECAST, WATCHDOG)
}
"""Every job that a schedule may fire."""
