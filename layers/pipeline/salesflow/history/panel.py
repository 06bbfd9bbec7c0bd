"""The daily panel: one row a day and SKU, as gzip CSV, one object a month. pandas alone reads and writes it.

| column | meaning |
|---|---|
| date | the business date, ISO |
| sku | the product |
| name | its name on the day's last paid line (on its last line where none was paid: a write-off's note is no name) |
| quantity | pieces sold, returned ones taken off |
| revenue | sum of line subtotals in major units, exact to the minor unit |
| transactions | sales that hold the product |
| largest_quantity, largest_revenue | pieces and line subtotals of the product in the one sale that holds most of it |
| largest_at | when that sale was, in seconds since midnight; -1: not known (rows that 1.0.0 wrote), as the two before are then |

Days without any sale have no row; `history/coverage/daily.json` says which days are covered.
"""

import numpy as np
import pandas as pd

from salesflow.analytics.lines import SaleLines, sums_by
from salesflow.history.csv_table import CsvTable, Kind
from salesflow.history.months import MonthlyCsv
from salesflow.history.terms import Terms
from salesflow.s3 import ObjectStore

COLUMNS = {
    "date": Kind.DAY,
    "sku": Kind.TEXT,
    "name": Kind.TEXT,
    "quantity": Kind.COUNT,
    "revenue": Kind.AMOUNT,
    "transactions": Kind.COUNT,
    "largest_quantity": Kind.COUNT,
    "largest_revenue": Kind.AMOUNT,
    "largest_at": Kind.COUNT,
}
LARGEST = ("largest_quantity", "largest_revenue", "largest_at")
UNKNOWN = -1


class DailyPanel(MonthlyCsv):
    """The panel of all months, by day and SKU. In memory `date` is datetime64[s] and `revenue` integer minor units."""

    def __init__(self, store: ObjectStore, terms: Terms) -> None:
        super().__init__(store, terms, "history/daily", "daily", panel_form(terms.currency.digits), ("date", "sku"))


def panel_form(digits: int) -> CsvTable:
    """The form of the files. digits: of the currency, after the point."""
    return CsvTable(COLUMNS, digits, absent=dict.fromkeys(LARGEST, UNKNOWN))


def panel_of(lines: pd.DataFrame | SaleLines) -> pd.DataFrame:
    """The panel of some sale lines."""
    lines = SaleLines.of(lines)
    items = lines.items
    size = max(len(lines.skus), 1)
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
    sold_at = lines.sold_at[lines.opens_sale] // 1_000_000 % 86_400
    return pd.DataFrame(
        {
            "date": (keys // size).astype("datetime64[D]").astype("datetime64[s]"),
            "sku": lines.skus[keys % size].astype(str),
            "name": lines.names[name].astype(str),
            "quantity": np.bincount(row_of_line, items.quantity, rows).astype(np.int64),
            "revenue": np.bincount(row_of_line, items.subtotal, rows).astype(np.int64),
            "transactions": np.bincount(row_of_pair, minlength=rows),
            "largest_quantity": pieces[largest],
            "largest_revenue": money[largest],
            "largest_at": sold_at[sale_and_row[largest] // max(rows, 1) - 1],
        }
    ).astype({"sku": "str", "name": "str"})
