"""The threshold keeps what it promises: so many alerts a month in a healthy shop."""

from functools import cache

import numpy as np
import pytest

from salesflow.anomalies import score_panel, threshold_for


@cache
def healthy(seed: int, *, dispersion: float) -> np.ndarray:
    """Scores [150 series, 88 days] of a shop in which nothing happens."""
    rng = np.random.default_rng(seed)
    n, days = 150, 260
    weekday = np.array([0.9, 0.9, 1.0, 1.0, 1.2, 1.6, 0.4])[np.arange(days) % 7]
    mean = np.exp(rng.uniform(np.log(2), np.log(200), (n, 1))) * weekday * np.exp(rng.normal(0, 0.06, days))
    values = rng.negative_binomial(1 / dispersion, 1 / (1 + dispersion * mean)).astype(float)
    dates = np.datetime64("2025-01-06") + np.arange(days)
    return score_panel(values, dates, evaluate_last=88).scores


@pytest.mark.parametrize("dispersion", [0.02, 0.3])
@pytest.mark.parametrize("wanted", [6.0, 30.0])
def test_alerts_of_the_next_weeks_are_within_30_percent(dispersion: float, wanted: float) -> None:
    raised = []
    for seed in range(4):
        scores = healthy(seed, dispersion=dispersion)
        threshold = threshold_for(scores[:, :42], alerts_per_month=wanted)
        raised.append((np.abs(scores[:, 42:]) >= threshold).sum() / 46 * 30)
    assert np.mean(raised) == pytest.approx(wanted, rel=0.3)


def test_more_alerts_wanted_is_a_lower_threshold() -> None:
    scores = healthy(1, dispersion=0.02)
    thresholds = [threshold_for(scores, alerts_per_month=a) for a in (1, 5, 20, 100)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[0] > thresholds[-1] + 0.5


def test_without_history_the_normal_distribution_decides() -> None:
    empty = np.full((100, 3), np.nan)
    assert threshold_for(empty, alerts_per_month=8.1) == pytest.approx(3.0, abs=0.01)


def test_past_events_do_not_make_it_deaf() -> None:
    scores = healthy(1, dispersion=0.02).copy()
    calm = threshold_for(scores, alerts_per_month=5)
    scores[:5, :3] = 12.0
    assert threshold_for(scores, alerts_per_month=5) < calm + 1.2
