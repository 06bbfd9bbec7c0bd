"""Findings in the words that a merchant uses, in the merchant's language.

A detection answers data (`Statement`, `Note`); whoever shows it says it here, with the numbers, days and weekdays of the language.
What a new type of event needs to be said goes into `Statement`, and its sentence here.
"""

import math

from babel.numbers import format_decimal, format_percent

from salesflow.bidi import has_right_to_left
from salesflow.figures import Figures, printable
from salesflow.findings.event import EventType, HourSpan, Note, NoteKind, Statement
from salesflow.findings.sentences import BESIDE, OFF, SENTENCES

FAR_ABOVE = 9.0
"""From ten times the usual on, how many times it was says nothing any more."""

ISOLATE, ISOLATE_END = "\u2068", "\u2069"
"""Around a name with right-to-left letters, so that it turns nothing beside it (UAX #9); `printable` leaves none inside a name."""

HARDLY_EVER = 0.25
"""Pieces a day: of what sells more often than one such day in four, "hardly ever" is not true."""

_LONGEST_NAME = 120


def sentence(said: Statement, figures: Figures) -> str:
    """What happened, on how much, against what. The first letter is that of a sentence's beginning."""
    finding = _finding(said, figures)
    if said.sku is not None and said.type not in (EventType.STOPPED_SELLING, EventType.PRICE_CHANGE):
        finding = about_product(called(said.sku, said.name), finding, figures)
    holiday = printable(said.holiday or "")
    if not holiday or said.type in (EventType.MISSING_DAY, EventType.PARTIAL_DAY):
        return finding
    _ = figures.words
    return figures.sentences(finding, _("It was {holiday}.", holiday=isolated(holiday)))


def about_product(product: str, finding: str, figures: Figures) -> str:
    """A sentence with the product that it is about. product: as `called` answers it."""
    _ = figures.words
    # Translators: the name of a product, then a whole sentence about its sales.
    return _("{product}: {finding}", product=product, finding=finding)


def called(sku: str | None, name: str | None) -> str:
    """Name (SKU), the SKU alone where it has no other name; on one line, and in its own direction."""
    sku, name = printable(sku or ""), printable(name or "")
    if not name or name == sku:
        return isolated(sku[:_LONGEST_NAME])
    return isolated(f"{name[:_LONGEST_NAME]} ({sku[:_LONGEST_NAME]})" if sku else name[:_LONGEST_NAME])


def isolated(name: str) -> str:
    """A name that may be read from right to left, kept apart from the text around it."""
    return f"{ISOLATE}{name}{ISOLATE_END}" if has_right_to_left(name) else name


def share(deviation: float, figures: Figures) -> str:
    """38% for -0.38."""
    return format_percent(abs(deviation), locale=figures.locale)


def off(deviation: float, figures: Figures, *, limit: float = math.inf) -> tuple[str, dict[str, str]]:
    """How far something is from the usual: far, times, above, below or negative, and the number for it. 2.4 is 3.4 times the usual, -0.38 is

    38% below; below zero no number says anything.

    limit: from which on it is far, without a number.
    """
    if deviation >= limit:
        return "far", {}
    if deviation >= 1:
        return "times", {"times": format_decimal(1 + deviation, format="#,##0.#", locale=figures.locale)}
    if deviation < -1:
        return "negative", {}
    return "above" if deviation > 0 else "below", {"share": share(deviation, figures)}


def says_its_money(said: Statement) -> bool:
    """Whether its sentence says all the money that there is to say of it."""
    return said.type is EventType.RETURNS or (said.type is EventType.STOPPED_SELLING and said.stock == 0)


def amount(value: float, metric: str, figures: Figures) -> str:
    """Money for revenue, in whole units of the currency (with all its digits below 10); whole pieces otherwise."""
    if metric != "revenue":
        return format_decimal(round(value), locale=figures.locale)
    major = figures.currency.to_major(round(value))
    digits = figures.digits if 0 < abs(major) < 10 else 0
    number = format_decimal(abs(major), format=f"#,##0.{'0' * digits}".rstrip("."), locale=figures.locale)
    return figures.priced(number, negative=major < 0)


def rounded(value: float, metric: str, figures: Figures) -> str:
    """An expectation to two significant digits, money or pieces: it is not exact and should not look so."""
    if metric != "revenue" and value < 10:  # nobody sells 0.63 pieces
        return format_decimal(round(value) or math.ceil(max(value, 0)), locale=figures.locale)
    major = float(figures.currency.to_major(round(value))) if metric == "revenue" else value
    step = 10.0 ** (math.floor(math.log10(major)) - 1) if major > 0 else 1.0
    number = format_decimal(round(round(max(major, 0) / step) * step, 2), format="#,##0.##", locale=figures.locale)
    return figures.priced(number) if metric == "revenue" else number


def _finding(said: Statement, figures: Figures) -> str:
    """The sentence without the product's name, where that stands before it."""
    match said.type:
        case EventType.STOPPED_SELLING:
            return _stopped(said, figures)
        case EventType.PRICE_CHANGE:
            return _price(said, figures)
        case EventType.LEVEL_MOVED:
            return _moved(said, figures)
        case EventType.MISSING_DAY:
            text = _missing(said, figures)
        case EventType.PARTIAL_DAY:
            text = _partial(said, figures)
        case EventType.RETURNS:
            text = _returns(said, figures)
        case EventType.UNUSUAL_MIX if said.gained is not None and said.lost is not None:
            text = _hours(said, said.gained, said.lost, figures)
        case _ if said.seldom:
            text = _seldom(said, figures)
        case _:
            text = _period(said, figures) if said.days > 1 else _day(said, figures)
    return text[:1].upper() + text[1:]


def _deviation(said: Statement) -> float:
    return (said.value or 0) / said.expected - 1 if said.expected else math.inf


def _day(said: Statement, figures: Figures) -> str:
    """A day against what its weekday usually has."""
    metric, deviation = said.metric, _deviation(said)
    values = {
        "weekday": figures.weekday(said.day.weekday()),
        "value": amount(said.value or 0, metric, figures),
        "usual": rounded(said.expected or 0, metric, figures),
        "day": figures.day_named(said.since),
    }
    if values["usual"] == rounded(0, metric, figures):
        how = "none usual"
    elif metric == "quantity" and (said.expected or 0) < HARDLY_EVER and (said.value or 0) >= 1:
        return _seldom(said, figures)
    elif said.type is EventType.ZERO_DROP:
        how = "nothing"
    elif said.type is EventType.LEVEL_SHIFT:
        how = "higher" if deviation > 0 else "lower"
    elif said.type is EventType.WEEKDAY_BREAK and said.like is not None:
        how = "weekday"
        values["other"] = figures.weekday(said.like)
    else:
        how, number = off(deviation, figures, limit=FAR_ABOVE)
        values |= number
    return figures.words.say(SENTENCES.get((how, metric)) or SENTENCES[how, "revenue"], **values)


def _period(said: Statement, figures: Figures) -> str:
    """A week, or four weeks, against the weeks before."""
    _, metric, deviation = figures.words, said.metric, _deviation(said)
    values = {
        "n": format_decimal(said.days, locale=figures.locale),
        "day": figures.day_named(said.day),
        "value": amount(said.value or 0, metric, figures),
    }
    if not math.isfinite(deviation):
        return _("The {n} days to {day} came to {value}, where there is usually nothing.", **values)
    values["usual"] = rounded(said.expected or 0, metric, figures)
    how, number = off(deviation, figures)
    return _.say(
        SENTENCES.get((f"{how}, period", metric)) or SENTENCES[f"{how}, period", "revenue"], **values, **number
    )


def _missing(said: Statement, figures: Figures) -> str:
    """A day on which the shop always trades and nothing came in."""
    _ = figures.words
    day = figures.day_named(said.since)
    if said.since == said.day and said.expected:
        return _(
            "No sale at all on {day}, where about {usual} is usual.",
            day=day,
            usual=rounded(said.expected, "revenue", figures),
        )
    if said.since == said.day:
        return _("No sale at all on {day}, a day on which the shop usually trades.", day=day)
    return _("No sale at all since {day}.", day=day)


def _partial(said: Statement, figures: Figures) -> str:
    """A day that stops (or starts) hours away from the usual, and what came in."""
    _, values = figures.words, {"day": figures.day_named(said.day), "time": said.cut_at, "usual": said.usual_edge}
    if said.late_start:
        edge = _("{day} starts only at {time}, usually by {usual}.", **values)
    else:
        edge = _("{day} stops at {time}, usually not before {usual}.", **values)
    if not said.expected:  # a young shop, or an alert of version 1.0
        return edge
    came, usual = amount(said.value or 0, "revenue", figures), rounded(said.expected, "revenue", figures)
    return figures.sentences(edge, _("{value} came in, where about {usual} is usual.", value=came, usual=usual))


def _returns(said: Statement, figures: Figures) -> str:
    """What was given back, beyond the usual."""
    _ = figures.words
    values = {
        "weekday": figures.weekday(said.day.weekday()),
        "amount": amount(said.amount, "revenue", figures),
        "pieces": amount(said.pieces, "quantity", figures),
        "usual": rounded(said.expected or 0, "revenue", figures),
    }
    if values["usual"] == rounded(0, "revenue", figures):
        given = _.plural(
            "{amount} was given back on {weekday} for {pieces} piece, where usually nothing is.",
            "{amount} was given back on {weekday} for {pieces} pieces, where usually nothing is.",
            round(said.pieces),
            **values,
        )
    else:
        given = _.plural(
            "{amount} was given back on {weekday} for {pieces} piece, where about {usual} a day is usual.",
            "{amount} was given back on {weekday} for {pieces} pieces, where about {usual} a day is usual.",
            round(said.pieces),
            **values,
        )
    if said.refunds == 1 and said.at:
        return figures.sentences(given, _("It was one refund, at {time}.", time=said.at))
    number = figures.plural("It was {n} refund.", "These were {n} refunds.", said.refunds)
    largest = ""
    if said.at:
        largest = _(
            "The largest was at {time}: {amount}.", time=said.at, amount=amount(said.largest, "revenue", figures)
        )
    return figures.sentences(given, number if said.refunds else "", largest)


def _moved(said: Statement, figures: Figures) -> str:
    """A new level of the whole shop."""
    _ = figures.words
    values = {
        "value": rounded(said.value or 0, "revenue", figures),
        "usual": rounded(said.expected or 0, "revenue", figures),
    }
    if (said.value or 0) > (said.expected or 0):
        return _(
            "Sales stand at a higher level: about {value} a day in the last two weeks, where about {usual} was usual.",
            **values,
        )
    return _(
        "Sales stand at a lower level: about {value} a day in the last two weeks, where about {usual} was usual.",
        **values,
    )


def _stopped(said: Statement, figures: Figures) -> str:
    """A product whose silence is no accident any more: without stock, with stock, or with a stock that is not known.

    How long that is, and what was lost, only where the statement says it.
    """
    _ = figures.words
    values = {
        "product": called(said.sku, said.name),
        "day": figures.day_named(said.last_sold or said.since),
        "usual": rounded(said.a_week, "quantity", figures),
    }
    if said.stock == 0 and said.pieces:
        return _(
            "{product} is out of stock and has not sold since {day}: about {pieces} pieces were not sold, {amount}.",
            **values,
            pieces=amount(said.pieces, "quantity", figures),
            amount=figures.money(said.amount),
        )
    if said.stock == 0:
        return _(
            "{product} is out of stock and has not sold since {day}; about {usual} pieces a week are usual.", **values
        )
    if said.stock is not None:
        return _(
            "{product} is in stock ({stock}) and has not sold since {day}; about {usual} pieces a week are usual.",
            **values,
            stock=format_decimal(said.stock, locale=figures.locale),
        )
    if not said.silent_days:
        return _("{product} has not sold since {day}; about {usual} pieces a week are usual.", **values)
    return figures.plural(
        "{product} has not sold since {day}: {n} trading day, where about {usual} pieces a week are usual.",
        "{product} has not sold since {day}: {n} trading days, where about {usual} pieces a week are usual.",
        said.silent_days,
        **values,
    )


def _price(said: Statement, figures: Figures) -> str:
    """Pieces as usual, money not."""
    _ = figures.words
    return _(
        "{product} sold as many pieces as usual, but at {price} each instead of {usual}.",
        product=called(said.sku, said.name),
        price=figures.money(round(said.price)),
        usual=figures.money(round(said.usual_price)),
    )


def _hours(said: Statement, gained: HourSpan, lost: HourSpan, figures: Figures) -> str:
    """An ordinary sum at unusual hours."""
    _ = figures.words
    return _(
        "{weekday}'s sales came at unusual hours: {more} of them from {from1} to {to1} instead of {more_usual}, "
        "and {less} from {from2} to {to2} instead of {less_usual}.",
        weekday=figures.weekday(said.day.weekday()),
        more=share(gained.share, figures),
        more_usual=share(gained.usual, figures),
        from1=f"{gained.first:02d}:00",
        to1=f"{gained.end:02d}:00",
        less=share(lost.share, figures),
        less_usual=share(lost.usual, figures),
        from2=f"{lost.first:02d}:00",
        to2=f"{lost.end:02d}:00",
    )


def _seldom(said: Statement, figures: Figures) -> str:
    """A product that hardly ever sold, and now in bulk."""
    _ = figures.words
    return _.plural(
        "{n} piece sold on {weekday}, and hardly ever any before.",
        "{n} pieces sold on {weekday}, and hardly ever any before.",
        round(said.value or 0),
        n=amount(said.value or 0, "quantity", figures),
        weekday=figures.weekday(said.day.weekday()),
    )


def note_sentence(note: Note, figures: Figures) -> str:
    """What there is to know beside an event, as a sentence."""
    _ = figures.words
    if note.kind is NoteKind.ONE_SALE:
        return _one_sale(note, figures)
    if note.kind is NoteKind.RECORD and note.day is not None:
        return _("No day had as much since {day}.", day=figures.day_long(note.day))
    if note.kind is NoteKind.RECORD:
        return _("No day that is known had as much.")
    if note.kind in BESIDE:
        return _.say(BESIDE[note.kind], amount=figures.money(note.amount))
    how, number = off(note.deviation, figures)
    return _.say(OFF[note.kind, how], **number)


def _one_sale(note: Note, figures: Figures) -> str:
    """The one sale that made it; `deviation` of the note: how many other products it holds."""
    _ = figures.words
    if not note.pieces:
        return _("One sale of {amount} at {time} made it.", amount=figures.money(note.amount), time=note.at)
    values = {"pieces": amount(note.pieces, "quantity", figures), "time": note.at}
    one = _.plural(
        "One sale of {pieces} piece at {time} made it.",
        "One sale of {pieces} pieces at {time} made it.",
        note.pieces,
        **values,
    )
    others = round(note.deviation)
    if not others:
        return one
    more = figures.plural(
        "The same sale holds {n} more product with unusual sales.",
        "The same sale holds {n} more products with unusual sales.",
        others,
    )
    return figures.sentences(one, more)
