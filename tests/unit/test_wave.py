"""The simulated wave of reports behaves as lines and buckets do, and a hanging shop hurts nobody much."""

import math

import pytest

from tests.benchmarks.wave import AFTER, BEFORE, WAYS, Wave, Way, simulate

ENOUGH = 1e9
"""Mails a second that nobody is held up by."""


def test_workers_are_a_line() -> None:
    """1,000 runs of 2 s before 30 workers end after 34 rounds."""
    wave = Wave(shops=1000, hanging=0, workers=30, mails_a_second=ENOUGH, report=2)
    done = simulate(wave, Way("at once", window=0, hang=60, again=None))
    assert done.last == pytest.approx(math.ceil(1000 / 30) * 2)
    assert done.hours == pytest.approx(2000 / 3600)
    assert done.runs == done.mails == 1000


def test_a_hanging_shop_is_tried_three_times_and_mails_nothing() -> None:
    wave = Wave(shops=100, hanging=0.02, workers=100, mails_a_second=ENOUGH, report=1)
    done = simulate(wave, Way("", window=0, hang=60, again=None))
    assert (done.mails, done.runs) == (98, 98 + 2 * 3)
    assert done.hours * 3600 == pytest.approx(98 + 2 * 3 * 60)


@pytest.mark.parametrize("again", [None, (60.0, 60.0)])
def test_no_more_mails_go_out_in_a_second_than_ses_takes(again: tuple[float, float] | None) -> None:
    wave = Wave(shops=2000, hanging=0, workers=200, mails_a_second=5, report=1, resend=1)
    done = simulate(wave, Way("", window=0, hang=60, again=again))
    assert done.mails == 2000
    assert done.last >= 2000 / 5 - 1
    waited = done.hours * 3600 - 2000
    assert waited > 50_000 if again is None else waited == pytest.approx((done.runs - 2000) * 1), (
        "who waits is paid for it"
    )


@pytest.mark.parametrize("rate", [14, 100])
def test_one_shop_in_a_hundred_that_hangs_makes_nobody_a_third_later(rate: int) -> None:
    """A tenth of the size: 5,000 shops, 20 workers, a tenth of the mails a second."""
    quiet, hanging = (
        Wave(shops=5000, hanging=share, workers=20, mails_a_second=rate / 10) for share in (0, 0.01)
    )  # fmt: skip
    for way in WAYS:
        ratio = simulate(hanging, way).last / simulate(quiet, way).last
        assert ratio < 1.3 if way is not BEFORE or rate == 14 else ratio > 2
    assert simulate(hanging, AFTER).hours < simulate(hanging, BEFORE).hours / 2
