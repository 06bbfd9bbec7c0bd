"""One HTTP exchange with the SalesFlow API that outlasts the small server's restarts, but never the caller's deadline.

The policy is urllib3's `Retry`; the loop is here, because a deadline must also cut the pauses between the tries, and a
server that hangs must not be waited for as often as one that is restarted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from time import sleep
from typing import Literal

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InvalidHeader,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import Retry, Timeout

from salesflow import clock
from salesflow.errors import SourceContractBroken, SourceUnavailable
from salesflow.observability import logger
from salesflow.source.bounded import bounded, connection_pools

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
"""How long an answer may take to begin (its headers are then complete), and how long it may then be silent."""
MOST_SILENT = 2
"""Tries that meet no answer in that time: a server that hangs is asked once more, not until the function's time is over."""
RETRIES = Retry(
    total=6,
    backoff_factor=1.0,  # pauses of 0, 2, 4, 8, 16 and 30 seconds, plus jitter: they outlast a minute's restart
    backoff_max=30.0,
    backoff_jitter=1.0,
    retry_after_max=60,
    status_forcelist=(408, 429, 500, 502, 503, 504),
    allowed_methods=None,
)
PATIENCE = timedelta(minutes=10)
"""How long one call may take with all its tries where the caller gives no deadline; a function lives for 15 minutes."""
MAX_ANSWER_BYTES = 512 * 2**20
"""Where the memory is not known."""

_MEMORY_OF_CODE = 250 * 2**20
_MEMORY_OF_A_BYTE = 4.5
"""Peak of a sync: 844 MB for 150 MB of JSON, 2,118 for 450; the rest is Python, its libraries, and a report's tables."""
_PIECE = 1 << 20
_REASONS: tuple[tuple[type[HTTPError], str], ...] = (
    (NameResolutionError, "its host name is not known"),
    (NewConnectionError, "it takes no connection"),
    (ConnectTimeoutError, "it takes no connection in time"),
    (ReadTimeoutError, "it does not answer in time"),
    (SSLError, "its TLS certificate is not accepted"),
    (HTTPError, "the connection breaks off"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered in the end. The body goes into no message: a server may echo the token that it was sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Received:
    answer: Answer

    @property
    def retry_after(self) -> str | None:
        return self.answer.headers.get("Retry-After")


def bearable_bytes(memory_mb: int) -> int:
    """The largest answer that a function with so much memory can read and store."""
    return max(16 * 2**20, int((memory_mb * 2**20 - _MEMORY_OF_CODE) / _MEMORY_OF_A_BYTE))


class Transport:
    """Sends requests below one base URL, to that host alone: no redirect is followed. Safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        retries: Retry = RETRIES,
        pause: Callable[[float], None] = sleep,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._retries = retries
        self._pause = pause
        self._max_answer_bytes = max_answer_bytes
        self._pools = connection_pools(connections=4)

    def send(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        call: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        deadline: datetime | None = None,
    ) -> Answer:
        """The first answer that the policy does not want tried again. Only for calls that may be repeated.

        path: below the base URL, quoted, with its query. call: how messages name it. deadline: aware; no try and no pause
        goes on after it. Raises SourceUnavailable when tries or time run out, SourceContractBroken for an answer that is
        too large.
        """
        until = deadline or clock.now() + PATIENCE
        policy, why, silent = self._retries, "there was no time left to call it", 0
        for attempt in count(1):
            if _seconds_left(until) <= 0:
                break
            outcome = self._try(method, path, headers, body, call, until)
            if isinstance(outcome, _Received):
                if not policy.is_retry("GET", outcome.answer.status):
                    return outcome.answer
                why = f"it answers {outcome.answer.status}"
            else:
                why = _reason(outcome)
                silent += isinstance(outcome, ReadTimeoutError)
                if silent == MOST_SILENT or _seconds_left(until) <= 0:
                    break
            wanted = outcome.retry_after if isinstance(outcome, _Received) else None
            following = _incremented(policy, outcome if isinstance(outcome, HTTPError) else None)
            if following is None:
                break
            policy = following
            wait = _wait(policy, wanted)
            if wait >= _seconds_left(until):
                why += ", and the job has no time left to wait for it"
                break
            logger.warning(
                "A call of the SalesFlow API is tried again.", call=call, attempt=attempt, why=why, wait=wait
            )
            self._pause(wait)
        raise SourceUnavailable(
            f"{call} failed after {attempt} tries: the SalesFlow API is not available ({why}).",
            action="Look at the SalesFlow service and at SALESFLOW_API_URL; fire the job again once it answers.",
        )

    def pause(self, seconds: float, deadline: datetime | None) -> bool:
        """Wait before a further try and answer True, unless the deadline comes before."""
        if deadline is not None and seconds >= _seconds_left(deadline):
            return False
        self._pause(seconds)
        return True

    def ensure_bearable(self, size: int, call: str) -> None:
        """Raise SourceContractBroken where an answer of so many bytes is more than can be read."""
        if size > self._max_answer_bytes:
            raise SourceContractBroken(
                f"{call} answered more than {self._max_answer_bytes:,} bytes, the most that this function's memory holds.",
                action="Give the function more memory (Parameter SyncMemory, ReportMemory, ForecastMemory or AnomalyCheckMemory), "
                "or keep a shorter history (HistoryDays).",
            )

    def _try(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, call: str, until: datetime
    ) -> _Received | HTTPError:
        left = _seconds_left(until)
        timeout = Timeout(connect=min(self._connect_seconds, left), read=min(self._read_seconds, left))
        begins_by: datetime | None = None
        begun = False

        def left_for_this_wait() -> float:
            nonlocal begins_by
            if begins_by is None:  # the connection stands, and the request is sent
                begins_by = clock.now() + timedelta(seconds=self._read_seconds)
            return min(self._read_seconds if begun else _seconds_left(begins_by), _seconds_left(until))

        try:
            with bounded(left_for_this_wait):
                response = self._pools.request(
                    method,
                    self.base_url + path,
                    headers=headers,
                    body=body,
                    timeout=timeout,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
            begun = True
            try:
                content = self._read(response, call)
            except BaseException:
                response.close()  # what is left of the answer must not be taken for the next one's
                raise
            response.release_conn()
        except HTTPError as error:
            return error
        return _Received(Answer(response.status, content, response.headers))

    def _read(self, response: urllib3.BaseHTTPResponse, call: str) -> bytes:
        pieces, size = [], 0
        while piece := response.read1(_PIECE):
            pieces.append(piece)
            size += len(piece)
            self.ensure_bearable(size, call)
        return b"".join(pieces)


def _seconds_left(until: datetime) -> float:
    return (until - clock.now()).total_seconds()


def _incremented(policy: Retry, error: HTTPError | None) -> Retry | None:
    """The policy with one try less, None where there is none left. All that is sent here may be repeated, as a GET may."""
    try:
        return policy.increment("GET", error=error)
    except HTTPError:
        return None


def _wait(policy: Retry, retry_after: str | None) -> float:
    """Seconds to wait: what the server asks for (capped by the policy), or else the policy's own pause."""
    try:
        wanted = policy.parse_retry_after(retry_after or "0")
    except (InvalidHeader, ValueError, OverflowError):  # no number, no date, or one beyond all calendars
        wanted = 0
    return wanted or policy.get_backoff_time()


def _reason(error: HTTPError) -> str:
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))
