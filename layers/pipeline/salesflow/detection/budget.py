"""What a month's alerts are for: the dearest of what the shop's own past would have told, by money x surprise."""

from collections.abc import Iterable, Iterator
from itertools import batched

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.calibration import MONTH, threshold_for
from salesflow.detection.candidates import Candidate, candidates
from salesflow.detection.model import Policy
from salesflow.detection.smoothing import MIN_DAYS
from salesflow.detection.stakes import HIGH_SCORE, MEDIUM_SCORE
from salesflow.detection.timeline import SHOP_METRICS, Timeline

Floats = NDArray[np.float64]

SHOP_REPLAY, PRODUCT_REPLAY = 91, 63
"""Past days that say how unusual a day must be to be told."""

SHOP_A_MONTH = 1.0
"""The whole shop's findings stand outside the budget; in a shop whose days swing widely they are held to so many a month."""

DEAFEST = 3.5
"""Events of the past do not make it deaf: beyond this |z| a total is told, however often it happened."""

SAME_RUN = 2
"""Days between two findings of one product in one direction that are one alert: it is over after two days without."""


def bar(line: Timeline, t: int, policy: Policy) -> float:
    """The weight that a product's finding must exceed on day t to be one of the month's `policy.alerts_per_month` dearest.

    By rank in the replay of the days before: of the findings that would have been told in them, the bar lets pass what the budget allows for
    so many days. Where there were fewer, it is 0: what is not needed stays unspent. The first days say only what was under way by then, or
    a silence of two weeks would count in more days than the budget is for.
    """
    days = range(max(t - PRODUCT_REPLAY, min(MIN_DAYS, t)), t)
    runs = _runs(line, days, policy)
    allowed = int(policy.alerts_per_month / MONTH * max(len(days) - SAME_RUN - 1, 0) + 0.5)
    return runs[allowed] if len(runs) > allowed else 0.0


def shop_threshold(line: Timeline, t: int, policy: Policy) -> float:
    """The |z| from which a total of the shop is unusual on day t."""
    past = _shop_past(line, t, policy)
    found = threshold_for(past, alerts_per_month=SHOP_A_MONTH, series=1, tests=len(SHOP_METRICS))
    return min(max(found, MEDIUM_SCORE), DEAFEST)


def under_one_sale(line: Timeline, t: int, found: Iterable[Candidate]) -> dict[int, list[Candidate]]:
    """Candidates that sold more, by the second of the sale that made most of each; those alone in theirs, or without one, left out."""
    by_sale: dict[int, list[Candidate]] = {}
    for one in found:
        sale = line.largest_sale(one.product, t) if one.up else None
        if sale is not None and sale[1] >= one.impact / 2:
            by_sale.setdefault(sale[2], []).append(one)
    return {at: sorted(held, key=lambda c: -c.weight) for at, held in by_sale.items() if len(held) > 1}


def _runs(line: Timeline, days: range, policy: Policy) -> list[float]:
    """The weights of what the past found since its first days, the dearest first: of a run of days one, of one sale one, under a shop's own

    event none.
    """
    last: dict[tuple[int, bool], tuple[int, int]] = {}
    weights: list[float] = []
    begun: list[int] = []
    for day, told in _told_on(line, days, policy):
        for product, up, weight in told:
            before, at = last.get((product, up), (-SAME_RUN - 1, -1))
            if day - before > SAME_RUN:
                at = len(weights)
                weights.append(weight)
                begun.append(day)
            weights[at] = max(weights[at], weight)
            last[product, up] = (day, at)
    new = (weight for weight, day in zip(weights, begun, strict=True) if day > days.start + SAME_RUN)
    return sorted(new, reverse=True)


def _told_on(line: Timeline, days: range, policy: Policy) -> Iterator[tuple[int, list[tuple[int, bool, float]]]]:
    """Each day with what it would have told. A week is scored at once, as one walk over its panels costs little more than a day's."""
    for week in batched(days, 7, strict=False):
        line.shop_days(week)
        line.sampled_days(week)
        for day in week:
            yield day, _told(line, day, policy)


def _told(line: Timeline, day: int, policy: Policy) -> list[tuple[int, bool, float]]:
    """Product, direction and weight of what a past day would have told, were there no budget."""
    key = (day, policy.min_deviation, policy.min_impact, policy.alert_severity)
    if key not in line.candidates:
        (shop,) = line.shop_days([day])
        (scored,) = line.sampled_days([day])
        loud = [one for one in candidates(line, day, policy, scored) if one.is_loud(policy)]
        if line.totals[0, day] > 0 and not shop.expected[0] > 0:
            loud = []
        elif abs(shop.scores[0]) >= HIGH_SCORE:
            loud = [one for one in loud if one.up != (shop.scores[0] > 0)]
        under = {id(one) for held in under_one_sale(line, day, loud).values() for one in held[1:]}
        line.candidates[key] = [(one.product, one.up, one.weight) for one in loud if id(one) not in under]
    found: list[tuple[int, bool, float]] = line.candidates[key]
    return found


def _shop_past(line: Timeline, t: int, policy: Policy) -> Floats:
    """Largest |z| of the shop's totals on each past day, [1, days]: 0 below the floors, NaN where nothing was scored."""
    days = range(max(t - SHOP_REPLAY, 0), t)
    if not days:
        return np.full((1, 0), np.nan)
    scored = line.shop_days(days)
    z = np.abs(np.stack([s.scores for s in scored], axis=1))
    expected = np.stack([s.expected for s in scored], axis=1)
    values = line.totals[:, days.start : days.stop]
    small = np.abs(values / np.maximum(expected, 1e-9) - 1) < policy.min_deviation
    small |= np.abs(values[0] - expected[0]) < (policy.min_impact or 0)
    known = np.isfinite(z)
    worst = np.where(known & ~small & (expected > 0), z, 0.0).max(axis=0)
    return np.where(known.any(axis=0), worst, np.nan)[None, :]
