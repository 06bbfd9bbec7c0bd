"""Small tables of sale lines and stock, written down by hand or drawn by hypothesis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from hypothesis import strategies as st

from salesflow.analytics.lines import SaleLines


@dataclass(frozen=True)
class Item:
    """One line: SKU, name, pieces, minor units."""

    sku: str
    name: str
    quantity: int
    subtotal: int


@dataclass(frozen=True)
class Sale:
    """One sale: when, what was paid (None: the sum of its items), and its items."""

    sold_at: datetime
    items: tuple[Item, ...]
    paid: int | None = None

    @property
    def total(self) -> int:
        """What the customer paid."""
        return sum(item.subtotal for item in self.items) if self.paid is None else self.paid


def lines_of(sales: Sequence[Sale]) -> pd.DataFrame:
    """The table of sale lines, as the source makes it."""
    rows = [
        (sale_id, line, sale.sold_at, sale.total, 1, item.sku, item.name, item.quantity, 0.0, item.subtotal)
        for sale_id, sale in enumerate(sales)
        for line, item in enumerate(sale.items or (Item("", "", 0, 0),))
    ]
    names = [
        "sale_id",
        "line",
        "sold_at",
        "sale_total",
        "product_id",
        "sku",
        "name",
        "quantity",
        "unit_price",
        "subtotal",
    ]
    table = pd.DataFrame(rows, columns=names).astype(
        {
            "sale_id": "int64",
            "line": "int32",
            "sold_at": "datetime64[us]",
            "sale_total": "int64",
            "product_id": "int64",
            "sku": "str",
            "name": "str",
            "quantity": "int64",
            "unit_price": "float64",
            "subtotal": "int64",
        }
    )
    table = table.astype({"sku": "category", "name": "category"})
    return table.sort_values(["sold_at", "sale_id", "line"], kind="stable", ignore_index=True)


def arrays_of(sales: Sequence[Sale]) -> SaleLines:
    """The same as arrays, as the analytics take them."""
    return SaleLines.from_table(lines_of(sales))


def sales_between(first: datetime, last: datetime) -> st.SearchStrategy[list[Sale]]:
    """Lists of sales between two moments: few SKUs, names that change, returns, discounts, sales without items."""
    item = st.builds(
        Item,
        sku=st.sampled_from(["A1", "B2", "C3", "粥", "=1+1", "NA"]),
        name=st.sampled_from(["Tea", "Thé", "茶", "", 'a,b\n"c"']),
        quantity=st.integers(-5, 40),
        subtotal=st.integers(-50_000, 5_000_000),
    )
    return st.lists(
        st.builds(
            Sale,
            sold_at=st.datetimes(first, last),
            items=st.lists(item, max_size=4).map(tuple),
            paid=st.none() | st.integers(-50_000, 5_000_000),
        ),
        max_size=25,
    )
