"""Sale lines as Parquet, one object a month. Needs pyarrow: only the table functions import this.

The columns are those of `salesflow.analytics.lines`. Amounts stay integer minor units; the file's metadata names the currency.
A line lies in the month of its business date; its moment is the true one.
"""

import io
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

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
from salesflow.s3 import ObjectStore
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

        def encode(rows: pd.DataFrame) -> bytes:
            buffer = io.BytesIO()
            table = pa.Table.from_pandas(rows, schema, preserve_index=False)
            pq.write_table(table, buffer, compression="zstd", row_group_size=ROW_GROUP)
            return buffer.getvalue()

        def days(rows: pd.DataFrame) -> npt.NDArray[np.datetime64]:
            return (rows["sold_at"].to_numpy() - np.timedelta64(into_day(terms.day_ends_at))).astype("datetime64[D]")

        def decode(body: bytes, window: Window | None) -> pd.DataFrame:
            return _decode(body, window, into_day(terms.day_ends_at))

        self.table = MonthlyTable(
            store,
            terms,
            folder="history/sales",
            file="lines.parquet",
            media_type="application/vnd.apache.parquet",
            encode=encode,
            decode=decode,
            arrange=_arrange,
            days=days,
            words_of=_words,
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


def _decode(body: bytes, window: Window | None, day_ends_after: timedelta) -> pd.DataFrame:
    """The rows of a file; of a window, only the groups of rows that hold any of its days are read."""
    filters = None
    if window is not None:
        first, end = (
            datetime.combine(day, time()) + day_ends_after for day in (window.first, window.last + timedelta(days=1))
        )
        filters = [("sold_at", ">=", first), ("sold_at", "<", end)]
    table = pq.read_table(io.BytesIO(body), columns=SCHEMA.names, filters=filters)
    return table.cast(SCHEMA.with_metadata(None)).to_pandas()


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of one month after the other, each sorted, as one: sorted too."""
    numbers = [table.drop(columns=list(_TEXTS)) for table in tables]
    joined = pd.concat(numbers, ignore_index=True)
    for column in _TEXTS:
        text = union_categoricals([table[column] for table in tables], sort_categories=True)
        joined[column] = text.remove_unused_categories()
    return joined[SCHEMA.names]


def _words(body: bytes) -> Mapping[str, str]:
    """The currency of a file, which version 1.0.0 wrote too, and the digits that go with it."""
    said = pq.read_schema(io.BytesIO(body)).metadata or {}
    code = said.get(_CURRENCY.encode(), b"").decode()
    return {"currency": code, "digits": str(Currency(code).digits)} if code else {}


def _arrange(rows: pd.DataFrame) -> pd.DataFrame:
    rows = (
        rows.reset_index(drop=True) if _is_sorted(rows) else rows.sort_values(_ORDER, kind="stable", ignore_index=True)
    )
    for column in _TEXTS:
        text = rows[column].astype("category")
        # Unused categories would make the same rows give other bytes, depending on which month they came with.
        rows[column] = text.cat.remove_unused_categories().cat.reorder_categories(
            sorted(text.cat.remove_unused_categories().cat.categories)
        )
    return rows


def _is_sorted(rows: pd.DataFrame) -> bool:
    follows = np.zeros(max(len(rows) - 1, 0), dtype=bool)
    equal = np.ones_like(follows)
    for column in _ORDER:
        values = rows[column].to_numpy()
        follows |= equal & (values[1:] > values[:-1])
        equal &= values[1:] == values[:-1]
    return bool((follows | equal).all())


_EMPTY = _arrange(SCHEMA.empty_table().to_pandas())
