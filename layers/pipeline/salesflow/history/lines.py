"""Sale lines as Parquet, one object a month. Needs pyarrow: only the table functions import this.

The columns are those of `salesflow.analytics.lines`. Amounts stay integer minor units; the file's metadata names the currency.
A line lies in the month of its business date; its moment is the true one.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import IO

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import union_categoricals

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.sold_days import SoldDays
from salesflow.history.months import MonthlyTable
from salesflow.history.terms import Terms
from salesflow.money import Currency
from salesflow.s3 import Content, ObjectStore, finished, new_content
from salesflow.windows import Window, into_day

_TEXT = pa.dictionary(pa.int32(), pa.string())
_CURRENCY = "salesflow.currency"
_ORDER = ["sold_at", "sale_id", "line"]
_TEXTS = ("sku", "name")
ROW_GROUP = 2**17
"""Lines that are read together. They are in order of time, so that a few days of a large month are a few such groups."""
SCHEMA = pa.schema(
    [
        ("sale_id", pa.int64()),
        ("line", pa.int32()),
        ("sold_at", pa.timestamp("us")),
        ("sale_total", pa.int64()),
        ("product_id", pa.int64()),
        ("sku", _TEXT),
        ("name", _TEXT),
        ("quantity", pa.int64()),
        ("unit_price", pa.float64()),
        ("subtotal", pa.int64()),
    ]
)


class SaleLineHistory:
    """The sale lines of all months."""

    def __init__(self, store: ObjectStore, terms: Terms) -> None:
        said = {_CURRENCY: terms.currency.code, "salesflow.amounts": "integer minor units"}
        schema = SCHEMA.with_metadata(said)

        def days(rows: pd.DataFrame) -> npt.NDArray[np.datetime64]:
            return (rows["sold_at"].to_numpy() - np.timedelta64(into_day(terms.day_ends_at))).astype("datetime64[D]")

        self.table = MonthlyTable(
            store,
            terms,
            folder="history/sales",
            file="lines.parquet",
            media_type="application/vnd.apache.parquet",
            encode=lambda tables: _encode(tables, schema),
            decode=lambda file, window: _decode(file, window, into_day(terms.day_ends_at)),
            days=days,
            words_of=_words,
            is_in_order=True,
        )

    def read(self, first: date, last: date) -> pd.DataFrame:
        """The sale lines of the business dates from first to last, sorted."""
        tables = self.table.read(first, last)
        return _joined(tables) if tables else _EMPTY

    def sold_days(self, first: date, last: date) -> SoldDays:
        """What was sold on the business dates from first to last; the lines of some days at a time are in memory."""
        sums = self.table.sums(first, last, self._sum)
        return SoldDays.joined(sums or [self._sum(_EMPTY)])

    def _sum(self, rows: pd.DataFrame) -> SoldDays:
        return SoldDays.of(SaleLines.from_table(rows, self.table.terms.day_ends_at))


def _encode(tables: Iterable[pd.DataFrame], schema: pa.Schema) -> Content:
    """The file of some runs of days, one after the other: group by group, each with the texts of its own rows alone."""
    file, rest = new_content(), _EMPTY
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:

        def write(rows: pd.DataFrame) -> None:
            writer.write_table(pa.Table.from_pandas(_with_own_texts(rows), schema, preserve_index=False))

        for table in tables:
            rows = _joined([rest, _in_order(table)]) if len(rest) else _in_order(table)
            while len(rows) > ROW_GROUP:
                write(rows[:ROW_GROUP])
                rows = rows[ROW_GROUP:]
            rest = rows
        write(rest)
    return finished(file)


def _decode(file: IO[bytes], window: Window, day_ends_after: timedelta) -> pd.DataFrame:
    """The rows of a file's groups that hold any day of the window, but for those that lie outside. Raises ValueError where they are not in order."""
    first, end = (
        datetime.combine(day, time()) + day_ends_after for day in (window.first, window.last + timedelta(days=1))
    )
    within = [("sold_at", ">=", first), ("sold_at", "<", end)]
    rows = pq.read_table(file, columns=SCHEMA.names, filters=within).cast(SCHEMA.with_metadata(None)).to_pandas()
    if not _is_sorted(rows):
        raise ValueError("The sale lines are not in order.")
    return rows


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of one month after the other, each sorted, as one: sorted too."""
    numbers = [table.drop(columns=list(_TEXTS)) for table in tables]
    joined = pd.concat(numbers, ignore_index=True)
    for column in _TEXTS:
        text = union_categoricals([table[column] for table in tables], sort_categories=True)
        joined[column] = text.remove_unused_categories()
    return joined[SCHEMA.names]


def _words(file: IO[bytes]) -> Mapping[str, str]:
    """The currency of a file, which version 1.0.0 wrote too, and the digits that go with it."""
    said = pq.read_schema(file).metadata or {}
    code = said.get(_CURRENCY.encode(), b"").decode()
    return {"currency": code, "digits": str(Currency(code).digits)} if code else {}


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    return rows if _is_sorted(rows) else rows.sort_values(_ORDER, kind="stable")


def _with_own_texts(rows: pd.DataFrame) -> pd.DataFrame:
    """Unused categories would make the same rows give other bytes, depending on which days they came with."""
    texts = {name: rows[name].astype("category").cat.remove_unused_categories() for name in _TEXTS}
    return rows.assign(
        **{name: text.cat.reorder_categories(sorted(text.cat.categories)) for name, text in texts.items()}
    )


def _is_sorted(rows: pd.DataFrame) -> bool:
    follows = np.zeros(max(len(rows) - 1, 0), dtype=bool)
    equal = np.ones_like(follows)
    for column in _ORDER:
        values = rows[column].to_numpy()
        follows |= equal & (values[1:] > values[:-1])
        equal &= values[1:] == values[:-1]
    return bool((follows | equal).all())


_EMPTY = _with_own_texts(SCHEMA.empty_table().to_pandas())
