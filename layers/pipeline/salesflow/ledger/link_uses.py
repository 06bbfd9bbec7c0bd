"""The uses of links: what was opened and what was changed, by which reader. No address and no token stands here.

A row is (`link`, `{moment}#{deed}#{reader}#{thing}`). Two uses of one link in one second are one row, so that nobody who
has a link can fill the table faster than that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salesflow import clock
from salesflow.ledger.runs import stamp
from salesflow.rows import Row, Rows, expires_at

_PARTITION = "link"
_LONGEST_THING = 150


@dataclass(frozen=True, slots=True)
class LinkUse:
    """One use: when (aware), what was done (`open`, `why`, `stop`, ...), which reader (opaque), and with what thing."""

    at: datetime
    deed: str
    reader: str
    thing: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "LinkUse":
        """The use that a row holds."""
        return cls(datetime.fromisoformat(row["used_at"]), row["deed"], row["reader"], row["thing"])


class LinkUses:
    """The uses in the state table. Raises LedgerUnavailable where DynamoDB does not do its part."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def record(self, deed: str, reader: str, thing: str) -> None:
        """Record a use that happens now."""
        thing = thing[:_LONGEST_THING]  # a sort key has a limit
        now = clock.now()
        at = stamp(now.replace(microsecond=0))
        row: Row = {
            "pk": _PARTITION,
            "sk": f"{at}#{deed}#{reader}#{thing}",
            "used_at": at,
            "deed": deed,
            "reader": reader,
            "thing": thing,
            "expires_at": expires_at(now),
        }
        self._rows.put(row)

    def newest(self, limit: int) -> list[LinkUse]:
        """The newest uses, these first."""
        return [LinkUse.from_row(row) for row in self._rows.newest(_PARTITION, limit)]
