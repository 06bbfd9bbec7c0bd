"""What must not get worse: quality on panels that tuning never saw. Seconds, not the whole table."""

import dataclasses
from typing import Any

import pytest

from tests.benchmarks.detection.__main__ import run, test_panels
from tests.benchmarks.detection.methods import ours, z_score_90
from tests.benchmarks.detection.panels import TEST_SEEDS

test_panels.__test__ = False  # type: ignore[attr-defined]  # a maker of panels, not a test


@pytest.fixture(scope="module")
def counts() -> dict[str, Any]:
    return {p.name: dataclasses.replace(p, evaluate_last=28) for p in test_panels(None, rows=40, days=28)}


def test_dense_counts_are_found_with_few_false_alarms(counts: dict[str, Any]) -> None:
    measured, _ = run(ours, counts["NB, mean above 30"], TEST_SEEDS[:2])
    assert measured.f1 >= 0.90
    assert measured.false_alarms <= 0.25


@pytest.mark.parametrize("name", ["NB, mean 0.3-300", "NB, mean above 30", "NB, mean 1-20"])
def test_at_equal_false_alarms_it_finds_more_than_the_old_z_score(counts: dict[str, Any], name: str) -> None:
    better, _ = run(ours, counts[name], TEST_SEEDS[:1])
    old, _ = run(z_score_90, counts[name], TEST_SEEDS[:1])
    assert better.recall_half > old.recall_half + 0.05
