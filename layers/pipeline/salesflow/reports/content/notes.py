"""What a reader should know beside the figures: sentences for a report's notes, made by the job that knows the facts.

Days are written as ISO 8601 has them, because the notes stand in the JSON file and the manifest as well.
"""

from datetime import date, datetime

from salesflow.analytics.freshness import Staleness
from salesflow.language import Words


def day_not_over(_: Words, day: date) -> str:
    """The business date still goes on."""
    return _("{day} is not over yet: these are its figures so far.", day=day.isoformat())


def data_too_old(_: Words, stale: Staleness) -> str:
    """The newest sale is too old, so sales may be missing."""
    hours = round(stale.age_hours)
    return _.plural(
        "No sale has arrived since {moment}, {n} hour before the figures end, so sales may be missing.",
        "No sale has arrived since {moment}, {n} hours before the figures end, so sales may be missing.",
        hours,
        moment=_minute(stale.newest_sale),
        n=str(hours),
    )


def stock_counted_later(_: Words, day: date, counted_at: datetime) -> str:
    """The stock is not that of the business date's close."""
    return _(
        "No stock snapshot was kept for {day}; the stock is as counted at {moment}.",
        day=day.isoformat(),
        moment=_minute(counted_at),
    )


def costs_unknown(_: Words) -> str:
    """There is a stock value at sales prices, and none at cost."""
    return _("The source knows no costs, so the stock is valued at sales prices alone.")


def forecast_is_older(_: Words, day: date, made_after: date) -> str:
    """The forecast shown is not the business date's own."""
    return _(
        "There is no forecast made after {day}; this one was made after {made_after}.",
        day=day.isoformat(),
        made_after=made_after.isoformat(),
    )


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
