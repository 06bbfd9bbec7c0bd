"""The send log: the only record of who was told what, for reports, alerts and notices alike.

A row for each recipient of an edition: partition key of the work (`run#{identity}`, `watch`), sort key the edition's prefix
and the recipient. Of what SES accepted and what it refused, the acceptance stands: a refusal never hides that a mail was sent.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from salesflow import clock
from salesflow.ledger.runs import stamp
from salesflow.rows import ConditionFailed, Row, Rows, expires_at

_log = logging.getLogger(__name__)

MAX_REASON_CHARACTERS = 1_000


class SendOutcome(StrEnum):
    """What became of one recipient's mail."""

    SENT = "SENT"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class SentRecord:
    """One recipient's mail in one edition: accepted by SES under `message_id`, or refused for `reason`."""

    recipient: str
    edition: str
    outcome: SendOutcome
    message_id: str
    reason: str
    recorded_at: datetime
    run_id: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record that a row (decoded) holds."""
        return cls(
            recipient=row["recipient"],
            edition=row["edition"],
            outcome=_outcome(row),
            message_id=row.get("message_id", ""),
            reason=row.get("reason", ""),
            recorded_at=datetime.fromisoformat(row["recorded_at"]),
            run_id=row["run_id"],
        )


def _outcome(row: Mapping[str, Any]) -> SendOutcome:
    """What a row says; of a later release's word, that SES accepted a mail (it has an id) is what counts."""
    if row["outcome"] in SendOutcome:
        return SendOutcome(row["outcome"])
    return SendOutcome.SENT if row.get("message_id") else SendOutcome.REFUSED


def sends_of(rows: Rows, pk: str, prefix: str) -> list[SentRecord]:
    """Every record below a prefix, in order of edition and recipient."""
    return [SentRecord.from_row(row) for row in rows.beginning_with(pk, prefix)]


def told_by(records: Iterable[SentRecord]) -> dict[str, SentRecord]:
    """Of these records those of the mails that SES accepted, by recipient."""
    return {record.recipient: record for record in records if record.outcome is SendOutcome.SENT}


def sent_prefix(business_date: date, edition: str | None = None) -> str:
    """What the sort keys of a date's records begin with: of one edition, or of all."""
    prefix = f"{business_date.isoformat()}#sent#"
    return prefix if edition is None else f"{prefix}{edition}#"


class SendLog:
    """Who was told of one edition: of a report, an alert mail or a notice. `run_id` is the run that writes."""

    def __init__(self, rows: Rows, *, pk: str, prefix: str, edition: str, run_id: str) -> None:
        self._rows = rows
        self._pk = pk
        self._prefix = prefix
        self._edition = edition
        self._run_id = run_id

    def told(self) -> dict[str, SentRecord]:
        """Who has been told already, by this run or one before it."""
        return told_by(sends_of(self._rows, self._pk, self._prefix))

    def record_sent(self, recipient: str, *, message_id: str) -> None:
        """Record that SES accepted this recipient's mail. Needs no claim: it is the truth, whoever has the date now."""
        self._rows.put(self._row(recipient, SendOutcome.SENT) | {"message_id": message_id})

    def record_refused(self, recipient: str, *, reason: str) -> None:
        """Record that this recipient cannot be mailed, and why. Never hides that a mail was sent."""
        row = self._row(recipient, SendOutcome.REFUSED) | {"reason": cut(reason)}
        try:
            self._rows.put_if(row, "attribute_not_exists(pk) OR outcome <> :sent", {"sent": SendOutcome.SENT})
        except ConditionFailed:
            _log.info("a recipient was told before run %s was refused", self._run_id)

    def _row(self, recipient: str, outcome: SendOutcome) -> Row:
        now = clock.now()
        return {
            "pk": self._pk,
            "sk": self._prefix + recipient,
            "recipient": recipient,
            "edition": self._edition,
            "outcome": outcome,
            "run_id": self._run_id,
            "recorded_at": stamp(now),
            "expires_at": expires_at(now),
        }


def cut(text: str) -> str:
    """The text cut to what a reason may hold."""
    return text if len(text) <= MAX_REASON_CHARACTERS else text[: MAX_REASON_CHARACTERS - 1] + "…"
