"""Shops that no demo shows: names that a careless writer of HTML, of a spreadsheet or of a path would run or lose."""

from collections.abc import Mapping

from msgspec import structs

from local.api import SalesStore

HOSTILE: Mapping[str, tuple[str, str]] = {
    "LAI-400": ("=1+2", "=SUM(A1)"),
    "REC-010": ("XSS/01", "<script>alert('x')</script> & cie"),
}
"""Best sellers of the sample shop, and the SKU and the name that they get."""


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
