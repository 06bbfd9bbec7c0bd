"""When a schedule is due: EventBridge Scheduler's expressions, read as wall-clock time in the schedule's own zone. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aws_croniter import AwsCroniter

from salesflow.errors import SalesFlowError

_EXPRESSION = re.compile(r"(cron|at|rate)\((.*)\)", re.DOTALL)
_LAST_OF_WEEK = re.compile(r"((?:\S+ ){4})L( \S+)")
"""`L` as the day of the week: the last of it, Saturday, as EventBridge documents it; the package takes it for no day at all."""
_SOON = timedelta(hours=1)
"""What fires again within this after a skipped time has lost nothing: an hourly schedule."""
_MARGIN = timedelta(days=1)  # more than any zone is off UTC, or any shift of its clocks


class InvalidSchedule(SalesFlowError):
    """A schedule whose due times cannot be told: EventBridge would refuse it, or it is a rate."""


@dataclass(frozen=True, slots=True)
class SkippedTime:
    """A time of a schedule that does not exist: `wall` by its zone's clock (naive), and `resumed`, when clocks had gone forward (UTC)."""

    wall: datetime
    resumed: datetime


def due_times(expression: str, zone: str | ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """When a schedule is due in [start, end), ascending, aware, in UTC.

    `expression` is `cron(...)` or `at(...)`, read as wall-clock time in `zone`. As EventBridge Scheduler does when clocks
    change: a local time that does not exist is skipped, one that comes twice fires once, the first time
    (docs.aws.amazon.com/scheduler/latest/UserGuide, "Daylight savings time on EventBridge Scheduler"). Raises
    InvalidSchedule for an expression or zone that EventBridge would refuse, and for `rate(...)`, which runs from a
    schedule's creation and so has no due times of its own.
    """
    zone_info = _zone(zone)
    moments = (_moment(wall, zone_info) for wall in _walls_about(expression, zone_info, start, end))
    return [moment for moment in moments if moment is not None and start <= moment < end]


def skipped_times(expression: str, zone: str | ZoneInfo, start: datetime, end: datetime) -> list[SkippedTime]:
    """The times that EventBridge Scheduler skips because clocks go forward in [start, end), one for each change of the clocks.

    Of several times in one gap it is the last. A schedule that fires again within an hour after the change loses nothing and
    has none. Raises InvalidSchedule as `due_times` does.
    """
    zone_info = _zone(zone)
    found: dict[datetime, SkippedTime] = {}
    for wall in _walls_about(expression, zone_info, start, end):
        if _moment(wall, zone_info) is None:
            resumed = _resumed(wall, zone_info)
            if start <= resumed < end:
                found[resumed] = SkippedTime(wall.replace(tzinfo=None), resumed)
    return [
        skipped for resumed, skipped in found.items() if not due_times(expression, zone_info, resumed, resumed + _SOON)
    ]


def _walls_about(expression: str, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """The wall-clock times of an expression, some more than those in [start, end)."""
    kind, fields = _parsed(expression)
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("start and end need a time zone")
    first = start.astimezone(zone).replace(tzinfo=UTC) - _MARGIN
    last = end.astimezone(zone).replace(tzinfo=UTC) + _MARGIN
    return _wall_times(kind, fields, expression, first, last)


def _zone(zone: str | ZoneInfo) -> ZoneInfo:
    if isinstance(zone, ZoneInfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _invalid(f"{zone!r} is no IANA time zone") from None


def _parsed(expression: str) -> tuple[str, str]:
    match = _EXPRESSION.fullmatch(expression.strip())
    if match is None:
        raise _invalid(f"{expression!r} is no schedule expression; write cron(...) or at(...)")
    if match[1] == "rate":
        raise _invalid(f"{expression!r}: a rate drifts with every deployment; write the times as cron(...)")
    return match[1], " ".join(match[2].split())


def _wall_times(kind: str, fields: str, expression: str, first: datetime, last: datetime) -> Iterator[datetime]:
    """The wall-clock times of an expression in [first, last], carried by datetimes that say UTC."""
    try:
        if kind == "at":
            wall = datetime.fromisoformat(fields).replace(tzinfo=UTC)
            if first <= wall <= last:
                yield wall
            return
        cron = AwsCroniter(_LAST_OF_WEEK.sub(r"\g<1>7\2", fields))
    except (ValueError, OverflowError) as error:
        raise _invalid(f"{expression!r} is no schedule expression: {error}") from error
    wall_time = cron.get_next(first, inclusive=True)[0]
    while wall_time is not None and wall_time <= last:
        yield wall_time
        wall_time = cron.get_next(wall_time)[0]


def _moment(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment, in UTC, of a wall-clock time; the first one where it comes twice, None where it does not exist."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    exists = moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None)
    return moment if exists else None


def _resumed(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks had gone forward, in UTC, over a wall-clock time that does not exist."""
    before, after = (
        wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0)
    )  # PEP 495: around the change
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        before, after = (before, middle) if middle.astimezone(zone).utcoffset() == offset else (middle, after)
    return after


def _invalid(problem: str) -> InvalidSchedule:
    return InvalidSchedule(f"{problem}.", action="Correct the schedule's expression or zone.")
