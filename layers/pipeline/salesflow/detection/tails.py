"""Quantiles, normal and negative-binomial tails in numpy alone, vectorised over series (scipy would cost the core layer 100 MB)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# P. J. Acklam's rational approximation of the inverse normal distribution function, relative error below 1.2e-9.
_A = (
    -3.969683028665376e01,
    2.209460984245205e02,
    -2.759285104469687e02,
    1.383577518672690e02,
    -3.066479806614716e01,
    2.506628277459239,
)
_B = (-5.447609879822406e01, 1.615858368580409e02, -1.556989798598866e02, 6.680131188771972e01, -1.328068155288572e01)
_C = (
    -7.784894002430293e-03,
    -3.223964580411365e-01,
    -2.400758277161838,
    -2.549732539343734,
    4.374664141464968,
    2.938163982698783,
)
_D = (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996, 3.754408661907416)
_TINY = 1e-300


def normal_from_upper_tail(p: Floats) -> Floats:
    """z such that P(Z >= z) = p, for probabilities `p` of any shape; p below 1e-300 counts as 1e-300 (z about 37)."""
    p = np.clip(p, _TINY, 1 - 1e-16)
    tail = np.minimum(p, 1 - p)
    q = np.sqrt(-2 * np.log(tail))
    outer = (((((_C[0] * q + _C[1]) * q + _C[2]) * q + _C[3]) * q + _C[4]) * q + _C[5]) / (
        (((_D[0] * q + _D[1]) * q + _D[2]) * q + _D[3]) * q + 1
    )
    h = 0.5 - p
    r = h * h
    inner = (
        (((((_A[0] * r + _A[1]) * r + _A[2]) * r + _A[3]) * r + _A[4]) * r + _A[5])
        * h
        / (((((_B[0] * r + _B[1]) * r + _B[2]) * r + _B[3]) * r + _B[4]) * r + 1)
    )
    return np.where(tail < 0.02425, np.where(p < 0.5, -outer, outer), inner)


def negative_binomial_z(count: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """The signed normal z of the exact mid-p tail of `count` (half of its own probability counts): the fair one for discrete values.

    Y is negative binomial with variance mean + dispersion * mean^2. All arguments [n]; `count` is floored to an integer; meant
    for means under about 20: from 300 pieces on, the upper tail is taken at 300.
    """
    count = np.clip(np.floor(count + 1e-9), 0, 300)
    mean = np.maximum(mean, 1e-12)
    size = 1 / np.maximum(dispersion, 1e-6)
    success = mean / (mean + size)
    pmf = np.exp(size * np.log1p(-success))
    below = np.zeros_like(mean)
    own = np.zeros_like(mean)
    for k in range(int(count.max(initial=0)) + 1):
        below = np.where(k < count, below + pmf, below)
        own = np.where(k == count, pmf, own)
        pmf = pmf * (k + size) / (k + 1) * success
    # Far out, 1 - below is all rounding; there the tail is its first term times a geometric series.
    ratio = np.clip((count + size) / (count + 1) * success, 0, 1 - 1e-9)
    upper = np.where(below > 1 - 1e-8, own * (0.5 + ratio / (1 - ratio)), 1 - below - own / 2)
    upper = np.clip(upper, _TINY, 1)
    lower = np.clip(below + own / 2, _TINY, 1)
    return np.where(upper < lower, normal_from_upper_tail(upper), -normal_from_upper_tail(lower))


def gamma_z(value: Floats, mean: Floats, cv2: Floats) -> Floats:
    """The normal z of `value` under a gamma distribution with this `mean` and squared coefficient of variation `cv2`.

    Wilson and Hilferty (1931): the cube root of a gamma variable is close to normal. All arguments broadcast; mean > 0.
    """
    ninth = cv2 / 9
    return (np.cbrt(np.maximum(value, 0) / mean) - (1 - ninth)) / np.sqrt(ninth)


def gamma_quantile(z: Floats | float, mean: Floats, cv2: Floats) -> Floats:
    """The inverse of `gamma_z`: the value at `z`, never below zero."""
    ninth = cv2 / 9
    return mean * np.maximum(1 - ninth + z * np.sqrt(ninth), 0) ** 3


def nanmedian(x: Floats) -> Floats:
    """Row-wise median, as `nanquantile`."""
    return nanquantile(x, 0.5)


def nanquantile(x: Floats, q: float) -> Floats:
    """Row-wise quantile that ignores NaN; NaN for a row without values, and never a warning."""
    if x.shape[1] == 0:
        return np.full(len(x), np.nan)
    ordered = np.sort(x, axis=1)
    count = np.isfinite(x).sum(axis=1)
    position = q * np.maximum(count - 1, 0)
    low = position.astype(int)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    rows = np.arange(len(x))
    a, b = ordered[rows, low], ordered[rows, high]
    out = a + (b - a) * (position - low)
    return np.where(count > 0, out, np.nan)
