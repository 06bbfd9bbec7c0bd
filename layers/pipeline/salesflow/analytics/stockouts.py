"""Days on which a product was out of stock: what nobody could buy says nothing of what would have been bought.

A table of stock-outs has one row a product and spell: sku (str), first and last (datetime64[s]), the days at whose close the product was
counted as gone, every day between them too.
"""

from collections.abc import Collection
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

KEPT_DAYS = 800


def none_known() -> pd.DataFrame:
    """A table without a stock-out."""
    days = pd.Series(dtype="datetime64[s]")
    return pd.DataFrame({"sku": pd.Series(dtype="str"), "first": days, "last": days})


def with_count(known: pd.DataFrame, day: date, gone: Collection[str]) -> pd.DataFrame:
    """The table with the count at the close of a day, at which the products `gone` were out of stock; older spells than 800 days are left out."""
    at, beside = pd.Timestamp(day).as_unit("s"), timedelta(days=1)
    spells = known[known["last"] >= at - timedelta(days=KEPT_DAYS)]
    goes_on = spells["sku"].isin(list(gone)) & (spells["first"] <= at + beside) & (spells["last"] >= at - beside)
    spells = spells.assign(
        first=spells["first"].mask(goes_on & (spells["first"] > at), at),
        last=spells["last"].mask(goes_on & (spells["last"] < at), at),
    )
    begun = sorted(set(gone) - set(spells.loc[goes_on, "sku"]))
    new = none_known().reindex(range(len(begun))).assign(sku=pd.Series(begun, dtype="str"), first=at, last=at)
    table = pd.concat([spells, new], ignore_index=True).astype({"first": "datetime64[s]", "last": "datetime64[s]"})
    return table.sort_values(["sku", "first"], ignore_index=True)


def out_of_stock(stockouts: pd.DataFrame, skus: Collection[str], first: date, days: int) -> NDArray[np.bool_]:
    """[n_skus, days]: whether each product was out of stock on the days from `first` on."""
    flags = np.zeros((len(skus), days), dtype=bool)
    row_of = {sku: row for row, sku in enumerate(skus)}
    begin = pd.Timestamp(first)
    for sku, since, until in zip(stockouts["sku"], stockouts["first"], stockouts["last"], strict=True):
        if sku in row_of:
            flags[row_of[sku], max((since - begin).days, 0) : max((until - begin).days + 1, 0)] = True
    return flags
