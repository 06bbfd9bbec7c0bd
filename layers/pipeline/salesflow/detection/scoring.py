"""A day against its model: how surprising it is, what was expected, and how much the whole shop moved."""

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.engine import SMALL, DayModel
from salesflow.detection.factor import MIN_SERIES, best_known, today_factor
from salesflow.detection.smoothing import squared_cv
from salesflow.detection.tails import gamma_quantile, gamma_z, negative_binomial_z

Floats = NDArray[np.float64]

UNUSUAL_DAY, LEAST_UNUSUAL = 2.5, 0.1
"""Spreads of the day factor's logarithm, and the logarithm at least, from which a day is far from the usual."""


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
