"""The SalesFlow Lite API as the jobs see it: calls that answer checked tables, or raise an error that says what to do."""

import copy
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from time import sleep
from typing import Any, Self

from urllib3.util import Retry

from salesflow import clock
from salesflow.errors import (
    SourceAccessDenied,
    SourceContractBroken,
    SourceNotFound,
    SourceUnavailable,
    SystemTokenRejected,
)
from salesflow.source.envelope import Envelope
from salesflow.source.listing import Decoded, ListReader, RecordReader
from salesflow.source.pages import read_pages
from salesflow.source.records import SalesBatch, StockBatch
from salesflow.source.refusals import UnreadableAnswer, too_large
from salesflow.source.sales import SalesReader
from salesflow.source.schema import InventoryItem, Product
from salesflow.source.stock import stock_batch
from salesflow.source.token import AccessToken, SystemToken
from salesflow.source.transport import CONNECT_SECONDS, READ_SECONDS, RETRIES, Answer, Reader, Transport, bearable_bytes

UNREADABLE_PAUSE = 2.0
"""Seconds before an answer that is no JSON is asked for once more: it may be a proxy's page."""

FUTURE_GRACE = timedelta(minutes=10)
"""How far a sale's time may be ahead of the read: the server's clock and this one are never quite the same."""

MANY_IN_THE_FUTURE = 20
"""So many sales later than now are no till's slip."""
_SET_BACK = timedelta(hours=2)


class SalesFlowClient:
    """Reads from the SalesFlow Lite API with the system token. Safe to share between threads.

    base_url: ends in `/api/v1`; the token goes to that host alone. minor_digits: digits after the point of the currency
    that all amounts are in. zone: the merchant's. deadline: aware; nothing goes on after it. now: answers the present moment
    (aware), by which a sale is of the future. most_held: bytes of an answer that may be kept at a time (`bearable_bytes`).

    Every method raises SystemTokenMissing or SystemTokenRejected (also after one fresh token), SourceAccessDenied (403),
    SourceNotFound (404), SourceUnavailable (after all tries), or SourceContractBroken (the answer is not what the API
    promises; also after one more try where it is no JSON at all).
    """

    def __init__(
        self,
        base_url: str,
        token: SystemToken,
        *,
        minor_digits: int,
        zone: tzinfo = UTC,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        retries: Retry = RETRIES,
        pause: Callable[[float], None] = sleep,
        deadline: datetime | None = None,
        now: Callable[[], datetime] | None = None,
        most_held: int = bearable_bytes(2048),
    ) -> None:
        self._token = token
        self._now = now or _wall_clock
        self._minor_digits = minor_digits
        self._zone = zone
        self._deadline = deadline
        self._most_held = most_held
        self._transport = Transport(
            base_url,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
            retries=retries,
            pause=pause,
        )

    def with_deadline(self, deadline: datetime) -> Self:
        """The same client (its connections and its token shared) that gives up at `deadline` (aware).

        A job sets it a little before the end of its function's time, so that it can still record the failure.
        """
        other = copy.copy(self)
        other._deadline = deadline  # noqa: SLF001 - a copy of this very object
        return other

    def fetch_sales(self, days: int) -> SalesBatch:
        """The sales since 00:00 of the server's today minus `days`. ValueError for negative days."""
        if days < 0:
            raise ValueError(f"days is {days}; it counts backwards from today and is not negative.")
        return self._fetch_sales(days, None, None)

    def fetch_sales_since(self, since: date, *, asked_on: date | None = None) -> SalesBatch:
        """The sales of the days from `since` on, in the merchant's zone.

        asked_on: the day that the job was scheduled for, where it is to count as today if the clock is behind. The API
        counts days back from its own today; one day more is asked for, in case that has begun already, and left out again.
        """
        today = self._now().astimezone(self._zone).date()
        days = (max(today, asked_on or today) - since).days + 1
        return self._fetch_sales(max(days, 0), since, asked_on)

    def fetch_stock(self) -> StockBatch:
        """The stock of all products now, with cost and category where the account may read the inventory.

        `/products` and `/inventory` are called at the same time; 403 or 404 of the latter only means that no costs are
        known.
        """
        with ThreadPoolExecutor(max_workers=1) as pool:
            counting = pool.submit(self._fetch_list, "/inventory", InventoryItem)
            products = self._fetch_list("/products", Product)
            try:
                inventory = counting.result()
            except (SourceAccessDenied, SourceNotFound):
                inventory = None
        return stock_batch(products, inventory, minor_digits=self._minor_digits)

    def _fetch_list[Record: (Product, InventoryItem)](self, path: str, kind: type[Record]) -> Decoded[Record]:
        return self._fetch(path, lambda call, hold: RecordReader(kind, call, hold), lambda reader, _: reader.decoded())

    def _fetch_sales(self, days: int, since: date | None, asked_on: date | None) -> SalesBatch:
        latest = self._latest_moment(asked_on)

        def reader(call: str, hold: Callable[[int], None]) -> SalesReader:
            return SalesReader(call, minor_digits=self._minor_digits, since=since, not_after=latest, hold=hold)

        def batch(read: SalesReader, headers: Mapping[str, str]) -> SalesBatch:
            made = read.batch()
            return replace(made, clock_trouble=self._clock_trouble(headers, made))

        return self._fetch(f"/sales/history?days={days}", reader, batch)

    def _clock_trouble(self, headers: Mapping[str, str], batch: SalesBatch) -> str:
        """What speaks against the server's clock or zone, in a sentence; empty where nothing does."""
        dated = _parsed_date(headers.get("Date", ""))
        ahead = timedelta(0) if dated is None else dated - self._now()
        if abs(ahead) > FUTURE_GRACE:
            minutes = round(abs(ahead) / timedelta(minutes=1))
            where = "ahead of" if ahead > timedelta(0) else "behind"
            return f"The clock of the SalesFlow API's server is {minutes:,} minutes {where} this one: sales are dated by it."
        if batch.future >= MANY_IN_THE_FUTURE:
            return (
                f"{batch.future:,} sales are dated later than now: the clocks of the tills or of the server, or the server's zone, "
                f"are not those of {self._zone}."
            )
        return ""

    def _latest_moment(self, asked_on: date | None) -> datetime:
        """The latest local time that a sale read now can have.

        Where clocks were just set back, it is the time that they would show otherwise. Where this clock is behind the day
        that the job was scheduled for, the end of that day.
        """
        latest = (self._now() + FUTURE_GRACE).astimezone(UTC)
        shown = max(
            (latest + (moment.astimezone(self._zone).utcoffset() or timedelta(0))).replace(tzinfo=None)
            for moment in (latest, latest - _SET_BACK)
        )
        if asked_on is not None and asked_on > shown.date():
            return datetime.combine(asked_on, time.max)
        return shown

    def _fetch[Kind: ListReader[Any], Table](
        self,
        path: str,
        reader: Callable[[str, Callable[[int], None]], Kind],
        table: Callable[[Kind, Mapping[str, str]], Table],
    ) -> Table:
        call = f"GET {path}"

        def hold(size: int) -> None:
            if size > self._most_held:
                raise too_large(call, self._most_held)

        def read() -> Table:
            reading = reader(call, hold)
            headers: Mapping[str, str] = {}

            def page(address: str) -> Envelope:
                nonlocal headers
                said, headers = self._get(address, call, reading.read)
                return said

            read_pages(page, path, call=call, base_url=self._transport.base_url, forget=reading.forget)
            return table(reading, headers)

        try:
            return read()
        except UnreadableAnswer:
            if not self._transport.pause(UNREADABLE_PAUSE, self._deadline):
                raise
        return read()

    def _get[Content](self, path: str, call: str, read: Reader[Content]) -> tuple[Content, Mapping[str, str]]:
        """What `read` makes of a good answer, and the answer's headers."""
        token = self._token.current(deadline=self._deadline)
        answer = self._send(path, call, read, token)
        if answer.status == 401:
            token = self._token.refresh(token, deadline=self._deadline)
            answer = self._send(path, call, read, token)
        if answer.content is None:
            raise _refusal(call, answer.status, token)
        return answer.content, answer.headers

    def _send[Content](self, path: str, call: str, read: Reader[Content], token: AccessToken) -> Answer[Content]:
        return self._transport.send(
            "GET",
            path,
            read,
            call=call,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Cache-Control": "no-cache",  # yesterday's list out of a cache between would be a day without sales
                **token.headers,
            },
            deadline=self._deadline,
        )


def _parsed_date(text: str) -> datetime | None:
    """The moment of an HTTP date; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wall_clock() -> datetime:
    """`clock.now`, looked up at each call: a simulation puts another one there."""
    return clock.now()


def _refusal(call: str, status: int, token: AccessToken) -> Exception:
    """The error for an answer that is neither good nor worth another try."""
    match status:
        case 401:
            expired = token.expires_at is not None and token.expires_at <= clock.now() + timedelta(seconds=1)
            when = f"; it expired at {token.expires_at:%Y-%m-%d %H:%M:%S} UTC" if expired else ""
            return SystemTokenRejected(
                f"{call}: the SalesFlow API refused the system token, also after a fresh one{when}.",
                action="Issue a new system token, or check the system account, and store it in the secret.",
            )
        case 403:
            return SourceAccessDenied(
                f"{call}: the system account may not make this call (403).",
                action="Give the account the role that the call needs (ADMIN or PYTHON_SERVICE).",
            )
        case 404:
            return SourceNotFound(
                f"{call}: the SalesFlow API has no such product or no such call (404).",
                action="Check the SKU or the name, and that SALESFLOW_API_URL ends in /api/v1.",
            )
        case _ if status >= 500:
            return SourceUnavailable(
                f"{call}: the SalesFlow API is not available (it answers {status}).",
                action="Look at the SalesFlow service; fire the job again once it answers.",
            )
        case _ if 300 <= status < 400:
            return SourceContractBroken(
                f"{call}: the address answers with a redirect ({status}), which is not followed: the token stays here.",
                action="Set SALESFLOW_API_URL to the address that the API itself answers at.",
            )
        case _:
            return SourceContractBroken(
                f"{call} answered {status}, which the API does not promise.",
                action="Compare the call with the API's description; the server may be another version.",
            )
