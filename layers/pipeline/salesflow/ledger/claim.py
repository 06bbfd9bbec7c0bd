"""A claim on a business date: its lease, its heartbeat, the recipients' records, and the outcome."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

from salesflow import clock
from salesflow.errors import ClaimLost, OutOfTime, SalesFlowError
from salesflow.job_events import Audience
from salesflow.ledger.editions import Edition, read_edition, write_edition
from salesflow.ledger.runs import INTERIM, Artifact, RunStatus, reference_of, run_key, stamp
from salesflow.ledger.send_log import SendLog, SentRecord, cut, sends_of, sent_prefix, told_by
from salesflow.rows import ConditionFailed, LedgerUnavailable, Row, Rows, expires_at

_log = logging.getLogger(__name__)

MAX_DETAILS_BYTES = 100_000
"""A row holds 400 KB at most; a run's outcome must never fail to be written for the size of its details."""

_SURE = 2 / 3
"""The part of a lease that has to be left for a run to go on without asking. The rest, 30 seconds of 45, is for clocks that
differ: who takes a date over goes by another machine's."""


@dataclass(frozen=True, slots=True)
class Fence:
    """What a run's objects carry, so that a late run overwrites nothing of the run that overtook it.

    attempt: grows with every claim of an identity's date, so of two runs of one identity the higher is the later one,
    whatever their clocks say. claimed_at (aware) orders runs of several identities that write the same key. overtakes:
    whether the claim was taken from a run that may still be alive somewhere.
    """

    identity: str
    business_date: date
    attempt: int
    claimed_at: datetime
    overtakes: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What a claim was given: which run this is, and what it goes on with.

    audience: whom its firing is to tell. told, owed: see `RunRecord`, as the runs before it left them. continues: whether
    they were at work on the same edition; tells_rest: whether that was done, and only told fewer than this firing is to
    tell; after_partial: whether the last of them ended as PARTIAL. resend: whether whoever
    was told in another edition of the day counts as told.
    """

    run_id: str
    fence: Fence
    edition: str
    lease_until: datetime
    audience: Audience
    told: Audience
    owed: Audience
    continues: bool
    tells_rest: bool
    after_partial: bool
    resend: bool


class Claim:
    """One run's hold on a business date, as a context manager.

    Inside the `with` block a daemon thread renews the lease every third of its length. Leaving the block stops it. An
    Exception that leaves the block before `finish` is recorded as FAILED with its reason, which frees the date for a
    retry. Anything that is not an Exception is a kill: nothing is recorded, and the lease runs out by itself.

    `edition` names what a recipient is told only once of ("final", "interim" or "force-{request id}"); `reference` is
    short and the same for every retry of an edition, so that a mail that had to be repeated can be recognised. `deadline`
    (aware, None for none) is when the run has to stop by itself, so that its failure can still be recorded.
    """

    def __init__(self, rows: Rows, lease: timedelta, held: Held) -> None:
        self.held = held
        self.identity = held.fence.identity
        self.business_date = held.fence.business_date
        self.run_id = held.run_id
        self.attempt = held.fence.attempt
        self.edition = held.edition
        self.reference = reference_of(self.identity, self.business_date, self.edition, rows.shop)
        self.deadline: datetime | None = None
        self._rows = rows
        self._lease = lease
        self._key = run_key(self.identity, self.business_date)
        self._log = SendLog(
            rows,
            pk=self._key["pk"],
            prefix=sent_prefix(self.business_date, self.edition),
            edition=self.edition,
            run_id=self.run_id,
        )
        self._lease_until = held.lease_until
        self._renewing = Lock()
        self._taken = False
        self._finished = False
        self._ending = Event()
        self._heartbeat = Thread(target=self._keep_alive, name=f"lease-{self.run_id}", daemon=True)

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
        if self._lease_until - clock.now() < self._lease * _SURE:
            try:
                self._renew()
            except LedgerUnavailable:
                if clock.now() >= self._lease_until:
                    raise self._lost("its lease ended and could not be renewed") from None
        if self._taken:
            raise self._lost("another run took the date over")

    def told(self) -> dict[str, SentRecord]:
        """Who has been told in this edition already, by this run or one before it; for a resend, in any edition of the day."""
        if not self.held.resend:
            return self._log.told()
        sends = sends_of(self._rows, self._key["pk"], sent_prefix(self.business_date))
        return told_by(sent for sent in sends if sent.edition == self.edition or sent.edition != INTERIM)

    def record_sent(self, recipient: str, *, message_id: str) -> None:
        """Record that SES accepted this recipient's mail."""
        self._log.record_sent(recipient, message_id=message_id)

    def record_refused(self, recipient: str, *, reason: str) -> None:
        """Record that this recipient cannot be mailed, and why."""
        self._log.record_refused(recipient, reason=reason)

    def saved_edition(self, readers: Iterable[str]) -> Edition | None:
        """What was saved for this edition and is to be mailed as it is; None where it is to be made.

        It is made anew where the last run ended as PARTIAL, which asks for better figures, unless a part of the readers has
        got the edition and a part has not.
        """
        if not self.held.continues:
            return None
        if self.held.after_partial:
            told = self.told()
            if not told or all(reader in told for reader in readers):
                return None
        return read_edition(self._rows, self.identity, self.business_date, self.edition)

    def save_edition(self, edition: Edition) -> None:
        """Keep what this edition is made of, before its first mail. What somebody has got of it stays what it is made of."""
        if not (self.held.after_partial and self.told()):
            write_edition(self._rows, self.identity, self.business_date, self.edition, edition, attempt=self.attempt)

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
        told, owed = self.held.told, self.held.owed
        if status.is_done:  # who is refused in a run that is PARTIAL is still to be told
            told, owed = told.joined(self.held.audience), owed.without(self.held.audience)
        self._ending.set()
        finished_at = clock.now()
        try:
            self._update(
                {
                    "status": status,
                    "reason": cut(reason),
                    "finished_at": stamp(finished_at),
                    "artifacts": [artifact.as_dict() for artifact in artifacts],
                    "notified": list(notified),
                    "details": _as_json(details or {}),
                    "told": sorted(told),
                    "owed": sorted(owed),
                    "expires_at": expires_at(finished_at),
                },
                remove=("lease_until",),
            )
        except ConditionFailed as failed:
            if not self._wrote(failed.row, finished_at):
                self._taken = True
                raise self._lost("another run took the date over") from None
        self._finished = True

    def _update(self, change: dict[str, Any], remove: tuple[str, ...] = ()) -> None:
        """Change the row of this run. Raises ConditionFailed where it is another's, or has ended."""
        mine = {"mine": self.run_id, "running": RunStatus.RUNNING}
        self._rows.update_if(self._key, "run_id = :mine AND #status = :running", mine, change=change, remove=remove)

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
        while not self._ending.wait(self._lease.total_seconds() / 3):
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
                self._update({"lease_until": stamp(now + self._lease)})
            except ConditionFailed:
                self._taken = not self._ending.is_set()  # after `finish` there is no lease to renew
            else:
                self._lease_until = now + self._lease

    def _lost(self, how: str) -> ClaimLost:
        return ClaimLost(
            f"Run {self.run_id} lost its claim on {self.identity} for {self.business_date}: {how}.",
            action="Nothing needs doing if the other run finishes; the ledger shows it.",
        )


def _as_json(details: Mapping[str, Any]) -> str:
    text = json.dumps(details, default=str, sort_keys=True)
    if len(text) > MAX_DETAILS_BYTES:
        return json.dumps({"omitted": f"{len(text):,} bytes of details are more than a row can hold"})
    return text
