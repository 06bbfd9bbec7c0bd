"""When schedules are due: EventBridge's cron in a zone, against an oracle that looks at every minute, and where clocks change."""

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from salesflow.watch.due_times import InvalidSchedule, SkippedTime, due_times, skipped_times

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]  # 1 to 7 in EventBridge
ZONES = [
    "Asia/Shanghai",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "UTC",
]
ODD_MINUTES = {"Australia/Lord_Howe", "Asia/Kathmandu"}  # half and quarter hours off UTC


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def local(zone: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


# --- the oracle: EventBridge's documentation, read field by field, minute by minute -------------------------------------


def _numbers(field: str, low: int, high: int, names: list[str], first_name: int) -> set[int]:
    for number, name in enumerate(names, first_name):
        field = field.replace(name, str(number))
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            values = range(low, high + 1)
        elif "-" in span:
            begin, end = map(int, span.split("-"))
            values = range(begin, end + 1)
        else:
            values = range(int(span), high + 1) if step else range(int(span), int(span) + 1)
        found |= set(values[:: int(step or 1)])
    return found


def _eventbridge_weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _day_matches(day: date, day_of_month: str, day_of_week: str) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if day_of_week == "?":
        if day_of_month == "L":
            return day.day == last
        if day_of_month.startswith("L-"):
            return day.day == last - int(day_of_month[2:])
        if day_of_month.endswith("W"):
            wanted = int(day_of_month[:-1])
            if wanted > last:
                return False
            weekdays = [n for n in range(1, last + 1) if date(day.year, day.month, n).isoweekday() < 6]
            return day.day == min(weekdays, key=lambda n: abs(n - wanted))
        return day.day in _numbers(day_of_month, 1, 31, [], 0)
    for number, name in enumerate(WEEKDAYS, 1):
        day_of_week = day_of_week.replace(name, str(number))
    if "#" in day_of_week:
        weekday, nth = map(int, day_of_week.split("#"))
        return _eventbridge_weekday(day) == weekday and (day.day - 1) // 7 + 1 == nth
    if day_of_week == "L":
        return _eventbridge_weekday(day) == 7
    if day_of_week.endswith("L"):
        return _eventbridge_weekday(day) == int(day_of_week[:-1]) and day.day + 7 > last
    return _eventbridge_weekday(day) in _numbers(day_of_week, 1, 7, [], 0)


def oracle(expression: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Walks through real time minute by minute and asks what the wall clock shows; a wall time seen before is not taken again."""
    minute, hour, day_of_month, month, day_of_week, year = expression.removeprefix("cron(").removesuffix(")").split()
    minutes, hours = _numbers(minute, 0, 59, [], 0), _numbers(hour, 0, 23, [], 0)
    months, years = _numbers(month, 1, 12, MONTHS, 1), _numbers(year, 1970, 2199, [], 0)
    day_matches = cache(lambda day: _day_matches(day, day_of_month, day_of_week))
    zone_info, found, seen = ZoneInfo(zone), [], set()
    moment = start - timedelta(hours=3)
    while moment < end:
        if moment.minute in minutes or zone in ODD_MINUTES:
            wall = moment.astimezone(zone_info).replace(tzinfo=None, fold=0)
            if (
                wall.minute in minutes
                and wall.hour in hours
                and wall.month in months
                and wall.year in years
                and wall not in seen
                and day_matches(wall.date())
            ):
                seen.add(wall)
                if moment >= start:
                    found.append(moment)
        moment += timedelta(minutes=1)
    return found


@st.composite
def number_fields(draw: st.DrawFn, low: int, high: int) -> str:
    def span() -> tuple[int, int]:
        begin = draw(st.integers(low, high))
        return begin, draw(st.integers(begin, high))

    match draw(st.sampled_from(["*", "one", "list", "range", "step", "start/step", "range/step"])):
        case "*":
            return "*"
        case "one":
            return str(draw(st.integers(low, high)))
        case "list":
            return ",".join(map(str, draw(st.lists(st.integers(low, high), min_size=1, max_size=4, unique=True))))
        case "range":
            return "{}-{}".format(*span())
        case "step":
            return f"*/{draw(st.integers(1, high))}"
        case "start/step":
            return f"{draw(st.integers(low, high))}/{draw(st.integers(1, high))}"
        case _:
            return "{}-{}".format(*span()) + f"/{draw(st.integers(1, high))}"


@st.composite
def crons(draw: st.DrawFn) -> str:
    weekday = st.sampled_from([*WEEKDAYS, *map(str, range(1, 8))])
    days = st.one_of(
        st.tuples(number_fields(1, 31), st.just("?")),
        st.tuples(st.sampled_from(["L", "L-1", "L-3", "L-10", "1W", "15W", "30W", "31W"]), st.just("?")),
        st.tuples(st.just("?"), st.sampled_from(["MON-FRI", "2-6", "SAT,SUN", "L", "*", "MON", "1"])),
        st.tuples(st.just("?"), st.builds("{}#{}".format, weekday, st.integers(1, 5))),
        st.tuples(st.just("?"), st.builds("{}L".format, weekday)),
    )
    day_of_month, day_of_week = draw(days)
    month = draw(
        st.one_of(st.just("*"), number_fields(1, 12), st.sampled_from(["JAN", "FEB,NOV", "MAR-JUN", "OCT-DEC"]))
    )
    year = draw(st.sampled_from(["*", "*", "2026", "2025-2027", "2026,2028", "2028"]))
    minute, hour = draw(number_fields(0, 59)), draw(number_fields(0, 23))
    return f"cron({minute} {hour} {day_of_month} {month} {day_of_week} {year})"


# Spans that hold what is hard: clock changes of several zones, the ends of months and years, a leap day.
SPANS = [
    utc(2026, 3, 27),
    utc(2026, 10, 23),
    utc(2026, 3, 6),
    utc(2026, 10, 30),
    utc(2028, 2, 27),
    utc(2026, 2, 27),
    utc(2026, 12, 30),
    utc(2026, 5, 29),
    utc(2026, 4, 3),
]


@example(expression="cron(* * ? * L *)", zone="Asia/Shanghai", start=utc(2026, 3, 27), hours=17)
@given(expression=crons(), zone=st.sampled_from(ZONES), start=st.sampled_from(SPANS), hours=st.integers(1, 72))
def test_agrees_with_eventbridges_documentation_read_minute_by_minute(
    expression: str, zone: str, start: datetime, hours: int
) -> None:
    end = start + timedelta(hours=hours)
    assert due_times(expression, zone, start, end) == oracle(expression, zone, start, end)


@given(expression=crons(), zone=st.sampled_from(ZONES), start=st.sampled_from(SPANS), cut=st.integers(1, 94))
def test_a_span_cut_in_two_gives_the_same_times_once(expression: str, zone: str, start: datetime, cut: int) -> None:
    middle, end = start + timedelta(hours=cut), start + timedelta(hours=96)
    whole = due_times(expression, zone, start, end)
    assert due_times(expression, zone, start, middle) + due_times(expression, zone, middle, end) == whole


def test_shanghai_mornings_are_the_evening_before_in_utc() -> None:
    week = due_times("cron(30 2 * * ? *)", "Asia/Shanghai", utc(2026, 11, 16), utc(2026, 11, 23))
    assert week == [utc(2026, 11, day, 18, 30) for day in range(16, 23)]


@pytest.mark.parametrize(
    ("zone", "day_before", "change"),
    [
        ("Europe/Paris", local("Europe/Paris", 2026, 3, 28), "02:30 does not exist on 29 March"),
        ("America/New_York", local("America/New_York", 2026, 3, 7), "02:30 does not exist on 8 March"),
    ],
)
def test_a_time_that_does_not_exist_is_skipped(zone: str, day_before: datetime, change: datetime) -> None:
    days = due_times("cron(30 2 * * ? *)", zone, day_before, day_before + timedelta(days=3))
    walls = [moment.astimezone(ZoneInfo(zone)) for moment in days]
    first = day_before.date()
    assert [wall.date() for wall in walls] == [first, first + timedelta(days=2)], change
    assert {(wall.hour, wall.minute) for wall in walls} == {(2, 30)}


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        ("Europe/Paris", (2026, 10, 25), utc(2026, 10, 25, 0, 30)),  # 02:30 summer time; 01:30 UTC is 02:30 again
        ("America/New_York", (2026, 11, 1), utc(2026, 11, 1, 5, 30)),
    ],
)
def test_a_time_that_comes_twice_fires_once_the_first_time(
    zone: str, start: tuple[int, int, int], expected: datetime
) -> None:
    begin = local(zone, *start)
    hour = 2 if zone == "Europe/Paris" else 1
    assert due_times(f"cron(30 {hour} * * ? *)", zone, begin, begin + timedelta(hours=24)) == [expected]


def test_the_second_of_two_equal_wall_times_is_not_due_when_the_span_begins_between_them() -> None:
    between = utc(2026, 10, 25, 1, 0)
    assert due_times("cron(30 2 * * ? *)", "Europe/Paris", between, between + timedelta(hours=2)) == []


def test_wall_time_stays_while_utc_moves_over_a_clock_change() -> None:
    times = due_times("cron(0 7 * * ? *)", "Europe/Paris", utc(2026, 3, 28), utc(2026, 3, 31))
    assert times == [utc(2026, 3, 28, 6), utc(2026, 3, 29, 5), utc(2026, 3, 30, 5)]


def test_first_of_the_month_and_leap_day() -> None:
    assert due_times("cron(0 6 1 * ? *)", "Asia/Shanghai", utc(2028, 1, 1), utc(2028, 4, 1)) == [
        utc(2028, 1, 31, 22),
        utc(2028, 2, 29, 22),
        utc(2028, 3, 31, 22),
    ]
    assert due_times("cron(0 0 29 2 ? *)", "UTC", utc(2026, 1, 1), utc(2033, 1, 1)) == [
        utc(2028, 2, 29),
        utc(2032, 2, 29),
    ]


def test_the_start_is_in_and_the_end_is_out() -> None:
    noon = utc(2026, 11, 23, 12)
    assert due_times("cron(0 12 * * ? *)", "UTC", noon, noon + timedelta(days=1)) == [noon]


def test_a_date_that_never_comes_is_never_due() -> None:
    assert due_times("cron(0 0 31 2 ? *)", "UTC", utc(2026, 1, 1), utc(2027, 1, 1)) == []


def test_at_is_due_once_in_its_zone() -> None:
    assert due_times("at(2026-11-23T08:00:00)", "Asia/Shanghai", utc(2026, 11, 1), utc(2026, 12, 1)) == [
        utc(2026, 11, 23)
    ]


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("cron(0 25 * * ? *)", "hour"),
        ("cron(0 2 * * * *)", "question mark"),
        ("cron(0 2 * * ?)", "6 required"),
        ("0 2 * * ? *", "cron("),
        ("rate(1 day)", "rate"),
        ("at(tomorrow)", "at(tomorrow)"),
    ],
)
def test_what_eventbridge_would_refuse_is_refused_by_name(expression: str, named: str) -> None:
    with pytest.raises(InvalidSchedule, match=re.escape(named)):
        due_times(expression, "UTC", utc(2026, 1, 1), utc(2026, 1, 2))


def test_a_zone_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(InvalidSchedule, match="Asia/Shangai"):
        due_times("cron(0 2 * * ? *)", "Asia/Shangai", utc(2026, 1, 1), utc(2026, 1, 2))


# --- what clocks go over ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "zone", "wall", "resumed"),
    [
        ("cron(30 2 * * ? *)", "America/New_York", (2027, 3, 14, 2, 30), utc(2027, 3, 14, 7)),
        ("cron(0 2 * * ? *)", "Europe/Paris", (2027, 3, 28, 2, 0), utc(2027, 3, 28, 1)),
        ("cron(59 2 ? * SUN *)", "Europe/Paris", (2027, 3, 28, 2, 59), utc(2027, 3, 28, 1)),
        ("cron(20 0 * * ? *)", "America/Santiago", (2027, 9, 5, 0, 20), utc(2027, 9, 5, 4)),
        ("cron(15 2 * * ? *)", "Australia/Lord_Howe", (2027, 10, 3, 2, 15), utc(2027, 10, 2, 15, 30)),
        ("cron(30 23 * * ? *)", "America/Nuuk", (2027, 3, 27, 23, 30), utc(2027, 3, 28, 1)),
        ("cron(0/15 2 * * ? *)", "America/New_York", (2027, 3, 14, 2, 45), utc(2027, 3, 14, 7)),
        ("at(2027-03-14T02:30:00)", "America/New_York", (2027, 3, 14, 2, 30), utc(2027, 3, 14, 7)),
    ],
)
def test_what_clocks_go_over_is_known_and_when_they_had(
    expression: str, zone: str, wall: tuple[int, ...], resumed: datetime
) -> None:
    found = skipped_times(expression, zone, utc(2027, 1, 1), utc(2028, 1, 1))
    assert found == [SkippedTime(datetime(*wall), resumed)]  # type: ignore[arg-type]  # a moment's fields
    assert skipped_times(expression, zone, resumed, resumed + timedelta(seconds=1)) == found
    assert skipped_times(expression, zone, utc(2027, 1, 1), resumed) == []


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("cron(50 * * * ? *)", "America/New_York"),  # 03:50 comes instead of 02:50
        ("cron(0 1-5 * * ? *)", "America/New_York"),
        ("cron(30 2 * * ? *)", "Asia/Shanghai"),
        ("cron(0 4 * * ? *)", "Europe/Paris"),
        ("cron(0 3 * * ? *)", "Europe/Paris"),  # the first moment after
    ],
)
def test_what_fires_again_soon_or_every_day_loses_nothing(expression: str, zone: str) -> None:
    assert skipped_times(expression, zone, utc(2027, 1, 1), utc(2028, 1, 1)) == []


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", ["cron(30 2 * * ? *)", "cron(20 0 * * ? *)"])
def test_due_and_skipped_are_one_for_each_day(zone: str, expression: str) -> None:
    start, end = utc(2024, 1, 1), utc(2031, 1, 1)
    due = {time.astimezone(ZoneInfo(zone)).date() for time in due_times(expression, zone, start, end)}
    skipped = {one.wall.date() for one in skipped_times(expression, zone, start, end)}
    assert not due & skipped
    days = sorted(due | skipped)
    assert len(days) == (days[-1] - days[0]).days + 1
