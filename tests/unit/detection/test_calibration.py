"""The policy keeps what it promises: so many alerts a month in a healthy shop, whatever raises them."""

from functools import cache

import numpy as np
import pytest

from salesflow.detection import score_panel, threshold_for
from salesflow.detection.calibration import record_threshold, silence_days


@cache
def healthy() -> np.ndarray:
    """Scores [60 series, 30 days] of a shop in which nothing happens."""
    rng = np.random.default_rng(1)
    n, days = 60, 214
    weekday = np.array([0.9, 0.9, 1.0, 1.0, 1.2, 1.6, 0.4])[np.arange(days) % 7]
    mean = np.exp(rng.uniform(np.log(2), np.log(200), (n, 1))) * weekday * np.exp(rng.normal(0, 0.06, days))
    values = rng.negative_binomial(50, 50 / (50 + mean)).astype(float)
    return score_panel(values, np.datetime64("2025-01-06") + np.arange(days), evaluate_last=30).scores


def test_more_alerts_wanted_is_a_lower_threshold() -> None:
    thresholds = [threshold_for(healthy(), alerts_per_month=a) for a in (1, 5, 20, 100)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[0] > thresholds[-1] + 0.5


def test_without_history_the_normal_distribution_decides() -> None:
    empty = np.full((100, 3), np.nan)
    assert threshold_for(empty, alerts_per_month=8.1) == pytest.approx(3.0, abs=0.01)


def test_past_events_do_not_make_it_deaf() -> None:
    scores = healthy().copy()
    calm = threshold_for(scores, alerts_per_month=5)
    scores[:2, :1] = 12.0
    assert threshold_for(scores, alerts_per_month=5) < calm + 1.2


def test_a_rule_that_spoke_too_often_needs_a_clear_record() -> None:
    past = np.zeros(60)
    past[[3, 20, 41]] = 0.4, 0.5, 0.8
    assert record_threshold(past, floor=0.25, alerts_per_month=0.5) == pytest.approx(
        1.25 * 0.5
    )  # one in 60 days is allowed
    assert record_threshold(past, floor=0.25, alerts_per_month=1.5) == 0.25


def test_how_long_a_silence_must_be_is_what_chance_says() -> None:
    half = silence_days(np.array([50_000]), np.array([100_000]), 1e-3)
    assert half[0] == 10  # 0.5^10 < 1/1000
    sure, unsure = silence_days(np.array([100, 10]), np.array([1000, 100]), 1e-4)
    assert unsure >= sure  # the same share from fewer days is less certain
