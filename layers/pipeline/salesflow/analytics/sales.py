"""Sales figures of a window, with what they are compared with.

Definitions are the old service's (revenue is the sum of `totalAmount`, average ticket is revenue / transactions, the
periods are those of `salesflow.windows`); the fields are described in `salesflow.analytics.results`.
"""

from datetime import date, timedelta
from itertools import pairwise, starmap

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.analytics.lines import SaleLines, date_of, day_number, sums_by
from salesflow.analytics.results import (
    TREND_HORIZON_DAYS,
    DaySales,
    ProductSales,
    SalesAnalysis,
    SalesKpis,
    TrendDirection,
    TrendHint,
    is_base,
)
from salesflow.analytics.sold_days import SoldDays
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


type Sold = pd.DataFrame | SaleLines | SoldDays
"""What was sold: sale lines, or what was summed of them."""


def analyse_sales(sold: Sold, period: Period, business_date: date, *, known_from: date) -> SalesAnalysis:
    """The sales analysis of the period that ends on `business_date`.

    sold: what covers `days_needed`, as far as it is known.
    known_from: first day that the history covers; days before it and before the first sale are unknown, and comparisons that reach
    further back are None.
    """
    sold = SoldDays.of(sold)
    known_from = sold.known_since(known_from, business_date)
    window = window_of(period, business_date)
    before = previous_window(period, window)
    last_week = same_weekday_last_week(business_date)
    here = sold.within(window)
    context_first = max(known_from, business_date - timedelta(days=CONTEXT_DAYS - 1))
    context = daily_series(sold, Window(min(context_first, business_date), business_date))
    return SalesAnalysis(
        window=window,
        kpis=sales_kpis(here),
        previous_window=before,
        previous=sales_kpis(sold.within(before)) if before.first >= known_from else None,
        same_weekday_window=last_week,
        same_weekday=sales_kpis(sold.within(last_week)) if last_week.first >= known_from else None,
        products=product_sales(here, sold.within(before), usual_revenue(sold, window, known_from)),
        daily=daily_series(here, window),
        by_hour=revenue_by_hour(here),
        by_weekday=revenue_by_weekday(here),
        context=context,
        trend=trend_hint(context),
        data_as_of=sold.within(Window(date.min, window.last)).newest,
        rows=here.rows,
    )


def sales_kpis(sold: Sold) -> SalesKpis:
    """The headline figures of some days."""
    days = SoldDays.of(sold).days
    revenue, transactions = int(days.by_hour.sum()), int(days.transactions.sum())
    return SalesKpis(
        revenue=revenue,
        quantity=int(days.quantity.sum()),
        transactions=transactions,
        average_ticket=divide_minor(revenue, transactions),
        returned_amount=int(days.returned_amount.sum()),
        returned_quantity=int(days.returned_quantity.sum()),
        returns=int(days.returns.sum()),
        adjustments=revenue - int(days.subtotal.sum()),
    )


def usual_revenue(sold: SoldDays, window: Window, known_from: date) -> npt.NDArray[np.object_]:
    """What each product usually brings in such a window, by SKU code: its mean day of up to 84 days before, times how much the window's
    weekdays bring of the shop's mean day. None for a product whose first sale is less than 28 days before the window."""
    first = max(known_from, window.first - timedelta(days=USUAL_DAYS))
    answer = np.full(len(sold.skus), None, dtype=object)
    known = (window.first - first).days
    if known < USUAL_MIN_DAYS:
        return answer
    before = Window(first, window.first - timedelta(days=1))
    past, days = sold.within(before).products, daily_series(sold, before)
    mean = sum(day.revenue for day in days) / known
    weekdays = [[day.revenue for day in days if day.day.weekday() == n] for n in range(7)]
    factor = (
        sum(sum(weekdays[day.weekday()]) / len(weekdays[day.weekday()]) for day in window.dates) / mean
        if mean > 0
        else 0.0
    )
    begun = np.full(len(sold.skus), day_number(window.first))
    np.minimum.at(begun, past.sku, past.day)
    ages = day_number(window.first) - begun
    old = np.flatnonzero(ages >= USUAL_MIN_DAYS)
    usual = np.rint(sums_by(past.sku, past.revenue, len(sold.skus))[old] / ages[old] * factor)
    answer[old] = [int(value) for value in usual]
    return answer


def product_sales(sold: Sold, previous: Sold, usual: npt.NDArray[np.object_] | None = None) -> tuple[ProductSales, ...]:
    """Every product of some days, by revenue; `previous` gives what it is compared with, `usual` what it usually brings (by SKU code). All
    share their SKU codes."""
    sold = SoldDays.of(sold)
    size, here, before = len(sold.skus), sold.products, SoldDays.of(previous).products
    pieces, revenue, returned_pieces, returned_amount, transactions = (
        sums_by(here.sku, amounts, size)
        for amounts in (here.quantity, here.revenue, here.returned_quantity, here.returned_amount, here.transactions)
    )
    # Days are in order of time and the last assignment stands: a product carries the name it was last sold under.
    name = np.zeros(size, dtype=np.int64)
    name[here.sku] = here.name
    total = int(revenue.sum())
    found = np.flatnonzero(transactions)
    ranked = found[np.lexsort((sold.skus[found].astype(str), -revenue[found]))]
    columns = (
        sold.skus[ranked],
        sold.names[name[ranked]],
        pieces[ranked],
        revenue[ranked],
        revenue[ranked] / total if is_base(total, int(returned_amount.sum())) else np.full(len(ranked), None),
        transactions[ranked],
        returned_pieces[ranked],
        returned_amount[ranked],
        sums_by(before.sku, before.quantity, size)[ranked],
        sums_by(before.sku, before.revenue, size)[ranked],
        np.full(len(ranked), None) if usual is None else usual[ranked],
    )
    return tuple(starmap(ProductSales, zip(*(column.tolist() for column in columns), strict=True)))


def daily_series(sold: Sold, window: Window) -> tuple[DaySales, ...]:
    """Revenue, pieces and sales of every day of a window."""
    found = SoldDays.of(sold).within(window).days
    figures = np.zeros((window.days, 3), dtype=np.int64)
    figures[found.day - day_number(window.first)] = np.stack(
        [found.by_hour.sum(axis=1), found.quantity, found.transactions], axis=1
    )
    return tuple(DaySales(day, *row) for day, row in zip(window.dates, figures.tolist(), strict=True))


def revenue_by_hour(sold: Sold) -> tuple[int, ...]:
    """Revenue of each hour of the day, 0 to 23."""
    return tuple(SoldDays.of(sold).days.by_hour.sum(axis=0).tolist())


def revenue_by_weekday(sold: Sold) -> tuple[int, ...]:
    """Revenue of each weekday, Monday first."""
    days = SoldDays.of(sold).days
    return tuple(sums_by((days.day + date_of(0).weekday()) % 7, days.by_hour.sum(axis=1), 7).tolist())


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
