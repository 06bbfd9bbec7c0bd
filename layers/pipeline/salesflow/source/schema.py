"""The API's records as typed structs: what msgspec checks of a record, it checks here.

Fields that may be null may be absent too: some servers leave nulls out.
"""

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

MAX_AMOUNT = 9e11
"""Major units. No small merchant's amount, and `money.MAX_MINOR` holds it in every currency (CLDR: at most 4 digits)."""

_IN_NO_FILE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Controls, surrogates and noncharacters: XML, and so Excel, holds none of them."""
_LONG = 2**63
_INT = 2**31

Id = Annotated[int, Meta(ge=-_LONG, le=_LONG - 1)]
Pieces = Annotated[int, Meta(ge=-_INT, le=_INT - 1)]
Amount = Annotated[float, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
_VISIBLE = r"[^\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
"""Any character that leaves a mark: not blanks, and not zero widths, joiners, marks of direction and fillers alone."""
Text = Annotated[str, Meta(pattern=_VISIBLE)]
LocalDateTime = Annotated[
    str, Meta(pattern=r"\A(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?\Z")
]

WHOLE_NUMBERS = frozenset({"id", "productId", "quantity", "stockQuantity", "lowStockThreshold"})
"""The fields that are integers, by the names that they have in JSON."""


class SaleItem(Struct, gc=False, rename="camel"):
    """`SaleItem` of the API. Without a product id or a SKU: a product that is no longer there."""

    quantity: Pieces
    unit_price: Amount
    subtotal: Amount
    product_id: Id | None = None
    sku: str | None = None
    product_name: str | None = None


class Sale(Struct, gc=False, rename="camel"):
    """`Sale` of the API."""

    id: Id
    sale_date: LocalDateTime
    total_amount: Amount
    items: list[SaleItem] | None = None


class Listed(Struct, gc=False, rename="camel", kw_only=True):
    """What both lists of products say of one."""

    sku: Text
    price: Amount
    name: str | None = None


class Product(Listed, gc=False, rename="camel", kw_only=True):
    """`Product` of the API, as far as it is read."""

    id: Id
    stock_quantity: Pieces
    low_stock_threshold: Pieces


class InventoryItem(Listed, gc=False, rename="camel", kw_only=True):
    """`InventoryItem` of the API, as far as it is read."""

    quantity: Pieces
    cost: Amount | None = None
    category: str | None = None


def tidy(text: str | None) -> str:
    """The printable text; "" where a reader would see nothing of it."""
    return printable(text) if text and re.search(_VISIBLE, text) else ""


def printable(text: str) -> str:
    """The text with what no file format holds made visible."""
    return _IN_NO_FILE.sub("\ufffd", text)


def numbers(records: Sequence[Struct], field: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
    """One field of each record, shape [n]."""
    return np.fromiter(map(attrgetter(field), records), dtype, len(records))
