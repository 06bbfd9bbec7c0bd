"""What kind of day it was: open, closed, missing or partial, from the shop's day table alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesflow.analytics.opening import trading_weekdays
from salesflow.findings.event import DayState

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]

EARLY_MINUTES, WEEKS = 60, 8
MISSING_SHARE = 0.15
"""A day is partial when it stops an hour before its earliest usual close, and at least this share of sales usually comes after."""

CUT_BY_CHANCE, SLOW = 0.002, 0.5
"""Of few sales the last is early by chance: only less likely than this a day is cut. One with less than half the sales that are usual up to

then is slow, and judged by its own number of sales."""

ALIKE = 20.0
"""Shape of the gamma distribution of a weekday's mean number of sales: its days are alike to within a fifth or so."""


SAME_AGAIN = 2
"""Weekdays of the same name that were missing before, one after the other, while the shop traded between: the third is no news."""


@dataclass(frozen=True)
class DayFinding:
    """State of a day; `since`: first day of a run of missing days; `minutes_short`, `usual_edge`: how much a partial day lacks, at its end or

    (`late_start`) its beginning. `by_chance`: that so few sales as usual are none at all on the missing days; `again`: a weekday that the shop

    now is closed on, or closes early or opens late on, week after week.
    """

    state: DayState
    since: date
    minutes_short: int = 0
    usual_edge: str = ""
    cut_at: str = ""
    late_start: bool = False
    by_chance: float = 0.0
    again: bool = False


def day_grid(shop: pd.DataFrame, until: date) -> pd.DataFrame:
    """The shop's day table with one row for every day from the first to `until`, days without a row empty; index: the date."""
    table = shop.assign(date=pd.to_datetime(shop["date"])).sort_values("date").set_index("date")
    if table.index.has_duplicates:
        raise ValueError(f"shop has more than one row for {table.index[table.index.duplicated()][0]:%Y-%m-%d}")
    table = table[table.index <= pd.Timestamp(until)]
    first = table.index[0] if len(table) else pd.Timestamp(until)
    return table.reindex(pd.date_range(first, pd.Timestamp(until)))


def traded(grid: pd.DataFrame) -> pd.Series:
    """True for the days of `grid` with at least one transaction."""
    return grid["transactions"].fillna(0) > 0


def trading_weekday(is_open: pd.Series, day: pd.Timestamp, before: pd.Timestamp) -> bool | None:
    """Does the shop trade on the weekday of `day`, by the days before `before` (`analytics.opening`)? None: too few are known."""
    past = is_open[is_open.index < before]
    days = past.index.to_numpy().astype("datetime64[D]").astype(np.int64)
    return trading_weekdays(days, past.to_numpy(dtype=bool))[day.day_of_week]


def missing_since(is_open: pd.Series, day: pd.Timestamp, holidays: dict[date, str]) -> pd.Timestamp | None:
    """First day of the run of missing days that `day` ends, closed weekdays passed over; None if `day` itself is not missing."""
    start = day
    while start > is_open.index[0] and not is_open.get(start - pd.Timedelta(days=1), False):
        start -= pd.Timedelta(days=1)
    # Judge every weekday by the time before the silence, or a long closure would make itself the usual thing.
    missing = [
        d for d in pd.date_range(start, day) if trading_weekday(is_open, d, start) is True and d.date() not in holidays
    ]
    return missing[0] if missing and missing[-1] == day else None


def classify_days(
    shop: pd.DataFrame,
    business_dates: Sequence[date],
    *,
    holidays: dict[date, str] | None = None,
) -> Iterator[DayFinding]:
    """The state of each date, by the days before it. `shop`: columns date, transactions, first_sale, last_sale and hourly revenue h00..h23."""
    grid = day_grid(shop, max(business_dates))
    is_open, edges = traded(grid), _Edges.of(grid)
    for business_date in business_dates:
        day = pd.Timestamp(business_date)
        known = is_open.loc[:day]
        if not known.get(day, False):
            since = missing_since(known, day, holidays or {}) if len(known) else None
            yield (
                DayFinding(DayState.CLOSED, business_date)
                if since is None
                else edges.missing(known.to_numpy(), day, since)
            )
            continue
        yield edges.partial(known.to_numpy(), day) or DayFinding(DayState.OPEN, business_date)


def missing_days(shop: pd.DataFrame, until: date, *, holidays: dict[date, str] | None = None) -> list[date]:
    """Every missing day of the table up to `until`."""
    is_open = traded(day_grid(shop, until))
    return [d.date() for d in is_open.index[~is_open] if missing_since(is_open, d, holidays or {}) is not None]


@dataclass(frozen=True, eq=False)
class _Edges:
    """When the days began and ended. `minutes`: of last_sale and first_sale since the date's midnight, [n_days], NaN where unknown;
    `hours` [n_days, 48 or fewer] of revenue since then, `None` where the table has none; `transactions` [n_days]."""

    weekday: Integers
    transactions: Floats
    minutes: dict[str, Floats]
    hours: Floats | None

    @classmethod
    def of(cls, grid: pd.DataFrame) -> "_Edges":
        hours = [c for c in (f"h{h:02d}" for h in range(24)) if c in grid]
        minutes = {column: _minutes(grid[column]) for column in ("last_sale", "first_sale") if column in grid}
        return cls(
            pd.DatetimeIndex(grid.index).day_of_week.to_numpy(),
            grid["transactions"].fillna(0).to_numpy(dtype=float),
            minutes,
            _of_the_business_date(grid[hours].fillna(0).to_numpy(dtype=float).clip(min=0), minutes) if hours else None,
        )

    def missing(self, is_open: NDArray[np.bool_], day: pd.Timestamp, since: pd.Timestamp) -> DayFinding:
        """The last of the days `is_open` [n], without a sale since a date: by chance, for another week, or neither."""
        t = len(is_open) - 1
        run = np.arange(t - (day - since).days, t + 1)
        usual = sum(
            _mean(self.transactions[: run[0]][is_open[: run[0]] & (self.weekday[: run[0]] == self.weekday[d])][-WEEKS:])
            for d in run
        )
        weeks = t - 7 * np.arange(1, SAME_AGAIN + 1)
        again = (
            len(run) == 1 and weeks[-1] > 0 and not is_open[weeks].any() and bool(is_open[t - 7 * SAME_AGAIN : t].any())
        )
        return DayFinding(
            DayState.MISSING, since.date(), by_chance=_no_sale_in(1.0, 0.0, usual) if usual else 0.0, again=again
        )

    def partial(self, is_open: NDArray[np.bool_], day: pd.Timestamp) -> DayFinding | None:
        """What the last of the days `is_open` [n] lacks; None where nothing."""
        t = len(is_open) - 1
        past = np.flatnonzero(is_open[:t])[-60:]
        same = past[self.weekday[past] == self.weekday[t]]
        if len(past) < 12 or len(same) < 2 or "last_sale" not in self.minutes:
            return None
        for column, minutes in self.minutes.items():
            sign = -1 if column == "last_sale" else 1
            known = same[np.isfinite(minutes[same])]
            if not len(known) or np.isnan(minutes[t]):
                continue
            weeks = _weeks_alike(minutes[known] - minutes[t], sign * (minutes[t] - minutes[past[past > known[-1]]]))
            known = known[: len(known) - weeks]
            usual = np.ones(1) if self.hours is None else self.hours[known].sum(axis=0)
            edge = float(np.quantile(minutes[known], 0.1 if sign < 0 else 0.9))
            short = sign * (minutes[t] - edge)
            at = int(minutes[t] // 60)
            lost = usual[at + 1 :].sum() if sign < 0 else usual[:at].sum()
            share = lost / usual.sum() if usual.sum() > 0 and self.hours is not None else 1.0
            by_chance = _no_sale_in(share, self.transactions[t], float(self.transactions[known].mean()))
            if short > EARLY_MINUTES and share >= MISSING_SHARE and by_chance < CUT_BY_CHANCE:
                return DayFinding(
                    DayState.PARTIAL, day.date(), round(short), _clock(edge), _clock(float(minutes[t])),
                    late_start=sign > 0, again=weeks > 0,
                )  # fmt: skip
        return None


def _weeks_alike(off: Floats, short: Floats) -> int:
    """How many of the last days of a weekday were cut as this one is: its new hours, which week after week are no news.

    `off` [n]: minutes between this day's edge and those of the weekday's days before, oldest first; `short` [m]: minutes that this day lacks
    against the days since the last of them. 0 where these are short as well, or fewer than two days would be left to compare with.
    """
    unlike = np.flatnonzero(np.abs(off) > EARLY_MINUTES)
    if len(unlike) < 2 or not len(short) or np.median(np.nan_to_num(short)) < np.median(np.abs(off[unlike])) / 2:
        return 0
    return len(off) - 1 - int(unlike[-1])


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


def _no_sale_in(share: float, sales: float, usual: float) -> float:
    """How likely a day of so many sales has none in the hours that usually have this share of them: Poisson with a gamma prior around the

    usual number, updated by what the rest of the day had."""
    if sales < SLOW * usual * (1 - share):
        return float((1 - share) ** sales)
    prior = ALIKE / usual
    return float(((prior + 1 - share) / (prior + 1)) ** (ALIKE + sales))


def _minutes(moments: pd.Series) -> Floats:
    """Minutes since midnight of the business date, which is the index: 26:30 is half past two in the night after it."""
    since = pd.to_datetime(moments) - pd.DatetimeIndex(moments.index)
    return (since.dt.total_seconds() // 60).to_numpy(dtype=float, na_value=np.nan)


def _of_the_business_date(hours: Floats, minutes: dict[str, Floats]) -> Floats:
    """The hours of the clock [n_days, n_hours] in the order of a day that ends in the night: those after midnight as hours 24 and up."""
    latest = np.nanmax(minutes.get("last_sale", np.zeros(1)), initial=0.0)
    into_the_night = max(int(latest // 60) + 1 - 24, 0)
    if not into_the_night:
        return hours
    of_the_night = np.arange(hours.shape[1]) < into_the_night
    return np.concatenate([np.where(of_the_night, 0, hours), np.where(of_the_night, hours, 0)], axis=1)


def _clock(minutes: float) -> str:
    return f"{int(minutes) // 60 % 24:02d}:{int(minutes) % 60:02d}"
