"""How many pieces of a product sell a day: what days left, coverage and orders rest on.

A product is not older than its first sale: 90 pieces sold since ten days are 9 a day, not 1 a day of 90 days. Nor can it sell on days
on which it is out of stock: where nothing is left, the days after its last sale do not count.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from salesflow.analytics.lines import date_of, sums_by
from salesflow.analytics.sold_days import SoldDays
from salesflow.windows import Window

FEWEST_SALE_DAYS = 3
"""Sold on fewer days than these, a product's age says little: the one piece of a slow product may have been sold yesterday."""
SHORTEST_DAYS, SHORTEST_DAYS_OF_FEW = 7, 28
"""A rate rests on so many days at least, as far as the shop's history goes; of a product sold on few days on more."""


@dataclass(frozen=True, slots=True)
class ProductDemand:
    """A product's sales in a window: pieces (returns taken off), the first and the last day with a sale (None without one), the number of
    days with one, and the window."""

    pieces: int = 0
    first: date | None = None
    last: date | None = None
    sale_days: int = 0
    window: Window | None = None

    def a_day(self, *, out_of_stock: bool = False) -> float:
        """Pieces a day on days on which it could be sold, not below 0. out_of_stock: whether there is none left now."""
        if self.window is None or self.first is None or self.last is None:
            return 0.0
        shortest = SHORTEST_DAYS if self.sale_days >= FEWEST_SALE_DAYS else SHORTEST_DAYS_OF_FEW
        known = self.window.days
        days = max((self.window.last - self.first).days + 1, min(shortest, known))
        if out_of_stock:
            days = max(days - self.days_since, min(SHORTEST_DAYS, known))
        return max(self.pieces, 0) / days

    @property
    def days_since(self) -> int:
        """Days of the window after its last sale."""
        return 0 if self.window is None or self.last is None else (self.window.last - self.last).days


def demand_by_sku(sold: SoldDays, window: Window) -> dict[str, ProductDemand]:
    """The demand of every product with a line in the window; `sold` is the window's own."""
    products, size = sold.products, len(sold.skus)
    pieces = sums_by(products.sku, products.quantity, size)
    sku, days = products.sku[products.sold], products.day[products.sold]
    first, last = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    first[sku[::-1]], last[sku] = days[::-1], days  # they are in order of time: the last assignment stands
    sale_days = np.bincount(sku, minlength=size)
    return {
        str(sold.skus[code]): ProductDemand(
            int(pieces[code]),
            date_of(first[code]) if sale_days[code] else None,
            date_of(last[code]) if sale_days[code] else None,
            int(sale_days[code]),
            window,
        )
        for code in np.unique(products.sku)
    }
