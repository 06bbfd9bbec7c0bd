"""The finding in a few words: subjects of the alerts' mails."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from salesflow.alerts.lifecycle import Change, Entry
from salesflow.figures import Figures, printable
from salesflow.findings.event import Event, EventType
from salesflow.findings.subjects import Facet
from salesflow.findings.wording import FAR_ABOVE, off
from salesflow.language import Text
from salesflow.windows import CHECK_DAYS, Period

_LONGEST_NAME: Final = 40
_SHORT_NAME: Final = 14
_SHORTEST_NAME: Final = 8

_ENDS: Final[Mapping[EventType | None, Text]] = {
    EventType.MISSING_DAY: Text("Sales are coming in again"),
    EventType.PARTIAL_DAY: Text("The days are complete again"),
    EventType.UNUSUAL_MIX: Text("Sales at their usual hours again"),
    None: Text("Sales are back to usual"),
}
_ENDS_OF_PRODUCTS: Final[Mapping[EventType | None, Text]] = {
    EventType.STOPPED_SELLING: Text("{name}: sells again"),
    EventType.PRICE_CHANGE: Text("{name}: price no longer unusual"),
    None: Text("{name}: back to usual"),
}
_OF_PRODUCTS: Final[Mapping[EventType | str, Text]] = {
    EventType.PRICE_CHANGE: Text("{name}: unusual price, {day}"),
    EventType.STOPPED_SELLING: Text("{name}: not sold since {day}"),
    EventType.ZERO_DROP: Text("{name}: nothing sold, {day}"),
    "out of stock": Text("{name}: out of stock"),
    "higher": Text("{name}: more since {day}"),
    "lower": Text("{name}: less since {day}"),
    "unknown": Text("{name}: unusual sales, {day}"),
    "far": Text("{name}: far above usual, {day}"),
    "times": Text("{name}: {times} times the usual, {day}"),
    "above": Text("{name}: {share} above usual, {day}"),
    "below": Text("{name}: {share} below usual, {day}"),
    "negative": Text("{name}: more given back than sold, {day}"),
}
_OF_SHOP: Final[Mapping[EventType | str, Text]] = {
    EventType.MISSING_DAY: Text("{day}: no sale at all"),
    EventType.PARTIAL_DAY: Text("{day} looks unfinished"),
    EventType.UNUSUAL_MIX: Text("{day}: sales at unusual hours"),
    EventType.RETURNS: Text("{day}: {amount} given back"),
    EventType.ZERO_DROP: Text("{day}: nothing sold"),
    "missing": Text("No sale at all since {day}"),
    "level up": Text("Sales have risen to about {amount} a day"),
    "level down": Text("Sales have fallen to about {amount} a day"),
    "opened": Text("{day}: open on a usually closed day"),
    "unknown": Text("{day}: unusual sales"),
    "negative": Text("{day}: more given back than sold"),
}
_OF_TOTALS: Final[Mapping[tuple[str, str], Text]] = {
    ("higher", "revenue"): Text("Sales higher since {day}"),
    ("higher", "quantity"): Text("More pieces sold since {day}"),
    ("higher", "transactions"): Text("More transactions since {day}"),
    ("lower", "revenue"): Text("Sales lower since {day}"),
    ("lower", "quantity"): Text("Fewer pieces sold since {day}"),
    ("lower", "transactions"): Text("Fewer transactions since {day}"),
    ("far", "revenue"): Text("{day}: sales far above usual"),
    ("far", "quantity"): Text("{day}: pieces far above usual"),
    ("far", "transactions"): Text("{day}: transactions far above usual"),
    ("times", "revenue"): Text("{day}: sales {times} times the usual"),
    ("times", "quantity"): Text("{day}: pieces {times} times the usual"),
    ("times", "transactions"): Text("{day}: transactions {times} times usual"),
    ("above", "revenue"): Text("{day}: sales {share} above usual"),
    ("above", "quantity"): Text("{day}: pieces {share} above usual"),
    ("above", "transactions"): Text("{day}: transactions {share} above usual"),
    ("below", "revenue"): Text("{day}: sales {share} below usual"),
    ("below", "quantity"): Text("{day}: pieces {share} below usual"),
    ("below", "transactions"): Text("{day}: transactions {share} below usual"),
}


def subjects(entries: Sequence[Entry], figures: Figures, period: Period) -> Iterator[str]:
    """Subjects of a digest to choose from, the best first; the last fits always.

    What goes first where there is no room: a long name's end, the weekday, how much more there is to tell, most of the name.
    """
    _ = figures.words
    first, more = entries[0], f" (+{len(entries) - 1})" if len(entries) > 1 else ""
    name, days = printable(first.name or first.sku or ""), _days(first, figures, period)

    def said(day: str, room: int) -> str:
        finding = _finding(first, day, figures, _cut(name, room))
        if first.change is not Change.WORSE:
            return finding
        return _("More: {finding}", finding=finding) if first.rises else _("Worse: {finding}", finding=finding)

    rooms = range(_LONGEST_NAME, _SHORT_NAME - 1, -1)
    yield from (said(day, room) + end for end in (more, "") for day in days for room in rooms)
    yield from (said(days[-1], room) for room in range(_SHORT_NAME, _SHORTEST_NAME - 1, -1))
    yield _("{day}: unusual sales", day=days[-1])
    yield _("Unusual sales")


def _cut(name: str, room: int) -> str:
    return name if len(name) <= room else name[: room - 1].rstrip() + "…"


def _days(entry: Entry, figures: Figures, period: Period) -> tuple[str, ...]:
    """The day, with its weekday and without; or the period by its last day."""
    _, day = figures.words, figures.day_short(entry.on)
    if period is Period.WEEKLY:
        return (_("Week to {day}", day=day),)
    if period is Period.MONTHLY:
        return (_("{n} days to {day}", n=str(CHECK_DAYS[period]), day=day),)
    return figures.day_with_weekday(entry.on), day


def _finding(entry: Entry, day: str, figures: Figures, name: str) -> str:
    _, event = figures.words, entry.event
    if event is None:
        ends = _ENDS if entry.is_shop else _ENDS_OF_PRODUCTS
        return _.say(ends.get(entry.statement.type, ends[None]), name=name)
    how, values = _how(entry, event, figures)
    texts = _OF_SHOP if entry.is_shop else _OF_PRODUCTS
    text = texts.get(how) or _OF_TOTALS.get((how, event.metric)) or _OF_TOTALS[how, "revenue"]
    return _.say(text, **{"name": name, "day": day} | values)


def _how(entry: Entry, event: Event, figures: Figures) -> tuple[EventType | str, dict[str, str]]:
    """What is said of an event, as the tables above have it, and what stands in its places."""
    since = {"day": figures.day_short(event.since)}
    match event.type:
        case EventType.LEVEL_SHIFT:
            return "higher" if entry.alert.startswith(Facet.UP) else "lower", since
        case EventType.LEVEL_MOVED if entry.is_shop:
            level = figures.money_about(round(event.value or 0))
            return "level up" if event.impact > 0 else "level down", {"amount": level}
        case EventType.MISSING_DAY if entry.is_shop and event.since != entry.on:
            return "missing", since
        case EventType.STOPPED_SELLING if not entry.is_shop:
            last = {"day": figures.day_short(entry.statement.last_sold or event.since)}
            return ("out of stock", {}) if entry.statement.stock == 0 else (event.type, last)
        case EventType.RETURNS if entry.is_shop:
            return event.type, {"amount": figures.money_short(-event.impact)}
        case _ if event.type in (_OF_SHOP if entry.is_shop else _OF_PRODUCTS):
            return event.type, {}
        case _ if entry.is_shop and not event.expected and (event.value or 0) > 0:
            return "opened", {}
        case _:
            return ("unknown", {}) if event.deviation is None else off(event.deviation, figures, limit=FAR_ABOVE)
