"""The models that compete every night. Each maps the pattern of [n] series to values [n, n_ahead] of open days to come.

A model answers NaN for a series that it cannot forecast. All work on series scaled to about 1, so that a shop in yen and
one in dinars get the same answer.
"""

from collections.abc import Callable
from enum import StrEnum

import numpy as np

from salesflow.forecasting.history import Floats, Integers, weekdays
from salesflow.forecasting.pattern import Pattern


class ModelName(StrEnum):
    """What a forecast says it was made with."""

    LAST_WEEK = "last_week"
    STRAIGHT_LINE = "straight_line"
    LEVEL = "level"
    STEADY_LEVEL = "steady_level"
    TREND = "trend"
    LAST_YEAR = "last_year"
    REGRESSION = "regression"
    BOOSTING = "boosting"
    BLEND = "blend"


YEAR = 364
"""A year in whole weeks: a day is compared with the same weekday."""
LAST_YEAR_MIN_DAYS = YEAR + 28
BOOSTING_MIN_DAYS = YEAR + 156
RECENT_WEEKS_SEARCHED = 12
PENALTY = 2.0
"""Of the ridge regression."""
_TINY = 1e-9


def last_week(pattern: Pattern, ahead: Integers) -> Floats:
    """Each weekday's newest known value (seasonal naive)."""
    answer = np.full((len(pattern.values), len(ahead)), np.nan)
    weekday = weekdays(pattern.days)
    for day in range(7):
        columns = np.flatnonzero(weekday == day)[::-1]
        newest = np.full(len(pattern.values), np.nan)
        for column in columns[:RECENT_WEEKS_SEARCHED]:
            newest = np.where(np.isnan(newest), pattern.values[:, column], newest)
        answer[:, weekdays(ahead) == day] = newest[:, None]
    return answer


def straight_line(pattern: Pattern, ahead: Integers) -> Floats:
    """Least squares over the last 90 days, closed days as zeros, no weekdays: what the old service did."""
    values = np.nan_to_num(pattern.values[:, -90:])
    x = np.arange(values.shape[1]) - values.shape[1] + 1.0
    slope, intercept = np.polyfit(x, values.T, 1)
    answer: Floats = intercept[:, None] + slope[:, None] * (ahead - pattern.days[-1])
    return answer


def level(half_life: float) -> Callable[[Pattern, Integers], Floats]:
    """Today's level times the weekday profile: no trend, no year."""

    def forecast(pattern: Pattern, ahead: Integers) -> Floats:
        answer: Floats = pattern.level_now(half_life)[:, None] * pattern.profile[:, weekdays(ahead)]
        return answer

    return forecast


def trend(pattern: Pattern, ahead: Integers) -> Floats:
    """Level times profile, with the slope of the last twelve weeks, shrunk by its own uncertainty and damped."""
    half_life, damping = 20.0, 0.98
    growth = _daily_growth(pattern)
    steps = (ahead - pattern.days[-1]).astype(float)
    damped = damping * (1 - damping**steps) / (1 - damping)
    lag = 0.7 * half_life / np.log(2)  # the level is that of about so many days ago
    factor = np.exp(np.clip(growth[:, None] * (damped + lag), -0.7, 0.7))
    answer: Floats = level(half_life)(pattern, ahead) * factor
    return answer


def _daily_growth(pattern: Pattern) -> Floats:
    """[n]: growth a day, as a share of the level; near 0 where the slope is within its own noise."""
    days = min(84, len(pattern.days))
    flat, known = pattern.flat[:, -days:], pattern.known[:, -days:]
    x = np.arange(days) - days + 1.0
    weight = 0.5 ** (-x / 42) * known
    total = np.maximum(weight.sum(axis=1), _TINY)
    mean_x, mean_y = (weight * x).sum(axis=1) / total, (weight * flat).sum(axis=1) / total
    from_x, from_y = x - mean_x[:, None], flat - mean_y[:, None]
    spread = np.maximum((weight * from_x**2).sum(axis=1), _TINY)
    slope = (weight * from_x * from_y).sum(axis=1) / spread
    variance = (weight * (from_y - slope[:, None] * from_x) ** 2).sum(axis=1) / total / spread
    shrunk = slope * slope**2 / (slope**2 + 4 * variance + np.finfo(float).tiny)
    growth: Floats = np.where(mean_y > _TINY, shrunk / np.maximum(mean_y, _TINY), 0.0)
    return growth


def last_year(pattern: Pattern, ahead: Integers) -> Floats:
    """Today's level, moved as sales moved from the same weeks of the years before to the weeks ahead of them, damped."""
    count = len(pattern.days)
    if count < LAST_YEAR_MIN_DAYS:
        return np.full((len(pattern.values), len(ahead)), np.nan)
    half_life, half_window, damping = 14.0, 10, 0.7
    means = FlatMeans(pattern)
    steps = ahead - pattern.days[-1]
    shapes = []
    for back in range(YEAR, count - 27, YEAR)[:3]:
        origin = count - back
        then = means.between(np.array([origin - 35]), np.array([origin]))
        around = means.between(origin + steps - 1 - half_window, origin + steps + half_window)
        ratio = np.clip(around / np.maximum(then, _TINY), 0.3, 3.0)
        shapes.append(np.log(np.where(np.isfinite(ratio) & (then > 0.02), ratio, 1.0)))
    answer: Floats = level(half_life)(pattern, ahead) * np.exp(damping * np.mean(shapes, axis=0))
    return answer


class FlatMeans:
    """Means of the deseasonalised values over runs of days, fast; NaN where nothing is known."""

    def __init__(self, pattern: Pattern) -> None:
        start = np.zeros((len(pattern.values), 1))
        self._total = np.concatenate([start, np.cumsum(pattern.flat, axis=1)], axis=1)
        self._count = np.concatenate([start, np.cumsum(pattern.known, axis=1)], axis=1)

    def between(self, begin: Integers, end: Integers) -> Floats:
        """[n, m] for columns begin..end-1, [m] each, cut to what exists."""
        last = self._total.shape[1] - 1
        low, high = np.clip(begin, 0, last), np.clip(end, 0, last)
        count = self._count[:, high] - self._count[:, low]
        means: Floats = np.where(count > 0, (self._total[:, high] - self._total[:, low]) / np.maximum(count, 1), np.nan)
        return means


def regression(pattern: Pattern, ahead: Integers) -> Floats:
    """Ridge regression of log sales on weekday, damped trend with a bend eight weeks ago, and Fourier terms of the year.

    Needs sales on nine days of ten. The Fourier terms come in with a history of more than a year.
    """
    count = len(pattern.days)
    waves = 0 if count < 400 else 2 if count < 730 else 4
    past, future = _features(pattern.days, pattern.days[-1], waves), _features(ahead, pattern.days[-1], waves)
    recency = 0.5 ** ((pattern.days[-1] - pattern.days) / 240)
    answer = np.full((len(pattern.values), len(ahead)), np.nan)
    count_known = pattern.known.sum(axis=1)
    selling = (pattern.clipped > 0).sum(axis=1)
    fit = np.flatnonzero((count_known >= 28) & (selling >= 0.9 * count_known))
    if not len(fit):
        return answer
    # series that are known on the same days are fitted together
    together: dict[bytes, list[int]] = {}
    for row in fit.tolist():
        together.setdefault(pattern.known[row].tobytes(), []).append(row)
    for rows in together.values():
        known = pattern.known[rows[0]]
        sales, weight = pattern.clipped[rows][:, known], recency[known]
        floored = np.maximum(sales, 0.05 * np.median(sales, axis=1, keepdims=True))
        logs, future_logs = _ridge(past[known], np.log(floored.T), weight, future)
        unbias = (sales @ weight) / (np.exp(logs.T) @ weight)  # the mean of a skewed day lies above its log-mean
        answer[rows] = unbias[:, None] * np.exp(np.clip(future_logs.T, -5, 5))
    return answer


def _ridge(x: Floats, y: Floats, weight: Floats, ahead: Floats) -> tuple[Floats, Floats]:
    """Weighted ridge regression (Hoerl and Kennard 1970) of y [m, n] on x [m, k], the intercept free: its values at x, and at `ahead`."""
    mean_x, mean_y = np.average(x, axis=0, weights=weight), np.average(y, axis=0, weights=weight)
    root = np.sqrt(weight)[:, None]
    from_x, from_y = (x - mean_x) * root, (y - mean_y) * root
    slopes = np.linalg.solve(from_x.T @ from_x + PENALTY * np.eye(x.shape[1]), from_x.T @ from_y)
    return (x - mean_x) @ slopes + mean_y, (ahead - mean_x) @ slopes + mean_y


def _features(days: Integers, today: int, waves: int) -> Floats:
    """[n_days, k]: weekday indicators, trend, Fourier terms. The trend stops gradually after today."""
    angle = 2 * np.pi * days / 365.25
    damping = 0.98
    steps = (days - today).astype(float)
    time = np.where(steps > 0, damping * (1 - damping ** np.maximum(steps, 0)) / (1 - damping), steps)
    columns = [weekdays(days) == day for day in range(7)]
    columns += [0.3 * time / 90, 0.3 * np.maximum(time + 56, 0) / 90]
    for k in range(1, waves + 1):
        columns += [np.cos(k * angle), np.sin(k * angle)]
    return np.stack(columns, axis=1).astype(float)


SIMPLE_MODELS: dict[ModelName, Callable[[Pattern, Integers], Floats]] = {
    ModelName.LAST_WEEK: last_week,
    ModelName.STRAIGHT_LINE: straight_line,
    ModelName.LEVEL: level(10.0),
    ModelName.STEADY_LEVEL: level(40.0),
    ModelName.TREND: trend,
    ModelName.LAST_YEAR: last_year,
    ModelName.REGRESSION: regression,
}
"""All but boosting, which is trained once for several origins, and the blend, which is the mean of others."""


def blend_of(forecasts: dict[ModelName, Floats]) -> Floats:
    """The mean of the members that can forecast a series: level and regression, with last year and boosting where the history
    has a year, with the trend where it has none."""
    middle = (forecasts[ModelName.LEVEL] + forecasts[ModelName.STEADY_LEVEL]) / 2
    year = forecasts[ModelName.LAST_YEAR]
    third = np.where(np.isnan(year), forecasts[ModelName.TREND], year)
    members = [middle, third, forecasts[ModelName.REGRESSION]]
    if ModelName.BOOSTING in forecasts:
        members.append(forecasts[ModelName.BOOSTING])
    stacked = np.stack(members)
    known = np.isfinite(stacked)
    mean: Floats = np.where(known, stacked, 0.0).sum(axis=0) / known.sum(axis=0)
    return mean
