"""Which days a part of the history covers, and whether the months that it is made of are still the ones that were written.

A part is a few tables that are written together. Its index, `history/coverage/{part}.json`, is written after its months:

    first, last      every day from first to last has been read
    months           by month: the version tag of each of its files (null: nothing was sold, so there is no file)
    schema ...       what the part was written under (`history.terms`)
    deep_read        the newest business date for which a sync read far back

Its object's metadata say since when and when all of it was read last: others may go by a read that is young enough.

The index is believed only as far as the bucket's own list agrees: a month that was deleted, rolled back or put there by hand is no
longer known, and is read again. Version 1.0.0 wrote first and last alone; there a month counts if it has a file, or comes before all
that have one: nothing was sold yet.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Self

from salesflow.errors import HistoryDamaged
from salesflow.history.months import MonthlyTable, first_day, months
from salesflow.history.reading import NEVER, Reading
from salesflow.s3 import ObjectStore, StoredObject

type Tags = Mapping[str, Mapping[str, str | None]]
"""By month, by file name: its version tag, None where there is no file."""


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


@dataclass(frozen=True, slots=True)
class Index:
    """What a part's index says. tags: None where version 1.0.0 wrote it. read: the newest read that others may go by."""

    covered: Coverage
    tags: Tags | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    deep_read: date = date.min
    read: Reading = NEVER

    def document(self) -> dict[str, Any]:
        """The index as JSON values."""
        return {
            "first": self.covered.first.isoformat(),
            "last": self.covered.last.isoformat(),
            "months": self.tags,
            "deep_read": self.deep_read.isoformat(),
            **self.words,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the history: its name, and the tables that are written together. The first one has a row for each day with sales."""

    name: str
    tables: tuple[MonthlyTable, ...]

    @property
    def key(self) -> str:
        """The key of its index."""
        return f"history/coverage/{self.name}.json"

    def index(self, store: ObjectStore, latest: date) -> Index | None:
        """Its index; None on a fresh stack, and where it claims to cover days that nobody can have read before `latest` is over."""
        stored = store.read(self.key)
        if stored is None:
            return None
        found = _parse(store, self.key, stored, latest)
        return found if found.covered.first <= found.covered.last <= latest else None

    def lost(self, index: Index, listed: Mapping[str, str]) -> list[str]:
        """The covered months whose files are not the ones that the index knows."""
        covered = list(months(index.covered.first, index.covered.last))
        if index.tags is not None:
            return [month for month in covered if index.tags.get(month) != self.tags(month, listed)]
        there = [month for month in covered if self.tables[0].key(month) in listed]
        return [month for month in covered if month not in there and (not there or month > there[0])]

    def tags(self, month: str, listed: Mapping[str, str]) -> dict[str, str | None]:
        """The version tags of a month's files by the bucket's list."""
        return {table.file: listed.get(table.key(month)) for table in self.tables}

    def extend(
        self,
        store: ObjectStore,
        gained: Coverage,
        written: Tags,
        *,
        known: Index | None,
        deep_read: date,
        latest: date,
        read: Reading = NEVER,
    ) -> None:
        """Record, after the months themselves are written, that these days are covered too.

        known: what was found of the part when the sync began, lost months left out; None: nothing of it counts any more.
        read: the read that is stored with this, all of it, where others may go by it.
        """
        words = self.tables[0].terms.words

        def join(stored: StoredObject | None) -> tuple[bytes, dict[str, str]]:
            covered, tags, deep = gained, dict(written), deep_read
            if known is not None and stored is not None:
                there = _parse(store, self.key, stored, latest)  # another run may have gone further since
                newest = there.covered.last if there.covered.last <= latest else date.min
                covered = Coverage(min(gained.first, known.covered.first), max(gained.last, known.covered.last, newest))
                tags = {**(known.tags or {}), **(there.tags or {}), **written}
                deep = max(deep_read, there.deep_read)
            inside = {month: tags[month] for month in months(covered.first, covered.last) if month in tags}
            document = Index(covered, inside, words, deep).document()
            return json.dumps(document, sort_keys=True).encode(), read.metadata()

        store.update(self.key, join, "application/json")


def what_counts(
    part: Part, index: Index, listed: Mapping[str, str], gone: Sequence[str], horizon: date
) -> Index | None:
    """The index without what lies before months that are lost and not read again; None where nothing is left of it."""
    old = [month for month in gone if first_day(month) < horizon]
    covered = index.covered
    if old:
        first = (first_day(max(old)) + timedelta(days=31)).replace(day=1)
        if first > covered.last:
            return None
        covered = replace(covered, first=first)
    tags = index.tags
    if tags is None:
        tags = {month: part.tags(month, listed) for month in months(covered.first, covered.last) if month not in gone}
    return replace(index, covered=covered, tags=tags)


def read_coverage(store: ObjectStore, part: str) -> Coverage | None:
    """The coverage of a part (`sales`, `daily`, `shop`) as its index has it; None on a fresh stack."""
    key = f"history/coverage/{part}.json"
    stored = store.read(key)
    return None if stored is None else _parse(store, key, stored).covered


def _parse(store: ObjectStore, key: str, stored: StoredObject, latest: date = date.max) -> Index:
    """The index in an object. A deep read of a day that comes after `latest` was none: it would be the last one for long."""
    try:
        document = json.loads(stored.body)
        tags, deep_read = document.get("months"), date.fromisoformat(document.get("deep_read", date.min.isoformat()))
        return Index(
            Coverage(date.fromisoformat(document["first"]), date.fromisoformat(document["last"])),
            None if tags is None else {month: dict(files) for month, files in tags.items()},
            {name: value for name, value in document.items() if isinstance(value, str) and name not in _OWN},
            deep_read if deep_read <= latest else date.min,
            Reading.from_metadata(stored.metadata),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HistoryDamaged(
            f"s3://{store.place(key)} does not say which days are covered.",
            action='Delete it and fire sync_history with {"rebuild": true}.',
        ) from None


_OWN = frozenset({"first", "last", "deep_read"})
