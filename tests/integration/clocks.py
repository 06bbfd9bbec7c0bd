"""A wall clock for tests."""

from datetime import UTC, datetime, timedelta


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """What the hand points to."""
        return self.moment

    def advance(self, **how_long: float) -> None:
        """Move the hand, by timedelta's keywords."""
        self.moment += timedelta(**how_long)
