"""What a day's products have to say, before anybody decides what of it is told: one reason a product, with what is at stake.

The same rules judge the day and, for the budget, the days before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.model import Policy
from salesflow.detection.silence import Stopped, stopped_products
from salesflow.detection.stakes import (
    HIGH_SCORE,
    HIGH_SHARE,
    MEDIUM_SCORE,
    SPIKE_PIECES,
    high_score,
    severity_of,
    weight_of,
)
from salesflow.detection.timeline import Ints, ProductDay, Timeline
from salesflow.findings.event import Severity
from salesflow.findings.subjects import RANK

Floats = NDArray[np.float64]


MONTHS = 245
LEAST_SHARE = 0.005
"""Of a usual day's revenue: what is less is nobody's news."""

PRICE_CHANGE = 0.25
"""|log ratio| to the usual price from which a price is another one."""

PRICE_DAYS, MISTAKE_DAYS, MISTAKE = 3, 7, 1.0
"""A price that is not the usual one goes on until somebody mends it: its stake is that of so many days; of a week of usual sales where it is
so far off (|log ratio|: a third, or three times the usual) that nobody meant it."""

STEADY = 3.0
"""What was sold at prices further apart in the last eight weeks (postage, fees) has no price that could be wrong."""

RULE_SCORE = 4.0
"""The surprise of what a rule finds whose chance is about 1e-4: a silence, a price outside all of eight weeks, a product out of nothing."""

STOPPED_WEEK, STOPPED_PIECES = 0.03, 50
"""A product that brings this share of a week's revenue, or sells so many pieces a week, is missed when it stops: HIGH."""

GONE_WEEK = 0.015
"""The share that suffices where the stock is known to be gone: no chance is left in it, and somebody can order."""

RECORD = 1.25
"""A spike is so many times the second best day of half a year, or it is what this product does now and then."""


type Reason = Literal["rare", "stopped", "fallen", "quantity", "revenue", "price"]
"""Why a product is looked at: it sold out of nothing, it stopped, its level fell, its pieces or its money are unusual, or its price is

another one."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product's finding. `impact` in minor units, signed; `weight`: money x surprise; `stopped`, `usual_price`: of these reasons."""

    product: int
    reason: Reason
    score: float
    impact: float
    severity: Severity
    weight: float
    stopped: Stopped | None = None
    price: float = 0.0
    usual_price: float = 0.0

    @property
    def up(self) -> bool:
        """Whether more was sold, or dearer, than is usual."""
        return self.impact > 0

    def is_loud(self, policy: Policy) -> bool:
        """Whether it is severe enough to be told."""
        return self.severity is not Severity.LOW and RANK[self.severity] >= RANK[policy.alert_severity]


def candidates(
    line: Timeline, t: int, policy: Policy, scored: ProductDay, out_of_stock: NDArray[np.bool_] | None = None
) -> list[Candidate]:
    """Of every product of `scored`, and of those that sell too seldom to be scored. Services are none.

    A product is there for one reason: it sold out of nothing, it stopped, sold at another price, less for some days, or unusually.
    """
    usual = line.usual_day(t)
    if usual <= 0 or not line.skus:
        return []
    taken = line.services(t).copy()
    found: list[Candidate] = []
    for new in (
        _rare(line, t, policy, usual),
        _stopped(line, t, policy, usual, out_of_stock),
        _price_changes(line, t, policy, scored, usual),
        _fallen(line, t, policy, scored, usual, out_of_stock),
        _scored(line, t, policy, scored, usual),
    ):
        fresh = [one for one in new if not taken[one.product]]
        taken[[one.product for one in fresh]] = True
        found += fresh
    return found


def floored(policy: Policy, severity: Severity, deviation: float, impact: float) -> Severity:
    """LOW below the operator's floors."""
    below = abs(deviation) < policy.min_deviation or abs(impact) < (policy.min_impact or 0)
    return Severity.LOW if below else severity


def _scored(line: Timeline, t: int, policy: Policy, scored: ProductDay, usual: float) -> Iterable[Candidate]:
    widening = policy.holiday_widening if line.days[t].date() in policy.holidays else 1.0
    of_pieces, of_money = (np.nan_to_num(of.scores) / widening for of in (scored.quantity, scored.revenue))
    by_money = np.abs(of_money) > np.abs(of_pieces)
    score = np.where(by_money, of_money, of_pieces)
    sold, taken = line.sales.on("quantity", t), line.sales.on("revenue", t)
    high = high_score(len(scored.rows)) if policy.min_impact != 0 else HIGH_SCORE
    for at in np.flatnonzero(np.abs(score) >= MEDIUM_SCORE).tolist():
        product = int(scored.rows[at])
        reason: Reason = "revenue" if by_money[at] else "quantity"
        due, pieces = scored.due(product), float(sold[product])
        value, expected = (
            (float(taken[product]), due) if by_money[at] else (pieces, float(scored.quantity.expected[at]))
        )
        impact = float(taken[product]) - due
        share = impact / (due or usual if policy.min_impact == 0 else usual)
        if abs(share) < LEAST_SHARE or share * score[at] < 0:
            continue
        small = share > 0 and (share < HIGH_SHARE or pieces <= SPIKE_PIECES) and policy.min_impact != 0
        small |= share > 0 and pieces < RECORD * line.usual_peak(product, t)
        severity = Severity.LOW if small else severity_of(float(score[at]), share, high)
        severity = floored(policy, severity, value / expected - 1 if expected > 0 else np.inf, impact)
        yield Candidate(product, reason, float(score[at]), impact, severity, weight_of(score[at], share))


def _fallen(
    line: Timeline, t: int, policy: Policy, scored: ProductDay, usual: float, out_of_stock: NDArray[np.bool_] | None
) -> Iterable[Candidate]:
    """Small sellers that sold less for some days together, which says more than the day alone. Those silent for two days are

    `_stopped`'s; what is not there could not be sold.
    """
    widening = policy.holiday_widening if line.days[t].date() in policy.holidays else 1.0
    low, sold, high = scored.quantity.low, line.sales.on("quantity", t), high_score(len(scored.rows))
    score = low.score / widening
    said = (score <= -MEDIUM_SCORE) & (scored.quantity.expected > 0)
    for of in (scored.quantity, scored.revenue):
        said &= score < np.nan_to_num(of.scores) / widening
    lately = sold + line.sales.on("quantity", max(t - 1, 0))
    said &= (lately[scored.rows] > 0) & (sold[scored.rows] < np.rint(low.usual))
    if out_of_stock is not None:
        said &= ~out_of_stock[scored.rows]
    for at in np.flatnonzero(said).tolist():
        product = int(scored.rows[at])
        due = scored.due(product)
        impact = -float(low.lost[at]) * due / float(scored.quantity.expected[at])
        share = impact / (due or usual if policy.min_impact == 0 else usual)
        if abs(share) < LEAST_SHARE:
            continue
        severity = severity_of(float(score[at]), share, high)
        severity = floored(policy, severity, float(sold[product] / low.usual[at]) - 1, impact)
        yield Candidate(product, "fallen", float(score[at]), impact, severity, weight_of(score[at], share))


def _stopped(
    line: Timeline, t: int, policy: Policy, usual: float, out_of_stock: NDArray[np.bool_] | None
) -> Iterable[Candidate]:
    for product, stopped in stopped_products(line, t, out_of_stock).items():
        share = stopped.week / (7 * usual * max(float(line.open[max(t - 55, 0) : t + 1].mean()), 1 / 7))
        gone = out_of_stock is not None and bool(out_of_stock[product])
        much = (
            share >= (GONE_WEEK if gone else STOPPED_WEEK) or stopped.a_week >= STOPPED_PIECES or policy.min_impact == 0
        )
        severity = Severity.HIGH if much else Severity.MEDIUM if share >= LEAST_SHARE else Severity.LOW
        severity = floored(policy, severity, -1.0, stopped.impact)
        yield Candidate(
            product, "stopped", -RULE_SCORE, stopped.impact, severity, weight_of(RULE_SCORE, 7 * share), stopped
        )


def _price_changes(line: Timeline, t: int, policy: Policy, scored: ProductDay, usual: float) -> Iterable[Candidate]:
    """Products sold at least twice at an average price 25% off the usual and outside all of the last eight weeks by 10%."""
    day = line.prices(t)
    known = np.flatnonzero(line.sales.on("baskets", t)[day.rows] >= 2)
    products = day.rows[known]
    price, before, low, high = (values[known] for values in (day.today, day.usual, day.low, day.high))
    sold = line.sales.on("quantity", t)[products]
    ordinary = ~(np.abs(scored.scores("quantity", products)) >= 2)
    outside = ((price < low / 1.1) | (price > high * 1.1)) & (high <= STEADY * low)
    impact = (price - before) * sold
    off = np.abs(np.log(price / before))
    days = np.where(off > MISTAKE, MISTAKE_DAYS, PRICE_DAYS)
    changed = ordinary & outside & (off > PRICE_CHANGE)
    for at in np.flatnonzero(changed & (np.abs(impact) >= LEAST_SHARE * usual)).tolist():
        worth = before[at] * sold[at]
        share = (price[at] / before[at] - 1) * int(days[at]) / (worth if policy.min_impact == 0 else usual)
        share *= max(worth, scored.due(int(products[at]))) if off[at] > MISTAKE else worth
        severity = severity_of(RULE_SCORE, share)
        severity = floored(policy, severity, price[at] / before[at] - 1, impact[at])
        yield Candidate(
            int(products[at]), "price", RULE_SCORE, float(impact[at]), severity, weight_of(RULE_SCORE, share),
            price=float(price[at]), usual_price=float(before[at]),
        )  # fmt: skip


def rare_sales(line: Timeline, t: int) -> tuple[Ints, Floats, Floats]:
    """Products that sold on day t but too seldom to be scored; their revenue, and that of an average trading day of the last months."""
    first = max(t - MONTHS, 0)
    seldom = line.sales.on("quantity", t) > 0
    seldom[line.scored_products(t)] = False
    rows = np.flatnonzero(seldom)
    before = line.sales.sums("revenue", first, t)[rows] / max(int(line.open[first:t].sum()), 1)
    return rows, line.sales.on("revenue", t)[rows], before


def _rare(line: Timeline, t: int, policy: Policy, usual: float) -> Iterable[Candidate]:
    rows, revenue, before = rare_sales(line, t)
    sold = line.sales.on("quantity", t)
    for product, impact in zip(rows.tolist(), (revenue - before).tolist(), strict=True):
        if impact >= HIGH_SHARE * usual and sold[product] > SPIKE_PIECES:
            severity = floored(policy, Severity.HIGH, np.inf, impact)
            yield Candidate(product, "rare", RULE_SCORE, impact, severity, weight_of(RULE_SCORE, impact / usual))
