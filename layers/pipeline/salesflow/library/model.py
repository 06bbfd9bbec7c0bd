"""What the library page shows, as values: the reports' files, how the runs ended, which anomalies are open."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from salesflow.analytics.results import UnusualFinding
from salesflow.formats import Format, ReportType
from salesflow.windows import Period

BADNESS: Final = ("FAILED", "PARTIAL", "SKIPPED_STALE", "SKIPPED_EMPTY", "SUCCEEDED")
"""How a run may have ended, the worst first."""
TROUBLE: Final = frozenset(BADNESS[:3])


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A report's file of a date. path: relative to the page."""

    report_type: ReportType
    period: Period
    business_date: date
    fmt: Format
    path: str


@dataclass(frozen=True, slots=True)
class EndedRun:
    """How the newest run of a job for a business date ended. identity: what it was asked for; finished_at: aware."""

    job: str
    identity: str
    business_date: date
    status: str
    reason: str
    finished_at: datetime

    @property
    def in_trouble(self) -> bool:
        """Whether it did not do all that it was asked."""
        return self.status in TROUBLE


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that the page shows.

    first_date: reports of earlier dates are in the bucket and not in `files`; None with no report. runs_from: the date of the
    oldest of `runs`. checked_on: the newest date that was checked for anomalies. is_whole: whether all files could be listed.
    """

    files: tuple[StoredFile, ...]
    runs: tuple[EndedRun, ...] = ()
    anomalies: tuple[UnusualFinding, ...] = ()
    first_date: date | None = None
    checked_on: date | None = None
    is_whole: bool = True

    @property
    def newest(self) -> date | None:
        """The newest business date with a report."""
        return max((file.business_date for file in self.files), default=None)
