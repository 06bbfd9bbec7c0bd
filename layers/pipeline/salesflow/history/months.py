"""Tables kept one object a calendar month, of which each sync replaces the days that it read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.errors import HistoryDamaged
from salesflow.history.reading import Reading
from salesflow.s3 import ObjectStore, StoredObject


@dataclass(frozen=True, slots=True)
class MonthlyTable:
    """How one table is kept: under which keys, encoded how, and which column tells a row's day.

    key: the object key of a month ("2026-11"). encode must give the same bytes for the same rows; decode may raise anything.
    arrange: sorts rows and settles their dtypes. days: the day of each row as datetime64[D].
    """

    key: Callable[[str], str]
    media_type: str
    encode: Callable[[pd.DataFrame], bytes]
    decode: Callable[[bytes], pd.DataFrame]
    arrange: Callable[[pd.DataFrame], pd.DataFrame]
    days: Callable[[pd.DataFrame], npt.NDArray[np.datetime64]]

    def replace_days(self, store: ObjectStore, rows: pd.DataFrame, reading: Reading, through: date) -> None:
        """Write the rows of a reading: every stored day from its first on, up to `through` or the last row, gives way to them."""
        row_days = self.days(rows)
        last = max(through, row_days.max().item()) if len(rows) else through
        for month in months(reading.since, last):
            in_month = rows[row_days.astype("datetime64[M]") == np.datetime64(month, "M")]
            store.update(self.key(month), partial(self._merged, store, month, in_month, reading), self.media_type)

    def read(self, store: ObjectStore, first: date, last: date) -> list[pd.DataFrame]:
        """The stored rows of the days from first to last, a table a month; months without an object are left out."""
        tables = []
        for month in months(first, last):
            stored = store.read(self.key(month))
            if stored is not None:
                table = self._decoded(store, month, stored)
                days = self.days(table)
                tables.append(table[(days >= _day(first)) & (days <= _day(last))])
        return tables

    def _merged(
        self, store: ObjectStore, month: str, new: pd.DataFrame, reading: Reading, stored: StoredObject | None
    ) -> tuple[bytes, dict[str, str]] | None:
        if stored is None:
            return None if new.empty else (self.encode(self.arrange(new)), reading.metadata())
        before = Reading.from_metadata(stored.metadata)
        first, end = reading.days_over(before)
        if first <= date.fromisoformat(f"{month}-01") and end == date.max:
            merged = new  # nothing of the stored month remains, so it need not even be readable: a rebuild mends it
        else:
            old = self._decoded(store, month, stored)
            old_days, new_days = self.days(old), self.days(new)
            kept = old[(old_days < _day(first)) | (old_days >= _day(end))]
            merged = pd.concat([kept, new[(new_days >= _day(first)) & (new_days < _day(end))]], ignore_index=True)
        body = self.encode(self.arrange(merged))
        return body, reading.newest(before).metadata()

    def _decoded(self, store: ObjectStore, month: str, stored: StoredObject) -> pd.DataFrame:
        try:
            return self.decode(stored.body)
        except Exception as error:  # a damaged file makes its decoder fail in any way at all
            raise HistoryDamaged(
                f"s3://{store.bucket}/{self.key(month)} cannot be read ({type(error).__name__}).",
                action='Fire sync_history with {"rebuild": true}: it reads the history again from the SalesFlow API.',
            ) from error


def months(first: date, last: date) -> Iterator[str]:
    """The calendar months ("2026-11") that hold the days from first to last."""
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield f"{year:04d}-{month:02d}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _day(day: date) -> np.datetime64:
    return np.datetime64(day, "D")
