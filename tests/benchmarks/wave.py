"""A morning's wave of reports, simulated: when each good shop's mail goes out, and what the functions cost meanwhile.

Lambda is a line of firings before so many workers, as its asynchronous queue before reserved concurrency; a firing that fails is tried again
after one minute and after two. SES is a bucket of tokens. A hanging shop's source never answers.
"""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

RETRIES = (60.0, 120.0)
"""Seconds before Lambda's second and third try."""


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
    again: None, a run that SES throttles waits in the function for its turn; else the seconds after which it is taken up again, least and most."""

    name: str
    window: float
    hang: float
    again: tuple[float, float] | None


BEFORE = Way("1.0.0", window=0, hang=590, again=None)
AFTER = Way("1.1.0", window=900, hang=60, again=(60, 600))
WAYS = (BEFORE, replace(AFTER, name="1.1.0, all at the same moment", window=0), AFTER)


@dataclass(frozen=True)
class Outcome:
    """hours: of Lambda; last, median: seconds after the hour at which the good shops were told; mails: sent; runs: started."""

    hours: float
    last: float
    median: float
    mails: int
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
    # Those that are ready, the earliest first: the moment, a number that makes it a line, the shop, the try; -1: it only has to be mailed.
    ready = [(float(moment), next(numbers), shop, 0) for shop, moment in enumerate(fired)]
    heapq.heapify(ready)
    free = [0.0] * wave.workers
    ses, told, busy, runs = _Ses(wave.mails_a_second), [], 0.0, 0
    while ready:
        moment, _, shop, tries = heapq.heappop(ready)
        begun = max(moment, heapq.heappop(free))
        runs += 1
        if hanging[shop]:
            ended = begun + way.hang
            if tries < len(RETRIES):
                heapq.heappush(ready, (ended + RETRIES[tries], next(numbers), shop, tries + 1))
        else:
            ended = begun + (wave.resend if tries < 0 else wave.report)
            if way.again is None:
                ended = ses.turn(ended)
                told.append(ended)
            elif ses.takes(ended):
                told.append(ended)
            else:
                heapq.heappush(ready, (ended + random.uniform(*way.again), next(numbers), shop, -1))
        busy += ended - begun
        heapq.heappush(free, ended)
    return Outcome(busy / 3600, max(told), float(np.median(told)), len(told), runs)
