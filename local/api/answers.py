"""What the SalesFlow Lite API answers to one authorised call, and to a login."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from local.api.accounts import HISTORY_ROLES, Accounts
from local.api.records import DayAnswer, ErrorAnswer, Product, SaleAnswer, Wrapping, local_date_time
from local.api.store import SalesStore

BASE_PATH = "/api/v1"
HTML = "text/html;charset=utf-8"
_PIECE = 1 << 20
_ERROR_CODES = {
    400: "VALIDATION_ERROR",
    401: "AUTH_FAILED",
    403: "ACCESS_DENIED",
    404: "NOT_FOUND",
    500: "INTERNAL_ERROR",
}
_CALLS = Map(
    [
        Rule(path, endpoint=endpoint)
        for path, endpoint in {
            "/sales/history": "history",
            "/sales/today": "today",
            "/sales/recent": "recent",
            "/sales/history/by-sku/<path:sku>": "days_by_sku",
            "/sales/history/by-name/<path:name>": "days_by_name",
            "/products": "products",
            "/products/low-stock": "low_stock",
            "/products/by-sku/<path:sku>": "product_by_sku",
            "/products/by-name/<path:name>": "product_by_name",
            "/products/<number>": "product_by_id",
            "/inventory": "inventory",
        }.items()
    ],
    merge_slashes=False,
)

Buffer = bytes | memoryview


class Refused(HTTPException):
    """The call gets this error answer."""

    def __init__(self, code: int, message: str, details: str | None = None) -> None:
        super().__init__(message)
        self.code, self.details = code, details


def answer_of(pieces: Sequence[Buffer], status: int = 200, content_type: str = "application/json") -> Response:
    """An answer whose body is these pieces, which are not copied as a whole."""
    answer = Response(_in_bytes(pieces), status, content_type=content_type)
    answer.content_length = sum(len(piece) for piece in pieces)
    return answer


def _in_bytes(pieces: Iterable[Buffer]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            yield bytes(piece[start : start + _PIECE])


class Api(Protocol):
    """The server that answers, as far as an answer depends on it (`local.api.server.SalesFlowServer` says what each is)."""

    store: SalesStore
    clock: Callable[[], datetime]
    wrapping: Wrapping
    html_unauthorized: bool
    accounts: Accounts


def error_answer(api: Api, status: int, message: str, details: str | None = None) -> Response:
    """An error in the API's shape."""
    code = _ERROR_CODES.get(status, HTTPStatus(status).name)
    shape = ErrorAnswer(code, message, details, local_date_time(api.clock()))
    return answer_of([msgspec.json.encode(shape)], status)


def unauthorized(api: Api) -> Response:
    """The servlet container's own answer, which is not the API's error shape."""
    page = b"<!doctype html><html><head><title>HTTP Status 401</title></head><body>Unauthorized</body></html>"
    return answer_of([page] if api.html_unauthorized else [], 401, HTML)


class Reader:
    """One authorised GET: what the server reads for it at its now. extra: records that a list answer begins with."""

    def __init__(self, api: Api, request: Request, role: str, extra: Sequence[Any]) -> None:
        self._api, self._store, self._now = api, api.store, api.clock()
        self._query, self._role, self._extra = request.args, role, extra

    def answer(self, path: str) -> Response:
        """The answer to a path below the base path. Raises an HTTPException for an error answer."""
        name, values = _CALLS.bind("").match(path)
        call: Callable[..., Response] = getattr(self, f"_{name}")
        return call(**values)

    def _history(self) -> Response:
        return self._list(self._store.history_json(self._number("days", 90), self._now))

    def _today(self) -> Response:
        return self._list(self._store.history_json(0, self._now))

    def _recent(self) -> Response:
        limit = self._number("limit", 100)
        sales = list(self._store.visible_sales(datetime.combine(date.min, time.min), self._now))
        style = self._store.date_style
        return self._records(
            SaleAnswer(sale.id, local_date_time(sale.sold_at, style, number=sale.id), sale.total_amount, sale.items)
            for sale in reversed(sales[max(0, len(sales) - limit) :])
        )

    def _days_by_sku(self, sku: str) -> Response:
        return self._days(lambda: self._store.product_by_sku(sku))

    def _days_by_name(self, name: str) -> Response:
        return self._days(lambda: self._store.product_by_name(name))

    def _days(self, find: Callable[[], Product | None]) -> Response:
        if self._role not in HISTORY_ROLES:
            raise Refused(403, "Access is denied.")
        days = self._store.daily_quantities(_found(find()).sku, self._number("days", 90), self._now)
        return self._records(DayAnswer(day, n) for day, n in days.items())

    def _products(self) -> Response:
        return self._records(self._store.product_answer(product, self._now) for product in self._store.products)

    def _low_stock(self) -> Response:
        answers = [self._store.product_answer(product, self._now) for product in self._store.products]
        return self._records(answer for answer in answers if answer["stockQuantity"] <= answer["lowStockThreshold"])

    def _product_by_sku(self, sku: str) -> Response:
        return self._product(self._store.product_by_sku(sku))

    def _product_by_name(self, name: str) -> Response:
        return self._product(self._store.product_by_name(name))

    def _product_by_id(self, number: str) -> Response:
        return self._product(next((p for p in self._store.products if str(p.id) == number), None))

    def _product(self, product: Product | None) -> Response:
        return answer_of([msgspec.json.encode(self._store.product_answer(_found(product), self._now))])

    def _inventory(self) -> Response:
        return self._records(self._store.inventory(self._now))

    def _number(self, name: str, default: int) -> int:
        text = self._query.get(name, str(default))
        if not (text.isascii() and text.isdecimal() and int(text) < 2**31):
            raise Refused(400, f"{name} must be a whole number, not negative.", name)
        return int(text)

    def _records(self, records: Iterable[Any]) -> Response:
        pieces = [msgspec.json.encode(record) for record in records]
        return self._list([b",".join(pieces)] if pieces else [])

    def _list(self, pieces: Sequence[Buffer]) -> Response:
        """A list answer in the server's wrapping."""
        body = list(pieces)
        if self._extra:
            extra = b",".join(msgspec.json.encode(record) for record in self._extra)
            body = [extra, b",", *body] if body else [extra]
        if self._api.wrapping is Wrapping.NONE:
            return answer_of([b"[", *body, b"]"])
        return answer_of([f'{{"{self._api.wrapping}":['.encode(), *body, b"]}"])


def _found(product: Product | None) -> Product:
    if product is None:
        raise NotFound("Product not found.")
    return product


class _LoginRequest(msgspec.Struct, rename="camel"):
    phone_number: str
    password: str


class _RefreshRequest(msgspec.Struct, rename="camel"):
    refresh_token: str


def authenticate(api: Api, method: str, path: str, body: bytes) -> Response:
    """`/auth/login` and `/auth/refresh`."""
    if method != "POST" or path not in {"/auth/login", "/auth/refresh"}:
        raise NotFound("No such resource.")
    try:
        if path == "/auth/login":
            login = msgspec.json.decode(body, type=_LoginRequest)
            session = api.accounts.login(login.phone_number, login.password)
        else:
            session = api.accounts.refresh(msgspec.json.decode(body, type=_RefreshRequest).refresh_token)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(400, "Validation failed.") from None
    if session is None:
        raise Refused(401, "Authentication failed.")
    answer = {
        "accessToken": session.access_token,
        "refreshToken": session.refresh_token,
        "refreshExpiresAt": local_date_time(session.refresh_expires_at.replace(tzinfo=None)),
        "tokenType": "Bearer",
        "message": "OK",
        "user": {"id": 1, "phoneNumber": session.account.phone_number, "role": session.account.role},
    }
    return answer_of([msgspec.json.encode(answer)])
