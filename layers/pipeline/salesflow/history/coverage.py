"""Which days a part of the history covers."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Self

from salesflow.errors import HistoryDamaged
from salesflow.s3 import ObjectStore, StoredObject


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every day from `first` to `last` has been read; days after `last` may be there in part."""

    first: date
    last: date

    def joined(self, other: "Coverage | None") -> Self:
        """Both runs of days as one; they overlap or touch, since a sync never leaves a gap."""
        if other is None:
            return self
        return type(self)(min(self.first, other.first), max(self.last, other.last))


def read_coverage(store: ObjectStore, part: str) -> Coverage | None:
    """The coverage of a part (`sales` or `daily`); None on a fresh stack."""
    stored = store.read(_key(part))
    return None if stored is None else _parse(store, part, stored)


def extend_coverage(store: ObjectStore, part: str, gained: Coverage) -> None:
    """Record, after the months themselves are written, that these days are covered too."""

    def join(stored: StoredObject | None) -> tuple[bytes, dict[str, str]]:
        known = gained.joined(None if stored is None else _parse(store, part, stored))
        document = {"first": known.first.isoformat(), "last": known.last.isoformat()}
        return json.dumps(document, sort_keys=True).encode(), {}

    store.update(_key(part), join, "application/json")


def _parse(store: ObjectStore, part: str, stored: StoredObject) -> Coverage:
    try:
        document = json.loads(stored.body)
        return Coverage(date.fromisoformat(document["first"]), date.fromisoformat(document["last"]))
    except (ValueError, KeyError, TypeError):
        raise HistoryDamaged(
            f"s3://{store.bucket}/{_key(part)} does not say which days are covered.",
            action='Delete it and fire sync_history with {"rebuild": true}.',
        ) from None


def _key(part: str) -> str:
    return f"history/coverage/{part}.json"
