"""The shop's days and what came back: what they sum, and that they come back from their files as they went in."""

from collections import defaultdict
from datetime import date, datetime, time
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.sales import sales_kpis
from salesflow.history.csv_table import CsvTable
from salesflow.history.panel import panel_of
from salesflow.history.shop_days import (
    COLUMNS,
    HOURS,
    RETURN_COLUMNS,
    returns_form,
    returns_of,
    shop_days_of,
    shop_form,
    with_returns,
)
from salesflow.windows import Window
from tests.unit.analytics.tables import Item, Sale, arrays_of, lines_of, sales_between


@given(sales_between(datetime(2026, 10, 28), datetime(2026, 11, 5)))
def test_each_day_says_what_the_report_of_that_day_says(sales: list[Sale]) -> None:
    lines = arrays_of(sales)
    days = shop_days_of(lines)
    assert days["date"].dt.date.tolist() == sorted({sale.sold_at.date() for sale in sales})
    for row in days.itertuples():
        day = row.date.date()
        kpis = sales_kpis(lines.within(Window(day, day)))
        assert (row.revenue, row.quantity, row.transactions) == (kpis.revenue, kpis.quantity, kpis.transactions)
        assert (row.returned_revenue, row.returned_quantity) == (kpis.returned_amount, kpis.returned_quantity)
        assert sum(getattr(row, hour) for hour in HOURS) == kpis.revenue
        moments = [sale.sold_at.replace(microsecond=0) for sale in sales if sale.sold_at.date() == day]
        assert (row.first_sale, row.last_sale) == (min(moments), max(moments))


@given(sales_between(datetime(2026, 10, 28), datetime(2026, 11, 5)), st.sampled_from([0, 2, 3]))
def test_the_files_give_back_every_cent_and_every_moment(sales: list[Sale], digits: int) -> None:
    lines = arrays_of(sales)
    for table, form in ((shop_days_of(lines), shop_form(digits)), (returns_of(lines), returns_form(digits))):
        body = form.encode(table)
        pd.testing.assert_frame_equal(form.decode(body), table, check_dtype=False)
        assert form.encode(form.decode(body)) == body


def test_a_bars_night_is_one_day_and_its_hours_stay_those_of_the_clock() -> None:
    evening, night, morning = (
        datetime(2026, 11, 21, 18, 5),
        datetime(2026, 11, 22, 2, 29, 59),
        datetime(2026, 11, 22, 4),
    )
    sales = [Sale(moment, (Item("A1", "Beer", 1, 500),)) for moment in (evening, night, morning)]
    days = shop_days_of(SaleLines.from_table(lines_of(sales), time(4)))
    assert days["date"].dt.date.tolist() == [date(2026, 11, 21), date(2026, 11, 22)]
    assert (days["first_sale"][0], days["last_sale"][0]) == (evening, night)
    assert (days["h18"][0], days["h02"][0], days["h04"][1]) == (500, 500, 500)
    form = shop_form(2, time(4))
    pd.testing.assert_frame_equal(form.decode(form.encode(days)), days, check_dtype=False)


@given(sales_between(datetime(2026, 10, 28), datetime(2026, 11, 5)))
def test_what_came_back_is_known_by_day_and_product(sales: list[Sale]) -> None:
    lines = arrays_of(sales)
    back: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for sale in sales:
        for item in sale.items:
            if item.quantity < 0:
                known = back[sale.sold_at.date(), item.sku]
                known[0] -= item.quantity
                known[1] -= item.subtotal
    joined = with_returns(panel_of(lines), returns_of(lines))
    found: dict[tuple[Any, str], list[int]] = {
        (row.date.date(), row.sku): [row.returned_quantity, row.returned_revenue]
        for row in joined.itertuples()
        if row.returned_quantity
    }
    assert found == dict(back)
    assert len(joined) == len(panel_of(lines))


def test_an_order_that_is_cancelled_minutes_later_is_still_seen() -> None:
    order = Sale(datetime(2011, 12, 9, 9, 15), (Item("23843", "Paper craft", 80_995, 16_846_960),))
    cancelled = Sale(datetime(2011, 12, 9, 9, 27), (Item("23843", "Paper craft", -80_995, -16_846_960),))
    lines = arrays_of([order, cancelled])
    (day,) = shop_days_of(lines).to_dict("records")
    assert (day["quantity"], day["returned_quantity"], day["returned_revenue"]) == (0, 80_995, 16_846_960)
    assert with_returns(panel_of(lines), returns_of(lines))["returned_quantity"].tolist() == [80_995]


def test_no_sale_at_all_is_an_empty_table() -> None:
    assert shop_days_of(arrays_of([])).empty
    assert list(returns_of(arrays_of([])).columns) == list(RETURN_COLUMNS)


def test_the_largest_sale_and_the_largest_refund_of_a_day_are_known_with_their_times() -> None:
    lines = arrays_of(
        [
            Sale(datetime(2026, 11, 22, 9), (Item("A1", "Tea", 1, 500),)),
            Sale(datetime(2026, 11, 22, 14, 12), (Item("A1", "Tea", 9, 4500),)),
            Sale(datetime(2026, 11, 22, 15), (Item("A1", "Tea", -1, -500),)),
            Sale(datetime(2026, 11, 22, 17, 30), (Item("A1", "Tea", -4, -2000), Item("B2", "Cup", 1, 900))),
            Sale(datetime(2026, 11, 23, 9), (Item("A1", "Tea", 1, 500),)),
        ]
    )
    names = ["refunds", "largest_sale", "largest_sale_at", "largest_refund", "largest_refund_at"]
    assert shop_days_of(lines)[names].to_numpy().tolist() == [[2, 4500, 51120, 2000, 63000], [0, 500, 32400, 0, -1]]


def test_a_file_of_version_1_0_0_is_read_and_what_it_does_not_say_is_unknown() -> None:
    names = list(COLUMNS)
    old = {name: COLUMNS[name] for name in names[: names.index("refunds")]}
    lines = arrays_of([Sale(datetime(2026, 11, 22, 9), (Item("A1", "Tea", 1, 500),))])
    body = CsvTable(old, 2).encode(shop_days_of(lines))
    (row,) = shop_form(2).decode(body).itertuples(index=False)
    assert (row.revenue, row.refunds, row.largest_sale, row.largest_sale_at) == (500, -1, 0, -1)
