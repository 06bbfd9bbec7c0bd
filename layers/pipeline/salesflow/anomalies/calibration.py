"""From "alerts per month" to a threshold, by what the shop's own recent scores would have raised."""

import numpy as np
from numpy.typing import NDArray

from salesflow.anomalies.tails import normal_from_upper_tail

LOWEST, HIGHEST = 2.0, 8.0
PRIOR_WEIGHT = 3.0
TAIL = 40
"""The tail is fitted to at most so many of the largest |z|: near the threshold, yet enough of them."""

NORMAL_DECAY = 1.15
"""b of the normal distribution itself between |z| of 1.6 and 3."""


def threshold_for(
    scores: NDArray[np.float64], *, alerts_per_month: float, series: int | None = None, tests: int = 1
) -> float:
    """The |z| that `alerts_per_month` (30 days) alarms of healthy series exceed.

    `scores` [n_series, n_days] of past days (NaN: not scored; 0: below the policy's floors), one a series and day: the largest of
    its metrics. `series`: how many series will be scored, if `scores` is a sample of them. `tests`: metrics in each, for the normal prior.

    The largest |z| (40 of them, at most a tenth, above 1) are smoothed by a tail exp(-b (z^2 - u^2) / 2), b its maximum-likelihood
    estimate held near the normal's by three pseudo-observations: a rate far out in the tail is not to be read off a handful of days.
    """
    z = np.abs(scores[np.isfinite(scores)])
    total = series if series is not None else len(scores)
    per_test = alerts_per_month / 30 / max(total, 1)
    if z.size < 40:
        return float(np.clip(normal_from_upper_tail(np.array([per_test / 2 / tests]))[0], LOWEST, HIGHEST))
    if per_test >= 0.1:
        return float(np.clip(np.quantile(z, max(1 - per_test, 0.0)), LOWEST, HIGHEST))
    u = max(float(np.quantile(z, max(0.9, 1 - TAIL / z.size))), 1.0)
    above = z > u
    if above.mean() <= per_test:
        return float(np.clip(u, LOWEST, HIGHEST))
    # Events in the history are not the healthy tail: each exceedance counts at most like |z| = 6.
    beyond = np.minimum(z[above], max(6.0, u)) ** 2 - u**2
    b = (len(beyond) + PRIOR_WEIGHT) / (beyond.sum() / 2 + PRIOR_WEIGHT / NORMAL_DECAY)
    return float(np.clip(np.sqrt(u**2 + 2 / b * np.log(above.mean() / per_test)), LOWEST, HIGHEST))
