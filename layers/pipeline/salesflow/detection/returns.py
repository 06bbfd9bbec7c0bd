"""Returns beyond the usual: a refund, or a day of refunds, that the totals before returns do not show."""

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.calibration import record_threshold
from salesflow.detection.causes import by_product
from salesflow.detection.lines import called, clock
from salesflow.detection.model import Policy
from salesflow.detection.stakes import HIGH_SHARE, MEDIUM_SHARE
from salesflow.detection.timeline import Timeline
from salesflow.findings.event import Causes, Event, EventType, Severity, Statement

Floats = NDArray[np.float64]

REPLAY, KNOWN_DAYS = 91, 14
"""Past days that say how much comes back usually, and open ones that there must be to say it."""

A_MONTH = 0.5
"""How often the shop's own past may have had as much, at most."""

LEAST_REFUNDS, REFUND_SHARE = 5, 0.1
"""A day of many refunds: at least so many more than usual, and this share of a usual day's sales."""

SCORE = 4.0


def returns_event(line: Timeline, t: int, policy: Policy) -> tuple[Event, ...]:
    """What came back on day t, if that is far beyond the usual in money or in number.

    An order that was sold and given back on the same day is no return: what a product sold beyond its usual that day is taken off.
    """
    open_days = np.flatnonzero(line.open[:t])
    usual_day = line.usual_day(t)
    if len(open_days) < KNOWN_DAYS or usual_day <= 0 or not line.back[:2, t].any():
        return ()
    back = _returned(line)
    today = back[:, back[1] == t]
    pieces, money = _without_cancelled(line, today, t)
    amounts, refunds = _past(line, back, t)
    usual, many = float(np.mean(amounts)), float(np.mean(refunds))
    total = float(money.sum())
    number = _number(line, t) * total / max(float(today[3].sum()), 1e-9)
    large = total >= record_threshold(amounts, floor=MEDIUM_SHARE * usual_day, alerts_per_month=A_MONTH)
    sales = float(np.nanmean(line.totals[2, open_days[-28:]]))
    often = number >= record_threshold(
        refunds, floor=max(LEAST_REFUNDS + many, REFUND_SHARE * sales, 3 * many), alerts_per_month=A_MONTH
    )
    if not (large or often):
        return ()
    serious = often or (large and total - usual >= HIGH_SHARE * usual_day)
    severity = Severity.HIGH if serious else Severity.MEDIUM
    if total < (policy.min_impact or 0):
        severity = Severity.LOW
    day, impact = line.days[t].date(), -round(total)
    largest, at = (line.single.get(name, np.full(t + 1, -1.0))[t] for name in ("largest_refund", "largest_refund_at"))
    one = at >= 0 and 0 < largest <= total * 1.01
    said = Statement(
        EventType.RETURNS, day, day, "revenue", value=float(total), expected=usual, pieces=float(pieces.sum()), amount=round(total),
        refunds=round(number), at=clock(int(at)) if one else "", largest=int(largest) if one else 0,
    )  # fmt: skip
    of_products = -money[today[0] >= 0]
    parts = by_product(impact, lambda at: called(*line.called(int(today[0, at]), t)), of_products, 0 * of_products)
    causes = Causes(impact, parts, (), ())
    return (
        Event(
            f"shop/revenue/RETURNS/{day}", EventType.RETURNS, severity, "revenue", day, True, said,
            value=total, expected=usual, score=SCORE, impact=impact, causes=causes,
        ),
    )  # fmt: skip


def _returned(line: Timeline) -> Floats:
    """What came back, as `ProductSales.returned` has it, and behind it what came back of no known product, as that of product -1."""
    named, days = line.sales.returned, np.arange(len(line.days))
    of_day = named[1].astype(np.intp)
    pieces, money = (line.back[row] - np.bincount(of_day, named[column], len(days)) for row, column in ((1, 2), (0, 3)))
    columns = np.stack([np.full(len(days), -1), days, pieces, money, _sold_nameless(line)])
    return np.concatenate([named, columns[:, (pieces > 0) | (money > 0)]], axis=1)


def _sold_nameless(line: Timeline) -> Floats:
    """Pieces of no known product that each day sold, [n_days]."""
    return np.nan_to_num(line.totals[1]) - np.bincount(line.sales.day, line.sales.quantity, len(line.days))


def _without_cancelled(line: Timeline, back: Floats, t: int) -> tuple[Floats, Floats]:
    """Pieces and money of some columns of what came back, without what was sold and given back on one day."""
    product, _, pieces, money, sold = back
    since = max(t - REPLAY, 0)
    open_days = max(int(line.open[since:t].sum()), 1)
    known = np.append(line.sales.sums("quantity", since, t), _sold_nameless(line)[since:t].sum())
    beyond = np.maximum(sold - 2 * known[product.astype(np.intp)] / open_days, 0.0)
    left = np.maximum(pieces - beyond, 0.0) / np.maximum(pieces, 1e-9)
    left = np.where(pieces > 0, np.where(left < 0.05, 0.0, left), 1.0)
    return pieces * left, money * left


def _past(line: Timeline, back: Floats, t: int) -> tuple[Floats, Floats]:
    """Money given back, and how many refunds there were, on each open day of the last three months."""
    since = max(t - REPLAY, 0)
    back = back[:, (back[1] >= since) & (back[1] < t)]
    _, kept = _without_cancelled(line, back, t)
    amounts = np.bincount(back[1].astype(np.intp) - since, kept, t - since)
    numbers = np.array([_number(line, d) for d in range(since, t)])
    return amounts[line.open[since:t]], numbers[line.open[since:t]]


def _number(line: Timeline, t: int) -> float:
    """Refunds of a day; where the history does not say it, the products that came back."""
    known = line.single.get("refunds")
    if known is not None and known[t] >= 0:
        return float(known[t])
    return float((line.sales.returned[1] == t).sum())
