"""What is told of an alert, in a language: how it began or got worse, and how it ended."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from salesflow.alerts.lifecycle import Change, Entry
from salesflow.figures import Figures
from salesflow.findings.event import EventType, Statement
from salesflow.findings.wording import called, sentence
from salesflow.language import Text

_ENDS: Final[Mapping[EventType | None, Text]] = {
    EventType.MISSING_DAY: Text("Sales are coming in again."),
    EventType.PARTIAL_DAY: Text("The days are complete again."),
    EventType.UNUSUAL_MIX: Text("Sales come at their usual hours again."),
    None: Text("Sales are back to usual."),
}
_ENDS_OF_PRODUCTS: Final[Mapping[EventType | None, Text]] = {
    EventType.STOPPED_SELLING: Text("{product} sells again."),
    EventType.PRICE_CHANGE: Text("{product}: the price is no longer unusual."),
    None: Text("{product}: sales are back to usual."),
}


def told_sentence(entry: Entry, figures: Figures) -> str:
    """The sentence of an entry, without its date."""
    return (end_sentence if entry.change is Change.RESOLVED else sentence)(entry.statement, figures)


def open_sentence(said: Statement, figures: Figures) -> str:
    """The sentence of an alert that is not over, days later too: of a product that stopped, nothing that has grown since."""
    stopped = said.type is EventType.STOPPED_SELLING
    return sentence(replace(said, silent_days=0, pieces=0.0) if stopped else said, figures)


def dated_sentence(entry: Entry, business_date: date, figures: Figures) -> str:
    """The sentence of an entry, with its date where it is told late, and since when where it ends."""
    _, on, more = figures.words, figures.day_named(entry.on), ""
    late = entry.on != business_date
    if entry.change is Change.RESOLVED and entry.since is not None:
        day = figures.day_named(entry.since)
        more = (
            _("It began on {day} and was over by {end}.", day=day, end=on) if late else _("It began on {day}.", day=day)
        )
    elif late:
        more = _("(Found for {day}, not told before.)", day=on)
    return figures.sentences(told_sentence(entry, figures), more)


def end_sentence(said: Statement, figures: Figures) -> str:
    """What the end of an alert means. said: what was told of it, with the type that it had last."""
    ends = _ENDS
    product = None if said.sku is None else called(said.sku, said.name)
    if product and said.type not in (EventType.MISSING_DAY, EventType.PARTIAL_DAY, EventType.UNUSUAL_MIX):
        ends = _ENDS_OF_PRODUCTS
    return figures.words.say(ends.get(said.type, ends[None]), product=product or "")
