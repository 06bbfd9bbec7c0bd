"""Old data is told from a quiet day."""

from datetime import date, datetime, timedelta

import pytest

from salesflow.analytics.freshness import staleness

DAY = date(2026, 11, 20)
MORNING_AFTER = datetime(2026, 11, 21, 7)


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


def test_no_limit_and_no_sale_ever_are_no_staleness() -> None:
    assert staleness(datetime(2020, 1, 1), DAY, MORNING_AFTER, limit_hours=0) is None
    assert staleness(None, DAY, MORNING_AFTER, limit_hours=72) is None


def test_the_reason_says_since_when_how_old_and_what_the_limit_is() -> None:
    stale = staleness(datetime(2026, 11, 15, 18), DAY, MORNING_AFTER, limit_hours=72)
    assert stale is not None
    for word in ("2026-11-15 18:00", "126 hours", "72 hours", "StaleAfterHours"):
        assert word in stale.reason
