"""Days left and order quantities against a shop that is played day by day."""

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.analytics.merchant import OrderList
from salesflow.analytics.orders import ProductOutlook, days_left_of, order_quantity, orders_of
from salesflow.analytics.results import StockItem, StockStatus

DAY = date(2026, 11, 22)


def item(
    sku: str, stock: int, a_day: float, *, price: int = 100, sold: int = 0, status: StockStatus | None = None
) -> StockItem:
    """A product; sold: days since its last sale."""
    coverage = max(stock, 0) / a_day if a_day > 0 else None
    state = status or (StockStatus.OUT_OF_STOCK if stock <= 0 else StockStatus.OK)
    last = DAY - timedelta(days=sold)
    return StockItem(sku, sku, None, stock, 5, price, max(stock, 0) * price, None, a_day, coverage, last, state, False)


def orders(
    *items: StockItem, outlooks: dict[str, ProductOutlook] | None = None, lead: int = 3, cover: int = 14
) -> OrderList:
    return orders_of(items, outlooks or {}, DAY, window_days=7, costs={}, lead_days=lead, cover_days=cover)


@given(st.lists(st.floats(0, 40), min_size=1, max_size=60), st.integers(0, 500))
def test_days_left_are_those_of_a_stock_sold_day_by_day(daily: list[float], stock: int) -> None:
    outlook = ProductOutlook(tuple(daily), 0, 0.0, 0.0)
    left = days_left_of(item("A", stock, 1.0), outlook)
    if sum(daily) <= 0:
        assert left == stock  # the mean of one a day stands in
        return
    assert left is not None
    remaining, days = float(stock), 0
    while remaining > 0 and days < len(daily) and daily[days] < remaining:
        remaining -= daily[days]
        days += 1
    if days < len(daily):
        assert days <= left <= days + 1
    else:
        assert left >= len(daily)


@given(st.floats(0.01, 50), st.integers(-20, 300), st.integers(0, 30), st.integers(1, 60))
def test_an_order_lasts_for_the_days_it_is_to_cover_and_not_a_piece_longer(
    a_day: float, stock: int, lead: int, cover: int
) -> None:
    needed = a_day * (lead + cover)
    quantity = order_quantity(needed, stock)
    assert stock + quantity >= needed - 1e-6
    assert quantity == 0 or stock + quantity - 1 < needed


def test_what_lasts_for_less_than_a_week_or_the_delivery_is_ordered_worst_first() -> None:
    found = orders(
        item("FINE", 100, 5), item("WEEK", 30, 5), item("OUT", 0, 2), item("TODAY", 2, 5), item("STILL", 9, 0)
    )
    assert [(line.sku, line.state, line.quantity) for line in found.lines] == [
        ("OUT", "out", 34),
        ("TODAY", "today", 83),
        ("WEEK", "this_week", 55),
    ]
    assert found.out == 1
    late = orders(item("FINE", 100, 5), lead=25)
    assert [line.quantity for line in late.lines] == [math.ceil(5 * 39 - 100)]


def test_a_product_s_own_forecast_goes_before_its_mean() -> None:
    outlook = ProductOutlook((10.0,) * 30, 17, 119.0, 221.0)
    (line,) = orders(item("A", 20, 1), outlooks={"A": outlook}).lines
    assert (line.days_left, line.quantity) == (2, 150)
    assert (line.low, line.high) == (99, 201)


def test_what_was_lost_is_the_demand_of_the_days_out_of_stock() -> None:
    found = orders(item("OUT", 0, 4, price=250, sold=3), item("LONG", 0, 1, price=100, sold=40))
    lost = {line.sku: (line.lost_pieces, line.lost_revenue) for line in found.lines}
    assert lost == {"OUT": (12, 3000), "LONG": (7, 700)}
    assert found.lost_revenue == 3700


def test_what_lasts_for_more_than_half_a_year_is_too_much() -> None:
    found = orders(item("HEAP", 1000, 1, price=10))
    assert (found.overstock, found.overstock_value, found.lines) == (1, 8200, ())


@pytest.mark.parametrize("stock", [0, 5])
def test_what_does_not_sell_is_not_ordered(stock: int) -> None:
    assert orders(item("DEAD", stock, 0)).lines == ()
