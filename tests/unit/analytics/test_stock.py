"""Stock figures as the old service defined them."""

from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from salesflow.analytics.results import StockAnalysis, StockItem, StockStatus
from salesflow.analytics.stock import analyse_stock
from tests.unit.analytics.tables import Item, Sale, arrays_of

DAY = date(2026, 11, 22)
COUNTED = datetime(2026, 11, 23, 0, 20)
LONG_AGO = date(2020, 1, 1)


def stock_of(*rows: tuple[str, int, int, int, int | None]) -> pd.DataFrame:
    """SKU, stock, threshold, price, cost."""
    return pd.DataFrame(
        {
            "product_id": range(len(rows)),
            "sku": [row[0] for row in rows],
            "name": [f"Product {row[0]}" for row in rows],
            "price": [row[3] for row in rows],
            "stock_quantity": [row[1] for row in rows],
            "low_stock_threshold": [row[2] for row in rows],
            "cost": pd.array([row[4] for row in rows], dtype="Int64"),
            "category": pd.array([None] * len(rows), dtype="str"),
        }
    )


def sold(sku: str, pieces: int, days_ago: int) -> Sale:
    return Sale(datetime(2026, 11, 22, 12) - timedelta(days=days_ago), (Item(sku, sku, pieces, pieces * 100),))


def sold_for_long(sku: str, pieces: int, days_ago: int) -> list[Sale]:
    """So many pieces in all, the first of them 89 days ago."""
    return [sold(sku, 1, 89), sold(sku, pieces - 1, days_ago)]


def analyse(stock: pd.DataFrame, sales: list[Sale], known_from: date = LONG_AGO) -> StockAnalysis:
    return analyse_stock(stock, arrays_of(sales), DAY, known_from=known_from, counted_at=COUNTED)


def item(analysis: StockAnalysis, sku: str) -> StockItem:
    return next(item for item in analysis.items if item.sku == sku)


@pytest.mark.parametrize(
    ("stock", "threshold", "status"),
    [
        (0, 5, StockStatus.OUT_OF_STOCK),
        (-3, 5, StockStatus.OUT_OF_STOCK),
        (4, 5, StockStatus.LOW_STOCK),
        (5, 5, StockStatus.OK),
        (1, 0, StockStatus.OK),
    ],
)
def test_the_status_of_a_product_that_sells(stock: int, threshold: int, status: StockStatus) -> None:
    analysis = analyse(stock_of(("A1", stock, threshold, 100, None)), [sold("A1", 1, 3)])
    assert item(analysis, "A1").status is status


def test_dead_stock_is_in_stock_without_a_sale_for_90_days() -> None:
    stock = stock_of(
        ("OLD", 10, 2, 100, None), ("EDGE", 10, 2, 100, None), ("LOW", 1, 5, 100, None), ("OUT", 0, 5, 100, None)
    )
    analysis = analyse(stock, [sold("OLD", 1, 90), sold("EDGE", 1, 89), sold("EDGE", -1, 1)])
    assert item(analysis, "OLD").status is StockStatus.DEAD_STOCK
    assert item(analysis, "EDGE").status is StockStatus.OK
    assert item(analysis, "EDGE").last_sold == DAY - timedelta(days=89)
    assert item(analysis, "LOW").status is StockStatus.LOW_STOCK  # the first that applies
    assert item(analysis, "OUT").status is StockStatus.OUT_OF_STOCK
    assert (analysis.kpis.dead_stock, analysis.kpis.dead_stock_value) == (1, 1000)


def test_a_young_history_calls_nothing_dead() -> None:
    analysis = analyse(stock_of(("A1", 10, 2, 100, None)), [], known_from=DAY - timedelta(days=29))
    assert item(analysis, "A1").status is StockStatus.OK
    assert analysis.sales_days == 30


def test_coverage_is_stock_over_average_daily_sales_of_90_days() -> None:
    analysis = analyse(
        stock_of(("A1", 20, 2, 100, None), ("B2", 6, 2, 100, None)),
        [*sold_for_long("A1", 180, 5), *sold_for_long("B2", 90, 5)],
    )
    assert item(analysis, "A1").daily_sales == 2
    assert item(analysis, "A1").coverage_days == 10
    assert not item(analysis, "A1").urgent
    assert item(analysis, "B2").urgent  # 6 days
    assert analysis.kpis.urgent_reorders == 1
    assert analysis.kpis.average_coverage_days == 8


def test_exactly_seven_days_is_not_urgent() -> None:
    assert not item(analyse(stock_of(("A1", 7, 0, 100, None)), sold_for_long("A1", 90, 5)), "A1").urgent


def test_value_rotation_and_ratio() -> None:
    stock = stock_of(("A1", 10, 2, 500, 300), ("B2", 1, 3, 200, None), ("C3", -4, 1, 900, 100))
    kpis = analyse(stock, sold_for_long("A1", 90, 10)).kpis
    assert kpis.stock_value == 10 * 500 + 1 * 200  # what is oversold is worth nothing, not less
    assert kpis.cost_value == 10 * 300
    assert (kpis.products, kpis.units, kpis.out_of_stock, kpis.low_stock) == (3, 11, 1, 1)
    assert kpis.low_stock_ratio == pytest.approx(1 / 3)
    assert kpis.rotation_per_year == pytest.approx(1 * 500 * 365 / 5200)


def test_more_returned_than_sold_is_no_negative_demand() -> None:
    a1 = item(analyse(stock_of(("A1", 10, 2, 100, None)), [sold("A1", 1, 4), sold("A1", -3, 3)]), "A1")
    assert (a1.daily_sales, a1.coverage_days) == (0, None)


def test_what_needs_doing_stands_on_top() -> None:
    stock = stock_of(
        ("OK", 99, 2, 1, None),
        ("DEAD", 9, 2, 1, None),
        ("LOW", 1, 5, 1, None),
        ("URGENT", 2, 5, 1, None),
        ("OUT", 0, 1, 1, None),
    )
    analysis = analyse(stock, [*sold_for_long("OK", 9, 1), *sold_for_long("URGENT", 90, 1)])
    assert [i.sku for i in analysis.items] == ["OUT", "URGENT", "LOW", "DEAD", "OK"]


def test_no_product_at_all() -> None:
    kpis = analyse(stock_of(), []).kpis
    assert (kpis.products, kpis.stock_value, kpis.cost_value, kpis.low_stock_ratio) == (0, 0, None, 0.0)
    assert kpis.rotation_per_year is None
    assert kpis.average_coverage_days is None


def test_a_product_is_not_older_than_its_first_sale() -> None:
    """9 a day since ten days and 45 left: that is five days, not the 45 that a mean of 90 days makes of it."""
    young = [sold("NEW", 9, ago) for ago in range(10)]
    analysis = analyse(stock_of(("NEW", 45, 5, 100, None)), [sold("OLD", 1, 89), *young])
    assert item(analysis, "NEW").daily_sales == 9
    assert item(analysis, "NEW").coverage_days == 5
    assert item(analysis, "NEW").urgent


def test_one_piece_sold_yesterday_is_no_piece_a_day() -> None:
    analysis = analyse(stock_of(("SLOW", 5, 1, 100, None)), [sold("OLD", 1, 89), sold("SLOW", 1, 1)])
    assert item(analysis, "SLOW").daily_sales == pytest.approx(1 / 28)


def test_days_out_of_stock_do_not_count() -> None:
    """20 days of 4 a day, then nothing left for 30 days: still 4 a day would sell."""
    sales = [sold("OUT", 4, ago) for ago in range(30, 50)]
    stock = stock_of(("OUT", 0, 1, 100, None))
    assert item(analyse(stock, [sold("OLD", 1, 89), *sales]), "OUT").daily_sales == 4


def test_days_before_the_shop_s_first_sale_are_unknown() -> None:
    """Three days old: 40 pieces a day of each of three products, 100 of each left."""
    sales = [sold(sku, 40, ago) for sku in ("A", "B", "C") for ago in range(3)]
    analysis = analyse(stock_of(*((sku, 100, 5, 100, None) for sku in "ABC")), sales)
    assert analysis.sales_days == 3
    assert analysis.kpis.average_coverage_days == 2.5
    assert analysis.kpis.urgent_reorders == 3
