"""The sale lines of a read as they pass into the history: some days at a time, however many there are."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from salesflow.analytics.lines import SaleLines
from salesflow.history.months import batches
from salesflow.windows import Window, into_day

if TYPE_CHECKING:
    from salesflow.source.spool import SpooledSales

MOST_LINES: Final = 250_000
"""How many sale lines are in memory at a time, where a day does not have more."""


@dataclass(slots=True)
class PassingLines:
    """The sale lines of some business dates of a read: tables of some whole days, one run of days after the other.

    make: what is made of them, by the file that holds it. Once they have passed, `made` has those tables, and `newest` is the moment
    of the newest sale (naive, the shop's clock; None: there is none). They may be gone through more than once.
    """

    sales: "SpooledSales"
    window: Window
    day_ends_at: time
    make: Mapping[str, Callable[[SaleLines], pd.DataFrame]]
    made: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    newest: datetime | None = None

    def __iter__(self) -> Iterator[pd.DataFrame]:
        self.made = {file: [] for file in self.make}
        lines = self.sales.most_lines(*self._moments(self.window))
        for days in batches(self.window, lines, MOST_LINES) if lines else ():
            table = self.sales.lines(*self._moments(days))
            columns = SaleLines.from_table(table, self.day_ends_at)
            self.newest = columns.newest or self.newest
            for file, make in self.make.items():
                self.made[file].append(make(columns))
            del columns
            yield table

    def _moments(self, days: Window) -> tuple[datetime, datetime]:
        after = into_day(self.day_ends_at)
        return datetime.combine(days.first, time()) + after, datetime.combine(days.last, time()) + after + timedelta(
            days=1
        )
