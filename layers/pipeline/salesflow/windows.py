"""Business dates and the windows of days that reports look at. No clock: time comes in as an argument."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

MIDNIGHT = time()
"""Where a business date ends, unless the shop is open past it (setting `day_ends_at`)."""
WEEKLY_DAYS = 7
QUARTERLY_DAYS = 90


@dataclass(frozen=True, slots=True)
class Window:
    """A run of whole days in the merchant's zone, both ends included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"A window's last day {self.last} lies before its first {self.first}.")

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    @property
    def dates(self) -> Iterator[date]:
        """Every day, in order."""
        return (self.first + timedelta(days=n) for n in range(self.days))


class Period(StrEnum):
    """How many days a report looks at, as the old service defined it; each ends on the business date."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


CHECK_DAYS = {Period.WEEKLY: 7, Period.MONTHLY: 28}
"""How many days a check of a longer period judges together."""


def into_day(day_ends_at: time) -> timedelta:
    """How far into the calendar day a business date ends."""
    return timedelta(hours=day_ends_at.hour, minutes=day_ends_at.minute)


def business_date_of(moment: datetime, day_ends_at: time = MIDNIGHT) -> date:
    """The business date of a moment of the shop's clock (naive): 01:30 belongs to the evening before where days end at 04:00."""
    return (moment - into_day(day_ends_at)).date()


def business_date_at(moment: datetime, zone: ZoneInfo, day_ends_at: time = MIDNIGHT) -> date:
    """The business date that runs in `zone` at `moment` (aware)."""
    return business_date_of(moment.astimezone(zone).replace(tzinfo=None), day_ends_at)


def last_complete_day(moment: datetime, zone: ZoneInfo, day_ends_at: time = MIDNIGHT) -> date:
    """The last business date that is over in `zone` at `moment` (aware): the one before, or where clocks skipped that, the one before it."""
    begins = datetime.combine(business_date_at(moment, zone, day_ends_at), day_ends_at, zone)
    return business_date_at(begins.astimezone(UTC) - timedelta(microseconds=1), zone, day_ends_at)


def skipped_dates(zone: ZoneInfo, first: date, last: date) -> list[date]:
    """The dates from `first` to `last` that never came in `zone`: 30 December 2011 in Samoa, where clocks went a day forward."""
    noons = (datetime.combine(day, time(12), zone) for day in Window(first, last).dates)
    return [noon.date() for noon in noons if noon.astimezone(UTC).astimezone(zone).date() != noon.date()]


def window_of(period: Period, business_date: date) -> Window:
    """The days of a report: one day, 7 days, the calendar month to date, or 90 days, ending on the business date."""
    match period:
        case Period.DAILY:
            return Window(business_date, business_date)
        case Period.WEEKLY:
            return Window(business_date - timedelta(days=WEEKLY_DAYS - 1), business_date)
        case Period.MONTHLY:
            return Window(business_date.replace(day=1), business_date)
        case Period.QUARTERLY:
            return Window(business_date - timedelta(days=QUARTERLY_DAYS - 1), business_date)


def previous_window(period: Period, window: Window) -> Window:
    """What the window is compared with: as many days just before it; for a month, the same days of the month before.

    A month of 31 days is compared with the whole of a shorter month before it, and the whole of a month with the whole
    of the month before (1 to 28 February against 1 to 31 January), because merchants compare months with months.
    """
    if period is not Period.MONTHLY:
        return Window(window.first - timedelta(days=window.days), window.first - timedelta(days=1))
    last_of_previous = window.first - timedelta(days=1)
    whole_month = (window.last + timedelta(days=1)).day == 1
    last_day = last_of_previous.day if whole_month else min(window.last.day, last_of_previous.day)
    return Window(last_of_previous.replace(day=1), last_of_previous.replace(day=last_day))


def same_weekday_last_week(business_date: date) -> Window:
    """The same weekday a week before, as a window of one day."""
    return Window(business_date - timedelta(days=WEEKLY_DAYS), business_date - timedelta(days=WEEKLY_DAYS))
