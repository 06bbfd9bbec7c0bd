"""Sale lines as arrays: the one place that knows how lines become sales, days and hours.

The table of sale lines (one row a line, sorted by `sold_at`, `sale_id`, `line`) has the columns

| column | dtype | meaning |
|---|---|---|
| sale_id | int64 | the sale; its lines stand together |
| line | int32 | position in the sale; a sale without items has one line with an empty SKU and quantity 0 |
| sold_at | datetime64[us] | naive, in the merchant's zone |
| sale_total | int64 | minor units the customer paid for the whole sale, repeated on each of its lines |
| product_id | int64 | the API's product id |
| sku, name | category of str | as they were when sold |
| quantity | int64 | pieces; negative for a return |
| unit_price | float64 | major units, as the API gives it |
| subtotal | int64 | minor units of the line |
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.windows import MIDNIGHT, Window, into_day

Integers = npt.NDArray[np.int64]

_MICROSECONDS_AN_HOUR = 3_600_000_000
_MICROSECONDS_A_DAY = 24 * _MICROSECONDS_AN_HOUR
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def date_of(number: int) -> date:
    """The date of a day number."""
    return date.fromordinal(int(number) + _EPOCH_ORDINAL)


@dataclass(frozen=True, slots=True)
class SaleLines:
    """The columns that the analytics read, each an array of shape [n_lines].

    sold_at: microseconds since 1970-01-01 00:00 local. opens_sale: whether the line is its sale's first.
    sku: codes into `skus`; name: codes into `names`. day_ends_after: microseconds from midnight to the end of a business date.
    """

    sold_at: Integers
    opens_sale: npt.NDArray[np.bool_]
    sale_total: Integers
    sku: Integers
    name: Integers
    quantity: Integers
    subtotal: Integers
    skus: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]
    day_ends_after: int = 0

    @classmethod
    def of(cls, lines: "pd.DataFrame | Self") -> Self:
        """The arrays themselves, or those of a table whose days end at midnight; what several figures share is made once by the caller."""
        return lines if isinstance(lines, cls) else cls.from_table(lines)

    @classmethod
    def from_table(cls, table: pd.DataFrame, day_ends_at: time = MIDNIGHT) -> Self:
        """The arrays of a table of sale lines; the table must be sorted (ValueError otherwise). day_ends_at: of the shop."""
        sold_at = table["sold_at"].to_numpy().astype("datetime64[us]").astype(np.int64)
        if np.any(sold_at[1:] < sold_at[:-1]):
            raise ValueError("The sale lines are not sorted by sold_at.")
        sale_id = table["sale_id"].to_numpy()
        opens_sale = np.ones(len(table), dtype=bool)
        opens_sale[1:] = sale_id[1:] != sale_id[:-1]
        return cls(
            sold_at=sold_at,
            opens_sale=opens_sale,
            sale_total=table["sale_total"].to_numpy(),
            sku=table["sku"].cat.codes.to_numpy().astype(np.int64),
            name=table["name"].cat.codes.to_numpy().astype(np.int64),
            quantity=table["quantity"].to_numpy(),
            subtotal=table["subtotal"].to_numpy(),
            skus=table["sku"].cat.categories.to_numpy(dtype=object),
            names=table["name"].cat.categories.to_numpy(dtype=object),
            day_ends_after=into_day(day_ends_at) // timedelta(microseconds=1),
        )

    def __len__(self) -> int:
        return len(self.sold_at)

    def within(self, window: Window) -> "SaleLines":
        """The lines sold in a window (views, nothing is copied)."""
        part = self.place_of(window)
        return replace(
            self,
            sold_at=self.sold_at[part],
            opens_sale=self.opens_sale[part],
            sale_total=self.sale_total[part],
            sku=self.sku[part],
            name=self.name[part],
            quantity=self.quantity[part],
            subtotal=self.subtotal[part],
        )

    def place_of(self, window: Window) -> slice:
        """Where the lines of a window stand."""
        days = np.array([day_number(window.first), day_number(window.last) + 1])
        begin, end = np.searchsorted(self.sold_at, days * _MICROSECONDS_A_DAY + self.day_ends_after)
        return slice(int(begin), int(end))

    @property
    def days(self) -> Integers:
        """The number of each line's business date."""
        return (self.sold_at - self.day_ends_after) // _MICROSECONDS_A_DAY

    @property
    def sales(self) -> "Sales":
        """One entry a sale."""
        opening = np.flatnonzero(self.opens_sale)
        hours = self.sold_at[opening] % _MICROSECONDS_A_DAY // _MICROSECONDS_AN_HOUR
        pieces = np.add.reduceat(self.quantity, opening) if len(opening) else self.quantity
        return Sales(self.days[opening], hours, self.sale_total[opening], pieces)

    @property
    def newest(self) -> datetime | None:
        """The moment of the newest sale (naive, the shop's clock); None where there is none."""
        if not len(self):
            return None
        return datetime(1970, 1, 1) + timedelta(microseconds=int(self.sold_at[-1]))  # noqa: DTZ001 - naive by design

    @property
    def sale(self) -> Integers:
        """The number of each line's sale, counted from 1."""
        return np.cumsum(self.opens_sale)

    @property
    def items(self) -> "ItemLines":
        """The lines that are items: the one line of a sale without items is none."""
        lines = ItemLines(self.sale, self.sku, self.name, self.quantity, self.subtotal, self.days)
        placeholder = np.flatnonzero(self.skus == "")
        if not len(placeholder):
            return lines
        item = (self.sku != placeholder[0]) | (self.quantity != 0) | (self.subtotal != 0)
        return ItemLines(*(column[item] for column in (getattr(lines, name) for name in ItemLines.__slots__)))


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales, arrays of shape [n_sales]: number of the business date, hour of the clock (0 to 23), minor units paid, pieces."""

    days: Integers
    hours: Integers
    total: Integers
    quantity: Integers


@dataclass(frozen=True, slots=True)
class ItemLines:
    """The lines that are items, columns as in `SaleLines`; sale: the number of its sale, days: its day number."""

    sale: Integers
    sku: Integers
    name: Integers
    quantity: Integers
    subtotal: Integers
    days: Integers


def sums_by(codes: Integers, amounts: Integers, size: int) -> Integers:
    """Sum of `amounts` for each code 0..size-1, shape [size].

    numpy sums in doubles here; they are exact because every partial sum stays below 2**53 (`money.MAX_MINOR`).
    """
    return np.bincount(codes, weights=amounts, minlength=size).astype(np.int64)
