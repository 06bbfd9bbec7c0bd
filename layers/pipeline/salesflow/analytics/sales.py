"""Sales figures of a window, with what they are compared with.

Definitions are the old service's (revenue is the sum of `totalAmount`, average ticket is revenue / transactions, the
periods are those of `salesflow.windows`); the fields are described in `salesflow.analytics.results`.
"""

from datetime import date, timedelta
from itertools import pairwise, starmap

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.analytics.lines import SaleLines, date_of, day_number, known_since, sums_by
from salesflow.analytics.results import (
    TREND_HORIZON_DAYS,
    DaySales,
    ProductSales,
    SalesAnalysis,
    SalesKpis,
    TrendDirection,
    TrendHint,
)
from salesflow.money import divide_minor
from salesflow.windows import Period, Window, previous_window, same_weekday_last_week, window_of

CONTEXT_DAYS = 90
TREND_MIN_DAYS = 14
TREND_MIN_CHANGE = 0.05
"""A trend is one when it moves the daily revenue by at least 5% of a usual day's in 30 days; less is called stable."""
SEASON_MIN_WEEKS = 4
USUAL_DAYS, USUAL_MIN_DAYS = 84, 28
"""A product's usual rests on the twelve weeks before the window, at least on four since its first sale."""


def days_needed(period: Period, business_date: date) -> Window:
    """All days that the analysis of a period looks at: window, previous window, same weekday last week, context."""
    window = window_of(period, business_date)
    first = min(
        previous_window(period, window).first,
        same_weekday_last_week(business_date).first,
        business_date - timedelta(days=CONTEXT_DAYS - 1),
    )
    return Window(first, business_date)


def analyse_sales(
    lines: pd.DataFrame | SaleLines, period: Period, business_date: date, *, known_from: date
) -> SalesAnalysis:
    """The sales analysis of the period that ends on `business_date`.

    lines: sale lines that cover `days_needed`, as far as they are known.
    known_from: first day that the history covers; days before it and before the first sale in the lines are unknown, and comparisons
    that reach further back are None.
    """
    lines = SaleLines.of(lines)
    known_from = known_since(lines, known_from, business_date)
    window = window_of(period, business_date)
    before = previous_window(period, window)
    last_week = same_weekday_last_week(business_date)
    here = lines.within(window)
    context_first = max(known_from, business_date - timedelta(days=CONTEXT_DAYS - 1))
    context = daily_series(lines, Window(min(context_first, business_date), business_date))
    known = lines.within(Window(date.min, window.last))
    return SalesAnalysis(
        window=window,
        kpis=sales_kpis(here),
        previous_window=before,
        previous=sales_kpis(lines.within(before)) if before.first >= known_from else None,
        same_weekday_window=last_week,
        same_weekday=sales_kpis(lines.within(last_week)) if last_week.first >= known_from else None,
        products=product_sales(here, lines.within(before), usual_revenue(lines, window, known_from)),
        daily=daily_series(lines, window),
        by_hour=revenue_by_hour(here),
        by_weekday=revenue_by_weekday(here),
        context=context,
        trend=trend_hint(context),
        data_as_of=known.newest,
        rows=len(here),
    )


def sales_kpis(lines: SaleLines) -> SalesKpis:
    """The headline figures of some lines."""
    revenue = int(lines.sale_total[lines.opens_sale].sum())
    transactions = int(np.count_nonzero(lines.opens_sale))
    returned = np.flatnonzero(lines.quantity < 0)
    return SalesKpis(
        revenue=revenue,
        quantity=int(lines.quantity.sum()),
        transactions=transactions,
        average_ticket=divide_minor(revenue, transactions),
        returned_amount=-int(lines.subtotal[returned].sum()),
        returned_quantity=-int(lines.quantity[returned].sum()),
        returns=len(np.unique(lines.sale[returned])),
        adjustments=revenue - int(lines.subtotal.sum()),
    )


def usual_revenue(lines: SaleLines, window: Window, known_from: date) -> npt.NDArray[np.object_]:
    """What each product usually brings in such a window, by SKU code: its mean day of up to 84 days before, times how much the window's
    weekdays bring of the shop's mean day. None for a product whose first sale is less than 28 days before the window."""
    first = max(known_from, window.first - timedelta(days=USUAL_DAYS))
    answer = np.full(len(lines.skus), None, dtype=object)
    known = (window.first - first).days
    if known < USUAL_MIN_DAYS:
        return answer
    past = lines.within(Window(first, window.first - timedelta(days=1)))
    items, days = past.items, daily_series(past, Window(first, window.first - timedelta(days=1)))
    mean = sum(day.revenue for day in days) / known
    weekdays = [[day.revenue for day in days if day.day.weekday() == n] for n in range(7)]
    factor = (
        sum(sum(weekdays[day.weekday()]) / len(weekdays[day.weekday()]) for day in window.dates) / mean
        if mean > 0
        else 0.0
    )
    begun = np.full(len(lines.skus), day_number(window.first))
    np.minimum.at(begun, items.sku, items.days)
    ages = day_number(window.first) - begun
    old = np.flatnonzero(ages >= USUAL_MIN_DAYS)
    usual = np.rint(sums_by(items.sku, items.subtotal, len(lines.skus))[old] / ages[old] * factor)
    answer[old] = [int(value) for value in usual]
    return answer


def product_sales(
    lines: SaleLines, previous: SaleLines, usual: npt.NDArray[np.object_] | None = None
) -> tuple[ProductSales, ...]:
    """Every product of some lines, by revenue; `previous` gives what it is compared with, `usual` what it usually brings (by SKU code). All
    share their SKU codes."""
    size = len(lines.skus)
    items = lines.items
    revenue = sums_by(items.sku, items.subtotal, size)
    pieces = sums_by(items.sku, items.quantity, size)
    returned = np.flatnonzero(items.quantity < 0)
    returned_pieces = sums_by(items.sku[returned], -items.quantity[returned], size)
    returned_amount = sums_by(items.sku[returned], -items.subtotal[returned], size)
    before = previous.items
    # A product that stands twice in one sale counts once. A stable sort by product leaves its lines in order of sale; on
    # 16-bit codes numpy's is a radix sort, several times faster than any sort or hash of pairs.
    order = np.argsort(items.sku.astype(np.uint16 if size <= 2**16 else np.int64), kind="stable")
    by_product, sale = items.sku[order], items.sale[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (by_product[1:] != by_product[:-1]) | (sale[1:] != sale[:-1])
    transactions = np.bincount(by_product[first], minlength=size)
    # Lines are in order of time and the last assignment stands: a product carries the name it was last sold under.
    name = np.zeros(size, dtype=np.int64)
    name[items.sku] = items.name
    total = int(revenue.sum())
    sold = np.flatnonzero(transactions)
    ranked = sold[np.lexsort((lines.skus[sold].astype(str), -revenue[sold]))]
    columns = (
        lines.skus[ranked],
        lines.names[name[ranked]],
        pieces[ranked],
        revenue[ranked],
        revenue[ranked] / total if total > 0 else np.full(len(ranked), None),
        transactions[ranked],
        returned_pieces[ranked],
        returned_amount[ranked],
        sums_by(before.sku, before.quantity, size)[ranked],
        sums_by(before.sku, before.subtotal, size)[ranked],
        np.full(len(ranked), None) if usual is None else usual[ranked],
    )
    return tuple(starmap(ProductSales, zip(*(column.tolist() for column in columns), strict=True)))


def daily_series(lines: SaleLines, window: Window) -> tuple[DaySales, ...]:
    """Revenue, pieces and sales of every day of a window."""
    sales = lines.within(window).sales
    days = sales.days - day_number(window.first)
    revenue = sums_by(days, sales.total, window.days)
    transactions = np.bincount(days, minlength=window.days)
    quantity = sums_by(days, sales.quantity, window.days)
    return tuple(
        DaySales(day, int(revenue[n]), int(quantity[n]), int(transactions[n])) for n, day in enumerate(window.dates)
    )


def revenue_by_hour(lines: SaleLines) -> tuple[int, ...]:
    """Revenue of each hour of the day, 0 to 23."""
    sales = lines.sales
    return tuple(sums_by(sales.hours, sales.total, 24).tolist())


def revenue_by_weekday(lines: SaleLines) -> tuple[int, ...]:
    """Revenue of each weekday, Monday first."""
    sales = lines.sales
    return tuple(sums_by((sales.days + date_of(0).weekday()) % 7, sales.total, 7).tolist())


def trend_hint(series: tuple[DaySales, ...]) -> TrendHint:
    """Where the daily revenue goes, by the median of the slopes between all pairs of days (Theil 1950, Sen 1968).

    One wholesale order or one closed day does not move a median, as it would a least-squares line.
    """
    if any(later.day - earlier.day != timedelta(days=1) for earlier, later in pairwise(series)):
        raise ValueError("The daily series has a gap.")
    revenue = np.array([day.revenue for day in series], dtype=float)
    weekdays = np.array([day.day.weekday() for day in series])
    usual = float(np.median(revenue[revenue > 0])) if np.any(revenue > 0) else 0.0
    if len(series) < TREND_MIN_DAYS or usual == 0:
        return TrendHint(TrendDirection.UNKNOWN, 0.0, len(series), None, None)
    earlier, later = np.triu_indices(len(series), k=1)
    change = float(np.median((revenue[later] - revenue[earlier]) / (later - earlier))) / usual
    direction = TrendDirection.STABLE
    if abs(change) * TREND_HORIZON_DAYS >= TREND_MIN_CHANGE:
        direction = TrendDirection.UPWARD if change > 0 else TrendDirection.DOWNWARD
    strongest = weakest = None
    if len(series) >= 7 * SEASON_MIN_WEEKS:
        open_days = sorted({day.day.weekday() for day in series if day.transactions})
        means = {weekday: float(revenue[weekdays == weekday].mean()) for weekday in open_days}
        strongest, weakest = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    return TrendHint(direction, change, len(series), strongest, weakest)
