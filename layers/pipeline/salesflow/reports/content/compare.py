"""A window against the usual: headline, the sentence why, the changes beside the key figures, the subject's words."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from salesflow.analytics.merchant import OrderList, Usual
from salesflow.analytics.results import ReportContent, SalesAnalysis
from salesflow.figures import Figures, Kind
from salesflow.language import Text
from salesflow.money import divide_minor
from salesflow.reports.content.document import Change, Tone, change_of, deviation

AS_USUAL: Final = 0.05
"""A difference below 5% is no difference."""
_HOURS_SHARE: Final = 0.5
"""Hours are named that hold at least half of what is missing, or came in addition."""
_LONGEST_SPANS: Final = 2
_HEADLINES: Final = {
    ("as usual", True): Text("{amount}: a usual {weekday}"),
    ("as usual", False): Text("{amount}: as usual"),
    ("below", True): Text("{amount}: {percent} below a usual {weekday}"),
    ("below", False): Text("{amount}: {percent} below usual"),
    ("above", True): Text("{amount}: {percent} above a usual {weekday}"),
    ("above", False): Text("{amount}: {percent} above usual"),
}
"""By how a window stands to the usual one, and whether it is one day."""


def usual_headline(sales: SalesAnalysis, usual: Usual | None, figures: Figures) -> str:
    """ "¥829: 14% below a usual Wednesday"; empty where the usual is not known."""
    off = None if usual is None or sales.is_empty else deviation(sales.kpis.revenue, usual.revenue)
    if off is None:
        return ""
    how = "as usual" if abs(off) < AS_USUAL else "below" if off < 0 else "above"
    return figures.words.say(
        _HEADLINES[how, sales.window.days == 1],
        amount=figures.money_short(sales.kpis.revenue),
        percent=figures.percent(abs(off)),
        weekday=figures.weekday(sales.window.last.weekday()),
    )


def usual_subject(sales: SalesAnalysis, usual: Usual | None, figures: Figures) -> tuple[str, ...]:
    """ "¥829 on Wednesday, 14% below usual", and shorter ones; empty where the usual is not known."""
    off = None if usual is None or sales.is_empty else deviation(sales.kpis.revenue, usual.revenue)
    if off is None:
        return ()
    _, money = figures.words, figures.money_short(sales.kpis.revenue)
    one_day = sales.window.days == 1
    when = figures.weekday(sales.window.last.weekday()) if one_day else figures.window_short(sales.window)
    percent = figures.percent(abs(off))
    amount = _.say(
        Text("{amount} on {weekday}") if one_day else Text("{amount} for {days}"), amount=money, weekday=when, days=when
    )
    if abs(off) < AS_USUAL:
        return _("{amount}, as usual", amount=amount), amount
    if off < 0:
        return _("{amount}, {percent} below usual", amount=amount, percent=percent), amount
    return _("{amount}, {percent} above usual", amount=amount, percent=percent), amount


def why(content: ReportContent, figures: Figures) -> str:
    """What made the day so, and what there is to do."""
    _, sales, usual = figures.words, content.sales, content.usual
    said = list(content.provenance.cautions)
    if sales is not None and usual is None and not sales.is_empty:
        said.append(_("It is too early to say what is usual: that takes twelve weeks of sales."))
    if sales is not None and usual is not None and not sales.is_empty:
        said += [_how_many(sales, usual, figures), _which_hours(sales, usual, figures)]
    if content.orders is not None:
        said.append(orders_sentence(content.orders, figures))
    return figures.sentences(*said)


def _how_many(sales: SalesAnalysis, usual: Usual, figures: Figures) -> str:
    off, size = deviation(sales.kpis.transactions, usual.transactions), _size(sales, usual, figures)
    if off is None or usual.transactions is None or not size:
        return ""
    _, count = figures.words, sales.kpis.transactions
    n = figures.plural("{n} sale", "{n} sales", count)
    if abs(off) < AS_USUAL:
        return figures.begun(_("{sales}, about as many as usual; {size}.", sales=n, size=size))
    about = figures.show(Kind.COUNT, round(usual.transactions))
    return figures.begun(_("{sales} instead of about {usual}; {size}.", sales=n, usual=about, size=size))


def _size(sales: SalesAnalysis, usual: Usual, figures: Figures) -> str:
    off, _ = deviation(sales.kpis.average_ticket, usual.average_ticket), figures.words
    if off is None:
        return ""
    if abs(off) < AS_USUAL:
        return _("each sale was as large as usual")
    percent = figures.percent(abs(off))
    if off > 0:
        return _("each sale was {percent} larger than usual", percent=percent)
    return _("each sale was {percent} smaller than usual", percent=percent)


def _which_hours(sales: SalesAnalysis, usual: Usual, figures: Figures) -> str:
    spans, _ = odd_hours(sales, usual), figures.words
    off = deviation(sales.kpis.revenue, usual.revenue)
    if not spans or off is None or abs(off) < AS_USUAL:
        return ""
    hours = spans_text(spans, figures)
    return _("Most is missing at {hours}.", hours=hours) if off < 0 else _("Most of it came at {hours}.", hours=hours)


def odd_hours(sales: SalesAnalysis, usual: Usual | None) -> tuple[tuple[int, int], ...]:
    """The one or two runs of hours (first, end) that hold most of what is missing from the usual, or came on top of it."""
    if usual is None or not usual.by_hour or sales.window.days > 1:
        return ()
    gaps = [value - expected for value, expected in zip(sales.by_hour, usual.by_hour, strict=True)]
    sign = -1 if sum(gaps) < 0 else 1
    towards = [max(sign * gap, 0) for gap in gaps]
    total = sum(towards)
    if not total:
        return ()
    runs: list[tuple[int, int]] = []
    for hour, part in enumerate(towards):
        if part < total * 0.08:
            continue
        if runs and runs[-1][1] == hour:
            runs[-1] = (runs[-1][0], hour + 1)
        else:
            runs.append((hour, hour + 1))
    runs.sort(key=lambda run: -sum(towards[run[0] : run[1]]))
    chosen = sorted(runs[:_LONGEST_SPANS])
    return tuple(chosen) if sum(sum(towards[a:b]) for a, b in chosen) >= _HOURS_SHARE * total else ()


def odd_weekdays(sales: SalesAnalysis, usual: Usual | None) -> tuple[int, ...]:
    """The one or two weekdays (0 Monday) of a week's window that hold most of what is missing from the usual, or came on top of it."""
    marks = usual_by_weekday(sales, usual)
    if not marks:
        return ()
    gaps = [value - expected for value, expected in zip(sales.by_weekday, marks, strict=True)]
    sign = -1 if sum(gaps) < 0 else 1
    towards = [max(sign * gap, 0) for gap in gaps]
    chosen = sorted(sorted(range(7), key=lambda day: -towards[day])[:_LONGEST_SPANS])
    held = sum(towards[day] for day in chosen)
    return tuple(day for day in chosen if towards[day] > held / 4) if held > _HOURS_SHARE * sum(towards) else ()


def usual_by_weekday(sales: SalesAnalysis, usual: Usual | None) -> tuple[int, ...]:
    """What each weekday (Monday first) of the window usually brings; empty where that of one of its days is unknown."""
    own = [] if usual is None else [day for day in usual.days if sales.window.first <= day.day <= sales.window.last]
    if len(own) < sales.window.days or any(day.revenue is None for day in own):
        return ()
    return tuple(sum(day.revenue or 0 for day in own if day.day.weekday() == weekday) for weekday in range(7))


def each_weekday(sales: SalesAnalysis, sums: Sequence[int]) -> tuple[int, ...]:
    """Of the window's sums by weekday (Monday first) what one such day brings: a month has more Sundays than Mondays."""
    days = [0] * 7
    for day in sales.window.dates:
        days[day.weekday()] += 1
    return tuple(divide_minor(total, max(count, 1)) for total, count in zip(sums, days, strict=True))


def spans_text(spans: Sequence[tuple[int, int]], figures: Figures) -> str:
    """ "11:00\u201314:00 and 17:00\u201318:00"."""
    _ = figures.words
    said = [f"{figures.clock(first)}\u2013{figures.clock(end % 24)}" for first, end in spans]
    return said[0] if len(said) == 1 else _("{first} and {second}", first=said[0], second=said[1])


def orders_sentence(orders: OrderList, figures: Figures) -> str:
    """ "15 products to order, 3 of them out of stock."."""
    _, count = figures.words, len(orders.lines)
    if not count:
        return _("Nothing has to be ordered today.")
    n = orders_count(orders, figures)
    if not orders.out:
        return _("{sentence}.", sentence=n)
    out = figures.plural("{n} of them out of stock", "{n} of them out of stock", orders.out)
    return _("{orders}, {out}.", orders=n, out=out)


def orders_count(orders: OrderList, figures: Figures) -> str:
    """ "15 products to order"."""
    _, count = figures.words, len(orders.lines)
    return figures.plural("{n} product to order", "{n} products to order", count)


def usual_change(figures: Figures, kind: Kind, value: int, usual: float | None) -> tuple[Change, ...]:
    """The change of a key figure against the usual."""
    if usual is None:
        return ()
    _, off, before = figures.words, deviation(value, usual), round(usual)
    shown = figures.amount_short(before) if kind is Kind.MONEY else figures.show(kind, before)
    against = _("usual {figure}", figure=shown)
    if off is None:
        return (replace(change_of(figures, kind, value, before, against), column=_("Usual")),)
    text = figures.change_short(off)
    tone = Tone.NEUTRAL if abs(off) < AS_USUAL else Tone.GOOD if off > 0 else Tone.BAD
    return (Change(text, against, figures.show(kind, before), before, tone, off, _("Usual")),)
