"""The runs of a stack, as its ledger has them: what ran, what came of it, who was told."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from ops.complaints import Misused, NotFound
from ops.target import Stack
from salesflow import clock
from salesflow.ledger import RunRecord, RunStatus, SendOutcome, SentRecord
from salesflow.ledger.runs import RUN_PREFIX, reference_of
from salesflow.rows import Row
from salesflow.shop_id import MAIN_SHOP

SHORT = 8
"""The last characters of a run's id: enough to tell it from the others, and to name it by."""
LEAST = 4

_AFTER_ALL = "#~"
"""Behind a date it sorts after every record of a recipient, whose keys go on with `#sent#`."""


@dataclass(frozen=True, slots=True)
class Run:
    """The latest run of a job identity for a business date, and every mail of that date.

    `sends` are of all editions and of earlier runs too, in order of time: a retry mails only who lacks it.
    """

    record: RunRecord
    sends: tuple[SentRecord, ...]
    shop: str = MAIN_SHOP

    @property
    def job(self) -> str:
        """The job's name."""
        return job_of(self.record.identity)

    @property
    def short_id(self) -> str:
        """The end of its id, by which it can be named."""
        return self.record.run_id[-SHORT:]

    @property
    def reference(self) -> str:
        """What its mails carry in their subject."""
        return self.reference_in(self.record.edition)

    def reference_in(self, edition: str) -> str:
        """What the mails of one of its editions carry in their subject."""
        return reference_of(self.record.identity, self.record.business_date, edition, self.shop)

    @property
    def told(self) -> tuple[SentRecord, ...]:
        """The mails of its edition that SES took."""
        return tuple(s for s in self.sends if s.edition == self.record.edition and s.outcome is SendOutcome.SENT)

    @property
    def refused(self) -> tuple[SentRecord, ...]:
        """The recipients of its edition who cannot be mailed."""
        return tuple(s for s in self.sends if s.edition == self.record.edition and s.outcome is SendOutcome.REFUSED)

    @property
    def took(self) -> timedelta | None:
        """How long it ran; None while it runs, or where it was ended from outside."""
        return self.record.finished_at - self.record.started_at if self.record.finished_at else None

    @property
    def status(self) -> str:
        """How it stands; a run whose lease is over was ended from outside (time or memory ran out) and says ABANDONED."""
        is_dead = self.record.status is RunStatus.RUNNING and not self.record.is_alive(clock.now())
        return "ABANDONED" if is_dead else self.record.status.value


def job_of(identity: str) -> str:
    """The job of an identity: `report/sales/daily/pdf`, `sync_history@2026-11-23T00:40Z`."""
    return re.split("[/@]", identity, maxsplit=1)[0]


def between(
    stack: Stack,
    first: date,
    last: date,
    *,
    job: str | None = None,
    statuses: Collection[str] = (),
    all_shops: bool = False,
) -> list[Run]:
    """The runs for the business dates from first to last, the latest begun first. `statuses` empty: of every status."""
    since, until = first.isoformat(), last.isoformat() + _AFTER_ALL
    by_shop: dict[str, list[Row]] = {}
    if all_shops:
        for shop, row in stack.of_shop(MAIN_SHOP).rows.of_all_shops(since, until):
            if row["pk"].startswith(RUN_PREFIX):
                by_shop.setdefault(shop, []).append(row)
    else:
        by_shop[stack.shop] = stack.rows.everywhere(RUN_PREFIX + (job or ""), since, until)
    found = [run for shop, rows in by_shop.items() for run in _runs(rows, shop)]
    runs = [run for run in found if (job is None or run.job == job) and (not statuses or run.status in statuses)]
    return sorted(runs, key=lambda run: run.record.started_at, reverse=True)


def find(stack: Stack, name: str) -> Run:
    """The run that a name means: its id or a part of it (from either end), or its mails' reference (`SF-...`).

    A run that a later one of the same date has taken the place of is found by its mails, and answered by that later one.
    Raises NotFound; Misused where it could be several.
    """
    wanted = name.strip().strip("[]")
    if len(wanted) < LEAST:
        raise Misused(f"{name!r} is too short for a run.", action=f"Give at least {LEAST} characters of its id.")
    runs = _runs(stack.rows.everywhere(RUN_PREFIX), stack.shop)
    if wanted.upper().startswith("SF-"):
        found = [run for run in runs if wanted.upper() in _references(run)]
    else:
        found = [run for run in runs if _is_named(run.record.run_id, wanted)]
        found = found or [run for run in runs if any(_is_named(sent.run_id, wanted) for sent in run.sends)]
    if not found:
        raise NotFound(
            f"The stack {stack.name} knows no run {name}.",
            action="`salesflow-ops runs list --from DATE` shows them; rows are kept for 400 days.",
        )
    if len(found) > 1:
        ids = ", ".join(run.record.run_id for run in found[:5])
        raise Misused(f"{len(found)} runs are meant by {name}: {ids}.", action="Give more of the id.")
    return found[0]


def _references(run: Run) -> set[str]:
    return {run.reference_in(edition) for edition in (run.record.edition, *(sent.edition for sent in run.sends))}


def _is_named(run_id: str, wanted: str) -> bool:
    return run_id.startswith(wanted.lower()) or run_id.endswith(wanted.lower())


def _runs(rows: Iterable[Row], shop: str) -> list[Run]:
    """The runs among a shop's rows of the ledger, each with its recipients' records."""
    records: list[RunRecord] = []
    sends: dict[tuple[str, str], list[SentRecord]] = {}
    for row in rows:
        if "status" in row:
            records.append(RunRecord.from_row(row))
        elif "outcome" in row:
            key = (row["pk"].removeprefix(RUN_PREFIX), row["sk"].partition("#")[0])
            sends.setdefault(key, []).append(SentRecord.from_row(row))
    return [
        Run(record, tuple(sorted(sends.get((record.identity, record.business_date.isoformat()), ()), key=_when)), shop)
        for record in records
    ]


def _when(sent: SentRecord) -> str:
    return f"{sent.recorded_at.isoformat()} {sent.recipient}"
