"""`score_panel`: how unusual each of the last days of many series is, each day judged by the days before it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salesflow.detection import engine
from salesflow.detection.scoring import Lows, factor_of, lows, score
from salesflow.detection.smoothing import MIN_DAYS, Panel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PanelScores:
    """Scores of the last days of a panel; arrays [n_series, evaluate_last] unless stated."""

    scores: Floats
    """Signed, comparable with a normal z; NaN = not scored (unknown value, or less than 12 weeks of history)."""
    expected: Floats
    lower: Floats
    upper: Floats
    day_factor: Floats
    """[evaluate_last]: the whole shop against its expectation (1 = as expected, and for fewer than ten series)."""
    profile: Floats
    """[n_series, evaluate_last, 7] weekday shares (1 = an average open day); [..., 0] is the scored day's weekday, then the next."""
    level: Floats
    """Sales of an average open day at the time."""
    low: Floats
    """z of how little small sellers sold in the last two to six days together, never positive (0: not little); NaN as `scores`."""


def score_panel(values: ArrayLike, dates: ArrayLike, *, evaluate_last: int, money: bool = False) -> PanelScores:
    """Score each of the last `evaluate_last` days of every series using only the days before it.

    `values` [n_series, n_days]: NaN = unknown, 0 = no sale, negative = returns exceed sales; infinities count as unknown.
    `dates` [n_days]: convertible to datetime64[D], strictly increasing; days missing between them are unknown.
    `money`: the values are amounts; by default whole numbers that get small are taken for pieces, which have a spread of their own.
    The day's own values of the other series enter through the day factor (ten series or more): "the whole shop was slow".

    Raises ValueError naming the problem: wrong shapes, unsorted or duplicate dates, NaT, `evaluate_last` out of range.
    """
    y, days = _checked(values, dates, evaluate_last)
    n = len(y)
    first = days[0]
    offsets = (days - first).astype(int)
    window = 7 * engine.WEEKS
    full = np.full((n, window + offsets[-1] + 1), np.nan)
    full[:, window + offsets] = y
    shape = (n, evaluate_last)
    out = [np.full(shape, np.nan) for _ in range(6)]
    profile = np.full((*shape, 7), np.nan)
    factors = np.ones(evaluate_last)
    scores, expected, lower, upper, level, low = out
    columns = [(c, o) for c, o in enumerate(offsets[len(offsets) - evaluate_last :]) if o >= MIN_DAYS and n > 0]
    days_scored = score_windows([(full[:, o : o + window], full[:, o + window]) for _, o in columns], money=money)
    for (column, _), day in zip(columns, days_scored, strict=True):
        factors[column] = day.factor
        scores[:, column], expected[:, column], lower[:, column], upper[:, column] = (
            day.scores, day.expected, day.lower, day.upper,
        )  # fmt: skip
        profile[:, column], level[:, column] = day.profile, day.level
        low[:, column] = np.where(np.isfinite(day.scores), day.low.score, np.nan)
    return PanelScores(scores, expected, lower, upper, factors, profile, level, low)


@dataclass(frozen=True)
class DayScores:
    """Scores of one day; arrays [n_series], `profile` [n_series, 7] with the day's own weekday first, `factor` the day factor."""

    scores: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    factor: float
    profile: Floats
    level: Floats
    low: Lows


_NONE = np.zeros(0)
NO_SCORES = DayScores(
    *(_NONE,) * 4, 1.0, np.zeros((0, 7)), _NONE, Lows(_NONE, np.zeros(0, dtype=np.intp), _NONE, _NONE)
)


def score_windows(windows: Sequence[tuple[Panel, Floats]], *, money: bool) -> list[DayScores]:
    """The day [n_series] after each history [n_series, 26 weeks], scored by it; each is a panel of its own."""
    models = engine.fit_each([history for history, _ in windows if len(history)], money=money)
    return [_scored(next(models), today) if len(history) else NO_SCORES for history, today in windows]


def _scored(model: engine.DayModel, today: Floats) -> DayScores:
    if _whole_shop_silent(model, today):
        today = np.full(len(today), np.nan)
    factor = factor_of(model, today)
    return DayScores(*score(model, today, factor), factor, model.profile, model.level, lows(model, today, factor))


def _whole_shop_silent(model: engine.DayModel, today: Floats) -> bool:
    """No series of a larger panel sold anything on a day that should have sold: a missing day, not a thousand drops."""
    known = np.isfinite(today) & model.ready
    if known.sum() < 3 or np.any(today[known] > 0):
        return False
    return bool((model.mean[known] / model.unit[known]).sum() > 10)


def _checked(values: ArrayLike, dates: ArrayLike, evaluate_last: int) -> tuple[Floats, NDArray[np.datetime64]]:
    y = np.asarray(values, dtype=float)
    if y.ndim != 2:
        raise ValueError(f"values must have two dimensions [n_series, n_days], not {y.ndim}")
    days = np.asarray(dates).astype("datetime64[D]")
    if days.ndim != 1 or len(days) != y.shape[1]:
        raise ValueError(f"dates must have one day per column of values: {days.shape} dates for {y.shape[1]} columns")
    if np.isnat(days).any():
        raise ValueError(f"dates[{int(np.argmax(np.isnat(days)))}] is not a date (NaT)")
    step = np.diff(days).astype(int)
    if (step == 0).any():
        raise ValueError(f"dates are not unique: {days[int(np.argmax(step == 0))]} occurs twice")
    if (step < 0).any():
        at = int(np.argmax(step < 0))
        raise ValueError(f"dates are not sorted: {days[at]} comes before {days[at + 1]}")
    if not 1 <= evaluate_last <= len(days):
        raise ValueError(f"evaluate_last must be between 1 and the number of days {len(days)}, not {evaluate_last}")
    return np.where(np.isfinite(y), y, np.nan), days
