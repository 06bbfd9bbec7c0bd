"""One row a product with what is known of its sales and its stock: the table behind CSV and Parquet.

| column | type | in |
|---|---|---|
| sku, name | text | all |
| revenue, returned_amount, previous_revenue | money | sales, combined |
| quantity, transactions, returned_quantity, previous_quantity | whole number | sales, combined |
| share | fraction of all products' revenue | sales, combined |
| category, status | text | stock, combined |
| stock, threshold | whole number | stock, combined |
| price, stock_value, cost_value | money | stock, combined |
| daily_sales, coverage_days | number | stock, combined |
| last_sold | date | stock, combined |
| urgent | true or false | stock, combined |

Sold products come first, by revenue; products of the stock list that were not sold follow in its order. Where one side does
not know a product, its columns are empty. Products meet by SKU (by name where there is no SKU).
Names and values are the same in every language, because programs read them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from salesflow.analytics.results import ProductSales, ReportContent, StockItem


class FieldType(StrEnum):
    """What a column holds."""

    TEXT = "text"
    MONEY = "money"
    WHOLE = "whole"
    NUMBER = "number"
    DAY = "day"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its name, what it holds, and how it is taken from a product's two sides."""

    name: str
    type: FieldType
    of: Callable[[ProductSales | None, StockItem | None], Any]


def _from_sales(name: str, kind: FieldType) -> Field:
    return Field(name, kind, lambda sold, _: getattr(sold, name) if sold is not None else None)


def _from_stock(name: str, kind: FieldType, attribute: str = "") -> Field:
    source = attribute or name
    return Field(name, kind, lambda _, item: getattr(item, source) if item is not None else None)


def _either(name: str) -> Field:
    def value(sold: ProductSales | None, item: StockItem | None) -> Any:
        return getattr(sold if sold is not None else item, name)

    return Field(name, FieldType.TEXT, value)


_KEYS: Final = (_either("sku"), _either("name"))
_SALES: Final = (
    _from_sales("revenue", FieldType.MONEY),
    _from_sales("quantity", FieldType.WHOLE),
    _from_sales("transactions", FieldType.WHOLE),
    _from_sales("share", FieldType.NUMBER),
    _from_sales("returned_quantity", FieldType.WHOLE),
    _from_sales("returned_amount", FieldType.MONEY),
    _from_sales("previous_quantity", FieldType.WHOLE),
    _from_sales("previous_revenue", FieldType.MONEY),
)
_STOCK: Final = (
    _from_stock("category", FieldType.TEXT),
    _from_stock("status", FieldType.TEXT),
    _from_stock("urgent", FieldType.FLAG),
    _from_stock("stock", FieldType.WHOLE),
    _from_stock("threshold", FieldType.WHOLE),
    _from_stock("price", FieldType.MONEY),
    _from_stock("stock_value", FieldType.MONEY, "value"),
    _from_stock("cost_value", FieldType.MONEY),
    _from_stock("daily_sales", FieldType.NUMBER),
    _from_stock("coverage_days", FieldType.NUMBER),
    _from_stock("last_sold", FieldType.DAY),
)


def fields_of(content: ReportContent) -> tuple[Field, ...]:
    """The columns of a report, by what it holds."""
    return _KEYS + (_SALES if content.sales else ()) + (_STOCK if content.stock else ())


def product_rows(content: ReportContent, fields: Sequence[Field]) -> Iterator[tuple[Any, ...]]:
    """One tuple a product, in the order of `fields`; money in minor units."""
    for sold, item in _pairs(content):
        yield tuple(field.of(sold, item) for field in fields)


def _pairs(content: ReportContent) -> Iterator[tuple[ProductSales | None, StockItem | None]]:
    items = content.stock.items if content.stock else ()
    waiting: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        waiting.setdefault(item.sku or item.name, []).append(place)
    met: set[int] = set()
    for sold in content.sales.products if content.sales else ():
        places = waiting.get(sold.sku or sold.name)
        if places:
            met.add(places[0])
            yield sold, items[places.pop(0)]
        else:
            yield sold, None
    for place, item in enumerate(items):
        if place not in met:
            yield None, item
