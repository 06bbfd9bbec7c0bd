"""Gradient boosting on what the other models do not see together: recent levels, horizon, weekday, season, last year.

Trained directly for every horizon on pairs (day then, day ahead of it) of the past, relative to the level then, over all
series at once. It needs about a year and a half before its sense of the season is worth having.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from salesflow.forecasting.history import Floats, Integers, weekdays
from salesflow.forecasting.models import YEAR, FlatMeans
from salesflow.forecasting.pattern import Pattern

_LEADS = np.array([1, 2, 3, 5, 7, 10, 14, 18, 24, 30, 38, 46, 56, 66, 76, 90])
_ORIGIN_STEP = 7
_FIRST_ORIGIN = 91
_WEEKDAY_COLUMN = 5
_BINS = 63
_TINY = 1e-9


class Boosting:
    """Fitted on a pattern; forecasts that pattern or a later one of the same series."""

    def __init__(self, pattern: Pattern) -> None:
        count = len(pattern.days)
        then, lead = (
            grid.ravel() for grid in np.meshgrid(np.arange(_FIRST_ORIGIN, count, _ORIGIN_STEP), _LEADS, indexing="ij")
        )
        inside = then + lead <= count
        then, lead = then[inside], lead[inside]
        target = then + lead - 1
        base, features = _features(pattern, then, lead)
        ratio = pattern.flat[:, target] / base
        usable = pattern.known[:, target] & np.isfinite(ratio) & (base > 0.02)
        weight = 0.5 ** ((count - then) / 365) * pattern.weekly[:, target]
        self._model = HistGradientBoostingRegressor(
            max_iter=120,
            learning_rate=0.05,
            max_leaf_nodes=8,
            max_bins=_BINS,
            min_samples_leaf=40,
            l2_regularization=5.0,
            early_stopping=False,
            categorical_features=[_WEEKDAY_COLUMN],
            random_state=0,
        )
        learnt = features[usable]
        self._edges = [_edges(column) for column in learnt.T]
        self._model.fit(self._binned(learnt), np.minimum(ratio[usable], 5.0), sample_weight=weight[usable])

    def forecast(self, evenings: Sequence[tuple[Pattern, Integers]]) -> list[Floats]:
        """[n, n_ahead] of each pattern, for its days ahead; all at once, as the model costs more to ask than to answer."""
        asked = [
            _features(pattern, np.full(len(ahead), len(pattern.days)), ahead - pattern.days[-1])
            for pattern, ahead in evenings
        ]
        rows = np.concatenate([features.reshape(-1, features.shape[-1]) for _, features in asked])
        ratios = np.split(
            np.maximum(self._model.predict(self._binned(rows)), 0.0), np.cumsum([base.size for base, _ in asked])[:-1]
        )
        return [
            ratio.reshape(base.shape) * base * pattern.profile[:, weekdays(ahead)]
            for ratio, (base, _), (pattern, ahead) in zip(ratios, asked, evenings, strict=True)
        ]

    def _binned(self, features: Floats) -> Floats:
        """Each feature as the number of its bin. scikit-learn finds the same trees in bins of its own, but takes longer to make them
        (weighted quantiles, one by one) than to fit."""
        columns = [
            np.where(np.isnan(column), np.nan, np.searchsorted(edges, column))
            for column, edges in zip(features.T, self._edges, strict=True)
        ]
        return np.stack(columns, axis=1)


def _edges(column: Floats) -> Floats:
    """What divides a feature into bins of as many rows each, or each value from the next where there are few."""
    known = column[np.isfinite(column)]
    values: Floats = np.unique(known)
    if len(values) <= _BINS:
        return (values[1:] + values[:-1]) / 2
    return np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))


def _features(pattern: Pattern, then: Integers, lead: Integers) -> tuple[Floats, Floats]:
    """The level at each origin [n, m] and the features of its pair [n, m, k].

    then: columns [m], the origin's first unseen day; lead: days ahead of the day before it, 1 or more, [m].
    """
    means = FlatMeans(pattern)
    target = then + lead - 1
    base = means.between(then - 28, then)
    day = pattern.days[0] + target
    angle = 2 * np.pi * day / 365.25

    def ratio(above: Floats, below: Floats) -> Floats:
        values: Floats = np.log(np.clip(above / np.maximum(below, _TINY), 0.05, 20.0))
        return values

    year_then = means.between(then - YEAR - 28, then - YEAR)
    year_ahead = means.between(target - YEAR - 7, target - YEAR + 8)
    shared = np.ones((len(pattern.values), 1))
    columns = [
        ratio(means.between(then - 7, then), base),
        ratio(means.between(then - 56, then - 28), base),
        ratio(means.between(then - 91, then - 56), base),
        np.where(then >= YEAR + 28, ratio(year_ahead, year_then), np.nan),
        shared * lead,
        shared * weekdays(day),
        shared * np.cos(angle),
        shared * np.sin(angle),
    ]
    return base, np.stack(columns, axis=-1)
