"""On which days to come the shop will be open, from the days on which it was: closed weekdays, yearly closing days, holidays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from salesflow.analytics.opening import trading_weekdays
from salesflow.forecasting.history import Flags, Floats, Integers, date_of, day_number, weekdays

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
    """The weekdays (0 Monday) on which the shop does not trade (`analytics.opening`); none where that would be all of them.

    days: consecutive day numbers [n_days]; was_open: [n_days].
    """
    closed = tuple(n for n, trades in enumerate(trading_weekdays(days, was_open)) if trades is False)
    return closed if len(closed) < 7 else ()


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
