"""What a reader should know beside the figures: sentences for a report's notes, made by the job that knows the facts.

Days are written as ISO 8601 has them, because the notes stand in the JSON file and the manifest as well.
"""

from collections.abc import Sequence
from datetime import date, datetime

from salesflow.analytics.freshness import Staleness
from salesflow.figures import Figures, Kind
from salesflow.history.doubt import Loss
from salesflow.history.reported import DayChange
from salesflow.language import Words

MOST_CHANGES = 5
"""Past days that are named one by one."""
MOST_SALE_LINES = 1_048_575
"""Rows of an Excel sheet below its headings."""


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


def stock_not_read(_: Words) -> str:
    """A report of sales goes without what the stock would tell."""
    return _("The stock could not be read, so nothing is said of what to order and of costs.")


def too_many_sale_lines(figures: Figures, lines: int) -> str:
    """The workbook has everything but the sheet of sale lines."""
    _, n = figures.words, figures.show(Kind.COUNT, lines)
    return _("The workbook has no sheet of sale lines: {n} are more than a sheet holds.", n=n)


def forecast_is_older(_: Words, day: date, made_after: date) -> str:
    """The forecast shown is not the business date's own."""
    return _(
        "There is no forecast made after {day}; this one was made after {made_after}.",
        day=day.isoformat(),
        made_after=made_after.isoformat(),
    )


def days_changed(figures: Figures, changes: Sequence[DayChange]) -> list[str]:
    """Past days whose figures are no longer those that an earlier report said, the newest first."""
    said = [_day_changed(figures, change) for change in changes[:MOST_CHANGES]]
    if more := len(changes) - len(said):
        said.append(
            figures.words.plural(
                "{n} more past day has other figures now.",
                "{n} more past days have other figures now.",
                more,
                n=str(more),
            )
        )
    return said


def _day_changed(figures: Figures, change: DayChange) -> str:
    _, more = figures.words, change.sales_now - change.sales_before
    values = {
        "day": change.day.isoformat(),
        "now": figures.show(Kind.MONEY, change.revenue_now),
        "before": figures.show(Kind.MONEY, change.revenue_before),
        "n": str(abs(more)),
    }
    if more > 0:
        return _.plural(
            "{day} is now {now}, was {before}: {n} sale came later.",
            "{day} is now {now}, was {before}: {n} sales came later.",
            more,
            **values,
        )
    if more < 0:
        return _.plural(
            "{day} is now {now}, was {before}: {n} sale was taken back.",
            "{day} is now {now}, was {before}: {n} sales were taken back.",
            -more,
            **values,
        )
    return _("{day} is now {now}, was {before}: sales were corrected.", **values)


def sales_gone(_: Words, loss: Loss) -> str:
    """The source no longer has a large part of the sales that were known."""
    return _(
        "Of {before} sales of {first} to {last} the source has {now} left; two reads said the same.",
        before=str(loss.sales_before),
        now=str(loss.sales_now),
        first=loss.days[0].isoformat(),
        last=loss.days[-1].isoformat(),
    )


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
