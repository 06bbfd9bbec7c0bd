"""By when each schedule of another shop than the stack's own has to have done its work, kept so that the late ones alone are looked at.

A row a schedule among the shop's own (`watch`, `expected#{id}`): the desk writes it with the schedule, a run that did its work puts it off
until the next firing would be late, and so does the shop's watchdog where it need not look again. `late_at` is the key of an index of the
table that holds nothing but who is late since when: the stack's watchdog asks that alone, however many shops there are. One row more
(`NEWS`) has a shop looked at that is late with nothing, because its owner is to hear of its readers.
"""

import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from salesflow import clock
from salesflow.ledger.runs import stamp
from salesflow.rows import ConditionFailed, LedgerUnavailable, Row, Rows
from salesflow.stored import reading
from salesflow.watch.due_times import due_times, skipped_times
from salesflow.watch.ticks import RETRIES_OVER

INDEX: Final = "late"
SHARDS: Final = 4
"""Over how many keys of the index the shops are spread: each takes a thousand changes a second."""
NEWS: Final = "~readers"
"""In the place of a schedule's id, which holds no such sign: a look at the shop is wanted, and nothing is late."""
_PARTITION: Final = "watch"
_PREFIX: Final = "expected#"
_SPANS: Final = tuple(timedelta(days=days) for days in (8, 40, 400))
"""How far ahead the next firing is looked for, step by step."""


class Timed(Protocol):
    """When a schedule is due: `cron(...)` or `at(...)`, read in a zone, and how many minutes later it may fire."""

    @property
    def expression(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def window_minutes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Times:
    expression: str
    zone: str
    window_minutes: int


@dataclass(frozen=True, slots=True, order=True)
class Late:
    """A schedule of a shop that has not done its work in time; `since`: from when on it counts as late (aware)."""

    since: datetime
    shop: str
    schedule: str


@dataclass(frozen=True, slots=True)
class FleetTold:
    """How many shops the operator was told are late, and when."""

    shops: int
    at: datetime


class Expectations:
    """What is expected of one shop's schedules, by their ids. `grace`: how long after it was due a run may be done.

    Every method raises LedgerUnavailable where DynamoDB does not do its part, InvalidSchedule for times that cannot be read.
    """

    def __init__(self, rows: Rows, grace: timedelta) -> None:
        self._rows = rows
        self._grace = grace

    def expect(self, schedule: str, timed: Timed, now: datetime, *, is_open: bool = False) -> None:
        """Expect its firings after `now`. is_open: the owner knows of trouble that has not been told to be over."""
        row: Row = {**_key(schedule), "expression": timed.expression, "zone": timed.zone, "open": is_open}
        self._rows.put(row | {"window_minutes": timed.window_minutes} | self._late(self._late_at(timed, now)))

    def look_again(self, schedule: str, now: datetime, *, is_open: bool) -> None:
        """A firing of it is not done: it stays late, and is looked at with the next look."""
        change: Row = {"open": is_open}
        if not self._changed(schedule, "late_at <= :now", change, {"now": stamp(now)}):
            self._changed(schedule, "attribute_exists(pk)", change | self._late(now), {})

    def want_look(self, now: datetime) -> None:
        """Have the shop looked at with the next look, though it is late with nothing."""
        self._rows.put(_key(NEWS) | self._late(now))

    def is_well(self, now: datetime) -> bool:
        """Whether none of its schedules is late, and no trouble is open. One call."""
        rows = [row for row in self._rows.beginning_with(_PARTITION, _PREFIX) if row.get("expression")]
        return not any(row.get("open") or row.get("late_at", "~") <= stamp(now) for row in rows)

    def forget(self, schedule: str) -> None:
        """Expect nothing of a schedule: it is gone, or stands still."""
        with suppress(ConditionFailed):
            self._rows.update_if(
                _key(schedule), "attribute_exists(pk)", {}, change={"expression": ""}, remove=["late", "late_at"]
            )

    def known(self) -> list[str]:
        """The schedules of which something is expected."""
        rows = self._rows.beginning_with(_PARTITION, _PREFIX)
        return [row["sk"].removeprefix(_PREFIX) for row in rows if row.get("expression")]

    def done(self, schedule: str, due: datetime) -> None:
        """The firing of `due` did its work: the next is expected, or its owner is to hear that the trouble is over."""
        row = self._rows.get(_key(schedule))
        if row is None or not row.get("expression"):
            return
        with reading(row):
            timed = _Times(row["expression"], row["zone"], int(row["window_minutes"]))
        late_at = clock.now() if row.get("open") else self._late_at(timed, due)
        self._changed(schedule, "attribute_exists(pk)", self._late(late_at), {})

    def undone(self, schedule: str) -> None:
        """A run of it did not do its work: it is looked at as soon as Lambda has given it up, not only when it is late."""
        late = self._late(clock.now() + RETRIES_OVER)
        self._changed(schedule, "late_at > :soon", late, {"soon": late["late_at"]})

    def _changed(self, schedule: str, condition: str, change: Row, values: Row) -> bool:
        """Whether the row was as the condition has it, and is as the change has it now."""
        try:
            self._rows.update_if(
                _key(schedule),
                condition,
                values,
                change=change,
                remove=[] if change else ["late", "late_at"],
            )
        except ConditionFailed:
            return False
        return True

    def _late_at(self, timed: Timed, after: datetime) -> datetime | None:
        """When the first firing after a moment is late, one that clocks go over too; None where none comes."""
        start = after + timedelta(microseconds=1)
        for span in _SPANS:
            moments = due_times(timed.expression, timed.zone, start, start + span)[:1]
            moments += [one.resumed for one in skipped_times(timed.expression, timed.zone, start, start + span)[:1]]
            if moments:
                return min(moments) + timedelta(minutes=timed.window_minutes) + self._grace
        return None

    def _late(self, moment: datetime | None) -> Row:
        if moment is None:
            return {}
        return {"late": _shard(zlib.crc32(self._rows.shop.encode()) % SHARDS), "late_at": stamp(moment)}


def late_schedules(client: Any, table: str, now: datetime) -> list[Late]:
    """Every schedule of every shop that is late at `now`, the longest late first. It takes as long as there are late ones.

    Raises LedgerUnavailable.
    """
    found: list[Late] = []
    try:
        for shard in range(SHARDS):
            pages = client.get_paginator("query").paginate(
                TableName=table,
                IndexName=INDEX,
                KeyConditionExpression="late = :late AND late_at <= :now",
                ExpressionAttributeValues={":late": {"S": _shard(shard)}, ":now": {"S": stamp(now)}},
            )
            for page in pages:
                found += [_late(item, now) for item in page["Items"]]
    except (ClientError, BotoCoreError) as error:
        raise LedgerUnavailable(
            f"The index {INDEX} of the table {table} could not be read: {error}.",
            action="Deploy the stack from this version of the template, which makes it; then look again.",
        ) from error
    return sorted(found)


def _late(item: dict[str, dict[str, str]], now: datetime) -> Late:
    """A row of the index. One whose moment cannot be read is late from now on: it hides no other shop's."""
    try:
        since = datetime.fromisoformat(item["late_at"]["S"])
    except ValueError:
        since = now
    return Late(
        now if since.tzinfo is None else since,
        item["pk"]["S"].partition("|")[0],
        item["sk"]["S"].removeprefix(_PREFIX),
    )


def _shard(number: int) -> str:
    return f"late#{number}"


def _key(schedule: str) -> dict[str, str]:
    return {"pk": _PARTITION, "sk": f"{_PREFIX}{schedule}"}
