"""A series taken apart: level x weekday profile, robustly, many series at once. What the models share.

values ~ level(t) x profile(weekday) x (1 + noise). Outliers (wholesale orders) are pulled in to a few robust deviations;
days that are NaN are not learnt from.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from salesflow.forecasting.history import Flags, Floats, Integers, weekdays

LEVEL_WINDOW = 21
PROFILE_HALF_LIFE = 70.0
CLIP_DEVIATIONS = 3.0
NOISE_DAYS = 182
PASSES = 5
SMALLEST_LEVEL = 0.02
"""Of the typical size: days of almost nothing, or of more returns than sales, must not become the measure of others."""
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Pattern:
    """`n` series over `t` consecutive days, on a scale of about 1.

    days: [t] day numbers. known: [n, t]. values: [n, t] as given; clipped: [n, t] with outliers pulled in (0 where unknown).
    profile: [n, 7], Monday first, mean 1 over the weekdays seen. level: [n, t], the centred level.
    """

    days: Integers
    known: Flags
    values: Floats
    clipped: Floats
    profile: Floats
    level: Floats

    @cached_property
    def weekly(self) -> Floats:
        """[n, t]: each day's profile."""
        return self.profile[:, weekdays(self.days)]

    @cached_property
    def flat(self) -> Floats:
        """[n, t]: clipped values without their weekday rhythm (0 where unknown)."""
        return self.clipped / self.weekly

    def level_now(self, half_life: float) -> Floats:
        """[n]: exponentially weighted level at the end; busy weekdays tell more."""
        weight = 0.5 ** ((self.days[-1] - self.days) / half_life) * self.known * self.weekly
        level: Floats = (weight * self.flat).sum(axis=1) / np.maximum(weight.sum(axis=1), np.finfo(float).tiny)
        return level


def take_apart(values: Floats, days: Integers) -> Pattern:
    """The pattern of series [n, t] (NaN = unknown) on consecutive days [t]."""
    known = np.isfinite(values)
    plain = np.where(known, values, 0.0)
    clipped, profile = plain.copy(), np.ones((len(values), 7))
    weekday = weekdays(days)
    recency = 0.5 ** ((days[-1] - days) / PROFILE_HALF_LIFE) * known
    in_weekday = np.eye(7)[weekday]
    recently_known = known[:, -NOISE_DAYS:].sum(axis=1)
    mass = recency @ in_weekday
    seen = mass > 0
    level = np.empty_like(values)
    for _ in range(PASSES):
        weekly = profile[:, weekday]
        level = np.maximum(
            _window_sum(clipped) / np.maximum(_window_sum(np.where(known, weekly, 0.0)), _TINY), SMALLEST_LEVEL
        )
        profile = (recency * clipped / level) @ in_weekday / np.maximum(mass, np.finfo(float).tiny)
        mean = (profile * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        profile = np.where(seen, np.maximum(profile / np.maximum(mean, _TINY)[:, None], 1e-3), 1.0)
        usual = level * profile[:, weekday]
        noise = np.where(known, plain / usual - 1, 0.0)
        low, high = _limits(noise[:, -NOISE_DAYS:], recently_known)
        clipped = np.where(known, usual * (1 + np.clip(noise, low, high)), 0.0)
    return Pattern(days, known, values, clipped, profile, level)


def _limits(recent: Floats, count: Integers) -> tuple[Floats, Floats]:
    """How far below and above 0 the noise of each series may reach, [n, 1] each; recent: of the last half year, 0 on all but `count` days.

    Three robust deviations, or the third largest value of the last half year: the everyday peaks of a product that sells
    on few days are no outliers, one or two wholesale orders are.
    """
    size = np.sort(np.abs(recent), axis=1)
    rows, last = np.arange(len(recent)), size.shape[1]

    def ranked(share: float) -> Floats:
        # the unknown days are zeros and sort first, so that ranks count from the end
        values: Floats = size[rows, np.clip(last - 1 - ((1 - share) * (count - 1)).astype(int), 0, last - 1)]
        return values

    deviation = np.maximum(np.maximum(1.4826 * ranked(0.5), ranked(0.9) / 1.645), 0.02)[:, None]
    third = np.partition(recent, last - min(3, last), axis=1)[:, -min(3, last)][:, None]
    limit = CLIP_DEVIATIONS * deviation
    return -limit, np.maximum(limit, np.where(count[:, None] >= 60, third, 0.0))


def _window_sum(values: Floats) -> Floats:
    """Sums over three weeks around each day; at the ends the window moves inwards, so that it always holds whole weeks."""
    days = values.shape[1]
    width = min(LEVEL_WINDOW, days)
    total = np.zeros((len(values), days + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    begin = np.clip(np.arange(days) - width // 2, 0, days - width)
    sums: Floats = (total[:, width:] - total[:, :-width])[:, begin]
    return sums
