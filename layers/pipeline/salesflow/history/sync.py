"""Bringing the history up to date from the SalesFlow API, as little of it as is needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from salesflow.history.coverage import Coverage, extend_coverage, read_coverage
from salesflow.history.panel import DailyPanel, panel_of
from salesflow.history.reading import Reading
from salesflow.history.set_aside import SetAside, SetAsideRecord
from salesflow.history.shop_days import ShopDays
from salesflow.s3 import ObjectStore

if TYPE_CHECKING:
    from salesflow.history.lines import SaleLineHistory
    from salesflow.source.client import SalesFlowClient
    from salesflow.source.records import RejectedRecord, SalesBatch


@dataclass(frozen=True, slots=True)
class Demand:
    """What a job needs of the history.

    business_date: the day it works for. complete: whether that day is over. first_day: the earliest day it looks at.
    asked_on: the day, in the merchant's zone, of the moment that the job was scheduled for. rebuild: read everything again.
    """

    business_date: date
    complete: bool
    first_day: date
    asked_on: date
    rebuild: bool = False


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """Which days to ask the API for, and what is covered once they are stored."""

    since: date
    gained: Coverage


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """What a sync did: the first day it read again, the sale records read, and the batch with what was set aside."""

    since: date
    batch: "SalesBatch"
    coverage: Coverage


def plan_sync(
    demand: Demand, covered: Mapping[str, Coverage | None], *, history_days: int, overlap_days: int
) -> SyncPlan:
    """The first day to ask for.

    On a fresh stack, or for a rebuild, that is `history_days` before the business date. Otherwise it is the first day that
    is lacking, or the business date where none is, less `overlap_days`: sales entered offline arrive late, and days are
    corrected afterwards. A job that looks further back than anything stored reads from its own first day.
    """
    whole = min(demand.business_date - timedelta(days=history_days), demand.first_day)
    since = demand.business_date
    for part in covered.values():
        if demand.rebuild or part is None:
            since = min(since, whole)
            continue
        lacking = min(part.last + timedelta(days=1), demand.business_date)
        since = min(since, lacking - timedelta(days=overlap_days))
        if demand.first_day < part.first:
            since = min(since, demand.first_day)
    complete_through = demand.business_date if demand.complete else demand.business_date - timedelta(days=1)
    return SyncPlan(since, Coverage(min(since, complete_through), complete_through))


class History:
    """The sales history of the shop: what jobs read sales from, and bring up to date first.

    `lines` is None in the model functions, which have no pyarrow: they keep the daily panel and the shop's days alone.
    """

    def __init__(
        self,
        store: ObjectStore,
        panel: DailyPanel,
        shop_days: ShopDays,
        lines: "SaleLineHistory | None",
        set_aside: SetAside,
        *,
        history_days: int,
        overlap_days: int,
    ) -> None:
        self._store = store
        self._panel = panel
        self._shop_days = shop_days
        self._lines = lines
        self._set_aside = set_aside
        self._history_days = history_days
        self._overlap_days = overlap_days

    def sync(self, client: "SalesFlowClient", demand: Demand, *, read_at: datetime) -> SyncOutcome:
        """Read what is lacking and store it: months first, then what is covered, so that a crash repeats the read at worst.

        read_at: the moment before the read (aware); of two jobs at once, the later read is the truth.
        """
        parts = ("sales", "daily", "shop") if self._lines is not None else ("daily", "shop")
        covered = {part: read_coverage(self._store, part) for part in parts}
        plan = plan_sync(demand, covered, history_days=self._history_days, overlap_days=self._overlap_days)
        batch = client.fetch_sales_since(plan.since, asked_on=demand.asked_on)
        reading = Reading(plan.since, read_at)
        # What was set aside is remembered before the days count as covered: a crash between repeats the read.
        self._set_aside.replace_days([_remembered(record) for record in batch.rejected], reading)
        if self._lines is not None:
            self._lines.replace_days(batch.lines, reading, demand.asked_on)
            extend_coverage(self._store, "sales", plan.gained)
        self._panel.replace_days(panel_of(batch.lines), reading, demand.asked_on)
        extend_coverage(self._store, "daily", plan.gained)
        self._shop_days.replace_days(batch.lines, reading, demand.asked_on)
        extend_coverage(self._store, "shop", plan.gained)
        known = [part for part in covered.values() if part is not None]
        coverage = plan.gained.joined(known[0] if known and not demand.rebuild else None)
        return SyncOutcome(plan.since, batch, coverage)

    def read_lines(self, first: date, last: date) -> pd.DataFrame:
        """The sale lines of the days from first to last (schema: `salesflow.analytics.lines`)."""
        if self._lines is None:
            raise TypeError("Sale lines are kept as Parquet; this function has the daily panel alone.")
        return self._lines.read(first, last)

    def read_panel(self, first: date, last: date) -> pd.DataFrame:
        """The daily panel of the days from first to last."""
        return self._panel.read(first, last)

    def read_shop_days(self, first: date, last: date) -> pd.DataFrame:
        """The shop's days from first to last (schema: `salesflow.history.shop_days`)."""
        return self._shop_days.read(first, last)

    def read_returns(self, first: date, last: date) -> pd.DataFrame:
        """What came back on the days from first to last, one row a day and SKU."""
        return self._shop_days.read_returns(first, last)

    def set_aside(self, first: date, last: date) -> list[SetAsideRecord]:
        """The records of those days that could not be used, and those whose day cannot be told."""
        return self._set_aside.read(first, last)


def _remembered(record: "RejectedRecord") -> SetAsideRecord:
    day = None if record.day is None else record.day.isoformat()
    return SetAsideRecord(record.call, record.record, record.field, record.reason, day)
