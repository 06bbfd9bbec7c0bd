"""Weeks and months judged as a whole."""

from datetime import date, timedelta

import pandas as pd
import pytest

from salesflow.detection import Policy
from salesflow.detection.periods import detect_period
from salesflow.windows import Period
from tests.unit.detection.shops import day_table, made_up

LAST = date(2025, 8, 3)


@pytest.mark.parametrize(("weeks", "judged"), [(8, False), (16, True)])
def test_a_product_is_judged_by_the_week_once_it_is_eight_weeks_old(weeks: int, judged: bool) -> None:
    products = made_up(n_products=16)
    products = products[products["date"] <= pd.Timestamp(LAST)]
    began = pd.Timestamp(LAST - timedelta(days=7 * weeks - 1))
    young = products["sku"] == "P03"
    products = products[~young | (products["date"] >= began)].copy()
    last_week = (products["sku"] == "P03") & (products["date"] > pd.Timestamp(LAST - timedelta(days=7)))
    products.loc[last_week, ["quantity", "revenue"]] *= 6
    result = detect_period(
        day_table(products), products, LAST, Period.WEEKLY, Policy(min_impact=0), known_from=date(2025, 1, 6)
    )
    found = [event for event in result.products if event.sku == "P03"]
    assert bool(found) is judged
    for event in found:  # by its own weeks, and not by those before it was sold
        assert event.deviation == pytest.approx(5, rel=0.2)


def test_a_week_is_told_with_returns_taken_off_as_in_its_report() -> None:
    products = made_up(n_products=16)
    table = day_table(products)
    table = table[table["date"] <= pd.Timestamp(LAST)].copy()
    last_week = table["date"] > pd.Timestamp(LAST - timedelta(days=7))
    table.loc[last_week, ["revenue", "quantity"]] //= 3
    table["returned_revenue"], table["returned_quantity"] = table["revenue"] // 10, table["quantity"] // 10
    table["revenue"] -= table["returned_revenue"]
    table["quantity"] -= table["returned_quantity"]
    result = detect_period(table, products[:0], LAST, Period.WEEKLY, Policy(), known_from=date(2025, 1, 6))
    (event,) = [event for event in result.shop if event.metric == "revenue"]
    assert event.value == table.loc[last_week, "revenue"].sum()
    weeks = table.loc[~last_week, "revenue"].sum() / (len(table[~last_week]) / 6)
    assert event.expected == pytest.approx(weeks, rel=0.1)
