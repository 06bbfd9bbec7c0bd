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

EARLY_MINUTES = 60
MISSING_SHARE = 0.15
"""A day is partial when it stops an hour before its earliest usual close, and at least this share of sales usually comes after."""

CUT_BY_CHANCE = 0.01
"""Of a day with few sales the last is early by chance, with (1 - share that usually comes after)^sales: then it is a slow day, not a cut one."""


@dataclass(frozen=True)
class DayFinding:
    """State of a day; `since`: first day of a run of missing days; `minutes_short`, `usual_edge`: how much a partial day lacks."""

    state: DayState
    since: date
    minutes_short: int = 0
    usual_edge: str = ""
    cut_at: str = ""


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


def classify_day(
    shop: pd.DataFrame,
    business_date: date,
    *,
    holidays: dict[date, str] | None = None,
) -> DayFinding:
    """The state of `business_date`. `shop`: columns date, transactions, first_sale, last_sale and hourly revenue h00..h23."""
    return next(classify_days(shop, [business_date], holidays=holidays))


def classify_days(
    shop: pd.DataFrame,
    business_dates: Sequence[date],
    *,
    holidays: dict[date, str] | None = None,
) -> Iterator[DayFinding]:
    """`classify_day` of each date, by the days before it; the table is laid out once."""
    grid = day_grid(shop, max(business_dates))
    is_open, edges = traded(grid), _Edges.of(grid)
    for business_date in business_dates:
        day = pd.Timestamp(business_date)
        known = is_open.loc[:day]
        if not known.get(day, False):
            since = missing_since(known, day, holidays or {}) if len(known) else None
            yield DayFinding(
                DayState.CLOSED if since is None else DayState.MISSING, since.date() if since else business_date
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

    def partial(self, is_open: NDArray[np.bool_], day: pd.Timestamp) -> DayFinding | None:
        """What the last of the days `is_open` [n] lacks; None where nothing."""
        t = len(is_open) - 1
        past = np.flatnonzero(is_open[:t])[-60:]
        same = past[self.weekday[past] == self.weekday[t]]
        if len(past) < 12 or len(same) < 2 or "last_sale" not in self.minutes:
            return None
        usual = np.ones(1) if self.hours is None else self.hours[same].sum(axis=0)
        for column, minutes in self.minutes.items():
            sign = -1 if column == "last_sale" else 1
            known = minutes[same][np.isfinite(minutes[same])]
            if not len(known) or np.isnan(minutes[t]):
                continue
            edge = float(np.quantile(known, 0.1 if sign < 0 else 0.9))
            short = sign * (minutes[t] - edge)
            at = int(minutes[t] // 60)
            lost = usual[at + 1 :].sum() if sign < 0 else usual[:at].sum()
            share = lost / usual.sum() if usual.sum() > 0 and self.hours is not None else 1.0
            by_chance = (1 - share) ** self.transactions[t]
            if short > EARLY_MINUTES and share >= MISSING_SHARE and by_chance < CUT_BY_CHANCE:
                return DayFinding(DayState.PARTIAL, day.date(), round(short), _clock(edge), _clock(float(minutes[t])))
        return None


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
