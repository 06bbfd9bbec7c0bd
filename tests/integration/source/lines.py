"""The lines of the shop's sales: as the store holds them, and as a batch does."""

from datetime import date, datetime

import pandas as pd

from tests.integration.source.conftest import STORE


def expected_lines(first: date) -> list[tuple[int, int, datetime, int, str, int, int]]:
    """The lines of the shop's sales since `first`, worked out from the store and not from its JSON."""
    sales = sorted(
        (sale for sale in STORE.sales if sale.sold_at.date() >= first), key=lambda sale: (sale.sold_at, sale.id)
    )
    return [
        (sale.id, n, sale.sold_at, round(sale.total_amount * 100), item.sku, item.quantity, round(item.subtotal * 100))
        for sale in sales
        for n, item in enumerate(sale.items)
    ]


def lines_of(table: pd.DataFrame) -> list[tuple[int, int, datetime, int, str, int, int]]:
    return list(
        zip(
            table["sale_id"].tolist(),
            table["line"].tolist(),
            table["sold_at"].dt.to_pydatetime().tolist(),
            table["sale_total"].tolist(),
            table["sku"].tolist(),
            table["quantity"].tolist(),
            table["subtotal"].tolist(),
            strict=True,
        )
    )
