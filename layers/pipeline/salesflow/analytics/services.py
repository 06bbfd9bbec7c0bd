"""Services among the products: postage, fees, "Manual", deposits. Counted in every total, and no product to be tested or ranked."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.sold_days import SoldDays

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

SPREAD = 10.0
"""What has no price of its own is a service: the 95% quantile of its daily prices is more than ten times the 5% quantile."""

PRICE_DAYS = 5
"""Days with a price that there must be to say so."""


@dataclass(frozen=True, slots=True)
class Service:
    """A SKU that is judged to be no product, and why: `low`, `high`: prices a piece, far apart (minor units; None: it has
    one of its own); `listed`: whether the product list holds it (True where that list is not known). `revenue`: of the days that were looked at."""

    sku: str
    name: str
    revenue: int
    low: float | None
    high: float | None
    listed: bool


def prices_of(product: Ints, quantity: Floats, revenue: Floats, size: int) -> tuple[Floats, Floats]:
    """The 5% and the 95% quantile of the daily prices of each of `size` products; NaN where too few days have one.

    `product`, `quantity`, `revenue`: one entry a product and day.
    """
    product, price = _sold(product, quantity, revenue)
    price = price[np.lexsort((price, product))]
    days = np.bincount(product, minlength=size)
    low, high = np.full((2, size), np.nan)
    enough = days >= PRICE_DAYS
    begin, last = (np.cumsum(days) - days)[enough], days[enough] - 1
    low[enough] = price[begin + np.floor(0.05 * last + 0.5).astype(int)]
    high[enough] = price[begin + np.floor(0.95 * last + 0.5).astype(int)]
    return low, high


def without_price(product: Ints, quantity: Floats, revenue: Floats, size: int) -> NDArray[np.bool_]:
    """Which of `size` products have no price of their own, by one entry a product and day."""
    sold, price = _sold(product, quantity, revenue)
    lowest, highest = np.full(size, np.inf), np.zeros(size)
    np.minimum.at(lowest, sold, price)
    np.maximum.at(highest, sold, price)
    apart = (highest > SPREAD * lowest)[product]  # the others need no sorting
    low, high = prices_of(product[apart], quantity[apart], revenue[apart], size)
    return np.asarray(high > SPREAD * low)


def _sold(product: Ints, quantity: Floats, revenue: Floats) -> tuple[Ints, Floats]:
    sold = (quantity > 0) & (revenue > 0)
    return product[sold], revenue[sold] / quantity[sold]


def services_among(sold: SaleLines | SoldDays, skus: Collection[str]) -> frozenset[str]:
    """Those of some SKUs that have no price of their own, by the sales of some weeks. Products without a SKU are not judged: they may be
    many under one."""
    sold = SoldDays.of(sold)
    codes = np.array([code for code, sku in enumerate(sold.skus) if sku and sku in skus], dtype=np.int64)
    row = np.full(len(sold.skus), -1)
    row[codes] = np.arange(len(codes))
    days = sold.products
    mine = row[days.sku] >= 0
    quantity, revenue = days.quantity[mine].astype(np.float64), days.revenue[mine].astype(np.float64)
    unpriced = without_price(row[days.sku[mine]], quantity, revenue, len(codes))
    return frozenset(str(sold.skus[code]) for code in codes[unpriced])


def services_of(products: pd.DataFrame, listed: Collection[str] = ()) -> tuple[Service, ...]:
    """The services of a daily panel (`salesflow.history.panel`), by revenue: no price of their own, or not in the product list.

    `listed`: the SKUs that the API's `/products` knows; empty where that list is not known.
    """
    rows = products[products["sku"].astype(str) != ""]
    codes, skus = pd.factorize(rows["sku"].astype(str), sort=True)
    days = rows["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    product, quantity, revenue = _by_day(codes, days, rows["quantity"].to_numpy(), rows["revenue"].to_numpy())
    low, high = prices_of(product, quantity, revenue, len(skus))
    total = np.bincount(product, revenue, len(skus))
    unpriced, known = high > SPREAD * low, set(listed)
    names = dict(zip(rows["sku"].astype(str), rows["name"].astype(str), strict=True))
    found = (
        Service(
            sku, names[sku], int(total[row]), float(low[row]) if unpriced[row] else None,
            float(high[row]) if unpriced[row] else None, not known or sku in known,
        )
        for row, sku in enumerate(map(str, skus))
    )  # fmt: skip
    return tuple(
        sorted((one for one in found if one.low is not None or not one.listed), key=lambda s: (-s.revenue, s.sku))
    )


def _by_day(product: Ints, day: Ints, quantity: Ints, revenue: Ints) -> tuple[Ints, Floats, Floats]:
    """Product, quantity and revenue of each product and day, of rows of which several may be of one."""
    first = day.min(initial=0)
    size = int(day.max(initial=0) - first) + 1
    keys, at = np.unique(product * size + (day - first), return_inverse=True)
    return keys // size, np.bincount(at, quantity, len(keys)), np.bincount(at, revenue, len(keys))
