"""What was unusual of products, as events: what the day's candidates say, who of them is one of the month's dearest, and who is under whom."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from salesflow.detection.budget import bar, under_one_sale
from salesflow.detection.candidates import Candidate, candidates
from salesflow.detection.lines import RECENT, clock, day_line, event_of
from salesflow.detection.model import Policy
from salesflow.detection.reported import Back, back_of_product, reported
from salesflow.detection.stakes import MEDIUM_SCORE, high_score
from salesflow.detection.timeline import ProductDay, Timeline
from salesflow.findings.event import Event, EventType, Note, NoteKind, Severity, Statement

ONE_SALE_SHARE = 0.6
"""A sale that made so much of what was sold beyond the usual made the event."""


def product_events(
    line: Timeline, t: int, scored: ProductDay, policy: Policy, upward_only: bool, holiday: str | None,
    stock: Mapping[str, int], skus: Collection[str] | None, of_shop: tuple[Event, ...],
) -> tuple[list[Event], float]:  # fmt: skip
    """Of every product, or of `skus`, and the weight that one of the month's dearest must exceed (infinite where none came near it).

    What an event of the whole shop (`of_shop`) in the same direction explains is not within the budget.
    """
    gone = np.array([stock.get(sku, 1) <= 0 for sku in line.skus], dtype=bool)
    found = [
        one
        for one in candidates(line, t, policy, scored, gone)
        if (skus is None or line.skus[one.product] in skus) and (one.up or not upward_only)
    ]
    listed = _listed(line, stock)
    found = [one for one in found if one.reason == "stopped" or listed is None or line.skus[one.product] in listed]
    explained = {(event.deviation or event.impact) > 0 for event in of_shop if event.severity is not Severity.LOW}
    explained &= {True, False} if skus is None else set()
    led = {one.product: at for at, held in under_one_sale(line, t, found).items() for one in held[1:]}
    leads = {held[0].product: len(held) for held in under_one_sale(line, t, found).values()}
    telling = [
        one
        for one in found
        if one.product not in led and (one.reason == "stopped" or one.up not in explained) and one.is_loud(policy)
    ]
    least = (
        0.0 if skus is not None else bar(line, t, policy) if telling else np.inf
    )  # the replay is most of a check's work
    within = {id(one) for one in telling if one.weight > least}
    recent = _recent(line, t, found)
    factor = 1.0 if upward_only else scored.quantity.factor
    events = []
    for one in found:
        event = _event(line, t, one, scored, recent, policy, holiday)
        if one.reason == "stopped" and listed is not None and event.sku not in listed:
            event = replace(event, severity=Severity.LOW, notes=(Note(NoteKind.NOT_LISTED),))
        else:
            notes = _notes(line, t, one, stock, factor, leads.get(one.product, 1))
            event = replace(event, notes=(*notes, *event.notes))
        if one.reason == "stopped" and event.sku in stock:
            event = replace(event, statement=replace(event.statement, stock=max(stock[str(event.sku)], 0)))
        events.append(replace(event, within_budget=id(one) in within))
    return events, least


def _listed(line: Timeline, stock: Mapping[str, int]) -> frozenset[str] | None:
    """The SKUs of the product list; None where it is not known, or holds none of what sold."""
    return frozenset(stock) if any(sku in stock for sku in line.skus) else None


def _recent(line: Timeline, t: int, found: list[Candidate]) -> dict[str, dict[int, np.ndarray]]:
    """Scores of the last four weeks of the products that sold unusually and are no small matter, by metric."""
    scored = (one for one in found if one.reason in ("quantity", "revenue"))
    rows = np.array([one.product for one in scored if one.severity is not Severity.LOW], dtype=np.intp)
    scores = line.recent(rows, t, RECENT) if len(rows) else {"quantity": np.zeros((0, 1)), "revenue": np.zeros((0, 1))}
    return {metric: dict(zip(rows.tolist(), values, strict=True)) for metric, values in scores.items()}


def _event(
    line: Timeline, t: int, one: Candidate, scored: ProductDay, recent: dict[str, dict[int, np.ndarray]], policy: Policy,
    holiday: str | None,
) -> Event:  # fmt: skip
    day = line.days[t].date()
    sku, name = line.called(one.product, t)
    said, expected, deviation = None, 0.0, None
    value, metric, since, is_new = float(line.sales.on("quantity", t)[one.product]), "quantity", day, True
    match one.reason:
        case "quantity" | "revenue":
            return _scored_event(line, t, one, scored, recent, policy, holiday)
        case "stopped" if one.stopped is not None:
            silence = one.stopped
            since, is_new = line.days[silence.first].date(), silence.is_new
            value, expected, deviation = 0.0, silence.a_week / 7, -1.0
            said = Statement(
                EventType.STOPPED_SELLING, day, since, metric, sku, name, silent_days=silence.days,
                last_sold=line.days[silence.last_sold].date(), a_week=silence.a_week, pieces=silence.pieces, amount=-silence.impact,
            )  # fmt: skip
        case "fallen":
            row = int(np.searchsorted(scored.rows, one.product))
            since = line.days[t + 1 - int(scored.quantity.low.days[row])].date()
            back = back_of_product(line, one.product, t)[metric]
            value, expected = value - back.value, back.kept * float(scored.quantity.low.usual[row])
            deviation, is_new = value / expected - 1, not _fell_before(line, t, one.product)
            said = Statement(EventType.LEVEL_SHIFT, day, since, metric, sku, name, value, expected)
        case "price":
            expected, deviation = one.usual_price * value, one.price / one.usual_price - 1
            metric, value = "revenue", float(line.sales.on("revenue", t)[one.product])
            said = Statement(
                EventType.PRICE_CHANGE, day, day, metric, sku, name, price=one.price, usual_price=one.usual_price
            )
    said = said or Statement(EventType.HIGH_SPIKE, day, day, metric, sku, name, value, 0.0, seldom=True)
    return Event(
        f"{sku}/{metric}/{said.type}/{since}", said.type, one.severity, metric, since, is_new, said, sku=sku, name=name, value=value,
        expected=expected, score=one.score, deviation=deviation, impact=round(one.impact),
    )  # fmt: skip


def _fell_before(line: Timeline, t: int, product: int) -> bool:
    """Whether the open day before says the same of a product already."""
    (scored,) = line.sampled_days([int(np.flatnonzero(line.busy[:t])[-1])])
    at = int(np.searchsorted(scored.rows, product))
    known = at < len(scored.rows) and scored.rows[at] == product
    return bool(known and scored.quantity.low.score[at] <= -high_score(len(scored.rows)))


def _scored_event(
    line: Timeline, t: int, one: Candidate, scored: ProductDay, recent: dict[str, dict[int, np.ndarray]], policy: Policy,
    holiday: str | None,
) -> Event:  # fmt: skip
    widening = policy.holiday_widening if holiday else 1.0
    today = scored.revenue if one.reason == "revenue" else scored.quantity
    row = int(np.searchsorted(scored.rows, one.product))
    scores = recent[one.reason].get(one.product, today.scores[row : row + 1])
    past = line.of(one.reason, one.product, t + 1 - len(scores), t + 1)
    sku, name = line.called(one.product, t)
    said = day_line(one.reason, sku, name, past, scores, today, row, widening)
    back, counted = reported(back_of_product(line, one.product, t), said)
    money = back.get("revenue", Back())
    impact = one.impact - money.value + (1 - money.kept) * scored.due(one.product)
    said = back.get(said.metric, Back()).of(said)
    return event_of(said, line.days[: t + 1], one.severity, MEDIUM_SCORE, round(impact), holiday, notes=counted)


def _notes(
    line: Timeline, t: int, one: Candidate, stock: Mapping[str, int], factor: float, together: int
) -> tuple[Note, ...]:
    """`together`: how many products the sale holds that made it."""
    notes: list[Note] = []
    sku, dearer = line.skus[one.product], line.prices(t).change(one.product)
    sale = line.largest_sale(one.product, t)
    if one.up and sale is not None and one.reason != "price" and sale[1] >= ONE_SALE_SHARE * one.impact:
        notes.append(Note(NoteKind.ONE_SALE, float(together - 1), sale[0], sale[1], clock(sale[2])))
    if stock.get(sku, 1) <= 0 and one.reason != "stopped":
        notes.append(Note(NoteKind.OUT_OF_STOCK))
    if one.reason not in ("quantity", "revenue"):
        return tuple(notes)
    # Of what one sale made, or an empty shelf, the shop's level explains nothing.
    if abs(factor - 1) >= 0.1 and not notes:
        notes.append(Note(NoteKind.SHOP_LEVEL, factor - 1))
    if dearer is not None and abs(np.log1p(dearer)) > 0.1:
        notes.append(Note(NoteKind.PRICE, dearer))
    return tuple(notes)
