"""What the report's days usually bring: expected by the anomaly check's model from the days before each of them."""

from datetime import timedelta
from typing import Final

import pandas as pd

from salesflow.analytics.merchant import Usual, UsualDay
from salesflow.analytics.results import DaySales
from salesflow.detection.usual import usual_days
from salesflow.windows import Period, Window

LEARNT_DAYS: Final = 182
"""Days before the first one shown that the model learns from: its half year."""
_CHART_DAYS: Final = {Period.DAILY: 28, Period.WEEKLY: 84, Period.MONTHLY: 31, Period.QUARTERLY: 90}


def days_of_usual(period: Period, window: Window) -> Window:
    """The shop's days that `usual_of` looks at."""
    shown = max(_CHART_DAYS[period], window.days)
    return Window(window.last - timedelta(days=shown + LEARNT_DAYS - 1), window.last)


def usual_of(shop: pd.DataFrame, period: Period, window: Window) -> Usual | None:
    """The usual of a window; None where every day is unknown, because the history is too short.

    shop: the shop's days (schema: `salesflow.history.shop_days`) of `days_of_usual`, as far as they are known.
    """
    shown = days_of_usual(period, window).days - LEARNT_DAYS
    found = usual_days(shop, window.last - timedelta(days=shown - 1), window.last)
    if not any(found.values()):
        return None
    days = tuple(
        UsualDay(day, None, None, None)
        if usual is None
        else UsualDay(day, round(usual.revenue.value), usual.transactions.value, usual.quantity.value)
        for day, usual in found.items()
    )
    own, last = days[-window.days :], found[window.last]
    revenue = _total([day.revenue for day in own])
    return Usual(
        days,
        () if last is None or not any(last.hours) else tuple(round(value) for value in last.hours),
        None if revenue is None else round(revenue),
        _total([day.transactions for day in own]),
        _total([day.quantity for day in own]),
    )


def shop_series(shop: pd.DataFrame) -> tuple[DaySales, ...]:
    """The shop's days as a daily series, days without a sale left out."""
    columns = (shop[name].tolist() for name in ("revenue", "quantity", "transactions"))
    return tuple(
        DaySales(day.date(), *figures) for day, *figures in zip(shop["date"].dt.to_pydatetime(), *columns, strict=True)
    )


def _total(values: list[float | None] | list[int | None]) -> float | None:
    return None if any(value is None for value in values) else float(sum(value or 0 for value in values))
