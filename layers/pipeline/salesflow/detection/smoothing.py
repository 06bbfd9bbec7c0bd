"""A panel's series evened out: what each sells on which weekday, its level week by week, and the day factor that all share.

Worked on some rows at a time: between the blocks only a few numbers of each series are kept, and what comes from all series (the shop's
weekday profile, the day factor) is made of those, so that any size of block gives the same answers to the last bit.
Shapes: S series, T days in whole weeks, oldest first; b series of a block.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.factor import MIN_SERIES, best_known, day_factors
from salesflow.detection.tails import nanmedian, nanquantile, normal_from_upper_tail

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
type Rows = slice | NDArray[np.intp]

BLOCK = 2000
"""Series worked on together: beyond, the arrays leave the processor's cache, and those of 100,000 the memory."""

MIN_DAYS = 84
"""Days since a series was first known, before which it is learnt and not scored."""

CLIP = 2.5
"""A day counts at most this many standard deviations off its expectation when the level is learnt."""

PROFILE_HALF_LIFE = 8.0
"""Weeks."""

PROFILE_PRIOR = 30.0
"""The shop's weekday profile counts as much as this many pieces of the series' own."""

ROUNDS = 3
"""Of weekly level and weekday ratio, each on values clipped around the fit of the one before."""

NEVER_SMALL = 0.25
"""Where the 10% quantile of the days with sales is this share of their median, a day without any is a closure or an outage, no slow day."""

NOW_AND_THEN = 12, 2
"""Weeks, and days without a sale on a weekday in them, from which on another one is no more surprising than they were."""

START_DAYS = 28


class Panel(Protocol):
    """Series [S, T] of which some rows are asked for at a time: an array, or one that is mostly without sales and kept as such."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, rows: Rows, /) -> Floats: ...


class Smoothed:
    """A panel on the days before one day, NaN unknown; arrays [S].

    `ready`: enough history; `silent_z`: a day without a sale is no more surprising than this, as such days are on this weekday; `closed`
    [S, 7]: weekdays on which a series is nearly never open, slot 0 that of the day after; `unit`: the size of one piece; `profile` [S, 7];
    `dispersion`; `start`: the level of the first four weeks (NaN: unknown); `weight`: how much a series knows of the day factor, `factor`
    [T], of which `centre` is the logarithm of the usual raw value (ones and 0 where fewer than ten series speak).
    """

    def __init__(self, history: Panel, *, money: bool, block: int = BLOCK) -> None:
        n, days = history.shape
        self._history, self._money = history, money
        self.blocks = [slice(at, min(at + block, n)) for at in range(0, n, block)]
        self._weeks = days // 7
        self._recency = 0.5 ** ((self._weeks - 1 - np.arange(self._weeks)) / PROFILE_HALF_LIFE)
        distance = np.abs(np.arange(self._weeks)[:, None] - np.arange(self._weeks)[None, :])
        self._kernel = np.exp(-distance / 1.2)
        self._traded = np.ones(days, dtype=bool)
        self._last: tuple[int, Floats, Bools] = -1, np.zeros(0), np.zeros(0, dtype=bool)
        (self.ready,) = self._each(lambda rows: (_ready(np.isfinite(self._history[rows])),))
        if n >= MIN_SERIES:
            # A day on which the whole shop sold nothing (holiday, failed sync) teaches nothing about any series.
            self._traded = np.logical_or.reduce([(self._known(rows)[0] > 0).any(axis=0) for rows in self.blocks])
        self.silent_z, self.closed, self._dense = self._each(self._zeros)
        (self.unit,) = self._each(lambda rows: (_unit(*self.days(rows), money=money),))
        self.profile, self._ratio = np.where(self.closed, 0.0, 1.0), np.ones(n)
        self._level: Floats | None = None
        self.weight, self.factor, self.centre = np.zeros(n), np.ones(days), 0.0
        for _ in range(ROUNDS):
            own, pieces, sums, self._ratio = self._each(self._weekdays)
            self.profile = self._profiles(own, pieces)
            self._level, weight = self._each(partial(self._levels, sums=sums))
            if n >= MIN_SERIES:
                self.weight = weight
                self.factor, self.centre = self._day_factors()
        self.dispersion, self.start = self._each(self._finished)

    def days(self, rows: slice) -> tuple[Floats, Bools]:
        """Cleaned values of a block and which of its days are open and known, both [b, T]. The last block asked for is kept."""
        if self._last[0] != rows.start:
            self._last = rows.start, *self._open(rows)
        return self._last[1], self._last[2]

    def shape(self, rows: slice) -> Floats:
        """What each day of a block is to the series' level, [b, T]."""
        return np.asarray(np.tile(self.profile[rows], (1, self._weeks)) * self.factor)

    def _each(self, work: Callable[[slice], tuple[NDArray[np.generic], ...]]) -> list[NDArray[Any]]:
        """The arrays that `work` answers for each block, those of all series."""
        return [np.concatenate(parts) for parts in zip(*map(work, self.blocks), strict=True)]

    def _three(self, rows: slice) -> tuple[Floats, Bools]:
        y, open_days = self.days(rows)
        return y.reshape(len(y), -1, 7), open_days.reshape(len(y), -1, 7)

    def _known(self, rows: Rows) -> tuple[Floats, Bools]:
        history = self._history[rows]
        known = np.isfinite(history)
        return np.where(known, np.maximum(history, 0), 0.0), known & self._traded

    def _zeros(self, rows: slice) -> tuple[Floats, Bools, Bools]:
        y, known = self._known(rows)
        y3, k3 = y.reshape(len(y), -1, 7), known.reshape(len(y), -1, 7)
        silent_z = _silent_z(y3[:, -NOW_AND_THEN[0] :, 0], k3[:, -NOW_AND_THEN[0] :, 0])
        return silent_z, *_zeros(y3, k3, self._recency, money=self._money)

    def _open(self, rows: Rows) -> tuple[Floats, Bools]:
        y, known = self._known(rows)
        open_days = known & ~np.tile(self.closed[rows], (1, self._weeks))
        return y, open_days & ~(self._dense[rows][:, None] & (y == 0))

    def _weekdays(self, rows: slice) -> tuple[Floats, ...]:
        """Weekday ratios and the pieces that speak for them [b, 7], sums around each week [b, weeks], and how much wider than counts [b]."""
        y3, open3 = self._three(rows)
        unit, ratio, clipped = self.unit[rows], self._ratio[rows], y3
        if self._level is not None:
            mean3, ratio, _ = self._against(rows)
            half = CLIP * np.sqrt(np.maximum(mean3, unit[:, None, None] * 0.3) * (ratio * unit)[:, None, None])
            clipped = np.clip(y3, mean3 - half, mean3 + half) * open3
        sums = self._around(clipped.sum(axis=2))
        base = self._over_mass(rows, sums)[:, :, None] * self._g3 * open3
        w = self._recency[None, :, None]
        top, bottom = (w * clipped).sum(axis=1), (w * base).sum(axis=1)
        own = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
        return own, bottom / (unit * ratio)[:, None], sums, ratio

    def _profiles(self, own: Floats, pieces: Floats) -> Floats:
        """Weekday profiles [S, 7]: sums, not medians, so that series with many zeros have one too; shrunk to the shop's by how many pieces

        speak for the series' own.
        """
        pull = np.minimum(pieces.sum(axis=1), 200.0)[:, None] * ~self.closed
        total = pull.sum(axis=0)
        shop = np.divide((pull * own).sum(axis=0), total, out=np.ones(7), where=total > 0)
        profile = np.where(self.closed, 0.0, (pieces * own + PROFILE_PRIOR * shop) / (pieces + PROFILE_PRIOR))
        size = profile.sum(axis=1) / np.maximum((~self.closed).sum(axis=1), 1)
        return np.divide(profile, size[:, None], out=np.ones_like(profile), where=size[:, None] > 0)

    def _levels(self, rows: slice, sums: Floats) -> tuple[Floats, Floats]:
        """Level of each week [b, weeks], and the weight in the day factor [b]."""
        level = self._over_mass(rows, sums[rows])
        flat3 = level[:, :, None] * self.profile[rows][:, None, :]
        return level, flat3.mean(axis=(1, 2)) / (self.unit[rows] * self._ratio[rows])

    def _around(self, weeks: Floats) -> Floats:
        # Not by `@`: there the rows of a block change each other's last bit.
        return np.asarray(np.einsum("nw,wk->nk", weeks, self._kernel))

    def _over_mass(self, rows: slice, sums: Floats) -> Floats:
        mass = self._around((self.profile[rows][:, None, :] * self._g3 * self._three(rows)[1]).sum(axis=2))
        return np.divide(sums, mass, out=np.zeros_like(mass), where=mass > 1e-9)

    @property
    def _g3(self) -> Floats:
        return self.factor.reshape(1, -1, 7)

    def _against(self, rows: slice) -> tuple[Floats, Floats, Floats]:
        """The fitted mean [b, weeks, 7], how much wider than counts the days lie around it [b], and the sum of its open days [b]."""
        if self._level is None:
            raise AssertionError("levels come first")
        y3, open3 = self._three(rows)
        unit = self.unit[rows]
        mean3 = self._level[rows][:, :, None] * self.profile[rows][:, None, :] * self._g3
        widest = (np.maximum(self._ratio[rows], 4.0) * unit)[:, None, None]
        error2 = np.minimum((y3 - mean3) ** 2, 9 * np.maximum(mean3, unit[:, None, None]) * widest) * open3
        total = (mean3 * open3).sum(axis=(1, 2))
        counts = total * unit
        ratio = np.divide(error2.sum(axis=(1, 2)), counts, out=np.ones(len(unit)), where=counts > 0)
        return mean3, np.clip(ratio * 1.15, 0.5, None), total

    def _day_factors(self) -> tuple[Floats, float]:
        """Day factor of each day of the window, [T], from the series that know most about it, and its centre."""
        if self._level is None:
            raise AssertionError("levels come first")
        best = best_known(self.weight)
        y, usable = self._open(best)
        mean = (self._level[best][:, :, None] * self.profile[best][:, None, :]).reshape(len(best), -1)
        u = self.unit[best][:, None]
        dispersion = np.maximum(self._ratio[best] - 1, 0.02)[:, None] * u / np.maximum(mean, u)
        return day_factors(y, mean, squared_cv(mean, dispersion, u), mean / u, usable & (mean > 0))

    def _finished(self, rows: slice) -> tuple[Floats, Floats]:
        """Dispersion and the level of the first four weeks, both [b]."""
        mean3, ratio, total = self._against(rows)
        _, open_days = self.days(rows)
        level = np.maximum(total / np.maximum(open_days.sum(axis=1), 1), 1e-12)
        first, mean = open_days[:, :START_DAYS], mean3.reshape(len(mean3), -1)[:, :START_DAYS]
        mass, total = (self.shape(rows)[:, :START_DAYS] * first).sum(axis=1), (mean * first).sum(axis=1)
        start = np.divide(total, mass, out=np.full(len(mass), np.nan), where=mass > 0)
        return np.maximum(ratio - 1, 0.02) * self.unit[rows] / level, start


def squared_cv(mean: Floats, dispersion: Floats, unit: Floats) -> Floats:
    """Squared coefficient of variation of what sells `mean` on average."""
    return unit / np.maximum(mean, 0.02 * unit) + dispersion


def _ready(known: Bools) -> Bools:
    age = np.where(known.any(axis=1), known.shape[1] - np.argmax(known, axis=1), 0)
    return np.asarray((age >= MIN_DAYS) & (known.sum(axis=1) >= MIN_DAYS // 2))


def _silent_z(y: Floats, known: Bools) -> Floats:
    """z of a day without a sale by how many of the same weekdays before [S, weeks] had none; -12 where hardly any had."""
    silent = (known & (y == 0)).sum(axis=1)
    share = (silent + 0.5) / (known.sum(axis=1) + 1)
    return np.where(silent >= NOW_AND_THEN[1], np.minimum(-normal_from_upper_tail(share), 0.0), -12.0)


def _zeros(y3: Floats, k3: Bools, recency: Floats, *, money: bool) -> tuple[Bools, Bools]:
    """Which weekday slots are closed [S, 7], and of which series no open day can be without a sale [S]: what is zero then is not known.

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
    return closed, np.where(counts, median >= 8, (silent < np.where(never_small, 0.5, 0.06)) & (median > 0))


def _kinds(y: Floats, open_days: Bools, *, money: bool) -> tuple[Bools, Bools]:
    """Which series count pieces, and which others have no small days with sales, both [S]."""
    sold = np.where(open_days & (y > 0), y, np.nan)
    counts = np.all(y == np.rint(y), axis=1) & (np.fmin.reduce(sold, axis=1, initial=np.inf) <= 40) & (not money)
    steady = nanquantile(sold, 0.1) >= NEVER_SMALL * nanmedian(sold)
    return counts, steady & ~counts & (not money)


def _unit(y: Floats, open_days: Bools, *, money: bool) -> Floats:
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
