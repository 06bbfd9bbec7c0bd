"""An ordinary sum at unusual hours: the one mix of a day that no other score sees, by scikit-learn's Ledoit-Wolf covariance.

Square roots of the hours' shares (their variance does not depend on the share), less their weekday's mean, are compared by Mahalanobis
distance with the trading days before. `tests/benchmarks/detection/mix.py` says why this model, and why hours: other products are told by
their own scores, other baskets by pieces and transactions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesflow.findings.event import HourSpan

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

HISTORY, MIN_HISTORY = 120, 60
"""Trading days that a day is compared with."""

LEAST_TRANSACTIONS, LONGEST_SPAN = 20, 4
"""Of the median day: the hours of a dozen sales are chance. Hours in a span that is told."""

WEEKDAY_PRIOR, CLIP = 5, 3.0
"""The mean of all days counts as much as so many days of the weekday itself; past deviations count at most so many standard deviations when
the covariance is learnt."""


@dataclass(frozen=True)
class HourMix:
    """How unusual a day's hours were. `score`: 0 the median of the past days' (log) distances, 1 their 95% quantile; `moved`: share of the
    day's sales that came at other hours than usual; `shares`, `usual`: [24] of the day and of its weekday.
    """

    score: float
    moved: float
    shares: Floats
    usual: Floats


ORDINARY = HourMix(0.0, 0.0, np.zeros(24), np.zeros(24))


def hour_mix(hours: Floats, weekdays: Ints, transactions: Floats) -> HourMix:
    """The mix of the last of these trading days, by those before it.

    `hours` [n_days, 24] of revenue (negative counts as none); `weekdays`, `transactions` [n_days]. `ORDINARY` where they are too few.
    """
    hours = np.maximum(hours[-HISTORY - 1 :], 0.0)
    weekdays, transactions = weekdays[-HISTORY - 1 :], transactions[-HISTORY - 1 :]
    total = hours.sum(axis=1)
    if len(hours) <= MIN_HISTORY or total[-1] <= 0 or np.median(transactions[:-1]) < LEAST_TRANSACTIONS:
        return ORDINARY
    from sklearn.covariance import LedoitWolf  # half a second of a cold start, and only here

    kept = total > 0
    shares = hours[kept] / total[kept, None]
    past_weekday = weekdays[kept][:-1]
    roots = np.sqrt(shares)
    off = roots - _of_weekday(roots[:-1], past_weekday)[weekdays[kept]]
    variance = off[:-1].var(axis=0)
    scaled = off / np.sqrt(0.5 * variance + 0.5 * variance.mean() + 1e-12)
    learnt = np.clip(scaled[:-1], -CLIP, CLIP)
    model = LedoitWolf(assume_centered=True).fit(learnt)
    own = model.mahalanobis(learnt)
    # Each past day pulled the covariance towards itself; today did not: measure it as if it had been left out, too.
    weight = (1 - model.shrinkage_) / len(learnt)
    past = np.log(np.maximum(own / (1 - np.minimum(weight * own, 0.9)), 1e-6))
    today = float(np.log(max(float(model.mahalanobis(scaled[-1:])[0]), 1e-6)))
    centre = float(np.median(past))
    score = (today - centre) / max(float(np.quantile(past, 0.95)) - centre, 1e-9)
    usual = _of_weekday(shares[:-1], past_weekday)[weekdays[-1]]
    return HourMix(score, float(np.abs(shares[-1] - usual).sum() / 2), shares[-1], usual)


def _of_weekday(values: Floats, weekdays: Ints) -> Floats:
    """[7, 24]: means of each weekday, drawn to the mean of all."""
    mean = values.mean(axis=0)
    return np.stack(
        [
            (values[weekdays == day].sum(axis=0) + WEEKDAY_PRIOR * mean) / ((weekdays == day).sum() + WEEKDAY_PRIOR)
            for day in range(7)
        ]
    )


def most_moved(mix: HourMix) -> tuple[HourSpan, HourSpan]:
    """The spans of up to four hours that gained and that lost most."""
    change = mix.shares - mix.usual
    spans = [(begin, end) for begin in range(24) for end in range(begin + 1, min(begin + LONGEST_SPAN, 24) + 1)]
    gained = max(spans, key=lambda span: float(change[slice(*span)].sum()))
    lost = min(spans, key=lambda span: float(change[slice(*span)].sum()))
    told = [
        HourSpan(*span, *(float(p[slice(*span)].sum()) for p in (mix.shares, mix.usual))) for span in (gained, lost)
    ]
    return told[0], told[1]
