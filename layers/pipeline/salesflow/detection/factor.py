"""The day factor: how much the whole shop was above or below what its series led to expect, on each day."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_SERIES, MAX_SERIES = 10, 500
"""The day factor comes from at least so many series, and from the best known ones of a large panel."""

CLOSED_PIECES = 8.0
"""A series that should have sold so many pieces and sold none was shut: it says nothing of how the others' day went."""


def best_known(weight: Floats) -> NDArray[np.intp]:
    """Rows of the series that know most about a day, by their weight [S]."""
    return np.sort(np.argsort(-weight, kind="stable")[:MAX_SERIES])


def day_factors(
    y: Floats, mean: Floats, cv2: Floats, pieces: Floats, usable: NDArray[np.bool_]
) -> tuple[Floats, float]:
    """How much the whole shop was above (> 1) or below its expectation on each day, [T], and the logarithm of its usual value.

    Actual `y`, expected `mean`, the latter's uncertainty `cv2` and its `pieces`, [S, T]. Around the usual value, each day's factor is
    shrunk by its own uncertainty against the spread of the factors.
    """
    log_g, error2 = _logarithms(y, mean, cv2, pieces, usable)
    speaks = np.isfinite(error2)
    if not speaks.any():
        return np.ones(len(log_g)), 0.0
    centre = float(np.median(log_g[speaks]))
    log_g = np.where(speaks, log_g - centre, 0.0)
    spread2 = max(float(np.mean((log_g**2 - error2)[speaks])), 1e-6)
    shrink = np.where(speaks, spread2 / (spread2 + error2), 0.0)
    return np.exp(log_g * shrink), centre


def today_factor(
    y: Floats, mean: Floats, cv2: Floats, pieces: Floats, usable: NDArray[np.bool_], *, centre: float, spread: float
) -> float:
    """The factor of one day, arrays [S], by the `centre` and the `spread` of the days before; 1 where fewer than ten series speak."""
    logs, errors = _logarithms(y[:, None], mean[:, None], cv2[:, None], pieces[:, None], usable[:, None])
    log_g, error2 = float(logs[0]) - centre, float(errors[0])
    if not np.isfinite(error2):
        return 1.0
    # A factor far outside the usual spread is real when many series say so: shrink by its own size too.
    spread2 = max(spread**2, 1e-4, log_g**2 - error2)
    return float(np.exp(log_g * spread2 / (spread2 + error2)))


def _logarithms(
    y: Floats, mean: Floats, cv2: Floats, pieces: Floats, usable: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Logarithm of each day's common ratio of actual `y` to expected `mean`, and its squared error (infinite: too few speak), both [T].

    A Huber estimate, each series weighted by how exactly it is known. Skewed sales pull it below the mean ratio: hence the centre.
    """
    usable = usable & ~((y <= 0) & (pieces >= CLOSED_PIECES))
    weight = np.where(usable, 1 / np.maximum(cv2, 1e-3), 0.0)
    weight = np.minimum(weight, 8 * weight.sum(axis=0) / np.maximum(usable.sum(axis=0), 1))
    ratio = np.where(usable, y / np.where(usable, mean, 1.0), 0.0)
    total = weight.sum(axis=0)
    speaks = (usable.sum(axis=0) >= MIN_SERIES) & (total > 0)
    g = np.ones(y.shape[1])
    sd = np.sqrt(np.maximum(cv2, 1e-3))
    for _ in range(4):
        residual = (ratio - g) / (sd * np.sqrt(np.maximum(g, 0.05)))
        w = weight * np.minimum(1.0, 1.5 / np.maximum(np.abs(residual), 1e-9))
        g = np.divide((w * ratio).sum(axis=0), w.sum(axis=0), out=np.ones_like(g), where=speaks & (w.sum(axis=0) > 0))
    return np.where(speaks, np.log(np.clip(g, 0.1, 10.0)), 0.0), np.where(speaks, 1.3 / np.maximum(total, 1e-9), np.inf)
