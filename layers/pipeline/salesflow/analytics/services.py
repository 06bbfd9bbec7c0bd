"""Services among the products: postage, fees, "Manual", deposits. Counted in every total, and no product to be tested or ranked."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesflow.analytics.lines import SaleLines

Floats = NDArray[np.float64]

SPREAD = 10.0
"""What has no price of its own is a service: the 95% quantile of its daily prices is more than ten times the 5% quantile."""

PRICE_DAYS = 5
"""Days with a price that there must be to say so."""


def without_price(quantity: Floats, revenue: Floats) -> NDArray[np.bool_]:
    """Which rows of `quantity` and `revenue` [n_products, n_days] have no price of their own."""
    sold = (quantity > 0) & (revenue > 0)
    price = np.where(sold, revenue / np.where(sold, quantity, 1.0), np.nan)
    days = sold.sum(axis=1)
    answer = np.zeros(len(quantity), dtype=bool)
    enough = np.flatnonzero(days >= PRICE_DAYS)
    if len(enough):
        ordered, last = np.sort(price[enough], axis=1), days[enough] - 1
        rows = np.arange(len(enough))
        low = ordered[rows, np.floor(0.05 * last + 0.5).astype(int)]
        high = ordered[rows, np.floor(0.95 * last + 0.5).astype(int)]
        answer[enough] = high > SPREAD * low
    return answer


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


def service_skus(products: pd.DataFrame, listed: Collection[str] = ()) -> frozenset[str]:
    """The SKUs that are services, of a daily panel (`salesflow.history.panel`): no price of their own, or not in the product list.

    `listed`: the SKUs that the API's `/products` knows; empty where that list is not known.
    """
    rows = products[products["sku"].astype(str) != ""]
    codes, skus = pd.factorize(rows["sku"].astype(str), sort=True)
    days, at = np.unique(rows["date"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    quantity, revenue = (np.zeros((len(skus), len(days))) for _ in range(2))
    np.add.at(quantity, (codes, at), rows["quantity"].to_numpy(dtype=float))
    np.add.at(revenue, (codes, at), rows["revenue"].to_numpy(dtype=float))
    unpriced = without_price(quantity, revenue)
    known = set(listed)
    return frozenset(
        str(s) for s, no_price in zip(skus, unpriced, strict=True) if no_price or (known and s not in known)
    )
