"""What was unusual of the whole shop: its totals with their causes, or, at an ordinary sum, its hours."""

import numpy as np

from salesflow.detection.budget import Thresholds, hours_severity, rare_sales
from salesflow.detection.causes import by_hour, shop_causes
from salesflow.detection.hours import most_moved
from salesflow.detection.lines import DayLine, called, event_of
from salesflow.detection.model import Policy
from salesflow.detection.timeline import ProductDay, Timeline
from salesflow.findings.event import Causes, Event, EventType, Statement


def shop_events(
    line: Timeline, t: int, lines: list[DayLine], scored: ProductDay, policy: Policy, thresholds: Thresholds, upward_only: bool,
    holiday: str | None,
) -> tuple[Event, ...]:  # fmt: skip
    """Totals beyond the threshold, with the causes that they share. `upward_only`: the day is partial, so low sales are not judged."""
    flagged = [
        one
        for one in lines
        if np.isfinite(one.score) and abs(one.score) >= thresholds.shop and not (upward_only and one.score < 0)
    ]
    if not flagged:
        return ()
    revenue, quantity, transactions = lines
    rare, rare_revenue, rare_expected = rare_sales(line, t)
    names = [called(*line.called(int(p), t)) for p in (*scored.rows, *rare)]
    expected = np.r_[np.nan_to_num(scored.revenue.expected / scored.revenue.factor), rare_expected]
    actual = np.r_[np.nan_to_num(line.revenue[scored.rows, t]), rare_revenue]
    hours, usual = np.zeros(24, dtype=np.int64), np.ones(24)
    if line.hours is not None:
        hours = line.hours[t].astype(np.int64)
        same_weekday = line.days[:t].day_of_week == line.days[t].day_of_week
        usual = line.hours[:t][line.open[:t] & same_weekday][-8:].clip(min=0).sum(axis=0)
    causes = shop_causes(
        round(revenue.value), revenue.expected, quantity=quantity.value, expected_quantity=quantity.expected,
        transactions=transactions.value, expected_transactions=transactions.expected, names=names,
        product_revenue=actual, product_expected=expected, hours=hours, usual_hours=usual,
    )  # fmt: skip
    levels = (thresholds.shop, thresholds.shop_high)
    return tuple(
        event_of(one, line.days[: t + 1], policy, levels, causes.difference, holiday, causes) for one in flagged
    )


def hours_event(line: Timeline, t: int, policy: Policy) -> tuple[Event, ...]:
    """An ordinary sum at unusual hours."""
    severity = hours_severity(line, t, policy)
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
