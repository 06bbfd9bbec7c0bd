"""The watchdog's logbook in the state table: what the last look saw, the notices on their way, and who got them.

One row (`watch`, `logbook`) holds the memory and the outbox as one JSON text, so that a look and its notices are written
in one step: a notice is either on its way or was never thought of. Beside it a row for each recipient of a notice
(`watch`, `sent#{reference}#{recipient}`), so that a notice that was interrupted reaches only those who lack it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import msgspec

from salesflow import clock
from salesflow.errors import SalesFlowError
from salesflow.ledger import Claim
from salesflow.ledger.runs import stamp
from salesflow.ledger.send_log import SendLog
from salesflow.rows import ConditionFailed, Row, Rows
from salesflow.stored import UnreadableRow, reading
from salesflow.watch.expected import FleetTold
from salesflow.watch.look import Memory

_KEY = {"pk": "watch", "sk": "logbook"}
_LONGEST_RUN = timedelta(minutes=15)
"""No function lives longer: who has held the logbook for this long is dead."""
_CLOCKS_APART = timedelta(minutes=5)
"""A hold that ends later than any look could have made it, a clock that was ahead or a hand did: it holds nobody up."""
_FORM = 1
"""The form of the JSON; counted up when it changes."""


class LogbookHeld(SalesFlowError):
    """Another look is at work."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail to the owners that has to be sent: its words, and the short reference that all its copies carry."""

    reference: str
    bad: bool
    findings: tuple[str, ...]
    headline: str
    paragraphs: tuple[tuple[str, str], ...]
    footer: str


@dataclass(frozen=True, slots=True)
class Page:
    """What the logbook holds: the last look's memory, the marked addresses that the owner knows of, the notices to send.

    fleet: what the operator was told of the stack's other shops; None where none is late.
    lost: what is wrong with a logbook that cannot be read, so that it begins anew; empty where all is well. It is not written.
    """

    memory: Memory
    told_addresses: tuple[str, ...] = ()
    outbox: tuple[Notice, ...] = ()
    fleet: FleetTold | None = None
    lost: str = ""


class Logbook:
    """The logbook, held by one look at a time. `holder` is the same for all tries of one firing."""

    def __init__(self, rows: Rows, *, holder: str) -> None:
        self._rows = rows
        self._holder = holder

    def take(self) -> Page:
        """Hold the logbook and read it; empty where there is none yet. Raises LogbookHeld, LedgerUnavailable."""
        now = clock.now()
        try:
            before = self._rows.update_if(
                _KEY,
                "attribute_not_exists(pk) OR held_until <= :now OR held_until > :latest OR holder = :mine",
                {"now": stamp(now), "mine": self._holder, "latest": stamp(now + _LONGEST_RUN + _CLOCKS_APART)},
                change={"holder": self._holder, "held_until": stamp(now + _LONGEST_RUN)},
            )
        except ConditionFailed as failed:
            until = "" if failed.row is None else f" until {failed.row.get('held_until')} at most"
            raise LogbookHeld(
                f"Another look of the watchdog is at work{until}.", action="Nothing needs doing: it tells the owner."
            ) from None
        return _page(before)

    def write(self, page: Page, *, release: bool = False) -> None:
        """Write the page, and give the logbook up if told so. Raises LogbookHeld where another look has it by now."""
        change: Row = {"page": _written(page)}
        self._change(change | ({"held_until": stamp(clock.now())} if release else {}))

    def release(self) -> None:
        """Give the logbook up as it stands."""
        self._change({"held_until": stamp(clock.now())})

    def _change(self, change: Row) -> None:
        try:
            self._rows.update_if(_KEY, "holder = :mine", {"mine": self._holder}, change=change)
        except ConditionFailed:
            raise LogbookHeld(
                "Another look of the watchdog took the logbook over.", action="Nothing needs doing: it tells the owner."
            ) from None

    def recorder(self, notice: Notice, claim: Claim) -> "NoticeRecorder":
        """What `send_to_all` needs to send a notice."""
        return NoticeRecorder(self._rows, notice.reference, claim)


class NoticeRecorder(SendLog):
    """Who has got a notice, whichever run of the watchdog sent it."""

    def __init__(self, rows: Rows, reference: str, claim: Claim) -> None:
        super().__init__(rows, pk=_KEY["pk"], prefix=f"sent#{reference}#", edition=reference, run_id=claim.run_id)
        self.reference = reference
        self.run_id = claim.run_id
        self.ensure_held = claim.ensure_held


def told_readers(rows: Rows) -> tuple[str, ...]:
    """The readers of whom the owner has heard that they are left out. One call. Raises LedgerUnavailable."""
    return _page(rows.get(_KEY)).told_addresses


def _written(page: Page) -> str:
    kept = {"form": _FORM, **msgspec.to_builtins(page)}
    del kept["lost"]
    return json.dumps(kept, ensure_ascii=False)


def _page(row: Mapping[str, Any] | None) -> Page:
    if row is None or "page" not in row:
        return Page(Memory())
    try:
        with reading(row):
            kept = json.loads(row["page"])
            if kept["form"] != _FORM:
                raise ValueError(f"it has the form {kept['form']}")
            if lacking := {one.name for one in fields(Memory)} - kept["memory"].keys():
                raise ValueError(f"its memory lacks {', '.join(sorted(lacking))}")
            return msgspec.convert(kept, Page)
    except UnreadableRow as unreadable:
        return Page(Memory(), lost=unreadable.message)
