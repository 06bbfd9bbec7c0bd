"""A small real HTTP server that answers as the SalesFlow Lite API does, faults included on demand."""

from __future__ import annotations

import gzip
import math
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, assert_never

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from local.api import faults as planned
from local.api.accounts import Accounts, SystemAccount
from local.api.answers import BASE_PATH, HTML, Reader, Refused, answer_of, authenticate, error_answer, unauthorized
from local.api.faults import Call, Fault, Faults
from local.api.records import Wrapping
from local.api.store import SalesStore
from salesflow import clock as wall_clock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_MAX_REQUEST = 1 << 20


class SalesFlowServer:
    """The SalesFlow Lite API over a `SalesStore`, in threads of this process; a context manager.

    `clock` answers the server's local now, naive, in the merchant's zone: a simulation moves time with it. Tokens live
    in real time, which `token_clock` (aware) answers. `wrapping` is how lists are sent; with `compress` they are sent in
    gzip to who accepts it. `dates` (aware) is what answers are dated by. `calls` is what reached the server; `faults` is what goes wrong on purpose.
    """

    def __init__(
        self,
        store: SalesStore,
        *,
        clock: Callable[[], datetime],
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        wrapping: Wrapping | str = Wrapping.NONE,
        require_auth: bool = True,
        token_lifetime: timedelta = timedelta(hours=1),
        account: SystemAccount | None = None,
        html_unauthorized: bool = True,
        compress: bool = False,
        token_clock: Callable[[], datetime] = wall_clock.now,
        dates: Callable[[], datetime] | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.faults = faults or Faults()
        self.wrapping = Wrapping(wrapping)
        self.require_auth = require_auth
        self.html_unauthorized = html_unauthorized
        self.compress = compress
        self.dates = dates or (lambda: wall_clock.now())  # noqa: PLW0108 - looked up at each call: tests put another there
        self.accounts = Accounts(account or SystemAccount(), token_lifetime=token_lifetime, now=token_clock)
        self.stopping = threading.Event()
        self._calls: list[Call] = []
        self._lock = threading.Lock()
        with socket.create_server((host, port), backlog=64) as listening:
            self._http = make_server(
                host, port, self._answer, threaded=True, request_handler=_Handler, fd=listening.fileno()
            )
        self._http.api = self  # type: ignore[attr-defined]  # what the handler dates its answers by
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return self._http.port

    @property
    def url(self) -> str:
        """The base URL as a client on this machine reaches it; ends in `/api/v1`."""
        host = self._http.host
        return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{self.port}{BASE_PATH}"  # noqa: S104 - compared, not bound

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls so far, in the order in which they were answered."""
        with self._lock:
            return tuple(self._calls)

    def count(self, path: str, *, status: int | None = None) -> int:
        """How many calls went to exactly this path (below `/api/v1`, without query), of one status or of any."""
        return sum(call.path == path and status in {None, call.status} for call in self.calls)

    def forget_calls(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._calls.clear()

    def issue_token(self, lifetime: timedelta | None = None, *, role: str | None = None) -> str:
        """A new access token of the system account; a negative lifetime makes one that has expired."""
        return self.accounts.issue_token(lifetime, role=role)

    def revoke(self, token: str) -> None:
        """Refuse this access token from now on."""
        self.accounts.revoke(token)

    def start(self) -> Self:
        """Serve in a thread until `stop`."""
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening, and wake who sleeps over an answer."""
        self.stopping.set()
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._thread = None
        self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The server as a WSGI application. ConnectionError ends the connection as it is: the handler then sends no more."""
        request = Request(environ)
        path = request.path.removeprefix(BASE_PATH)
        body = request.get_data() if (request.content_length or 0) <= _MAX_REQUEST else b""
        fault = self.faults.take(path)
        answer = None if isinstance(fault, planned.Reset) else self._answer_with(fault, request, path, body)
        call = Call(
            request.method,
            path,
            request.args.to_dict(),
            0 if answer is None else answer.status_code,
            authorized="Authorization" in request.headers,
        )
        with self._lock:
            self._calls.append(call)
        if answer is None:
            # a linger of zero seconds makes the close a reset
            environ["werkzeug.socket"].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionResetError
        if self.compress and "gzip" in request.headers.get("Accept-Encoding", "") and answer.content_length:
            answer.set_data(gzip.compress(answer.get_data(), 1))
            answer.headers["Content-Encoding"] = "gzip"
        sent = answer(environ, start_response)
        match fault:
            case planned.Truncated(share):
                return _cut(answer.get_data(), share)
            case planned.Trickle(seconds, piece):
                return self._trickle(answer.get_data(), seconds, piece)
            case _:
                return sent

    def _answer_with(self, fault: Fault | None, request: Request, path: str, body: bytes) -> Response:
        if isinstance(fault, planned.Slow):
            self.stopping.wait(fault.seconds)
        try:
            return _answer_of_fault(self, fault) or self._right_answer(request, path, body, fault)
        except HTTPException as error:
            details = error.details if isinstance(error, Refused) else None
            return error_answer(self, error.code or 500, error.description or "", details)

    def _right_answer(self, request: Request, path: str, body: bytes, fault: Fault | None) -> Response:
        if not request.path.startswith(f"{BASE_PATH}/"):
            raise NotFound("No such resource.")
        if path.startswith("/auth/"):
            return authenticate(self, request.method, path, body)
        role = self.accounts.role_of(request.headers.get("Authorization")) if self.require_auth else "PYTHON_SERVICE"
        if role is None:
            return unauthorized(self)
        if request.method != "GET":
            raise MethodNotAllowed
        return Reader(self, request, role, fault.records if isinstance(fault, planned.BadRecords) else ()).answer(path)

    def _trickle(self, body: bytes, seconds: float, piece: int) -> Iterator[bytes]:
        for start in range(0, len(body), piece):
            if self.stopping.wait(seconds):
                raise ConnectionAbortedError
            yield body[start : start + piece]


def _cut(body: bytes, share: float) -> Iterator[bytes]:
    yield body[: math.floor(len(body) * share)]
    raise ConnectionAbortedError


class _Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True
    server_version = "SalesFlowLite"
    sys_version = ""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of an answer."""
        dates: Callable[[], datetime] = self.server.api.dates  # type: ignore[attr-defined]
        return super().date_time_string(dates().timestamp() if timestamp is None else timestamp)

    def connection_dropped(self, *_: object) -> None:
        """End the connection: the client went away, or a fault ends it."""
        self.close_connection = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Print nothing: `SalesFlowServer.calls` is the log."""


def _answer_of_fault(api: SalesFlowServer, fault: Fault | None) -> Response | None:
    """The whole answer that a fault gives, or None where the right answer is made first."""
    match fault:
        case planned.Status(code, retry_after, location):
            phrase = HTTPStatus(code).phrase
            page = f"<html><body><h1>{code} {phrase}</h1></body></html>".encode()
            answer = answer_of([page], code, HTML) if code in {502, 503, 504} else error_answer(api, code, phrase)
            if location is not None:
                answer = answer_of([], code)
            for name, value in (("Retry-After", retry_after), ("Location", location)):
                if value is not None:
                    answer.headers[name] = str(value)
            return answer
        case planned.Body(content, content_type):
            return answer_of([content], 200, content_type)
        case planned.Forbidden():
            return error_answer(api, 403, "Access is denied.")
        case planned.Unauthorized():
            return unauthorized(api)
        case None | planned.Slow() | planned.Trickle() | planned.Truncated() | planned.BadRecords() | planned.Reset():
            return None
        case _:
            assert_never(fault)
