"""The run ledger: who works on which business date, how it ended, what was made, and who was told."""

from salesflow.ledger.claims import Claim
from salesflow.ledger.ledger import Ledger
from salesflow.ledger.records import Artifact, RunRecord, RunStatus, SendOutcome, SentRecord
from salesflow.rows import LedgerUnavailable

__all__ = ["Artifact", "Claim", "Ledger", "LedgerUnavailable", "RunRecord", "RunStatus", "SendOutcome", "SentRecord"]
