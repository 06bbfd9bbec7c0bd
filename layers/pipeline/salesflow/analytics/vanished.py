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

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive by design, as the shop's clock


def vanished_between(counts: Sequence[tuple[date, datetime, pd.DataFrame]], lines: SaleLines) -> VanishedStock | None:
    """What disappeared from count to count; None where no two counts can be held against each other.

    counts: business date, moment (naive, the shop's clock) and stock table (schema: `salesflow.analytics.stock`) of each, in order. lines:
    the shop's sale lines up to the last of the dates, from before the first count on.
    """
    missing: dict[str, int] = {}
    compared = [
        (earlier, later)
        for earlier, later in pairwise(counts)
        if later[0] - earlier[0] == _DAY and all(_counted_while_closed(*count[:2], lines) for count in (earlier, later))
    ]
    for (_, before_at, before), (_, after_at, after) in compared:
        sold = _sold(lines, before_at, after_at)
        left = dict(zip(after["sku"].astype(str), after["stock_quantity"].tolist(), strict=True))
        for sku, pieces in zip(before["sku"].astype(str), before["stock_quantity"].tolist(), strict=True):
            lacking = pieces - sold.get(sku, 0) - left.get(sku, pieces)
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


def _sold(lines: SaleLines, after: datetime, until: datetime) -> dict[str, int]:
    """Pieces sold between two moments, by SKU; what came back is not taken off."""
    first, last = (int((moment - _EPOCH) / timedelta(microseconds=1)) for moment in (after, until))
    chosen = np.flatnonzero((lines.sold_at > first) & (lines.sold_at <= last) & (lines.quantity > 0))
    pieces = np.bincount(lines.sku[chosen], weights=lines.quantity[chosen], minlength=len(lines.skus))
    return {str(lines.skus[code]): int(pieces[code]) for code in np.flatnonzero(pieces)}


def _counted_while_closed(day: date, counted_at: datetime, lines: SaleLines) -> bool:
    """Whether the count took place after the day's end at an hour at which the shop never sells: else it lacks what was sold meanwhile."""
    end = datetime.combine(day + _DAY, time()) + timedelta(microseconds=lines.day_ends_after)
    late = counted_at - end
    into_day = (lines.sold_at - lines.day_ends_after) % (_DAY // timedelta(microseconds=1))
    return timedelta(0) <= late < _DAY and not bool(np.any(into_day <= late // timedelta(microseconds=1)))
