"""The API's JSON as checked tables.

What is accepted beyond the letter of the API's types: an integer written as an integral float (`2.0`), unknown fields, a
missing or null or blank `productName` (the SKU stands for it), `items` null or missing (a sale without items), and on a
sale's item a null, missing or empty SKU or product id (a product that is no longer there): the line then has the SKU "" and
counts for the shop, not for a product. Half an emoji (names are cut at 100 UTF-16 units) and characters that no file format
holds become replacement characters. Numbers as strings, booleans, non-finite or absurd amounts, amounts with more decimals
than the currency has, and dates with a zone are bad.

Two kinds of sales are set aside that say nothing of the answer's form, and so do not count against its 1%: those dated
later than the read, and those whose id another, different sale has.
"""

from datetime import date, datetime

from salesflow.source.listing import Decoded, RecordReader, read_whole
from salesflow.source.records import SalesBatch
from salesflow.source.refusals import UnreadableAnswer
from salesflow.source.sales import SalesReader
from salesflow.source.schema import InventoryItem, Product
from salesflow.source.stock import stock_batch

__all__ = ["UnreadableAnswer", "decode_inventory", "decode_products", "decode_sales", "stock_batch"]


def decode_sales(
    body: bytes, *, call: str, minor_digits: int, since: date | None = None, not_after: datetime | None = None
) -> SalesBatch:
    """The sales of a body of `[Sale]`, wrapped or not; see `SalesReader`, and for what is raised `read_whole`."""
    reader = SalesReader(call, minor_digits=minor_digits, since=since, not_after=not_after)
    read_whole(reader, body)
    return reader.batch()


def decode_products(body: bytes, call: str) -> Decoded[Product]:
    """The products of a body of `[Product]`, wrapped or not."""
    reader = RecordReader(Product, call)
    read_whole(reader, body)
    return reader.decoded()


def decode_inventory(body: bytes, call: str) -> Decoded[InventoryItem]:
    """The items of a body of `[InventoryItem]`, wrapped or not."""
    reader = RecordReader(InventoryItem, call)
    read_whole(reader, body)
    return reader.decoded()
