"""What the ledger holds, as values: a run per job identity and business date, and a record per recipient.

In DynamoDB a run is the row (`run#{identity}`, business date); the record of a recipient has the same partition key and
the sort key `{business date}#sent#{edition}#{recipient}`. Moments are ISO 8601 in UTC with microseconds, so that they
compare as text.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Self

from salesflow.stored import known


class RunStatus(StrEnum):
    """How a run stands. (`DUPLICATE` is an answer of a handler and never a row.)"""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    SKIPPED_EMPTY = "SKIPPED_EMPTY"
    SKIPPED_STALE = "SKIPPED_STALE"
    FAILED = "FAILED"

    @property
    def is_done(self) -> bool:
        """Whether the date needs no further run: it succeeded, or there was rightly nothing to report."""
        return self in (RunStatus.SUCCEEDED, RunStatus.SKIPPED_EMPTY, RunStatus.SKIPPED_STALE)


class SendOutcome(StrEnum):
    """What became of one recipient's mail."""

    SENT = "SENT"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a run saved; `bytes` is its size, `sha256` its hash in hex."""

    format: str
    bucket: str
    key: str
    bytes: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """The artifact as it appears in answers and in the ledger."""
        return {**asdict(self), "format": str(self.format)}


@dataclass(frozen=True, slots=True)
class SentRecord:
    """One recipient's mail in one edition: accepted by SES under `message_id`, or refused for `reason`."""

    recipient: str
    edition: str
    outcome: SendOutcome
    message_id: str
    reason: str
    recorded_at: datetime
    run_id: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record that a row (decoded) holds."""
        return cls(
            recipient=row["recipient"],
            edition=row["edition"],
            outcome=_outcome(row),
            message_id=row.get("message_id", ""),
            reason=row.get("reason", ""),
            recorded_at=datetime.fromisoformat(row["recorded_at"]),
            run_id=row["run_id"],
        )


def _outcome(row: Mapping[str, Any]) -> SendOutcome:
    """What a row says; of a later release's word, that SES accepted a mail (it has an id) is what counts."""
    if row["outcome"] in SendOutcome:
        return SendOutcome(row["outcome"])
    return SendOutcome.SENT if row.get("message_id") else SendOutcome.REFUSED


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One row: the latest run of a job identity for a business date.

    `attempt` counts the claims of the row. `lease_until` and `finished_at` exclude each other. `edition` is what a
    recipient is told only once of; `interim` says that the business date was not over when the run began.
    """

    identity: str
    business_date: date
    run_id: str
    status: RunStatus
    reason: str
    attempt: int
    schedule: str
    scheduled_time: datetime
    started_at: datetime
    finished_at: datetime | None
    lease_until: datetime | None
    artifacts: tuple[Artifact, ...]
    notified: tuple[str, ...]
    details: Mapping[str, Any]
    edition: str
    interim: bool
    request_id: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The run that a row (decoded) holds."""
        return cls(
            identity=row["pk"].removeprefix(RUN_PREFIX),
            business_date=date.fromisoformat(row["sk"]),
            run_id=row["run_id"],
            status=RunStatus(row["status"]),
            reason=row["reason"],
            attempt=int(row["attempt"]),
            schedule=row["schedule"],
            scheduled_time=datetime.fromisoformat(row["scheduled_time"]),
            started_at=datetime.fromisoformat(row["started_at"]),
            finished_at=datetime.fromisoformat(row["finished_at"]) if "finished_at" in row else None,
            lease_until=datetime.fromisoformat(row["lease_until"]) if "lease_until" in row else None,
            artifacts=tuple(Artifact(**known(Artifact, artifact)) for artifact in row.get("artifacts", ())),
            notified=tuple(row.get("notified", ())),
            details=json.loads(row.get("details", "{}")),
            edition=row.get("edition", "final"),
            interim=row.get("interim", False),
            request_id=row["request_id"],
        )


RUN_PREFIX = "run#"
FORCED = "force-"
"""What the edition of a forced run begins with; its request follows."""


def run_key(identity: str, business_date: date) -> dict[str, str]:
    """The key of a run's row."""
    return {"pk": f"{RUN_PREFIX}{identity}", "sk": business_date.isoformat()}


def sent_prefix(business_date: date, edition: str | None = None) -> str:
    """What the sort keys of the recipients' records begin with: of one edition, or of all of the date's."""
    prefix = f"{business_date.isoformat()}#sent#"
    return prefix if edition is None else f"{prefix}{edition}#"


def stamp(moment: datetime) -> str:
    """An aware moment as text that sorts like the moment."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
