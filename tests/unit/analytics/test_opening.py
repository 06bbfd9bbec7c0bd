"""On which weekdays a shop trades, by the days on which it sold something."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from salesflow.analytics.lines import day_number
from salesflow.analytics.opening import trading_weekdays

LAST = date(2026, 11, 22)  # a Sunday


def shop(weeks: float, is_open: Callable[[date], bool]) -> tuple[bool | None, ...]:
    dates = [LAST - timedelta(days=n) for n in reversed(range(round(weeks * 7)))]
    return trading_weekdays(np.array([day_number(day) for day in dates]), np.array([is_open(day) for day in dates]))


def sundays_every(nth: int) -> Callable[[date], bool]:
    return lambda day: day.weekday() != 6 or (LAST - day).days % (7 * nth) == 0


def test_a_shop_that_is_always_open_trades_every_day() -> None:
    assert shop(10, lambda _: True) == (True,) * 7


def test_thursday_to_saturday() -> None:
    assert shop(12, lambda day: day.weekday() in (3, 4, 5)) == (False, False, False, True, True, True, False)


@pytest.mark.parametrize(("nth", "trades"), [(1, True), (2, True), (3, False), (4, False)])
def test_a_sunday_now_and_then(nth: int, trades: bool) -> None:
    """It is the same answer in every week of the rhythm."""
    for week in range(nth):
        answer = shop(13, lambda day, week=week: sundays_every(nth)(day + timedelta(weeks=week)))  # type: ignore[misc]
        assert answer == (*(True,) * 6, trades)


def test_a_fortnight_s_holiday_says_nothing_about_weekdays() -> None:
    away = (date(2026, 10, 26), date(2026, 11, 15))
    assert shop(16, lambda day: not away[0] <= day <= away[1]) == (True,) * 7


def test_of_a_young_shop_nothing_is_known() -> None:
    assert shop(1, lambda _: True) == (None,) * 7


def test_three_openings_in_a_row_make_a_trading_day_and_five_closings_end_one() -> None:
    assert shop(16, lambda day: day.weekday() != 6 or (LAST - day).days < 21)[6] is True
    assert shop(16, lambda day: day.weekday() != 6 or (LAST - day).days >= 35)[6] is False
