"""The short forms of the sections of `make reliability` that run by themselves, and of the walks and the fuzzing."""

import pytest

from tests.integration.reliability.conftest import told
from tests.reliability.experiments import experiments, run
from tests.reliability.fuzz import KINDS
from tests.reliability.walks import walk


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_input_ends_in_a_good_outcome_or_an_error_that_says_what_to_do(kind: str) -> None:
    fuzzed = KINDS[kind](120, 1)
    assert told(fuzzed.findings) == []
    assert fuzzed.cases >= 100


@pytest.mark.parametrize(
    ("section", "done"),
    [
        ("alerts", ("days checked", 16)),
        ("field", ("days in the field", 12)),
        ("shops", ("disturbed beside another shop", 12)),
        ("soak", ("days simulated", 3)),
    ],
)
def test_weeks_and_shops_that_go_by_with_nothing_lost_doubled_or_silent(section: str, done: tuple[str, int]) -> None:
    (experiment,) = (each for each in experiments(quick=True) if each.section == section)
    row = run(experiment)
    assert told(row.findings) == []
    assert done in row.counts.items()


def test_firings_of_every_kind_in_any_order_tell_each_reader_once() -> None:
    """The short form of 10,000 steps; see `tests.reliability.walks`."""
    assert walk(20, 20).total() > 20
