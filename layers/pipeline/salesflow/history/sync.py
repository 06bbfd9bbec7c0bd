"""Bringing the history up to date from the SalesFlow API, as little of it as is needed."""

import collections
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Self
from zoneinfo import ZoneInfo

import pandas as pd

from salesflow.analytics.lines import SaleLines
from salesflow.errors import HistoryDamaged, HistoryOfNewerVersion, HistoryWrittenOtherwise, SourceForgetsSales
from salesflow.history.coverage import Coverage, Index, Part, what_counts
from salesflow.history.doubt import Loss, large_loss, sales_by_day, say_the_same
from salesflow.history.months import first_day, months, side_by_side, window_of
from salesflow.history.panel import DailyPanel, panel_of
from salesflow.history.passing import PassingLines
from salesflow.history.plan import Demand, SyncPlan, is_deep_read_due, plan_sync
from salesflow.history.reading import NEVER, Reading
from salesflow.history.set_aside import SetAside, SetAsideRecord
from salesflow.history.shop_days import ShopDays, returns_of, shop_days_of, shop_form
from salesflow.history.terms import Terms
from salesflow.s3 import ObjectStore
from salesflow.settings import Settings
from salesflow.windows import Window, business_date_at, business_date_of

if TYPE_CHECKING:
    from salesflow.analytics.sold_days import SoldDays
    from salesflow.history.lines import SaleLineHistory
    from salesflow.source.client import SalesFlowClient
    from salesflow.source.records import RejectedRecord, SalesBatch

__all__ = ["Demand", "History", "SyncOutcome", "SyncPlan"]

_FOLDER: Final = "history/"
_LINES: Final = "lines.parquet"
_MADE_OF_LINES: Final[Mapping[str, Callable[[SaleLines], pd.DataFrame]]] = {
    "daily.csv.gz": panel_of,
    "shop.csv.gz": shop_days_of,
    "returns.csv.gz": returns_of,
}
"""What is made of the sale lines of a month, by the file that holds it."""
_BEFORE_STOCK: Final = "history/stock/"
"""Of the history's keys those of the snapshots come last; there is one a day, and no sync asks for them."""


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """What a sync did: its plan, what was set aside of the days that were read, and the days that are known now.

    sales: how many were read (0 where the job goes by another one's read). newest_sale: of those that were read (naive, the shop's clock).
    loss: what the source no longer has, where it was much and two reads said so. clock_trouble: what speaks against the source's clock.
    """

    plan: SyncPlan
    coverage: Coverage
    set_aside: Sequence[SetAsideRecord]
    sales: int = 0
    clock_trouble: str = ""
    newest_sale: datetime | None = None
    loss: Loss | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What stands in the bucket as a sync begins, and what it is to do. known: by part, what of it counts; None: nothing.

    through: the business date of the read; what is later is not stored.
    """

    plan: SyncPlan
    known: Mapping[str, Index | None]
    through: date

    @property
    def window(self) -> Window:
        """The business dates that the read is the truth for."""
        return Window(self.plan.since, self.through)


class History:
    """The sales history of the shop: what jobs read sales from, and bring up to date first.

    `lines` is None in the model functions, which have no pyarrow: they keep the daily panel and the shop's days alone.
    """

    def __init__(
        self,
        store: ObjectStore,
        terms: Terms,
        lines: "SaleLineHistory | None",
        *,
        history_days: int,
        overlap_days: int,
        deep_overlap_days: int,
    ) -> None:
        self._store = store
        self._terms = terms
        self._panel = DailyPanel(store, terms)
        self._shop_days = ShopDays(store, terms)
        self._lines = lines
        self._set_aside = SetAside(store)
        self._history_days = history_days
        self._overlap_days = overlap_days
        self._deep_overlap_days = deep_overlap_days
        self._parts = (
            *(() if lines is None else (Part("sales", (lines.table,)),)),
            Part("daily", (self._panel.table,)),
            Part("shop", (self._shop_days.days, self._shop_days.returns)),
        )

    @classmethod
    def of(cls, store: ObjectStore, settings: Settings, *, with_lines: bool) -> Self:
        """The history of a stack. with_lines: whether sale lines are kept too, which needs pyarrow."""
        terms, lines = Terms.of(settings), None
        if with_lines:
            from salesflow.history.lines import SaleLineHistory

            lines = SaleLineHistory(store, terms)
        return cls(
            store,
            terms,
            lines,
            history_days=settings.history_days,
            overlap_days=settings.history_overlap_days,
            deep_overlap_days=settings.deep_overlap_days,
        )

    def look(self, today: date) -> dict[str, str]:
        """What is wrong with each part as it is stored, in words, for who looks after the stack; nothing is changed.

        Empty for a part that is well, and for one that was never written. Raises HistoryDamaged, HistoryOfNewerVersion.
        """
        listed = self._store.survey(_FOLDER, before=_BEFORE_STOCK)
        found = {}
        for part in self._parts:
            if self._store.read(part.key) is None:
                continue
            index = part.index(self._store, today + timedelta(days=1))
            if index is None:
                found[part.name] = "its index claims days that are still to come"
            elif differences := self._differences(part, index, listed):
                found[part.name] = f"it was written under other settings: {', '.join(differences)}"
            elif lost := part.lost(index, listed):
                found[part.name] = f"{', '.join(lost)} not as written: deleted, rolled back or changed by hand"
        return found

    def plan(self, demand: Demand, *, read_at: datetime) -> SyncPlan:
        """What a sync begun at `read_at` (aware) would ask the source for; nothing is changed."""
        return self._find(demand, read_at).plan

    def sync(
        self, client: "SalesFlowClient", demand: Demand, *, read_at: datetime, shared_for: timedelta = timedelta(0)
    ) -> SyncOutcome:
        """Read what is lacking and store it, a month after the other, each before it counts as covered: a crash repeats a month at worst.

        read_at: the moment before the read (aware); of two jobs at once, the later read is the truth. shared_for: how old another
        job's read may be to be gone by instead.
        """
        found = self._find(demand, read_at)
        plan, reading = found.plan, Reading(found.plan.since, read_at)
        if shared_for and self._is_known(demand, found, read_at, shared_for):
            return self._known(found)
        batch, loss = self._read(client, demand, found)
        # What was set aside is remembered before the days count as covered: a crash between repeats the read.
        set_aside = [_remembered(record, found.through, self._terms.day_ends_at) for record in batch.rejected]
        self._set_aside.replace_days(set_aside, reading)
        tables = {table.file: table for part in self._parts for table in part.tables}
        written: dict[str, dict[str, str | None]] = {}
        newest = None
        for month in months(found.window.first, found.window.last):
            window = window_of(month, found.window.first, found.window.last)
            passing = PassingLines(batch.sales, window, self._terms.day_ends_at, _MADE_OF_LINES)
            written[month] = tags = {}
            if self._lines is None:
                collections.deque(passing, maxlen=0)
            else:
                tags[_LINES] = self._lines.table.replace_month(month, passing, reading)
            for file in _MADE_OF_LINES:
                tags[file] = tables[file].replace_month(month, passing.made[file], reading)
            newest = passing.newest or newest
            is_last = window.last == found.window.last
            if not is_last and not any(tags.values()):
                continue  # nothing was ever sold in it: it is covered with the next one
            side_by_side(
                partial(
                    self._extend,
                    found,
                    written,
                    gained=replace(plan.gained, last=min(window.last, plan.gained.last)),
                    deep_read=demand.business_date if plan.is_deep else date.min,
                    is_last=is_last,
                    read=reading if is_last and loss is None and not batch.clock_trouble else NEVER,
                ),
                [part.name for part in self._parts],
            )
        known = found.known[self._parts[0].name]
        coverage = plan.gained.joined(None if known is None else known.covered)
        return SyncOutcome(plan, coverage, set_aside, batch.records, batch.clock_trouble, newest, loss)

    def _is_known(self, demand: Demand, found: _Found, now: datetime, most: timedelta) -> bool:
        """Whether a read of another job told all that this one would ask for."""
        plan = found.plan
        if demand.rebuild or plan.because or plan.lost:
            return False
        return all(
            index is not None and plan.gained.last <= index.covered.last and index.read.is_enough(plan.since, now, most)
            for index in found.known.values()
        )

    def _known(self, found: _Found) -> SyncOutcome:
        """The outcome of a sync that had nothing to ask for."""
        days = self._shop_days.read(found.window.first, found.window.last)
        newest = None if days.empty else days["last_sale"].max().to_pydatetime()
        index = found.known[self._parts[0].name]
        covered = found.plan.gained if index is None else index.covered
        return SyncOutcome(
            found.plan, covered, self.set_aside(found.window.first, found.window.last), newest_sale=newest
        )

    def known_from(self, coverage: Coverage, first_wanted: date) -> date:
        """The first day of which anything can be said: what lies before the first sale is unknown, not zero.

        Exact where that is not before `first_wanted`; else some day before. Without any sale it is the first covered day.
        """
        table = self._shop_days.days
        for month in months(coverage.first, coverage.last):
            if not self._store.exists(table.key(month)):
                continue
            if month < f"{first_wanted:%Y-%m}":
                return max(coverage.first, first_day(month))
            window = window_of(month, coverage.first, coverage.last)
            days = self._shop_days.read(window.first, window.last)
            if not days.empty:
                first: date = days["date"].iloc[0].date()
                return first
        return coverage.first

    def read_lines(self, first: date, last: date) -> pd.DataFrame:
        """The sale lines of the business dates from first to last (schema: `salesflow.analytics.lines`)."""
        return self._of_lines().read(first, last)

    def read_sold_days(self, first: date, last: date) -> "SoldDays":
        """What was sold on the business dates from first to last: a report's figures, of any number of lines."""
        return self._of_lines().sold_days(first, last)

    def _of_lines(self) -> "SaleLineHistory":
        if self._lines is None:
            raise TypeError("Sale lines are kept as Parquet; this function has the daily panel alone.")
        return self._lines

    def read_panel(self, first: date, last: date, *, skus: Sequence[str] | None = None) -> pd.DataFrame:
        """The daily panel of the days from first to last; of some products alone where their SKUs are given."""
        if skus is None:
            return self._panel.read(first, last)
        return self._panel.read(first, last, lambda rows: rows[rows["sku"].isin(skus)])

    def read_shop_days(self, first: date, last: date) -> pd.DataFrame:
        """The shop's days from first to last (schema: `salesflow.history.shop_days`)."""
        return self._shop_days.read(first, last)

    def read_returns(self, first: date, last: date) -> pd.DataFrame:
        """What came back on the days from first to last, one row a day and SKU."""
        return self._shop_days.read_returns(first, last)

    def set_aside(self, first: date, last: date) -> list[SetAsideRecord]:
        """The records of those days that could not be used, and those whose day cannot be told."""
        return self._set_aside.read(first, last)

    def _find(self, demand: Demand, read_at: datetime) -> _Found:
        through = max(demand.asked_on, business_date_at(read_at, ZoneInfo(self._terms.zone), self._terms.day_ends_at))
        listed = self._store.survey(_FOLDER, before=_BEFORE_STOCK)
        horizon = min(demand.business_date - timedelta(days=self._history_days), demand.first_day)
        known: dict[str, Index | None] = {}
        covered: dict[str, Coverage | None] = {}
        lost: set[str] = set()
        because: dict[str, None] = {}
        for part in self._parts:
            index = self._index(part, demand, through + timedelta(days=1))
            covered[part.name] = None if index is None else index.covered
            known[part.name] = None
            if index is None:
                continue
            differences = self._differences(part, index, listed, even_newer=demand.rebuild)
            because |= dict.fromkeys(differences)
            if not differences and not demand.rebuild:
                gone = part.lost(index, listed)
                lost |= {month for month in gone if first_day(month) >= horizon}
                known[part.name] = counts = what_counts(part, index, listed, gone, horizon)
                covered[part.name] = None if counts is None else counts.covered
        anew = demand.rebuild or bool(because)
        deep_read = min(date.min if index is None else index.deep_read for index in known.values())
        plan = plan_sync(
            replace(demand, rebuild=anew),
            covered,
            history_days=self._history_days,
            overlap_days=self._overlap_days,
            deep_days=self._deep_overlap_days if is_deep_read_due(demand, deep_read) else 0,
            lost=() if anew else tuple(sorted(lost)),
        )
        if anew:
            known = dict.fromkeys(known)
        if because:  # whole months: nothing of one that was written under other settings may remain
            since = plan.since.replace(day=1)
            plan = replace(plan, since=since, gained=replace(plan.gained, first=since), because=tuple(because))
        return _Found(plan, known, through)

    def _index(self, part: Part, demand: Demand, latest: date) -> Index | None:
        try:
            return part.index(self._store, latest)
        except HistoryDamaged:
            if demand.rebuild:
                return None
            raise

    def _differences(
        self, part: Part, index: Index, listed: Mapping[str, str], *, even_newer: bool = False
    ) -> tuple[str, ...]:
        """How the settings that a part was written under differ from those of now."""
        words, table = index.words, part.tables[0]
        if not words:  # 1.0.0's: of its files the Parquet ones say their currency
            standing = [
                month for month in months(index.covered.first, index.covered.last) if table.key(month) in listed
            ]
            words = table.words(standing[-1]) if standing else {}
        try:
            return self._terms.differences(words, self._store.place(part.key))
        except HistoryOfNewerVersion as error:
            if not even_newer:
                raise
            return (error.message,)

    def _read(self, client: "SalesFlowClient", demand: Demand, found: _Found) -> "tuple[SalesBatch, Loss | None]":
        """The sales of the plan's days. An answer that lacks much of what is stored is believed where a second one says the same."""
        batch = client.fetch_sales_since(found.plan.since, asked_on=demand.asked_on)
        try:
            stored = self._shop_days.read(found.window.first, found.window.last)
        except (HistoryDamaged, HistoryWrittenOtherwise, HistoryOfNewerVersion):
            if demand.rebuild or found.plan.because or found.plan.lost:
                return batch, None  # what cannot be read cannot be compared
            known = found.known["shop"]
            if known is None or known.covered.last >= found.window.last:
                raise
            # A run that wrote everything anew may have ended in the middle: what comes then counts no more.
            stored = self._shop_days.read(found.window.first, known.covered.last)
        if large_loss(stored, sales_by_day(batch.sales.moments, self._terms.day_ends_at)) is None:
            return batch, None
        first = self._days_sold(batch, found.window)
        batch = client.fetch_sales_since(found.plan.since, asked_on=demand.asked_on)
        second = self._days_sold(batch, found.window)
        loss = large_loss(stored, second)
        if loss is not None and not say_the_same(first, second):
            raise SourceForgetsSales(
                f"Of {loss.sales_before} sales that are stored of {loss.days[0]} to {loss.days[-1]} the SalesFlow API gives "
                f"{loss.sales_now}, and asked twice it answers differently. Nothing was changed.",
                action="Look at the SalesFlow service and its database; the next run asks again.",
            )
        return batch, loss

    def _days_sold(self, batch: "SalesBatch", window: Window) -> pd.DataFrame:
        """The shop's days of all of them."""
        passing = PassingLines(batch.sales, window, self._terms.day_ends_at, {"": shop_days_of})
        collections.deque(passing, maxlen=0)
        days = passing.made[""]
        return pd.concat(days, ignore_index=True) if days else shop_form(self._terms.currency.digits).empty()

    def _extend(
        self,
        found: _Found,
        written: Mapping[str, Mapping[str, str | None]],
        name: str,
        *,
        gained: Coverage,
        deep_read: date,
        is_last: bool,
        read: Reading,
    ) -> None:
        part = next(part for part in self._parts if part.name == name)
        tags = {month: {table.file: files[table.file] for table in part.tables} for month, files in written.items()}
        latest = found.through + timedelta(days=1)
        known = found.known[name]
        # Where nothing was known, all that is covered by now was read by this very sync: a retry need not go deep again.
        deep = deep_read if is_last or known is None else date.min
        part.extend(self._store, gained, tags, known=known, deep_read=deep, latest=latest, read=read)


def _remembered(record: "RejectedRecord", today: date, day_ends_at: time) -> SetAsideRecord:
    """The record as it is kept, of its business date. One that is still to come has no day yet: whoever asks next is told of it."""
    day = None if record.moment is None else business_date_of(record.moment, day_ends_at)
    said = None if day is None or day > today else day.isoformat()
    return SetAsideRecord(record.call, record.record, record.field, record.reason, said)
