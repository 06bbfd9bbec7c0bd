"""One read of the source against what is stored: which of the two is the truth for which day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self


@dataclass(frozen=True, slots=True)
class Reading:
    """A read of every sale from `since` (a day) on, begun at `read_at` (aware). It is the truth for all those days."""

    since: date
    read_at: datetime

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """The newest reading that went into a stored object; one that cannot be told counts as the oldest."""
        try:
            return cls(date.fromisoformat(metadata["since"]), datetime.fromisoformat(metadata["read-at"]))
        except (KeyError, ValueError):
            return cls(date.max, datetime.min.replace(tzinfo=UTC))

    def metadata(self) -> dict[str, str]:
        """The object metadata that remembers the reading."""
        return {"since": self.since.isoformat(), "read-at": self.read_at.astimezone(UTC).isoformat()}

    def days_over(self, stored: "Reading | None") -> tuple[date, date]:
        """The half-open run of days [first, end) for which this reading overrules what is stored.

        That is every day from `since` on, unless the stored one was begun later (two jobs at once, the earlier read
        written last): then only the days before the later reading's own.
        """
        if stored is None or stored.read_at <= self.read_at:
            return self.since, date.max
        return self.since, max(self.since, stored.since)

    def newest(self, stored: "Reading | None") -> "Reading":
        """The reading to remember once both are merged."""
        return self if stored is None or stored.read_at <= self.read_at else stored
