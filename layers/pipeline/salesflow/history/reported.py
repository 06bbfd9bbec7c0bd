"""What reports have said of each day, so that the next one can say where a past day's figures have changed since.

`history/reported-days.json`: what the figures were written under, and by day the figures that a report said first or anew, each with the
business date of that report: `{"2026-11-14": [["2026-11-14", 98000, 12], ["2026-11-20", 112000, 14]]}` (money in minor units, sales).

A report of a business date goes by what reports of earlier dates said: made again from the same sales it says the same.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from salesflow.analytics.results import DaySales
from salesflow.history.terms import Terms
from salesflow.s3 import ObjectStore, StoredObject

_KEY: Final = "history/reported-days.json"
_KEPT: Final = timedelta(days=130)
"""How far back from the newest report days are remembered: what a report compares is 90 days."""

type _Said = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class DayChange:
    """A past day whose figures are no longer what a report said: money in minor units, and sales, then and now."""

    day: date
    revenue_before: int
    revenue_now: int
    sales_before: int
    sales_now: int


class ReportedDays:
    """What was said of all days, as one small object."""

    def __init__(self, store: ObjectStore, terms: Terms) -> None:
        self._store = store
        self._terms = terms

    def changes(self, days: Iterable[DaySales], business_date: date) -> tuple[DayChange, ...]:
        """The days before the business date that an earlier report said something else of, the newest first."""
        known = self._parse(self._store.read(_KEY))
        found = []
        for now in days:
            before = _before(known.get(now.day.isoformat(), []), business_date)
            if now.day < business_date and before is not None and before[1:] != (now.revenue, now.transactions):
                found.append(DayChange(now.day, before[1], now.revenue, before[2], now.transactions))
        return tuple(sorted(found, key=lambda change: change.day, reverse=True))

    def remember(self, days: Iterable[DaySales], business_date: date) -> None:
        """Note what a report of the business date says of these days, where that is anything new."""
        said = {day.day.isoformat(): (business_date.isoformat(), day.revenue, day.transactions) for day in days}

        def merge(stored: StoredObject | None) -> tuple[bytes, dict[str, str]]:
            known = self._parse(stored)
            for day, entry in said.items():
                others = [one for one in known.get(day, []) if one[0] != entry[0]]
                before = _before(others, business_date)
                is_news = before is None or before[1:] != entry[1:]
                known[day] = sorted([*others, entry] if is_news else others)
            oldest = (date.fromisoformat(max(known)) - _KEPT).isoformat() if known else ""
            document = {**self._terms.words, "days": {day: known[day] for day in sorted(known) if day >= oldest}}
            return json.dumps(document, separators=(",", ":")).encode(), {}

        self._store.update(_KEY, merge, "application/json")

    def _parse(self, stored: StoredObject | None) -> dict[str, list[_Said]]:
        """What was said, nothing where it was said under other settings or cannot be read: then these reports are the first."""
        if stored is None:
            return {}
        try:
            document = json.loads(stored.body)
            words = {name: value for name, value in document.items() if isinstance(value, str)}
            if self._terms.differences(words, self._store.place(_KEY)):
                return {}
            return {
                date.fromisoformat(day).isoformat(): [
                    (str(on), int(revenue), int(sales)) for on, revenue, sales in entries
                ]
                for day, entries in _mapping(document["days"]).items()
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            return {}


def _mapping(value: object) -> Mapping[str, list[_Said]]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _before(entries: list[_Said], business_date: date) -> _Said | None:
    """What the newest report before a business date said."""
    return max((entry for entry in entries if entry[0] < business_date.isoformat()), default=None)
