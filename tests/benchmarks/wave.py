"""A morning's wave of reports, simulated: when each good shop's mail goes out, and what the functions cost meanwhile.

Lambda is a line of firings before so many workers, as its asynchronous queue before reserved concurrency; a firing that fails is tried again
after one minute and after two, and goes into the queue of failed runs when all tries have failed or it is an hour old. SES is a bucket of
tokens. A hanging shop's source never answers.
"""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

RETRIES = (60.0, 120.0)
"""Seconds before Lambda's second and third try."""
OLDEST = 3600.0
"""Seconds after which Lambda gives a firing up."""
PAUSES = (0.55, 1.1)
"""Seconds for which a run that SES throttles asks again, before it ends."""


@dataclass(frozen=True)
class Wave:
    """What comes at once. Seconds of a run: `report` of one that makes and mails a report, `resend` of one that only mails it."""

    shops: int = 50_000
    hanging: float = 0.01
    workers: int = 200
    mails_a_second: float = 14
    report: float = 1.15
    resend: float = 0.4
    seed: int = 1


@dataclass(frozen=True)
class Way:
    """How it is met. window: seconds over which the firings are spread; hang: how long a run waits for a source that hangs;
    waits: a run that SES throttles waits in the function for its turn; else it ends, and is taken up by Lambda's retries."""

    name: str
    window: float
    hang: float
    waits: bool


BEFORE = Way("1.0.0", window=0, hang=590, waits=True)
AFTER = Way("1.1.0", window=900, hang=60, waits=False)
MAILS_A_WORKER = 0.5
"""Mails a second that SES takes for each function at once: with more functions it throttles, with fewer a hanging shop holds too many."""


@dataclass(frozen=True)
class Outcome:
    """hours: of Lambda; last: seconds after the hour at which the last good shop was told; mails: sent; left: good shops whose
    firing ended in the queue of failed runs; runs: started."""

    hours: float
    last: float
    mails: int
    left: int
    runs: int


class _Ses:
    """Lets through so many mails a second, and a second's worth at once."""

    def __init__(self, rate: float) -> None:
        self._rate, self._tokens, self._at, self._line = rate, rate, 0.0, 0.0

    def takes(self, moment: float) -> bool:
        """Whether a mail goes out now."""
        if moment > self._at:
            self._tokens, self._at = min(self._rate, self._tokens + (moment - self._at) * self._rate), moment
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def turn(self, moment: float) -> float:
        """When a mail goes out that waits for its turn."""
        self._line = max(moment, self._line + 1 / self._rate)
        return self._line


def simulate(wave: Wave, way: Way) -> Outcome:
    """Let the wave come."""
    random = np.random.default_rng(wave.seed)
    hanging = np.zeros(wave.shops, dtype=bool)
    hanging[random.choice(wave.shops, round(wave.shops * wave.hanging), replace=False)] = True
    numbers: Iterator[int] = itertools.count()
    fired = random.random(wave.shops) * way.window
    # Those that are ready, the earliest first: the moment, a number that makes it a line, the shop, the try, and what is still to be done.
    ready = [(float(moment), next(numbers), shop, 0, wave.report) for shop, moment in enumerate(fired)]
    heapq.heapify(ready)
    free = [0.0] * wave.workers
    ses, told, left, busy, runs = _Ses(wave.mails_a_second), [], 0, 0.0, 0
    while ready:
        moment, _, shop, tries, seconds = heapq.heappop(ready)
        begun = max(moment, free[0])
        if begun - fired[shop] > OLDEST:
            left += not hanging[shop]
            continue
        runs += 1
        if hanging[shop]:
            ended, is_told = begun + way.hang, False
        elif way.waits:
            ended, is_told = ses.turn(begun + seconds), True
        else:
            ended, is_told = _asked(ses, begun + seconds)
            seconds = wave.resend
        if is_told:
            told.append(ended)
        elif tries < len(RETRIES):
            heapq.heappush(ready, (ended + RETRIES[tries], next(numbers), shop, tries + 1, seconds))
        else:
            left += not hanging[shop]
        busy += ended - begun
        heapq.heapreplace(free, ended)
    return Outcome(busy / 3600, max(told), len(told), left, runs)


def _asked(ses: _Ses, moment: float) -> tuple[float, bool]:
    """When a run that asks SES for one mail ends, and whether it went out."""
    for pause in (0.0, *PAUSES):
        moment += pause
        if ses.takes(moment):
            return moment, True
    return moment, False
