"""The daily panel: one row a day and SKU, as gzip CSV, one object a month. pandas alone reads and writes it.

| column | meaning |
|---|---|
| date | the day, ISO |
| sku | the product |
| name | its name on the day's last paid line (on its last line where none was paid: a write-off's note is no name) |
| quantity | pieces sold, returned ones taken off |
| revenue | sum of line subtotals in major units, exact to the minor unit |
| transactions | sales that hold the product |
| largest_quantity, largest_revenue | pieces and line subtotals of the product in the one sale that holds most of it |
| largest_at | when that sale was, in seconds since midnight; -1: not known (rows that 1.0.0 wrote), as the two before are then |

Days without any sale have no row; `history/coverage/daily.json` says which days are covered.
"""

import gzip
import io
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.analytics.lines import SaleLines, sums_by
from salesflow.history.months import MonthlyTable
from salesflow.history.reading import Reading
from salesflow.money import Currency, minor_units
from salesflow.s3 import ObjectStore

LARGEST = ("largest_quantity", "largest_revenue", "largest_at")
COLUMNS = ("date", "sku", "name", "quantity", "revenue", "transactions", *LARGEST)
UNKNOWN = -1


class DailyPanel:
    """The panel of all months. In memory `date` is datetime64[s] and `revenue` integer minor units."""

    def __init__(self, store: ObjectStore, currency: Currency) -> None:
        self._store = store
        self._months = MonthlyTable(
            key=lambda month: f"history/daily/month={month}/daily.csv.gz",
            media_type="application/gzip",
            encode=lambda rows: encode_panel(rows, currency.digits),
            decode=lambda body: decode_panel(body, currency.digits),
            arrange=lambda rows: rows.sort_values(["date", "sku"], kind="stable", ignore_index=True),
            days=_days,
        )

    def replace_days(self, panel: pd.DataFrame, reading: Reading, through: date) -> None:
        """Replace every stored day from the reading's first on by `panel`."""
        self._months.replace_days(self._store, panel, reading, through)

    def read(self, first: date, last: date) -> pd.DataFrame:
        """The panel's rows of the days from first to last, by day and SKU."""
        tables = self._months.read(self._store, first, last)
        return pd.concat(tables, ignore_index=True) if tables else panel_of(None)


def panel_of(lines: pd.DataFrame | None) -> pd.DataFrame:
    """The panel of a table of sale lines (None: an empty one)."""
    if lines is None or lines.empty:
        empty = pd.DataFrame({column: pd.Series(dtype="int64") for column in COLUMNS})
        return empty.astype({"date": "datetime64[s]", "sku": "str", "name": "str"})
    columns = SaleLines.from_table(lines)
    items = columns.items
    size = max(len(columns.skus), 1)
    row_of_line, keys = pd.factorize(items.days * size + items.sku, sort=True)
    name = np.zeros(len(keys), dtype=np.int64)
    name[row_of_line] = items.name  # lines are in order of time: the day's last name stands
    paid = (items.quantity > 0) & (items.subtotal > 0)
    name[row_of_line[paid]] = items.name[paid]
    rows = len(keys)
    of_pair, sale_and_row = pd.factorize(items.sale * rows + row_of_line)
    pieces, money = (sums_by(of_pair, part, len(sale_and_row)) for part in (items.quantity, items.subtotal))
    row_of_pair = sale_and_row % max(rows, 1)
    by_size = np.lexsort((pieces, row_of_pair))
    largest = by_size[np.flatnonzero(np.append(np.diff(row_of_pair[by_size]) != 0, True))] if rows else by_size
    sold_at = columns.sold_at[columns.opens_sale] // 1_000_000 % 86_400
    return pd.DataFrame(
        {
            "date": (keys // size).astype("datetime64[D]").astype("datetime64[s]"),
            "sku": columns.skus[keys % size].astype(str),
            "name": columns.names[name].astype(str),
            "quantity": np.bincount(row_of_line, items.quantity, rows).astype(np.int64),
            "revenue": np.bincount(row_of_line, items.subtotal, rows).astype(np.int64),
            "transactions": np.bincount(row_of_pair, minlength=rows),
            "largest_quantity": pieces[largest],
            "largest_revenue": money[largest],
            "largest_at": sold_at[sale_and_row[largest] // max(rows, 1) - 1],
        }
    ).astype({"sku": "str", "name": "str"})


def encode_panel(rows: pd.DataFrame, digits: int) -> bytes:
    """The file of some rows; the same rows give the same bytes. `digits`: of the currency, after the point."""
    text = rows.assign(
        date=rows["date"].to_numpy().astype("datetime64[D]").astype(str),
        **{c: [_decimal(amount, digits) for amount in rows[c].tolist()] for c in ("revenue", "largest_revenue")},
    )
    csv = text.to_csv(index=False, columns=list(COLUMNS), lineterminator="\n").encode()
    return gzip.compress(csv, mtime=0)  # no time of day: the same rows give the same bytes


def decode_panel(body: bytes, digits: int) -> pd.DataFrame:
    """The rows of a file, as `encode_panel` took them."""
    rows = pd.read_csv(
        io.BytesIO(gzip.decompress(body)),
        dtype={"sku": "str", "name": "str", "quantity": "int64", "revenue": "float64", "transactions": "int64"},
        keep_default_na=False,
    )
    rows["date"] = rows["date"].to_numpy(dtype="datetime64[D]").astype("datetime64[s]")
    rows["revenue"] = minor_units(rows["revenue"].to_numpy(), digits)
    if "largest_at" not in rows:
        return rows.assign(**dict.fromkeys(LARGEST, UNKNOWN))[list(COLUMNS)]
    rows["largest_revenue"] = minor_units(rows["largest_revenue"].to_numpy(), digits)
    return rows[list(COLUMNS)]


def _decimal(minor: int, digits: int) -> str:
    if digits == 0:
        return str(minor)
    whole, fraction = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}.{fraction:0{digits}d}"


def _days(rows: pd.DataFrame) -> npt.NDArray[np.datetime64]:
    return rows["date"].to_numpy().astype("datetime64[D]")
