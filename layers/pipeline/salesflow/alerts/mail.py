"""The digest as a mail: the finding in a merchant's words first, then a small chart, causes, what to look at.

Laid out as the reports' mails are (tables and attributes, no image, light and dark, from 360 px on). Product names come from
outside: they stay text in the subject, in the HTML and in the headers.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from salesflow.alerts.lifecycle import Change, Entry
from salesflow.alerts.subject_lines import subjects
from salesflow.alerts.wording import dated_sentence
from salesflow.bidi import has_right_to_left
from salesflow.figures import Figures, Kind, printable
from salesflow.findings.event import OTHERS, RETURNED, Contribution, Event, EventType, NoteKind
from salesflow.findings.wording import ISOLATE, ISOLATE_END, isolated, note_sentence, says_its_money, sentence
from salesflow.gist import Gist
from salesflow.language import Language, Text, Words
from salesflow.reports.mail import SUBJECT_LENGTH, Bar, MailText, subject_of
from salesflow.windows import Period

_SHOWN_CAUSES: Final = 5
_LONGEST_NAME: Final = 120
_TITLES: Final[Mapping[Period, Text]] = {
    Period.DAILY: Text("Sales check"),
    Period.WEEKLY: Text("Sales check of the week"),
    Period.MONTHLY: Text("Sales check of four weeks"),
}
_CHARTS: Final[Mapping[tuple[Period, str], Text]] = {
    (Period.DAILY, "revenue"): Text("Sales of the last {weekday}s"),
    (Period.DAILY, "quantity"): Text("Pieces sold on the last {weekday}s"),
    (Period.DAILY, "transactions"): Text("Transactions of the last {weekday}s"),
    (Period.WEEKLY, "revenue"): Text("Sales of the last weeks"),
    (Period.WEEKLY, "quantity"): Text("Pieces sold in the last weeks"),
    (Period.WEEKLY, "transactions"): Text("Transactions of the last weeks"),
    (Period.MONTHLY, "revenue"): Text("Sales, four weeks at a time"),
    (Period.MONTHLY, "quantity"): Text("Pieces sold, four weeks at a time"),
    (Period.MONTHLY, "transactions"): Text("Transactions, four weeks at a time"),
}
_HINTS: Final = {
    EventType.MISSING_DAY: Text("If the shop was open: are the tills on and online, and do they send their sales?"),
    EventType.PARTIAL_DAY: Text("If the shop was open as usual: has every till sent its sales?"),
    EventType.PRICE_CHANGE: Text("Is the price that the till charges the one that you set?"),
    EventType.UNUSUAL_MIX: Text("Are the tills' clocks right?"),
    EventType.RETURNS: Text("Were these refunds meant, and is what came back in the shop?"),
}
_ON_THE_SHELF: Final = Text("Is the product on the shelf, and known to the till under this SKU?")
_HINTS_OF_PRODUCTS: Final = {
    EventType.STOPPED_SELLING: _ON_THE_SHELF,
    EventType.ZERO_DROP: _ON_THE_SHELF,
    EventType.HIGH_SPIKE: Text("Is the quantity right, and is there enough stock left?"),
}
_ISOLATED: Final = re.compile(f"{ISOLATE}([^{ISOLATE_END}]*){ISOLATE_END}")


@dataclass(frozen=True, slots=True)
class MailFacts:
    """What the mail says besides its entries. shop: its name, empty where it has none; flagged: findings of medium severity that are not mailed.

    link: the address of an entry's own page; stop: that of the reader's choices. Without links, None and "".
    """

    business_date: date
    period: Period
    currency: str
    timezone: str
    stack: str
    data_as_of: datetime | None
    left_out: int
    flagged: int
    set_aside: int
    reference: str
    run_id: str
    reply_to: str
    language: Language = Language.EN
    shop: str = ""
    link: Callable[[Entry], str] | None = None
    stop: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """Why an entry was told, for a page of its own: the check, its sentence, what stands below it, tables, what to look at."""

    title: str
    headline: str
    lines: tuple[str, ...]
    tables: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    look_at: tuple[str, ...]


class _Item(NamedTuple):
    """One entry as it is shown."""

    tag: str
    text: str
    lines: tuple[str, ...]
    bad: bool
    link: str


class _AlertMail(NamedTuple):
    """Everything that the text, the HTML and the gist show."""

    language: str
    title: str
    about: str
    headline: str
    first: _Item
    chart_title: str
    chart: tuple[Bar, ...]
    causes: tuple[tuple[str, tuple[Bar, ...]], ...]
    others: tuple[_Item, ...]
    look_at: tuple[str, ...]
    small_print: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    stop: str


@cache
def _templates() -> Environment:
    """The templates of this package, on the frame of the reports' mails."""
    found = Environment(
        loader=ChoiceLoader([PackageLoader("salesflow.alerts"), PackageLoader("salesflow.reports.html")]),
        autoescape=select_autoescape(("html.j2",), default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["isolated"] = _marked_up
    return found


def _marked_up(text: str) -> Markup:
    """The text as HTML; what is kept apart from the text around it (`wording.isolated`) as an element, which more mail programs know."""
    return Markup(_ISOLATED.sub(r"<bdi>\1</bdi>", str(escape(text))))  # noqa: S704 - escaped the moment before


def compose_alert_mail(entries: Sequence[Entry], facts: MailFacts) -> MailText:
    """The mail of a digest. entries: at least one, in the order to be told (`lifecycle.in_order`)."""
    figures = Figures(facts.currency, facts.language)
    _ = figures.words
    first = entries[0]
    tags = {
        Change.OPENED: _.context("alert", "New"),
        Change.WORSE: _.context("alert", "Worse"),
        Change.RESOLVED: _.context("alert", "Over"),
    }
    more = _.context("alert", "More")

    def shown(entry: Entry) -> _Item:
        said, worse = dated_sentence(entry, facts.business_date, figures), entry.change is Change.WORSE
        tag = more if worse and entry.rises else tags[entry.change]
        bad = entry.change is not Change.RESOLVED and not entry.rises
        return _Item(tag, said, _lines(entry, figures), bad, _link(entry, facts))

    title = _.say(_TITLES.get(facts.period, _TITLES[Period.DAILY]))
    worse = "" if first.change is not Change.WORSE else _("It rose further.") if first.rises else _("It got worse.")
    mail = _AlertMail(
        language=figures.language.tag,
        title=title,
        about=" \u00b7 ".join(filter(None, (printable(facts.shop), title, figures.day_long(facts.business_date)))),
        headline=figures.sentences(worse, dated_sentence(first, facts.business_date, figures)),
        first=shown(first),
        chart_title=_chart_title(first, figures, facts.period),
        chart=_chart(first, figures, facts.period),
        causes=_causes(first.event, figures),
        others=tuple(map(shown, entries[1:])),
        look_at=_look_at(entries, _),
        small_print=_small_print(facts, figures),
        notes=_notes(facts, figures, goes_on=any(entry.event is not None for entry in entries)),
        stop=facts.stop,
    )
    html = _templates().get_template("mail_alert.html.j2").render(mail=mail, _=_)
    text = _templates().get_template("mail_alert.txt.j2").render(mail=mail, _=_)
    subject = subject_of(subjects(entries, figures, facts.period), facts.reference)
    gist = _gist(mail, printable(facts.reference), _)
    return MailText(_set_apart(first, subject), text.rstrip() + "\n", html, gist, figures.language)


def _gist(mail: _AlertMail, reference: str, _: Words) -> Gist:
    """The parts for other channels: what the texts say, in their order."""

    def labelled(bars: Sequence[Bar]) -> tuple[str, ...]:
        return tuple(_("{label}: {text}", label=bar.label, text=bar.text) for bar in bars)

    others = [(_("{label}: {text}", label=item.tag, text=item.text), item) for item in mail.others]
    sections = (
        (mail.chart_title, labelled(mail.chart)),
        (_("Also"), tuple(line for said, item in others for line in (said, *item.lines))),
        *((title, labelled(bars)) for title, bars in mail.causes),
        (_("What to look at"), mail.look_at),
    )
    why = _("Why, or be quiet about it")
    links = (
        (why, mail.first.link),
        *((_("{label}: {text}", label=why, text=item.text), item.link) for _said, item in others),
        (_("Stop these mails, or change what you get"), mail.stop),
    )
    return Gist(
        headline=mail.headline,
        title=mail.about,
        lead=mail.first.lines,
        sections=tuple((title, lines) for title, lines in sections if lines),
        links=tuple((label, address) for label, address in links if address),
        footer=(
            _("{label}: {text}", label=mail.small_print[0][0], text=mail.small_print[0][1]),
            *mail.notes,
            reference,
        ),
    )


def explained(entry: Entry, period: Period, figures: Figures) -> Why:
    """Everything that a mail says of an entry, for the page that answers why it was sent."""
    tables = [(_chart_title(entry, figures, period), _chart(entry, figures, period)), *_causes(entry.event, figures)]
    return Why(
        figures.words.say(_TITLES.get(period, _TITLES[Period.DAILY])),
        dated_sentence(entry, entry.on, figures),
        (figures.day_long(entry.on), *_lines(entry, figures)),
        tuple((title, tuple((bar.label, bar.text) for bar in bars)) for title, bars in tables if bars),
        _look_at((entry,), figures.words),
    )


def _link(entry: Entry, facts: MailFacts) -> str:
    """The address of an entry's page; "" for what has an end, and without links."""
    return facts.link(entry) if facts.link is not None and entry.event is not None else ""


def _set_apart(entry: Entry, subject: str) -> str:
    """The subject with its product's name kept from turning what stands beside it, where there is room for the two marks."""
    name = printable(entry.name or entry.sku or "")
    if not has_right_to_left(name) or len(subject) + 2 >= SUBJECT_LENGTH:
        return subject
    shown = next((name[:length] for length in range(len(name), 0, -1) if name[:length] in subject), "")
    return subject.replace(shown, isolated(shown), 1) if shown else subject


def _lines(entry: Entry, figures: Figures) -> tuple[str, ...]:
    """What stands below an entry's sentence."""
    _ = figures.words
    lines = []
    if entry.event is not None:
        if entry.impact and not says_its_money(entry.statement):
            weeks = entry.statement.type is EventType.LEVEL_MOVED
            money = Text("Over the two weeks: {amount}") if weeks else Text("Against the usual: {amount}")
            lines.append(_.say(money, amount=figures.signed_money(entry.impact)))
        lines += [note_sentence(note, figures) for note in entry.event.notes]
    return (*lines, *(sentence(said, figures) for said in entry.also))


def _chart_title(entry: Entry, figures: Figures, period: Period) -> str:
    if entry.event is None or len(entry.recent) < 2:
        return ""
    weekday = figures.weekday(date.fromisoformat(entry.recent[-1][0]).weekday())
    period = period if (period, "revenue") in _CHARTS else Period.DAILY
    return figures.words.say(_CHARTS.get((period, entry.event.metric)) or _CHARTS[period, "revenue"], weekday=weekday)


def _chart(entry: Entry, figures: Figures, period: Period) -> tuple[Bar, ...]:
    """The days to compare with as bars, the newest first; the day itself is `negative` (shown in the strong colour)."""
    if entry.event is None or len(entry.recent) < 2:
        return ()
    _ = figures.words
    longest = max((abs(value) for _label, value in entry.recent), default=0.0) or 1.0
    money = entry.event.metric in ("revenue", "day")
    bars = []
    for number, (label, value) in enumerate(reversed(entry.recent)):
        day = date.fromisoformat(label)
        shown = figures.money_short(round(value)) if money else figures.show(Kind.COUNT, round(value))
        percent = max(1, round(100 * abs(value) / longest)) if value else 0
        name = figures.day_with_weekday(day)
        if period is not Period.DAILY:
            name = _.context("span", "to {day}", day=figures.day_short(day))
        bars.append(Bar(name, shown, percent, number == 0))
    return tuple(bars)


def _causes(event: Event | None, figures: Figures) -> tuple[tuple[str, tuple[Bar, ...]], ...]:
    """The three ways to take the difference apart, each by its largest parts and the rest.

    What one sale made says nothing of baskets and prices: a cheap product by the hundred is no lower price.
    """
    if event is None or event.causes is None:
        return ()
    _, causes = figures.words, event.causes
    one_sale = any(note.kind is NoteKind.ONE_SALE for note in event.notes)
    factors = {
        "customers": _("Customers"),
        "pieces per basket": _("Pieces per basket"),
        "price per piece": _("Price per piece"),
    }
    parts: tuple[tuple[str, tuple[Contribution, ...], dict[str, str]], ...] = (
        (_("Which products make up the difference"), causes.products, {}),
        (_("Customers, baskets and prices"), () if one_sale else causes.price_volume, factors),
        (_("Which hours"), causes.hours, {RETURNED: _("Sold and returned")}),
    )
    return tuple(
        (title, _parts(found, figures, ours)) for title, found, ours in parts if any(part.amount for part in found)
    )


def _parts(parts: Sequence[Contribution], figures: Figures, ours: dict[str, str]) -> tuple[Bar, ...]:
    """The largest parts and the rest. ours: names that are not the merchant's, as the reader knows them."""
    _ = figures.words
    ranked = sorted((part for part in parts if part.name != OTHERS), key=lambda part: -abs(part.amount))
    shown = list(islice((part for part in ranked if part.amount), _SHOWN_CAUSES))
    rest = sum(part.amount for part in parts) - sum(part.amount for part in shown)
    longest = max((abs(part.amount) for part in shown), default=1) or 1
    bars = [
        Bar(
            ours.get(part.name) or isolated(printable(part.name)[:_LONGEST_NAME]),
            figures.signed_money(part.amount),
            max(1, round(100 * abs(part.amount) / longest)),
            part.amount < 0,
        )
        for part in shown
    ]
    if rest:
        bars.append(Bar(_("Everything else"), figures.signed_money(rest), 0, rest < 0))
    return tuple(bars)


def _look_at(entries: Sequence[Entry], _: Words) -> tuple[str, ...]:
    """What a merchant can check, for what is new or worse."""
    hints = (_hint(entry, entry.event, _) for entry in entries if entry.event is not None)
    return tuple(dict.fromkeys(filter(None, hints)))[:4]


def _hint(entry: Entry, event: Event, _: Words) -> str:
    kinds = {note.kind for note in event.notes}
    if NoteKind.OUT_OF_STOCK in kinds or (event.type is EventType.STOPPED_SELLING and entry.statement.stock == 0):
        return _("Is more of it on order?")
    hints = _HINTS if entry.is_shop else _HINTS | _HINTS_OF_PRODUCTS
    return _.say(hints[event.type]) if event.type in hints else ""


def _small_print(facts: MailFacts, figures: Figures) -> tuple[tuple[str, str], ...]:
    _ = figures.words
    as_of = _("no sale known") if facts.data_as_of is None else figures.moment(facts.data_as_of)
    return (
        (_("Data as of"), f"{as_of} ({facts.timezone})"),
        (_("Run"), f"{printable(facts.run_id)} ({printable(facts.stack)})"),
        (_("Questions"), _("Answer this mail: it goes to {address}.", address=printable(facts.reply_to))),
    )


def _notes(facts: MailFacts, figures: Figures, *, goes_on: bool) -> tuple[str, ...]:
    _, notes = figures.words, []
    if facts.left_out:
        notes.append(
            figures.plural(
                "{n} more change of a product, with less money at stake, is in the file.",
                "{n} more changes of products, with less money at stake, are in the file.",
                facts.left_out,
            )
        )
    if facts.flagged:
        notes.append(
            figures.plural(
                "{n} smaller finding is in the file.", "{n} smaller findings are in the file.", facts.flagged
            )
        )
    if facts.set_aside:
        notes.append(
            figures.plural(
                "{n} record of the source could not be used; sales may be missing for that reason.",
                "{n} records of the source could not be used; sales may be missing for that reason.",
                facts.set_aside,
            )
        )
    if goes_on:
        notes.append(_("You hear of this again only when it goes clearly further."))
        if facts.link is None:
            notes.append(_("Known already? Answer this mail, and you are spared it for two weeks."))
    return tuple(notes)
