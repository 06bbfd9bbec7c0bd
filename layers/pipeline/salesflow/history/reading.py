"""One read of the source against what is stored: which of the two is the truth for which day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Self

BELIEVED_AHEAD: Final = timedelta(hours=1)
"""How much later than one's own read another one can have begun: a function's 15 minutes, and clocks that differ. What claims more
is no read, but a wrong clock or a wrong hand, and would keep new sales out until its date."""

METADATA: Final = frozenset({"since", "read-at"})
"""The names under which an object remembers its reading. They alone are no reason to write it again."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A read of every sale from `since` (a business date) on, begun at `read_at` (aware). It is the truth for all those days."""

    since: date
    read_at: datetime

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """The newest reading that went into a stored object; one that cannot be told counts as the oldest."""
        try:
            found = cls(date.fromisoformat(metadata["since"]), datetime.fromisoformat(metadata["read-at"]))
        except (KeyError, ValueError):
            found = None
        if found is None or found.read_at.tzinfo is None:
            return cls(date.max, datetime.min.replace(tzinfo=UTC))
        return found

    def metadata(self) -> dict[str, str]:
        """The object metadata that remembers the reading."""
        return {"since": self.since.isoformat(), "read-at": self.read_at.astimezone(UTC).isoformat()}

    def is_enough(self, since: date, now: datetime, most: timedelta) -> bool:
        """Whether a job that would read from `since` on at `now` can go by this read instead: no older than `most`, and no shallower."""
        return self.since <= since and timedelta(0) <= now - self.read_at <= most

    def days_over(self, stored: "Reading | None") -> tuple[date, date]:
        """The half-open run of days [first, end) for which this reading overrules what is stored.

        That is every day from `since` on, unless the stored one was begun later (two jobs at once, the earlier read
        written last): then only the days before the later reading's own.
        """
        if stored is None or not self._yields_to(stored):
            return self.since, date.max
        return self.since, max(self.since, stored.since)

    def newest(self, stored: "Reading | None") -> "Reading":
        """The reading to remember once both are merged."""
        return stored if stored is not None and self._yields_to(stored) else self

    def _yields_to(self, stored: "Reading") -> bool:
        return self.read_at < stored.read_at <= self.read_at + BELIEVED_AHEAD


NEVER: Final = Reading(date.max, datetime.min.replace(tzinfo=UTC))
"""What counts as the oldest read of all."""
