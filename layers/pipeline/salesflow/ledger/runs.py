"""What the ledger holds of runs, as values: one row per job identity and business date, its latest run.

In DynamoDB a run is the row (`run#{identity}`, business date). Moments are ISO 8601 in UTC with microseconds, so that they
compare as text. Who was told is in the send log (`salesflow.ledger.send_log`), what was mailed in the edition
(`salesflow.ledger.editions`).
"""

import hashlib
import json
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from salesflow.job_events import Audience
from salesflow.shop_id import partition_prefix
from salesflow.stored import known

RUN_PREFIX = "run#"
FINAL, INTERIM = "final", "interim"
LEASE_AHEAD = timedelta(hours=1)
"""How far ahead a lease can end at most: its 45 seconds, and clocks that differ by minutes. What claims more is a wrong clock or a wrong
hand, and would keep the date from every run until then."""
FORCED = "force-"
"""What the edition of a forced run begins with; the request that began it follows."""


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
class SettingsUsed:
    """The settings that a run used: which version of the shop's row, and what they come to (`ShopSettings.digest`)."""

    version: int
    digest: str


NO_SETTINGS = SettingsUsed(0, "")
"""What runs of version 1.0.0 say of them."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One row: the latest run of a job identity for a business date.

    `attempt` counts the claims of the row. `lease_until` and `finished_at` exclude each other. `edition` is what a
    recipient is told only once of; `interim` says that the business date was not over when the run began. `told` is whom
    the date's runs have told so far, in whatever edition; `owed` whom the present edition was to tell when a firing of it
    ended early, and has not told yet.
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
    told: Audience = Audience.EVERYBODY
    owed: Audience = Audience.NOBODY
    settings: SettingsUsed = NO_SETTINGS

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
            told=_told(row),
            owed=Audience(row.get("owed", ())),
            settings=SettingsUsed(int(row.get("settings_version", 0)), row.get("settings_digest", "")),
        )

    @property
    def is_unfinished(self) -> bool:
        """Whether the run did not come to an outcome: it failed, or it was ended from outside (or is at work yet)."""
        return self.status in (RunStatus.FAILED, RunStatus.RUNNING)

    @property
    def is_forced(self) -> bool:
        """Whether its edition is one that an operator forced."""
        return self.edition.startswith(FORCED)

    def is_alive(self, now: datetime) -> bool:
        """Whether it is at work: its lease stands, and ends when a run's lease can end."""
        lease = self.lease_until
        return self.status is RunStatus.RUNNING and lease is not None and now < lease <= now + LEASE_AHEAD

    def has_told(self, audience: Audience) -> bool:
        """Whether nobody of this audience is left to be told by its outcome: done asks who was told."""
        return self.status.is_done and self.told.covers(audience) and not (self.owed and audience)

    def will_tell(self, audience: Audience) -> bool:
        """Whether nobody of this audience is left to be told once the run, which is at work, ends well."""
        return self.told.joined(self.owed).covers(audience)


def _told(row: Mapping[str, Any]) -> Audience:
    """Whom the date's runs have told.

    A row of version 1.0.0 does not say: a report that was made and mailed to nobody was told to nobody; anything else
    counts as told to everybody whom it was for, as it did then. (A check mails nobody on most days, whoever it is for.)
    """
    if "told" in row:
        return Audience(row["told"])
    is_mute = row["pk"].startswith(f"{RUN_PREFIX}report/") and not row.get("notified")
    if is_mute and row["status"] == RunStatus.SUCCEEDED:
        return Audience.NOBODY
    return Audience.EVERYBODY


def run_key(identity: str, business_date: date) -> dict[str, str]:
    """The key of a run's row."""
    return {"pk": f"{RUN_PREFIX}{identity}", "sk": business_date.isoformat()}


def reference_of(identity: str, business_date: date, edition: str, shop: str) -> str:
    """What the mails of a shop's edition carry in their subject: short, the same on every retry, and no other shop's."""
    text = f"{partition_prefix(shop)}{identity}|{business_date.isoformat()}|{edition}"
    digest = hashlib.sha256(text.encode()).digest()
    return "SF-" + b32encode(digest)[:8].decode()


def stamp(moment: datetime) -> str:
    """An aware moment as text that sorts like the moment."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
