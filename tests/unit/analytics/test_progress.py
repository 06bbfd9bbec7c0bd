"""The month so far and the year before."""

from datetime import date, timedelta

from salesflow.analytics.progress import progress_of
from salesflow.analytics.results import DaySales
from salesflow.windows import Period, window_of

DAY = date(2026, 11, 22)


def series(first: date) -> list[DaySales]:
    """Each day brings its ordinal: no two sums of days are the same by chance."""
    return [
        DaySales(first + timedelta(days=n), (first + timedelta(days=n)).toordinal(), 1, 1)
        for n in range((DAY - first).days + 1)
    ]


def test_the_month_is_compared_with_the_same_days_of_the_month_before() -> None:
    month = progress_of(series(date(2026, 9, 1)), date(2026, 9, 1), window_of(Period.DAILY, DAY)).month
    assert month is not None
    assert month.revenue == sum(date(2026, 11, n).toordinal() for n in range(1, 23))
    assert month.earlier_revenue == sum(date(2026, 10, n).toordinal() for n in range(1, 23))


def test_a_week_is_compared_with_the_same_weekdays_a_year_ago() -> None:
    first = date(2025, 6, 1)
    year = progress_of(series(first), first, window_of(Period.WEEKLY, DAY)).year
    assert year is not None
    assert year.earlier_window.last.weekday() == DAY.weekday()
    assert year.revenue - year.earlier_revenue == 7 * 364


def test_what_lies_before_the_first_known_day_is_compared_with_nothing() -> None:
    first = date(2026, 10, 2)
    progress = progress_of(series(first), first, window_of(Period.DAILY, DAY))
    assert progress.month is None
    assert progress.year is None
    assert progress.month_revenue is not None
    assert progress_of(series(date(2026, 11, 3)), date(2026, 11, 3), window_of(Period.DAILY, DAY)).month_revenue is None
