"""The one place where the wall clock is read and waited for."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def wait(seconds: float) -> None:
    """Let time pass."""
    time.sleep(seconds)
