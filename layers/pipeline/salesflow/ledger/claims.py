"""A claim on a business date: its lease, its heartbeat, the recipients' records, and the outcome."""

import hashlib
import json
import logging
from base64 import b32encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

from salesflow import clock
from salesflow.errors import ClaimLost, OutOfTime, SalesFlowError
from salesflow.ledger.records import (
    FORCED,
    Artifact,
    RunStatus,
    SendOutcome,
    SentRecord,
    run_key,
    sent_prefix,
    stamp,
)
from salesflow.rows import ConditionFailed, LedgerUnavailable, Row, Rows

_log = logging.getLogger(__name__)

MAX_REASON_CHARACTERS = 1_000
MAX_DETAILS_BYTES = 100_000
"""A row holds 400 KB at most; a run's outcome must never fail to be written for the size of its details."""


@dataclass(frozen=True, slots=True)
class Lease:
    """How long a claim holds without being renewed, and how long rows are kept."""

    length: timedelta
    retention: timedelta

    def expires_at(self, moment: datetime) -> int:
        """The TTL of a row written at `moment`, in Unix seconds."""
        return int((moment + self.retention).timestamp())


class Claim:
    """One run's hold on a business date, as a context manager.

    Inside the `with` block a daemon thread renews the lease every third of its length. Leaving the block stops it. An
    Exception that leaves the block before `finish` is recorded as FAILED with its reason, which frees the date for a
    retry. Anything that is not an Exception is a kill: nothing is recorded, and the lease runs out by itself.

    `edition` names what a recipient is told only once of ("final", "interim" or "force-{request id}"); `reference` is
    short and the same for every retry of an edition, so that a mail that had to be repeated can be recognised. `deadline`
    (aware, None for none) is when the run has to stop by itself, so that its failure can still be recorded.
    """

    def __init__(
        self,
        rows: Rows,
        lease: Lease,
        *,
        identity: str,
        business_date: date,
        run_id: str,
        attempt: int,
        edition: str,
        lease_until: datetime,
        resend: bool = False,
    ) -> None:
        self.identity = identity
        self.business_date = business_date
        self.run_id = run_id
        self.attempt = attempt
        self.edition = edition
        self.reference = reference_of(identity, business_date, edition)
        self.deadline: datetime | None = None
        self._counts_forced = resend
        self._rows = rows
        self._lease = lease
        self._key = run_key(identity, business_date)
        self._lease_until = lease_until
        self._renewing = Lock()
        self._taken = False
        self._finished = False
        self._ending = Event()
        self._heartbeat = Thread(target=self._keep_alive, name=f"lease-{run_id}", daemon=True)

    def __enter__(self) -> Self:
        self._heartbeat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.set()
        try:
            if isinstance(error, Exception) and not self._finished:
                self._record_failure(error)
        finally:
            self._heartbeat.join()

    def ensure_held(self) -> None:
        """Make sure, before each stage, that the date is still this run's and that the stage may begin.

        Raises OutOfTime once the deadline has come, ClaimLost if another run may have taken the date. Costs a call only
        when the lease is near its end or over: then it is renewed on the spot. While it stands, a DynamoDB that does not
        answer is no reason to stop.
        """
        if self.deadline is not None and clock.now() >= self.deadline:
            raise OutOfTime(
                f"Run {self.run_id} stopped itself before its next stage: the function's time is nearly over.",
                action="Lambda runs the job again and only what is still lacking is done. If it keeps happening, give the "
                "function more time or memory.",
            )
        if self._lease_until - clock.now() < self._lease.length / 3:
            try:
                self._renew()
            except LedgerUnavailable:
                if clock.now() >= self._lease_until:
                    raise self._lost("its lease ended and could not be renewed") from None
        if self._taken:
            raise self._lost("another run took the date over")

    def told(self) -> dict[str, SentRecord]:
        """Who has been told in this edition already, by this run or one before it; for a resend, in a forced edition too."""
        prefixes = [sent_prefix(self.business_date, self.edition)]
        if self._counts_forced:
            prefixes.append(f"{sent_prefix(self.business_date)}{FORCED}")
        rows = [row for prefix in prefixes for row in self._rows.beginning_with(self._key["pk"], prefix)]
        records = (SentRecord.from_row(row) for row in rows)
        return {record.recipient: record for record in records if record.outcome is SendOutcome.SENT}

    def record_sent(self, recipient: str, *, message_id: str) -> None:
        """Record that SES accepted this recipient's mail. Needs no claim: it is the truth, whoever has the date now."""
        self._rows.put(self._send_row(recipient, SendOutcome.SENT) | {"message_id": message_id})

    def record_refused(self, recipient: str, *, reason: str) -> None:
        """Record that this recipient cannot be mailed, and why. Never hides that a mail was sent."""
        row = self._send_row(recipient, SendOutcome.REFUSED) | {"reason": _storable(reason)}
        try:
            self._rows.put_if(row, "attribute_not_exists(pk) OR outcome <> :sent", {"sent": SendOutcome.SENT})
        except ConditionFailed:
            _log.info("%s was told before by run %s", recipient, self.run_id)

    def finish(
        self,
        status: RunStatus,
        *,
        reason: str,
        artifacts: Iterable[Artifact] = (),
        notified: Iterable[str] = (),
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the outcome down and give the date up. Raises ClaimLost if another run has the date by now."""
        if status is RunStatus.RUNNING:
            raise ValueError("A run does not end as RUNNING.")
        self._ending.set()
        finished_at = clock.now()
        try:
            self._rows.update_if(
                self._key,
                "run_id = :mine AND #status = :running",
                {"mine": self.run_id, "running": RunStatus.RUNNING},
                change={
                    "status": status,
                    "reason": _storable(reason),
                    "finished_at": stamp(finished_at),
                    "artifacts": [artifact.as_dict() for artifact in artifacts],
                    "notified": list(notified),
                    "details": _as_json(details or {}),
                    "expires_at": self._lease.expires_at(finished_at),
                },
                remove=("lease_until",),
            )
        except ConditionFailed as failed:
            if not self._wrote(failed.row, finished_at):
                self._taken = True
                raise self._lost("another run took the date over") from None
        self._finished = True

    def _wrote(self, row: Row | None, finished_at: datetime) -> bool:
        """Whether the row is this run's own outcome: a write took effect, its answer was lost, the SDK repeated it."""
        return row is not None and row["run_id"] == self.run_id and row.get("finished_at") == stamp(finished_at)

    def _record_failure(self, error: Exception) -> None:
        reason = error.message if isinstance(error, SalesFlowError) else f"{type(error).__name__}: {error}"
        try:
            self.finish(RunStatus.FAILED, reason=reason)
        except SalesFlowError as unrecorded:
            # The run's own error matters more than that it could not be written down; the lease runs out by itself.
            error.add_note(f"This failure could not be recorded: {unrecorded.message}")

    def _keep_alive(self) -> None:
        while not self._ending.wait(self._lease.length.total_seconds() / 3):
            try:
                self._renew()
            except LedgerUnavailable as error:
                _log.warning("run %s could not renew its lease: %s", self.run_id, error.message)
            if self._taken:
                return

    def _renew(self) -> None:
        with self._renewing:
            now = clock.now()
            try:
                self._rows.update_if(
                    self._key,
                    "run_id = :mine AND #status = :running",
                    {"mine": self.run_id, "running": RunStatus.RUNNING},
                    change={"lease_until": stamp(now + self._lease.length)},
                )
            except ConditionFailed:
                self._taken = not self._ending.is_set()  # after `finish` there is no lease to renew
            else:
                self._lease_until = now + self._lease.length

    def _lost(self, how: str) -> ClaimLost:
        return ClaimLost(
            f"Run {self.run_id} lost its claim on {self.identity} for {self.business_date}: {how}.",
            action="Nothing needs doing if the other run finishes; the ledger shows it.",
        )

    def _send_row(self, recipient: str, outcome: SendOutcome) -> Row:
        now = clock.now()
        return {
            "pk": self._key["pk"],
            "sk": sent_prefix(self.business_date, self.edition) + recipient,
            "recipient": recipient,
            "edition": self.edition,
            "outcome": outcome,
            "run_id": self.run_id,
            "recorded_at": stamp(now),
            "expires_at": self._lease.expires_at(now),
        }


def reference_of(identity: str, business_date: date, edition: str) -> str:
    """What the mails of an edition carry in their subject: short, and the same on every retry."""
    digest = hashlib.sha256(f"{identity}|{business_date.isoformat()}|{edition}".encode()).digest()
    return "SF-" + b32encode(digest)[:8].decode()


def _storable(text: str) -> str:
    """The text cut to what a reason may hold, without lone surrogates, which DynamoDB refuses."""
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= MAX_REASON_CHARACTERS else clean[: MAX_REASON_CHARACTERS - 1] + "…"


def _as_json(details: Mapping[str, Any]) -> str:
    text = json.dumps(details, default=str, sort_keys=True)
    if len(text) > MAX_DETAILS_BYTES:
        return json.dumps({"omitted": f"{len(text):,} bytes of details are more than a row can hold"})
    return text
