"""The run ledger: who works on which business date, how it ended, what was made, and who was told."""

from salesflow.ledger.claim import Claim, Fence
from salesflow.ledger.editions import Edition, SavedFile
from salesflow.ledger.ledger import Ledger
from salesflow.ledger.runs import Artifact, RunRecord, RunStatus, SettingsUsed
from salesflow.ledger.send_log import SendOutcome, SentRecord
from salesflow.rows import LedgerUnavailable

__all__ = [
    "Artifact",
    "Claim",
    "Edition",
    "Fence",
    "Ledger",
    "LedgerUnavailable",
    "RunRecord",
    "RunStatus",
    "SavedFile",
    "SendOutcome",
    "SentRecord",
    "SettingsUsed",
]
