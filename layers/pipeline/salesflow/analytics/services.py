"""Services among the products: postage, fees, "Manual", deposits. Counted in every total, and no product to be tested or ranked."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesflow.analytics.lines import SaleLines

Floats = NDArray[np.float64]

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


def prices_of(quantity: Floats, revenue: Floats) -> tuple[Floats, Floats]:
    """The 5% and the 95% quantile of the daily prices of rows [n_products, n_days]; NaN where too few days have one."""
    sold = (quantity > 0) & (revenue > 0)
    price = np.where(sold, revenue / np.where(sold, quantity, 1.0), np.nan)
    days = sold.sum(axis=1)
    low, high = np.full((2, len(quantity)), np.nan)
    enough = np.flatnonzero(days >= PRICE_DAYS)
    if len(enough):
        ordered, last = np.sort(price[enough], axis=1), days[enough] - 1
        rows = np.arange(len(enough))
        low[enough] = ordered[rows, np.floor(0.05 * last + 0.5).astype(int)]
        high[enough] = ordered[rows, np.floor(0.95 * last + 0.5).astype(int)]
    return low, high


def without_price(quantity: Floats, revenue: Floats) -> NDArray[np.bool_]:
    """Which rows of `quantity` and `revenue` [n_products, n_days] have no price of their own."""
    low, high = prices_of(quantity, revenue)
    return high > SPREAD * low


def services_among(lines: SaleLines, skus: Collection[str]) -> frozenset[str]:
    """Those of some SKUs that have no price of their own, by sale lines of some weeks. Products without a SKU are not judged: they may be
    many under one."""
    codes = np.array([code for code, sku in enumerate(lines.skus) if sku and sku in skus], dtype=np.int64)
    row = np.full(len(lines.skus), -1)
    row[codes] = np.arange(len(codes))
    items = lines.items
    mine = row[items.sku] >= 0
    days, at = np.unique(items.days[mine], return_inverse=True)
    quantity, revenue = (np.zeros((len(codes), len(days))) for _ in range(2))
    np.add.at(quantity, (row[items.sku[mine]], at), items.quantity[mine])
    np.add.at(revenue, (row[items.sku[mine]], at), items.subtotal[mine])
    return frozenset(str(lines.skus[code]) for code in codes[without_price(quantity, revenue)])


def services_of(products: pd.DataFrame, listed: Collection[str] = ()) -> tuple[Service, ...]:
    """The services of a daily panel (`salesflow.history.panel`), by revenue: no price of their own, or not in the product list.

    `listed`: the SKUs that the API's `/products` knows; empty where that list is not known.
    """
    rows = products[products["sku"].astype(str) != ""]
    codes, skus = pd.factorize(rows["sku"].astype(str), sort=True)
    days, at = np.unique(rows["date"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    quantity, revenue = (np.zeros((len(skus), len(days))) for _ in range(2))
    np.add.at(quantity, (codes, at), rows["quantity"].to_numpy(dtype=float))
    np.add.at(revenue, (codes, at), rows["revenue"].to_numpy(dtype=float))
    low, high = prices_of(quantity, revenue)
    unpriced, known = high > SPREAD * low, set(listed)
    names = dict(zip(rows["sku"].astype(str), rows["name"].astype(str), strict=True))
    found = (
        Service(
            sku, names[sku], int(revenue[row].sum()), float(low[row]) if unpriced[row] else None,
            float(high[row]) if unpriced[row] else None, not known or sku in known,
        )
        for row, sku in enumerate(map(str, skus))
    )  # fmt: skip
    return tuple(
        sorted((one for one in found if one.low is not None or not one.listed), key=lambda s: (-s.revenue, s.sku))
    )
