"""Sale lines as Parquet, one object a month. Needs pyarrow: only the table functions import this.

The columns are those of `salesflow.analytics.lines`. Amounts stay integer minor units; the file's metadata names the currency.
"""

import io
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from salesflow.history.months import MonthlyTable
from salesflow.history.reading import Reading
from salesflow.s3 import ObjectStore

_TEXT = pa.dictionary(pa.int32(), pa.string())
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

    def __init__(self, store: ObjectStore, currency: str) -> None:
        self._store = store
        schema = SCHEMA.with_metadata({"salesflow.currency": currency, "salesflow.amounts": "integer minor units"})

        def encode(rows: pd.DataFrame) -> bytes:
            buffer = io.BytesIO()
            pq.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False), buffer, compression="zstd")
            return buffer.getvalue()

        self._months = MonthlyTable(
            key=lambda month: f"history/sales/month={month}/lines.parquet",
            media_type="application/vnd.apache.parquet",
            encode=encode,
            decode=_decode,
            arrange=_arrange,
            days=_days,
        )

    def replace_days(self, lines: pd.DataFrame, reading: Reading, through: date) -> None:
        """Replace every stored day from the reading's first on by `lines`."""
        self._months.replace_days(self._store, lines, reading, through)

    def read(self, first: date, last: date) -> pd.DataFrame:
        """The sale lines of the days from first to last, sorted."""
        tables = self._months.read(self._store, first, last)
        return _arrange(pd.concat(tables, ignore_index=True)) if tables else _EMPTY


def _decode(body: bytes) -> pd.DataFrame:
    table = pq.read_table(io.BytesIO(body), columns=SCHEMA.names)
    return table.cast(SCHEMA.with_metadata(None)).to_pandas()


def _arrange(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.sort_values(["sold_at", "sale_id", "line"], kind="stable", ignore_index=True)
    for column in ("sku", "name"):
        text = rows[column].astype("category")
        # Unused categories would make the same rows give other bytes, depending on which month they came with.
        rows[column] = text.cat.remove_unused_categories().cat.reorder_categories(
            sorted(text.cat.remove_unused_categories().cat.categories)
        )
    return rows


def _days(rows: pd.DataFrame) -> npt.NDArray[np.datetime64]:
    return rows["sold_at"].to_numpy().astype("datetime64[D]")


_EMPTY = _arrange(SCHEMA.empty_table().to_pandas())
