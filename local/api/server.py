"""A small real HTTP server that answers as the SalesFlow Lite API does, faults included on demand."""

import gzip
import math
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, assert_never
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from local.api.accounts import HISTORY_ROLES, Accounts, Session, SystemAccount
from local.api.faults import (
    BadRecords,
    Body,
    Call,
    EmptyBody,
    Fault,
    Faults,
    Forbidden,
    HtmlPage,
    InvalidJson,
    Redirect,
    Reset,
    Slow,
    Status,
    Trickle,
    Truncated,
    Unauthorized,
)
from local.api.records import DayAnswer, ErrorAnswer, Product, SaleAnswer, Wrapping, local_date_time
from local.api.store import SalesStore
from salesflow import clock as wall_clock

BASE_PATH = "/api/v1"
JSON = "application/json"
HTML = "text/html;charset=utf-8"
_MAX_REQUEST = 1 << 20
_ERROR_CODES = {
    404: "NOT_FOUND",
    400: "VALIDATION_ERROR",
    401: "AUTH_FAILED",
    403: "ACCESS_DENIED",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_ERROR",
}

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    pieces: Sequence[Buffer] = ()
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def length(self) -> int:
        return sum(len(piece) for piece in self.pieces)

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


class _Refused(Exception):
    """The request gets this error answer."""

    def __init__(self, status: int, message: str, details: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.details = status, message, details


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
        self._http = _Listener((host, port), self)
        self._thread: threading.Thread | None = None

    @property
    def account(self) -> SystemAccount:
        """The system account, for a login."""
        return self.accounts.account

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """The base URL as a client on this machine reaches it; ends in `/api/v1`."""
        host = str(self._http.server_address[0])
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
        """Stop listening and close every connection, also the idle ones that clients keep."""
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

    def record(self, call: Call) -> None:
        """Note a call that was answered."""
        with self._lock:
            self._calls.append(call)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], api: SalesFlowServer) -> None:
        self.api = api
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the standard library's look-up of the host's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a fault of this server and is printed."""
        if not self.api.stopping.is_set():
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        super().server_close()
        with self._open_lock:
            idle, self._open = self._open, set()
        for connection in idle:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was quicker


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SalesFlowLite"
    sys_version = ""
    disable_nagle_algorithm = True
    server: _Listener

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Print nothing: `SalesFlowServer.calls` is the log."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of an answer."""
        return super().date_time_string(self.server.api.dates().timestamp() if timestamp is None else timestamp)

    def _serve(self, method: str) -> None:
        api = self.server.api
        parts = urlsplit(self.path)
        path = unquote(parts.path.removeprefix(BASE_PATH))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = self._request_body()
        fault = api.faults.take(path)
        answer: _Answer | None
        try:
            if isinstance(fault, Slow):
                api.stopping.wait(fault.seconds)
            if isinstance(fault, Reset):
                answer = None
            else:
                answer = _answer_of_fault(api, fault)
                if answer is None:
                    answer = self._route(method, parts.path, query, body, fault)
        except _Refused as refused:
            answer = _error(api, refused.status, refused.message, refused.details)
        api.record(
            Call(
                method,
                path,
                query,
                0 if answer is None else answer.status,
                self.headers.get("Authorization") is not None,
            )
        )
        try:
            self._send(answer, fault)
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the client gave up

    def _request_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _MAX_REQUEST:
            self.close_connection = True
            return b""
        return self.rfile.read(int(length))

    def _route(self, method: str, full_path: str, query: dict[str, str], body: bytes, fault: Fault | None) -> _Answer:
        api = self.server.api
        if not full_path.startswith(BASE_PATH + "/"):
            raise _Refused(404, "No such resource.")
        segments = [unquote(segment) for segment in full_path[len(BASE_PATH) + 1 :].split("/")]
        if segments[0] == "auth":
            return _authenticate(api, method, segments[1:], body)
        role = "PYTHON_SERVICE"
        if api.require_auth:
            proven = api.accounts.role_of(self.headers.get("Authorization"))
            if proven is None:
                return _unauthorized(api)
            role = proven
        if method != "GET":
            raise _Refused(405, "Method not allowed.")
        extra = fault.records if isinstance(fault, BadRecords) else ()
        return _Reader(api, api.clock(), query, role, extra).answer(segments)

    def _send(self, answer: _Answer | None, fault: Fault | None) -> None:
        if answer is None:
            # a linger of zero seconds makes the close a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        if self.server.api.compress and "gzip" in self.headers.get("Accept-Encoding", "") and answer.length:
            packed = gzip.compress(answer.body, 1)
            answer = replace(answer, pieces=[packed], headers=(*answer.headers, ("Content-Encoding", "gzip")))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(answer.length))
        for name, value in answer.headers:
            self.send_header(name, value)
        if isinstance(fault, Truncated):
            self.end_headers()
            self.wfile.write(answer.body[: math.floor(answer.length * fault.share)])
            self.close_connection = True
            return
        self.end_headers()
        if isinstance(fault, Trickle):
            for start in range(0, answer.length, fault.piece):
                if self.server.api.stopping.wait(fault.seconds):
                    return
                self.wfile.write(answer.body[start : start + fault.piece])
            return
        for piece in answer.pieces:
            self.wfile.write(piece)


class _Reader:
    """One authorised GET: what the server reads for it at its `now`."""

    def __init__(
        self, api: SalesFlowServer, now: datetime, query: dict[str, str], role: str, extra: Sequence[Any]
    ) -> None:
        self._api, self._store, self._now = api, api.store, now
        self._query, self._role, self._extra = query, role, extra

    def answer(self, segments: list[str]) -> _Answer:
        match segments:
            case ["sales", "history"]:
                return self._list(self._store.history_json(self._number("days", 90), self._now))
            case ["sales", "today"]:
                return self._list(self._store.history_json(0, self._now))
            case ["sales", "recent"]:
                return self._recent(self._number("limit", 100))
            case ["sales", "history", "by-sku", sku]:
                return self._days(self._store.product_by_sku(sku), f"SKU {sku}")
            case ["sales", "history", "by-name", name]:
                return self._days(self._store.product_by_name(name), f"name {name}")
            case ["products"]:
                return self._products(self._store.products)
            case ["products", "low-stock"]:
                return self._products(
                    [
                        product
                        for product in self._store.products
                        if self._store.stock_of(product, self._now) <= product.low_stock_threshold
                    ]
                )
            case ["products", "by-sku", sku]:
                return self._product(self._store.product_by_sku(sku), f"SKU {sku}")
            case ["products", "by-name", name]:
                return self._product(self._store.product_by_name(name), f"name {name}")
            case ["products", number]:
                found = next((p for p in self._store.products if str(p.id) == number), None)
                return self._product(found, f"id {number}")
            case ["inventory"]:
                return self._list([msgspec.json.encode(item) for item in self._store.inventory(self._now)], commas=True)
            case _:
                raise _Refused(404, "No such resource.")

    def _number(self, name: str, default: int) -> int:
        text = self._query.get(name, str(default))
        if not (text.isascii() and text.isdecimal() and int(text) < 2**31):
            raise _Refused(400, f"{name} must be a whole number, not negative.", name)
        return int(text)

    def _recent(self, limit: int) -> _Answer:
        sales = list(self._store.visible_sales(datetime.combine(date.min, time.min), self._now))
        newest = reversed(sales[max(0, len(sales) - limit) :])
        pieces = [
            msgspec.json.encode(
                SaleAnswer(
                    sale.id,
                    local_date_time(sale.sold_at, self._store.date_style, number=sale.id),
                    sale.total_amount,
                    sale.items,
                )
            )
            for sale in newest
        ]
        return self._list(pieces, commas=True)

    def _days(self, product: Product | None, what: str) -> _Answer:
        if self._role not in HISTORY_ROLES:
            raise _Refused(403, "Access is denied.")
        if product is None:
            raise _Refused(404, f"Product not found: {what}")
        days = self._store.daily_quantities(product.sku, self._number("days", 90), self._now)
        return self._list([msgspec.json.encode(DayAnswer(day, n)) for day, n in days.items()], commas=True)

    def _products(self, products: Sequence[Product]) -> _Answer:
        answers = [self._store.product_answer(product, self._now) for product in products]
        return self._list([msgspec.json.encode(answer) for answer in answers], commas=True)

    def _product(self, product: Product | None, what: str) -> _Answer:
        if product is None:
            raise _Refused(404, f"Product not found: {what}")
        return _Answer(200, [msgspec.json.encode(self._store.product_answer(product, self._now))])

    def _list(self, pieces: Sequence[Buffer], *, commas: bool = False) -> _Answer:
        """A list answer in the server's wrapping; `commas`: the pieces are single records, without commas."""
        body: list[Buffer] = [b",".join(pieces)] if commas and pieces else list(pieces)
        if self._extra:
            extra = b",".join(msgspec.json.encode(record) for record in self._extra)
            body = [extra, b",", *body] if body else [extra]
        wrapping = self._api.wrapping
        if wrapping is Wrapping.NONE:
            return _Answer(200, [b"[", *body, b"]"])
        return _Answer(200, [f'{{"{wrapping}":['.encode(), *body, b"]}"])


def _answer_of_fault(api: SalesFlowServer, fault: Fault | None) -> _Answer | None:
    """The whole answer that a fault gives, or None where the right answer is made first."""
    match fault:
        case Status(code, retry_after):
            headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
            if code in {502, 503, 504}:
                page = f"<html><body><h1>{code} {HTTPStatus(code).phrase}</h1></body></html>"
                return _Answer(code, [page.encode()], HTML, headers)
            shaped = _error(api, code, HTTPStatus(code).phrase)
            return _Answer(code, shaped.pieces, shaped.content_type, headers)
        case HtmlPage():
            return _Answer(200, [b"<!DOCTYPE html><html><body><h1>We'll be back soon</h1></body></html>"], HTML)
        case EmptyBody():
            return _Answer(200)
        case InvalidJson():
            return _Answer(200, [b'[{"id": 1, "saleDate": "2026-11-22T18:04", "totalAm'])
        case Body(content, content_type):
            return _Answer(200, [content], content_type)
        case Redirect(location, code):
            return _Answer(code, headers=(("Location", location),))
        case Forbidden():
            return _error(api, 403, "Access is denied.")
        case Unauthorized():
            return _unauthorized(api)
        case None | Slow() | Trickle() | Truncated() | BadRecords() | Reset():
            return None
        case _:
            assert_never(fault)


def _error(api: SalesFlowServer, status: int, message: str, details: str | None = None) -> _Answer:
    code = _ERROR_CODES.get(status, HTTPStatus(status).name)
    shape = ErrorAnswer(code, message, details, local_date_time(api.clock()))
    return _Answer(status, [msgspec.json.encode(shape)])


def _unauthorized(api: SalesFlowServer) -> _Answer:
    """The servlet container's own answer, which is not the API's error shape."""
    page = b"<!doctype html><html><head><title>HTTP Status 401</title></head><body>Unauthorized</body></html>"
    return _Answer(401, [page] if api.html_unauthorized else [], HTML)


class _LoginRequest(msgspec.Struct, rename="camel"):
    phone_number: str
    password: str


class _RefreshRequest(msgspec.Struct, rename="camel"):
    refresh_token: str


def _authenticate(api: SalesFlowServer, method: str, segments: list[str], body: bytes) -> _Answer:
    """`/auth/login` and `/auth/refresh`."""
    if method != "POST" or segments not in (["login"], ["refresh"]):
        raise _Refused(404, "No such resource.")
    session: Session | None
    try:
        if segments == ["login"]:
            login = msgspec.json.decode(body, type=_LoginRequest)
            session = api.accounts.login(login.phone_number, login.password)
        else:
            session = api.accounts.refresh(msgspec.json.decode(body, type=_RefreshRequest).refresh_token)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _Refused(400, "Validation failed.") from None
    if session is None:
        raise _Refused(401, "Authentication failed.")
    answer = {
        "accessToken": session.access_token,
        "refreshToken": session.refresh_token,
        "refreshExpiresAt": local_date_time(session.refresh_expires_at.replace(tzinfo=None)),
        "tokenType": "Bearer",
        "message": "OK",
        "user": {"id": 1, "phoneNumber": session.account.phone_number, "role": session.account.role},
    }
    return _Answer(200, [msgspec.json.encode(answer)])
