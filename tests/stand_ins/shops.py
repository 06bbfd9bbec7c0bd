"""Shops that no demo shows: a real one, and names that a careless writer of HTML, of a spreadsheet or of a path would run or lose."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import structs

from local.api import SalesStore

REAL_SALES = Path(__file__).resolve().parents[3] / "shared" / "data" / "online_retail.parquet"
"""UCI's Online Retail, 541,909 lines, where it lies beside the project."""

HOSTILE: Mapping[str, tuple[str, str]] = {
    "LAI-400": ("=1+2", "=SUM(A1)"),
    "REC-010": ("XSS/01", "<script>alert('x')</script> & cie"),
}
"""Best sellers of the sample shop, and the SKU and the name that they get."""


def real_sales(folder: Path, begin: date, end: date = date(2100, 1, 1)) -> Path:
    """A file in `folder` of the real lines from one day until before another."""
    first, last = (datetime.combine(day, datetime.min.time()) for day in (begin, end))
    within = (pc.field("InvoiceDate") >= first) & (pc.field("InvoiceDate") < last)
    path = folder / f"from-{begin}.parquet"
    pq.write_table(pq.read_table(REAL_SALES, filters=within), path)
    return path


def with_hostile_names(store: SalesStore) -> SalesStore:
    """The sample shop with some of its products under hostile SKUs and names; every figure stays."""

    def of(sku: str, name: str | None) -> dict[str, str | None]:
        return dict(zip(("sku", name or "product_name"), HOSTILE[sku], strict=True))

    sales = [
        structs.replace(
            sale,
            items=tuple(
                structs.replace(item, **of(item.sku, None)) if item.sku in HOSTILE else item for item in sale.items
            ),
        )
        for sale in store.sales
    ]
    products = [
        structs.replace(product, **of(product.sku, "name")) if product.sku in HOSTILE else product
        for product in store.products
    ]
    return SalesStore(sales, products, date_style=store.date_style)
