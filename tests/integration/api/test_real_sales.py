"""The real shop's file, as the local API serves it: nothing of it is lost, and its stock is of every kind."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import pytest

from local.api import SalesStore, online_retail_store
from local.api.retail import sale_id
from tests.stand_ins.shops import REAL_SALES


@pytest.fixture(scope="module")
def online_retail() -> SalesStore:
    if not REAL_SALES.is_file():
        pytest.skip("the Online Retail data set is not here")
    return online_retail_store(REAL_SALES)


def test_the_real_file_agrees_with_an_independent_sum_to_the_cent(online_retail: SalesStore) -> None:
    lines = pd.read_parquet(REAL_SALES, columns=["InvoiceNo", "Quantity", "UnitPrice"])
    kinds = lines[["Quantity", "UnitPrice"]].drop_duplicates()
    cents = {
        (quantity, price): int(
            (Decimal(quantity) * Decimal(str(price))).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP) * 100
        )
        for quantity, price in zip(kinds["Quantity"].tolist(), kinds["UnitPrice"].tolist(), strict=True)
    }
    subtotals = [cents[key] for key in zip(lines["Quantity"].tolist(), lines["UnitPrice"].tolist(), strict=True)]
    expected = pd.Series(subtotals).groupby(lines["InvoiceNo"].map(sale_id)).sum()
    actual = {sale.id: round(sale.total_amount * 100) for sale in online_retail.sales}
    assert actual == expected.to_dict()
    assert len(actual) == 25_900
    assert sum(len(sale.items) for sale in online_retail.sales) == 541_909


def test_the_real_products_have_every_state_of_stock(online_retail: SalesStore) -> None:
    now = datetime(2011, 12, 9, 23)
    stock = {product.sku: online_retail.stock_of(product, now) for product in online_retail.products}
    assert len(stock) == 4070
    out = sum(quantity == 0 for quantity in stock.values())
    low = sum(0 < stock[product.sku] < product.low_stock_threshold for product in online_retail.products)
    assert out > 100
    assert low > 100
    assert online_retail.daily_quantities("22423", 800, now)[date(2010, 12, 1)] > 0
