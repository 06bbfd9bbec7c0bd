"""Clocks that stand still until somebody moves them: one for a test, one for several processes, whose pauses move it.

Only time is taken from the code under test, no logic: `salesflow.clock.now` answers this clock, `time.sleep` moves it on,
and a socket times out when the other side says that the time is over, not when a busy machine is slow to answer.
"""

import mmap
import socket
import struct
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_FORMAT = "<q"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME_IS_OVER = b"\0the time of this call is over\0"
"""What a server sends instead of an answer when a socket has to time out now."""

SHORTEST_SOCKET_WAIT = 60.0
"""Real seconds that a socket waits at least."""


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


class SharedClock:
    """A moment in a file that several processes look at. Calling it answers that moment, aware, in UTC."""

    def __init__(self, path: Path, *, start: datetime | None = None) -> None:
        """Open the clock at `path`; with `start` (aware) it is made first."""
        self.path = path
        if start is not None:
            path.write_bytes(struct.pack(_FORMAT, 0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), struct.calcsize(_FORMAT))
        self._lock = threading.Lock()
        if start is not None:
            self.set(start)

    def __call__(self) -> datetime:
        """The present moment."""
        (microseconds,) = struct.unpack(_FORMAT, self._memory[:])
        return _EPOCH + timedelta(microseconds=microseconds)

    def set(self, moment: datetime) -> None:
        """Go to a moment (aware)."""
        with self._lock:
            self._memory[:] = struct.pack(_FORMAT, (moment - _EPOCH) // timedelta(microseconds=1))

    def advance(self, seconds: float) -> None:
        """Move on."""
        with self._lock:
            (microseconds,) = struct.unpack(_FORMAT, self._memory[:])
            self._memory[:] = struct.pack(_FORMAT, microseconds + int(seconds * 1e6))


class TimeOfProcess:
    """What the code of one process takes for time. Installed before that code is imported, pointed at a clock later."""

    def __init__(self) -> None:
        self.clock: SharedClock | None = None
        self.ahead = timedelta(0)
        """How far this process' own clock is off; machines of a cloud agree to some milliseconds, a broken one to minutes."""
        self._sleep = time.sleep

    def install(self) -> None:
        """Take the place of the wall clock, of `time.sleep`, and of what makes a socket time out."""
        from salesflow import clock

        set_timeout, read_into = socket.socket.settimeout, socket.SocketIO.readinto

        def patient(sock: Any, seconds: float | None) -> None:
            set_timeout(sock, max(seconds, SHORTEST_SOCKET_WAIT) if seconds else seconds)

        def until_told(stream: Any, buffer: Any) -> int | None:
            read = read_into(stream, buffer)
            if read and bytes(memoryview(buffer)[: len(TIME_IS_OVER)]) == TIME_IS_OVER:
                raise TimeoutError("timed out")
            return read

        clock.now = self.now
        time.sleep = self.sleep  # type: ignore[assignment]  # whole seconds in other forms are not asked for
        socket.socket.settimeout = patient  # type: ignore[method-assign]
        socket.SocketIO.readinto = until_told  # type: ignore[method-assign,assignment]

    def now(self) -> datetime:
        """The simulated moment; the real one while no clock is set."""
        return datetime.now(UTC) if self.clock is None else self.clock() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass, and give way to others for real."""
        if self.clock is None:
            self._sleep(seconds)
        else:
            self.clock.advance(seconds)
            self._sleep(min(seconds, 0.002))
