"""The shop's days: one row a day for the whole shop, and what came back of which product, both as gzip CSV by month.

`history/shop/month=2026-11/shop.csv.gz`, amounts in major units, exact to the minor unit:

| column | meaning |
|---|---|
| date | the business date, ISO |
| revenue | what the customers paid, returned money taken off |
| quantity | pieces sold, returned ones taken off |
| transactions | sales, those that only bring something back included |
| first_sale, last_sale | time of day of the first and the last sale; one before the end of the day (setting `day_ends_at`) is in the night after |
| returned_revenue, returned_quantity | what came back that day, positive, already taken off above |
| h00 ... h23 | revenue of each hour of the clock |
| largest_sale, largest_refund | money of the day's largest sale, and of the one that gave most back (positive; 0: none did) |
| largest_sale_at, largest_refund_at | when these were, in seconds since midnight; -1: none, or not known |
| refunds | sales that give something back; -1: not known (rows that 1.0.0 wrote) |

`history/shop/month=2026-11/returns.csv.gz`: date, sku, returned_quantity, returned_revenue; one row a day and product of
which something came back. An order of thousands that is cancelled minutes later is nothing in the panel, and seen here.

Days without any sale have no row; `history/coverage/shop.json` says which days are covered. pandas alone reads and writes it.
"""

from datetime import date, time

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.analytics.lines import SaleLines, sums_by
from salesflow.history.csv_table import CsvTable, Kind
from salesflow.history.months import MonthlyCsv
from salesflow.history.terms import Terms
from salesflow.s3 import ObjectStore
from salesflow.windows import MIDNIGHT

HOURS = tuple(f"h{hour:02d}" for hour in range(24))
COLUMNS = {
    "date": Kind.DAY,
    "revenue": Kind.AMOUNT,
    "quantity": Kind.COUNT,
    "transactions": Kind.COUNT,
    "first_sale": Kind.CLOCK,
    "last_sale": Kind.CLOCK,
    "returned_revenue": Kind.AMOUNT,
    "returned_quantity": Kind.COUNT,
    **dict.fromkeys(HOURS, Kind.AMOUNT),
    "refunds": Kind.COUNT,
    "largest_sale": Kind.AMOUNT,
    "largest_sale_at": Kind.COUNT,
    "largest_refund": Kind.AMOUNT,
    "largest_refund_at": Kind.COUNT,
}
_MONTHS_KEPT = 48
"""A month has no more rows than days, of a few kilobytes."""
_ABSENT = {"refunds": -1, "largest_sale": 0, "largest_sale_at": -1, "largest_refund": 0, "largest_refund_at": -1}
"""What is not known of the rows that version 1.0.0 wrote."""
RETURN_COLUMNS = {
    "date": Kind.DAY,
    "sku": Kind.TEXT,
    "returned_quantity": Kind.COUNT,
    "returned_revenue": Kind.AMOUNT,
}


class ShopDays:
    """The shop's days of all months.

    In memory `date` is datetime64[s], `first_sale` and `last_sale` are datetime64[s] on that day or in the night after it,
    and amounts are integer minor units.
    """

    def __init__(self, store: ObjectStore, terms: Terms) -> None:
        digits = terms.currency.digits
        days_form = shop_form(digits, terms.day_ends_at)
        self._days = MonthlyCsv(store, terms, "history/shop", "shop", days_form, ("date",), kept=_MONTHS_KEPT)
        self._returns = MonthlyCsv(store, terms, "history/shop", "returns", returns_form(digits), ("date", "sku"))
        self.days, self.returns = self._days.table, self._returns.table

    def read(self, first: date, last: date) -> pd.DataFrame:
        """The rows of the days from first to last, by day."""
        return self._days.read(first, last)

    def read_returns(self, first: date, last: date) -> pd.DataFrame:
        """What came back on the days from first to last, by day and SKU."""
        return self._returns.read(first, last)


def shop_form(digits: int, day_ends_at: time = MIDNIGHT) -> CsvTable:
    """The form of the files of days. digits: of the currency, after the point."""
    return CsvTable(COLUMNS, digits, day_ends_at, _ABSENT)


def returns_form(digits: int) -> CsvTable:
    """The form of the files of what came back."""
    return CsvTable(RETURN_COLUMNS, digits)


def shop_days_of(lines: pd.DataFrame | SaleLines) -> pd.DataFrame:
    """One row for each business date that has a sale."""
    lines = SaleLines.of(lines)
    sales = lines.sales
    days, day = np.unique(sales.days, return_inverse=True)
    size = len(days)
    by_hour = sums_by(day * 24 + sales.hours, sales.total, size * 24).reshape(size, 24)
    line_day = np.searchsorted(days, lines.days)
    back = lines.quantity < 0
    seconds = lines.sold_at // 1_000_000
    opening = np.searchsorted(line_day, np.arange(size))  # lines are in order of time
    closing = np.append(opening[1:], len(line_day))[:size] - 1
    table = {
        "date": days.astype("datetime64[D]").astype("datetime64[s]"),
        "revenue": by_hour.sum(axis=1),
        "quantity": sums_by(day, sales.quantity, size),
        "transactions": np.bincount(day, minlength=size).astype(np.int64),
        "first_sale": seconds[opening].astype("datetime64[s]"),
        "last_sale": seconds[closing].astype("datetime64[s]"),
        "returned_revenue": -sums_by(line_day[back], lines.subtotal[back], size),
        "returned_quantity": -sums_by(line_day[back], lines.quantity[back], size),
    }
    return pd.DataFrame(table | {name: by_hour[:, hour] for hour, name in enumerate(HOURS)} | _single(lines, day, size))


def _single(lines: SaleLines, day: npt.NDArray[np.intp], size: int) -> dict[str, npt.NDArray[np.int64]]:
    """The largest sale and the largest refund of each day, [size]. day: of each sale, its row."""
    sales, at = lines.sales, lines.sold_at[lines.opens_sale] // 1_000_000 % 86_400
    back = np.minimum(lines.quantity, 0) != 0
    given = np.zeros(len(sales.total), dtype=np.int64)
    np.add.at(given, lines.sale[back] - 1, -lines.subtotal[back])
    gave = np.zeros(len(given), dtype=bool)
    gave[lines.sale[back] - 1] = True
    table = {"refunds": np.bincount(day[gave], minlength=size).astype(np.int64)}
    for name, amounts in (("largest_sale", sales.total), ("largest_refund", given)):
        order = np.lexsort((amounts, day))
        last = order[np.searchsorted(day[order], np.arange(size), side="right") - 1]
        table[name] = np.maximum(amounts[last], 0)
        table[f"{name}_at"] = np.where(amounts[last] > 0, at[last], -1)
    return table


def returns_of(lines: pd.DataFrame | SaleLines) -> pd.DataFrame:
    """One row for each business date and SKU of which something came back."""
    lines = SaleLines.of(lines)
    back = np.flatnonzero(lines.quantity < 0)
    size = max(len(lines.skus), 1)
    keys, key = np.unique(lines.days[back] * size + lines.sku[back], return_inverse=True)
    table = pd.DataFrame(
        {
            "date": (keys // size).astype("datetime64[D]").astype("datetime64[s]"),
            "sku": lines.skus[keys % size].astype(str),
            "returned_quantity": -sums_by(key, lines.quantity[back], len(keys)),
            "returned_revenue": -sums_by(key, lines.subtotal[back], len(keys)),
        }
    )
    return table.astype({"sku": "str"})


def with_returns(panel: pd.DataFrame, returns: pd.DataFrame) -> pd.DataFrame:
    """The daily panel with the columns returned_quantity and returned_revenue (0 where nothing came back)."""
    # Few products come back: the other rows of a large panel are not joined.
    concerned = np.flatnonzero(panel["sku"].isin(returns["sku"]))
    joined = panel[["date", "sku"]].iloc[concerned].merge(returns, on=["date", "sku"], how="left")
    columns = {}
    for column in ("returned_quantity", "returned_revenue"):
        columns[column] = np.zeros(len(panel), dtype=np.int64)
        columns[column][concerned] = joined[column].fillna(0)
    return panel.assign(**columns)
