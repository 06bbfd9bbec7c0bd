"""What products usually bring, against plain loops over the sales, and which of them are no goods."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.analytics.results import SalesAnalysis
from salesflow.analytics.sales import analyse_sales
from salesflow.analytics.services import services_among
from salesflow.windows import Period
from tests.unit.analytics.tables import Item, Sale, arrays_of, lines_of

LAST = date(2026, 11, 22)
FIRST = LAST - timedelta(days=98)


def on(day: date, *items: Item, hour: int = 12) -> Sale:
    return Sale(datetime(day.year, day.month, day.day, hour), items)


def days(back: int) -> list[date]:
    return [LAST - timedelta(days=n) for n in range(back, -1, -1)]


def analysed(sales: Iterable[Sale], period: Period = Period.DAILY) -> SalesAnalysis:
    return analyse_sales(lines_of(list(sales)), period, LAST, known_from=FIRST)


def usual(sales: Iterable[Sale], sku: str, period: Period = Period.DAILY) -> int | None:
    return next(product.usual_revenue for product in analysed(sales, period).products if product.sku == sku)


def test_an_even_product_usually_brings_what_it_brings_each_day() -> None:
    sales = [on(day, Item("A1", "Tea", 1, 500), Item("B2", "Cup", 1, 700)) for day in days(95)]
    assert (usual(sales, "A1"), usual(sales, "B2")) == (500, 700)
    assert usual(sales, "A1", Period.WEEKLY) == 3500


def test_a_busy_weekday_is_busy_for_each_product() -> None:
    sales = [on(day, Item("A1", "Tea", 1, 1300 if day.weekday() == LAST.weekday() else 500)) for day in days(95)]
    assert usual(sales, "A1") == 1300


def test_a_product_is_not_older_than_its_first_sale_and_one_of_three_weeks_has_no_usual() -> None:
    old = [on(day, Item("B2", "Cup", 1, 700)) for day in days(95)]
    month = [on(day, Item("A1", "Tea", 2, 900)) for day in days(42)]
    weeks = [on(day, Item("C3", "Pot", 2, 900)) for day in days(21)]
    sales = sorted([*old, *month, *weeks], key=lambda sale: sale.sold_at)
    assert usual(sales, "B2") == 700
    assert usual(sales, "A1") == 900
    assert usual(sales, "C3") is None


def test_a_shop_of_three_weeks_has_no_usual_products() -> None:
    assert usual([on(day, Item("A1", "Tea", 1, 500)) for day in days(21)], "A1") is None


@given(
    st.lists(
        st.tuples(st.integers(0, 97), st.sampled_from(["A1", "B2", "C3"]), st.integers(-500, 9000)),
        min_size=1,
        max_size=60,
    )
)
def test_it_agrees_with_a_plain_loop(rows: list[tuple[int, str, int]]) -> None:
    sales = [on(LAST - timedelta(days=back), Item(sku, sku, 1, amount)) for back, sku, amount in rows]
    sales += [on(FIRST, Item("A1", "A1", 1, 1)), on(LAST, Item("A1", "A1", 1, 1), Item("B2", "B2", 1, 1))]
    past = [sale for sale in sales if LAST - timedelta(days=84) <= sale.sold_at.date() < LAST]
    shop = Fraction(sum(sale.total for sale in past), 84)
    same = Fraction(sum(sale.total for sale in past if sale.sold_at.weekday() == LAST.weekday()), 12)
    for product in analysed(sales).products:
        mine = [(sale.sold_at.date(), item) for sale in past for item in sale.items if item.sku == product.sku]
        age = (LAST - min((day for day, _ in mine), default=LAST)).days
        if age < 28:
            assert product.usual_revenue is None
        else:
            wanted = Fraction(sum(item.subtotal for _, item in mine), age) * (same / shop if shop > 0 else 0)
            assert product.usual_revenue == pytest.approx(float(wanted), abs=0.51)


def test_what_has_no_price_of_its_own_is_no_best_seller_and_a_product_without_sku_is_not_judged() -> None:
    posted = [on(day, Item("POST", "Postage", 1, 100 * 3**n)) for n, day in enumerate(days(6))]
    goods = [
        on(day, Item("A1", "Tea", n + 1, (n + 1) * 500), Item("", "Any", 1, 9 ** (n + 1)))
        for n, day in enumerate(days(6))
    ]
    lines = arrays_of(sorted([*posted, *goods], key=lambda sale: sale.sold_at))
    assert services_among(lines, {"POST", "A1", ""}) == {"POST"}
    assert services_among(lines, {"A1"}) == frozenset()
