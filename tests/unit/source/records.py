"""Sales, products and counted stock as the API's JSON holds them, and what the decoder makes of them."""

import json
from datetime import date
from typing import Any

from salesflow.source.decode import decode_inventory, decode_products, decode_sales, stock_batch
from salesflow.source.records import SalesBatch, StockBatch

CALL = "GET /sales/history?days=90"


def item(**changes: Any) -> dict[str, Any]:
    return {
        "productId": 7,
        "productName": "Riz parfumé",
        "sku": "RIZ-005",
        "quantity": 2,
        "unitPrice": 42.5,
        "subtotal": 85.0,
        **changes,
    }


def sale(number: int = 1, *items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "saleDate": "2026-11-22T18:04:11.123456",
        "totalAmount": 85.0,
        "items": list(items) or [item()],
        **changes,
    }


def good(count: int) -> list[dict[str, Any]]:
    return [sale(1000 + n) for n in range(count)]


def decode(*sales: Any, minor_digits: int = 2, since: date | None = None) -> SalesBatch:
    return decode_sales(json.dumps(sales).encode(), call=CALL, minor_digits=minor_digits, since=since)


PRODUCT = {"id": 7, "price": 42.5, "stockQuantity": 5, "lowStockThreshold": 3, "description": None, "imageUrl": None}
COUNTED = {"id": 1, "quantity": 9, "price": 40.0, "cost": 30.05, "category": "Dry"}


def product(sku: str, **changes: Any) -> dict[str, Any]:
    return {**PRODUCT, "sku": sku, "name": f"Product {sku}", **changes}


def counted(sku: str, **changes: Any) -> dict[str, Any]:
    return {**COUNTED, "sku": sku, "name": f"Item {sku}", **changes}


def stock(products: list[Any], inventory: list[Any] | None, minor_digits: int = 2) -> StockBatch:
    return stock_batch(
        decode_products(json.dumps(products).encode(), "GET /products"),
        None if inventory is None else decode_inventory(json.dumps(inventory).encode(), "GET /inventory"),
        minor_digits=minor_digits,
    )
