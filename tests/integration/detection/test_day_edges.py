"""When a day that stops early, or starts late, is cut: what chance alone does in shops of few sales is none."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from salesflow.detection import Policy, detect
from salesflow.detection.calendar import classify_days
from salesflow.findings.event import DayState, Severity
from tests.unit.detection.shops import made_up

FIRST = date(2025, 1, 6)
OPENS, CLOSES = 8.0, 20.0


def shop_of(sales: list["np.ndarray[tuple[int], np.dtype[np.float64]]"]) -> pd.DataFrame:
    """The shop's days, of the hours at which each day's sales were made."""
    days = pd.date_range(FIRST, periods=len(sales))
    moments = [day + pd.to_timedelta(np.sort(hours), unit="h") for day, hours in zip(days, sales, strict=True)]
    table = pd.DataFrame(
        {
            "date": days,
            "transactions": [len(hours) for hours in sales],
            "quantity": [len(hours) for hours in sales],
            "revenue": [1000 * len(hours) for hours in sales],
            "first_sale": [moment[0] for moment in moments],
            "last_sale": [moment[-1] for moment in moments],
        }
    )
    for hour in range(24):
        table[f"h{hour:02d}"] = [int(1000 * ((hours >= hour) & (hours < hour + 1)).sum()) for hours in sales]
    return table


def ordinary(days: int, mean: float, seed: int = 1) -> list["np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(OPENS, CLOSES, max(int(rng.poisson(mean)), 1)) for _ in range(days)]


@pytest.mark.parametrize("mean", [10, 20, 30])
def test_a_shop_of_few_sales_has_hardly_ever_a_cut_day_by_chance(mean: float) -> None:
    shop = shop_of(ordinary(440, mean))
    days = [FIRST + timedelta(days=n) for n in range(40, 440)]
    cut = [found for found in classify_days(shop, days) if found.state is DayState.PARTIAL]
    assert len(cut) <= 2


def test_a_till_that_dies_at_eleven_is_noticed_in_a_shop_of_a_dozen_sales() -> None:
    sales = ordinary(80, 12)
    (found,) = classify_days(shop_of([*sales, np.array([8.4, 9.7, 10.4])]), [FIRST + timedelta(days=80)])
    assert (found.state, found.cut_at, found.late_start) == (DayState.PARTIAL, "10:24", False)


def test_a_day_that_starts_in_the_afternoon_starts_late_and_does_not_stop_early() -> None:
    sales = ordinary(80, 40)
    (found,) = classify_days(shop_of([*sales, np.linspace(13.5, 19.8, 20)]), [FIRST + timedelta(days=80)])
    assert (found.state, found.cut_at, found.late_start) == (DayState.PARTIAL, "13:30", True)


def severities(shop: pd.DataFrame, days: list[date], policy: Policy | None = None) -> list[Severity]:
    """Of the shop's first finding on each day."""
    return [detect(shop, made_up(days=1), day, policy).shop[0].severity for day in days]


@pytest.mark.parametrize(
    ("mean", "told"), [(3, [Severity.MEDIUM, Severity.MEDIUM, Severity.HIGH]), (12, [Severity.HIGH] * 3)]
)
def test_a_day_without_a_sale_in_a_shop_of_three_a_day_is_chance_and_three_are_not(
    mean: float, told: list[Severity]
) -> None:
    shop = shop_of(ordinary(80, mean))
    assert severities(shop, [FIRST + timedelta(days=80 + n) for n in range(3)]) == told


def test_a_weekday_that_the_shop_now_closes_on_is_told_twice() -> None:
    shop = shop_of(ordinary(108, 40))
    mondays = [FIRST + timedelta(days=84 + 7 * n) for n in range(3)]
    shop = shop[~shop["date"].isin(pd.to_datetime(mondays))]
    assert severities(shop, mondays) == [Severity.HIGH, Severity.HIGH, Severity.LOW]


def ends(sales: list["np.ndarray[tuple[int], np.dtype[np.float64]]"], hours: dict[int, float]) -> pd.DataFrame:
    """The shop's days, of which those named ended at these hours."""
    return shop_of([of_day[of_day < hours.get(day, CLOSES)] for day, of_day in enumerate(sales)])


def test_a_weekday_that_the_shop_now_closes_on_at_noon_is_told_once_until_it_ends_earlier_still() -> None:
    mondays = [84 + 7 * n for n in range(5)]
    shop = ends(ordinary(120, 40), dict(zip(mondays, (13.0, 13.0, 13.2, 12.9, 10.2), strict=True)))
    told = severities(shop, [FIRST + timedelta(days=day) for day in mondays])
    assert told == [Severity.HIGH, Severity.LOW, Severity.LOW, Severity.LOW, Severity.HIGH]


def test_hours_that_are_shorter_on_all_days_are_the_usual_ones_after_two_weeks() -> None:
    days = range(84, 112)
    found = [
        *classify_days(ends(ordinary(112, 40), dict.fromkeys(days, 13.0)), [FIRST + timedelta(days=d) for d in days])
    ]
    assert not any(one.again for one in found)
    assert [one.state for one in found[:7]] == [DayState.PARTIAL] * 7
    assert [one.state for one in found[14:]] == [DayState.OPEN] * 14


def test_half_a_day_on_a_holiday_that_the_owner_named_is_no_alarm() -> None:
    day = FIRST + timedelta(days=120)
    shop = shop_of([*ordinary(120, 40), np.linspace(8.2, 12.9, 14)])
    told = [severities(shop, [day], policy) for policy in (Policy(), Policy(holidays={day: "Christmas Eve"}))]
    assert told == [[Severity.HIGH], [Severity.MEDIUM]]
