"""Claiming a business date: one conditional write decides who does the work."""

import contextlib
import random
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from salesflow import clock
from salesflow.job_events import Audience
from salesflow.ledger.claim import Claim, Fence, Held
from salesflow.ledger.runs import (
    FINAL,
    FORCED,
    INTERIM,
    NO_SETTINGS,
    RUN_PREFIX,
    RunRecord,
    RunStatus,
    SettingsUsed,
    run_key,
    stamp,
)
from salesflow.ledger.send_log import SentRecord, sends_of, sent_prefix, told_by
from salesflow.mail_address import mailbox
from salesflow.rows import ConditionFailed, Row, Rows, expires_at
from salesflow.stored import reading


@dataclass(frozen=True, slots=True)
class _Firing:
    """What a firing asks of a date; see `Ledger.claim`."""

    request_id: str
    schedule: str
    scheduled_time: datetime
    force: bool
    day_is_over: bool
    resend: bool
    audience: Audience
    readers: tuple[str, ...]
    settings: SettingsUsed


class Ledger:
    """The runs of all jobs, in the state table.

    A claim holds a date for `lease_seconds` and renews itself while its run lives: short enough that Lambda's retry, a
    minute after a run was killed, finds the date free, and yet as long as any live run needs.
    """

    def __init__(self, rows: Rows, *, lease_seconds: float = 45) -> None:
        self._rows = rows
        self._lease = timedelta(seconds=lease_seconds)

    def claim(
        self,
        identity: str,
        business_date: date,
        *,
        request_id: str,
        schedule: str,
        scheduled_time: datetime,
        force: bool,
        day_is_over: bool,
        resend: bool = False,
        audience: Audience = Audience.EVERYBODY,
        readers: tuple[str, ...] = (),
        settings: SettingsUsed = NO_SETTINGS,
    ) -> Claim | RunRecord:
        """Claim a date, or learn who has it: the run that is alive on it, or the one that finished it.

        request_id: Lambda's retries keep it. day_is_over: whether the business date was over when the firing was due.
        audience: whom it is to tell; readers: the addresses behind that, as the settings have them now. settings: which they are.

        The claim succeeds where there is no run yet; where the last one FAILED or was PARTIAL or its lease is over (it is
        gone on with, in the edition that it has: whoever was told is not told again); where only an interim run, made
        before the day was over, stands against a final one; and where the finished run told fewer than this firing is to
        tell (the rest is told, in the edition that there is). `force` claims a finished date as well, but neither a live
        one nor the edition of this very request, whoever has finished that; its mails are an edition of their own. `resend` takes a finished
        date up again in the edition that it has: whoever was told, in other editions included, is not told again. A final
        run is never replaced by an interim one. Raises LedgerUnavailable and UnreadableRow.
        """
        firing = _Firing(request_id, schedule, scheduled_time, force, day_is_over, resend, audience, readers, settings)
        standing: RunRecord | None = None  # a guess: most firings are the first of their date
        run_id = _sortable_id(clock.now())
        while True:
            if standing is not None and not self._is_free(standing, firing):
                return standing
            held = self._held(identity, business_date, standing, firing, run_id)
            try:
                self._take(held, standing, firing)
            except ConditionFailed as refused:
                if refused.row is None:
                    standing = None  # its row has left the table meanwhile
                    continue
                with reading(refused.row):
                    found = RunRecord.from_row(refused.row)
                if found.run_id != run_id:
                    standing = found
                    continue
                # The first write took effect though its answer was lost, and the SDK repeated it: the claim is ours.
            return Claim(self._rows, self._lease, held)

    def find(self, identity: str, business_date: date) -> RunRecord | None:
        """The latest run of a job for a date. Raises UnreadableRow."""
        row = self._rows.get(run_key(identity, business_date))
        if row is None:
            return None
        with reading(row):
            return RunRecord.from_row(row)

    def runs(self, identity: str, since: date, until: date) -> list[RunRecord]:
        """The latest run of each date from `since` to `until`, both included, in order of date."""
        rows = self._rows.between(f"{RUN_PREFIX}{identity}", since.isoformat(), until.isoformat())
        return [RunRecord.from_row(row) for row in rows if "status" in row]

    def sends(self, identity: str, business_date: date, edition: str | None = None) -> list[SentRecord]:
        """Who was told of a date, or refused, in every edition or in one."""
        return sends_of(self._rows, f"{RUN_PREFIX}{identity}", sent_prefix(business_date, edition))

    def _is_free(self, standing: RunRecord, firing: _Firing) -> bool:
        """Whether a firing may take a date from the run that stands."""
        if not firing.day_is_over and not standing.interim:
            return False  # a final run is never replaced by an interim one
        if not standing.status.is_done:
            return not standing.is_alive(clock.now())
        if standing.interim and firing.day_is_over:
            return True
        if firing.resend or (firing.force and standing.edition != FORCED + firing.request_id):
            return standing.request_id != firing.request_id
        return not standing.has_told(firing.audience) and self._lack(standing, firing)

    def _lack(self, standing: RunRecord, firing: _Firing) -> bool:
        """Whether any of a firing's readers has not got the edition that stands; where none lacks it, it is written down."""
        told = set(map(mailbox, told_by(self.sends(standing.identity, standing.business_date, standing.edition))))
        if any(mailbox(reader) not in told for reader in firing.readers):
            return True
        condition, values = _unchanged(standing)
        with contextlib.suppress(ConditionFailed):  # another run has the date by now, and says itself whom it tells
            self._rows.update_if(
                run_key(standing.identity, standing.business_date),
                condition,
                values,
                change={
                    "told": sorted(standing.told.joined(firing.audience)),
                    "owed": sorted(standing.owed.without(firing.audience)),
                },
            )
        return False

    def _held(
        self, identity: str, business_date: date, standing: RunRecord | None, firing: _Firing, run_id: str
    ) -> Held:
        """What a claim on a date would be given."""
        now = clock.now()
        edition = _edition(standing, firing)
        continues = standing is not None and standing.edition == edition
        # Whoever was told while the day was not over has not been told how it ended.
        is_final_at_last = standing is not None and standing.interim and firing.day_is_over
        return Held(
            run_id=run_id,
            fence=Fence(
                identity=identity,
                business_date=business_date,
                attempt=1 if standing is None else standing.attempt + 1,
                claimed_at=now,
                overtakes=standing is not None and standing.status is RunStatus.RUNNING,
            ),
            edition=edition,
            lease_until=now + self._lease,
            audience=firing.audience,
            told=Audience.NOBODY if standing is None or is_final_at_last else standing.told,
            owed=firing.audience.joined(standing.owed) if standing is not None and continues else firing.audience,
            continues=continues,
            tells_rest=standing is not None and continues and standing.status.is_done and not firing.resend,
            after_partial=standing is not None and standing.status is RunStatus.PARTIAL,
            resend=firing.resend and not (standing is not None and standing.is_unfinished),
        )

    def _take(self, held: Held, standing: RunRecord | None, firing: _Firing) -> None:
        """Write the claim down, if the row is still as it was seen. Raises ConditionFailed where it is not."""
        fence = held.fence
        condition, values = _unchanged(standing)
        self._rows.update_if(
            run_key(fence.identity, fence.business_date),
            condition,
            values,
            change={
                "status": RunStatus.RUNNING,
                "reason": "",
                "run_id": held.run_id,
                "edition": held.edition,
                "interim": not firing.day_is_over,
                "request_id": firing.request_id,
                "schedule": firing.schedule,
                "scheduled_time": stamp(firing.scheduled_time),
                "started_at": stamp(fence.claimed_at),
                "lease_until": stamp(held.lease_until),
                "told": sorted(held.told),
                "owed": sorted(held.owed),
                "attempt": fence.attempt,
                "settings_version": firing.settings.version,
                "settings_digest": firing.settings.digest,
                "expires_at": expires_at(clock.now()),
            },
            remove=("finished_at", "artifacts", "notified", "details"),
        )


def _edition(standing: RunRecord | None, firing: _Firing) -> str:
    """The edition of a claim: the one that stands where its work is gone on with, or else a new one.

    A forced edition that no run has brought to an end is gone on with by whatever fires the date again: a schedule, an
    operator, or the same event from the queue, which then has another request. One that is done, or PARTIAL, gives way to
    the next that is forced.
    """
    fresh = f"{FORCED}{firing.request_id}" if firing.force else (FINAL if firing.day_is_over else INTERIM)
    if standing is None or (standing.interim and firing.day_is_over) or not standing.is_forced:
        return fresh
    return fresh if firing.force and not standing.is_unfinished else standing.edition


def _unchanged(standing: RunRecord | None) -> tuple[str, Row]:
    """The condition that a row is as it was seen, and its values."""
    if standing is None:
        return "attribute_not_exists(pk)", {}
    condition, values = "run_id = :seen AND #status = :status", {"seen": standing.run_id, "status": standing.status}
    if standing.lease_until is not None:
        return f"{condition} AND lease_until = :lease", values | {"lease": stamp(standing.lease_until)}
    return condition, values


def _sortable_id(moment: datetime) -> str:
    """A new UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then chance."""
    milliseconds = int(moment.timestamp() * 1000) & (1 << 48) - 1
    chance = random.SystemRandom().getrandbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | chance & (1 << 62) - 1
    return str(uuid.UUID(int=value))
