"""HTTP connections that no server can keep waiting beyond a moment.

A socket's time-out only bounds the wait for the next bytes: who sends one byte now and then, in the status line, a header,
a chunk's length or the body, stretches it for ever. Here each wait is for what is left.
"""

import http.client
import io
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from salesflow import clock

LEAST_BYTES: Final = 16 * 1024
"""What an answer that has begun must bring, or end, for each time that it may keep us waiting: whoever sends less is hanging."""


class Waits:
    """How long one answer may keep us waiting: `seconds` until it has begun, then `seconds` in all for each `LEAST_BYTES`, and never
    beyond `until` (aware). What is done with the bytes in between takes nothing of it."""

    def __init__(self, seconds: float, until: datetime) -> None:
        self._seconds = self._left = seconds
        self._until = until
        self._received = 0
        self._begun = False

    def begin(self) -> None:
        """The answer has begun: its headers are complete."""
        self._begun, self._received, self._left = True, 0, self._seconds

    def read(self, sock: socket.socket, receive: Callable[[], int | None]) -> int | None:
        """Receive once; raises TimeoutError where there is no time left."""
        asked_at = clock.now()
        left = min(self._left, (self._until - asked_at).total_seconds())
        if left <= 0:
            raise TimeoutError("no time left")
        sock.settimeout(left)
        count = receive()
        self._left -= (clock.now() - asked_at).total_seconds()
        self._received += count or 0
        if self._begun and self._received >= LEAST_BYTES:
            self.begin()
        return count


_waits: ContextVar[Waits | None] = ContextVar("waits", default=None)


@contextmanager
def bounded(waits: Waits) -> Iterator[None]:
    """Bound what is read in this thread of answers that begin in the block."""
    token = _waits.set(waits)
    try:
        yield
    finally:
        _waits.reset(token)


class _Stream(io.RawIOBase):
    """What a socket receives, each wait for it bounded."""

    def __init__(self, sock: socket.socket, waits: Waits) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._waits = waits

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read once. Raises TimeoutError where there is no time left."""
        return self._waits.read(self._sock, lambda: self._raw.readinto(buffer))

    def close(self) -> None:
        """Give the socket back to its connection."""
        self._raw.close()
        super().close()


class _Socket:
    """A socket as `http.client.HTTPResponse` uses it: to make a file of it."""

    def __init__(self, sock: socket.socket, waits: Waits) -> None:
        self._sock, self._waits = sock, waits

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The stream of what is received; it is only read."""
        return io.BufferedReader(_Stream(self._sock, self._waits))


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        waits = _waits.get()
        given: Any = sock if waits is None else _Socket(sock, waits)
        super().__init__(given, *args, **options)


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def connection_pools(*, connections: int) -> urllib3.PoolManager:
    """Pools of such connections to one host at a time."""
    manager = urllib3.PoolManager(num_pools=1, maxsize=connections)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager
