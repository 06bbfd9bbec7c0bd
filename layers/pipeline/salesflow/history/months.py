"""Tables kept one object a calendar month, of which each sync replaces the days that it read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache, partial
from itertools import chain, islice
from typing import IO, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import union_categoricals

from salesflow.errors import HistoryDamaged, HistoryWrittenOtherwise, SalesFlowError
from salesflow.history.csv_table import MEDIA_TYPE, CsvTable, Kind, TooManyDigits
from salesflow.history.reading import METADATA, Reading
from salesflow.history.terms import Terms
from salesflow.s3 import Content, ObjectStore, StoredObject, opened
from salesflow.windows import Window

_AT_ONCE: Final = 8
"""Months read or written side by side; the SDK keeps ten connections."""
BATCH_BYTES: Final = 4_000_000
"""What is read at a time of a large month: some 300,000 sale lines."""
_A_DAY: Final = timedelta(days=1)
_REBUILD: Final = 'Fire sync_history with {"rebuild": true}: it reads the history again from the SalesFlow API.'


@dataclass(frozen=True, slots=True)
class MonthlyTable:
    """How one table is kept: in which folder and file of a month, encoded how, and which day a row is of.

    A month is that of the business date. encode must give the same bytes for the same rows, which come in tables of some whole
    days, one run of days after the other; decode may raise anything, and may leave out rows of days outside of the window that it
    is told. days: the business date of each row as datetime64[D]. words_of: what the body itself says that it was written under,
    where the object's metadata does not. is_in_order: a few days can be had of it without all others.
    """

    store: ObjectStore
    terms: Terms
    folder: str
    file: str
    media_type: str
    encode: Callable[[Iterable[pd.DataFrame]], Content]
    decode: Callable[[IO[bytes], Window], pd.DataFrame]
    days: Callable[[pd.DataFrame], npt.NDArray[np.datetime64]]
    words_of: Callable[[IO[bytes]], Mapping[str, str]] = lambda _: {}
    is_in_order: bool = False

    def key(self, month: str) -> str:
        """The key of a month's object ("2026-11")."""
        return f"{self.folder}/month={month}/{self.file}"

    def replace_month(self, month: str, rows: Iterable[pd.DataFrame], reading: Reading) -> str | None:
        """Write the rows of a month of a reading: every stored day from the reading's first on gives way to them.

        rows: tables of some whole days, one run of days after the other; gone through once more where another run wrote meanwhile.
        Answers the version tag that the month has now (None: it has no object, as nothing was sold).
        """
        change = partial(self._merged, month, rows, reading)
        standing = self.store.update(self.key(month), change, self.media_type, passing=METADATA)
        return None if standing is None else standing.etag

    def read(self, first: date, last: date) -> list[pd.DataFrame]:
        """The stored rows of the days from first to last, a table a month; months without an object are left out."""
        return [self._within(month, stored, Window(first, last)) for month, stored in self._fetched(first, last)]

    def sums[Sum](self, first: date, last: date, sum_of: Callable[[pd.DataFrame], Sum]) -> list[Sum]:
        """What `sum_of` makes of the stored rows from first to last, of some whole days at a time, in order; no others are in memory."""
        return [
            sum_of(self._within(month, stored, batch))
            for month, stored in self._fetched(first, last)
            for batch in self._batches(stored, window_of(month, first, last))
        ]

    def _fetched(self, first: date, last: date) -> list[tuple[str, StoredObject]]:
        """Months and their objects, fetched side by side. They are taken apart by one thread: each keeps for itself what it has freed."""
        found = side_by_side(lambda month: self.store.read(self.key(month)), months(first, last))
        return [(month, stored) for month, stored in found.items() if stored is not None]

    def words(self, month: str) -> Mapping[str, str]:
        """What a month's object says that it was written under; empty where there is none."""
        stored = self.store.read(self.key(month))
        return {} if stored is None else self._words(stored)

    def _merged(
        self, month: str, rows: Iterable[pd.DataFrame], reading: Reading, stored: StoredObject | None
    ) -> tuple[Content, dict[str, str]] | None:
        before = None if stored is None else Reading.from_metadata(stored.metadata)
        first, end = reading.days_over(before)
        new = (self._inside(table, first, end - _A_DAY) for table in rows)
        tables = chain(
            self._kept(month, stored, date.min, first - _A_DAY),
            (table for table in new if not table.empty),
            self._kept(month, stored, end, date.max),
        )
        some = list(islice(tables, 1))
        if stored is None and not some:
            return None
        return self.encode(chain(some, tables)), reading.newest(before).metadata() | self.terms.words

    def _kept(self, month: str, stored: StoredObject | None, first: date, last: date) -> Iterator[pd.DataFrame]:
        """What is stored of a month from first to last. Where no day is, it need not even be readable: a rebuild mends it."""
        whole = window_of(month, date.min, date.max)
        first, last = max(first, whole.first), min(last, whole.last)
        if stored is not None and first <= last:
            for batch in self._batches(stored, Window(first, last)):
                yield self._within(month, stored, batch)

    def _batches(self, stored: StoredObject, window: Window) -> Iterator[Window]:
        return batches(window, stored.size, BATCH_BYTES) if self.is_in_order else iter([window])

    def _inside(self, table: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
        days = self.days(table)
        inside = (days >= _day(first)) & (days <= _day(last))
        return table if inside.all() else table[inside]

    def _words(self, stored: StoredObject) -> Mapping[str, str]:
        return {**self.words_of(opened(stored.content)), **stored.metadata}

    def _within(self, month: str, stored: StoredObject, window: Window) -> pd.DataFrame:
        return self._inside(self._decoded(month, stored, window), window.first, window.last)

    def _decoded(self, month: str, stored: StoredObject, window: Window) -> pd.DataFrame:
        where = self.store.place(self.key(month))
        try:
            differences = self.terms.differences(self._words(stored), where)
            if not differences:
                return self.decode(opened(stored.content), window)
        except SalesFlowError:
            raise
        except TooManyDigits as error:
            differences = (str(error),)
        except Exception as error:  # a damaged file makes its decoder fail in any way at all
            raise HistoryDamaged(f"s3://{where} cannot be read ({type(error).__name__}).", action=_REBUILD) from error
        raise HistoryWrittenOtherwise(
            f"s3://{where} was written under other settings: {', '.join(differences)}.", action=_REBUILD
        )


class MonthlyCsv:
    """A small table in months of gzip CSV, its rows in the order of some columns, `date` among them."""

    def __init__(
        self,
        store: ObjectStore,
        terms: Terms,
        folder: str,
        name: str,
        form: CsvTable,
        order: Sequence[str],
        *,
        kept: int = 0,
    ) -> None:
        """kept: of so many months the rows stay in memory while the file is the same: a run asks for them more than once."""
        decode = lru_cache(kept)(form.decode) if kept else form.decode
        self.table = MonthlyTable(
            store,
            terms,
            folder,
            f"{name}.csv.gz",
            MEDIA_TYPE,
            encode=lambda tables: form.encode(self._joined(tables).sort_values([*order], kind="stable")),
            decode=lambda file, _: decode(file.read()),
            days=lambda rows: rows["date"].to_numpy().astype("datetime64[D]"),
        )
        self._form = form
        self._texts = [name for name, kind in form.columns.items() if kind is Kind.TEXT]

    def read(
        self, first: date, last: date, some: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows
    ) -> pd.DataFrame:
        """The rows of the days from first to last, in order, or what `some` leaves of them; one file at a time is taken apart.

        Texts are categories, in the order of their characters: each of them is in memory once, on however many days it stands.
        """

        def with_categories(rows: pd.DataFrame) -> pd.DataFrame:
            return rows.assign(**{name: rows[name].astype("category") for name in self._texts})

        tables = self.table.sums(first, last, lambda rows: with_categories(some(rows)))
        if not tables:
            return with_categories(self._form.empty())
        texts = {
            name: union_categoricals([rows.pop(name) for rows in tables], sort_categories=True) for name in self._texts
        }
        return self._joined(tables).assign(**texts)[list(self._form.columns)]

    def _joined(self, tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
        found = list(tables)
        return pd.concat(found, ignore_index=True) if found else self._form.empty()


def side_by_side[Answer](work: Callable[[str], Answer], items: Iterable[str]) -> dict[str, Answer]:
    """What `work` answers for each item, several at a time; the first error is raised."""
    wanted = list(items)
    if len(wanted) < 2:
        return {item: work(item) for item in wanted}
    with ThreadPoolExecutor(min(_AT_ONCE, len(wanted))) as pool:
        return dict(zip(wanted, pool.map(work, wanted), strict=True))


def months(first: date, last: date) -> Iterator[str]:
    """The calendar months ("2026-11") that hold the days from first to last."""
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield f"{year:04d}-{month:02d}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def window_of(month: str, first: date, last: date) -> Window:
    """The days of a calendar month ("2026-11") that lie from first to last."""
    begins = first_day(month)
    ends = (begins + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Window(max(begins, first), min(ends, last))


def first_day(month: str) -> date:
    """The first day of a calendar month ("2026-11")."""
    return date.fromisoformat(f"{month}-01")


def batches(window: Window, size: int, most: int) -> Iterator[Window]:
    """The days of a window that holds `size` of something, as many at a time as hold about `most` of it."""
    days = min(window.days, max(1, window.days * most // max(size, 1)))
    for n in range(0, window.days, days):
        first = window.first + timedelta(days=n)
        yield Window(first, min(first + timedelta(days=days - 1), window.last))


def _day(day: date) -> np.datetime64:
    return np.datetime64(day, "D")
