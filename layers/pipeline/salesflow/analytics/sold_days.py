"""What was sold, by business date and by product: all that a report's figures need of sale lines, of which there may be many millions.

A sale lies in one business date. So batches of whole days are summed one after the other and joined: the figures are those of all lines
together, and the lines of one batch alone are in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.analytics.lines import Integers, SaleLines, date_of, day_number, sums_by
from salesflow.windows import Window

_MICROSECONDS_A_DAY = timedelta(days=1) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Days:
    """One entry a business date with a sale, in order, arrays of shape [n_days]; day: its number (`lines.day_number`).

    by_hour: minor units paid in each hour of the clock, [n_days, 24]. subtotal: minor units of its lines. returns: sales that bring
    something back; returned_*: of lines with a negative quantity, as positive figures. opens_after: microseconds from the day's begin to
    its first sale; newest: the moment of its last one, in microseconds since 1970-01-01 00:00 local.
    """

    day: Integers
    by_hour: Integers
    transactions: Integers
    rows: Integers
    quantity: Integers
    subtotal: Integers
    returns: Integers
    returned_quantity: Integers
    returned_amount: Integers
    opens_after: Integers
    newest: Integers


@dataclass(frozen=True, slots=True)
class ProductDays:
    """One entry a business date and product with a line, by day, arrays of shape [n]; sku, name (the day's last one): codes.

    transactions: sales that hold it, each once. sold: whether any of them holds more than none of it.
    """

    day: Integers
    sku: Integers
    name: Integers
    quantity: Integers
    revenue: Integers
    returned_quantity: Integers
    returned_amount: Integers
    transactions: Integers
    sold: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SoldDays:
    """Days and products of a run of business dates; skus, names: the texts of the products' codes.

    day_ends_after: microseconds from midnight to the end of a business date.
    """

    days: Days
    products: ProductDays
    skus: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]
    day_ends_after: int = 0

    @classmethod
    def of(cls, sold: "pd.DataFrame | SaleLines | Self") -> Self:
        """The sums themselves, or those of sale lines."""
        if isinstance(sold, cls):
            return sold
        lines = SaleLines.of(sold)
        return cls(_days_of(lines), _products_of(lines), lines.skus, lines.names, lines.day_ends_after)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Runs of days that follow one another, at least one, as one."""
        skus, sku_codes = _texts([part.skus for part in parts])
        names, name_codes = _texts([part.names for part in parts])
        products = [
            replace(part.products, sku=of_sku[part.products.sku], name=of_name[part.products.name])
            for part, of_sku, of_name in zip(parts, sku_codes, name_codes, strict=True)
        ]
        return cls(_joined([part.days for part in parts]), _joined(products), skus, names, parts[0].day_ends_after)

    def __len__(self) -> int:
        return len(self.days.day)

    def within(self, window: Window) -> "SoldDays":
        """The days of a window (views, nothing is copied)."""
        return replace(self, days=_part(self.days, window), products=_part(self.products, window))

    @property
    def rows(self) -> int:
        """How many sale lines there are."""
        return int(self.days.rows.sum())

    @property
    def newest(self) -> datetime | None:
        """The moment of the newest sale (naive, the shop's clock); None where there is none."""
        if not len(self):
            return None
        return datetime(1970, 1, 1) + timedelta(microseconds=int(self.days.newest[-1]))  # noqa: DTZ001 - naive by design

    @property
    def open_days(self) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """Every day number from the first day with a sale to the last, and whether anything was sold on it, [n_days] each."""
        sold_on = self.days.day
        days = np.arange(sold_on[0], sold_on[-1] + 1) if len(sold_on) else sold_on
        return days, np.isin(days, sold_on)

    def known_since(self, known_from: date, business_date: date) -> date:
        """The first day whose sales are known: a shop did not sell nothing before its first sale, it was not there.

        known_from: the first day that the history covers; the answer where there is no sale at all.
        """
        if not len(self):
            return known_from
        return min(max(known_from, date_of(int(self.days.day[0]))), max(known_from, business_date))


def _days_of(lines: SaleLines) -> Days:
    opening, sales = np.flatnonzero(lines.opens_sale), lines.sales
    day, first_sale = np.unique(sales.days, return_index=True)
    begin, size = opening[first_sale], len(day)
    back = lines.quantity < 0
    hour_of_sale = np.searchsorted(day, sales.days) * 24 + sales.hours
    return Days(
        day=day,
        by_hour=sums_by(hour_of_sale, sales.total, size * 24).reshape(size, 24),
        transactions=_lengths(first_sale, len(opening)),
        rows=_lengths(begin, len(lines)),
        quantity=_sums(lines.quantity, begin),
        subtotal=_sums(lines.subtotal, begin),
        returns=_sums((_sums(back, opening) > 0).astype(np.int64), first_sale),
        returned_quantity=-_sums(np.minimum(lines.quantity, 0), begin),
        returned_amount=-_sums(np.where(back, lines.subtotal, 0), begin),
        opens_after=lines.sold_at[begin] - lines.day_ends_after - day * _MICROSECONDS_A_DAY,
        newest=lines.sold_at[begin + _lengths(begin, len(lines)) - 1],
    )


def _products_of(lines: SaleLines) -> ProductDays:
    items = lines.items
    order = _stable_order(items.sku)  # a product's lines stay in order of time
    sku, day, sale = items.sku[order], items.days[order], items.sale[order]
    changes = np.ones((2, len(order)), dtype=bool)
    changes[0, 1:] = (sku[1:] != sku[:-1]) | (day[1:] != day[:-1])
    changes[1, 1:] = changes[0, 1:] | (sale[1:] != sale[:-1])  # a product that stands twice in one sale counts once
    begin = np.flatnonzero(changes[0])
    quantity, revenue = items.quantity[order], items.subtotal[order]
    back = quantity < 0
    found = ProductDays(
        day=day[begin],
        sku=sku[begin],
        name=items.name[order[begin + _lengths(begin, len(order)) - 1]],
        quantity=_sums(quantity, begin),
        revenue=_sums(revenue, begin),
        returned_quantity=-_sums(np.minimum(quantity, 0), begin),
        returned_amount=-_sums(np.where(back, revenue, 0), begin),
        transactions=_sums(changes[1].astype(np.int64), begin),
        sold=_sums(quantity > 0, begin) > 0,
    )
    by_day = _stable_order(found.day)
    return ProductDays(*(getattr(found, column.name)[by_day] for column in fields(ProductDays)))


def _stable_order(codes: Integers) -> npt.NDArray[np.intp]:
    """On 16-bit codes numpy's stable sort is a radix sort, several times faster than any other, or a hash of pairs."""
    codes = codes - codes.min(initial=0)
    return np.argsort(codes.astype(np.uint16) if codes.max(initial=0) < 2**16 else codes, kind="stable")


def _sums(values: npt.NDArray[np.int64 | np.bool_], begin: npt.NDArray[np.intp]) -> Integers:
    """The sum of each run of values, exact; begin: where each of them begins."""
    return np.add.reduceat(values, begin, dtype=np.int64) if len(begin) else np.zeros(0, dtype=np.int64)


def _lengths(begin: npt.NDArray[np.intp], size: int) -> Integers:
    return np.diff(begin, append=size)


def _part[Columns: (Days, ProductDays)](columns: Columns, window: Window) -> Columns:
    begin, end = np.searchsorted(columns.day, [day_number(window.first), day_number(window.last) + 1])
    return type(columns)(*(getattr(columns, column.name)[begin:end] for column in fields(columns)))


def _joined[Columns: (Days, ProductDays)](parts: Sequence[Columns]) -> Columns:
    return type(parts[0])(
        *(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(parts[0]))
    )


def _texts(parts: Sequence[npt.NDArray[np.object_]]) -> tuple[npt.NDArray[np.object_], list[Integers]]:
    """All texts, each once, and the code of each part's among them."""
    codes, texts = pd.factorize(np.concatenate(parts))
    return np.asarray(texts), np.split(codes, np.cumsum([len(part) for part in parts])[:-1])
