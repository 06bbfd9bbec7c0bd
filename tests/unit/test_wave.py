"""The simulated wave of reports behaves as lines and buckets do, and a hanging shop hurts nobody much."""

import math

import pytest

from tests.benchmarks.wave import AFTER, BEFORE, MAILS_A_WORKER, Wave, Way, simulate

ENOUGH = 1e9
"""Mails a second that nobody is held up by."""


def test_workers_are_a_line() -> None:
    """1,000 runs of 2 s before 30 workers end after 34 rounds."""
    wave = Wave(shops=1000, hanging=0, workers=30, mails_a_second=ENOUGH, report=2)
    done = simulate(wave, Way("at once", window=0, hang=60, waits=True))
    assert done.last == pytest.approx(math.ceil(1000 / 30) * 2)
    assert done.hours == pytest.approx(2000 / 3600)
    assert done.runs == done.mails == 1000


def test_a_hanging_shop_is_tried_three_times_and_mails_nothing() -> None:
    wave = Wave(shops=100, hanging=0.02, workers=100, mails_a_second=ENOUGH, report=1)
    done = simulate(wave, Way("", window=0, hang=60, waits=True))
    assert (done.mails, done.runs) == (98, 98 + 2 * 3)
    assert done.hours * 3600 == pytest.approx(98 + 2 * 3 * 60)


@pytest.mark.parametrize("waits", [True, False])
def test_no_more_mails_go_out_in_a_second_than_ses_takes(waits: bool) -> None:
    wave = Wave(shops=2000, hanging=0, workers=200, mails_a_second=5, report=1, resend=1)
    done = simulate(wave, Way("", window=0, hang=60, waits=waits))
    assert done.mails + done.left == 2000
    assert done.last >= done.mails / 5 - 1
    assert done.left == 0 if waits else done.left > 0, "three tries, and then it lies in the queue"
    assert done.hours * 3600 > 2 * 2000 if waits else done.runs > 2000


def test_what_is_an_hour_old_is_given_up() -> None:
    """One worker does 3,601 runs of a second in the hour: the first begins at once."""
    done = simulate(
        Wave(shops=4000, hanging=0, workers=1, mails_a_second=ENOUGH, report=1), Way("", window=0, hang=60, waits=False)
    )
    assert (done.mails, done.left) == (3601, 399)


@pytest.mark.parametrize("rate", [14, 28, 100])
def test_one_shop_in_a_hundred_that_hangs_makes_nobody_a_third_later(rate: int) -> None:
    """A fifth of the size: 10,000 shops, a fifth of the mails a second, and two functions for each of these."""
    workers = round(rate / 5 / MAILS_A_WORKER)
    quiet, hanging = (
        simulate(Wave(shops=10_000, hanging=share, workers=workers, mails_a_second=rate / 5), AFTER)
        for share in (0, 0.01)
    )
    assert hanging.last < 1.3 * quiet.last
    assert max(quiet.left, hanging.left) < 100
    before = simulate(Wave(shops=10_000, workers=40, mails_a_second=rate / 5), BEFORE)
    assert hanging.hours < before.hours / 2
