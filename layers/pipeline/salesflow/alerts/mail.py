"""The digest as a mail: the finding in a merchant's words first, then a small chart, causes, what to look at, how to mute.

Laid out as the reports' mails are (tables and attributes, no image, light and dark, from 360 px on). Product names come from
outside: they stay text in the subject, in the HTML and in the headers.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import islice
from typing import Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

from salesflow.alerts.findings import SHOP, Facet
from salesflow.alerts.lifecycle import Change, Entry
from salesflow.anomalies import Contribution, Event, EventType
from salesflow.anomalies.causes import OTHERS
from salesflow.anomalies.wording import change as how_much
from salesflow.reports.figures import Figures, printable
from salesflow.reports.mail import Bar, MailText, subject_of
from salesflow.windows import Period

_TITLES = {
    Period.DAILY: "Sales check",
    Period.WEEKLY: "Sales check of the week",
    Period.MONTHLY: "Sales check of four weeks",
}
_TAGS = {Change.OPENED: "New", Change.WORSE: "Worse", Change.RESOLVED: "Over"}
_METRICS = {"revenue": "sales", "quantity": "pieces sold", "transactions": "transactions", "day": "sales"}
_SHOWN_CAUSES: Final = 5
_NAMES_IN_SUBJECT: Final = (40, 24, 14)
_LONGEST_NAME: Final = 120
_MUTE_EXAMPLE_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class MailFacts:
    """What the mail says besides its entries. flagged: findings of medium severity that are not mailed."""

    business_date: date
    period: Period
    currency: str
    timezone: str
    stack: str
    data_as_of: datetime | None
    left_out: int
    flagged: int
    set_aside: int
    location: str
    reference: str
    run_id: str
    reply_to: str
    state_table: str


@dataclass(frozen=True, slots=True)
class _Item:
    """One entry as it is shown."""

    tag: str
    text: str
    lines: tuple[str, ...]
    bad: bool


@dataclass(frozen=True, slots=True)
class _AlertMail:
    """Everything that both the text and the HTML show."""

    title: str
    day: str
    headline: str
    bad: bool
    first_lines: tuple[str, ...]
    chart_title: str
    chart: tuple[Bar, ...]
    causes: tuple[tuple[str, tuple[Bar, ...]], ...]
    others: tuple[_Item, ...]
    look_at: tuple[str, ...]
    mute: tuple[str, ...]
    small_print: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@cache
def _templates() -> Environment:
    """The templates of this package, on the frame of the reports' mails."""
    return Environment(
        loader=ChoiceLoader([PackageLoader("salesflow.alerts"), PackageLoader("salesflow.reports")]),
        autoescape=select_autoescape(("html.j2",), default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def compose_alert_mail(entries: Sequence[Entry], facts: MailFacts) -> MailText:
    """The mail of a digest. entries: at least one, in the order to be told (`lifecycle.in_order`)."""
    figures = Figures(facts.currency)
    first = entries[0]
    mail = _AlertMail(
        title=_TITLES[facts.period],
        day=figures.day_long(facts.business_date),
        headline=_headline(first, facts),
        bad=_is_bad(first),
        first_lines=_lines(first, figures),
        chart_title=_chart_title(first, facts.period),
        chart=_chart(first, figures, facts.period),
        causes=_causes(first.event, figures),
        others=tuple(
            _Item(_TAGS[e.change], printable(_dated(e, facts)), _lines(e, figures), _is_bad(e)) for e in entries[1:]
        ),
        look_at=_look_at(entries),
        mute=_mute(entries, facts),
        small_print=_small_print(facts, figures),
        notes=_notes(facts, goes_on=any(entry.event is not None for entry in entries)),
    )
    html = _templates().get_template("mail_alert.html.j2").render(mail=mail)
    text = _templates().get_template("mail_alert.txt.j2").render(mail=mail)
    return MailText(subject_of(_subjects(entries, figures), facts.reference), text.rstrip() + "\n", html)


def _headline(entry: Entry, facts: MailFacts) -> str:
    lead = {Change.OPENED: "", Change.WORSE: "It got worse. ", Change.RESOLVED: ""}[entry.change]
    return printable(lead + _dated(entry, facts))


def _dated(entry: Entry, facts: MailFacts) -> str:
    """The sentence, with its date where it is told late, and since when where it ends."""
    text = entry.text
    if entry.change is Change.RESOLVED and entry.since is not None:
        text += f" It began on {Figures(facts.currency).day_with_weekday(entry.since)}."
    if entry.on != facts.business_date:
        text += f" (Found for {Figures(facts.currency).day_with_weekday(entry.on)}, not told before.)"
    return text


def _is_bad(entry: Entry) -> bool:
    return entry.change is not Change.RESOLVED and not entry.alert.startswith(Facet.UP)


def _lines(entry: Entry, figures: Figures) -> tuple[str, ...]:
    """What stands below an entry's sentence."""
    lines = [printable(text) for text in entry.also]
    if entry.event is not None:
        if entry.impact:
            lines.append(f"Money at stake: {figures.signed_money(entry.impact)}")
        lines += [f"{note[0].upper()}{note[1:]}." for note in map(printable, entry.event.notes) if note]
    return tuple(lines)


def _chart_title(entry: Entry, period: Period) -> str:
    if entry.event is None or len(entry.recent) < 2:
        return ""
    what = _METRICS.get(entry.event.metric, "sales").capitalize()
    if period is not Period.DAILY:
        return f"{what} of the last {'weeks' if period is Period.WEEKLY else 'four-week spans'}, by their last day"
    return f"{what} of the last {date.fromisoformat(entry.recent[-1][0]):%A}s"


def _chart(entry: Entry, figures: Figures, period: Period) -> tuple[Bar, ...]:
    """The days to compare with as bars, the newest first; the day itself is `negative` (shown in the strong colour)."""
    if entry.event is None or len(entry.recent) < 2:
        return ()
    longest = max((abs(value) for _, value in entry.recent), default=0.0) or 1.0
    money = entry.event.metric in ("revenue", "day")
    bars = []
    for number, (label, value) in enumerate(reversed(entry.recent)):
        day = date.fromisoformat(label)
        shown = figures.money_short(round(value)) if money else f"{value:,.0f}"
        percent = max(1, round(100 * abs(value) / longest)) if value else 0
        name = figures.day_with_weekday(day) if period is Period.DAILY else f"to {figures.day_short(day)}"
        bars.append(Bar(name, shown, percent, number == 0))
    return tuple(bars)


def _causes(event: Event | None, figures: Figures) -> tuple[tuple[str, tuple[Bar, ...]], ...]:
    """The three ways to take the difference apart, each by its largest parts and the rest."""
    if event is None or event.causes is None:
        return ()
    causes = event.causes
    parts = (
        ("Which products make up the difference", causes.products),
        ("Customers, baskets and prices", causes.price_volume),
        ("Which hours", causes.hours),
    )
    return tuple((title, _parts(found, figures)) for title, found in parts if any(part.amount for part in found))


def _parts(parts: Sequence[Contribution], figures: Figures) -> tuple[Bar, ...]:
    ranked = sorted((part for part in parts if part.name != OTHERS), key=lambda part: -abs(part.amount))
    shown = list(islice((part for part in ranked if part.amount), _SHOWN_CAUSES))
    rest = sum(part.amount for part in parts) - sum(part.amount for part in shown)
    longest = max((abs(part.amount) for part in shown), default=1) or 1
    bars = [
        Bar(
            printable(part.name)[:_LONGEST_NAME].capitalize()
            if part.name.islower()
            else printable(part.name)[:_LONGEST_NAME],
            figures.signed_money(part.amount),
            max(1, round(100 * abs(part.amount) / longest)),
            part.amount < 0,
        )
        for part in shown
    ]
    if rest:
        bars.append(Bar("Everything else", figures.signed_money(rest), 0, rest < 0))
    return tuple(bars)


def _look_at(entries: Sequence[Entry]) -> tuple[str, ...]:
    """What a merchant can check, for what is new or worse."""
    hints: list[str] = []
    for entry in entries:
        if entry.event is None:
            continue
        match entry.event.type:
            case EventType.MISSING_DAY:
                hints.append("Was the shop closed? If not: are the tills on and online, and do they send their sales?")
            case EventType.PARTIAL_DAY:
                hints.append("Did the shop close early or open late? If not: has every till sent its sales?")
            case EventType.PRICE_CHANGE:
                hints.append("Is the price that the till charges the one that you set?")
            case EventType.UNUSUAL_MIX:
                hints.append(
                    "Are the tills' clocks right? Were the opening hours, the staff or a large order different?"
                )
            case EventType.STOPPED_SELLING | EventType.ZERO_DROP if not entry.is_shop:
                hints.append("Is the product on the shelf, in stock, and known to the till under this SKU?")
            case EventType.HIGH_SPIKE if not entry.is_shop:
                hints.append("One large order, a promotion, or a mistyped quantity? Is there enough stock left?")
            case _ if entry.alert == f"{Facet.DOWN}|{SHOP}":
                hints.append("Which hours and products are missing (above)? Was it staff, stock, weather, or a till?")
            case _ if entry.alert == f"{Facet.UP}|{SHOP}":
                hints.append("Which product or hour made it (above)? If it is real, is there enough stock for more?")
            case _:
                hints.append("Did its price, its stock or its place in the shop change?")
    return tuple(dict.fromkeys(hints))[:4]


def _mute(entries: Sequence[Entry], facts: MailFacts) -> tuple[str, ...]:
    """How to stop hearing of it: the operator's command for the first entries, and the Parameter."""
    until = date.fromordinal(facts.business_date.toordinal() + _MUTE_EXAMPLE_DAYS).isoformat()
    table = shlex.quote(printable(facts.state_table))
    commands = []
    for entry in islice((entry for entry in entries if entry.event is not None), 3):
        target = "--shop" if entry.sku is None else f"--sku {shlex.quote(printable(entry.sku))}"
        commands.append(f"python -m ops alerts mute {target} --until {until} --table {table}")
    forever = (
        "For good: add the SKU to the stack's Parameter MutedSkus. To hear less of everything: lower AlertsPerMonth."
    )
    return (*dict.fromkeys(commands), forever)


def _small_print(facts: MailFacts, figures: Figures) -> tuple[tuple[str, str], ...]:
    as_of = "no sale known" if facts.data_as_of is None else figures.moment(facts.data_as_of)
    return (
        ("Data as of", f"{as_of} ({facts.timezone})"),
        ("Everything", printable(facts.location)),
        ("Run", f"{printable(facts.run_id)} of {printable(facts.stack)}"),
        ("Questions", f"Answer this mail: it goes to {printable(facts.reply_to)}."),
    )


def _notes(facts: MailFacts, *, goes_on: bool) -> tuple[str, ...]:
    notes = []
    if facts.left_out:
        noun = "change" if facts.left_out == 1 else "changes"
        notes.append(f"{facts.left_out} more {noun} of products, with less money at stake, are in the file.")
    if facts.flagged:
        noun = "finding" if facts.flagged == 1 else "findings"
        notes.append(f"{facts.flagged} {noun} of medium severity are in the file (Parameter AlertMedium mails them).")
    if facts.set_aside:
        noun = "record" if facts.set_aside == 1 else "records"
        notes.append(f"{facts.set_aside} {noun} of the source could not be used; sales may be missing for that reason.")
    if goes_on:
        notes.append("You hear of this again only when it gets clearly worse, and when it is over.")
    return tuple(notes)


def _subjects(entries: Sequence[Entry], figures: Figures) -> list[str]:
    """Subjects to choose from, the best first, each shorter than the one before; the last fits always."""
    first, more = entries[0], len(entries) - 1
    suffix = f" (+{more})" if more else ""
    worse = "Worse: " if first.change is Change.WORSE else ""
    day = figures.day_with_weekday(first.on)
    found = []
    for room in _NAMES_IN_SUBJECT:
        text = _short(first, day, figures, _cut(printable(first.name or first.sku or ""), room))
        found += [worse + text + suffix, worse + text]
    return [*found, f"{worse}{day}: unusual sales{suffix}", "Unusual sales"]


def _cut(name: str, room: int) -> str:
    return name if len(name) <= room else name[: room - 1].rstrip() + "…"


def _short(entry: Entry, day: str, figures: Figures, name: str) -> str:
    """The finding in a few words."""
    who = "" if entry.is_shop else f"{name}: "
    if entry.event is None:
        ended = entry.text.rstrip(".")
        if len(ended) <= 40 and entry.is_shop:
            return ended
        how = "no longer unusual" if "no longer unusual" in entry.text else "back to usual"
        return f"{who or 'Sales '}{how}"
    event = entry.event
    match event.type:
        case EventType.MISSING_DAY:
            since = "" if event.since == entry.on else f" since {figures.day_short(event.since)}"
            return f"{day}: no sale at all{since}"
        case EventType.PARTIAL_DAY:
            return f"{day} looks unfinished"
        case EventType.PRICE_CHANGE:
            return f"{who}unusual price, {day}"
        case EventType.UNUSUAL_MIX:
            return f"{day}: sales at unusual hours"
        case EventType.STOPPED_SELLING:
            return f"{who}not sold since {figures.day_short(event.since)}"
        case EventType.ZERO_DROP:
            return f"{who}nothing sold, {day}"
        case EventType.LEVEL_SHIFT:
            direction = "higher" if entry.alert.startswith(Facet.UP) else "lower"
            return f"{who or 'Sales '}{direction} since {figures.day_short(event.since)}"
    what = "" if who else _METRICS.get(event.metric, "sales") + " "
    if event.deviation is None:
        return f"{who}{what}unusual, {day}"
    how = how_much(event.deviation)
    against = "the usual" if how.endswith("times") else "usual"
    return f"{who}{what}{how} {against}, {day}" if who else f"{day}: {what}{how} {against}"
