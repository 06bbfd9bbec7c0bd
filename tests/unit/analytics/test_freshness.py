"""Old data is told from a quiet day."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import pytest

from salesflow.analytics.freshness import TRADES_EVERY_DAY, Staleness, age_of
from salesflow.analytics.freshness import staleness as staleness_of_age

DAY = date(2026, 11, 20)
MORNING_AFTER = datetime(2026, 11, 21, 7)
THURSDAY_TO_SATURDAY = (False, False, False, True, True, True, False)


def staleness(
    newest: datetime,
    day: date,
    asked_at: datetime,
    *,
    limit_hours: int,
    trading: Sequence[bool | None] = TRADES_EVERY_DAY,
    day_ends_at: time = time(),
) -> Staleness | None:
    age = age_of(newest, day, asked_at, trading=trading, day_ends_at=day_ends_at)
    return staleness_of_age(newest, age, limit_hours=limit_hours)


@pytest.mark.parametrize(
    ("newest", "is_stale"),
    [
        (datetime(2026, 11, 20, 21), False),
        (datetime(2026, 11, 18, 0, 0), False),  # 72 hours to the minute
        (datetime(2026, 11, 17, 23, 59), True),
        (datetime(2026, 11, 21, 6), False),  # sold after the business date: the source delivers
    ],
)
def test_the_newest_sale_s_age_is_counted_to_the_end_of_the_business_date(newest: datetime, is_stale: bool) -> None:
    assert (staleness(newest, DAY, MORNING_AFTER, limit_hours=72) is not None) == is_stale


def test_a_later_sale_makes_an_old_quiet_date_fresh() -> None:
    assert staleness(datetime(2026, 11, 20, 12), date(2026, 3, 1), MORNING_AFTER, limit_hours=24) is None


def test_a_day_that_is_not_over_is_counted_up_to_the_moment_it_is_asked_for() -> None:
    noon = datetime(2026, 11, 20, 12)
    assert staleness(noon - timedelta(hours=24), DAY, noon, limit_hours=24) is None
    assert staleness(noon - timedelta(hours=25), DAY, noon, limit_hours=24) is not None


def test_no_limit_is_no_staleness() -> None:
    assert staleness(datetime(2020, 1, 1), DAY, MORNING_AFTER, limit_hours=0) is None


@pytest.mark.parametrize(
    ("day", "is_stale"),
    [
        (date(2026, 11, 18), False),  # Wednesday: closed since Saturday evening
        (date(2026, 11, 19), False),  # a Thursday without a sale: 28 hours
        (date(2026, 11, 20), False),  # and a Friday: 52
        (date(2026, 11, 21), True),  # and a Saturday: 76
        (date(2026, 11, 25), True),
    ],
)
def test_days_on_which_the_shop_is_closed_do_not_make_it_stale(day: date, is_stale: bool) -> None:
    saturday = datetime(2026, 11, 14, 20)
    asked = datetime.combine(day + timedelta(days=1), time(7))
    stale = staleness(saturday, day, asked, limit_hours=72, trading=THURSDAY_TO_SATURDAY)
    assert (stale is not None) is is_stale


def test_a_weekday_of_which_nothing_is_known_counts_as_one_on_which_a_sale_is_due() -> None:
    unknown = (None,) * 7
    assert staleness(datetime(2026, 11, 17, 23, 59), DAY, MORNING_AFTER, limit_hours=72, trading=unknown) is not None


def test_the_figures_of_a_bar_end_when_its_night_does() -> None:
    newest = datetime(2026, 11, 18, 4)
    assert staleness(newest, DAY, MORNING_AFTER, limit_hours=72, day_ends_at=time(4)) is None
    assert staleness(newest - timedelta(minutes=1), DAY, MORNING_AFTER, limit_hours=72, day_ends_at=time(4)) is not None


def test_the_reason_says_since_when_how_old_and_what_the_limit_is() -> None:
    stale = staleness(datetime(2026, 11, 15, 18), DAY, MORNING_AFTER, limit_hours=72)
    assert stale is not None
    for word in ("2026-11-15 18:00", "126 trading hours", "72 hours", "setting stale_after_hours"):
        assert word in stale.reason
