"""Is the data fresh enough to be reported? A quiet day is one thing, a till that has stopped sending its sales another. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Staleness:
    """Data that is too old: when the newest sale was made (naive, in the merchant's zone), and how old it was, in hours."""

    newest_sale: datetime
    age_hours: float
    limit_hours: int

    @property
    def reason(self) -> str:
        """One sentence for the owner and for the report itself."""
        return (
            f"No sale has arrived since {self.newest_sale:%Y-%m-%d %H:%M}, {self.age_hours:.0f} hours before the figures "
            f"end; the limit is {self.limit_hours} hours (Parameter StaleAfterHours), so sales may be missing."
        )


def age_of(newest_sale: datetime, business_date: date, asked_at: datetime) -> timedelta:
    """How old the newest sale is where the figures end: at the end of the business date, or when they are asked for before.

    All naive, in the merchant's zone. Zero where a sale of a later day is known: the source has delivered since, and a
    business date without sales was only quiet.
    """
    end = min(datetime.combine(business_date + timedelta(days=1), time()), asked_at)
    return max(end - newest_sale, timedelta(0))


def staleness(
    newest_sale: datetime | None, business_date: date, asked_at: datetime, *, limit_hours: int
) -> Staleness | None:
    """Why the data is too old to be trusted, or None. A limit of 0 checks nothing; a shop that never sold has no age."""
    if limit_hours == 0 or newest_sale is None:
        return None
    age = age_of(newest_sale, business_date, asked_at)
    return Staleness(newest_sale, age / timedelta(hours=1), limit_hours) if age > timedelta(hours=limit_hours) else None
