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

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from msgspec import Struct

from salesflow.money import is_exact, minor_units
from salesflow.source.listing import Decoded, decode_list
from salesflow.source.records import RejectedRecord, SalesBatch, StockBatch
from salesflow.source.refusals import UnreadableAnswer, broken
from salesflow.source.schema import InventoryItem, Product, Sale, SaleItem

__all__ = ["UnreadableAnswer", "decode_inventory", "decode_products", "decode_sales", "stock_batch"]

MOST_IN_THE_FUTURE = 0.5
"""An answer with a larger share of sales dated in the future comes from a server whose clock or zone is wrong."""

_StockRow = tuple[int, str, str, float, int, int, float | None, str | None]
_MARKER = SaleItem(product_id=0, sku="", quantity=0, unit_price=0.0, subtotal=0.0, product_name="")
_NO_ITEMS = [_MARKER]
_IN_NO_FILE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Controls, surrogates and noncharacters: XML, and so Excel, holds none of them."""


def decode_sales(
    body: bytes, *, call: str, minor_digits: int, since: date | None = None, not_after: datetime | None = None
) -> SalesBatch:
    """The sales of an answer of `[Sale]`, wrapped or not.

    minor_digits: digits after the point of the currency. since: leave sales before this day out. not_after: the latest
    moment (naive, in the merchant's zone) that a sale can have; later ones are set aside, without a day, for theirs is
    wrong. Of two different sales with one id the later in the answer stands and the other is set aside. Raises
    SourceContractBroken (UnreadableAnswer where it is no JSON at all).
    """
    decoded = decode_list(body, Sale, call=call)
    moments, undated = _moments([sale.sale_date for sale in decoded.records])
    bad = {place: _rejected(decoded, place, "saleDate", "No such date or time") for place in undated}
    bad |= {
        place: _rejected(decoded, place, field, f"More decimals than the currency has ({minor_digits})", moments)
        for place, field in _inexact(decoded.records, minor_digits).items()
        if place not in bad
    }
    decoded, moments = decoded.without(bad), np.delete(moments, list(bad))
    aside = {} if not_after is None else _later_than(not_after, decoded, moments)
    if len(aside) > MOST_IN_THE_FUTURE * decoded.answered and len(aside) > 1:
        raise broken(
            call,
            f"answered {decoded.answered} sales of which {len(aside)} are dated later than now ({not_after:%Y-%m-%d %H:%M}): "
            "the server's clock, or the TimeZone of this stack, is wrong",
        )
    future = len(aside)
    ids = np.fromiter(map(attrgetter("id"), decoded.records), np.int64, len(decoded.records))
    timely = _others(np.arange(len(ids)), list(aside))
    keep = timely[_last_of_each(ids[timely])]
    shared, duplicates = _of_one_id(decoded, ids, moments, timely, keep)
    aside |= shared
    records, rejected = decoded.answered, (*decoded.rejected, *(aside[place] for place in sorted(aside)))
    if since is not None:
        keep = keep[moments[keep] >= np.datetime64(since, "us")]
        rejected = tuple(record for record in rejected if record.day is None or record.day >= since)
        records = len(keep) + duplicates + len(rejected)
    order = keep[np.lexsort((ids[keep], moments[keep]))]
    sales = [decoded.records[place] for place in order.tolist()]
    lines = _sale_lines(sales, ids[order], moments[order], minor_digits)
    return SalesBatch(lines, rejected, records, duplicates, future)


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

    A SKU that only the inventory knows becomes a row too. Of several records with one SKU the last stands. A price is one
    piece's and may be finer than the currency, by two decimals: it is rounded to it, as a cost (an average) is. Where the
    currency has no decimals, a price with some is of another one, and its record is set aside. Raises SourceContractBroken
    where more than 1% of the records are.
    """
    counted = Decoded[InventoryItem]("", [], (), 0) if inventory is None else inventory
    products, counted = _of_the_currency(products, minor_digits), _of_the_currency(counted, minor_digits)
    by_sku = {_printable(product.sku): product for product in products.records}
    counted_by_sku = {_printable(item.sku): item for item in counted.records}
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


def _of_the_currency[Record: (Product, InventoryItem)](decoded: Decoded[Record], digits: int) -> Decoded[Record]:
    """The same without the records whose price the currency cannot have."""
    finest = digits + 2 if digits else 0
    places = np.flatnonzero(~is_exact(_numbers(decoded.records, "price", np.float64), finest)).tolist()
    reason = f"More decimals than a price in the currency has ({finest})"
    return decoded.without(
        {
            place: RejectedRecord(decoded.call, f"SKU {_printable(decoded.records[place].sku)}", "price", reason)
            for place in places
        }
    )


def _rejected(
    decoded: Decoded[Sale], place: int, field: str, reason: str, moments: npt.NDArray[np.datetime64] | None = None
) -> RejectedRecord:
    """A sale that is set aside; `moments`: its day is known and right."""
    day = None if moments is None else moments[place].astype("datetime64[D]").item()
    return RejectedRecord(decoded.call, f"id {decoded.records[place].id}", field, reason, day)


def _inexact(sales: Sequence[Sale], digits: int) -> dict[int, str]:
    """The places of sales with an amount that the currency cannot hold, and the first such field of each."""
    found = dict.fromkeys(
        np.flatnonzero(~is_exact(_numbers(sales, "total_amount", np.float64), digits)).tolist(), "totalAmount"
    )
    items = list(chain.from_iterable(sale.items or () for sale in sales))
    lines = np.flatnonzero(~is_exact(_numbers(items, "subtotal", np.float64), digits))
    if len(lines):
        ends = np.cumsum(np.fromiter((len(sale.items or ()) for sale in sales), np.int64, len(sales)))
        for line in lines.tolist():
            place = int(np.searchsorted(ends, line, side="right"))
            found.setdefault(place, f"items[{line - int(ends[place]) + len(sales[place].items or ())}].subtotal")
    return found


def _later_than(
    not_after: datetime, decoded: Decoded[Sale], moments: npt.NDArray[np.datetime64]
) -> dict[int, RejectedRecord]:
    """The sales dated later than that, by place."""
    return {
        place: _rejected(
            decoded,
            place,
            "saleDate",
            f"Dated in the future: {_minute(moments[place])}, and read at {not_after:%Y-%m-%d %H:%M}",
        )
        for place in np.flatnonzero(moments > np.datetime64(not_after, "us")).tolist()
    }


def _of_one_id(
    decoded: Decoded[Sale],
    ids: npt.NDArray[np.int64],
    moments: npt.NDArray[np.datetime64],
    timely: npt.NDArray[np.intp],
    keep: npt.NDArray[np.intp],
) -> tuple[dict[int, RejectedRecord], int]:
    """The sales whose id a later, different one has, set aside; and how many are just the same as another."""
    aside: dict[int, RejectedRecord] = {}
    if len(timely) == len(keep):
        return aside, 0
    twice = _others(timely, keep)
    stands = {int(ids[place]): place for place in keep[np.isin(ids[keep], ids[twice])].tolist()}
    seen: defaultdict[int, list[int]] = defaultdict(list)
    for place in reversed(twice.tolist()):
        number = int(ids[place])
        others = [stands[number], *seen[number]]
        if any(_same(decoded.records[place], decoded.records[o]) and moments[place] == moments[o] for o in others):
            continue
        seen[number].append(place)
        reason = (
            f"Another sale has this id: {_minute(moments[place])} is left out, {_minute(moments[others[0]])} stands"
        )
        aside[place] = _rejected(decoded, place, "id", reason, moments)
    return aside, len(twice) - len(aside)


def _others(places: npt.NDArray[np.intp], without: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Ascending places without some of them."""
    left = np.zeros(places[-1] + 1 if len(places) else 0, dtype=bool)
    left[places] = True
    left[np.asarray(without, np.intp)] = False
    return np.flatnonzero(left)


def _same(one: Sale, other: Sale) -> bool:
    return one.total_amount == other.total_amount and (one.items or []) == (other.items or [])


def _minute(moment: np.datetime64) -> str:
    return f"{moment.astype('datetime64[m]').item():%Y-%m-%d %H:%M}"


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
    skus = _tidied([item.sku or "" for item in items])
    names = _tidied([item.product_name or "" for item in items])
    named = [name or sku for name, sku in zip(names, skus, strict=True)]
    return _categorical(skus), _categorical(named)


def _tidied(texts: list[str]) -> list[str]:
    """The texts without those that are blank, and with what no file format holds made visible."""
    changed = {text: tidy for text in set(texts) if (tidy := _printable(text) if text.strip() else "") != text}
    return [changed.get(text, text) for text in texts] if changed else texts


def _printable(text: str) -> str:
    return _IN_NO_FILE.sub("\ufffd", text)


def _categorical(texts: list[str]) -> pd.Categorical:
    """The texts as a categorical whose categories are sorted."""
    values = np.empty(len(texts), dtype=object)
    values[:] = texts
    codes, known = pd.factorize(values, sort=True)
    return pd.Categorical.from_codes(codes, categories=pd.Index(known, dtype="str"))


def _name(name: str | None, sku: str) -> str:
    return _printable(name) if name and name.strip() else sku


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
            "category": pd.array([_printable(category or "") or None for category in categories], dtype="str"),
        }
    )
