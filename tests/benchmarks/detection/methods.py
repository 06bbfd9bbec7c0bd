"""The methods that the detection is measured against, all as one-day-ahead scores comparable with a normal z.

Each takes values [n_series, n_days] and dates [n_days] and answers scores [n_series, evaluate_last], NaN where it cannot score. Each
scores a day with the days before it; the rows to score may be given, so that slow methods need not score the others.
"""

import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from salesflow.detection import score_panel

HISTORY = 182
Method = Callable[..., np.ndarray]


def ours(values: np.ndarray, dates: np.ndarray, *, evaluate_last: int, rows: np.ndarray) -> np.ndarray:
    """`salesflow.detection.score_panel`, which sees the whole panel."""
    del rows
    return score_panel(values, dates, evaluate_last=evaluate_last).scores


def z_score_90(values: np.ndarray, dates: np.ndarray, *, evaluate_last: int, rows: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of the last 90 days: what the old service did."""
    del dates, rows
    scores = np.full((len(values), evaluate_last), np.nan)
    for column, day in enumerate(range(values.shape[1] - evaluate_last, values.shape[1])):
        past = values[:, day - 90 : day]
        scores[:, column] = (values[:, day] - past.mean(axis=1)) / np.maximum(past.std(axis=1), 1e-9)
    return scores


def same_weekday_mad(values: np.ndarray, dates: np.ndarray, *, evaluate_last: int, rows: np.ndarray) -> np.ndarray:
    """Median and MAD of the same weekday in the last twelve weeks; MAD not below the Poisson spread of the median."""
    del dates, rows
    scores = np.full((len(values), evaluate_last), np.nan)
    for column, day in enumerate(range(values.shape[1] - evaluate_last, values.shape[1])):
        past = values[:, day - 84 : day : 7]
        median = np.median(past, axis=1)
        mad = 1.4826 * np.median(np.abs(past - median[:, None]), axis=1)
        scores[:, column] = (values[:, day] - median) / np.maximum(mad, np.sqrt(np.maximum(median, 1)))
    return scores


def s_h_esd(values: np.ndarray, dates: np.ndarray, *, evaluate_last: int, rows: np.ndarray) -> np.ndarray:
    """Seasonal hybrid ESD (Hochenbaum, Vallis, Kejariwal 2017): STL seasonal taken out, then median and MAD, over the last 16 weeks."""
    from statsmodels.tsa.seasonal import STL

    del dates
    scores = np.full((len(values), evaluate_last), np.nan)
    for column, day in enumerate(range(values.shape[1] - evaluate_last, values.shape[1])):
        for row in rows:
            window = values[row, day - 111 : day + 1]
            residual = window - STL(window, period=7, robust=True).fit().seasonal
            residual = residual - np.median(residual)
            mad = 1.4826 * np.median(np.abs(residual))
            scores[row, column] = residual[-1] / max(mad, 1.0)
    return scores


def auto_ets(
    values: np.ndarray, dates: np.ndarray, *, evaluate_last: int, rows: np.ndarray, refit: int = 1
) -> np.ndarray:
    """Prediction interval of statsforecast's AutoETS (weekly season), fitted every `refit` days on the last 26 weeks."""
    from statsforecast.models import AutoETS

    del dates
    scores = np.full((len(values), evaluate_last), np.nan)
    first = values.shape[1] - evaluate_last
    for row in rows:
        for fitted in range(first, values.shape[1], refit):
            begin = max(fitted - HISTORY, 0)
            model = AutoETS(season_length=7).fit(values[row, begin:fitted])
            for day in range(fitted, min(fitted + refit, values.shape[1])):
                answer: dict[str, Any] = model.forward(y=values[row, begin:day], h=1, level=[95])
                mean = float(answer["mean"][0])
                half = float(answer["hi-95"][0]) - mean
                scores[row, day - first] = (values[row, day] - mean) / max(half / 1.96, 1e-9)
    return scores


def prophet(values: np.ndarray, dates: np.ndarray, *, evaluate_last: int, rows: np.ndarray) -> np.ndarray:
    """Prophet's interval (weekly season, trend), refitted each day on the last 26 weeks."""
    import pandas as pd
    from prophet import Prophet

    for name in ("prophet", "cmdstanpy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    scores = np.full((len(values), evaluate_last), np.nan)
    for column, day in enumerate(range(values.shape[1] - evaluate_last, values.shape[1])):
        for row in rows:
            past = slice(max(day - HISTORY, 0), day)
            model = Prophet(
                weekly_seasonality=True,
                daily_seasonality=False,
                yearly_seasonality=False,
                uncertainty_samples=200,
                interval_width=0.95,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(pd.DataFrame({"ds": dates[past].astype("datetime64[ns]"), "y": values[row, past]}), seed=1)
                answer = model.predict(pd.DataFrame({"ds": dates[day : day + 1].astype("datetime64[ns]")})).iloc[0]
            width = (answer["yhat_upper"] - answer["yhat_lower"]) / 2
            scores[row, column] = (values[row, day] - answer["yhat"]) / max(width / 1.96, 1e-9)
    return scores


def isolation_forest(values: np.ndarray, dates: np.ndarray, *, evaluate_last: int, rows: np.ndarray) -> np.ndarray:
    """scikit-learn's IsolationForest on value, lag and weekday features of a series, refitted each week; score scaled to its own past."""
    from sklearn.ensemble import IsolationForest

    weekday = (dates.astype(int) + 3) % 7
    scores = np.full((len(values), evaluate_last), np.nan)
    first = values.shape[1] - evaluate_last
    for row in rows:
        y = values[row]
        features = np.zeros((len(y), 6))
        for day in range(28, len(y)):
            week = y[day - 7 : day].mean() + 1
            features[day] = [
                y[day] / week,
                y[day] / (np.median(y[day - 28 : day : 7]) + 1),
                y[day - 1] / week,
                y[day - 7] / week,
                week / (y[day - 28 : day].mean() + 1),
                weekday[day],
            ]
        forest, centre, spread = None, 0.0, 0.0
        for day in range(first, len(y)):
            if forest is None or (day - first) % 7 == 0:
                past = features[max(day - HISTORY, 28) : day]
                forest = IsolationForest(n_estimators=60, random_state=1).fit(past)
                reference = forest.score_samples(past)
                centre, spread = np.median(reference), np.std(reference)
            z = (centre - forest.score_samples(features[day : day + 1])[0]) / max(spread, 1e-9)
            scores[row, day - first] = z if y[day] >= np.median(y[day - 28 : day : 7]) else -z
    return scores


METHODS: dict[str, Method] = {
    "90-day z-score": z_score_90,
    "same-weekday median/MAD": same_weekday_mad,
    "S-H-ESD": s_h_esd,
    "AutoETS": auto_ets,
    "Prophet": prophet,
    "IsolationForest": isolation_forest,
    "ours": ours,
}
