"""The API's JSON as checked tables.

Records are decoded into typed structs by msgspec, whose constraints are the validation: an answer of good records passes
through C code once. Only where that fails is each record looked at on its own; a bad one is set aside with the reason,
and an answer with more than 1% of them breaks the contract.

What is accepted beyond the letter of the API's types: an integer written as an integral float (`2.0`), unknown fields, a
missing or null or blank `productName` (the SKU stands for it), `items: null` (a sale without items), and on a sale's item
a null or empty SKU or a null product id (a product that is no longer there): the line then has the SKU "" and counts for
the shop, not for a product. Half an emoji (names are cut at 100 UTF-16 units) becomes a replacement character. Numbers
as strings, booleans, non-finite or absurd amounts and dates with a zone are bad.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from salesflow.errors import SourceContractBroken
from salesflow.money import minor_units
from salesflow.source.records import DailyBatch, RejectedRecord, SalesBatch, StockBatch

MAX_AMOUNT = 9e11
"""Major units. No small merchant's amount, and `money.MAX_MINOR` holds it in every currency (CLDR: at most 4 digits)."""
MAX_BAD_SHARE = 0.01

_LONG = 2**63
_INT = 2**31

Id = Annotated[int, Meta(ge=-_LONG, le=_LONG - 1)]
Pieces = Annotated[int, Meta(ge=-_INT, le=_INT - 1)]
Amount = Annotated[float, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
Text = Annotated[str, Meta(pattern=r"\S")]
LocalDateTime = Annotated[
    str, Meta(pattern=r"\A(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?\Z")
]


class SaleItem(Struct, gc=False, rename="camel"):
    """`SaleItem` of the API."""

    product_id: Id | None
    sku: str | None
    quantity: Pieces
    unit_price: Amount
    subtotal: Amount
    product_name: str | None = None


class Sale(Struct, gc=False, rename="camel"):
    """`Sale` of the API."""

    id: Id
    sale_date: LocalDateTime
    total_amount: Amount
    items: list[SaleItem] | None


class Product(Struct, gc=False, rename="camel"):
    """`Product` of the API, as far as it is read."""

    id: Id
    sku: Text
    price: Amount
    stock_quantity: Pieces
    low_stock_threshold: Pieces
    name: str | None = None


class InventoryItem(Struct, gc=False, rename="camel"):
    """`InventoryItem` of the API, as far as it is read."""

    sku: Text
    quantity: Pieces
    price: Amount
    cost: Amount | None = None
    category: str | None = None
    name: str | None = None


class DayQuantity(Struct, gc=False):
    """One day of `/sales/history/by-sku` and `/by-name`."""

    date: date
    quantity: Pieces


class UnreadableAnswer(SourceContractBroken):
    """The answer is no JSON at all. It may be a proxy's page, and gone with the next try."""


class _Wrapper(Struct, gc=False, rename="camel"):
    """The objects that some deployments put around a list."""

    data: Raw | UnsetType = UNSET
    content: Raw | UnsetType = UNSET
    items: Raw | UnsetType = UNSET
    sales: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    total_pages: Any = UNSET


@dataclass(frozen=True, slots=True)
class Decoded[Record]:
    """The good records of an answer, in its order, and the bad ones."""

    call: str
    records: Sequence[Record]
    rejected: tuple[RejectedRecord, ...]
    answered: int

    def without(self, bad: Mapping[int, RejectedRecord]) -> "Decoded[Record]":
        """The same without the records at some places of `records`, which are set aside too."""
        kept = [record for place, record in enumerate(self.records) if place not in bad]
        return _checked(Decoded(self.call, kept, (*self.rejected, *bad.values()), self.answered))


_StockRow = tuple[int, str, str, float, int, int, float | None, str | None]
_MARKER = SaleItem(product_id=0, sku="", quantity=0, unit_price=0.0, subtotal=0.0, product_name="")
_NO_ITEMS = [_MARKER]
_WHOLE_NUMBERS = frozenset({"id", "productId", "quantity", "stockQuantity", "lowStockThreshold"})
_FIRST_CHARACTER = re.compile(rb"[ \t\r\n]*([\x00-\xff]?)")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_MISSING_FIELD = re.compile(r"Object missing required field `(\w+)`")
_ACTION = (
    "Compare the answer with the API's description; SALESFLOW_API_URL may point to something else, or to a newer API."
)
_NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_sales(body: bytes, *, call: str, minor_digits: int, since: date | None = None) -> SalesBatch:
    """The sales of an answer of `[Sale]`, wrapped or not.

    minor_digits: digits after the point of the currency. since: leave sales before this day out. Of two sales with one id
    the later in the answer stands. Raises SourceContractBroken (UnreadableAnswer where it is no JSON at all).
    """
    decoded = decode_list(body, Sale, call=call)
    moments, undated = _moments([sale.sale_date for sale in decoded.records])
    if undated:
        bad = {
            place: RejectedRecord(call, f"id {decoded.records[place].id}", "saleDate", "No such date or time")
            for place in undated
        }
        moments = np.delete(moments, undated)
        decoded = decoded.without(bad)
    ids = np.fromiter(map(attrgetter("id"), decoded.records), np.int64, len(decoded.records))
    keep = _last_of_each(ids)
    duplicates = len(ids) - len(keep)
    records, rejected = decoded.answered, decoded.rejected
    if since is not None:
        keep = keep[moments[keep] >= np.datetime64(since, "us")]
        rejected = tuple(record for record in rejected if record.day is None or record.day >= since)
        records = len(keep) + duplicates + len(rejected)
    order = keep[np.lexsort((ids[keep], moments[keep]))]
    sales = [decoded.records[place] for place in order.tolist()]
    return SalesBatch(_sale_lines(sales, ids[order], moments[order], minor_digits), rejected, records, duplicates)


def decode_products(body: bytes, call: str) -> Decoded[Product]:
    """The products of an answer of `[Product]`, wrapped or not; raises as `decode_list` does."""
    return decode_list(body, Product, call=call)


def decode_inventory(body: bytes, call: str) -> Decoded[InventoryItem]:
    """The items of an answer of `[InventoryItem]`, wrapped or not; raises as `decode_list` does."""
    return decode_list(body, InventoryItem, call=call)


def stock_batch(
    products: Decoded[Product], inventory: Decoded[InventoryItem] | None, *, minor_digits: int
) -> StockBatch:
    """The stock of the products, with the inventory's cost and category by SKU; None: the account may not read it.

    A SKU that only the inventory knows becomes a row too. Of several records with one SKU the last stands.
    """
    counted = Decoded[InventoryItem]("", [], (), 0) if inventory is None else inventory
    by_sku = {product.sku: product for product in products.records}
    counted_by_sku = {item.sku: item for item in counted.records}
    rows: list[_StockRow] = []
    for sku in sorted(by_sku.keys() | counted_by_sku.keys()):
        product, item = by_sku.get(sku), counted_by_sku.get(sku)
        cost, category = (None, None) if item is None else (item.cost, item.category)
        if product is not None:
            pieces, threshold = product.stock_quantity, product.low_stock_threshold
            rows.append((product.id, sku, _name(product.name, sku), product.price, pieces, threshold, cost, category))
        elif item is not None:
            rows.append((0, sku, _name(item.name, sku), item.price, item.quantity, 0, cost, category))
    return StockBatch(
        _stock_items(rows, minor_digits),
        (*products.rejected, *counted.rejected),
        products.answered + counted.answered,
        costs_known=inventory is not None,
        duplicates=len(products.records) - len(by_sku) + len(counted.records) - len(counted_by_sku),
    )


def decode_days(body: bytes, call: str) -> DailyBatch:
    """The days of an answer of `[{"date", "quantity"}]`; of one day twice the later stands.

    Raises SourceContractBroken (UnreadableAnswer where it is no JSON at all).
    """
    decoded = decode_list(body, DayQuantity, call=call)
    quantities = {record.date: record.quantity for record in decoded.records}
    ordered = sorted(quantities)
    days = pd.DataFrame(
        {
            "date": np.array(ordered, "datetime64[us]"),
            "quantity": np.array([quantities[day] for day in ordered], np.int64),
        }
    )
    return DailyBatch(days, decoded.rejected, decoded.answered)


def decode_list[Record: Struct](body: bytes, record_type: type[Record], *, call: str) -> Decoded[Record]:
    """The records of a list, bare or in one of the known wrappings.

    Raises UnreadableAnswer where the body is no JSON, SourceContractBroken where it is another shape or more than 1% of
    the records are bad.
    """
    array = _array(body, call)
    records = _parsed(array, list[record_type])  # type: ignore[valid-type]  # a type variable is a type at run time
    if records is None:
        return _one_by_one(array, record_type, call)
    return Decoded(call, records, (), len(records))


def _parsed(json: bytes | Raw, shape: Any) -> Any | None:
    """The value in that shape, None where it is not. The error is dropped here: it may hold the body."""
    try:
        return msgspec.json.decode(json, type=shape)
    except _NO_JSON:
        return None


def _array(body: bytes, call: str) -> bytes | Raw:
    """The JSON of the list in an answer's body."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    first = _FIRST_CHARACTER.match(body)
    match first[1] if first else b"":
        case b"[":
            return body
        case b"{":
            wrapper = _parsed(body, _Wrapper)
            if wrapper is None:
                raise _unreadable(call, "JSON that breaks off or cannot be read")
            return _unwrapped(wrapper, call)
        case b"":
            raise _unreadable(call, "an empty body")
        case b"<":
            raise _unreadable(call, "an HTML page")
        case _:
            raise _unreadable(call, "neither a list nor an object")


def _unwrapped(wrapper: _Wrapper, call: str) -> Raw:
    found = (wrapper.data, wrapper.content, wrapper.items, wrapper.sales, wrapper.result)
    arrays = [raw for raw in found if isinstance(raw, Raw) and bytes(memoryview(raw)[:1]) == b"["]
    if len(arrays) != 1:
        raise _broken(
            call, "answered an object that does not hold one list under data, content, items, sales or result"
        )
    if isinstance(wrapper.total_pages, int) and wrapper.total_pages > 1:
        raise _broken(call, f"answered one of {wrapper.total_pages} pages, and the API has no paging")
    return arrays[0]


def _one_by_one[Record: Struct](array: bytes | Raw, record_type: type[Record], call: str) -> Decoded[Record]:
    """The records of a list of which something is wrong."""
    parts = _parsed(array, list[Raw])
    if parts is None:
        array = _ESCAPE.sub(_mended, bytes(memoryview(array)))
        parts = _parsed(array, list[Raw])
    if parts is None:
        raise _unreadable(call, "JSON that breaks off or cannot be read")
    decode = msgspec.json.Decoder(record_type).decode
    records: list[Record] = []
    rejected: list[RejectedRecord] = []
    for position, part in enumerate(parts):
        try:
            records.append(decode(part))
        except _NO_JSON as error:
            outcome = _second_look(part, position, record_type, call, str(error))
            if isinstance(outcome, RejectedRecord):
                rejected.append(outcome)
            else:
                records.append(outcome)
    return _checked(Decoded(call, records, tuple(rejected), len(parts)))


def _mended(escape: re.Match[bytes]) -> bytes:
    """An escape of JSON text, with half a surrogate pair (an emoji that was cut in two) made a replacement character."""
    return rb"\ufffd" if escape[1] else escape[0]


def _second_look[Record: Struct](
    part: Raw, position: int, record_type: type[Record], call: str, problem: str
) -> Record | RejectedRecord:
    """The record once its integral floats are integers, or what is wrong with it."""
    value = _parsed(part, Any)
    if value is not None:
        try:
            return msgspec.convert(_with_whole_numbers(value), record_type)
        except msgspec.ValidationError as error:
            problem = str(error)
        except RecursionError:
            problem = "Nested too deeply"
    else:
        problem = "Cannot be read"
    number, day = None, None
    if isinstance(value, dict):
        number = value.get("id")
        day = _day_of(value.get("saleDate"))
    known = isinstance(number, int) and not isinstance(number, bool)
    field, reason = _described(problem)
    return RejectedRecord(call, f"id {number}" if known else f"position {position}", field, reason, day)


def _with_whole_numbers(value: Any) -> Any:
    """The same with `2.0` made `2` in the fields that are integers: some servers write every number as a float."""
    if isinstance(value, dict):
        return {
            key: int(item)
            if isinstance(item, float) and key in _WHOLE_NUMBERS and item.is_integer()
            else _with_whole_numbers(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    return value


def _described(problem: str) -> tuple[str, str]:
    """The field and the reason in msgspec's words, such as "Expected `int`, got `str` - at `$.items[0].quantity`"."""
    reason, _, path = problem.partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    missing = _MISSING_FIELD.fullmatch(reason)
    if missing:
        return f"{field}.{missing[1]}".lstrip("."), "Missing"
    if "matching regex" in reason:
        dated = field == "saleDate"
        reason = "Expected a local date and time without a zone" if dated else "Expected a text that is not blank"
    return field or "record", reason


def _day_of(text: object) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) else None
    except ValueError:
        return None


def _checked[Record](decoded: Decoded[Record]) -> Decoded[Record]:
    """The same, unless more than 1% of the answer is bad: then it is not what we think it is, and no figure is made of it."""
    bad = decoded.rejected
    if len(bad) > MAX_BAD_SHARE * decoded.answered:
        examples = "; ".join(f"{record.record}, {record.field}: {record.reason}" for record in bad[:3])
        raise _broken(decoded.call, f"answered {decoded.answered} records of which {len(bad)} are bad ({examples})")
    return decoded


def _broken(call: str, problem: str) -> SourceContractBroken:
    return SourceContractBroken(f"{call} {problem}.", action=_ACTION)


def _unreadable(call: str, what: str) -> UnreadableAnswer:
    return UnreadableAnswer(f"{call} answered {what} where a list was due.", action=_ACTION)


def _moments(texts: list[str]) -> tuple[npt.NDArray[np.datetime64], list[int]]:
    """The moments of texts that look like dates, datetime64[us]; and the places of those that are none (30 February)."""
    try:
        return np.array(texts, "datetime64[us]"), []
    except ValueError:
        pass
    bad = []
    for place, text in enumerate(texts):
        try:
            np.datetime64(text, "us")
        except ValueError:
            bad.append(place)
    blank = set(bad)
    good = ["NaT" if place in blank else text for place, text in enumerate(texts)]
    return np.array(good, "datetime64[us]"), bad


def _last_of_each(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """The places of each key's last occurrence, ascending by key."""
    _, from_the_end = np.unique(keys[::-1], return_index=True)
    return len(keys) - 1 - from_the_end


def _sale_lines(
    sales: list[Sale], ids: npt.NDArray[np.int64], moments: npt.NDArray[np.datetime64], minor_digits: int
) -> pd.DataFrame:
    """One row an item of sorted sales; one row with the SKU "" and quantity 0 for a sale without items."""
    items = list(chain.from_iterable(sale.items or _NO_ITEMS for sale in sales))
    lengths = np.fromiter((len(sale.items or _NO_ITEMS) for sale in sales), np.int64, len(sales))
    totals = minor_units(_numbers(sales, "total_amount", np.float64), minor_digits)
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    skus, names = _texts(items)
    return pd.DataFrame(
        {
            "sale_id": np.repeat(ids, lengths),
            "line": (np.arange(len(items)) - first).astype(np.int32),
            "sold_at": np.repeat(moments, lengths),
            "sale_total": np.repeat(totals, lengths),
            "product_id": np.fromiter((item.product_id or 0 for item in items), np.int64, len(items)),
            "sku": skus,
            "name": names,
            "quantity": _numbers(items, "quantity", np.int64),
            "unit_price": _numbers(items, "unit_price", np.float64),
            "subtotal": minor_units(_numbers(items, "subtotal", np.float64), minor_digits),
        },
        copy=False,
    )


def _numbers(records: Sequence[Struct], field: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.fromiter(map(attrgetter(field), records), dtype, len(records))


def _texts(items: list[SaleItem]) -> tuple[pd.Categorical, pd.Categorical]:
    """The SKUs and the names of items, each as a categorical with sorted categories."""
    skus = [item.sku or "" for item in items]
    codes, known = _factorized(skus)
    if any(sku and not sku.strip() for sku in known):
        skus = [sku if sku.strip() else "" for sku in skus]
        codes, known = _factorized(skus)
    names = [item.product_name or sku for item, sku in zip(items, skus, strict=True)]
    name_codes, known_names = _factorized(names)
    if any(name and not name.strip() for name in known_names):
        names = [name if name.strip() else sku for name, sku in zip(names, skus, strict=True)]
        name_codes, known_names = _factorized(names)
    return _categorical(codes, known), _categorical(name_codes, known_names)


def _factorized(texts: list[str]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.object_]]:
    """A code for each text and the sorted distinct texts."""
    values = np.empty(len(texts), dtype=object)
    values[:] = texts
    codes, known = pd.factorize(values, sort=True)
    return codes, known


def _categorical(codes: npt.NDArray[np.intp], known: npt.NDArray[np.object_]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(known, dtype="str"))


def _name(name: str | None, sku: str) -> str:
    return name if name and name.strip() else sku


def _stock_items(rows: list[_StockRow], minor_digits: int) -> pd.DataFrame:
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
            "category": pd.array([category or None for category in categories], dtype="str"),
        }
    )
