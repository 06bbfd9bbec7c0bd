"""Faults that a test switches on: which calls go wrong, how, and how often. Deterministic; no dice are thrown."""

import fnmatch
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status and nothing useful: 502 to 504 as a proxy's HTML page, a redirect empty, others in the API's error shape.

    `retry_after` (seconds, or an HTTP date) and `location` are sent as they are.
    """

    code: int
    retry_after: str | int | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Slow:
    """Wait so many seconds before the answer begins."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Trickle:
    """Send the right answer in pieces of `piece` bytes with a pause before each: no read ever times out."""

    seconds: float
    piece: int = 16


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection without an answer, as a server does that is being restarted."""


@dataclass(frozen=True, slots=True)
class Truncated:
    """Announce the whole body, send only this share of it, and close."""

    share: float = 0.5


@dataclass(frozen=True, slots=True)
class Body:
    """Status 200 and exactly this body."""

    content: bytes
    content_type: str = "application/json"


HTML_PAGE = Body(b"<!DOCTYPE html><html><body><h1>We'll be back soon</h1></body></html>", "text/html;charset=utf-8")
"""A proxy's maintenance page, with status 200."""
EMPTY_BODY = Body(b"")
INVALID_JSON = Body(b'[{"id": 1, "saleDate": "2026-11-22T18:04", "totalAm')
"""JSON that breaks off in the middle, with a Content-Length that agrees with it."""


@dataclass(frozen=True, slots=True)
class BadRecords:
    """Put these values (made JSON as they are) before the records of a list answer."""

    records: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Forbidden:
    """403 in the API's error shape, whatever the role."""


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """401 with the servlet container's body, whatever the token."""


Fault = Status | Slow | Trickle | Reset | Truncated | Body | BadRecords | Forbidden | Unauthorized


@dataclass(slots=True)
class _Rule:
    pattern: str
    fault: Fault
    left: int | None
    skip: int


@dataclass(slots=True)
class Faults:
    """The switched-on faults. A call meets the first rule that matches its path and is not used up."""

    _rules: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def inject(self, pattern: str, fault: Fault, *, times: int | None = 1, after: int = 0) -> None:
        """Let the next `times` calls (None: all) whose path below `/api/v1` matches a shell pattern meet `fault`.

        `after` calls pass unharmed first. A rule added later comes after the earlier ones, so that a test can write
        down a sequence: first a 503, then a reset, then a good answer.
        """
        with self._lock:
            self._rules.append(_Rule(pattern, fault, times, after))

    def clear(self) -> None:
        """Switch everything off."""
        with self._lock:
            self._rules.clear()

    def take(self, path: str) -> Fault | None:
        """The fault that this call meets, which is then used up by one."""
        with self._lock:
            for rule in self._rules:
                if rule.left == 0 or not fnmatch.fnmatchcase(path, rule.pattern):
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.left is not None:
                    rule.left -= 1
                return rule.fault
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """One call that reached the server. `status` is 0 where the connection was reset."""

    method: str
    path: str
    query: Mapping[str, str]
    status: int
    authorized: bool
    """Whether the call carried an Authorization header (its value is not kept)."""
