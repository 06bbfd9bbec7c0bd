"""Is the data fresh enough to be reported? A quiet day is one thing, a till that has stopped sending its sales another. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from salesflow.windows import MIDNIGHT, business_date_of

TRADES_EVERY_DAY = (True,) * 7


@dataclass(frozen=True, slots=True)
class Staleness:
    """Data that is too old: when the newest sale was made (naive, in the merchant's zone), and how old it was, in hours of days on which
    the shop trades."""

    newest_sale: datetime
    age_hours: float
    limit_hours: int

    @property
    def reason(self) -> str:
        """One sentence for the owner and for the report itself."""
        return (
            f"No sale has arrived since {self.newest_sale:%Y-%m-%d %H:%M}, {self.age_hours:.0f} trading hours before the figures "
            f"end; the limit is {self.limit_hours} hours (setting stale_after_hours), so sales may be missing."
        )


def age_of(
    newest_sale: datetime,
    business_date: date,
    asked_at: datetime,
    *,
    trading: Sequence[bool | None] = TRADES_EVERY_DAY,
    day_ends_at: time = MIDNIGHT,
) -> timedelta:
    """How old the newest sale is where the figures end: at the end of the business date, or when they are asked for before.

    All naive, in the merchant's zone. Zero where a sale of a later day is known: the source has delivered since, and a
    business date without sales was only quiet. trading: by weekday, `analytics.opening`; whole days on which the shop does
    not trade add nothing, as no sale was due.
    """
    end = min(datetime.combine(business_date + timedelta(days=1), day_ends_at), asked_at)
    age = end - newest_sale
    day = business_date_of(newest_sale, day_ends_at) + timedelta(days=1)
    while (begins := datetime.combine(day, day_ends_at)) < end:
        if trading[day.weekday()] is False:
            age -= min(begins + timedelta(days=1), end) - begins
        day += timedelta(days=1)
    return max(age, timedelta(0))


def staleness(newest_sale: datetime, age: timedelta, *, limit_hours: int) -> Staleness | None:
    """Why the data is too old to be trusted, or None. age: as `age_of` has it. A limit of 0 checks nothing."""
    if limit_hours == 0 or age <= timedelta(hours=limit_hours):
        return None
    return Staleness(newest_sale, age / timedelta(hours=1), limit_hours)
