"""The client against the server, over a socket: what good answers become."""

import json
import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import urllib3

from local.api import (
    BadRecords,
    Body,
    DateStyle,
    Forbidden,
    Sale,
    SalesFlowServer,
    SalesStore,
    Status,
    Truncated,
    Wrapping,
)
from salesflow.errors import (
    SourceContractBroken,
    SourceUnavailable,
)
from salesflow.source.transport import bearable_bytes
from tests.integration.source.conftest import EVENING, NOW, STORE, MakeClient
from tests.integration.source.lines import expected_lines, lines_of


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
    assert [(record.record, record.moment) for record in batch.rejected] == [("id 990002", None), ("id 990003", None)]
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
    together = threading.Barrier(2, timeout=60)

    def now() -> datetime:
        together.wait()  # breaks unless both calls are under way at once
        return NOW

    server.clock = now
    assert len(make_client().fetch_stock().items) > 0


def test_compressed_answers_are_the_same(server: SalesFlowServer, make_client: MakeClient) -> None:
    server.compress = True
    server.faults.inject("/sales/history", Truncated(0.5))
    assert lines_of(make_client().fetch_sales(10).lines) == expected_lines(date(2026, 11, 12))
    assert server.count("/sales/history") == 2


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


@pytest.mark.parametrize(
    ("path", "record"),
    [
        ("/products", {"sku": "A", "price": 1, "stockQuantity": 1, "lowStockThreshold": 1}),
        ("/inventory", {"sku": "A", "price": 1, "quantity": 1}),
        ("/sales/history", {"saleDate": "2026-11-12T10:00", "totalAmount": 1, "items": []}),
    ],
)
def test_names_without_measure_are_held_against_the_memory(
    make_client: MakeClient, server: SalesFlowServer, path: str, record: dict[str, object]
) -> None:
    """How many there are says little of what they take: each of these is a thousand characters."""
    for number in range(9):
        name = "商" * 1_000 + str(number)
        item = {"productId": number, "sku": "A", "productName": name, "quantity": 1, "unitPrice": 1, "subtotal": 1}
        one = record | {"id": number, "name": name} | ({"items": [item]} if "items" in record else {})
        page = {"content": [one], "number": number, "totalPages": 9}
        server.faults.inject(path, Body(json.dumps(page).encode()))
    client = make_client(most_held=50_000)
    with pytest.raises(SourceContractBroken, match=f"GET {path}.* answered more than 50,000 bytes"):
        client.fetch_sales(5) if path == "/sales/history" else client.fetch_stock()
    assert server.count(path) < 9


def test_what_can_be_borne_follows_the_memory() -> None:
    assert bearable_bytes(10_240) > 5 * bearable_bytes(2048)
    assert 0 < bearable_bytes(256) < 256 * 2**20 / 3
