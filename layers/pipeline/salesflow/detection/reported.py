"""A day in the figures of a report: what came back is taken off it, and what usually comes back off the usual.

Days are judged before returns, so that an order cancelled minutes later is seen; they are told as the report of the same day shows them,
or the merchant reads two figures of one day. Where the two tell different stories, it is told before returns and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from salesflow.detection.lines import DayLine
from salesflow.detection.timeline import SHOP_METRICS, WINDOW, Timeline, kept_share
from salesflow.findings.event import Note, NoteKind

SAME_STORY = 0.5
"""With returns taken off, a day must be at least half as far from the usual to be told so."""


@dataclass(frozen=True, slots=True)
class Back:
    """What came back of a series on a day, and the share of its sales that usually stays sold."""

    value: float = 0.0
    kept: float = 1.0

    def of(self, line: DayLine) -> DayLine:
        """The day with returns taken off."""
        expected, lower, upper = (self.kept * value for value in (line.expected, line.lower, line.upper))
        return replace(line, value=line.value - self.value, expected=expected, lower=lower, upper=upper)

    def tells_the_same(self, value: float, expected: float) -> bool:
        """Whether a day is unusual in the same direction, and not much less so, once returns are taken off."""
        if not self.value and self.kept == 1:
            return True
        before, net = value - expected, value - self.value
        after = net - self.kept * expected
        return bool((net > 0 or value == 0) and after * np.sign(before) >= SAME_STORY * abs(before))


type Backs = Mapping[str, Back]
"""By metric; what is not there had no returns."""


def reported(back: Backs, line: DayLine) -> tuple[Backs, tuple[Note, ...]]:
    """What is to be taken off the figures of a day that `line` decides upon, and what is said of it where that is nothing."""
    if back.get(line.metric, Back()).tells_the_same(line.value, line.expected):
        return back, ()
    return {}, (Note(NoteKind.BEFORE_RETURNS, amount=round(back["revenue"].value)),)


def back_of_shop(line: Timeline, t: int) -> Backs:
    """Of the shop's totals on day t."""
    before = slice(max(t - WINDOW, 0), t)
    kept = kept_share(line.totals[:, before], line.back[:, before])
    return {m: Back(float(line.back[row, t]), float(kept[row])) for row, m in enumerate(SHOP_METRICS)}


def back_of_product(line: Timeline, product: int, t: int) -> Backs:
    """Of a product on day t."""
    mine = line.sales.returned[:, (line.sales.returned[0] == product) & (line.sales.returned[1] <= t)]
    found, first = {}, max(t - WINDOW, 0)
    for row, metric in enumerate(("quantity", "revenue")):
        back = np.zeros(t + 1)
        np.add.at(back, mine[1].astype(np.intp), mine[2 + row])
        found[metric] = Back(float(back[t]), float(kept_share(line.of(metric, product, first, t), back[first:t])))
    return found


def back_of_products(line: Timeline, t: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Money that came back of each product on day t, [n_products]."""
    product, _, _, money, _ = line.sales.returned[:, line.sales.returned[1] == t]
    return np.bincount(product.astype(np.intp), money, len(line.skus)).astype(float)
