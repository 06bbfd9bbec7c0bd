"""Findings in the words that a merchant uses."""

import math
from datetime import date

from salesflow.anomalies.model import EventType

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
METRIC = {"revenue": "sales", "quantity": "pieces sold", "transactions": "transactions"}


def amount(value: float, *, metric: str, minor_digits: int) -> str:
    """A value with thousands separators: whole major units for revenue (two digits below 10), whole pieces otherwise."""
    if metric == "revenue":
        major = value / 10**minor_digits
        return f"{major:,.2f}" if 0 < abs(major) < 10 and minor_digits else f"{major:,.0f}"
    return f"{value:,.0f}"


def about(value: float, *, metric: str, minor_digits: int) -> str:
    """ "about 2,000": rounded to two significant digits, as an expectation is not exact and should not look so; "less than one"."""
    scale = 10**minor_digits if metric == "revenue" else 1
    major = value / scale
    if abs(major) >= 1:
        step = 10 ** (math.floor(math.log10(abs(major))) - 1)
        major = round(major / step) * step
        return f"about {major:,.0f}" if step >= 1 else "about " + f"{major:,.1f}".removesuffix(".0")
    return "less than one"


def change(deviation: float) -> str:
    """ "38% below", "twice", "3.4 times" ... to be followed by "a usual Saturday"."""
    if deviation >= 9:
        return "far above"
    if deviation >= 1:
        return f"{1 + deviation:.1f} times".replace(".0 times", " times")
    return f"{abs(deviation):.0%} {'above' if deviation > 0 else 'below'}"


def day_name(day: date) -> str:
    """Saturday 3 December."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {day:%B}"


def explain(
    type_: EventType,
    *,
    day: date,
    since: date,
    metric: str,
    value: float,
    expected: float,
    minor_digits: int,
    product: str | None = None,
    like: str | None = None,
    holiday: str | None = None,
) -> str:
    """One sentence that says what happened, on how much, against what. `like`: the weekday whose level the day took."""
    weekday = WEEKDAYS[day.weekday()]
    told = amount(value, metric=metric, minor_digits=minor_digits)
    usual = about(expected, metric=metric, minor_digits=minor_digits)
    what = METRIC[metric]
    subject = f"{product}: {weekday}'s {what}" if product else f"{weekday}'s {what}"
    deviation = value / expected - 1 if expected > 0 else math.inf
    against = f"a usual {weekday}" + (f" (it was {holiday})" if holiday else "")
    if expected <= 0:
        return f"{subject} were {told} on a day that usually has none."
    if type_ is EventType.ZERO_DROP:
        return f"{product or 'The shop'}: no {what} on {weekday}, where {usual} are usual."
    if type_ is EventType.LEVEL_SHIFT:
        lead = f"{product}: {what}" if product else what.capitalize()
        return f"{lead} have been {'higher' if deviation > 0 else 'lower'} since {day_name(since)}: {told} on {weekday} instead of {usual}."
    if type_ is EventType.WEEKDAY_BREAK and like:
        return f"{subject} were those of a {like}: {told} instead of {usual}."
    return f"{subject} were {change(deviation)} {against}: {told} instead of {usual}."


def explain_missing(day: date, since: date) -> str:
    """A day on which the shop always trades and nothing came in."""
    if since == day:
        return f"No sale at all on {day_name(day)}, a day on which the shop usually trades: closed, or the sales did not arrive?"
    return f"No sale at all since {day_name(since)}: closed, or do the sales not arrive?"


def explain_partial(day: date, *, cut_at: str, usual_edge: str, late_start: bool) -> str:
    """A day that stops (or starts) hours away from the usual."""
    if late_start:
        return f"{day_name(day)} starts only at {cut_at}, usually by {usual_edge}: the morning may be missing, so low sales are not judged."
    return f"{day_name(day)} stops at {cut_at}, usually not before {usual_edge}: it looks unfinished, so low sales are not judged."


def explain_hours(
    day: date, *, more: tuple[int, int], shares: tuple[float, float, float, float], less: tuple[int, int]
) -> str:
    """An ordinary sum at unusual hours. `more`, `less`: first hour and the hour after the last of the spans that gained and lost most;

    `shares` of the day's sales: of `more` on the day and usually, of `less` on the day and usually.
    """
    weekday = WEEKDAYS[day.weekday()]
    gained, gained_usual, lost, lost_usual = shares
    return (
        f"{weekday}'s sales came at unusual hours: {gained:.0%} of them from {more[0]:02d}:00 to {more[1]:02d}:00 instead of "
        f"{gained_usual:.0%}, and {lost:.0%} from {less[0]:02d}:00 to {less[1]:02d}:00 instead of {lost_usual:.0%}."
    )


def explain_stopped(product: str, *, since: date, days: int, per_week: float) -> str:
    """A product whose silence is no accident any more."""
    return f"{product} has not sold since {day_name(since)}: {days} trading days, where about {per_week:,.0f} pieces a week are usual."


def explain_price(product: str, *, price: float, usual: float, minor_digits: int) -> str:
    """Pieces as usual, money not."""
    digits = minor_digits
    return (
        f"{product} sold as many pieces as usual, but at {price / 10**digits:,.{digits}f} each instead of "
        f"{usual / 10**digits:,.{digits}f}: {'raised' if price > usual else 'reduced'} price, or an error?"
    )


def explain_rare(product: str, *, day: date, quantity: float) -> str:
    """A product that hardly ever sold, and now in bulk."""
    return (
        f"{product}: {quantity:,.0f} pieces sold on {WEEKDAYS[day.weekday()]}, a product that hardly ever sold before."
    )
