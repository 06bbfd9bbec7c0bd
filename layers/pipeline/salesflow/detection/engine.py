"""What an ordinary day looks like: level x weekday profile x day factor, with a variance that knows counts.

One call fits all series of a panel on the days before one day and says what that day should have been. No state is kept. Of a large panel
some series at a time are worked on (`smoothing`).
Shapes: S series, T = 7 * WEEKS days ending the day before, oldest first; day t of the window has weekday slot t % 7, and the day
to be scored has slot 0 (the window begins exactly WEEKS weeks before it).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.factor import MIN_SERIES
from salesflow.detection.smoothing import BLOCK, CLIP, Panel, Smoothed, squared_cv
from salesflow.detection.tails import gamma_z, nanmedian, nanquantile

Floats = NDArray[np.float64]

WEEKS = 26
HALF_LIVES = np.array([5.0, 12.0, 30.0])
"""Days; each series weighs these memories of its level by how well they forecast its own past."""

SMALL = 20.0
"""Expected pieces below which a day is scored by the exact negative-binomial tail."""

POOL = 0.2
ERROR_LIMIT, ERROR_LIMIT_SMALL = 6.5, 12.0
"""A squared error counts at most this many variances when the dispersion is learnt; more for small sellers, whose tails are longer."""

SCALE_DAYS = 98
FACTOR_DAYS = 56
LATELY = 5
"""Days before the scored one that can be taken together with it."""


@dataclass(frozen=True)
class DayModel:
    """What is expected of one day, before it is seen; arrays [S].

    `mean` without the day factor, `cv2` squared coefficient of variation of the prediction, `unit` the size of one piece (1 for
    counts), `scale` how much wider the series' residuals are than its model, `ready`: enough history, `closed`: a weekday on which
    the series is nearly never open, `profile` [S, 7] with slot 0 the scored day's weekday, `level` the mean open day's sales, `pieces` a series'
    weight in the day factor, `factor_spread` and `factor_centre` of its logarithm in the window, `silent_z`: a day without a sale is no
    more surprising than this, as such days are on this weekday.
    Of the last 1 to 5 days together, [S, 5]: `sold` on those that were open and known, `shape` what these come to at a level of 1 and
    `shape2` its sum of squares, `before` the level before the first of them (NaN where that was not open).
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
    sold: Floats
    shape: Floats
    shape2: Floats
    before: Floats


def fit_each(histories: Sequence[Panel], *, money: bool = False, block: int = BLOCK) -> Iterator[DayModel]:
    """The model of the day that follows each history [S, T] (NaN unknown, T the same multiple of 7); each is a panel of its own.

    `money`: whole numbers are amounts (cents) and never pieces. The walk over the days, the slow part of a small panel, is done once for
    as many panels as have `block` series together; a larger one is worked on in blocks of so many, with the same answers.
    """
    together: list[Panel] = []
    for history in histories:
        if together and sum(map(len, together)) + len(history) > block:
            yield from _fitted(together, money=money, block=block)
            together = []
        together.append(history)
    if together:
        yield from _fitted(together, money=money, block=block)


def _fitted(histories: Sequence[Panel], *, money: bool, block: int) -> list[DayModel]:
    """The models of small panels, or of one that has many blocks."""
    panels = [Smoothed(history, money=money, block=block) for history in histories]
    blocks = [[(panel, panel.blocks[0]) for panel in panels]]
    if len(panels) == 1:
        blocks = [[(panels[0], rows)] for rows in panels[0].blocks]
    # The forecasts of all series would fill the memory: those of a large panel are made again, once their weights are known.
    walk = lru_cache(maxsize=1)(lambda at: _walk(blocks[at]))
    ends = np.cumsum([len(panel.unit) for panel in panels]).tolist()
    places = [slice(first, end) for first, end in zip([0, *ends], ends, strict=False)]
    levels, losses = zip(*((walk(at).level, walk(at).loss) for at in range(len(blocks))), strict=True)
    loss = np.concatenate(losses, axis=1)
    weight = np.concatenate([_weights(loss[:, at]) for at in places], axis=1)
    level = (np.concatenate(levels, axis=1) * weight).sum(axis=0)
    forecast, first = np.empty((weight.shape[1], len(walk(0).forecasts))), 0
    for at, own in enumerate(losses):
        rows = slice(first, first + own.shape[1])
        forecast[rows] = (walk(at).forecasts * weight[:, rows]).sum(axis=1).T
        first = rows.stop
    return [_model(panel, level[at], forecast[at]) for panel, at in zip(panels, places, strict=True)]


def _model(panel: Smoothed, level: Floats, forecast: Floats) -> DayModel:
    dispersion, scale, lately = _spread(panel, forecast)
    mean = level * panel.profile[:, 0]
    return DayModel(
        mean, squared_cv(mean, dispersion, panel.unit), panel.unit, scale, dispersion, panel.ready, panel.closed[:, 0], panel.profile, level,
        panel.weight, float(np.std(np.log(panel.factor[-FACTOR_DAYS:]))), panel.centre, panel.silent_z, *lately,
    )  # fmt: skip


@dataclass(frozen=True)
class _Walk:
    """Levels after the last day [k half-lives, S], one-day-ahead forecasts of the last days [days, k, S], what these missed by [k, S]."""

    level: Floats
    forecasts: Floats
    loss: Floats


def _walk(block: Sequence[tuple[Smoothed, slice]]) -> _Walk:
    """Through the days of some series by exponential weighting of Huber-clipped values, with three half-lives at once."""
    days, shapes = zip(*((panel.days(rows), panel.shape(rows)) for panel, rows in block), strict=True)
    y_t, on_t, shape_t = (
        np.ascontiguousarray(np.concatenate(parts).T) for parts in (*zip(*days, strict=True), shapes)
    )  # fmt: skip
    dispersion, unit, start = (
        np.concatenate([values[rows] for values, (_, rows) in zip(of, block, strict=True)])
        for of in zip(*((panel.dispersion, panel.unit, panel.start) for panel, _ in block), strict=True)
    )
    length, n = y_t.shape
    decay = (0.5 ** (1 / HALF_LIVES))[:, None]
    k = len(decay)
    den = np.where(np.isfinite(start), 3.0, 1e-6) * np.ones((k, 1))
    num = np.nan_to_num(start) * den
    begin = max(length - SCALE_DAYS, 0)
    f: Floats = np.empty((length - begin, k, n))
    early: Floats = np.empty((k, n))
    low = 0.3 * unit
    for t in range(length):
        m = np.multiply(num / den, shape_t[t], out=f[t - begin] if t >= begin else early)
        base = np.maximum(m, low)
        half = CLIP * np.sqrt(base * (unit + dispersion * base))
        on = on_t[t]
        np.copyto(num, num * decay + np.minimum(np.maximum(y_t[t], m - half), m + half), where=on)
        np.copyto(den, den * decay + shape_t[t], where=on)
    centre: Floats = f.mean(axis=1, keepdims=True)
    usual = np.maximum(centre, low)
    v = unit * usual + dispersion * usual**2
    loss = np.minimum((y_t[begin:, None] - f) ** 2 / v, 6.0) * on_t[begin:, None]
    return _Walk(num / den, f, loss.sum(axis=0))


def _weights(loss: Floats) -> Floats:
    """Of the half-lives [k, S], by how well they forecast each series' own past and, half as much, the panel's."""
    own = loss + (0.5 * loss.mean(axis=1, keepdims=True) if loss.shape[1] > 1 else 0.0)
    weight = np.exp(-0.5 * (own - own.min(axis=0, keepdims=True, initial=np.inf)))
    return np.asarray(weight / weight.sum(axis=0))


def _spread(panel: Smoothed, forecast: Floats) -> tuple[Floats, Floats, list[Floats]]:
    """Dispersion [S] of the one-day-ahead errors, how much wider than the model the residuals really are [S], and the last days together.

    Both of the former are robust and 20% (scale: by weight of evidence) pooled over the panel. `forecast` [S, days]: of the last days.
    """
    n = len(forecast)
    dispersion = np.concatenate([_dispersion(panel, rows, forecast[rows]) for rows in panel.blocks])
    if n > 1:
        dispersion = (1 - POOL) * dispersion + POOL * np.median(dispersion)
    found = (
        (*_width(panel, rows, forecast[rows], dispersion[rows]), *_lately(panel, rows, forecast[rows]))
        for rows in panel.blocks
    )
    own, count, *lately = (np.concatenate(parts) for parts in zip(*found, strict=True))
    evidence = count / (count + 30.0)
    prior = np.median(own) if n >= MIN_SERIES else 1.0
    return dispersion, np.clip(evidence * own + (1 - evidence) * prior, 0.7, 4.0), lately


def _lately(panel: Smoothed, rows: slice, forecast: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Of the last 1 to 5 days of a block together, as `DayModel` has them."""
    last = slice(None, -LATELY - 1, -1)
    y, open_days = panel.days(rows)
    y, open_days = y[:, last], open_days[:, last]
    shape = panel.profile[rows, last] * panel.factor[last] * open_days
    before = np.divide(forecast[:, last], shape, out=np.full(shape.shape, np.nan), where=shape > 0)
    return np.cumsum(y * open_days, axis=1), np.cumsum(shape, axis=1), np.cumsum(shape**2, axis=1), before


def _usable(
    panel: Smoothed, rows: slice, forecast: Floats
) -> tuple[Floats, NDArray[np.bool_], Floats, NDArray[np.bool_]]:
    """Of the last days of a block: values, which of them can be compared, forecasts (1 where not), and which series are small [b]."""
    y, known = panel.days(rows)
    y, usable = y[:, -forecast.shape[1] :], known[:, -forecast.shape[1] :] & (forecast > 0)
    safe = np.where(usable, forecast, 1.0)
    small = (safe * usable).sum(axis=1) / np.maximum(usable.sum(axis=1), 1) < SMALL * panel.unit[rows]
    return y, usable, safe, small


def _dispersion(panel: Smoothed, rows: slice, forecast: Floats) -> Floats:
    y, usable, safe, small = _usable(panel, rows, forecast)
    u = panel.unit[rows][:, None]
    relative2 = np.where(usable, ((y - safe) / safe) ** 2, 0.0)
    weight = np.where(usable, safe / (safe + 2 * u), 0.0)
    limit_at = np.where(small, ERROR_LIMIT_SMALL, ERROR_LIMIT)[:, None]
    total = (weight**2).sum(axis=1)
    dispersion = np.zeros(len(y))
    for _ in range(3):
        limit = limit_at * (u / safe + np.maximum(dispersion, 0.02)[:, None])
        excess = np.minimum(relative2, limit) * 1.08 - u / safe
        dispersion = np.divide((weight**2 * excess).sum(axis=1), total, out=np.zeros(len(y)), where=total > 0)
        dispersion = np.clip(dispersion, 0.002, 10.0)
    return dispersion


def _width(panel: Smoothed, rows: slice, forecast: Floats, dispersion: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """How much wider than the model each series' residuals are [b], and of how many days that is known [b]."""
    y, usable, safe, small = _usable(panel, rows, forecast)
    cv2 = squared_cv(safe, dispersion[:, None], panel.unit[rows][:, None])
    z = np.abs(np.where(usable, gamma_z(y, safe, cv2), np.nan))
    own = np.fmax(1.4826 * nanmedian(z), nanquantile(z, 0.9) / 1.645)
    # Under 20 pieces a day the quantiles of so few different values say little: the dispersion alone carries the width.
    own = np.where(small, np.fmin(own, 1.0), own)
    return np.where(np.isfinite(own), own, 1.0), np.maximum(usable.sum(axis=1), 1)
