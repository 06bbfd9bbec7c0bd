"""The simulated time of a local cloud: what the SalesFlow API server and the scheduler take for now."""

from __future__ import annotations

import threading
from datetime import UTC, datetime


class SimulatedClock:
    """A clock that stands still until it is set. Calling it answers the moment, aware, in UTC."""

    def __init__(self, moment: datetime) -> None:
        self._lock = threading.Lock()
        self._moment = _utc(moment)

    def __call__(self) -> datetime:
        """The present moment, aware, in UTC."""
        with self._lock:
            return self._moment

    def set(self, moment: datetime) -> None:
        """Go to `moment` (aware), forwards or back."""
        with self._lock:
            self._moment = _utc(moment)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC)
