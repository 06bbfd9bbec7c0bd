"""Records of the source that could not be used, remembered by day, so that each report can say what its window lacks."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date

import msgspec

from salesflow.errors import HistoryDamaged
from salesflow.history.reading import Reading
from salesflow.s3 import ObjectStore, StoredObject

_KEY = "history/set-aside.json"


@dataclass(frozen=True, slots=True)
class SetAsideRecord:
    """One record: the call that answered it, which record and field, what is wrong, and its day (ISO) where that can be told.

    What a newer version adds to a record is passed over.
    """

    call: str
    record: str
    field: str
    reason: str
    day: str | None


class SetAside:
    """All records set aside, as one small object."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def replace_days(self, records: Iterable[SetAsideRecord], reading: Reading) -> None:
        """What a reading set aside takes the place of what was known of its days, and of records without a day."""
        since = reading.since.isoformat()
        # What is of the night before its first day was told with that day, by the reading that had it.
        new = [record for record in records if record.day is None or record.day >= since]

        def merge(stored: StoredObject | None) -> tuple[bytes, dict[str, str]] | None:
            kept = [record for record in self._parse(stored) if record.day is not None and record.day < since]
            if stored is None and not new:
                return None
            ordered = sorted(
                [*kept, *new], key=lambda record: (record.day or "", record.call, record.record, record.field)
            )
            document = json.dumps([asdict(record) for record in ordered], ensure_ascii=False, indent=1)
            return document.encode(), {}

        self._store.update(_KEY, merge, "application/json")

    def read(self, first: date, last: date) -> list[SetAsideRecord]:
        """The records of the days from first to last, and those whose day cannot be told."""
        known = self._parse(self._store.read(_KEY))
        return [r for r in known if r.day is None or first.isoformat() <= r.day <= last.isoformat()]

    def _parse(self, stored: StoredObject | None) -> list[SetAsideRecord]:
        if stored is None:
            return []
        try:
            return msgspec.json.decode(stored.body, type=list[SetAsideRecord])
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise HistoryDamaged(
                f"s3://{self._store.place(_KEY)} is not the list of records set aside.",
                action='Delete it and fire sync_history with {"rebuild": true}.',
            ) from None
