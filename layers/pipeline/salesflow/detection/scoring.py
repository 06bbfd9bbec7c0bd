"""A day against its model: how surprising it is, what was expected, and how much the whole shop moved."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.engine import LATELY, SMALL, DayModel
from salesflow.detection.factor import MIN_SERIES, best_known, today_factor
from salesflow.detection.smoothing import squared_cv
from salesflow.detection.tails import gamma_quantile, gamma_z, negative_binomial_z

Floats = NDArray[np.float64]

UNUSUAL_DAY, LEAST_UNUSUAL = 2.5, 0.1
"""Spreads of the day factor's logarithm, and the logarithm at least, from which a day is far from the usual."""

LEVEL_DAYS = 15.0
"""A level is as uncertain as the mean of so many days."""

SPANS = 3.0
"""The least likely of five spans that overlap is as surprising as one that is so many times as likely."""


@dataclass(frozen=True)
class Lows:
    """How little small sellers sold in the two to six days up to the scored one; arrays [S].

    `score`: z of the least likely span, never positive, 0 where there is none or the day itself was no lower than before; `days` of that
    span; `lost`: what it lacks of what was usual before it; `usual`: what was usual then on the scored day.
    """

    score: Floats
    days: NDArray[np.intp]
    lost: Floats
    usual: Floats


def score(model: DayModel, value: Floats, factor: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Signed z, expected value, lower and upper bound (z of -3 and 3) of the day's `value` [S] (NaN: not scored).

    On a day that is far from the shop's usual ones the series go different ways: there the z is the smaller one of with and without the
    day factor, and 0 where their signs differ. What sold as always on the shop's best day is no drop.
    """
    mean = model.mean * factor
    open_ = model.ready & (mean > 0)
    z = _z(model, value, mean)
    if abs(np.log(factor)) > max(UNUSUAL_DAY * model.factor_spread, LEAST_UNUSUAL):
        without = _z(model, value, model.mean)
        z = np.where(z * without > 0, np.sign(z) * np.minimum(np.abs(z), np.abs(without)), 0.0)
    z = np.where(value == 0, np.maximum(z, model.silent_z), z)
    never = model.ready & ~(mean > 0)
    z = np.where(never, np.where(value > 0, 12.0, 0.0), z)
    z = np.where(np.isfinite(value) & model.ready, z, np.nan)
    floor, bounded = _bounded(model, mean)
    expected = np.where(model.ready, np.where(mean > 0, mean, 0.0), np.nan)
    lower = np.where(open_, gamma_quantile(-3.0, floor, bounded), expected)
    upper = np.where(open_, gamma_quantile(3.0, floor, bounded), expected)
    return z, expected, lower, upper


def _bounded(model: DayModel, mean: Floats) -> tuple[Floats, Floats]:
    """The mean above nothing, and its squared coefficient of variation, as far as the cube root is near normal."""
    floor = np.maximum(mean, 1e-9)
    return floor, np.minimum(squared_cv(floor, model.dispersion, model.unit) * model.scale**2, 4.0)


def _z(model: DayModel, value: Floats, mean: Floats) -> Floats:
    floor, bounded = _bounded(model, mean)
    cv2 = squared_cv(floor, model.dispersion, model.unit) * model.scale**2
    z = gamma_z(np.where(np.isfinite(value), value, 0.0), floor, bounded)
    pieces = np.abs(np.where(np.isfinite(value), value, 0.0)) / model.unit
    expected_pieces = floor / model.unit
    small = expected_pieces < SMALL
    spread = np.maximum(cv2 - 1 / np.maximum(expected_pieces, 0.02), 1e-4)
    exact = negative_binomial_z(np.where(small, pieces, 0.0), np.where(small, expected_pieces, 1.0), spread)
    z = np.where(small, np.where(value < 0, -np.abs(exact), exact), z)
    return np.clip(z, -12, 12)


def lows(model: DayModel, value: Floats, factor: float) -> Lows:
    """The last days of a day's `value` [S], together: a small seller's shift shows in their sum, and in no single day.

    Each span is compared with the level before it, which has not learnt from it; its days are independent, and share that level's error.
    """
    found = Lows(np.zeros(len(value)), np.zeros(len(value), dtype=np.intp), np.zeros(len(value)), np.zeros(len(value)))
    slot = model.profile[:, 0] * factor
    today = np.maximum(np.nan_to_num(value), 0.0)
    small = np.isfinite(value) & model.ready & (slot > 0) & (model.level < SMALL * model.unit)
    for at in range(LATELY):
        usual = model.before[:, at] * slot
        mean = model.before[:, at] * (model.shape[:, at] + slot)
        sold = model.sold[:, at] + today
        rows = np.flatnonzero(small & (today < usual) & (sold < mean))
        if not len(rows):
            continue
        mean, unit, dispersion, before = mean[rows], model.unit[rows], model.dispersion[rows], model.before[rows, at]
        days2 = (model.shape2[rows, at] + slot[rows] ** 2) / (model.shape[rows, at] + slot[rows]) ** 2
        spread = dispersion * days2 + squared_cv(before, dispersion, unit) / LEVEL_DAYS
        cv2 = (unit / mean + spread) * model.scale[rows] ** 2
        pieces, expected = sold[rows] / unit, mean / unit
        few = expected < SMALL
        z = gamma_z(sold[rows], mean, cv2)
        z[few] = negative_binomial_z(pieces[few], expected[few], np.maximum(cv2[few] - 1 / expected[few], 1e-4))
        z = np.where(z < 0, -np.sqrt(np.maximum(z**2 - 2 * np.log(SPANS), 0.0)), 0.0)
        lower = z < found.score[rows]
        rows = rows[lower]
        found.score[rows], found.days[rows] = np.maximum(z[lower], -12.0), at + 2
        found.lost[rows], found.usual[rows] = mean[lower] - sold[rows], usual[rows]
    return found


def factor_of(model: DayModel, value: Floats) -> float:
    """The day factor of the scored day, from its values [S]; 1 where fewer than ten series speak."""
    best = best_known(model.pieces)
    mean, unit = np.maximum(model.mean[best], 1e-9), model.unit[best]
    usable = (np.isfinite(value) & model.ready & (model.mean > 0) & ~model.closed)[best]
    if usable.sum() < MIN_SERIES:
        return 1.0
    y = np.where(usable, np.maximum(np.nan_to_num(value[best]), 0), 0.0)
    cv2 = squared_cv(mean, model.dispersion[best], unit)
    return today_factor(y, mean, cv2, mean / unit, usable, centre=model.factor_centre, spread=model.factor_spread)
