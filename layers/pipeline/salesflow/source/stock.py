"""The API's products and inventory as the table of the stock."""

import numpy as np
import pandas as pd

from salesflow.source.amounts import is_exact, minor_units
from salesflow.source.listing import Decoded
from salesflow.source.records import RejectedRecord, StockBatch
from salesflow.source.schema import InventoryItem, Product, numbers, printable, tidy

_Row = tuple[int, str, str, float, int, int, float | None, str | None]


def stock_batch(
    products: Decoded[Product], inventory: Decoded[InventoryItem] | None, *, minor_digits: int
) -> StockBatch:
    """The stock of the products, with the inventory's cost and category by SKU; None: the account may not read it.

    A SKU that only the inventory knows becomes a row too. Of several records with one SKU the last stands; those that differ are set
    aside, which says nothing of the answer's form. A price is one
    piece's and may be finer than the currency, by two decimals: it is rounded to it, as a cost (an average) is. Where the
    currency has no decimals, a price with some is of another one, and its record is set aside. Raises SourceContractBroken
    where more than 1% of the records are.
    """
    counted = Decoded[InventoryItem]("", [], (), 0) if inventory is None else inventory
    products, counted = _of_the_currency(products, minor_digits), _of_the_currency(counted, minor_digits)
    by_sku, twice = _by_sku(products)
    counted_by_sku, counted_twice = _by_sku(counted)
    rows: list[_Row] = []
    for sku in sorted(by_sku.keys() | counted_by_sku.keys()):
        product, item = by_sku.get(sku), counted_by_sku.get(sku)
        cost, category = (None, None) if item is None else (item.cost, item.category)
        if product is not None:
            pieces, threshold = product.stock_quantity, product.low_stock_threshold
            rows.append((product.id, sku, tidy(product.name) or sku, product.price, pieces, threshold, cost, category))
        elif item is not None:
            rows.append((0, sku, tidy(item.name) or sku, item.price, item.quantity, 0, cost, category))
    return StockBatch(
        _stock_items(rows, minor_digits),
        (*products.rejected, *counted.rejected, *twice, *counted_twice),
        products.answered + counted.answered,
        costs_known=inventory is not None,
        duplicates=sum(len(one.records) for one in (products, counted))
        - len(by_sku)
        - len(counted_by_sku)
        - len(twice)
        - len(counted_twice),
    )


def _of_the_currency[Record: (Product, InventoryItem)](decoded: Decoded[Record], digits: int) -> Decoded[Record]:
    """The same without the records whose price the currency cannot have."""
    finest = digits + 2 if digits else 0
    places = np.flatnonzero(~is_exact(numbers(decoded.records, "price", np.float64), finest)).tolist()
    reason = f"More decimals than a price in the currency has ({finest})"
    return decoded.without(
        {
            place: RejectedRecord(decoded.call, f"SKU {printable(decoded.records[place].sku)}", "price", reason)
            for place in places
        }
    )


def _by_sku[Record: (Product, InventoryItem)](
    decoded: Decoded[Record],
) -> tuple[dict[str, Record], list[RejectedRecord]]:
    """The last record of each SKU, and, as set aside, the earlier ones that are not the same as it."""
    found: dict[str, Record] = {}
    other = []
    for record in decoded.records:
        sku = printable(record.sku)
        if found.setdefault(sku, record) != record:
            other.append(RejectedRecord(decoded.call, f"SKU {sku}", "sku", "Another record has this SKU, and stands"))
        found[sku] = record
    return found, other


def _stock_items(rows: list[_Row], minor_digits: int) -> pd.DataFrame:
    ids, skus, names, prices, pieces, thresholds, costs, categories = zip(*rows, strict=True) if rows else ((),) * 8
    unknown = np.array([cost is None for cost in costs], dtype=bool)
    cents = minor_units(np.array([0.0 if cost is None else cost for cost in costs], np.float64), minor_digits)
    return pd.DataFrame(
        {
            "product_id": np.array(ids, np.int64),
            "sku": pd.array(list(skus), dtype="str"),
            "name": pd.array(list(names), dtype="str"),
            "price": minor_units(np.array(prices, np.float64), minor_digits),
            "stock_quantity": np.array(pieces, np.int64),
            "low_stock_threshold": np.array(thresholds, np.int64),
            "cost": pd.arrays.IntegerArray(cents, unknown),
            "category": pd.array([tidy(category) or None for category in categories], dtype="str"),
        }
    )
