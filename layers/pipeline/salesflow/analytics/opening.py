"""On which weekdays a shop trades: the one definition, which freshness, check, forecast and stock go by. Pure."""

from typing import Final

import numpy as np
import numpy.typing as npt

from salesflow.analytics.lines import Integers

type Flags = npt.NDArray[np.bool_]

SAME_WEEKDAYS: Final = 8
TRADING_SHARE: Final = 0.4
"""A weekday on which the shop sold something on at least this share of its last eight is one on which it trades: open on every second
Sunday is, open on every third is not, wherever in its rhythm it is looked at; five closings in a row end a trading day."""
NEWLY_OPEN: Final = 3
"""So many openings in a row make one."""
LEAST_KNOWN: Final = 2
"""Of fewer such days nothing can be said."""
LONG_CLOSURE_DAYS: Final = 7
"""A run of days without a sale this long (a holiday of the whole shop, a gap in the data) says nothing about weekdays."""


def trading_weekdays(days: Integers, was_open: Flags) -> tuple[bool | None, ...]:
    """Whether the shop trades on each weekday (0 Monday), None where too few such days are known.

    days: consecutive day numbers since 1970-01-01, [n_days]; was_open: whether anything was sold, [n_days].
    """
    counts = ~_long_closures(was_open)
    answers: list[bool | None] = []
    for weekday in range(7):
        seen = was_open[counts & ((days + 3) % 7 == weekday)][-SAME_WEEKDAYS:]  # 1970-01-01 was a Thursday
        newly_open = len(seen) >= NEWLY_OPEN and bool(seen[-NEWLY_OPEN:].all())
        answers.append(None if len(seen) < LEAST_KNOWN else newly_open or bool(seen.mean() >= TRADING_SHARE))
    return tuple(answers)


def _long_closures(was_open: Flags) -> Flags:
    edges = np.flatnonzero(np.diff(np.concatenate([[True], was_open, [True]]).astype(np.int8)))
    flags = np.zeros(len(was_open), dtype=bool)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        flags[begin:end] = end - begin >= LONG_CLOSURE_DAYS
    return flags
