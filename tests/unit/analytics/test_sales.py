"""Sales figures against a plain loop over the same sales, and the cases that a merchant would notice."""

from collections import defaultdict
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.results import TrendDirection
from salesflow.analytics.sales import analyse_sales, days_needed, trend_hint
from salesflow.windows import Period
from tests.unit.analytics.tables import Item, Sale, arrays_of, lines_of, sales_between

DAY = date(2026, 11, 22)
LONG_AGO = date(2020, 1, 1)


def at(hour: int, day: date = DAY, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute)


@given(sales_between(datetime(2026, 11, 1), datetime(2026, 11, 23)))
def test_every_figure_agrees_with_a_plain_loop(sales: list[Sale]) -> None:
    analysis = analyse_sales(arrays_of(sales), Period.WEEKLY, DAY, known_from=LONG_AGO)
    inside = [sale for sale in sales if date(2026, 11, 16) <= sale.sold_at.date() <= DAY]
    items = [item for sale in inside for item in sale.items]
    kpis = analysis.kpis
    assert kpis.revenue == sum(sale.total for sale in inside)
    assert kpis.quantity == sum(item.quantity for item in items)
    assert kpis.transactions == len(inside)
    assert kpis.returned_amount == -sum(item.subtotal for item in items if item.quantity < 0)
    assert kpis.returned_quantity == -sum(item.quantity for item in items if item.quantity < 0)
    assert kpis.returns == sum(any(item.quantity < 0 for item in sale.items) for sale in inside)
    assert kpis.adjustments == kpis.revenue - sum(item.subtotal for item in items)
    assert analysis.rows == sum(max(len(sale.items), 1) for sale in inside)

    revenue: dict[str, int] = defaultdict(int)
    sales_of: dict[str, int] = defaultdict(int)
    for sale in inside:
        for item in sale.items:
            revenue[item.sku] += item.subtotal
        for sku in {item.sku for item in sale.items}:
            sales_of[sku] += 1
    assert {product.sku: product.revenue for product in analysis.products} == revenue
    assert {product.sku: product.transactions for product in analysis.products} == sales_of
    assert [(-p.revenue, p.sku) for p in analysis.products] == sorted((-p.revenue, p.sku) for p in analysis.products)


@given(sales_between(datetime(2026, 10, 1), datetime(2026, 11, 23)))
def test_parts_add_up_to_the_whole(sales: list[Sale]) -> None:
    analysis = analyse_sales(arrays_of(sales), Period.MONTHLY, DAY, known_from=LONG_AGO)
    revenue = analysis.kpis.revenue
    assert sum(analysis.by_hour) == sum(analysis.by_weekday) == revenue
    assert sum(day.revenue for day in analysis.daily) == revenue
    assert sum(day.transactions for day in analysis.daily) == analysis.kpis.transactions
    assert sum(product.revenue for product in analysis.products) + analysis.kpis.adjustments == revenue
    assert sum(product.quantity for product in analysis.products) == analysis.kpis.quantity


def test_a_discount_on_the_whole_sale_is_an_adjustment() -> None:
    sales = [Sale(at(10), (Item("A1", "Tea", 2, 1000), Item("B2", "Cup", 1, 500)), paid=1350)]
    kpis = analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=LONG_AGO).kpis
    assert (kpis.revenue, kpis.adjustments, kpis.average_ticket) == (1350, -150, 1350)


def test_the_average_ticket_is_rounded_half_up_to_the_cent() -> None:
    sales = [Sale(at(9 + n), (Item("A1", "Tea", 1, paid),)) for n, paid in enumerate((100, 100, 101))]
    assert analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=LONG_AGO).kpis.average_ticket == 100
    sales = [Sale(at(9 + n), (Item("A1", "Tea", 1, paid),)) for n, paid in enumerate((100, 101))]
    assert analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=LONG_AGO).kpis.average_ticket == 101


def test_no_sale_is_no_ticket_and_no_division_by_zero() -> None:
    analysis = analyse_sales(arrays_of([]), Period.DAILY, DAY, known_from=LONG_AGO)
    assert analysis.is_empty
    assert analysis.kpis.average_ticket == 0
    assert analysis.data_as_of is None
    assert analysis.trend.direction is TrendDirection.UNKNOWN


def test_midnight_belongs_to_the_day_that_begins() -> None:
    sales = [
        Sale(datetime(2026, 11, 22), (Item("A1", "Tea", 1, 100),)),
        Sale(datetime(2026, 11, 23), (Item("A1", "Tea", 1, 900),)),
    ]
    analysis = analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=LONG_AGO)
    assert analysis.kpis.revenue == 100
    assert analysis.data_as_of == datetime(2026, 11, 22)


def test_a_renamed_product_is_one_product_under_its_newest_name() -> None:
    sales = [
        Sale(at(9), (Item("A1", "Tea", 1, 100),)),
        Sale(at(15), (Item("A1", "Green tea", 1, 100),)),
        Sale(at(12), (Item("A1", "Thé", 1, 100),)),
    ]
    (product,) = analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=LONG_AGO).products
    assert (product.name, product.revenue, product.transactions) == ("Green tea", 300, 3)


def test_returns_stand_apart_and_are_taken_off_the_total() -> None:
    sales = [Sale(at(9), (Item("A1", "Tea", 3, 300),)), Sale(at(11), (Item("A1", "Tea", -1, -100),))]
    analysis = analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=LONG_AGO)
    kpis = analysis.kpis
    assert (kpis.revenue, kpis.quantity, kpis.returned_amount, kpis.returned_quantity, kpis.returns) == (
        200,
        2,
        100,
        1,
        1,
    )
    assert (analysis.products[0].returned_quantity, analysis.products[0].returned_amount) == (1, 100)


def test_comparisons_name_what_they_compare() -> None:
    sales = [
        Sale(at(9, day), (Item("A1", "Tea", 1, cents),))
        for day, cents in ((DAY, 500), (DAY - timedelta(days=1), 400), (DAY - timedelta(days=7), 300))
    ]
    analysis = analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=LONG_AGO)
    assert analysis.previous is not None
    assert analysis.previous.revenue == 400
    assert analysis.same_weekday is not None
    assert analysis.same_weekday.revenue == 300
    assert analysis.products[0].previous_revenue == 400


def test_a_first_day_has_nothing_to_compare_with() -> None:
    sales = [Sale(at(9), (Item("A1", "Tea", 1, 500),))]
    analysis = analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=DAY)
    assert analysis.previous is None
    assert analysis.same_weekday is None
    assert len(analysis.context) == 1


def test_hours_and_weekdays_are_those_of_the_shop() -> None:
    sales = [Sale(at(0), (Item("A1", "Tea", 1, 100),)), Sale(at(23, minute=59), (Item("A1", "Tea", 1, 200),))]
    analysis = analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=LONG_AGO)
    assert (analysis.by_hour[0], analysis.by_hour[23]) == (100, 200)
    assert analysis.by_weekday[6] == 300  # 22 November 2026 is a Sunday


@pytest.mark.parametrize(
    ("step", "direction"),
    [(30, TrendDirection.UPWARD), (-30, TrendDirection.DOWNWARD), (0, TrendDirection.STABLE)],
)
def test_the_trend_is_told_and_one_big_order_does_not_make_it(step: int, direction: TrendDirection) -> None:
    days = [DAY - timedelta(days=n) for n in range(60)]
    sales = [Sale(at(9, day), (Item("A1", "Tea", 1, 5000 - step * n),)) for n, day in enumerate(days)]
    sales.append(Sale(at(10, days[30]), (Item("A1", "Tea", 900, 4_000_000),)))
    trend = analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=days[-1]).trend
    assert trend.direction is direction
    assert trend.days == 60


def test_a_closed_weekday_is_not_the_weakest_one() -> None:
    days = [DAY - timedelta(days=n) for n in range(70)]
    sales = [
        Sale(at(9, day), (Item("A1", "Tea", 1, 1000 + 100 * day.weekday()),)) for day in days if day.weekday() != 6
    ]
    trend = analyse_sales(arrays_of(sales), Period.DAILY, DAY, known_from=days[-1]).trend
    assert (trend.strongest_weekday, trend.weakest_weekday) == (5, 0)


def test_lines_out_of_order_are_refused() -> None:
    table = lines_of([Sale(at(9), (Item("A1", "Tea", 1, 1),)), Sale(at(10), (Item("A1", "Tea", 1, 1),))])
    with pytest.raises(ValueError, match="not sorted"):
        SaleLines.from_table(table.iloc[::-1])


def test_a_series_with_a_gap_is_refused() -> None:
    series = analyse_sales(arrays_of([]), Period.WEEKLY, DAY, known_from=LONG_AGO).daily
    with pytest.raises(ValueError, match="gap"):
        trend_hint((series[0], series[2]))


@pytest.mark.parametrize("period", Period)
def test_the_days_needed_hold_everything_the_analysis_looks_at(period: Period) -> None:
    needed = days_needed(period, DAY)
    analysis = analyse_sales(arrays_of([]), period, DAY, known_from=LONG_AGO)
    looked_at = [analysis.window.first, analysis.previous_window.first, analysis.same_weekday_window.first]
    assert needed.first <= min([*looked_at, analysis.context[0].day])


def test_a_shop_three_days_old_is_compared_with_nothing_and_has_no_trend() -> None:
    sales = [Sale(at(9, DAY - timedelta(days=ago)), (Item("A1", "Tea", 1, 500),)) for ago in range(3)]
    analysis = analyse_sales(arrays_of(sales), Period.MONTHLY, DAY, known_from=LONG_AGO)
    assert analysis.previous is None
    assert analysis.same_weekday is None
    assert len(analysis.context) == 3
    assert analysis.trend.direction is TrendDirection.UNKNOWN
    assert analysis.trend.strongest_weekday is None


@pytest.mark.parametrize(
    ("refund", "shares"), [(-100, [0.6, 0.9, -0.5]), (-299, [None] * 3), (-300, [None] * 3), (-500, [None] * 3)]
)
def test_a_share_of_a_total_of_which_nothing_is_left_is_no_figure(refund: int, shares: list[float | None]) -> None:
    items = (Item("A1", "Tea", 1, 120), Item("B2", "Cup", 2, 180), Item("C3", "Pot", -1, refund))
    analysis = analyse_sales(arrays_of([Sale(at(9), items)]), Period.DAILY, DAY, known_from=LONG_AGO)
    by_sku = {product.sku: product.share for product in analysis.products}
    assert [by_sku[sku] for sku in ("A1", "B2", "C3")] == shares
