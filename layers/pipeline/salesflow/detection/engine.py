"""What an ordinary day looks like: level x weekday profile x day factor, with a variance that knows counts.

One call fits all series of a panel on the days before one day and says what that day should have been. No state is kept.
Shapes: S series, T = 7 * WEEKS days ending the day before, oldest first; day t of the window has weekday slot t % 7, and the day
to be scored has slot 0 (the window begins exactly WEEKS weeks before it).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.factor import MIN_SERIES, best_known, day_factors
from salesflow.detection.tails import (
    gamma_z,
    nanmedian,
    nanquantile,
    normal_from_upper_tail,
)

Floats = NDArray[np.float64]

WEEKS = 26
MIN_DAYS = 84
"""Days since a series was first known, before which it is learnt and not scored."""


HALF_LIVES = np.array([5.0, 12.0, 30.0])
"""Days; each series weighs these memories of its level by how well they forecast its own past."""

CLIP = 2.5
"""A day counts at most this many standard deviations off its expectation when the level is learnt."""

PROFILE_HALF_LIFE = 8.0
"""Weeks."""

PROFILE_PRIOR = 30.0
"""The shop's weekday profile counts as much as this many pieces of the series' own."""

NEVER_SMALL = 0.25
"""Where the 10% quantile of the days with sales is this share of their median, a day without any is a closure or an outage, no slow day."""

NOW_AND_THEN = 12, 2
"""Weeks, and days without a sale on a weekday in them, from which on another one is no more surprising than they were."""

SMALL = 20.0
"""Expected pieces below which a day is scored by the exact negative-binomial tail."""

POOL = 0.2
ERROR_LIMIT, ERROR_LIMIT_SMALL = 6.5, 12.0
"""A squared error counts at most this many variances when the dispersion is learnt; more for small sellers, whose tails are longer."""

SCALE_DAYS = 98


@dataclass(frozen=True)
class DayModel:
    """What is expected of one day, before it is seen; arrays [S].

    `mean` without the day factor, `cv2` squared coefficient of variation of the prediction, `unit` the size of one piece (1 for
    counts), `scale` how much wider the series' residuals are than its model, `ready`: enough history, `closed`: a weekday on which
    the series is nearly never open, `profile` [S, 7] with slot 0 the scored day's weekday, `level` the mean open day's sales, `pieces` a series'
    weight in the day factor, `factor_spread` and `factor_centre` of its logarithm in the window, `silent_z`: a day without a sale is no
    more surprising than this, as such days are on this weekday.
    """

    mean: Floats
    cv2: Floats
    unit: Floats
    scale: Floats
    dispersion: Floats
    ready: NDArray[np.bool_]
    closed: NDArray[np.bool_]
    profile: Floats
    level: Floats
    pieces: Floats
    factor_spread: float
    factor_centre: float
    silent_z: Floats


def fit_each(histories: Sequence[Floats], *, money: bool = False) -> list[DayModel]:
    """The model of the day that follows each history [S, T] (NaN unknown, T the same multiple of 7); each is a panel of its own.

    `money`: whole numbers are amounts (cents) and never pieces. The walk over the days, the slow part of a small panel, is done once for all.
    """
    seen = [_look(history, money=money) for history in histories]
    forecasts = _filter(
        np.concatenate([p.y for p in seen]),
        np.concatenate([p.known for p in seen]),
        np.concatenate([p.shape for p in seen]),
        np.concatenate([p.model.dispersion for p in seen]),
        np.concatenate([p.model.unit for p in seen]),
        np.concatenate([p.start for p in seen]),
        [len(p.y) for p in seen],
    )
    models = []
    for p, (level, forecast) in zip(seen, forecasts, strict=True):
        dispersion, scale = _spread(p.y, p.known, forecast, p.model.unit, len(p.y))
        mean = level * p.model.profile[:, 0]
        cv2 = squared_cv(mean, dispersion, p.model.unit)
        models.append(replace(p.model, mean=mean, cv2=cv2, scale=scale, dispersion=dispersion, level=level))
    return models


@dataclass(frozen=True)
class _Looked:
    """A history as the filter needs it: cleaned values `y`, open known days, expected `shape` of each day, the start of the level, and the
    `model` as far as it is known without the level."""

    y: Floats
    known: NDArray[np.bool_]
    shape: Floats
    start: Floats
    model: DayModel


def _look(history: Floats, *, money: bool) -> _Looked:
    n, days = history.shape
    weeks = days // 7
    known = np.isfinite(history)
    y = np.where(known, np.maximum(history, 0), 0.0)
    age = np.where(known.any(axis=1), days - np.argmax(known, axis=1), 0)
    ready = (age >= MIN_DAYS) & (known.sum(axis=1) >= MIN_DAYS // 2)

    # A day on which the whole shop sold nothing (holiday, failed sync) teaches nothing about any series.
    if n >= MIN_SERIES:
        known = known & (y > 0).any(axis=0)
    recency = 0.5 ** ((weeks - 1 - np.arange(weeks)) / PROFILE_HALF_LIFE)
    y3 = y.reshape(n, weeks, 7)
    k3 = known.reshape(n, weeks, 7)

    silent_z = _silent_z(y3[:, -NOW_AND_THEN[0] :, 0], k3[:, -NOW_AND_THEN[0] :, 0])
    closed, impossible = _zeros(y3, k3, recency, money=money)
    k3 = k3 & ~impossible
    known = k3.reshape(n, days)
    y3 = np.where(k3, y3, 0.0)
    y = y3.reshape(n, days)

    open3 = k3 & ~closed[:, None, :]
    unit = _unit(y, open3.reshape(n, days), money=money)
    profile, mean3, factor, dispersion, pieces, factor_centre = _smooth(y3, open3, closed, recency, unit)
    factor_spread = float(np.std(np.log(factor[-56:]))) if factor is not None else 0.0
    g = factor if factor is not None else np.ones(days)

    open_days = open3.reshape(n, days)
    shape = np.tile(profile, (1, weeks)) * g
    start_mass = (shape[:, :28] * open_days[:, :28]).sum(axis=1)
    start_sum = (mean3.reshape(n, days)[:, :28] * open_days[:, :28]).sum(axis=1)
    start = np.divide(start_sum, start_mass, out=np.zeros(n), where=start_mass > 0)
    start = np.where(start_mass > 0, start, np.nan)
    unknown = np.full(n, np.nan)
    model = DayModel(
        unknown, unknown, unit, unknown, dispersion, ready, closed[:, 0], profile, unknown, pieces, factor_spread, factor_centre, silent_z
    )  # fmt: skip
    return _Looked(y, open_days, shape, start, model)


def _silent_z(y: Floats, known: NDArray[np.bool_]) -> Floats:
    """z of a day without a sale by how many of the same weekdays before [S, weeks] had none; -12 where hardly any had."""
    silent = (known & (y == 0)).sum(axis=1)
    share = (silent + 0.5) / (known.sum(axis=1) + 1)
    return np.where(silent >= NOW_AND_THEN[1], np.minimum(-normal_from_upper_tail(share), 0.0), -12.0)


def _zeros(
    y3: Floats, k3: NDArray[np.bool_], recency: Floats, *, money: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which weekday slots are closed [S, 7], and which zeros are impossible sales days [S, weeks, 7].

    Closed: open on less than 15% of its known days where the series' other days make that no accident. Impossible: zero on an open
    day although the median open day of the last 8 weeks sold at least 8 pieces (money: although such zeros are rarer than one day in 16).
    """
    w = recency[None, :, None] * k3
    seen = w.sum(axis=1)
    open_share = np.divide((w * (y3 > 0)).sum(axis=1), seen, out=np.zeros_like(seen), where=seen > 0)
    overall = (w * (y3 > 0)).sum(axis=(1, 2)) / np.maximum(w.sum(axis=(1, 2)), 1e-9)
    closed = (open_share < 0.15) & (overall[:, None] > 0.5)
    closed |= (seen == 0) & (overall[:, None] > 0)

    recent = np.where(k3[:, -8:] & ~closed[:, None, :], y3[:, -8:], np.nan).reshape(len(y3), -1)
    median = nanmedian(recent)
    open3 = k3 & ~closed[:, None, :]
    silent = (open3 & (y3 == 0)).sum(axis=(1, 2)) / np.maximum(open3.sum(axis=(1, 2)), 1)
    counts, never_small = _kinds(y3.reshape(len(y3), -1), open3.reshape(len(y3), -1), money=money)
    dense = np.where(counts, median >= 8, (silent < np.where(never_small, 0.5, 0.06)) & (median > 0))
    return closed, dense[:, None, None] & (y3 == 0) & open3


def _kinds(y: Floats, open_days: NDArray[np.bool_], *, money: bool) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which series count pieces, and which others have no small days with sales, both [S]."""
    sold = np.where(open_days & (y > 0), y, np.nan)
    counts = np.all(y == np.rint(y), axis=1) & (np.fmin.reduce(sold, axis=1, initial=np.inf) <= 40) & (not money)
    steady = nanquantile(sold, 0.1) >= NEVER_SMALL * nanmedian(sold)
    return counts, steady & ~counts & (not money)


def _unit(y: Floats, open_days: NDArray[np.bool_], *, money: bool) -> Floats:
    """The size of one piece, [S]: 1 for whole numbers that get small. For money it is the lower quartile of the days with sales if

    the series has many days without and sells little on some, and else one hundredth of the mean: too small to matter beside the dispersion.
    """
    sold = open_days & (y > 0)
    quartile = nanquantile(np.where(sold, y, np.nan), 0.25)
    counts, never_small = _kinds(y, open_days, money=money)
    days = np.maximum(open_days.sum(axis=1), 1)
    silent = np.where(never_small, 0.0, 1 - sold.sum(axis=1) / days)
    mean = (y * open_days).sum(axis=1) / days
    size = np.maximum(0.01 * mean, np.where(np.isfinite(quartile), quartile, 1.0) * np.minimum(silent / 0.1, 1.0))
    return np.where(counts, 1.0, np.where(size > 0, size, 1.0))


def _smooth(
    y3: Floats, open3: NDArray[np.bool_], closed: NDArray[np.bool_], recency: Floats, unit: Floats
) -> tuple[Floats, Floats, Floats | None, Floats, Floats, float]:
    """Weekday profile [S, 7], fitted mean [S, weeks, 7], day factor [T] (None for few series),
    dispersion [S], weight in the day factor [S], and the logarithm of the factor's usual raw value.

    Two passes of weekly level and weekday ratio on values clipped around the previous pass's fit; sums, not medians, so that series
    with many zeros have a profile too; shrunk to the shop's profile by how many pieces speak for the series' own.
    """
    n, weeks, _ = y3.shape
    distance = np.abs(np.arange(weeks)[:, None] - np.arange(weeks)[None, :])
    kernel = np.exp(-distance / 1.2)
    profile = np.where(closed, 0.0, 1.0)
    clipped = y3
    factor: Floats | None = None
    factor_centre = 0.0
    weight = np.zeros(n)
    g3 = np.ones((1, weeks, 7))
    variance_ratio = np.ones(n)
    mean3 = y3
    for round_ in range(3):
        mass = (profile[:, None, :] * g3 * open3).sum(axis=2) @ kernel
        level = np.divide(clipped.sum(axis=2) @ kernel, mass, out=np.zeros_like(mass), where=mass > 1e-9)
        base = level[:, :, None] * g3 * open3
        w = recency[None, :, None]
        top = (w * clipped).sum(axis=1)
        bottom = (w * base).sum(axis=1)
        own = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
        pieces = bottom / (unit * variance_ratio)[:, None]
        pull = np.minimum(pieces.sum(axis=1), 200.0)[:, None] * ~closed
        total = pull.sum(axis=0)
        shop = np.divide((pull * own).sum(axis=0), total, out=np.ones(7), where=total > 0)
        profile = np.where(closed, 0.0, (pieces * own + PROFILE_PRIOR * shop) / (pieces + PROFILE_PRIOR))
        open_slots = np.maximum((~closed).sum(axis=1), 1)
        size = profile.sum(axis=1) / open_slots
        profile = np.divide(profile, size[:, None], out=np.ones_like(profile), where=size[:, None] > 0)
        mass = (profile[:, None, :] * g3 * open3).sum(axis=2) @ kernel
        level = np.divide(clipped.sum(axis=2) @ kernel, mass, out=np.zeros_like(mass), where=mass > 1e-9)
        flat3 = level[:, :, None] * profile[:, None, :]
        if n >= MIN_SERIES:
            weight = flat3.mean(axis=(1, 2)) / (unit * variance_ratio)
            factor, factor_centre = _history_factor(y3, flat3, open3, variance_ratio, unit, weight)
            g3 = factor.reshape(1, weeks, 7)
        mean3 = flat3 * g3
        largest = 9 * np.maximum(mean3, unit[:, None, None]) * (np.maximum(variance_ratio, 4.0) * unit)[:, None, None]
        error2 = np.minimum((y3 - mean3) ** 2, largest) * open3
        denominator = (mean3 * open3).sum(axis=(1, 2)) * unit
        ratio = np.divide(error2.sum(axis=(1, 2)), denominator, out=np.ones(n), where=denominator > 0)
        variance_ratio = np.clip(ratio * 1.15, 0.5, None)
        if round_ < 2:
            half = CLIP * np.sqrt(np.maximum(mean3, unit[:, None, None] * 0.3) * (variance_ratio * unit)[:, None, None])
            clipped = np.clip(y3, mean3 - half, mean3 + half) * open3
    level_mean = np.maximum((mean3 * open3).sum(axis=(1, 2)) / np.maximum(open3.sum(axis=(1, 2)), 1), 1e-12)
    dispersion = np.maximum(variance_ratio - 1, 0.02) * unit / level_mean
    return profile, mean3, factor, dispersion, weight, factor_centre


def _history_factor(
    y3: Floats, flat3: Floats, open3: NDArray[np.bool_], variance_ratio: Floats, unit: Floats, weight: Floats
) -> tuple[Floats, float]:
    """Day factor of each day of the window, [T], from the series that know most about it, and its centre."""
    best = best_known(weight)
    y, mean = y3[best].reshape(len(best), -1), flat3[best].reshape(len(best), -1)
    usable = open3[best].reshape(len(best), -1) & (mean > 0)
    u = unit[best][:, None]
    dispersion = np.maximum(variance_ratio[best] - 1, 0.02)[:, None] * u / np.maximum(mean, u)
    return day_factors(y, mean, squared_cv(mean, dispersion, u), mean / u, usable)


def _filter(
    y: Floats,
    known: NDArray[np.bool_],
    shape: Floats,
    dispersion: Floats,
    unit: Floats,
    start: Floats,
    panels: list[int],
) -> list[tuple[Floats, Floats]]:
    """Level after the last day [S], and the one-day-ahead forecasts [S, T], by exponential weighting of Huber-clipped days.

    Three half-lives run at once; each series weighs them by how well they forecast its own past. `start` [S]: the level of the first
    four weeks (NaN: unknown); `panels`: how many rows belong to each panel, whose series lean on each other; one answer a panel.
    """
    n, days = y.shape
    decay = (0.5 ** (1 / HALF_LIVES))[:, None]
    k = len(decay)
    den = np.where(np.isfinite(start), 3.0, 1e-6) * np.ones((k, 1))
    num = np.nan_to_num(start) * den
    forecasts: Floats = np.empty((days, k, n))
    y_t: Floats = np.ascontiguousarray(y.T)
    on_t: NDArray[np.bool_] = np.ascontiguousarray(known.T)
    shape_t: Floats = np.ascontiguousarray(shape.T)
    low = 0.3 * unit
    for t in range(days):
        m = np.multiply(num / den, shape_t[t], out=forecasts[t])
        base = np.maximum(m, low)
        half = CLIP * np.sqrt(base * (unit + dispersion * base))
        on = on_t[t]
        np.copyto(num, num * decay + np.minimum(np.maximum(y_t[t], m - half), m + half), where=on)
        np.copyto(den, den * decay + shape_t[t], where=on)
    level = num / den

    recent = slice(max(days - SCALE_DAYS, 0), days)
    f = forecasts[recent]
    centre: Floats = f.mean(axis=1, keepdims=True)
    usual = np.maximum(centre, low)
    v = unit * usual + dispersion * usual**2
    loss = np.minimum((y_t[recent, None] - f) ** 2 / v, 6.0) * on_t[recent, None]
    loss = loss.sum(axis=0)
    answers = []
    first = 0
    for size in panels:
        at = slice(first, first + size)
        first += size
        own = loss[:, at]
        own = own + (0.5 * own.mean(axis=1, keepdims=True) if size > 1 else 0.0)
        weight = np.exp(-0.5 * (own - own.min(axis=0, keepdims=True, initial=np.inf)))
        weight /= weight.sum(axis=0)
        answers.append(((level[:, at] * weight).sum(axis=0), np.einsum("tks,ks->st", forecasts[:, :, at], weight)))
    return answers


def squared_cv(mean: Floats, dispersion: Floats, unit: Floats) -> Floats:
    """Squared coefficient of variation of what sells `mean` on average."""
    return unit / np.maximum(mean, 0.02 * unit) + dispersion


def _spread(y: Floats, known: NDArray[np.bool_], forecast: Floats, unit: Floats, n: int) -> tuple[Floats, Floats]:
    """Dispersion [S] of the one-day-ahead errors, and how much wider than the model the residuals really are [S].

    Both are robust and 20% (scale: by weight of evidence) pooled over the panel.
    """
    days = y.shape[1]
    recent = slice(max(days - SCALE_DAYS, 0), days)
    y, known, forecast = y[:, recent], known[:, recent], forecast[:, recent]
    usable = known & (forecast > 0)
    count = np.maximum(usable.sum(axis=1), 1)
    safe = np.where(usable, forecast, 1.0)
    u = unit[:, None]
    relative2 = np.where(usable, ((y - safe) / safe) ** 2, 0.0)
    weight = np.where(usable, safe / (safe + 2 * u), 0.0)
    small = (safe * usable).sum(axis=1) / count < SMALL * unit
    limit_at = np.where(small, ERROR_LIMIT_SMALL, ERROR_LIMIT)[:, None]
    dispersion = np.zeros(len(y))
    for _ in range(3):
        limit = limit_at * (u / safe + np.maximum(dispersion, 0.02)[:, None])
        excess = np.minimum(relative2, limit) * 1.08 - u / safe
        total = (weight**2).sum(axis=1)
        dispersion = np.divide((weight**2 * excess).sum(axis=1), total, out=np.zeros(len(y)), where=total > 0)
        dispersion = np.clip(dispersion, 0.002, 10.0)
    if n > 1:
        dispersion = (1 - POOL) * dispersion + POOL * np.median(dispersion)
    z = np.where(usable, gamma_z(y, safe, squared_cv(safe, dispersion[:, None], u)), np.nan)
    mad = 1.4826 * nanmedian(np.abs(z))
    q90 = nanquantile(np.abs(z), 0.9) / 1.645
    own = np.fmax(mad, q90)
    # Under 20 pieces a day the quantiles of so few different values say little: the dispersion alone carries the width.
    own = np.where(small, np.fmin(own, 1.0), own)
    own = np.where(np.isfinite(own), own, 1.0)
    evidence = count / (count + 30.0)
    prior = np.median(own) if n >= MIN_SERIES else 1.0
    return dispersion, np.clip(evidence * own + (1 - evidence) * prior, 0.7, 4.0)
