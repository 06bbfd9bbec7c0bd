"""The short forms of the sections of `make reliability` that run by themselves, and of the walks and the fuzzing."""

import re
import subprocess
import sys

import pytest

from tests.integration.reliability.conftest import told
from tests.reliability.containers import ROOT
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
        ("alerts", "16 days checked"),
        ("field", "11 days in the field"),
        ("shops", "disturbed beside another shop"),
        ("soak", "4 days simulated"),
    ],
)
def test_weeks_and_shops_that_go_by_with_nothing_lost_doubled_or_silent(section: str, done: str) -> None:
    """As the command runs it, in a process of its own."""
    command = [sys.executable, "-m", "tests.reliability", "--quick", "--only", section]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert done in ran.stdout
    assert re.search(r"0 lost\n +0 doubled\n +0 silent\n +0 leaked", ran.stdout)


def test_firings_of_every_kind_in_any_order_tell_each_reader_once() -> None:
    """The short form of 10,000 steps; see `tests.reliability.walks`."""
    assert walk(20, 20).total() > 20
