"""From "alerts per month" to thresholds, by what the shop's own recent days would have raised."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.tails import normal_from_upper_tail

Floats = NDArray[np.float64]

LOWEST, HIGHEST = 1.5, 8.0
PRIOR_WEIGHT = 3.0
TAIL = 40
"""The tail is fitted to at most so many of the largest |z|: near the threshold, yet enough of them."""

NORMAL_DECAY = 1.15
"""b of the normal distribution itself between |z| of 1.6 and 3."""

MONTH = 30.0
LONGEST_SILENCE = 120


@dataclass(frozen=True)
class Tail:
    """How often a healthy test exceeds a |z|: `share` of them exceed `start`, and beyond exp(-decay (z^2 - start^2) / 2) of those.

    `points`: from how many exceedances it was read (0: the normal distribution, of the largest of `tests`).
    """

    start: float
    share: float
    decay: float
    points: int
    tests: int = 1

    @classmethod
    def fit(cls, scores: Floats, *, tests: int = 1) -> "Tail":
        """`scores`: |z| of past healthy tests (NaN: not scored; 0: below the policy's floors), of any shape.

        The largest (40 of them, at most a tenth, above 1) give b by maximum likelihood, held near the normal's by three
        pseudo-observations: a rate far out in the tail is not to be read off a handful of days.
        """
        z = np.abs(scores[np.isfinite(scores)])
        if z.size < 40:
            return cls(0.0, 1.0, NORMAL_DECAY, 0, tests)
        start = max(float(np.quantile(z, max(0.9, 1 - TAIL / z.size))), 1.0)
        above = z > start
        # Events in the history are not the healthy tail: each exceedance counts at most like |z| = 6.
        beyond = np.minimum(z[above], max(6.0, start)) ** 2 - start**2
        decay = (len(beyond) + PRIOR_WEIGHT) / (beyond.sum() / 2 + PRIOR_WEIGHT / NORMAL_DECAY)
        return cls(start, float(above.mean()), float(decay), len(beyond), tests)

    def threshold(self, rate: float) -> float:
        """The |z| that a test exceeds with probability `rate`, within 1.5 and 8.

        A rate read from k exceedances and extrapolated by a factor r is uncertain by v = 1/k + ln(r)^2 / (k + 3) in its logarithm; as
        the mean of what comes is exp(v/2) times the median, the threshold aims so much lower.
        """
        if self.share <= rate:  # the floors alone leave less than was asked for
            return LOWEST
        if self.points == 0:
            tail = np.array([min(rate, 1.0) / 2 / self.tests])
            return float(np.clip(normal_from_upper_tail(tail)[0], LOWEST, HIGHEST))
        far = np.log(self.share / rate)
        far += (1 / self.points + far**2 / (self.points + PRIOR_WEIGHT)) / 2
        return float(np.clip(np.sqrt(self.start**2 + 2 / self.decay * far), LOWEST, HIGHEST))


def threshold_for(scores: Floats, *, alerts_per_month: float, series: int | None = None, tests: int = 1) -> float:
    """The |z| that `alerts_per_month` (30 days) alarms of healthy series exceed.

    `scores` [n_series, n_days] of past days (NaN: not scored; 0: below the policy's floors), one a series and day: the largest of
    its metrics. `series`: how many series will be scored, if `scores` is a sample of them. `tests`: metrics in each, for the normal prior.
    """
    total = series if series is not None else len(scores)
    rate = alerts_per_month / MONTH / max(total, 1)
    z = np.abs(scores[np.isfinite(scores)])
    if z.size >= 40 and (rate >= 0.1 or rate * z.size >= TAIL / 2):  # inside the data: nothing to extrapolate
        return float(np.clip(np.quantile(z, max(1 - rate, 0.0)), LOWEST, HIGHEST))
    return Tail.fit(scores, tests=tests).threshold(rate)


def record_threshold(past: Floats, *, floor: float, alerts_per_month: float) -> float:
    """What a rule's daily measure must exceed to be told, so that past days [n_days] would have raised `alerts_per_month` at most.

    `past`: the largest measure of each day, 0 where the rule had nothing to say. It is a quarter above the largest that must not be
    told: a record by a hair is no news. Never below `floor`.
    """
    allowed = int(alerts_per_month / MONTH * len(past))
    above = np.sort(past[past >= floor])[::-1]
    return floor if len(above) <= allowed else float(1.25 * above[allowed])


def silence_days(silent: NDArray[np.intp], known: NDArray[np.intp], probability: float) -> NDArray[np.intp]:
    """How many silent trading days in a row are no accident, [n]: the first n with a chance below `probability`; 121 if none.

    Of `known` past days, `silent` were without a sale. The chance is that of the beta-binomial with Jeffreys' prior,
    prod (silent + 1/2 + k) / (known + 1 + k): it knows that a share seen on a few days is itself uncertain.
    """
    pairs, at = np.unique(np.stack([silent, known]), axis=1, return_inverse=True)  # many products, few pairs
    k = np.arange(LONGEST_SILENCE)
    log_chance = np.cumsum(np.log((pairs[0][:, None] + 0.5 + k) / (pairs[1][:, None] + 1.0 + k)), axis=1)
    return np.asarray((log_chance >= np.log(probability)).sum(axis=1) + 1, dtype=np.intp)[at]
