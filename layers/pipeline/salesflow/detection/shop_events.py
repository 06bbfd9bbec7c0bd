"""What was unusual of the whole shop: its totals with their causes, or, at an ordinary sum, its hours."""

import numpy as np

from salesflow.detection.calibration import record_threshold
from salesflow.detection.candidates import floored, rare_sales
from salesflow.detection.causes import by_hour, shop_causes
from salesflow.detection.hours import most_moved
from salesflow.detection.lines import DayLine, called, clock, event_of
from salesflow.detection.model import Policy
from salesflow.detection.product_events import ONE_SALE_SHARE
from salesflow.detection.reported import Back, back_of_products, back_of_shop, reported
from salesflow.detection.stakes import severity_of
from salesflow.detection.timeline import ProductDay, Timeline
from salesflow.findings.event import Causes, Event, EventType, Note, NoteKind, Severity, Statement

RECORD_DAYS = 90
"""Open days that a day must be the best of to be a record."""

GREAT_SCORE, GREAT_DEVIATION = 1.75, 0.75
"""z and deviation of a great day: one that took a whole usual day's money more than was expected."""

HOURS, HOURS_HIGH = 2.0, 3.0
"""Scores of a day's hours from which they are told, and from which they are HIGH."""

HOURS_REPLAY, HOURS_A_MONTH = 91, 0.2


def shop_events(
    line: Timeline, t: int, lines: list[DayLine], scored: ProductDay, policy: Policy, threshold: float, upward_only: bool,
    holiday: str | None,
) -> tuple[Event, ...]:  # fmt: skip
    """Totals beyond the threshold, with the causes that they share. `upward_only`: the day is partial, so low sales are not judged."""
    great = is_great(lines[0], line.usual_day(t))
    flagged = [
        one
        for one in lines
        if (np.isfinite(one.score) and abs(one.evidence) >= threshold and not (upward_only and one.score < 0))
        or (great and one.metric == "revenue")
    ]
    if not flagged or not (lines[0].expected > 0 or lines[0].value > 0):
        return ()  # on a day on which nothing is usual and nothing was sold there were refunds alone
    loudest = max((one.evidence for one in flagged), key=abs)
    if flagged[0].metric != "revenue" and lines[0].score * loudest > 0:
        flagged.insert(0, lines[0])  # what is at stake is money: it is said first
    if not lines[0].expected > 0:
        flagged = flagged[:1]  # open on a day on which it usually is not: pieces and sales say the same once more
    back, counted = reported(back_of_shop(line, t), lines[0])
    flagged, lines = ([back.get(one.metric, Back()).of(one) for one in some] for some in (flagged, lines))
    revenue, quantity, transactions = lines
    kept = back.get("revenue", Back()).kept
    rare, rare_revenue, rare_expected = rare_sales(line, t)
    products = np.r_[scored.rows, rare]
    expected = kept * np.r_[np.nan_to_num(scored.revenue.expected / scored.revenue.factor), rare_expected]
    actual = np.r_[line.sales.on("revenue", t)[scored.rows], rare_revenue]
    if back:
        actual -= back_of_products(line, t)[products]
    hours, usual = np.zeros(24, dtype=np.int64), np.ones(24)
    if line.hours is not None and line.learnt_hours is not None:
        hours = line.hours[t].astype(np.int64)
        same_weekday = line.days[:t].day_of_week == line.days[t].day_of_week
        usual = line.learnt_hours[:t][line.open[:t] & same_weekday][-8:].clip(min=0).sum(axis=0)
    causes = shop_causes(
        round(revenue.value), revenue.expected, quantity=quantity.value, expected_quantity=quantity.expected,
        transactions=transactions.value, expected_transactions=transactions.expected, name_of=lambda at: called(*line.called(int(products[at]), t)),
        product_revenue=actual, product_expected=expected, hours=hours, usual_hours=usual,
    )  # fmt: skip
    share = causes.difference / (line.usual_day(t) or 1.0)
    notes = (*(n for n in _notes(line, t, causes.difference) if not (counted and n.kind is NoteKind.RECORD)), *counted)
    return tuple(
        event_of(
            one, line.days[: t + 1],
            floored(
                policy, Severity.HIGH if great and one.metric == "revenue" else severity_of(evidence, share),
                one.deviation if one.deviation is not None else np.inf, causes.difference,
            ),
            threshold, causes.difference, holiday, causes, notes,
        )
        for one, evidence in ((one, loudest if one.metric == "revenue" else one.evidence) for one in flagged)
    )  # fmt: skip


def is_great(revenue: DayLine, usual_day: float) -> bool:
    """Whether a day is worth two: news in a shop whose days swing so widely that no day is a statistical surprise."""
    more = revenue.value - revenue.expected
    return bool(
        revenue.score >= GREAT_SCORE and more >= usual_day > 0 and more >= GREAT_DEVIATION * revenue.expected > 0
    )


def _notes(line: Timeline, t: int, difference: int) -> tuple[Note, ...]:
    """One sale that made a good day, and whether it is the best of a long time."""
    if difference <= 0:
        return ()
    notes = []
    sale, at = (line.single.get(name, np.full(t + 1, -1.0))[t] for name in ("largest_sale", "largest_sale_at"))
    if at >= 0 and sale >= ONE_SALE_SHARE * difference:
        notes.append(Note(NoteKind.ONE_SALE, 0.0, 0, int(sale), clock(int(at))))
    before = np.flatnonzero(line.open[:t])
    best = before[np.nan_to_num(line.totals[0, before]) >= line.totals[0, t]]
    if len(before) >= RECORD_DAYS and not (len(best) and (before > best[-1]).sum() < RECORD_DAYS):
        notes.append(Note(NoteKind.RECORD, day=line.days[best[-1]].date() if len(best) else None))
    return tuple(notes)


def hours_event(line: Timeline, t: int) -> tuple[Event, ...]:
    """An ordinary sum at unusual hours."""
    severity = _hours_severity(line, t)
    if severity is None or line.hours is None:
        return ()
    mix, day = line.hour_mix(t), line.days[t].date()
    gained, lost = most_moved(mix)
    hours = line.hours[t].astype(np.int64)
    moved = by_hour(0, hours, mix.usual, int(hours.sum()))
    value, expected = float(line.totals[0, t]), float(line.shop_days([t])[0].expected[0])
    return (
        Event(
            f"shop/hours/UNUSUAL_MIX/{day}", EventType.UNUSUAL_MIX, severity, "day", day, True,
            Statement(EventType.UNUSUAL_MIX, day, day, value=value, expected=expected, gained=gained, lost=lost),
            value=value, expected=expected, score=mix.score, causes=Causes(0, (), moved, ()),
        ),
    )  # fmt: skip


def _hours_severity(line: Timeline, t: int) -> Severity | None:
    """How loudly the hours of day t are told; None: they were ordinary."""
    score = line.hour_mix(t).score
    if score < HOURS:
        return None
    past = np.array([line.hour_mix(d).score for d in range(max(t - HOURS_REPLAY, 0), t)])
    least, high = (record_threshold(past, floor=floor, alerts_per_month=HOURS_A_MONTH) for floor in (HOURS, HOURS_HIGH))
    return None if score < least else Severity.HIGH if score >= high else Severity.MEDIUM
