"""How much of the source a sync asks for: what a job needs, what is covered, and what of it still stands. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from salesflow.history.coverage import Coverage
from salesflow.history.months import first_day

_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Demand:
    """What a job needs of the history.

    business_date: the day it works for. complete: whether that day is over. first_day: the earliest day it looks at.
    asked_on: the business date, in the merchant's zone, of the moment that the job was scheduled for. rebuild: read everything again.
    fresh_from: the first day that it is to read again from the source whatever is stored: a report's own days.
    """

    business_date: date
    complete: bool
    first_day: date
    asked_on: date
    rebuild: bool = False
    fresh_from: date | None = None


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """Which days to ask the API for, and what is covered once they are stored.

    lost: months that are not as their index has them, and are read again. because: why everything is, in words; empty where it is not.
    is_deep: whether it reads back as far as the week's deep read does.
    """

    since: date
    gained: Coverage
    lost: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    is_deep: bool = False


def plan_sync(
    demand: Demand,
    covered: Mapping[str, Coverage | None],
    *,
    history_days: int,
    overlap_days: int,
    deep_days: int = 0,
    lost: tuple[str, ...] = (),
) -> SyncPlan:
    """The first day to ask for.

    On a fresh stack, or for a rebuild, that is `history_days` before the business date. Otherwise it is the first day that
    is lacking, or the business date where none is, less `overlap_days`: sales entered offline arrive late, and days are
    corrected afterwards. A job that looks further back than anything stored reads from its own first day. Once a week
    (`deep_days` is 0 otherwise) as many days are read again; `lost` months ("2026-10") are read again from their first day.
    """
    whole = min(demand.business_date - timedelta(days=history_days), demand.first_day)
    since = demand.business_date if demand.fresh_from is None else min(demand.business_date, demand.fresh_from)
    for part in covered.values():
        if demand.rebuild or part is None:
            since = min(since, whole if part is None else min(whole, part.first))
            continue
        lacking = min(part.last + timedelta(days=1), demand.business_date)
        since = min(since, lacking - timedelta(days=overlap_days))
        if demand.first_day < part.first:
            since = min(since, demand.first_day)
    since = min([since, *(first_day(month) for month in lost)])
    deep = demand.business_date - timedelta(days=deep_days) if deep_days else demand.business_date
    since = min(since, deep)
    complete_through = demand.business_date if demand.complete else demand.business_date - timedelta(days=1)
    gained = Coverage(min(since, complete_through), complete_through)
    return SyncPlan(since, gained, lost, is_deep=bool(deep_days))


def is_deep_read_due(demand: Demand, last_one: date) -> bool:
    """Whether the week's deep read is still to be made: the first for a business date from Sunday on. last_one: its business date."""
    day = demand.business_date
    return demand.complete and last_one < day - timedelta(days=(day.weekday() - _SUNDAY) % 7)
