"""Claiming a business date: one conditional write decides who does the work."""

import random
import uuid
from datetime import date, datetime, timedelta
from typing import Any

from salesflow import clock
from salesflow.ledger.claims import Claim, Lease
from salesflow.ledger.records import FORCED, RUN_PREFIX, RunRecord, RunStatus, SentRecord, run_key, sent_prefix, stamp
from salesflow.rows import ConditionFailed, Row, Rows
from salesflow.stored import reading

_DONE = " OR ".join(f"#status = :{status.lower()}" for status in RunStatus if status.is_done)


class Ledger:
    """The runs of all jobs, in the state table.

    A claim holds a date for `lease_seconds` and renews itself while its run lives: short enough that Lambda's retry, a
    minute after a run was killed, finds the date free, and yet as long as any live run needs. Rows leave the table by
    its TTL `retention_days` after they were last written.
    """

    def __init__(self, client: Any, table: str, *, lease_seconds: float = 45, retention_days: int = 400) -> None:
        self._rows = Rows(client, table)
        self._lease = Lease(timedelta(seconds=lease_seconds), timedelta(days=retention_days))

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
    ) -> Claim | RunRecord:
        """Claim a date, or learn who has it: the run that is alive on it, or the one that finished it.

        The claim succeeds where there is no run yet, where the last one FAILED or was PARTIAL (it is resumed: whoever
        was told is not told again), where its lease is over, and where only an interim run, made before the day was
        over, stands against a final one. `force` claims a finished date as well, but neither a live one nor one that
        this very request (`request_id`: Lambda's retries keep it) has finished; its mails are an edition of their own.
        `resend` takes a finished date up again in the edition that it has: whoever was told, forced runs included, is not
        told again. A final run is never replaced by an interim one. Raises LedgerUnavailable.
        """
        started_at = clock.now()
        run_id = _sortable_id(started_at)
        edition = f"{FORCED}{request_id}" if force else ("final" if day_is_over else "interim")
        lease_until = started_at + self._lease.length
        condition, values = _claimable(request_id, again=force or resend, day_is_over=day_is_over)
        key = run_key(identity, business_date)
        try:
            before = self._rows.update_if(
                key,
                condition,
                values | {"now": stamp(started_at)},
                change={
                    "status": RunStatus.RUNNING,
                    "reason": "",
                    "run_id": run_id,
                    "edition": edition,
                    "interim": not day_is_over,
                    "request_id": request_id,
                    "schedule": schedule,
                    "scheduled_time": stamp(scheduled_time),
                    "started_at": stamp(started_at),
                    "lease_until": stamp(lease_until),
                    "expires_at": self._lease.expires_at(started_at),
                },
                remove=("finished_at", "artifacts", "notified", "details"),
                count_up="attempt",
            )
            attempt = int(before["attempt"]) + 1 if before else 1
        except ConditionFailed as refused:
            if refused.row is None:
                raise  # the condition holds where there is no row
            if refused.row["run_id"] != run_id:
                with reading(refused.row):
                    return RunRecord.from_row(refused.row)
            # The first write took effect though its answer was lost, and the SDK repeated it: the claim is ours.
            attempt = int(refused.row["attempt"])
        return Claim(
            self._rows,
            self._lease,
            identity=identity,
            business_date=business_date,
            run_id=run_id,
            attempt=attempt,
            edition=edition,
            lease_until=lease_until,
            resend=resend,
        )

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

    def sends(self, identity: str, business_date: date) -> list[SentRecord]:
        """Who was told of a date, or refused, in every edition."""
        rows = self._rows.beginning_with(f"{RUN_PREFIX}{identity}", sent_prefix(business_date))
        return [SentRecord.from_row(row) for row in rows]


def _claimable(request_id: str, *, again: bool, day_is_over: bool) -> tuple[str, Row]:
    """The condition on the row that a claim may take, and its values (without `now`); `again`: one that is done, too."""
    values: Row = {status.lower(): status for status in (RunStatus.RUNNING, RunStatus.FAILED, RunStatus.PARTIAL)}
    ways = ["#status = :failed", "#status = :partial", "(#status = :running AND lease_until <= :now)"]
    if again:
        ways.append(f"(({_DONE}) AND request_id <> :request)")
        values["request"] = request_id
    if day_is_over:
        ways.append(f"(({_DONE}) AND interim = :true)")
    if again or day_is_over:
        values |= {status.lower(): status for status in RunStatus if status.is_done}
    condition = f"({' OR '.join(ways)})"
    if not day_is_over:
        condition = f"(interim = :true AND {condition})"
    if ":true" in condition:
        values["true"] = True
    return f"attribute_not_exists(pk) OR {condition}", values


def _sortable_id(moment: datetime) -> str:
    """A new UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then chance."""
    milliseconds = int(moment.timestamp() * 1000) & (1 << 48) - 1
    chance = random.SystemRandom().getrandbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | chance & (1 << 62) - 1
    return str(uuid.UUID(int=value))
