"""The shop's days: one row a day for the whole shop, and what came back of which product, both as gzip CSV by month.

`history/shop/month=2026-11/shop.csv.gz`, amounts in major units, exact to the minor unit:

| column | meaning |
|---|---|
| date | the day, ISO |
| revenue | what the customers paid, returned money taken off |
| quantity | pieces sold, returned ones taken off |
| transactions | sales, those that only bring something back included |
| first_sale, last_sale | time of day of the first and the last sale |
| returned_revenue, returned_quantity | what came back that day, positive, already taken off above |
| h00 ... h23 | revenue of each hour |
| largest_sale, largest_refund | money of the day's largest sale, and of the one that gave most back (positive; 0: none did) |
| largest_sale_at, largest_refund_at | when these were, in seconds since midnight; -1: none, or not known |
| refunds | sales that give something back; -1: not known (rows that 1.0.0 wrote) |

`history/shop/month=2026-11/returns.csv.gz`: date, sku, returned_quantity, returned_revenue; one row a day and product of
which something came back. An order of thousands that is cancelled minutes later is nothing in the panel, and seen here.

Days without any sale have no row; `history/coverage/shop.json` says which days are covered. pandas alone reads and writes it.
"""

import gzip
import io
from collections.abc import Iterable
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.analytics.lines import SaleLines, sums_by
from salesflow.history.months import MonthlyTable
from salesflow.history.reading import Reading
from salesflow.money import Currency, minor_units
from salesflow.s3 import ObjectStore

HOURS = tuple(f"h{hour:02d}" for hour in range(24))
_TIMES = ("first_sale", "last_sale")
_SINGLE = ("refunds", "largest_sale", "largest_sale_at", "largest_refund", "largest_refund_at")
_AMOUNTS = ("revenue", "returned_revenue", *HOURS, "largest_sale", "largest_refund")
_COUNTS = ("quantity", "transactions", "returned_quantity", "largest_sale_at", "largest_refund_at", "refunds")
COLUMNS = (
    "date",
    "revenue",
    "quantity",
    "transactions",
    *_TIMES,
    "returned_revenue",
    "returned_quantity",
    *HOURS,
    *_SINGLE,
)
RETURN_COLUMNS = ("date", "sku", "returned_quantity", "returned_revenue")


class ShopDays:
    """The shop's days of all months.

    In memory `date` is datetime64[s], `first_sale` and `last_sale` are datetime64[s] on that day, and amounts integer minor units.
    """

    def __init__(self, store: ObjectStore, currency: Currency) -> None:
        self._store = store
        self._days = _table("shop", COLUMNS, currency.digits, ["date"])
        self._returns = _table("returns", RETURN_COLUMNS, currency.digits, ["date", "sku"])

    def replace_days(self, lines: pd.DataFrame, reading: Reading, through: date) -> None:
        """Replace every stored day from the reading's first on by what `lines` (sale lines, sorted) come to."""
        self._days.replace_days(self._store, shop_days_of(lines), reading, through)
        self._returns.replace_days(self._store, returns_of(lines), reading, through)

    def read(self, first: date, last: date) -> pd.DataFrame:
        """The rows of the days from first to last, by day."""
        tables = self._days.read(self._store, first, last)
        return pd.concat(tables, ignore_index=True) if tables else _empty(COLUMNS)

    def read_returns(self, first: date, last: date) -> pd.DataFrame:
        """What came back on the days from first to last, by day and SKU."""
        tables = self._returns.read(self._store, first, last)
        return pd.concat(tables, ignore_index=True) if tables else _empty(RETURN_COLUMNS)


def shop_days_of(lines: pd.DataFrame) -> pd.DataFrame:
    """One row for each day that has a sale."""
    if lines.empty:
        return _empty(COLUMNS)
    columns = SaleLines.from_table(lines)
    sales = columns.sales
    days, day = np.unique(sales.days, return_inverse=True)
    size = len(days)
    by_hour = sums_by(day * 24 + sales.hours, sales.total, size * 24).reshape(size, 24)
    line_day = np.searchsorted(days, columns.days)
    back = columns.quantity < 0
    seconds = columns.sold_at // 1_000_000
    opening = np.searchsorted(line_day, np.arange(size))  # lines are in order of time
    closing = np.append(opening[1:], len(line_day)) - 1
    table = {
        "date": days.astype("datetime64[D]").astype("datetime64[s]"),
        "revenue": by_hour.sum(axis=1),
        "quantity": sums_by(day, sales.quantity, size),
        "transactions": np.bincount(day, minlength=size).astype(np.int64),
        "first_sale": seconds[opening].astype("datetime64[s]"),
        "last_sale": seconds[closing].astype("datetime64[s]"),
        "returned_revenue": -sums_by(line_day[back], columns.subtotal[back], size),
        "returned_quantity": -sums_by(line_day[back], columns.quantity[back], size),
    }
    return pd.DataFrame(
        table | {name: by_hour[:, hour] for hour, name in enumerate(HOURS)} | _single(columns, day, size)
    )


def _single(columns: SaleLines, day: npt.NDArray[np.intp], size: int) -> dict[str, npt.NDArray[np.int64]]:
    """The largest sale and the largest refund of each day, [size]. day: of each sale, its row."""
    sales, at = columns.sales, columns.sold_at[columns.opens_sale] // 1_000_000 % 86_400
    back = np.minimum(columns.quantity, 0) != 0
    given = np.zeros(len(sales.total), dtype=np.int64)
    np.add.at(given, columns.sale[back] - 1, -columns.subtotal[back])
    gave = np.zeros(len(given), dtype=bool)
    gave[columns.sale[back] - 1] = True
    table = {"refunds": np.bincount(day[gave], minlength=size).astype(np.int64)}
    for name, amounts in (("largest_sale", sales.total), ("largest_refund", given)):
        order = np.lexsort((amounts, day))
        last = order[np.searchsorted(day[order], np.arange(size), side="right") - 1]
        table[name] = np.maximum(amounts[last], 0)
        table[f"{name}_at"] = np.where(amounts[last] > 0, at[last], -1)
    return table


def returns_of(lines: pd.DataFrame) -> pd.DataFrame:
    """One row for each day and SKU of which something came back."""
    if lines.empty:
        return _empty(RETURN_COLUMNS)
    columns = SaleLines.from_table(lines)
    back = np.flatnonzero(columns.quantity < 0)
    size = max(len(columns.skus), 1)
    keys, key = np.unique(columns.days[back] * size + columns.sku[back], return_inverse=True)
    table = pd.DataFrame(
        {
            "date": (keys // size).astype("datetime64[D]").astype("datetime64[s]"),
            "sku": columns.skus[keys % size].astype(str),
            "returned_quantity": -sums_by(key, columns.quantity[back], len(keys)),
            "returned_revenue": -sums_by(key, columns.subtotal[back], len(keys)),
        }
    )
    return table.astype({"sku": "str"})


def with_returns(panel: pd.DataFrame, returns: pd.DataFrame) -> pd.DataFrame:
    """The daily panel with the columns returned_quantity and returned_revenue (0 where nothing came back)."""
    joined = panel.merge(returns, on=["date", "sku"], how="left")
    for column in ("returned_quantity", "returned_revenue"):
        joined[column] = joined[column].fillna(0).astype(np.int64)
    return joined


def _table(name: str, columns: tuple[str, ...], digits: int, order: list[str]) -> MonthlyTable:
    return MonthlyTable(
        key=lambda month: f"history/shop/month={month}/{name}.csv.gz",
        media_type="application/gzip",
        encode=lambda rows: _encode(rows, columns, digits),
        decode=lambda body: _decode(body, columns, digits),
        arrange=lambda rows: rows.sort_values(order, kind="stable", ignore_index=True),
        days=lambda rows: rows["date"].to_numpy().astype("datetime64[D]"),
    )


def _encode(rows: pd.DataFrame, columns: tuple[str, ...], digits: int) -> bytes:
    text = {"date": rows["date"].to_numpy().astype("datetime64[D]").astype(str)}
    for column in columns[1:]:
        if column in _AMOUNTS:
            text[column] = np.array(list(_decimals(rows[column].tolist(), digits)), dtype=object)
        elif column in _TIMES:
            text[column] = rows[column].dt.strftime("%H:%M:%S").to_numpy(dtype=object)
        else:
            text[column] = rows[column].to_numpy()
    csv = pd.DataFrame(text).to_csv(index=False, columns=list(columns), lineterminator="\n").encode()
    return gzip.compress(csv, mtime=0)  # no time of day: the same rows give the same bytes


def _decode(body: bytes, columns: tuple[str, ...], digits: int) -> pd.DataFrame:
    types = {column: "float64" if column in _AMOUNTS else "int64" if column in _COUNTS else "str" for column in columns}
    rows = pd.read_csv(io.BytesIO(gzip.decompress(body)), dtype=types, keep_default_na=False)
    for column in columns:
        if column not in rows:
            rows[column] = 0 if column in _AMOUNTS else -1  # a row that 1.0.0 wrote
        elif column in _AMOUNTS:
            rows[column] = minor_units(rows[column].to_numpy(), digits)
        elif column in _TIMES:
            moments = rows["date"].astype(str) + "T" + rows[column].astype(str)
            rows[column] = moments.to_numpy(dtype="datetime64[s]")
    rows["date"] = rows["date"].to_numpy(dtype="datetime64[D]").astype("datetime64[s]")
    return rows[list(columns)]


def _decimals(amounts: Iterable[int], digits: int) -> Iterable[str]:
    """Each amount in major units, exactly."""
    for amount in amounts:
        whole, fraction = divmod(abs(amount), 10**digits)
        text = f"{whole}.{fraction:0{digits}d}" if digits else str(whole)
        yield f"-{text}" if amount < 0 else text


def _empty(columns: tuple[str, ...]) -> pd.DataFrame:
    moments: npt.NDArray[np.datetime64] = np.empty(0, dtype="datetime64[s]")
    return pd.DataFrame(
        {
            column: pd.Series(moments)
            if column in ("date", *_TIMES)
            else pd.Series(dtype="str" if column == "sku" else "int64")
            for column in columns
        }
    )
