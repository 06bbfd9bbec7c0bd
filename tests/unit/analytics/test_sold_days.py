"""Figures from batches of days, against plain loops over all sales: the same however the days are cut."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from salesflow.analytics.demand import demand_by_sku
from salesflow.analytics.lines import SaleLines
from salesflow.analytics.sales import daily_series, product_sales, revenue_by_hour, sales_kpis
from salesflow.analytics.sold_days import SoldDays
from salesflow.windows import Window
from tests.unit.analytics.tables import Sale, lines_of, sales_between

FIRST, LAST = date(2026, 10, 27), date(2026, 11, 5)
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
CUTS = st.sets(st.integers(1, len(DAYS) - 1))


def day_of(sale: Sale, ends: int) -> date:
    return (sale.sold_at - timedelta(hours=ends)).date()


def in_batches(sales: Sequence[Sale], cuts: set[int], ends: int) -> SoldDays:
    """What was sold, summed from tables of some days each, which share no codes."""
    edges = [0, *sorted(cuts), len(DAYS)]
    parts = [DAYS[begin:end] for begin, end in pairwise(edges)]
    tables = [lines_of([sale for sale in sales if day_of(sale, ends) in days]) for days in parts]
    return SoldDays.joined([SoldDays.of(SaleLines.from_table(table, time(ends))) for table in tables])


@given(sales_between(datetime(2026, 10, 28), datetime(2026, 11, 5)), CUTS, st.sampled_from([0, 4]))
def test_figures_are_those_of_all_sales_however_the_days_are_cut(sales: list[Sale], cuts: set[int], ends: int) -> None:
    sold = in_batches(sales, cuts, ends)
    items = [item for sale in sales for item in sale.items]
    back = [item for item in items if item.quantity < 0]
    kpis = sales_kpis(sold)
    paid = sum(sale.total for sale in sales)
    assert (kpis.revenue, kpis.transactions, kpis.quantity) == (paid, len(sales), sum(item.quantity for item in items))
    assert kpis.adjustments == paid - sum(item.subtotal for item in items)
    assert (kpis.returned_quantity, kpis.returned_amount) == (
        -sum(item.quantity for item in back),
        -sum(item.subtotal for item in back),
    )
    assert kpis.returns == sum(any(item.quantity < 0 for item in sale.items) for sale in sales)
    assert sold.rows == sum(max(len(sale.items), 1) for sale in sales)
    assert sold.newest == max((sale.sold_at for sale in sales), default=None)
    assert sold.days.opens_after.tolist() == [
        min(
            (sale.sold_at - datetime.combine(day, time(ends))) // timedelta(microseconds=1)
            for sale in sales
            if day_of(sale, ends) == day
        )
        for day in sorted({day_of(sale, ends) for sale in sales})
    ]
    hours = Counter[int]()
    for sale in sales:
        hours[sale.sold_at.hour] += sale.total
    assert revenue_by_hour(sold) == tuple(hours[hour] for hour in range(24))
    for day in daily_series(sold, Window(FIRST, LAST)):
        own = [sale for sale in sales if day_of(sale, ends) == day.day]
        assert (day.revenue, day.transactions) == (sum(sale.total for sale in own), len(own))
        assert day.quantity == sum(item.quantity for sale in own for item in sale.items)


@given(sales_between(datetime(2026, 10, 28), datetime(2026, 11, 5)), CUTS, st.sampled_from([0, 4]))
def test_so_are_the_figures_of_each_product(sales: list[Sale], cuts: set[int], ends: int) -> None:
    sold = in_batches(sales, cuts, ends)
    in_order = sorted(sales, key=lambda sale: sale.sold_at)
    pieces, money, seen, returned = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    days: dict[str, set[date]] = defaultdict(set)
    name = {}
    for sale in in_order:
        seen.update({item.sku for item in sale.items})
        for item in sale.items:
            pieces[item.sku] += item.quantity
            money[item.sku] += item.subtotal
            returned[item.sku] += max(-item.quantity, 0)
            name[item.sku] = item.name
            if item.quantity > 0:
                days[item.sku].add(day_of(sale, ends))
    found = product_sales(sold, sold.within(Window(DAYS[4], DAYS[6])))
    assert [p.sku for p in found] == sorted(seen, key=lambda sku: (-money[sku], sku))
    for p in found:
        assert (p.quantity, p.revenue, p.transactions) == (pieces[p.sku], money[p.sku], seen[p.sku])
        assert (p.name, p.returned_quantity) == (name[p.sku], returned[p.sku])
        assert p.previous_revenue == sum(
            item.subtotal
            for sale in sales
            if DAYS[4] <= day_of(sale, ends) <= DAYS[6]
            for item in sale.items
            if item.sku == p.sku
        )
    demand = demand_by_sku(sold, Window(FIRST, LAST))
    assert demand.keys() == seen.keys()
    for sku, one in demand.items():
        sale_days = days[sku]
        assert (one.pieces, one.sale_days) == (pieces[sku], len(sale_days))
        assert (one.first, one.last) == (min(sale_days, default=None), max(sale_days, default=None))
