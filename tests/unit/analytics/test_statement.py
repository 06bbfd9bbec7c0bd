"""The money statement against sums made sale by sale, and what it says where costs are unknown."""

from datetime import date, datetime
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.merchant import MoneyStatement
from salesflow.analytics.sales import analyse_sales
from salesflow.analytics.statement import Ware, state_money, usual_profit, vat_in, wares_of
from salesflow.windows import Period, Window
from tests.unit.analytics.tables import Item, Sale, lines_of, sales_between

DAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12)
COSTS = {"A1": 900, "B2": 50, "C3": None}
WARES = {"A1": Ware(900, "Tea"), "B2": Ware(50, None), "C3": Ware(None, "Tea")}


def stated(sales: list[Sale], wares: dict[str, Ware], vat_percent: float = 0.0) -> MoneyStatement:
    analysis = analyse_sales(lines_of(sales), Period.DAILY, DAY, known_from=DAY)
    return state_money(analysis.kpis, analysis.products, wares, vat_percent=vat_percent)


@given(sales_between(datetime(2026, 11, 22), datetime(2026, 11, 22, 23, 59)))
def test_it_adds_up_and_agrees_with_a_plain_loop(sales: list[Sale]) -> None:
    statement = stated(sales, WARES)
    items = [item for sale in sales for item in sale.items]
    assert statement.sold - statement.returned + statement.adjustments == statement.revenue
    assert statement.revenue == sum(sale.total for sale in sales)
    assert statement.sold == sum(item.subtotal for item in items if item.quantity >= 0)
    known = [item for item in items if COSTS.get(item.sku) is not None]
    cost = sum((COSTS[item.sku] or 0) * item.quantity for item in known)
    assert statement.cost == (cost if known else None)
    assert sum(category.revenue for category in statement.categories) == sum(item.subtotal for item in items)
    if known and len({item.sku for item in items}) > len({item.sku for item in known}):
        assert statement.gross_profit == sum(item.subtotal for item in known) - cost


def test_every_cost_known_takes_the_profit_of_all_that_was_paid() -> None:
    sales = [Sale(NOON, (Item("A1", "Tea", 2, 2400), Item("B2", "Cup", 1, 600)), paid=2900)]
    statement = stated(sales, WARES)
    assert (statement.adjustments, statement.cost, statement.gross_profit) == (-100, 1850, 1050)
    assert statement.margin == pytest.approx(1050 / 2900)
    assert statement.cost_known_share == 1


def test_a_cost_that_is_unknown_is_not_zero() -> None:
    statement = stated([Sale(NOON, (Item("A1", "Tea", 1, 1000), Item("C3", "Pot", 1, 3000)))], WARES)
    assert (statement.cost, statement.gross_profit, statement.cost_known_share) == (900, 100, 0.25)
    nothing = stated([Sale(NOON, (Item("C3", "Pot", 1, 3000),))], WARES)
    assert (nothing.cost, nothing.gross_profit, nothing.margin, nothing.cost_known_share) == (None, None, None, 0)


def test_what_sold_below_its_cost_is_listed_the_largest_loss_first() -> None:
    items = (Item("A1", "Tea", 1, 800), Item("B2", "Cup", 10, 100), Item("C3", "Pot", 1, 1))
    assert stated([Sale(NOON, items)], WARES).below_cost == ("B2", "A1")


@pytest.mark.parametrize(("revenue", "percent"), [(11_300, 13), (-11_300, 13), (9_999, 16), (1, 7.7), (82_942, 5.5)])
def test_the_tax_inside_of_a_price(revenue: int, percent: float) -> None:
    rate = Fraction(str(percent))
    exact = Fraction(revenue) * rate / (100 + rate)
    assert abs(vat_in(revenue, percent) - exact) <= Fraction(1, 2)


def test_no_rate_is_no_tax() -> None:
    sales = [Sale(NOON, (Item("A1", "Tea", 1, 1130),))]
    assert stated(sales, WARES).vat is None
    assert stated(sales, WARES, 13).vat == 130


@pytest.mark.parametrize(("back", "known"), [(-1_000, True), (-1_999, False)])
def test_a_margin_of_what_refunds_left_by_chance_is_no_figure(back: int, known: bool) -> None:
    items = (Item("A1", "Tea", 2, 2_000), Item("B2", "Cup", -1, back))
    statement = stated([Sale(NOON, items)], WARES)
    assert (statement.margin is not None, statement.cost_known_share is not None) == (known, known)
    assert statement.gross_profit == 2_000 + back - 1_750


def test_products_are_ranked_by_what_they_bring() -> None:
    items = tuple(Item(sku, sku, 1, amount) for sku, amount in (("A1", 8000), ("B2", 1600), ("C3", 400)))
    assert [product.rank for product in stated([Sale(NOON, items)], {}).products] == ["A", "B", "C"]
    refunded = (*items, Item("D4", "D4", -1, -10_000))
    assert [product.rank for product in stated([Sale(NOON, refunded)], {}).products] == [""] * 4  # shares of nothing


def test_the_stock_list_says_cost_and_category() -> None:
    table = pd.DataFrame(
        {
            "sku": ["A", "B"],
            "cost": pd.array([5, None], dtype="Int64"),
            "category": pd.array(["Tea", None], dtype="str"),
        }
    )
    assert wares_of(table) == {"A": Ware(5, "Tea"), "B": Ware(None, None)}


@given(sales_between(datetime(2026, 11, 1), datetime(2026, 11, 22, 23, 59)))
def test_the_usual_profit_is_the_share_of_profit_of_the_days_before(sales: list[Sale]) -> None:
    usual = 12_345
    past = [sale for sale in sales if sale.sold_at < datetime(2026, 11, 22)]
    items = [item for sale in past for item in sale.items]
    known = [item for item in items if COSTS.get(item.sku) is not None]
    paid = sum(sale.total for sale in past)
    found = usual_profit(SaleLines.from_table(lines_of(sales)), Window(DAY, DAY), WARES, usual)
    if paid <= 0 or not known:
        assert found is None
        return
    base = paid if len(known) == len(items) else sum(item.subtotal for item in known)
    profit = base - sum((COSTS[item.sku] or 0) * item.quantity for item in known)
    assert found == pytest.approx(usual * profit / paid, abs=0.5)


def test_the_usual_profit_is_unknown_where_the_usual_sales_are() -> None:
    sales = [Sale(datetime(2026, 11, 21, 12), (Item("A1", "Tea", 1, 1000),))]
    lines = SaleLines.from_table(lines_of(sales))
    assert usual_profit(lines, Window(DAY, DAY), WARES, None) is None
    assert usual_profit(lines, Window(DAY, DAY), WARES, 500) == 50
