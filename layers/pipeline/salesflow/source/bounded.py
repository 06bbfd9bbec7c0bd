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
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

SecondsLeft = Callable[[], float]

_seconds_left: ContextVar[SecondsLeft | None] = ContextVar("seconds_left", default=None)


@contextmanager
def bounded(seconds_left: SecondsLeft) -> Iterator[None]:
    """Bound what is read in this thread of answers that begin in the block; `seconds_left` is asked before each wait."""
    token = _seconds_left.set(seconds_left)
    try:
        yield
    finally:
        _seconds_left.reset(token)


class _Stream(io.RawIOBase):
    """What a socket receives, with a time-out for each wait of as long as there is time."""

    def __init__(self, sock: socket.socket, seconds_left: SecondsLeft) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._seconds_left = seconds_left

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read once. Raises TimeoutError where there is no time left."""
        left = self._seconds_left()
        if left <= 0:
            raise TimeoutError("no time left")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Give the socket back to its connection."""
        self._raw.close()
        super().close()


class _Socket:
    """A socket as `http.client.HTTPResponse` uses it: to make a file of it."""

    def __init__(self, sock: socket.socket, seconds_left: SecondsLeft) -> None:
        self._sock, self._seconds_left = sock, seconds_left

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The stream of what is received; it is only read."""
        return io.BufferedReader(_Stream(self._sock, self._seconds_left))


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        seconds_left = _seconds_left.get()
        given: Any = sock if seconds_left is None else _Socket(sock, seconds_left)
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
