"""When a schedule is due: EventBridge Scheduler's expressions, read as wall-clock time in the schedule's own zone. Pure."""

import re
from collections.abc import Callable, Iterator
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
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("start and end need a time zone")
    zone_info = _zone(zone)
    first, last = (each.astimezone(zone_info).replace(tzinfo=UTC) for each in (start, end))
    moments = (_moment(wall, zone_info) for wall in _wall_times(expression)(first - _MARGIN, last + _MARGIN))
    return [moment for moment in moments if moment is not None and start <= moment < end]


def skipped_times(expression: str, zone: str | ZoneInfo, start: datetime, end: datetime) -> list[SkippedTime]:
    """The times that EventBridge Scheduler skips because clocks go forward in [start, end), one for each change of the clocks.

    Of several times in one gap it is the last. A schedule that fires again within an hour after the change loses nothing and
    has none. Raises InvalidSchedule as `due_times` does.
    """
    zone_info, walls = _zone(zone), _wall_times(expression)
    found = []
    for resumed, gained in _forward_changes(zone_info, start, end):
        first_after = resumed.astimezone(zone_info).replace(tzinfo=UTC)
        skipped = [wall for wall in walls(first_after - gained, first_after) if wall < first_after]
        if skipped and not due_times(expression, zone_info, resumed, resumed + _SOON):
            found.append(SkippedTime(skipped[-1].replace(tzinfo=None), resumed))
    return found


def _forward_changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """Each moment in [start, end), in UTC, from which a zone's clocks are further ahead than before, and how much they gained."""
    moment, last = ((each.astimezone(UTC) - timedelta.resolution).replace(microsecond=0) for each in (start, end))
    while moment < last:
        before, moment = moment, min(moment + _MARGIN, last)
        offset = _offset(moment, zone)
        gained, after = offset - _offset(before, zone), moment
        while gained > timedelta(0) and after - before > timedelta(seconds=1):
            middle = (before + (after - before) / 2).replace(microsecond=0)
            before, after = (before, middle) if _offset(middle, zone) == offset else (middle, after)
        if gained > timedelta(0):
            yield after, gained


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).replace(tzinfo=UTC) - moment


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


def _wall_times(expression: str) -> Callable[[datetime, datetime], Iterator[datetime]]:
    """What gives the wall-clock times of an expression from a first to a last one, carried by datetimes that say UTC."""
    kind, fields = _parsed(expression)
    try:
        if kind == "at":
            once = datetime.fromisoformat(fields).replace(tzinfo=UTC)
            return lambda first, last: iter([once] if first <= once <= last else [])
        cron = AwsCroniter(_LAST_OF_WEEK.sub(r"\g<1>7\2", fields))
    except (ValueError, OverflowError) as error:
        raise _invalid(f"{expression!r} is no schedule expression: {error}") from error

    def times(first: datetime, last: datetime) -> Iterator[datetime]:
        wall = cron.get_next(first, inclusive=True)[0]
        while wall is not None and wall <= last:
            yield wall
            wall = cron.get_next(wall)[0]

    return times


def _moment(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment, in UTC, of a wall-clock time; the first one where it comes twice, None where it does not exist."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    exists = moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None)
    return moment if exists else None


def _invalid(problem: str) -> InvalidSchedule:
    return InvalidSchedule(f"{problem}.", action="Correct the schedule's expression or zone.")
