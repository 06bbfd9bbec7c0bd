"""Stock that disappeared: pieces that one count found, that were not sold since, and that the next count found no more.

Deliveries only add, so what is lacking between two counts is lacking at the least. Returned pieces are not expected back on the shelf.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.merchant import Vanished, VanishedStock
from salesflow.analytics.sold_days import SoldDays
from salesflow.windows import Window

_DAY = timedelta(days=1)


def vanished_between(
    counts: Sequence[tuple[date, datetime, pd.DataFrame]], sold: SaleLines | SoldDays
) -> VanishedStock | None:
    """What disappeared from count to count; None where no two counts can be held against each other.

    counts: business date, moment (naive, the shop's clock) and stock table (schema: `salesflow.analytics.stock`) of each, in order. sold:
    what the shop sold up to the last of the dates, from before the first count on.
    """
    sold = SoldDays.of(sold)
    missing: dict[str, int] = {}
    compared = [
        (earlier, later)
        for earlier, later in pairwise(counts)
        if later[0] - earlier[0] == _DAY and all(_counted_while_closed(*count[:2], sold) for count in (earlier, later))
    ]
    for (_, _, before), (day, _, after) in compared:
        pieces_sold = _pieces_sold(sold, day)
        left = dict(zip(after["sku"].astype(str), after["stock_quantity"].tolist(), strict=True))
        for sku, pieces in zip(before["sku"].astype(str), before["stock_quantity"].tolist(), strict=True):
            lacking = pieces - pieces_sold.get(sku, 0) - left.get(sku, pieces)
            if sku and lacking > 0:
                missing[sku] = missing.get(sku, 0) + int(lacking)
    if not compared:
        return None
    found = [
        Vanished(sku, str(row.name), missing[sku], missing[sku] * int(row.price if pd.isna(row.cost) else row.cost))
        for row in compared[-1][1][2].itertuples(index=False)
        if (sku := str(row.sku)) in missing
    ]
    found.sort(key=lambda one: (-one.value, one.sku))
    return VanishedStock(
        compared[0][0][0], tuple(found), sum(one.pieces for one in found), sum(one.value for one in found)
    )


def _pieces_sold(sold: SoldDays, day: date) -> dict[str, int]:
    """Pieces sold on a day, by SKU; what came back is not taken off. Between two counts, both while the shop was closed, lies one day's."""
    products = sold.within(Window(day, day)).products
    pieces = (products.quantity + products.returned_quantity).tolist()
    return dict(zip(sold.skus[products.sku].astype(str).tolist(), pieces, strict=True))


def _counted_while_closed(day: date, counted_at: datetime, sold: SoldDays) -> bool:
    """Whether the count took place after the day's end at an hour at which the shop never sells: else it lacks what was sold meanwhile."""
    end = datetime.combine(day + _DAY, time()) + timedelta(microseconds=sold.day_ends_after)
    late = counted_at - end
    opens_after = sold.days.opens_after
    return timedelta(0) <= late < _DAY and not bool(np.any(opens_after <= late // timedelta(microseconds=1)))
