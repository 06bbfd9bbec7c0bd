"""What was sold, against the usual; against the days before for a shop whose usual days are not known yet."""

from datetime import timedelta
from typing import Final

from salesflow.analytics.merchant import Usual
from salesflow.analytics.results import SalesAnalysis
from salesflow.figures import Figures
from salesflow.reports.content.compare import usual_headline
from salesflow.reports.content.document import deviation
from salesflow.windows import Period

_SAME: Final = 0.005
_FAR: Final = 9
"""From ten times as much on, a percentage says nothing any more."""


def sales_headline(sales: SalesAnalysis, usual: Usual | None, period: str, figures: Figures) -> str:
    """The figure and its distance from the usual, or from earlier days where the usual is not known."""
    _ = figures.words
    if sales.is_empty:
        return _nothing_sold(sales, usual, figures)
    amount = figures.money_short(sales.kpis.revenue)
    if sales.kpis.revenue < 0:
        return _("{amount}: more was given back than sold", amount=amount)
    return usual_headline(sales, usual, figures) or _(
        "{sentence}: {comparison}", sentence=amount, comparison=_comparison(sales, period, figures)
    )


def _nothing_sold(sales: SalesAnalysis, usual: Usual | None, figures: Figures) -> str:
    _, days, one_day = figures.words, figures.window(sales.window), sales.window.days == 1
    if usual is None or usual.revenue is None:
        return _("Nothing was sold on {day}", day=days) if one_day else _("Nothing was sold in {days}", days=days)
    amount, weekday = figures.money_short(usual.revenue), figures.weekday(sales.window.last.weekday())
    if not one_day:
        return _("Nothing was sold; {amount} is usual", amount=amount)
    if usual.revenue > 0:
        return _("Nothing was sold; a usual {weekday} brings {amount}", weekday=weekday, amount=amount)
    return _("Nothing was sold, as on a usual {weekday}", weekday=weekday)


def _before(sales: SalesAnalysis, period: str, figures: Figures) -> str:
    """What the window before is called: a whole month is not "the same days" of another."""
    _ = figures.words
    whole_month = (sales.previous_window.last + timedelta(days=1)).day == 1
    match Period(period):
        case Period.DAILY:
            return _("the day before")
        case Period.WEEKLY:
            return _("the 7 days before")
        case Period.MONTHLY if whole_month:
            return _("the month before")
        case Period.MONTHLY:
            return _("the same days of the month before")
        case Period.QUARTERLY:
            return _("the 90 days before")


def _comparison(sales: SalesAnalysis, period: str, figures: Figures) -> str:
    """ "8.2% more than the Sunday before": against the same weekday a week before, or the window before; the first that sold anything.

    {earlier} is a name of earlier days, "the day before", which stands unchanged wherever the languages here put it.
    """
    _, named = figures.words, [(sales.previous, _before(sales, period, figures))]
    if sales.window.days == 1:
        weekday = figures.weekday(sales.same_weekday_window.first.weekday())
        named.insert(0, (sales.same_weekday, _("the {weekday} before", weekday=weekday)))
    known = [(earlier.revenue, name) for earlier, name in named if earlier is not None]
    if not known:
        return _("there is nothing earlier to compare with")
    before, name = next((one for one in known if one[0] > 0), known[0])
    off = deviation(sales.kpis.revenue, before)
    if off is None or off >= _FAR:
        return _("{earlier} had {amount}", earlier=name, amount=figures.money(before))
    percent = figures.percent(abs(off))
    if abs(off) < _SAME:
        return _("as much as {earlier}", earlier=name)
    if off > 0:
        return _("{percent} more than {earlier}", percent=percent, earlier=name)
    return _("{percent} less than {earlier}", percent=percent, earlier=name)


def sales_finding(title: str, sales: SalesAnalysis, figures: Figures) -> tuple[str, ...]:
    """The finding for a subject line, long to short."""
    _, days = figures.words, figures.window_shortest(sales.window)
    if sales.is_empty:
        return (
            _("{title} {days}: nothing sold", title=title, days=days),
            _("{title}: {found}", title=title, found=_("nothing sold")),
        )
    money = figures.money_short(sales.kpis.revenue)
    findings = [
        _("{title} {days}: {found}", title=title, days=days, found=money),
        _("{title}: {found}", title=title, found=money),
    ]
    off = None if sales.previous is None else deviation(sales.kpis.revenue, sales.previous.revenue)
    if off is not None and off < _FAR:
        change = figures.change_short(off)
        findings.insert(
            0, _("{title} {days}: {revenue} ({change})", title=title, days=days, revenue=money, change=change)
        )
    return tuple(findings)
