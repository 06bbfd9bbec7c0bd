"""An ordinary sum at unusual hours is seen; ordinary hours, and a handful of sales, are not."""

import numpy as np
import pytest

from salesflow.detection.hours import ORDINARY, HourMix, hour_mix, most_moved

DAYS = 150
WEEKDAYS = np.arange(DAYS) % 7


def shop_hours(seed: int, sales: int = 60) -> np.ndarray:
    """Revenue [150, 24] of a shop that opens from 9 to 19, with a midday peak on weekdays and a later one at weekends."""
    rng = np.random.default_rng(seed)
    clock = np.arange(24)
    week, weekend = np.exp(-((clock - 12) ** 2) / 12), np.exp(-((clock - 15) ** 2) / 12)
    hours = np.zeros((DAYS, 24))
    for day, weekday in enumerate(WEEKDAYS):
        shape = np.where((clock >= 9) & (clock < 19), weekend if weekday >= 5 else week, 0)
        hours[day] = rng.multinomial(rng.poisson(sales), shape / shape.sum()) * rng.gamma(4, 250, 24)
    return hours


def mix_on(hours: np.ndarray, day: int, sales: float = 60.0) -> HourMix:
    return hour_mix(hours[: day + 1], WEEKDAYS[: day + 1], np.full(day + 1, sales))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_till_whose_clock_is_off_is_seen_and_ordinary_days_are_not(seed: int) -> None:
    hours = shop_hours(seed)
    ordinary = [mix_on(hours, day).score for day in range(110, DAYS)]
    assert sum(score >= 2 for score in ordinary) <= 1
    wrong = hours.copy()
    wrong[-1] = np.roll(wrong[-1], 3)
    found = mix_on(wrong, DAYS - 1)
    assert found.score > max(*ordinary, 2.5)
    gained, lost = most_moved(found)
    assert gained.first >= 14
    assert lost.end <= 16
    assert gained.share - gained.usual > 0.3
    assert lost.usual - lost.share > 0.3


def test_a_saturdays_hours_are_judged_as_a_saturdays() -> None:
    hours = shop_hours(3, sales=250)
    saturday, tuesday = 145, 148
    assert WEEKDAYS[saturday] == 5
    swapped = hours.copy()
    swapped[tuesday] = hours[saturday]
    assert mix_on(hours, saturday).score < 2 < mix_on(swapped, tuesday).score


def test_a_handful_of_sales_and_a_short_past_are_not_judged() -> None:
    hours = np.roll(shop_hours(4), 5, axis=1)
    assert mix_on(hours, DAYS - 1, sales=12) is ORDINARY
    assert mix_on(hours, 40) is ORDINARY
    hours[-1] = 0
    assert mix_on(hours, DAYS - 1) is ORDINARY
