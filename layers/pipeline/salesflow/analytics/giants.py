"""A single giant order is not demand: it teaches neither what is usual nor the forecast."""

import numpy as np
import pandas as pd

TIMES = 8.0
"""A giant is so many times the largest sale of a usual day..."""

OF_A_DAY = 0.5
"""...and at least this share of a usual day's revenue."""

DAYS, KNOWN = 91, 14
"""Days with sales before it that say what is usual, and how many of them there must be."""


def without_giants(shop: pd.DataFrame) -> pd.DataFrame:
    """The shop's days (`salesflow.history.shop_days`, by day) with a giant sale counted as the largest of a usual day.

    `revenue` (and that of its hour), and `quantity` in proportion, are less on such a day; each day is judged by the days before it. A table
    that does not say its largest sales is returned as it is.
    """
    if "largest_sale" not in shop or shop.empty:
        return shop
    rows = shop.sort_values("date", kind="stable")
    largest = rows["largest_sale"].where(rows["largest_sale_at"] >= 0).astype(float)
    revenue = rows["revenue"].astype(float)
    usual, day = (one.rolling(DAYS, min_periods=KNOWN).median().shift(1) for one in (largest, revenue))
    giant = ((largest > TIMES * usual) & (largest > OF_A_DAY * day) & (revenue >= largest)).to_numpy()
    if not giant.any():
        return shop
    left = np.where(giant, (revenue - largest + usual).fillna(0).to_numpy(), revenue)
    share = np.divide(left, revenue.to_numpy(), out=np.ones(len(rows)), where=giant)
    found = rows.assign(
        revenue=np.where(giant, np.rint(left), rows["revenue"]).astype(rows["revenue"].dtype),
        quantity=np.where(giant, np.rint(rows["quantity"] * share), rows["quantity"]).astype(rows["quantity"].dtype),
    )
    for row in np.flatnonzero(giant).tolist():
        hour = f"h{int(rows['largest_sale_at'].iloc[row]) // 3600 % 24:02d}"
        if hour in found:
            found.iloc[row, found.columns.get_loc(hour)] -= rows["revenue"].iloc[row] - found["revenue"].iloc[row]
    return found.loc[shop.index]
