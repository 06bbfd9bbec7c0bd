"""When an answer of the source is not believed at once: it lacks much of what it told before."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.windows import into_day

LEAST_SALES: Final = 20
LARGE_SHARE: Final = 0.5
"""Sales that go at once: at least this many, and more than this share of what is stored of the days that were read."""
EMPTIED_DAYS: Final = 3
"""Or as many days that had sales and have none any more, or every one of them where two or more had sales."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Sales that were stored and that the source no longer gives. days: those that have fewer sales now, ascending."""

    days: tuple[date, ...]
    sales_before: int
    sales_now: int

    @property
    def reason(self) -> str:
        """One sentence for the owner and for the report itself."""
        when = f"on {self.days[0]}" if len(self.days) == 1 else f"from {self.days[0]} to {self.days[-1]}"
        return (
            f"The source no longer has {self.sales_before - self.sales_now} of the {self.sales_before} sales that it had {when}; "
            "a second read said the same, so they are gone from the figures too."
        )


def large_loss(stored: pd.DataFrame, read: pd.DataFrame) -> Loss | None:
    """What a read lacks of the stored days, where it is so much that one read alone is not believed; else None.

    stored: the shop's days (`history.shop_days`). read: those of the same days, or as much of them as `sales_by_day` says.
    """
    before = pd.Series(stored["transactions"].to_numpy(), index=stored["date"].to_numpy().astype("datetime64[D]"))
    now = pd.Series(read["transactions"].to_numpy(), index=read["date"].to_numpy().astype("datetime64[D]"))
    after = now.reindex(before.index, fill_value=0).to_numpy()
    had = before.to_numpy()
    lost = int(np.maximum(had - after, 0).sum())
    emptied = int(((had > 0) & (after == 0)).sum())
    is_large = lost >= LEAST_SALES and lost > LARGE_SHARE * had.sum()
    is_wide = emptied >= EMPTIED_DAYS or (emptied >= 2 and emptied == np.count_nonzero(had))
    if not (is_large or is_wide):
        return None
    fewer = had > after
    days = tuple(day.item() for day in before.index.to_numpy()[fewer].astype("datetime64[D]"))
    return Loss(days, int(had[fewer].sum()), int(after[fewer].sum()))


def sales_by_day(moments: Iterable[npt.NDArray[np.datetime64]], day_ends_at: time) -> pd.DataFrame:
    """How many sales (`transactions`) each business date has (`date`). moments: of the sales, piece by piece; day_ends_at: of the shop."""
    sales: Counter[Any] = Counter()
    for piece in moments:
        days = (piece - np.timedelta64(into_day(day_ends_at))).astype("datetime64[D]")
        sales.update(dict(zip(*np.unique(days, return_counts=True), strict=True)))
    return pd.DataFrame({"date": pd.Series(list(sales), dtype="datetime64[s]"), "transactions": list(sales.values())})


def say_the_same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two reads come to the same days: as many sales, and as much money."""
    columns = ["date", "transactions", "revenue", "quantity"]
    return one[columns].reset_index(drop=True).equals(other[columns].reset_index(drop=True))
