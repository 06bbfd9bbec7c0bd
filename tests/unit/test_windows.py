"""Which days a report looks at, and what it is compared with."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.windows import (
    Period,
    Window,
    business_date_of,
    last_complete_day,
    previous_window,
    same_weekday_last_week,
    skipped_dates,
    window_of,
)

DATES = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("period", "business_date", "first", "days"),
    [
        (Period.DAILY, date(2026, 11, 22), date(2026, 11, 22), 1),
        (Period.WEEKLY, date(2026, 11, 22), date(2026, 11, 16), 7),
        (Period.MONTHLY, date(2026, 11, 22), date(2026, 11, 1), 22),
        (Period.MONTHLY, date(2028, 2, 29), date(2028, 2, 1), 29),
        (Period.QUARTERLY, date(2026, 11, 22), date(2026, 8, 25), 90),
    ],
)
def test_windows_are_those_of_the_old_service(period: Period, business_date: date, first: date, days: int) -> None:
    window = window_of(period, business_date)
    assert (window.first, window.last, window.days) == (first, business_date, days)


@pytest.mark.parametrize(
    ("business_date", "previous"),
    [
        (date(2026, 11, 22), Window(date(2026, 10, 1), date(2026, 10, 22))),
        (date(2026, 10, 31), Window(date(2026, 9, 1), date(2026, 9, 30))),
        (date(2027, 2, 28), Window(date(2027, 1, 1), date(2027, 1, 31))),
        (date(2027, 3, 30), Window(date(2027, 2, 1), date(2027, 2, 28))),
        (date(2027, 1, 1), Window(date(2026, 12, 1), date(2026, 12, 1))),
    ],
)
def test_a_month_is_compared_with_the_month_before(business_date: date, previous: Window) -> None:
    assert previous_window(Period.MONTHLY, window_of(Period.MONTHLY, business_date)) == previous


@given(DATES, st.sampled_from(Period))
def test_the_previous_window_ends_the_day_before_or_lies_in_the_month_before(day: date, period: Period) -> None:
    window = window_of(period, day)
    previous = previous_window(period, window)
    assert previous.last < window.first
    if period is not Period.MONTHLY:
        assert previous.days == window.days
        assert previous.last + timedelta(days=1) == window.first
    else:
        assert previous.first.day == 1
        assert previous.first == (window.first - timedelta(days=1)).replace(day=1)


@given(DATES)
def test_last_weeks_day_is_the_same_weekday(day: date) -> None:
    other = same_weekday_last_week(day)
    assert other.days == 1
    assert other.first.weekday() == day.weekday()
    assert (day - other.first).days == 7


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        ("Asia/Shanghai", "2026-11-22T15:59:59+00:00", date(2026, 11, 21)),
        ("Asia/Shanghai", "2026-11-22T16:00:00+00:00", date(2026, 11, 22)),
        ("Asia/Shanghai", "2026-11-22T23:00:00+00:00", date(2026, 11, 22)),
        ("Europe/Paris", "2026-03-29T00:30:00+00:00", date(2026, 3, 28)),  # 01:30, before the clocks go forward
        ("Europe/Paris", "2026-03-29T22:00:00+00:00", date(2026, 3, 29)),  # midnight in summer time
        ("Europe/Paris", "2026-10-25T22:59:00+00:00", date(2026, 10, 24)),  # 23:59 in winter time
        ("Europe/Paris", "2026-10-25T23:00:00+00:00", date(2026, 10, 25)),
        ("America/New_York", "2028-03-01T04:59:00+00:00", date(2028, 2, 28)),  # leap day not over
        ("America/New_York", "2028-03-01T05:00:00+00:00", date(2028, 2, 29)),
        ("Pacific/Apia", "2011-12-30T09:59:59+00:00", date(2011, 12, 28)),
        ("Pacific/Apia", "2011-12-30T10:00:00+00:00", date(2011, 12, 29)),  # midnight of the 31st: no 30 December came
        ("Pacific/Apia", "2011-12-31T10:00:00+00:00", date(2011, 12, 31)),
        ("Africa/Cairo", "2026-04-24T04:00:00+00:00", date(2026, 4, 23)),  # a day that begins at 01:00
        ("America/Havana", "2026-11-01T05:30:00+00:00", date(2026, 10, 31)),  # 00:30 for the second time
    ],
)
def test_the_last_complete_day_is_told_in_the_zone(zone: str, moment: str, expected: date) -> None:
    assert last_complete_day(datetime.fromisoformat(moment), ZoneInfo(zone)) == expected


def test_a_date_that_never_came_is_known_and_a_day_that_begins_late_is_none() -> None:
    assert skipped_dates(ZoneInfo("Pacific/Apia"), date(2011, 12, 1), date(2012, 1, 31)) == [date(2011, 12, 30)]
    assert skipped_dates(ZoneInfo("Pacific/Kiritimati"), date(1994, 12, 1), date(1995, 1, 31)) == [date(1994, 12, 31)]
    assert skipped_dates(ZoneInfo("Africa/Cairo"), date(2026, 1, 1), date(2026, 12, 31)) == []


@given(
    st.datetimes(datetime(2012, 1, 2), datetime(2090, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["Asia/Shanghai", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_the_last_complete_day_is_over_and_the_next_is_not(moment: datetime, key: str) -> None:
    zone = ZoneInfo(key)
    day = last_complete_day(moment, zone)
    local = moment.astimezone(zone)
    assert day < local.date()
    assert day + timedelta(days=1) >= local.date()


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 21, 18, 0), date(2026, 11, 21)),
        (datetime(2026, 11, 22, 2, 29, 59), date(2026, 11, 21)),
        (datetime(2026, 11, 22, 3, 59, 59, 999_999), date(2026, 11, 21)),
        (datetime(2026, 11, 22, 4, 0), date(2026, 11, 22)),
    ],
)
def test_a_night_belongs_to_the_evening_that_it_began_on(moment: datetime, expected: date) -> None:
    assert business_date_of(moment, time(4)) == expected
    assert business_date_of(moment) == moment.date()


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="before its first"):
        Window(date(2026, 1, 2), date(2026, 1, 1))
