"""The finding in a few words: subjects of the alerts' mails."""

from collections.abc import Sequence
from typing import Final

from salesflow.alerts.lifecycle import Change, Entry
from salesflow.detection.periods import LENGTH
from salesflow.figures import Figures, printable
from salesflow.findings.event import Event, EventType
from salesflow.findings.subjects import Facet
from salesflow.findings.wording import FAR_ABOVE, share, times
from salesflow.windows import Period

_LONGEST_NAME: Final = 40
_SHORT_NAME: Final = 14
_SHORTEST_NAME: Final = 8


def subjects(entries: Sequence[Entry], figures: Figures, period: Period) -> list[str]:
    """Subjects of a digest to choose from, the best first; the last fits always.

    What goes first where there is no room: a long name's end, the weekday, how much more there is to tell, most of the name.
    """
    _ = figures.words
    first, more = entries[0], f" (+{len(entries) - 1})" if len(entries) > 1 else ""
    name, days = printable(first.name or first.sku or ""), _days(first, figures, period)

    def said(day: str, room: int) -> str:
        finding = _finding(first, day, figures, _cut(name, room))
        return _("Worse: {finding}", finding=finding) if first.change is Change.WORSE else finding

    rooms = range(_LONGEST_NAME, _SHORT_NAME - 1, -1)
    found = [said(day, room) + end for end in (more, "") for day in days for room in rooms]
    found += [said(days[-1], room) for room in range(_SHORT_NAME, _SHORTEST_NAME - 1, -1)]
    return [*dict.fromkeys(found), _("{day}: unusual sales", day=days[-1]), _("Unusual sales")]


def _cut(name: str, room: int) -> str:
    return name if len(name) <= room else name[: room - 1].rstrip() + "…"


def _days(entry: Entry, figures: Figures, period: Period) -> tuple[str, ...]:
    """The day, with its weekday and without; or the period by its last day."""
    _, day = figures.words, figures.day_short(entry.on)
    if period is Period.WEEKLY:
        return (_("Week to {day}", day=day),)
    if period is Period.MONTHLY:
        return (_("{n} days to {day}", n=str(LENGTH[period]), day=day),)
    return figures.day_with_weekday(entry.on), day


def _finding(entry: Entry, day: str, figures: Figures, name: str) -> str:
    if entry.is_shop:
        return _shop_end(entry, figures) if entry.event is None else _of_shop(entry, entry.event, day, figures)
    if entry.event is None:
        return _product_end(entry, name, figures)
    return _of_product(entry, entry.event, name, day, figures)


def _shop_end(entry: Entry, figures: Figures) -> str:
    _ = figures.words
    match entry.statement.type:
        case EventType.MISSING_DAY:
            return _("Sales are coming in again")
        case EventType.PARTIAL_DAY:
            return _("The days are complete again")
        case EventType.UNUSUAL_MIX:
            return _("Sales at their usual hours again")
        case EventType.LEVEL_SHIFT:
            return _("Sales no longer unusual")
        case _:
            return _("Sales are back to usual")


def _product_end(entry: Entry, name: str, figures: Figures) -> str:
    _ = figures.words
    match entry.statement.type:
        case EventType.STOPPED_SELLING:
            return _("{name}: sells again", name=name)
        case EventType.PRICE_CHANGE:
            return _("{name}: price no longer unusual", name=name)
        case EventType.LEVEL_SHIFT:
            return _("{name}: no longer unusual", name=name)
        case _:
            return _("{name}: back to usual", name=name)


def _of_product(entry: Entry, event: Event, name: str, day: str, figures: Figures) -> str:
    _ = figures.words
    since = figures.day_short(event.since)
    match event.type:
        case EventType.PRICE_CHANGE:
            return _("{name}: unusual price, {day}", name=name, day=day)
        case EventType.STOPPED_SELLING if entry.statement.stock == 0:
            return _("{name}: out of stock", name=name)
        case EventType.STOPPED_SELLING:
            sold = figures.day_short(entry.statement.last_sold or event.since)
            return _("{name}: not sold since {day}", name=name, day=sold)
        case EventType.ZERO_DROP:
            return _("{name}: nothing sold, {day}", name=name, day=day)
        case EventType.LEVEL_SHIFT if entry.alert.startswith(Facet.UP):
            return _("{name}: more since {day}", name=name, day=since)
        case EventType.LEVEL_SHIFT:
            return _("{name}: less since {day}", name=name, day=since)
    by = event.deviation
    if by is None:
        return _("{name}: unusual sales, {day}", name=name, day=day)
    if by >= FAR_ABOVE:
        return _("{name}: far above usual, {day}", name=name, day=day)
    if by >= 1:
        return _("{name}: {times} times the usual, {day}", name=name, times=times(by, figures), day=day)
    if by > 0:
        return _("{name}: {share} above usual, {day}", name=name, share=share(by, figures), day=day)
    return _("{name}: {share} below usual, {day}", name=name, share=share(by, figures), day=day)


def _of_shop(entry: Entry, event: Event, day: str, figures: Figures) -> str:
    _ = figures.words
    match event.type:
        case EventType.MISSING_DAY if event.since != entry.on:
            return _("No sale at all since {day}", day=figures.day_short(event.since))
        case EventType.MISSING_DAY:
            return _("{day}: no sale at all", day=day)
        case EventType.PARTIAL_DAY:
            return _("{day} looks unfinished", day=day)
        case EventType.UNUSUAL_MIX:
            return _("{day}: sales at unusual hours", day=day)
        case EventType.RETURNS:
            return _("{day}: {amount} given back", day=day, amount=figures.money_short(-event.impact))
        case EventType.LEVEL_MOVED:
            return _("Sales at a higher level") if event.impact > 0 else _("Sales at a lower level")
        case EventType.ZERO_DROP:
            return _("{day}: nothing sold", day=day)
        case EventType.LEVEL_SHIFT:
            return _shift(event, figures, higher=entry.alert.startswith(Facet.UP))
    return _of_totals(event, day, figures)


def _of_totals(event: Event, day: str, figures: Figures) -> str:
    _, by = figures.words, event.deviation
    if by is None:
        return _("{day}: unusual sales", day=day)
    match event.metric:
        case "quantity":
            return _pieces(by, day, figures)
        case "transactions":
            return _transactions(by, day, figures)
        case _:
            return _sales(by, day, figures)


def _shift(event: Event, figures: Figures, *, higher: bool) -> str:
    _, since = figures.words, figures.day_short(event.since)
    match event.metric, higher:
        case "quantity", True:
            return _("More pieces sold since {day}", day=since)
        case "quantity", False:
            return _("Fewer pieces sold since {day}", day=since)
        case "transactions", True:
            return _("More transactions since {day}", day=since)
        case "transactions", False:
            return _("Fewer transactions since {day}", day=since)
        case _, True:
            return _("Sales higher since {day}", day=since)
        case _:
            return _("Sales lower since {day}", day=since)


def _sales(by: float, day: str, figures: Figures) -> str:
    _ = figures.words
    if by >= FAR_ABOVE:
        return _("{day}: sales far above usual", day=day)
    if by >= 1:
        return _("{day}: sales {times} times the usual", day=day, times=times(by, figures))
    if by > 0:
        return _("{day}: sales {share} above usual", day=day, share=share(by, figures))
    return _("{day}: sales {share} below usual", day=day, share=share(by, figures))


def _pieces(by: float, day: str, figures: Figures) -> str:
    _ = figures.words
    if by >= FAR_ABOVE:
        return _("{day}: pieces far above usual", day=day)
    if by >= 1:
        return _("{day}: pieces {times} times the usual", day=day, times=times(by, figures))
    if by > 0:
        return _("{day}: pieces {share} above usual", day=day, share=share(by, figures))
    return _("{day}: pieces {share} below usual", day=day, share=share(by, figures))


def _transactions(by: float, day: str, figures: Figures) -> str:
    _ = figures.words
    if by >= FAR_ABOVE:
        return _("{day}: transactions far above usual", day=day)
    if by >= 1:
        return _("{day}: transactions {times} times usual", day=day, times=times(by, figures))
    if by > 0:
        return _("{day}: transactions {share} above usual", day=day, share=share(by, figures))
    return _("{day}: transactions {share} below usual", day=day, share=share(by, figures))
