"""One HTTP exchange with the SalesFlow API that outlasts the small server's restarts, but never the caller's deadline.

The policy is urllib3's `Retry`; the loop is here, because a deadline must also cut the pauses between the tries, and a
server that hangs must not be waited for again, as one that is restarted is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from time import sleep
from typing import Literal

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
from salesflow.errors import SourceUnavailable
from salesflow.observability import logger
from salesflow.source.bounded import Waits, bounded, connection_pools

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
"""How long an answer may take to begin (its headers are then complete), and then for every few bytes (`Waits`). A server that hangs
is not asked again by the run that it kept waiting, which holds a function meanwhile: the run ends, and Lambda's retry asks."""
KEPT_OPEN = timedelta(seconds=30)
"""For how long an idle connection is used again: one that died without notice would pass for a server that hangs."""
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
_MEMORY_OF_CODE = 250 * 2**20
_PIECE = 1 << 20
_SMALL = 16 * _PIECE
_REASONS: tuple[tuple[type[HTTPError], str], ...] = (
    (NameResolutionError, "its host name is not known"),
    (NewConnectionError, "it takes no connection"),
    (ConnectTimeoutError, "it takes no connection in time"),
    (ReadTimeoutError, "it does not answer in time"),
    (SSLError, "its TLS certificate is not accepted"),
    (HTTPError, "the connection breaks off"),
)


type Reader[Content] = Callable[[Iterator[bytes], Mapping[str, str]], Content]
"""Makes something of a body as it comes, and of its headers. It is asked again from the start where the connection broke off."""


@dataclass(frozen=True, slots=True)
class Answer[Content]:
    """What the API answered in the end, and what was made of a good answer's body. It goes into no message: a server may echo the
    token that it was sent."""

    status: int
    content: Content | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def whole_body(pieces: Iterator[bytes], _headers: Mapping[str, str]) -> bytes:
    """The body of a small answer; of one that is not, its beginning."""
    body = bytearray()
    while len(body) <= _SMALL and (piece := next(pieces, b"")):
        body += piece
    return bytes(body)


def bearable_bytes(memory_mb: int) -> int:
    """How much of an answer a function with so much memory can hold at a time, as it came and as what was made of it."""
    return max(16 * 2**20, (memory_mb * 2**20 - _MEMORY_OF_CODE) // 3)


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
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._retries = retries
        self._pause = pause
        self._pools = connection_pools(connections=4)
        self._used_at = clock.now()

    def send[Content](
        self,
        method: Literal["GET", "POST"],
        path: str,
        read: Reader[Content],
        *,
        call: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        deadline: datetime | None = None,
    ) -> Answer[Content]:
        """The first answer that the policy does not want tried again. Only for calls that may be repeated.

        path: below the base URL, quoted, with its query. read: what is done with the body of a 200. call: how messages name
        it. deadline: aware; no try and no pause goes on after it. Raises SourceUnavailable when tries or time run out, and
        what `read` raises.
        """
        until = deadline or clock.now() + PATIENCE
        policy, why = self._retries, "there was no time left to call it"
        if clock.now() - self._used_at > KEPT_OPEN:
            self._pools.clear()
        for attempt in count(1):
            if _seconds_left(until) <= 0:
                break
            outcome = self._try(method, path, read, headers, body, until)
            if isinstance(outcome, Answer):
                if not policy.is_retry("GET", outcome.status):
                    return outcome
                why = f"it answers {outcome.status}"
            else:
                why = why_not(outcome)
                if isinstance(outcome, ReadTimeoutError) or _seconds_left(until) <= 0:
                    break
            wanted = outcome.headers.get("Retry-After") if isinstance(outcome, Answer) else None
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

    def _try[Content](
        self,
        method: str,
        path: str,
        read: Reader[Content],
        headers: Mapping[str, str],
        body: bytes | None,
        until: datetime,
    ) -> Answer[Content] | HTTPError:
        left = _seconds_left(until)
        timeout = Timeout(connect=min(self._connect_seconds, left), read=min(self._read_seconds, left))
        waits = Waits(self._read_seconds, until)
        try:
            with bounded(waits):
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
            waits.begin()
            try:
                pieces: Iterator[bytes] = iter(lambda: response.read1(_PIECE), b"")
                content = read(pieces, response.headers) if response.status == 200 else None
                is_read = len(whole_body(pieces, {})) <= _SMALL  # so that the connection can be used again
            except BaseException:
                response.close()  # what is left of the answer must not be taken for the next one's
                raise
            (response.release_conn if is_read else response.close)()
        except HTTPError as error:
            return error
        finally:
            self._used_at = clock.now()
        return Answer(response.status, content, response.headers)


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


def why_not(error: HTTPError) -> str:
    """What an error of a connection means, in words."""
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))
