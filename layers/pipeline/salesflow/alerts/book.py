"""The alerts of every date in the state table, so that a check that is repeated, doubled or killed tells nothing twice.

Two kinds of rows:

    alert#{chain}   {business date}   the alerts that were open after the date, and what the date's check had to tell
    alert#mute      {subject}         a subject that nobody is told of until a date, included

A chain is one line of dates: `shop/daily`, `products/daily`, `products/weekly`, `product/{SKU}/daily` ... A date's row is
made from the row before it and written once, by a conditional put: of two runs one wins, and the other finds and uses what
the first one wrote. What has to be told is written with the state, so that whoever repeats the run after a crash tells the
same. A check that comes after days that were not checked writes their rows too and carries what they had to tell; a date
before the newest row changes nothing.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from salesflow import clock
from salesflow.alerts.lifecycle import Alert, Entry, Step, in_order, to_tell
from salesflow.errors import SalesFlowError
from salesflow.findings.event import EventType, NoteKind
from salesflow.rows import RETENTION, ConditionFailed, Row, Rows, expires_at
from salesflow.stored import reading

CATCH_UP_DAYS = 14
"""Days without a check that the next one judges too; what happened before them is past."""

MUTE = "alert#mute"
FOR_GOOD = date.max
"""The last day of a mute that has no end."""

_TRIES = 4
_LOOK_BACK = (8, 60, RETENTION.days)
_LONGEST_KEY = 200

# DynamoDB takes 400 KB a row. A day on which hundreds of products change at once needs more as plain text, which version 1.0.0 wrote;
# packed, the worst that was tried (each name another one, of 100 Chinese characters, two weeks without a check) fits.
_LARGEST_PLAIN = 350_000
_LONGEST_NAME = 100
_MOST_ENTRIES = 500
_PACKED = "zlib:"


class AlertsBusy(SalesFlowError):
    """Other runs kept writing the same date's alerts."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a run has to tell for a date.

    entries: its digest. said: everything that any run had to tell for the date. open: the alerts that are open after it.
    left_out: changes of products beyond the most important ones. recorded: whether the date has a row (past dates may not).
    """

    entries: tuple[Entry, ...]
    said: tuple[Entry, ...]
    open: tuple[Alert, ...]
    left_out: int
    recorded: bool


@dataclass(frozen=True, slots=True)
class _Page:
    """One row. `carry`: what nobody has told yet (of days that were not checked, and ends that wait for a mail); `digests`: what each

    telling run had to tell. What version 1.0.0 cannot read stands in an attribute of its own (`since_1_1`), so that going back to it works.
    """

    day: date
    alerts: tuple[Alert, ...]
    digests: Mapping[str, tuple[Entry, ...]]
    carry: tuple[Entry, ...]
    left_out: int
    written_by: str

    def row(self, chain: str, now: datetime) -> Row:
        whole = {
            "alerts": [alert.as_dict() for alert in self.alerts],
            "digests": {teller: [entry.as_dict() for entry in entries] for teller, entries in self.digests.items()},
            "carry": [entry.as_dict() for entry in self.carry],
        }
        texts = {name: _json(part) for name, part in _parted(whole, new=False).items()}
        texts["since_1_1"] = _json(_parted(whole, new=True))
        if sum(len(text.encode()) for text in texts.values()) > _LARGEST_PLAIN:
            texts = {name: _packed(text) for name, text in texts.items()}
        return {
            "pk": f"alert#{chain}",
            "sk": self.day.isoformat(),
            **texts,
            "left_out": self.left_out,
            "written_by": self.written_by,
            "expires_at": expires_at(now),
        }

    @classmethod
    def of(cls, row: Row) -> "_Page":
        """The page of a row. Raises UnreadableRow."""
        with reading(row):
            more = _from_json(row.get("since_1_1", "{}"))
            carry = (*_from_json(row.get("carry", "[]")), *more.get("carry", ()))
            digests = {
                teller: in_order(map(Entry.from_dict, (*entries, *more.get("digests", {}).get(teller, ()))))
                for teller, entries in _from_json(row["digests"]).items()
            }
            return cls(
                date.fromisoformat(row["sk"]),
                tuple(map(Alert.from_dict, (*_from_json(row["alerts"]), *more.get("alerts", ())))),
                digests,
                tuple(map(Entry.from_dict, carry)),
                row.get("left_out", 0),
                row["written_by"],
            )

    def told(self, teller: str) -> Told:
        said = {entry.key: entry for entries in self.digests.values() for entry in entries}
        entries = self.digests.get(teller, ())
        return Told(entries, in_order(said.values()), self.alerts, self.left_out, recorded=True)


_SAID_SINCE_1_1 = {"stock", "pieces", "amount", "refunds", "at", "largest"}
_TYPES_SINCE_1_1 = {EventType.RETURNS, EventType.LEVEL_MOVED}
_NOTES_SINCE_1_1 = {NoteKind.ONE_SALE, NoteKind.NOT_LISTED, NoteKind.RECORD, NoteKind.BEFORE_RETURNS}


def _parted(values: Any, *, new: bool) -> Any:
    """The alerts and entries in `values` that version 1.0.0 can read (`new`: those that it cannot)."""
    if isinstance(values, dict):
        return {name: _parted(part, new=new) for name, part in values.items()}
    return [one for one in values if _is_new(one) is new]


def _is_new(one: Mapping[str, Any]) -> bool:
    said = [one["statement"], *one.get("also", ())]
    notes = (one.get("event") or {}).get("notes", ())
    return (
        any(statement["type"] in _TYPES_SINCE_1_1 or _SAID_SINCE_1_1 & set(statement) for statement in said)
        or one.get("type") in _TYPES_SINCE_1_1
        or any(note["kind"] in _NOTES_SINCE_1_1 for note in notes)
    )


def _json(value: object) -> str:
    return json.dumps(_with_short_names(value), ensure_ascii=False)


type Judge = Callable[[date, tuple[Alert, ...] | None], Step]
"""The next state: a date, and the alerts that were open before it (None: no date was ever checked)."""


class AlertBook:
    """The alerts' rows in the state table. Raises LedgerUnavailable where DynamoDB does not do its part."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def turn_to(
        self, chain: str, day: date, *, teller: str, run_id: str, judge: Judge, afresh: bool, catch_up: bool
    ) -> Told:
        """Write a date's page, unless it stands, and answer what this run has to tell.

        teller: what is told only once under (a run's identity and edition; retries keep it). afresh: a date that has its
        page, and is the newest, is judged again, and what was not told yet is told now. catch_up: days between the newest
        page and this one are judged as well. Raises AlertsBusy when other runs are faster again and again.
        """
        for _ in range(_TRIES):
            pages = self._pages(chain, day)
            page = pages.at
            if page is not None and (teller in page.digests or pages.any_later or not afresh):
                return page.told(teller)
            if page is None and pages.any_later:
                return Told((), (), (), 0, recorded=False)
            try:
                return self._write(chain, day, pages, teller, run_id, judge, catch_up=catch_up).told(teller)
            except ConditionFailed:
                continue  # another run wrote one of these pages in the meantime: look again
        raise AlertsBusy(
            f"The alerts of {day} ({chain}) were written by other runs {_TRIES} times while this one computed them.",
            action="Run the job again when the others have finished.",
        )

    def has_untold(self, chain: str, day: date, teller: str) -> bool:
        """Whether a run had something to tell for a date."""
        row = self._rows.get({"pk": f"alert#{chain}", "sk": day.isoformat()})
        return row is not None and bool(_Page.of(row).digests.get(teller))

    def mute(self, subject: str, until: date) -> None:
        """Tell nobody of a subject (`shop`, `sku:...`) until a date, included."""
        last = int(datetime.combine(until, datetime.min.time(), clock.now().tzinfo).timestamp())
        row = {"pk": MUTE, "sk": _bounded(subject), "subject": subject, "until": until.isoformat()}
        self._rows.put(row | {"expires_at": max(expires_at(clock.now()), last)})

    def unmute(self, subject: str) -> None:
        """Tell of a subject again, from today's check on."""
        self._rows.put(
            {"pk": MUTE, "sk": _bounded(subject), "subject": subject, "until": date.min.isoformat()}
            | {"expires_at": int(clock.now().timestamp())}
        )

    def mutes(self) -> dict[str, date]:
        """Every muted subject and its last muted date."""
        rows = self._rows.beginning_with(MUTE, "s")
        found = {}
        for row in rows:
            with reading(row):
                found[row["subject"]] = date.fromisoformat(row["until"])
        return {subject: until for subject, until in found.items() if until > date.min}

    def newest(self, chain: str, until: date) -> tuple[date, tuple[Alert, ...]] | None:
        """The newest page up to a date, and the alerts that are open after it."""
        row = self._newest_row(chain, until)
        return None if row is None else (date.fromisoformat(row["sk"]), _Page.of(row).alerts)

    def _pages(self, chain: str, day: date) -> "_Pages":
        later = self._rows.between(
            f"alert#{chain}", _iso(day + timedelta(days=1)), _iso(day + timedelta(days=RETENTION.days))
        )
        at = self._rows.get({"pk": f"alert#{chain}", "sk": day.isoformat()})
        before = self._newest_row(chain, day - timedelta(days=1))
        return _Pages(
            None if before is None else _Page.of(before), None if at is None else _Page.of(at), any_later=bool(later)
        )

    def _newest_row(self, chain: str, until: date) -> Row | None:
        for days in _LOOK_BACK:
            rows = self._rows.between(f"alert#{chain}", _iso(until - timedelta(days=days)), _iso(until))
            if rows:
                return rows[-1]
        return None

    def _write(
        self, chain: str, day: date, pages: "_Pages", teller: str, run_id: str, judge: Judge, *, catch_up: bool
    ) -> _Page:
        before, cut = pages.before, 0
        for missed in _gap(before, day) if catch_up else ():
            step = judge(missed, before.alerts if before else None)
            carried, beyond = _joined(before.carry if before else (), step.entries)
            cut += beyond
            page = _Page(missed, step.alerts, {}, carried, step.left_out + beyond, run_id)
            self._put(chain, page, None, run_id)
            before = page
        step = judge(day, before.alerts if before else None)
        entries, beyond = _joined(before.carry if before else (), step.entries)
        cut += beyond
        entries, waiting = to_tell(entries, day, step)
        if pages.at is None:
            page = _Page(day, step.alerts, {teller: entries}, waiting, step.left_out + cut, run_id)
        else:
            page = _amended(pages.at, step, entries, teller, run_id)
        self._put(chain, page, pages.at, run_id)
        return page

    def _put(self, chain: str, page: _Page, seen: _Page | None, run_id: str) -> None:
        """Write a page that is not there, or that is still the one seen; a write of our own that is repeated passes."""
        row = page.row(chain, clock.now())
        if seen is None:
            self._rows.put_if(row, "attribute_not_exists(pk) OR written_by = :mine", {"mine": run_id})
        else:
            values = {"mine": run_id, "seen": seen.written_by}
            self._rows.put_if(row, "written_by = :seen OR written_by = :mine", values)


@dataclass(frozen=True, slots=True)
class _Pages:
    before: _Page | None
    at: _Page | None
    any_later: bool


def _gap(before: _Page | None, day: date) -> list[date]:
    """The days between a page and a date that were never checked, as far back as they still matter."""
    if before is None:
        return []
    first = max(before.day + timedelta(days=1), day - timedelta(days=CATCH_UP_DAYS))
    return [first + timedelta(days=n) for n in range((day - first).days)]


def _joined(carried: Iterable[Entry], new: Iterable[Entry]) -> tuple[tuple[Entry, ...], int]:
    """What was not told yet and what is new, and how many of these are beyond what a row holds.

    Of two entries of one kind about one alert the later stands; of too many the most important.
    """
    joined = in_order({entry.key: entry for entry in (*carried, *new)}.values())
    return joined[:_MOST_ENTRIES], max(0, len(joined) - _MOST_ENTRIES)


def _with_short_names(values: Any) -> Any:
    """The values with the names of products cut: the source's sales bound none, and a row is bounded."""
    match values:
        case dict():
            return {
                key: f"{value[: _LONGEST_NAME - 1]}…"
                if key == "name" and isinstance(value, str) and len(value) > _LONGEST_NAME
                else _with_short_names(value)
                for key, value in values.items()
            }
        case list() | tuple():
            return [_with_short_names(value) for value in values]
        case _:
            return values


def _packed(text: str) -> str:
    return _PACKED + base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode()


def _from_json(text: str) -> Any:
    if text.startswith(_PACKED):
        text = zlib.decompress(base64.b64decode(text.removeprefix(_PACKED))).decode()
    return json.loads(text)


def _amended(stands: _Page, step: Step, entries: tuple[Entry, ...], teller: str, run_id: str) -> _Page:
    """A page judged again: what was told stays told, and only what was not said yet is said now."""
    said = {entry.key for told in stands.digests.values() for entry in told}
    were_told = {alert.id: alert for alert in stands.alerts if alert.told}
    alerts = [replace(alert, told=True, quiet=False) if alert.id in were_told else alert for alert in step.alerts]
    found = {alert.id for alert in alerts}
    # What was told and is not found any more ends on a later day, with a word.
    alerts += [alert for alert in were_told.values() if alert.id not in found]
    new = tuple(entry for entry in entries if entry.key not in said)
    return _Page(stands.day, tuple(alerts), {**stands.digests, teller: new}, (), step.left_out, run_id)


def chain_of(part: str, period: str, sku: str | None = None) -> str:
    """The name of a chain; `part` shop, products or product (then with its SKU)."""
    return f"{part}/{period}" if sku is None else f"{part}/{_bounded(sku)}/{period}"


def _bounded(text: str) -> str:
    """The text, or where it is long its beginning and its hash: a key of the table has a limit."""
    clean = text.encode("utf-8", "replace").decode()
    if len(clean.encode()) <= _LONGEST_KEY:
        return clean
    return f"{clean[:40]}#{hashlib.sha256(clean.encode()).hexdigest()}"


def _iso(day: date) -> str:
    return day.isoformat()
