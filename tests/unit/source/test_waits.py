"""How long one answer may keep a run waiting, by a clock that the test moves."""

import socket
from datetime import UTC, datetime, timedelta

import pytest

from salesflow import clock
from salesflow.source.bounded import LEAST_BYTES, Waits

START = datetime(2026, 11, 22, 13, tzinfo=UTC)


class Line:
    """A line over which each receipt takes so many seconds and brings so many bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        self.socket = socket.socket()
        monkeypatch.setattr(clock, "now", lambda: self.now)

    def brings(self, waits: Waits, seconds: float, count: int) -> float:
        """Receive; the time-out that the socket had."""

        def receive() -> int:
            self.now += timedelta(seconds=seconds)
            return count

        waits.read(self.socket, receive)
        return self.socket.gettimeout() or 0.0


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(monkeypatch)


def test_an_answer_must_have_begun_in_time_whatever_it_sends_before(line: Line) -> None:
    waits = Waits(60, START + timedelta(hours=1))
    assert line.brings(waits, 30, LEAST_BYTES) == 60
    assert line.brings(waits, 30, LEAST_BYTES) == 30
    with pytest.raises(TimeoutError):
        line.brings(waits, 1, 1)


def test_an_answer_that_goes_on_may_last_as_long_as_it_brings_something(line: Line) -> None:
    waits = Waits(60, START + timedelta(hours=1))
    line.brings(waits, 50, 100)
    waits.begin()
    for _ in range(20):
        assert line.brings(waits, 30, LEAST_BYTES // 2) == 60
        assert line.brings(waits, 29, LEAST_BYTES // 2) == 30


def test_a_trickle_counts_as_hanging(line: Line) -> None:
    waits = Waits(60, START + timedelta(hours=1))
    waits.begin()
    for second in range(60):
        assert line.brings(waits, 1, 200) == 60 - second
    with pytest.raises(TimeoutError):
        line.brings(waits, 1, 200)


def test_what_is_done_with_the_bytes_takes_nothing_of_it(line: Line) -> None:
    waits = Waits(60, START + timedelta(hours=1))
    waits.begin()
    for _ in range(10):
        line.now += timedelta(seconds=100)
        assert line.brings(waits, 0, 1) == 60


def test_no_wait_goes_on_after_the_deadline(line: Line) -> None:
    waits = Waits(60, START + timedelta(seconds=40))
    waits.begin()
    assert line.brings(waits, 30, LEAST_BYTES) == 40
    assert line.brings(waits, 10, LEAST_BYTES) == 10
    with pytest.raises(TimeoutError):
        line.brings(waits, 1, 1)
