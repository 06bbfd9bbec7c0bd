"""The sales and products that one server answers from, with the JSON of every sale made once."""

import bisect
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from typing import Any

import msgspec

from local.api.records import (
    DateStyle,
    Product,
    Sale,
    SaleAnswer,
    local_date_time,
)

_EVER = datetime.combine(date.min, time.min)


class SalesStore:
    """A shop's sales, ascending by (sold_at, id), and its products.

    Every read takes the server's `now`: a sale that has not been synced yet is not there, one that was is, also where it is
    dated later. The store may be changed while a server reads it; ids and SKUs are unique (ValueError otherwise).
    """

    def __init__(
        self, sales: Iterable[Sale], products: Iterable[Product], *, date_style: DateStyle = DateStyle.JAVA
    ) -> None:
        self.date_style = date_style
        self._lock = threading.RLock()
        self._sales: dict[int, Sale] = {}
        for sale in sorted(sales, key=lambda sale: (sale.sold_at, sale.id)):
            if sale.id in self._sales:
                raise ValueError(f"Two sales have the id {sale.id}.")
            self._sales[sale.id] = sale
        self._products: dict[str, Product] = {}
        for product in products:
            if product.sku in self._products:
                raise ValueError(f"Two products have the SKU {product.sku!r}.")
            self._products[product.sku] = product
        self._index: _Index | None = None

    # -- what is in it -------------------------------------------------------------------------------------------------

    @property
    def sales(self) -> Sequence[Sale]:
        """All sales, those of the future and the unsynced included, ascending by (sold_at, id)."""
        return self._indexed().sales

    @property
    def products(self) -> Sequence[Product]:
        """All products, in the order of their making."""
        with self._lock:
            return tuple(self._products.values())

    def visible_sales(self, first: datetime, now: datetime) -> Iterator[Sale]:
        """The sales since `first` that the server knows at `now`, ascending."""
        index = self._indexed()
        return (index.sales[n] for n in index.known(first, now))

    def history_json(self, days: int, now: datetime) -> list[memoryview]:
        """The sales since 00:00 of `now`'s day minus `days`, as pieces of JSON that belong between `[` and `]`.

        The pieces are views of one buffer, so that an answer of 75 MB is not copied.
        """
        index = self._indexed()
        return index.json_of(index.known(start_of_day(now, days), now))

    def daily_quantities(self, sku: str, days: int, now: datetime) -> dict[date, int]:
        """Pieces of one SKU sold a day (returns subtracted) on the days that have a sale of it, ascending."""
        index = self._indexed()
        first = start_of_day(now, days)
        quantities: defaultdict[date, int] = defaultdict(int)
        for position, quantity in index.lines_of.get(sku, ()):
            sale = index.sales[position]
            if first <= sale.sold_at and sale.known_at <= now:
                quantities[sale.sold_at.date()] += quantity
        return dict(quantities)

    def product_by_sku(self, sku: str) -> Product | None:
        """The product with exactly this SKU."""
        with self._lock:
            return self._products.get(sku)

    def product_by_name(self, name: str) -> Product | None:
        """The first product that has exactly this name now."""
        return next((product for product in self.products if product.name == name), None)

    def stock_of(self, product: Product, now: datetime) -> int:
        """Pieces in stock at `now`."""
        if not product.levels:
            return product.stock_quantity
        after = bisect.bisect_right(product.levels, now, key=lambda level: level[0])
        return product.levels[max(after - 1, 0)][1]

    def product_answer(self, product: Product, now: datetime) -> dict[str, Any]:
        """A `Product` as `/products` answers it."""
        return {
            "id": product.id,
            "name": product.name,
            "sku": product.sku,
            "price": product.price,
            "stockQuantity": self.stock_of(product, now),
            "lowStockThreshold": product.low_stock_threshold,
            "description": None,
            "imageUrl": None,
        }

    def inventory(self, now: datetime) -> list[dict[str, Any]]:
        """`/inventory`: the products that have a cost, each as an `InventoryItem`."""
        return [
            {
                "id": product.id,
                "sku": product.sku,
                "name": product.name,
                "description": None,
                "quantity": self.stock_of(product, now),
                "price": product.price,
                "cost": product.cost,
                "category": product.category,
                "createdAt": local_date_time(product.created_at),
                "updatedAt": local_date_time(now),
            }
            for product in self.products
            if product.cost is not None
        ]

    # -- what happens to it --------------------------------------------------------------------------------------------

    def put_sale(self, *sales: Sale) -> None:
        """Add sales, or replace those of the same ids: a till syncs late, or a day is corrected afterwards.

        A sale that does not say when it was synced is there at once, whatever its date: a server hides no sale of the future.
        """
        self.foresee(*(s if s.synced_at else msgspec.structs.replace(s, synced_at=_EVER) for s in sales))

    def foresee(self, *sales: Sale) -> None:
        """The same with sales that are still to be made: each is there from its own moment on."""
        with self._lock:
            merged = {**self._sales, **{sale.id: sale for sale in sales}}
            self._sales = dict(sorted(merged.items(), key=lambda item: (item[1].sold_at, item[0])))
            self._index = None

    def remove_sale(self, *ids: int) -> None:
        """Delete sales, as a merchant does who entered one twice. Raises KeyError for an unknown id."""
        with self._lock:
            for sale_id in ids:
                del self._sales[sale_id]
            self._index = None

    def delay_sync(self, ids: Iterable[int], synced_at: datetime) -> None:
        """Let sales become visible only at `synced_at`. Raises KeyError for an unknown id."""
        self.put_sale(*[msgspec.structs.replace(self._sales[sale_id], synced_at=synced_at) for sale_id in ids])

    def set_stock(self, sku: str, quantity: int) -> None:
        """Fix a product's stock from now on. Raises KeyError for an unknown SKU."""
        with self._lock:
            product = self._products[sku]
            self._products[sku] = msgspec.structs.replace(product, stock_quantity=quantity, levels=())

    def _indexed(self) -> "_Index":
        with self._lock:
            if self._index is None:
                self._index = _Index(tuple(self._sales.values()), self.date_style)
            return self._index


class _Index:
    """Everything derived from one state of the sales; replaced as a whole after a change."""

    def __init__(self, sales: tuple[Sale, ...], date_style: DateStyle) -> None:
        self.sales = sales
        self.sold_at = [sale.sold_at for sale in sales]
        self.late = any(sale.known_at > sale.sold_at for sale in sales)
        self.early = [n for n, sale in enumerate(sales) if sale.known_at < sale.sold_at]
        self._date_style = date_style
        self._encoding = threading.Lock()
        self._buffer: memoryview | None = None
        self._starts: list[int] = []
        self._lines_of: dict[str, list[tuple[int, int]]] | None = None

    def known(self, first: datetime, now: datetime) -> Sequence[int]:
        """Positions of the sales since `first` that the server knows at `now`, ascending."""
        low, high = bisect.bisect_left(self.sold_at, first), bisect.bisect_right(self.sold_at, now)
        early = [n for n in self.early if n >= max(low, high) and self.sales[n].known_at <= now]
        if self.late or early:
            return [*(n for n in range(low, high) if self.sales[n].known_at <= now), *early]
        return range(low, high)

    @property
    def lines_of(self) -> dict[str, list[tuple[int, int]]]:
        """For each SKU its (position of the sale, quantity) pairs, ascending."""
        if self._lines_of is None:
            lines: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
            for position, sale in enumerate(self.sales):
                for item in sale.items:
                    lines[item.sku].append((position, item.quantity))
            self._lines_of = dict(lines)
        return self._lines_of

    def json_of(self, positions: Sequence[int]) -> list[memoryview]:
        """The JSON of the sales at ascending positions, as views that include the commas between the sales."""
        buffer, starts = self._encoded()
        pieces: list[memoryview] = []
        for first, after in _runs(positions):
            if pieces:
                pieces.append(memoryview(b","))
            pieces.append(buffer[starts[first] : starts[after] - 1])
        return pieces

    def _encoded(self) -> tuple[memoryview, list[int]]:
        with self._encoding:
            if self._buffer is None:
                encode = msgspec.json.Encoder().encode
                texts = [
                    encode(
                        SaleAnswer(
                            sale.id,
                            local_date_time(sale.sold_at, self._date_style, number=sale.id),
                            sale.total_amount,
                            sale.items,
                        )
                    )
                    for sale in self.sales
                ]
                self._starts = [0, *accumulate(len(text) + 1 for text in texts)]
                self._buffer = memoryview(b",".join(texts))
            return self._buffer, self._starts


def start_of_day(now: datetime, days: int) -> datetime:
    """00:00 of the day that lies `days` before `now`'s; the calendar's first day where there is none."""
    try:
        return datetime.combine(now.date() - timedelta(days=days), time.min)
    except OverflowError:
        return datetime.combine(date.min, time.min)


def _runs(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The maximal runs [first, after) of consecutive numbers in an ascending sequence."""
    if isinstance(positions, range):
        if positions:
            yield positions.start, positions.stop
        return
    first = previous = None
    for position in positions:
        if first is None or previous is None:
            first = position
        elif position != previous + 1:
            yield first, previous + 1
            first = position
        previous = position
    if first is not None and previous is not None:
        yield first, previous + 1
