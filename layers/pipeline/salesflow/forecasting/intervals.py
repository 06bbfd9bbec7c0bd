"""How far off the forecast may be: from how far off it was, at the same distance, on past evenings.

Daily intervals are split-conformal (Vovk et al. 2005; Lei et al. 2018) on backtest residuals, signed, by groups of lead
times: sales scatter more upwards than downwards. Totals have few independent windows, so theirs are Student's t on relative errors.
"""

from dataclasses import dataclass, field
from functools import cache, cached_property
from math import ceil, sqrt

import numpy as np
from scipy.special import ndtri, stdtrit

from salesflow.forecasting.history import Flags, Floats, Integers
from salesflow.forecasting.opening import Opening
from salesflow.forecasting.results import Coverage

LEVELS = (0.80, 0.95)
LEAD_GROUPS = ((0, 7), (7, 14), (14, 30), (30, 60), (60, 90))
FURTHER_GROWTH = 1.15
"""What a lead group adds to the width of the one before, where it could not be tested itself."""
MIN_RESIDUALS = 20
UNTESTED_GROWTH = 1.3
SIZE_POWER = 0.75
"""How residuals grow with the forecast: between counts (0.5) and a share of sales (1)."""
COVERAGE_LEADS = 30
MIN_TESTED_ORIGINS = 4
SMALLEST_SIZE = 0.1
SEASON_SWINGS = (0.3, 0.2, 0.15)
"""How far the year of a retailer with a season swings around its mean, by harmonics (one wave is too smooth for a run-up to Christmas):
an assumption, used only until the first year is known. All count for totals, the first for days, whose own scatter covers the others."""
RECENT_ERRORS_HALF_LIFE = 60.0
"""Days: errors of totals come in spells (a season, a new competitor), so the newest count most."""
_NORMAL = tuple(float(ndtri(0.5 + level / 2)) for level in LEVELS)
"""Half the width of a standard normal's interval at each level."""
ENOUGH_WINDOWS = 3.0
"""Totals of fewer windows side by side borrow the error of a shorter horizon where that is larger."""


@dataclass(frozen=True, eq=False)
class Residuals:
    """The chosen model's past errors of one series.

    counts: [k] days known at each origin. open: [k, n_ahead], whether a day was expected to sell. forecast, actual: [k, n_ahead], NaN where
    unknown. in_sample: relative noise of the past days, [m], for histories too short to test. typical: size of a usual day.
    season_known: whether the history holds a year.
    """

    counts: Integers
    open: Flags
    forecast: Floats
    actual: Floats
    in_sample: Floats
    typical: float
    season_known: bool
    totals: dict[int, tuple[float, float] | None] = field(default_factory=dict)
    """By days: the error of totals of so many, and how many windows side by side it rests on, where it was worked out."""

    @cached_property
    def whole(self) -> Flags:
        """[k]: whether all days ahead of an origin were forecast."""
        return np.asarray(np.isfinite(self.forecast).all(axis=1))

    @cached_property
    def sizes(self) -> Floats:
        """[k, n_ahead]: what residuals are measured in; NaN for an origin that is not whole."""
        sizes = np.full(self.forecast.shape, np.nan)
        for row in np.flatnonzero(self.whole):
            sizes[row] = _size(self.forecast[row], self)
        return sizes

    @cached_property
    def scores(self) -> Floats:
        """[k, n_ahead]: (actual - forecast) / size of the forecast; NaN where unknown or not expected open."""
        return np.where(self.open, (self.actual - self.forecast) / self.sizes, np.nan)


def day_bounds(past: Residuals, forecast: Floats, opening: Opening) -> Floats:
    """[4, n_ahead]: lower80, upper80, lower95, upper95 of a forecast [n_ahead]; 0 on closed days."""
    size = _size(forecast, past) * np.where(opening.open, opening.spread, 0.0)
    return _bounds(past, np.isfinite(past.scores), forecast, size)


def measured_coverage(past: Residuals, total_days: int) -> Coverage | None:
    """How often the intervals, made at each later origin from the residuals known by then, held the next month's days; None if untested."""
    leads = np.arange(past.scores.shape[1])
    known_on = past.counts[:, None] + leads  # the column of the day; known at an origin with a larger count
    finite = np.isfinite(past.scores)
    inside80 = inside95 = days = 0
    for row, count in enumerate(past.counts):
        usable = finite & (known_on < count)
        if not past.whole[row] or usable.any(axis=1).sum() < MIN_TESTED_ORIGINS:
            continue
        near = slice(0, COVERAGE_LEADS)
        size = past.sizes[row] * past.open[row]
        bounds = _bounds(past, usable[:, near], past.forecast[row, near], size[near])
        tested = (finite[row] & (count + leads < total_days))[near]
        actual = past.actual[row, near]
        days += int(tested.sum())
        inside80 += int((tested & (actual >= bounds[0]) & (actual <= bounds[1])).sum())
        inside95 += int((tested & (actual >= bounds[2]) & (actual <= bounds[3])).sum())
    return Coverage(days, round(inside80 / days, 3), round(inside95 / days, 3)) if days >= MIN_RESIDUALS else None


def total_bounds(past: Residuals, forecast: Floats, daily: Floats, horizon: int) -> tuple[float, float, float, float]:
    """lower80, upper80, lower95, upper95 of the total of the first `horizon` days.

    daily: the day bounds [4, n_ahead]. The relative error is the root mean square of past totals', with as many degrees of freedom as
    windows that do not overlap, newer ones counting more; never less than the scatter of independent days. In the first year the
    unknown season comes on top.
    """
    total = float(forecast[:horizon].sum())
    error, windows = _relative_error(past, horizon)
    season = 0.0 if past.season_known else float(unknown_season(horizon).mean())
    half_day = (daily[1, :horizon] - daily[0, :horizon]) / 2 / _NORMAL[0]
    independent = float(np.sqrt((half_day**2).sum()))
    bounds = []
    for level, normal in zip(LEVELS, _NORMAL, strict=True):
        tested = float(stdtrit(max(windows, 2.0), 0.5 + level / 2)) * error * np.sqrt(1 + 1 / max(windows, 1.0))
        half = max(total * np.hypot(tested, normal * season), normal * independent)
        bounds += [max(total - half, 0.0), total + half]
    return bounds[0], bounds[1], bounds[2], bounds[3]


@cache
def unknown_season(days: int, swings: tuple[float, ...] = SEASON_SWINGS) -> Floats:
    """[days]: standard deviation of the relative change of level after 1, 2, ... days, in a year of which nothing is known yet.

    Of sines of these swings with random phases: of the k-th, swing * sqrt(2) * |sin(k pi lead / 365)|. Errors of the past months cannot
    show it.
    """
    waves, leads = np.arange(1, len(swings) + 1)[:, None], np.arange(1, days + 1)
    changes = np.array(swings)[:, None] * np.sqrt(2) * np.sin(waves * np.pi * leads / 365.25)
    deviation: Floats = np.sqrt((changes**2).sum(axis=0))
    return deviation


def _relative_error(past: Residuals, horizon: int) -> tuple[float, float]:
    """Root mean square relative error of totals, newer ones counting more, and how many windows side by side it rests on (0: none)."""
    error, windows, longest = 0.0, 0.0, 0
    for days in sorted({min(7, horizon), min(14, horizon), min(30, horizon), horizon}):
        if days not in past.totals:
            past.totals[days] = _error_of_totals(past, days)
        if (found := past.totals[days]) is not None:
            (own, windows), longest = found, days
            error = own if windows >= ENOUGH_WINDOWS else max(own, error)
    return error * (FURTHER_GROWTH if longest < horizon else 1.0), windows


def _error_of_totals(past: Residuals, days: int) -> tuple[float, float] | None:
    """Of the totals of so many days: their root mean square relative error, and the windows side by side; None where none is known."""
    known = np.isfinite(past.actual[:, :days])
    complete = past.whole & known[:, max(days - 7, 0) :].any(axis=1)
    expected = np.where(known, past.forecast[:, :days], 0.0).sum(axis=1)[complete]
    actual = np.where(known, past.actual[:, :days], 0.0).sum(axis=1)[complete]
    usable = expected > 0
    if not usable.any():
        return None
    counts = past.counts[complete][usable]
    weight = 0.5 ** ((counts[-1] - counts) / RECENT_ERRORS_HALF_LIFE)
    origins = weight.sum() ** 2 / (weight**2).sum()  # equally weighted ones that say as much (Kish 1965)
    span = (counts[-1] - counts[0]) * (origins - 1) / max(len(counts) - 1, 1)
    squares = np.clip(actual[usable] / expected[usable] - 1, -1.0, 4.0) ** 2
    return float(np.sqrt(np.average(squares, weights=weight))), float(span / days + 1)


def _size(forecast: Floats, past: Residuals) -> Floats:
    """What residuals are measured in: the day's forecast, drawn a little to the average open day's, not below a part of a usual day."""
    opened = forecast > 0
    smallest = SMALLEST_SIZE * past.typical
    mean = max(float(forecast[opened].mean()), smallest) if opened.any() else smallest
    size: Floats = np.maximum(forecast, smallest) ** SIZE_POWER * mean ** (1 - SIZE_POWER)
    return size


def _bounds(past: Residuals, usable: Flags, forecast: Floats, size: Floats) -> Floats:
    """The day bounds of a forecast from the usable scores; size: what these are measured in, 0 on closed days. All [..., n_ahead]."""
    bounds = np.zeros((4, len(forecast)))
    before = [0.0] * 4
    for begin, end in LEAD_GROUPS:
        if begin >= len(forecast):
            break
        part = slice(begin, min(end, len(forecast)))
        known = usable[:, part]
        found = past.scores[:, part][known]
        if len(found) >= MIN_RESIDUALS:
            counts = past.counts[known.any(axis=1)]
            span = float(counts[-1] - counts[0]) / max(end - begin, 7) + 1
            limits, growth = _limits(found), sqrt(1 + 1 / span)
        elif begin == 0:
            limits, growth = _limits(past.in_sample), UNTESTED_GROWTH
        else:
            limits, growth = before, FURTHER_GROWTH
        # a longer way cannot be surer than a shorter one
        before = [
            further(limit * growth, nearer)
            for further, limit, nearer in zip((min, max, min, max), limits, before, strict=True)
        ]
        bounds[:, part] = np.array(before)[:, None] * size[part]
    if not past.season_known:
        unknown = unknown_season(len(forecast), SEASON_SWINGS[:1]) * forecast
        quantiles = np.repeat(_NORMAL, 2)
        bounds = np.copysign(np.hypot(bounds, quantiles[:, None] * unknown), np.array([-1.0, 1.0, -1.0, 1.0])[:, None])
    return np.maximum(forecast + bounds, 0.0)


def _limits(scores: Floats) -> list[float]:
    """lower80, upper80, lower95, upper95 of scores, with the finite-sample correction of conformal prediction; they straddle 0."""
    ordered, count = np.sort(scores), len(scores)
    limits = []
    for level in LEVELS:
        rank = min(ceil((count + 1) * (0.5 + level / 2)), count)
        limits += [min(float(ordered[count - rank]), 0.0), max(float(ordered[rank - 1]), 0.0)]
    return limits
