"""The client against the server, over a socket: good answers, and every way in which they go wrong."""

import contextlib
import json
import logging
import select
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.api import (
    BadRecords,
    Body,
    DateStyle,
    EmptyBody,
    Forbidden,
    HtmlPage,
    InvalidJson,
    Redirect,
    Reset,
    Sale,
    SalesFlowServer,
    SalesStore,
    Slow,
    Status,
    Trickle,
    Truncated,
    Unauthorized,
    Wrapping,
)
from salesflow import clock
from salesflow.errors import (
    SalesFlowError,
    SourceAccessDenied,
    SourceContractBroken,
    SourceNotFound,
    SourceUnavailable,
    SystemTokenRejected,
)
from salesflow.observability import logger
from salesflow.source.transport import RETRIES, Transport, bearable_bytes, whole_body
from tests.integration.source.conftest import EVENING, NOW, STORE, MakeClient, MakeToken, SecretBox
from tests.integration.source.test_token import everything_about


def expected_lines(first: date) -> list[tuple[int, int, datetime, int, str, int, int]]:
    """The lines of the shop's sales since `first`, worked out from the store and not from its JSON."""
    sales = sorted(
        (sale for sale in STORE.sales if sale.sold_at.date() >= first), key=lambda sale: (sale.sold_at, sale.id)
    )
    return [
        (sale.id, n, sale.sold_at, round(sale.total_amount * 100), item.sku, item.quantity, round(item.subtotal * 100))
        for sale in sales
        for n, item in enumerate(sale.items)
    ]


def lines_of(table: pd.DataFrame) -> list[tuple[int, int, datetime, int, str, int, int]]:
    return list(
        zip(
            table["sale_id"].tolist(),
            table["line"].tolist(),
            table["sold_at"].dt.to_pydatetime().tolist(),
            table["sale_total"].tolist(),
            table["sku"].tolist(),
            table["quantity"].tolist(),
            table["subtotal"].tolist(),
            strict=True,
        )
    )


@pytest.mark.parametrize("wrapping", list(Wrapping))
def test_sales_arrive_as_they_were_made(server: SalesFlowServer, make_client: MakeClient, wrapping: Wrapping) -> None:
    server.wrapping = wrapping
    batch = make_client().fetch_sales(10)
    assert lines_of(batch.lines) == expected_lines(date(2026, 11, 12))
    assert batch.records == batch.lines["sale_id"].nunique()
    assert (batch.rejected, batch.duplicates) == ((), 0)


def test_dates_of_every_precision_are_the_same_moments(make_client: MakeClient) -> None:
    tables = []
    for style in (DateStyle.MICROS, DateStyle.NANOS, DateStyle.JAVA):
        with SalesFlowServer(
            SalesStore(STORE.sales, [], date_style=style), clock=lambda: NOW, require_auth=False
        ) as server:
            tables.append(make_client(base_url=server.url).fetch_sales(5).lines)
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])


def test_sales_since_a_day_are_those_of_the_merchants_days(server: SalesFlowServer, make_client: MakeClient) -> None:
    batch = make_client(zone=ZoneInfo("Asia/Shanghai")).fetch_sales_since(
        date(2026, 11, 12), asked_on=date(2026, 11, 22)
    )
    assert lines_of(batch.lines) == expected_lines(date(2026, 11, 12))


def test_a_late_run_still_reaches_back_to_its_first_day(server: SalesFlowServer, make_client: MakeClient) -> None:
    since = date(2025, 10, 18)  # 400 days before the evening
    make_client().fetch_sales_since(since, asked_on=since + timedelta(days=3))
    make_client().fetch_sales_since(since, asked_on=date(2026, 12, 2))
    assert [call.query["days"] for call in server.calls] == ["401", "411"]


def test_a_sale_synced_late_is_there_the_next_time(make_client: MakeClient) -> None:
    moment = NOW
    store = SalesStore(STORE.sales, STORE.products)
    late = store.sales[-200]
    store.delay_sync([late.id], NOW + timedelta(hours=1))
    with SalesFlowServer(store, clock=lambda: moment, require_auth=False) as server:
        client = make_client(base_url=server.url, now=lambda: EVENING + timedelta(hours=2))
        before = client.fetch_sales(30).lines
        moment += timedelta(hours=2)
        after = client.fetch_sales(30).lines
    assert late.id not in set(before["sale_id"])
    assert set(after["sale_id"]) - set(before["sale_id"]) == {late.id}


@pytest.mark.parametrize(("zone", "ahead"), [("Asia/Shanghai", 0), ("Africa/Kinshasa", -7)])
def test_what_is_dated_later_than_the_read_is_set_aside(make_client: MakeClient, zone: str, ahead: int) -> None:
    now = datetime(2026, 11, 22, 21, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert now == NOW + timedelta(hours=ahead)
    template = STORE.sales[-1]
    moments = [now + timedelta(minutes=9), now + timedelta(minutes=11), datetime(2036, 11, 14, 12)]
    mistaken = [
        Sale(990_001 + n, moment, template.total_amount, template.items, synced_at=datetime(2026, 1, 1))
        for n, moment in enumerate(moments)
    ]
    known = [sale for sale in STORE.sales if sale.sold_at <= now]
    with SalesFlowServer(SalesStore([*known, *mistaken], []), clock=lambda: now, require_auth=False) as server:
        batch = make_client(base_url=server.url, zone=ZoneInfo(zone)).fetch_sales_since(date(2026, 11, 12))
    assert [(record.record, record.day) for record in batch.rejected] == [("id 990002", None), ("id 990003", None)]
    assert batch.lines["sold_at"].max() == moments[0]


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        (timedelta(minutes=9), ""),
        (timedelta(hours=5, minutes=2), "is 302 minutes ahead of this one"),
        (-timedelta(hours=3), "is 180 minutes behind this one"),
    ],
)
def test_a_server_whose_clock_is_wrong_is_named(
    server: SalesFlowServer, make_client: MakeClient, ahead: timedelta, told: str
) -> None:
    server.dates = lambda: EVENING + ahead
    trouble = make_client().fetch_sales(1).clock_trouble
    assert told in trouble
    assert bool(told) == bool(trouble)


def test_a_server_in_another_zone_is_named(make_client: MakeClient) -> None:
    """The server writes Shanghai's time and the shop is said to be in Paris: the last hours' sales lie in the future."""
    saturday, moment = NOW - timedelta(days=1), EVENING - timedelta(days=1)
    with SalesFlowServer(STORE, clock=lambda: saturday, dates=lambda: moment, require_auth=False) as server:
        client = make_client(base_url=server.url, zone=ZoneInfo("Europe/Paris"), now=lambda: moment)
        batch = client.fetch_sales(10)
    late = [sale for sale in STORE.sales if datetime(2026, 11, 21, 14, 10) < sale.sold_at <= saturday]
    assert batch.future == len(late) == len(batch.rejected) > 20
    assert f"{len(late)} sales are dated later than now" in batch.clock_trouble
    assert "Europe/Paris" in batch.clock_trouble
    assert len(batch.lines) > 0


def test_the_hour_that_comes_twice_is_not_the_future(make_client: MakeClient) -> None:
    """On 1 November 2026, 02:00 in New York becomes 01:00: a sale of 01:50 may be read at 01:05."""
    wall, early = datetime(2026, 11, 1, 1, 5), datetime(2026, 11, 1)
    sales = [
        Sale(n, datetime(2026, 11, 1, hour, minute), 5.0, (), synced_at=early)
        for n, (hour, minute) in enumerate([(1, 0), (1, 50), (2, 20)])
    ]
    with SalesFlowServer(SalesStore(sales, []), clock=lambda: wall, require_auth=False) as server:
        client = make_client(
            base_url=server.url,
            zone=ZoneInfo("America/New_York"),
            now=lambda: datetime(2026, 11, 1, 6, 5, tzinfo=UTC),
        )
        assert client.fetch_sales(1).lines["sale_id"].tolist() == [0, 1]


def test_a_clock_that_is_behind_the_schedule_does_not_make_the_day_the_future(make_client: MakeClient) -> None:
    client = make_client(now=lambda: EVENING - timedelta(days=5))
    batch = client.fetch_sales_since(date(2026, 11, 12), asked_on=date(2026, 11, 22))
    assert lines_of(batch.lines) == expected_lines(date(2026, 11, 12))


def test_pages_are_followed_over_the_wire(server: SalesFlowServer, make_client: MakeClient) -> None:
    def page(number: int) -> Body:
        sales = [{"id": number, "saleDate": "2026-11-20T10:00", "totalAmount": 1.5, "items": []}]
        return Body(
            json.dumps({"content": sales, "page": {"number": number, "totalPages": 3, "totalElements": 3}}).encode()
        )

    for number in range(3):
        server.faults.inject("/sales/history", page(number))
    assert make_client().fetch_sales(5).lines["sale_id"].tolist() == [0, 1, 2]
    assert [dict(call.query) for call in server.calls] == [
        {"days": "5"},
        {"days": "5", "page": "1"},
        {"days": "5", "page": "2"},
    ]
    assert all(call.authorized for call in server.calls)


def test_a_first_page_for_ever_is_refused(server: SalesFlowServer, make_client: MakeClient) -> None:
    first = {"content": [], "page": {"number": 0, "totalPages": 335, "totalElements": 670}}
    server.faults.inject("/sales/history", Body(json.dumps(first).encode()), times=None)
    with pytest.raises(SourceContractBroken, match="page"):
        make_client().fetch_sales(5)
    assert len(server.calls) <= 3


def test_stock_with_costs(server: SalesFlowServer, make_client: MakeClient) -> None:
    batch = make_client().fetch_stock()
    items = batch.items.set_index("sku")
    assert len(items) == len(STORE.products)
    for product in STORE.products:
        row = items.loc[product.sku]
        assert row["stock_quantity"] == STORE.stock_of(product, NOW)
        assert (row["price"], row["cost"]) == (round(product.price * 100), round((product.cost or 0) * 100))
        assert (row["name"], row["product_id"]) == (product.name, product.id)
        assert row["category"] == product.category or (product.category is None and pd.isna(row["category"]))
    assert batch.costs_known


@pytest.mark.parametrize("fault", [Forbidden(), Status(404)])
def test_without_access_to_the_inventory_no_costs_are_known(
    server: SalesFlowServer, make_client: MakeClient, fault: Forbidden | Status
) -> None:
    server.faults.inject("/inventory", fault, times=None)
    batch = make_client().fetch_stock()
    assert not batch.costs_known
    assert batch.items["cost"].isna().all()
    assert len(batch.items) == len(STORE.products)


def test_an_inventory_that_fails_is_not_one_without_costs(server: SalesFlowServer, make_client: MakeClient) -> None:
    server.faults.inject("/inventory", Status(500), times=None)
    with pytest.raises(SourceUnavailable, match="GET /inventory"):
        make_client().fetch_stock()


def test_arguments_that_mean_nothing_are_refused(make_client: MakeClient) -> None:
    with pytest.raises(ValueError, match="days is -1"):
        make_client().fetch_sales(-1)


def test_independent_calls_run_at_the_same_time(server: SalesFlowServer, make_client: MakeClient) -> None:
    together = threading.Barrier(2, timeout=5)

    def now() -> datetime:
        together.wait()  # breaks unless both calls are under way at once
        return NOW

    server.clock = now
    assert len(make_client().fetch_stock().items) > 0


@pytest.mark.parametrize(
    "fault", [Status(500), Status(502), Status(503), Status(504), Status(408), Status(429), Reset(), Truncated(0.6)]
)
def test_passing_faults_are_outlasted(
    server: SalesFlowServer, make_client: MakeClient, pauses: list[float], fault: Status | Reset | Truncated
) -> None:
    server.faults.inject("/sales/history", fault, times=3)
    batch = make_client().fetch_sales(10)
    assert lines_of(batch.lines) == expected_lines(date(2026, 11, 12))
    assert server.count("/sales/history") == 4
    assert pauses[0] == 0
    assert 2 <= pauses[1] <= 3
    assert 4 <= pauses[2] <= 5


def test_pauses_outlast_a_minutes_restart(
    server: SalesFlowServer, make_client: MakeClient, pauses: list[float]
) -> None:
    server.faults.inject("/products", Status(503), times=None)
    with pytest.raises(SourceUnavailable, match=r"GET /products failed after 7 tries.*503"):
        make_client().fetch_stock()
    assert 60 <= sum(pauses) <= 70


def test_retry_after_is_honoured_up_to_a_minute(
    server: SalesFlowServer, make_client: MakeClient, pauses: list[float]
) -> None:
    in_20_seconds = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    for value in ("7", "86400", in_20_seconds, "soon"):
        server.faults.inject("/sales/history", Status(429, retry_after=value))
    make_client().fetch_sales(1)
    seven, capped, dated, backoff = pauses
    assert (seven, capped) == (7, 60)
    assert 17 <= dated <= 20
    assert 8 <= backoff <= 9


def test_compressed_answers_are_the_same(server: SalesFlowServer, make_client: MakeClient) -> None:
    server.compress = True
    server.faults.inject("/sales/history", Truncated(0.5))
    assert lines_of(make_client().fetch_sales(10).lines) == expected_lines(date(2026, 11, 12))
    assert server.count("/sales/history") == 2


def test_an_answer_that_never_comes(server: SalesFlowServer, make_client: MakeClient) -> None:
    server.faults.inject("/sales/history", Slow(30), times=None)
    with pytest.raises(SourceUnavailable, match="does not answer in time"):
        make_client(read_seconds=0.05).fetch_sales(1)
    assert len(server.calls) == 0  # the server is still asleep over all of them


def test_nobody_listens(make_client: MakeClient) -> None:
    with SalesFlowServer(STORE, clock=lambda: NOW) as stopped:
        url = stopped.url
    with pytest.raises(SourceUnavailable, match="takes no connection"):
        make_client(base_url=url).fetch_sales(1)
    with pytest.raises(SourceUnavailable, match="host name is not known"):
        make_client(base_url="http://nobody.invalid/api/v1").fetch_sales(1)


@pytest.mark.parametrize("fault", [Slow(30), Trickle(0.02, piece=1)])
def test_nothing_goes_on_after_the_deadline(
    server: SalesFlowServer, make_client: MakeClient, fault: Slow | Trickle
) -> None:
    server.faults.inject("/sales/history", fault, times=None)
    started = monotonic()
    with pytest.raises(SourceUnavailable):
        make_client().with_deadline(clock.now() + timedelta(seconds=0.4)).fetch_sales(1)
    assert monotonic() - started < 0.9


def test_no_pause_reaches_beyond_the_deadline(
    server: SalesFlowServer, make_client: MakeClient, pauses: list[float]
) -> None:
    server.faults.inject("/products", Status(503, retry_after=50), times=None)
    server.faults.inject("/inventory", HtmlPage(), times=None)
    client = make_client(deadline=clock.now() + timedelta(seconds=1.5))
    with pytest.raises(SourceUnavailable, match="no time left to wait"):
        client.fetch_stock()
    assert pauses == []
    assert server.count("/inventory") == 1


def test_a_deadline_in_the_past_makes_no_call(server: SalesFlowServer, make_client: MakeClient) -> None:
    with pytest.raises(SourceUnavailable, match="no time left"):
        make_client(deadline=clock.now() - timedelta(seconds=1)).fetch_sales(1)
    assert server.calls == ()


@pytest.mark.parametrize("html", [True, False])
def test_a_refused_token_is_read_anew_once(
    server: SalesFlowServer, secret: SecretBox, make_client: MakeClient, html: bool
) -> None:
    server.html_unauthorized = html
    secret.store("old.token.value")
    client = make_client()
    with pytest.raises(SystemTokenRejected):
        client.fetch_sales(1)
    assert server.count("/sales/history", status=401) == 2
    secret.store(server.issue_token())
    assert client.fetch_sales(1).records > 0
    assert server.count("/sales/history", status=401) == 3


def test_a_revoked_session_is_logged_in_again(
    server: SalesFlowServer, secret: SecretBox, make_client: MakeClient, make_token: MakeToken
) -> None:
    secret.store({"phoneNumber": server.account.phone_number, "password": server.account.password})
    provider = make_token()
    client = make_client(token=provider)
    assert client.fetch_sales(1).records > 0
    server.revoke(provider.current().value)
    assert client.fetch_sales(1).records > 0
    assert server.count("/auth/login") == 2


def test_calls_refused_at_the_same_time_log_in_once(
    server: SalesFlowServer, secret: SecretBox, make_client: MakeClient, make_token: MakeToken
) -> None:
    secret.store({"phoneNumber": server.account.phone_number, "password": server.account.password})
    provider = make_token()
    server.revoke(provider.current().value)
    assert len(make_client(token=provider).fetch_stock().items) > 0
    assert server.count("/auth/login") == 2


def test_a_token_refused_for_good_says_when_it_expired(
    server: SalesFlowServer, secret: SecretBox, make_client: MakeClient
) -> None:
    secret.store(server.issue_token(timedelta(days=-1)))
    with pytest.raises(SystemTokenRejected, match=r"also after a fresh one; it expired at \d{4}-\d\d-\d\d"):
        make_client().fetch_sales(1)


@pytest.mark.parametrize(("status", "error"), [(403, SourceAccessDenied), (404, SourceNotFound)])
def test_a_refusal_is_not_tried_again(
    server: SalesFlowServer, make_client: MakeClient, status: int, error: type[SalesFlowError]
) -> None:
    server.faults.inject("/sales/history", Status(status), times=None)
    with pytest.raises(error, match=rf"GET /sales/history\?days=3.*{status}"):
        make_client().fetch_sales(3)
    assert len(server.calls) == 1


@pytest.mark.parametrize("fault", [HtmlPage(), EmptyBody(), InvalidJson()])
def test_an_answer_that_is_no_json_is_asked_for_once_more(
    server: SalesFlowServer, make_client: MakeClient, fault: HtmlPage | EmptyBody | InvalidJson
) -> None:
    server.faults.inject("/sales/history", fault)
    assert make_client().fetch_sales(1).records > 0
    server.faults.inject("/sales/history", fault, times=None)
    server.forget_calls()
    with pytest.raises(SourceContractBroken, match=r"GET /sales/history\?days=1 answered"):
        make_client().fetch_sales(1)
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Body(b'{"code": "OK"}'), "does not hold one list"),
        (Body(b'{"content": [], "totalPages": 4}'), "one of 4 pages"),
        (Body(b"[1, 2]"), "2 records of which 2 are bad"),
        (Status(400), "answered 400"),
        (Status(418), "answered 418"),
    ],
)
def test_an_answer_of_another_shape_is_not_asked_for_again(
    server: SalesFlowServer, make_client: MakeClient, fault: Body | Status, problem: str
) -> None:
    server.faults.inject("/sales/history", fault, times=None)
    with pytest.raises(SourceContractBroken, match=problem):
        make_client().fetch_sales(1)
    assert len(server.calls) == 1


def test_a_bad_record_is_set_aside(server: SalesFlowServer, make_client: MakeClient) -> None:
    bad = {"id": 5, "saleDate": "2026-11-20T10:00", "totalAmount": "12,50", "items": []}
    server.faults.inject("/sales/history", BadRecords([bad]))
    batch = make_client().fetch_sales(40)
    (rejected,) = batch.rejected
    assert (rejected.call, rejected.record, rejected.field) == ("GET /sales/history?days=40", "id 5", "totalAmount")
    assert lines_of(batch.lines) == expected_lines(date(2026, 10, 13))


def test_a_sale_answered_twice_counts_once(server: SalesFlowServer, make_client: MakeClient) -> None:
    last = STORE.sales[-1]
    body = urllib3.request(
        "GET", f"{server.url}/sales/history?days=0", headers={"Authorization": f"Bearer {server.issue_token()}"}
    )
    (again,) = [sale for sale in body.json() if sale["id"] == last.id]
    stale = {**again, "totalAmount": 1.0}
    server.faults.inject("/sales/history", BadRecords([again, stale]))
    batch = make_client().fetch_sales(10)
    assert batch.duplicates == 1
    assert [record.record for record in batch.rejected] == [f"id {last.id}"]
    assert lines_of(batch.lines) == expected_lines(date(2026, 11, 12))


def test_the_token_goes_to_no_other_host(server: SalesFlowServer, make_client: MakeClient) -> None:
    with SalesFlowServer(STORE, clock=lambda: NOW, require_auth=False) as other:
        for code in (301, 302, 307, 308):
            server.faults.inject("/sales/history", Redirect(f"{other.url}/sales/history", code))
            with pytest.raises(SourceContractBroken, match=rf"redirect \({code}\)"):
                make_client().fetch_sales(1)
        assert other.calls == ()


def test_an_answer_beyond_all_measure_is_cut_off(server: SalesFlowServer, make_client: MakeClient) -> None:
    """One record without an end, and something without a list: neither can be read in pieces."""
    for beginning in (b'[{"id": 1, "note": "', b'{"note": "'):
        server.faults.inject("/sales/history", Body(beginning + b"x" * 3_000_000 + b'"}]'))
        with pytest.raises(SourceContractBroken, match=r"more than 2,000,000 bytes.*memory.*MemorySize.*history_days"):
            make_client(most_held=2_000_000).fetch_sales(5)
    assert len(server.calls) == 2


def test_sales_of_any_size_are_read_with_little_memory(make_client: MakeClient, server: SalesFlowServer) -> None:
    sale = '{"id": %d, "saleDate": "2026-11-20T10:00", "totalAmount": 1.5, "note": "' + "x" * 2_000 + '","items":[]}'
    body = "[" + ",".join(sale % number for number in range(10_000)) + "]"
    server.faults.inject("/sales/history", Body(body.encode()))
    assert len(body) > 20_000_000
    assert make_client(most_held=8_000_000).fetch_sales(5).records == 10_000


def test_a_list_that_is_kept_whole_is_held_against_the_memory(make_client: MakeClient, server: SalesFlowServer) -> None:
    for number in range(9):
        product = {"id": number, "sku": f"A{number}", "price": 1, "stockQuantity": 1, "lowStockThreshold": 1}
        page = {"content": [product], "number": number, "totalPages": 9}
        server.faults.inject("/products", Body(json.dumps(page).encode()))
    with pytest.raises(SourceContractBroken, match="GET /products answered more than 5,000 bytes"):
        make_client(most_held=5_000).fetch_stock()
    assert server.count("/products") < 9


def test_what_can_be_borne_follows_the_memory() -> None:
    assert bearable_bytes(10_240) > 5 * bearable_bytes(2048)
    assert 0 < bearable_bytes(256) < 256 * 2**20 / 3


class RawServer:
    """Sends the same bytes to whoever connects, in pieces so large, and closes."""

    def __init__(self, piece: int = 1 << 20) -> None:
        self.reply = b""
        self._piece = piece
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/api/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return  # closed
            with connection, contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.recv(65536)
                for start in range(0, len(self.reply), self._piece):
                    connection.sendall(self.reply[start : start + self._piece])
                    if self._piece == 1:
                        select.select([connection], [], [], 0.001)  # so that the bytes come one by one

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


STRETCHED = {
    "status line": b"HTTP/1.1 200 OK" + b" " * 300 + b"\r\nContent-Length: 2\r\n\r\n[]",
    "headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 40 + b"Content-Length: 2\r\n\r\n[]",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" * 15 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" + b"x" * 300 + b"\r\n[]\r\n0\r\n\r\n",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 302\r\n\r\n[" + b" " * 300 + b"]",
}


@pytest.mark.parametrize("where", STRETCHED)
def test_no_server_stretches_a_deadline_byte_by_byte(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """By a clock that goes on a second whenever it is looked at: each wait is for what is left."""
    start, looks = datetime(2026, 11, 22, 13, tzinfo=UTC), iter(range(10_000))
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(seconds=next(looks)))
    drip = RawServer(piece=1)
    drip.reply = STRETCHED[where]
    for deadline, outcome in (
        (start + timedelta(hours=2), pytest.raises(SourceUnavailable)),
        (start + timedelta(hours=9), None),
    ):
        transport = Transport(drip.url, read_seconds=3e5)
        with outcome or contextlib.nullcontext():
            answer = transport.send(
                "GET",
                "/x",
                whole_body,
                call="GET /x",
                headers={},
                deadline=deadline if outcome is None else start + timedelta(seconds=90),
            )
            assert answer.content in {b"[]", b"[" + b" " * 300 + b"]"}
    drip.close()


def test_a_server_that_hangs_is_not_asked_until_the_time_is_over(
    server: SalesFlowServer, make_client: MakeClient
) -> None:
    server.faults.inject("/sales/history", Status(503))
    server.faults.inject("/sales/history", Slow(30), times=None)
    with pytest.raises(SourceUnavailable, match=r"after 3 tries.*does not answer in time"):
        make_client(read_seconds=0.05).fetch_sales(1)


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    running = RawServer()
    yield running
    running.close()


status_lines = st.sampled_from(
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 503 Busy\r\n",
        b"HTTP/1.1 302 Found\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n",
    ]
)
header_lines = st.sampled_from(
    [
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 1, 2\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Retry-After: " + b"9" * 5000 + b"\r\n",
        b"Retry-After: Tue, 29 Feb 99999 99:99:99 GMT\r\n",
        b"Location: http://\xff/\r\n",
    ]
)
bodies = st.sampled_from([b"\r\n", b"\r\n[]", b"\r\n5\r\n[]", b"\r\nzz\r\n", b"\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(status_lines, st.lists(header_lines | st.binary(max_size=20), max_size=3), bodies | st.binary())
def test_whatever_comes_over_the_wire_is_a_batch_or_one_of_our_errors(
    raw_server: RawServer, make_client: MakeClient, start: bytes, headers: list[bytes], rest: bytes
) -> None:
    raw_server.reply = start + b"".join(headers) + rest
    client = make_client(base_url=raw_server.url, retries=RETRIES.new(total=1), read_seconds=1.0)
    with contextlib.suppress(SalesFlowError):
        assert client.fetch_sales(1).records == 0


@pytest.mark.parametrize("value", [b"9" * 5000, b"Tue, 29 Feb 99999 99:99:99 GMT", b"-5", b"\xff"])
def test_a_retry_after_that_means_nothing_is_passed_over(
    raw_server: RawServer, make_client: MakeClient, pauses: list[float], value: bytes
) -> None:
    raw_server.reply = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: " + value + b"\r\n\r\n"
    with pytest.raises(SourceUnavailable, match="failed after 3 tries"):
        make_client(base_url=raw_server.url, retries=RETRIES.new(total=2)).fetch_sales(1)
    assert [round(pause, 1) for pause in pauses[:1]] in ([0.0], [60.0])


def test_the_token_is_in_no_error_and_no_log(
    server: SalesFlowServer, secret: SecretBox, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    token = server.issue_token()
    secret.store(token)
    client = make_client(read_seconds=0.05)
    echo = Body(json.dumps({"error": f"Bearer {token}"}).encode())
    faults: list[Any] = [
        Status(500),
        Reset(),
        Truncated(),
        Unauthorized(),
        Forbidden(),
        Status(404),
        HtmlPage(),
        echo,
        Slow(1),
    ]
    faults += [Redirect(f"http://x/?t={token}"), BadRecords([{"id": 1, "saleDate": token}] * 900), InvalidJson()]
    logger.addHandler(caplog.handler)  # the system's own logger does not hand its records on
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("botocore").setLevel(logging.INFO)  # at DEBUG botocore prints every answer of AWS
        for fault in faults:
            server.faults.clear()
            server.faults.inject("/sales/history", fault, times=None)
            with pytest.raises(SalesFlowError) as failed:
                client.fetch_sales(5)
            told = everything_about(failed.value)
            assert token not in told
            assert token.split(".")[2] not in told
    logging.getLogger(logger.name).removeHandler(caplog.handler)
    logged = str([vars(record) for record in caplog.records])
    assert "tried again" in logged
    assert "/sales/history?days=5" in logged  # urllib3's own records are among them
    assert token not in logged
    assert token not in repr(client) + repr(vars(client))
