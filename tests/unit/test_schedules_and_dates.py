"""From a schedule's tick to a business date: the scheduled time decides, whatever the clocks do, in every zone."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from salesflow.job_events import JobRequest, ReportFields
from salesflow.watch.due_times import due_times

ZONES = st.sampled_from(
    ["Asia/Shanghai", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Kinshasa"]
).map(ZoneInfo)
DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))
HOURS = st.integers(0, 23)
MINUTES = st.integers(0, 59)


def request(tick: datetime, zone: ZoneInfo, now: datetime) -> JobRequest[ReportFields]:
    event = {"schedule": "daily", "scheduled_time": f"{tick:%Y-%m-%dT%H:%M:%SZ}"}
    return JobRequest.from_event(event, ReportFields, now=now, zone=zone)


def ticks(zone: ZoneInfo, day: date, days: int, hour: int, minute: int) -> list[datetime]:
    start = datetime.combine(day, time.min, zone)
    return due_times(f"cron({minute} {hour} * * ? *)", zone, start, start + timedelta(days=days))


@given(DAYS, ZONES, HOURS, MINUTES, st.timedeltas(timedelta(minutes=-30), timedelta(days=3)))
def test_a_late_tick_or_a_clock_that_is_off_changes_nothing(
    day: date, zone: ZoneInfo, hour: int, minute: int, off: timedelta
) -> None:
    for tick in ticks(zone, day, 1, hour, minute):
        in_time, off_time = request(tick, zone, tick), request(tick, zone, tick + off)
        assert in_time == off_time
        assert in_time.business_date == tick.astimezone(zone).date() - timedelta(days=1)
        assert in_time.day_is_over(zone)


@given(DAYS, ZONES, HOURS, MINUTES)
def test_a_daily_tick_makes_each_date_once_through_month_ends_leap_days_and_clock_changes(
    day: date, zone: ZoneInfo, hour: int, minute: int
) -> None:
    dates = [request(tick, zone, tick).business_date for tick in ticks(zone, day, 40, hour, minute)]
    assert dates == sorted(set(dates)), "no date twice, none out of order"
    gaps = {later - earlier for earlier, later in itertools.pairwise(dates)}
    assert gaps <= {timedelta(days=1), timedelta(days=2)}, "EventBridge leaves out a local time that does not exist"
    skipped = [wall for wall in walls(day, 40, hour, minute) if not exists(wall, zone)]
    assert len(dates) == 40 - len(skipped)


@given(DAYS, ZONES, ZONES, st.integers(0, 12), MINUTES)
def test_when_the_zone_parameter_changes_no_date_is_left_out(
    day: date, before: ZoneInfo, after: ZoneInfo, hour: int, minute: int
) -> None:
    """A date may come twice, which the claim answers as a duplicate; a date that is left out would be a report lost."""
    old = [tick for tick in ticks(before, day, 3, hour, minute) if exists(local(tick, before), before)]
    changed_at = old[-1] + timedelta(minutes=1)
    new = [tick for tick in ticks(after, day, 7, hour, minute) if tick >= changed_at][:3]
    dates = [request(tick, before, tick).business_date for tick in old]
    dates += [request(tick, after, tick).business_date for tick in new]
    for earlier, later in itertools.pairwise(dates):
        assert timedelta(0) <= later - earlier <= timedelta(days=1) or spring_forward(
            earlier, later, after, hour, minute
        )


@given(DAYS, ZONES, st.integers(0, 59))
def test_a_run_just_after_midnight_works_for_the_day_that_is_over(day: date, zone: ZoneInfo, minute: int) -> None:
    for tick in ticks(zone, day, 3, 0, minute):
        asked = request(tick, zone, tick)
        assert asked.business_date < local(tick, zone).date()
        assert asked.business_date + timedelta(days=1) == asked.asked_on(zone)


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def walls(day: date, days: int, hour: int, minute: int) -> list[datetime]:
    return [datetime.combine(day + timedelta(days=n), time(hour, minute)) for n in range(days)]


def exists(wall: datetime, zone: ZoneInfo) -> bool:
    return local(wall.replace(tzinfo=zone).astimezone(UTC), zone) == wall


def spring_forward(earlier: date, later: date, zone: ZoneInfo, hour: int, minute: int) -> bool:
    """Whether the tick between two dates fell into the hour that the clocks leave out."""
    between = [earlier + timedelta(days=n) for n in range(2, (later - earlier).days + 1)]
    return any(not exists(datetime.combine(day, time(hour, minute)), zone) for day in between)
