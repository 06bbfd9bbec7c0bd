"""On which days to come the shop will be open, from the days on which it was: closed weekdays, yearly closing days, holidays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from salesflow.forecasting.history import Flags, Floats, Integers, date_of, day_number, weekdays

RECENT_WEEKS = 12
NEARLY_NEVER = 0.15
"""A weekday on which the shop was open in less than this share of its last twelve weeks with sales is closed."""
LONG_CLOSURE_DAYS = 4
"""A run of closed days this long (a holiday of the whole shop, or a gap in the data) says nothing about weekdays."""
REOPENED_WEEKS = 3
HOLIDAY_PRIOR = 2.0
HOLIDAY_INTERVAL_FACTOR = 1.5


@dataclass(frozen=True)
class Opening:
    """What to expect of the days ahead, arrays [n_ahead].

    open: whether the shop is expected to sell at all.
    factor: what a holiday does to an open day's sales (1 on other days).
    spread: what a holiday does to the width of the interval (1 on other days).
    """

    open: Flags
    factor: Floats
    spread: Floats


def closed_weekdays(days: Integers, was_open: Flags) -> tuple[int, ...]:
    """The weekdays (0 Monday) on which the shop is nearly never open, from its last twelve weeks.

    days: consecutive day numbers [n_days]; was_open: [n_days]. Days of a long closure do not count, and neither does the
    past of a weekday on which the shop was open the last three times; one shut the last six times is closed now.
    """
    counts = ~_long_closures(was_open)
    if not counts.any():
        counts = np.ones_like(was_open)
    closed = []
    for weekday in range(7):
        seen = was_open[counts & (weekdays(days) == weekday)][-RECENT_WEEKS:]
        if not len(seen):
            continue
        newly_open = len(seen) >= REOPENED_WEEKS and seen[-REOPENED_WEEKS:].all()
        newly_shut = len(seen) >= 6 and not seen[-6:].any()
        if (seen.mean() < NEARLY_NEVER and not newly_open) or newly_shut:
            closed.append(weekday)
    return tuple(closed) if len(closed) < 7 else ()


def expected_opening(
    days: Integers, was_open: Flags, unusual: Floats, ahead: Integers, holidays: Mapping[date, str]
) -> Opening:
    """The days ahead of a shop.

    days [n_days], was_open [n_days]: its past. unusual [n_days]: sales over the usual ones of such a day (NaN: unknown), to
    learn what a holiday does. ahead [n_ahead]: day numbers. holidays: dates and names, past and future.

    A holiday on which the shop was always or mostly shut before is a closed day: by its own name where that was seen, else by
    all holidays seen. A date (such as 1 January) that was shut in each of at least two years is closed too.
    """
    closed = np.isin(weekdays(ahead), closed_weekdays(days, was_open))
    closed |= np.isin(ahead, _yearly_closing_days(days, was_open, ahead))
    factor, spread = np.ones(len(ahead)), np.ones(len(ahead))
    names = {day_number(day): name for day, name in holidays.items()}
    usual = ~np.isin(weekdays(days), closed_weekdays(days, was_open))
    past = [
        (names[int(d)], bool(o), float(u))
        for d, o, u, k in zip(days, was_open, unusual, usual, strict=True)
        if int(d) in names and k
    ]
    for n, day in enumerate(ahead):
        if int(day) not in names:
            continue
        spread[n] = HOLIDAY_INTERVAL_FACTOR
        seen = [entry for entry in past if entry[0] == names[int(day)]] or past
        if not seen:
            continue
        if sum(opened for _, opened, _ in seen) <= len(seen) / 2:
            closed[n] = True
            continue
        ratios = [min(max(u, 0.0), 5.0) for _, _, u in seen if np.isfinite(u)]
        factor[n] = (sum(ratios) + HOLIDAY_PRIOR) / (len(ratios) + HOLIDAY_PRIOR)
    return Opening(~closed, factor, spread)


def _long_closures(was_open: Flags) -> Flags:
    edges = np.flatnonzero(np.diff(np.concatenate([[True], was_open, [True]]).astype(np.int8)))
    flags = np.zeros(len(was_open), dtype=bool)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin >= LONG_CLOSURE_DAYS:
            flags[begin:end] = True
    return flags


def _yearly_closing_days(days: Integers, was_open: Flags, ahead: Integers) -> list[int]:
    first = int(days[0])
    shut = set(days[~was_open].tolist())
    answer = []
    for number in ahead.tolist():
        day = date_of(number)
        if (day.month, day.day) == (2, 29):
            continue
        before = [day_number(day.replace(year=day.year - back)) for back in range(1, 6)]
        known = [n for n in before if first <= n <= days[-1]]
        if len(known) >= 2 and shut.issuperset(known):
            answer.append(number)
    return answer
