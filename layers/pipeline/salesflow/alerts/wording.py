"""What is told of an alert, in a language: how it began or got worse, and how it ended."""

from datetime import date

from salesflow.alerts.lifecycle import Change, Entry
from salesflow.figures import Figures
from salesflow.findings.event import EventType, Statement
from salesflow.findings.wording import called, day_name, sentence


def told_sentence(entry: Entry, figures: Figures) -> str:
    """The sentence of an entry, without its date."""
    return (
        end_sentence(entry.statement, figures)
        if entry.change is Change.RESOLVED
        else sentence(entry.statement, figures)
    )


def dated_sentence(entry: Entry, business_date: date, figures: Figures) -> str:
    """The sentence of an entry, with its date where it is told late, and since when where it ends."""
    _, since, late = figures.words, "", ""
    if entry.change is Change.RESOLVED and entry.since is not None:
        since = _("It began on {day}.", day=day_name(entry.since, figures))
    if entry.on != business_date:
        late = _("(Found for {day}, not told before.)", day=day_name(entry.on, figures))
    return figures.sentences(told_sentence(entry, figures), since, late)


def end_sentence(said: Statement, figures: Figures) -> str:
    """What the end of an alert means. said: what was told of it, with the type that it had last."""
    _ = figures.words
    product = None if said.sku is None else called(said.sku, said.name)
    match said.type:
        case EventType.MISSING_DAY:
            return _("Sales are coming in again.")
        case EventType.PARTIAL_DAY:
            return _("The days are complete again.")
        case EventType.UNUSUAL_MIX:
            return _("Sales come at their usual hours again.")
        case EventType.STOPPED_SELLING if product:
            return _("{product} sells again.", product=product)
        case EventType.PRICE_CHANGE if product:
            return _("{product}: the price is no longer unusual.", product=product)
        case EventType.LEVEL_SHIFT:
            usual = _("They are back, or the new level has become the usual one.")
            if product:
                return figures.sentences(_("{product}: sales are no longer unusual.", product=product), usual)
            return figures.sentences(_("Sales are no longer unusual."), usual)
        case _ if product:
            return _("{product}: sales are back to usual.", product=product)
        case _:
            return _("Sales are back to usual.")
