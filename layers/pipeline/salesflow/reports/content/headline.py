"""What was sold, in one sentence, compared with the days before: for a shop whose usual days are not known yet."""

from datetime import timedelta
from typing import Final

from salesflow.analytics.results import SalesAnalysis
from salesflow.figures import Figures
from salesflow.windows import Period

_SAME: Final = 0.0005


def sales_headline(sales: SalesAnalysis, period: str, figures: Figures) -> str:
    """What was sold, in one sentence without its full stop."""
    _ = figures.words
    if sales.is_empty:
        return _nothing_sold(sales, period, figures)
    sentence = _what_was_sold(sales, figures)
    comparisons = _comparisons(sales, period, figures)
    if not comparisons:
        return _("{sentence}; there is nothing earlier to compare with", sentence=sentence)
    if len(comparisons) == 1:
        return _("{sentence}: {comparison}", sentence=sentence, comparison=comparisons[0])
    first, second = comparisons
    return _("{sentence}: {first} and {second}", sentence=sentence, first=first, second=second)


def _nothing_sold(sales: SalesAnalysis, period: str, figures: Figures) -> str:
    _, days = figures.words, figures.window(sales.window)
    one_day = sales.window.days == 1
    if sales.previous is None:
        return _("Nothing was sold on {day}", day=days) if one_day else _("Nothing was sold in {days}", days=days)
    amount, earlier = figures.money(sales.previous.revenue), _before(sales, period, figures)
    if one_day:
        return _("Nothing was sold on {day}, after {amount} {earlier}", day=days, amount=amount, earlier=earlier)
    return _("Nothing was sold in {days}, after {amount} {earlier}", days=days, amount=amount, earlier=earlier)


def _what_was_sold(sales: SalesAnalysis, figures: Figures) -> str:
    days, count, one_day = figures.window(sales.window), sales.kpis.transactions, sales.window.days == 1
    values = {"day": days, "days": days, "revenue": figures.money(sales.kpis.revenue)}
    if sales.kpis.revenue >= 0 and one_day:
        return figures.plural(
            "Sales on {day} came to {revenue} from {n} transaction",
            "Sales on {day} came to {revenue} from {n} transactions",
            count,
            **values,
        )
    if sales.kpis.revenue >= 0:
        return figures.plural(
            "Sales of {days} came to {revenue} from {n} transaction",
            "Sales of {days} came to {revenue} from {n} transactions",
            count,
            **values,
        )
    if one_day:
        return figures.plural(
            "More was given back than sold on {day}, and revenue is {revenue} from {n} transaction",
            "More was given back than sold on {day}, and revenue is {revenue} from {n} transactions",
            count,
            **values,
        )
    return figures.plural(
        "More was given back than sold in {days}, and revenue is {revenue} from {n} transaction",
        "More was given back than sold in {days}, and revenue is {revenue} from {n} transactions",
        count,
        **values,
    )


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


def _comparisons(sales: SalesAnalysis, period: str, figures: Figures) -> list[str]:
    """ "8.2% more than the day before", against each earlier window that is known and above nothing.

    {earlier} is a name of earlier days, "the day before", which stands unchanged wherever the languages here put it.
    """
    _ = figures.words
    named = [(sales.previous, _before(sales, period, figures))]
    if sales.window.days == 1:
        weekday = figures.weekday(sales.same_weekday_window.first.weekday())
        named.append((sales.same_weekday, _("the {weekday} before", weekday=weekday)))
    phrases = []
    for earlier, name in named:
        if earlier is None:
            continue
        if earlier.revenue == 0:
            phrases.append(_("{earlier} had none", earlier=name))
            continue
        if earlier.revenue < 0 or sales.kpis.revenue < 0:
            phrases.append(_("{earlier} had {amount}", earlier=name, amount=figures.money(earlier.revenue)))
            continue
        change = sales.kpis.revenue / earlier.revenue - 1
        size = figures.change(abs(change)).lstrip("+")
        if abs(change) < _SAME:
            phrases.append(_("as much as {earlier}", earlier=name))
        elif change > 0:
            phrases.append(_("{percent} more than {earlier}", percent=size, earlier=name))
        else:
            phrases.append(_("{percent} less than {earlier}", percent=size, earlier=name))
    return phrases


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
    if sales.previous is not None and sales.previous.revenue > 0 and sales.kpis.revenue >= 0:
        change = figures.change_short(sales.kpis.revenue / sales.previous.revenue - 1)
        findings.insert(
            0, _("{title} {days}: {revenue} ({change})", title=title, days=days, revenue=money, change=change)
        )
    return tuple(findings)
