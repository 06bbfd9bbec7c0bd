"""How far the month has come, and this year against the last."""

from collections.abc import Sequence
from datetime import date, timedelta

from salesflow.analytics.merchant import Comparison, Progress
from salesflow.analytics.results import DaySales
from salesflow.windows import Period, Window, previous_window, window_of

YEAR_BACK = timedelta(weeks=52)
"""A year ago by weekday: Saturdays are compared with Saturdays."""


def progress_of(days: Sequence[DaySales], known_from: date, window: Window) -> Progress:
    """days: the daily series as far as it is needed (days without a sale may be left out); known_from: its first known day."""
    revenue = {day.day: day.revenue for day in days}

    def total(part: Window) -> int | None:
        return sum(revenue.get(day, 0) for day in part.dates) if part.first >= known_from else None

    def compared(now: Window, earlier: Window) -> Comparison | None:
        mine, before = total(now), total(earlier)
        return None if mine is None or before is None else Comparison(now, mine, earlier, before)

    month = window_of(Period.MONTHLY, window.last)
    return Progress(
        compared(month, previous_window(Period.MONTHLY, month)),
        total(month),
        compared(window, Window(window.first - YEAR_BACK, window.last - YEAR_BACK)),
    )
