"""Rolling-origin backtest: what each model would have said on past evenings, and which one to trust tonight."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from statistics import median

import numpy as np

from salesflow.forecasting.boosting import Boosting
from salesflow.forecasting.history import Flags, Floats, Integers
from salesflow.forecasting.models import BOOSTING_MIN_DAYS, SIMPLE_MODELS, ModelName, blend_of
from salesflow.forecasting.opening import Opening
from salesflow.forecasting.pattern import Pattern, take_apart
from salesflow.forecasting.results import HorizonError

BOOSTING_REFIT_DAYS = 64
RECENCY_HALF_LIFE = 120.0
MARGIN = 0.95
"""Another model than the blend is chosen when its error is below this share of the blend's on the same evenings."""
MIN_ORIGINS = 4
MONTH = 28.0


@dataclass(frozen=True, eq=False)
class Origins:
    """The evenings from which the past is forecast again. counts: days known on each, ascending, [k]; ahead: days forecast from each;
    openings: what was then expected of them."""

    counts: Integers
    ahead: int
    openings: tuple[Opening, ...]


@dataclass(frozen=True, eq=False)
class Backtest:
    """counts: [k] days known at each origin. open: [k, n_ahead], whether the shop was then expected to sell. forecasts: per model
    [k, n, n_ahead]. actual: the same shape, NaN where not (yet) known."""

    counts: Integers
    total_days: int
    open: Flags
    forecasts: dict[ModelName, Floats]
    actual: Floats
    errors: dict[tuple[ModelName, int], list[HorizonError | None]] = field(default_factory=dict)
    """Of each series, those that were worked out: by model and horizon."""


@dataclass(frozen=True, eq=False)
class Evening:
    """All models' forecasts from one origin, per model [n, n_ahead], and the pattern and scale [n, 1] behind them."""

    forecasts: dict[ModelName, Floats]
    pattern: Pattern
    scale: Floats

    @cached_property
    def level(self) -> Floats:
        """[n]: of the last month, on the pattern's scale."""
        return self.pattern.level_now(MONTH)


def origin_counts(total: int, *, first: int, step: int, most: int) -> Integers:
    """The origins of a history of `total` days: every `step` days, the newest a week before the end, none with less than `first` days."""
    counts: Integers = np.arange(total - 7, first - 1, -step)[:most][::-1]
    return counts


def forecast_evenings(evenings: Sequence[tuple[Floats, Integers, Opening]], boosting: Boosting | None) -> list[Evening]:
    """Every model's forecasts for the days ahead from each evening: series [n, t], days [t], what is expected of those ahead. Closed days

    are 0, nothing is negative.
    """
    scales = [typical_size(values) for values, _, _ in evenings]
    asked = [
        (take_apart(values / scale, days), days[-1] + 1 + np.arange(len(opening.open)))
        for scale, (values, days, opening) in zip(scales, evenings, strict=True)
    ]
    boosted = [None for _ in asked] if boosting is None else boosting.forecast(asked)
    return [
        _evening(pattern, ahead, scale, opening, from_boosting)
        for (pattern, ahead), scale, (_, _, opening), from_boosting in zip(
            asked, scales, evenings, boosted, strict=True
        )
    ]


def _evening(pattern: Pattern, ahead: Integers, scale: Floats, opening: Opening, boosted: Floats | None) -> Evening:
    forecasts = {name: model(pattern, ahead) for name, model in SIMPLE_MODELS.items()}
    if boosted is not None:
        forecasts[ModelName.BOOSTING] = boosted
    forecasts[ModelName.BLEND] = blend_of(forecasts)
    effect = np.where(opening.open, opening.factor, 0.0)
    return Evening({name: np.maximum(f, 0.0) * effect * scale for name, f in forecasts.items()}, pattern, scale)


def fit_boosting(values: Floats, days: Integers) -> Boosting | None:
    """Boosting on series [n, t], None where the history is too short for it."""
    if len(days) < BOOSTING_MIN_DAYS or not (np.nan_to_num(values) > 0).any():
        return None
    return Boosting(take_apart(values / typical_size(values), days))


def run_backtest(learn: Floats, actual: Floats, days: Integers, origins: Origins, *, boosted: bool) -> Backtest:
    """Forecast series [n, t] again from each origin, with what was known then.

    learn: what may be learnt from (NaN: closed, missing, holiday); actual: what happened. Boosting is fitted anew every two months of origins.
    """
    total, ahead = len(days), origins.ahead
    collected: dict[ModelName, list[Floats]] = {name: [] for name in ModelName}
    truths = []
    nothing = np.full((len(learn), ahead), np.nan)
    known = [
        (learn[:, :count], days[:count], opening)
        for count, opening in zip(origins.counts.tolist(), origins.openings, strict=True)
    ]
    periods = np.searchsorted(origins.counts, np.arange(origins.counts.min(initial=total), total, BOOSTING_REFIT_DAYS))
    for first, end in pairwise((*periods.tolist(), len(known))):
        if first < end:
            boosting = fit_boosting(*known[first][:2]) if boosted else None
            for evening in forecast_evenings(known[first:end], boosting):
                for name in ModelName:
                    collected[name].append(evening.forecasts.get(name, nothing))
    for count in origins.counts.tolist():
        truth = nothing.copy()
        seen = min(ahead, total - count)
        truth[:, :seen] = actual[:, count : count + seen]
        truths.append(truth)
    return Backtest(
        counts=origins.counts,
        total_days=total,
        open=np.array([opening.open for opening in origins.openings], dtype=bool).reshape(-1, ahead),
        forecasts={name: np.stack(made) if made else nothing[None][:0] for name, made in collected.items()},
        actual=np.stack(truths) if truths else nothing[None][:0],
    )


def errors_of(backtest: Backtest, series: int, horizons: Sequence[int]) -> dict[ModelName, tuple[HorizonError, ...]]:
    """The errors of every model that forecast a series, for the horizons that ended in the known past; the blend's first."""
    listed = {}
    for name in sorted(backtest.forecasts, key=lambda name: name != ModelName.BLEND):
        found = [_error(backtest, name, series, days) for days in horizons]
        if errors := tuple(error for error in found if error is not None):
            listed[name] = errors
    return listed


def choose(backtest: Backtest, series: int, horizons: Sequence[int], available: Sequence[ModelName]) -> ModelName:
    """The model for a series: the blend, unless another did clearly better on the same past evenings."""
    best, best_ratio = ModelName.BLEND, MARGIN
    for name in available:
        if name == ModelName.BLEND:
            continue
        own, blend = (_score(backtest, model, series, horizons) for model in (name, ModelName.BLEND))
        if own is not None and blend is not None and own < best_ratio * blend:
            best, best_ratio = name, own / blend
    return best


def typical_size(values: Floats) -> Floats:
    """[n, 1]: the median size of a series' last days with sales; 1 where there are none."""
    recent = np.abs(np.nan_to_num(values))
    size = np.ones((len(values), 1))
    for row, sales in enumerate(recent):
        selling = sales[sales > 0][-56:]
        if len(selling):
            size[row] = median(selling.tolist())
    return size


def _score(backtest: Backtest, name: ModelName, series: int, horizons: Sequence[int]) -> float | None:
    found = [_error(backtest, name, series, days) for days in horizons]
    errors = [error.wape + error.total_error for error in found if error is not None and error.origins >= MIN_ORIGINS]
    return sum(errors) / len(errors) if errors else None


def _error(backtest: Backtest, name: ModelName, series: int, days: int) -> HorizonError | None:
    if (name, days) not in backtest.errors:
        backtest.errors[name, days] = _worked_out(backtest, name, days)
    return backtest.errors[name, days][series]


def _worked_out(backtest: Backtest, name: ModelName, days: int) -> list[HorizonError | None]:
    """Of every series, by the origins from which it was forecast and whose horizon has ended."""
    ended = backtest.counts + days <= backtest.total_days
    whole = backtest.forecasts[name][ended]
    complete = np.isfinite(whole).all(axis=2)
    actual, forecast = backtest.actual[ended, :, :days], whole[:, :, :days]
    weight = 0.5 ** ((backtest.total_days - backtest.counts[ended]) / RECENCY_HALF_LIFE)[:, None] * complete
    miss = np.where(np.isfinite(actual) & complete[:, :, None], np.nan_to_num(actual) - forecast, 0.0)
    sold = np.nan_to_num(actual)

    def weighed(amounts: Floats) -> Floats:
        return np.asarray((weight * np.abs(amounts)).sum(axis=0))

    size, total_size = weighed(np.abs(sold).sum(axis=2)), weighed(sold.sum(axis=2))
    known = (size > 0) & (total_size > 0)
    wape = weighed(np.abs(miss).sum(axis=2)) / np.where(known, size, 1.0)
    total_error = weighed(miss.sum(axis=2)) / np.where(known, total_size, 1.0)
    found = zip(known.tolist(), wape.tolist(), total_error.tolist(), complete.sum(axis=0).tolist(), strict=True)
    return [
        HorizonError(days, round(w, 4), round(t, 4), origins) if is_known else None for is_known, w, t, origins in found
    ]
