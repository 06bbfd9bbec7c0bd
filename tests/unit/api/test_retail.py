from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from local.api import SalesStore, online_retail_store
from local.api.retail import sale_id

ONLINE_RETAIL = Path(__file__).parents[3].parent / "shared" / "data" / "online_retail.parquet"


def invoice_lines(**changes: list[object]) -> pd.DataFrame:
    columns: dict[str, list[object]] = {
        "InvoiceNo": ["536365", "536365", "C536379"],
        "StockCode": ["85123A", "71053", "D"],
        "Description": ["WHITE HANGING HEART", None, "Discount"],
        "Quantity": [6, 3, -1],
        "InvoiceDate": [datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 1, 8, 27), datetime(2010, 12, 1, 9, 41)],
        "UnitPrice": [2.55, 0.335, 27.5],
    }
    return pd.DataFrame({**columns, **changes})


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_of_lines_becomes_sales(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"lines.{suffix}"
    lines = invoice_lines()
    lines.to_csv(path, index=False) if suffix == "csv" else lines.to_parquet(path)
    first, second = online_retail_store(path).sales
    assert (first.id, first.sold_at, first.total_amount) == (536365, datetime(2010, 12, 1, 8, 26), 16.31)
    assert [(item.sku, item.product_name, item.quantity, item.unit_price, item.subtotal) for item in first.items] == [
        ("85123A", "WHITE HANGING HEART", 6, 2.55, 15.3),
        ("71053", "", 3, 0.335, 1.01),  # 1.005 rounds up
    ]
    assert (second.id, second.total_amount, second.items[0].quantity) == (67_000_536_379, -27.5, -1)


def test_half_a_cent_is_rounded_away_from_zero_also_below_it(tmp_path: Path) -> None:
    path = tmp_path / "lines.parquet"
    invoice_lines(Quantity=[1, -1, 3], UnitPrice=[0.005, 0.005, 0.001]).to_parquet(path)
    assert [item.subtotal for sale in online_retail_store(path).sales for item in sale.items] == [0.01, -0.01, 0.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"UnitPrice": [1.0, 0.12345, 1.0]}, "more than four decimals"),
        ({"UnitPrice": [1.0, np.nan, 1.0]}, "empty cells in UnitPrice"),
        ({"InvoiceNo": ["1", "2", "A-7"]}, "A-7"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, changes: dict[str, list[object]], message: str) -> None:
    path = tmp_path / "lines.parquet"
    invoice_lines(**changes).to_parquet(path)
    with pytest.raises(ValueError, match=message):
        online_retail_store(path)


def test_a_file_without_the_columns_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    invoice_lines().drop(columns="Quantity").to_csv(path, index=False)
    with pytest.raises(ValueError, match="lacks the columns Quantity"):
        online_retail_store(path)
    with pytest.raises(ValueError, match="neither"):
        online_retail_store(tmp_path / "lines.xlsx")


def test_a_file_without_lines_is_a_shop_without_sales(tmp_path: Path) -> None:
    path = tmp_path / "lines.parquet"
    invoice_lines().iloc[:0].to_parquet(path)
    assert not online_retail_store(path).sales


@pytest.fixture(scope="module")
def online_retail() -> SalesStore:
    if not ONLINE_RETAIL.is_file():
        pytest.skip("the Online Retail data set is not here")
    return online_retail_store(ONLINE_RETAIL)


def test_the_real_file_agrees_with_an_independent_sum_to_the_cent(online_retail: SalesStore) -> None:
    lines = pd.read_parquet(ONLINE_RETAIL, columns=["InvoiceNo", "Quantity", "UnitPrice"])
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
