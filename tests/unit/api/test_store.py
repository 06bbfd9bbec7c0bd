from datetime import date, datetime, timedelta

import msgspec
import pytest

from local.api import DateStyle, Product, Sale, SaleItem, SalesStore
from local.api.records import local_date_time

NOON = datetime(2026, 11, 20, 12)


def sale(
    number: int, sold_at: datetime, *, sku: str = "A", quantity: int = 1, synced_at: datetime | None = None
) -> Sale:
    item = SaleItem(1, "Apple", sku, quantity, 2.5, 2.5 * quantity)
    return Sale(number, sold_at, 2.5 * quantity, (item,), synced_at)


def ids(store: SalesStore, days: int, now: datetime) -> list[int]:
    body = b"[" + b"".join(store.history_json(days, now)) + b"]"
    return [record["id"] for record in msgspec.json.decode(body)]


def test_history_starts_at_midnight_of_the_day_n_days_ago_and_ends_now() -> None:
    midnight = datetime(2026, 11, 18)
    store = SalesStore(
        [
            sale(1, midnight - timedelta(microseconds=1)),
            sale(2, midnight),
            sale(3, NOON),
            sale(4, NOON + timedelta(microseconds=1)),
        ],
        [],
    )
    assert ids(store, 2, NOON) == [2, 3]
    assert ids(store, 3, NOON) == [1, 2, 3]
    assert ids(store, 2, NOON + timedelta(hours=1)) == [2, 3, 4]


def test_history_of_more_days_than_the_calendar_has_is_everything() -> None:
    assert ids(SalesStore([sale(1, NOON)], []), 2**31 - 1, NOON) == [1]


def test_history_without_sales_is_empty() -> None:
    assert ids(SalesStore([], []), 90, NOON) == []


def test_a_sale_synced_late_appears_only_then_and_on_its_own_day() -> None:
    late = sale(2, NOON - timedelta(days=1), synced_at=NOON)
    store = SalesStore([sale(1, NOON - timedelta(days=2)), late, sale(3, NOON - timedelta(hours=2))], [])
    before = NOON - timedelta(seconds=1)
    assert ids(store, 5, before) == [1, 3]
    assert [found.id for found in store.visible_sales(datetime(2026, 11, 1), before)] == [1, 3]
    assert store.daily_quantities("A", 5, before) == {date(2026, 11, 18): 1, date(2026, 11, 20): 1}
    assert ids(store, 5, NOON) == [1, 2, 3]


def test_a_sale_of_a_till_whose_clock_is_ahead_is_answered_before_its_time() -> None:
    ahead, typo = sale(2, NOON + timedelta(hours=5), synced_at=NOON), sale(4, datetime(2036, 11, 14), synced_at=NOON)
    store = SalesStore([sale(1, NOON), ahead, sale(3, NOON + timedelta(hours=1)), typo], [])
    assert ids(store, 5, NOON - timedelta(seconds=1)) == []
    assert ids(store, 5, NOON) == [1, 2, 4]
    assert [found.id for found in store.visible_sales(NOON, NOON)] == [1, 2, 4]
    assert store.daily_quantities("A", 0, NOON) == {NOON.date(): 2, date(2036, 11, 14): 1}
    assert ids(store, 5, NOON + timedelta(hours=6)) == [1, 3, 2, 4]


def test_a_sale_of_the_future_that_is_put_is_there_at_once_and_one_that_is_foreseen_at_its_time() -> None:
    store = SalesStore([sale(1, NOON)], [])
    store.put_sale(sale(2, datetime(2036, 11, 14)))
    store.foresee(sale(3, NOON + timedelta(hours=1)))
    assert ids(store, 5, NOON) == [1, 2]
    assert ids(store, 5, NOON + timedelta(hours=1)) == [1, 3, 2]


def test_sales_are_corrected_delayed_and_removed_while_serving() -> None:
    store = SalesStore([sale(1, NOON), sale(2, NOON)], [])
    assert ids(store, 0, NOON) == [1, 2]
    store.put_sale(sale(2, NOON, quantity=5), sale(3, NOON - timedelta(hours=1)))
    assert ids(store, 0, NOON) == [3, 1, 2]
    assert store.daily_quantities("A", 0, NOON) == {NOON.date(): 7}
    store.delay_sync([3], NOON + timedelta(days=1))
    store.remove_sale(1)
    assert ids(store, 0, NOON) == [2]


def test_stock_follows_its_movements_until_it_is_fixed() -> None:
    levels = ((NOON, 10), (NOON + timedelta(hours=1), 4))
    product = Product(1, "A", "Apple", 2.5, 4, 2, levels=levels)
    store = SalesStore([], [product])
    assert store.stock_of(product, NOON - timedelta(days=1)) == 10
    assert store.stock_of(product, NOON + timedelta(minutes=59)) == 10
    assert store.stock_of(product, NOON + timedelta(hours=1)) == 4
    store.set_stock("A", 0)
    fixed = store.product_by_sku("A")
    assert fixed is not None
    assert store.stock_of(fixed, NOON) == 0


def test_two_sales_of_one_id_or_products_of_one_sku_are_refused() -> None:
    with pytest.raises(ValueError, match="id 7"):
        SalesStore([sale(7, NOON), sale(7, NOON)], [])
    with pytest.raises(ValueError, match="SKU 'A'"):
        SalesStore([], [Product(1, "A", "x", 1.0, 1, 1), Product(2, "A", "y", 1.0, 1, 1)])


@pytest.mark.parametrize(
    ("moment", "style", "text"),
    [
        (datetime(2026, 11, 22, 18, 4), DateStyle.JAVA, "2026-11-22T18:04"),
        (datetime(2026, 11, 22, 18, 4, 11), DateStyle.JAVA, "2026-11-22T18:04:11"),
        (datetime(2026, 11, 22, 18, 4, 0, 120_000), DateStyle.JAVA, "2026-11-22T18:04:00.120"),
        (datetime(2026, 11, 22, 18, 4, 11, 123_456), DateStyle.JAVA, "2026-11-22T18:04:11.123456"),
        (datetime(2026, 11, 22, 18, 4), DateStyle.SECONDS, "2026-11-22T18:04:00"),
        (datetime(2026, 11, 22, 18, 4, 11, 123_456), DateStyle.MILLIS, "2026-11-22T18:04:11.123"),
        (datetime(2026, 11, 22, 18, 4), DateStyle.MICROS, "2026-11-22T18:04:00.000000"),
        (datetime(2026, 11, 22, 18, 4, 11, 123_456), DateStyle.NANOS, "2026-11-22T18:04:11.123456007"),
    ],
)
def test_every_way_of_writing_a_local_date_time(moment: datetime, style: DateStyle, text: str) -> None:
    assert local_date_time(moment, style, number=7) == text


def test_mixed_style_uses_all_of_them() -> None:
    moment = datetime(2026, 11, 22, 18, 4)
    assert {len(local_date_time(moment, DateStyle.MIXED, number=n)) for n in range(5)} == {16, 19, 23, 26, 29}
