"""Fencing: what an object on S3 says of the claim that it was written under, and which of two claims is the later one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from salesflow import clock
from salesflow.errors import ClaimLost, SalesFlowError
from salesflow.ledger import Fence
from salesflow.s3 import Facts

_CLOCKS_DIFFER = timedelta(days=1)
"""No two machines' clocks differ by more; an object that was claimed longer before a run cannot have overtaken it."""

_TOMORROW = timedelta(minutes=10)
"""What was claimed later than now by more than this is not believed."""


class ReportOvertaken(SalesFlowError):
    """A run of another report that began later has saved newer figures under the same key; this run's are not put over them."""


@dataclass(frozen=True, slots=True)
class Head:
    """What S3 says about an object (`salesflow.s3.Facts`), read for the claim that it was written under."""

    facts: Facts

    def ensure_not_overtaken(self, fence: Fence, key: str) -> None:
        """Raise ClaimLost where a later run of the same work wrote it."""
        if self.facts.metadata.get("identity") != fence.identity or self._claimed_at is None:
            return
        if self._attempt > fence.attempt and self._claimed_at > fence.claimed_at - _CLOCKS_DIFFER:
            raise ClaimLost(
                f"Try {self._attempt} of {fence.identity} for {fence.business_date} has written {key}; this is try "
                f"{fence.attempt}, which it overtook.",
                action="Nothing needs doing if the other run finishes; the ledger shows it.",
            )

    def is_later(self, fence: Fence) -> bool:
        """Whether it was written under a claim of other work that was made after this one."""
        if self.facts.metadata.get("identity") == fence.identity or self._claimed_at is None:
            return False
        return fence.claimed_at < self._claimed_at <= clock.now() + _TOMORROW

    def carries(self, fence: Fence) -> bool:
        """Whether it was written under this very claim."""
        return self.facts.metadata.get("identity") == fence.identity and self._attempt == fence.attempt

    @property
    def _attempt(self) -> int:
        text = self.facts.metadata.get("attempt", "")
        return int(text) if text.isascii() and text.isdigit() else 0

    @property
    def _claimed_at(self) -> datetime | None:
        try:
            moment = datetime.fromisoformat(self.facts.metadata["claimed-at"])
        except (KeyError, ValueError):
            return None
        return moment if moment.tzinfo else None


def fenced(metadata: Mapping[str, str], fence: Fence) -> dict[str, str]:
    """The metadata of an object that is written under a claim."""
    return {
        **metadata,
        "business-date": fence.business_date.isoformat(),
        "identity": fence.identity,
        "attempt": str(fence.attempt),
        "claimed-at": fence.claimed_at.isoformat(),
    }
