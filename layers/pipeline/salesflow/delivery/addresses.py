"""Addresses that mail must not be sent to any more: those that bounced for good, and those whose owners complained.

In the state table an address is the row (`address`, the address in lower case). It is left out of all mailings until an
operator deletes its row.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from salesflow import clock
from salesflow.mail_address import mailbox, masked
from salesflow.rows import Row, Rows

_PARTITION = "address"
_LONGEST_REASON = 300


class Mark(StrEnum):
    """Why an address is marked."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True)
class MarkedAddress:
    """An address that is left out: why, since when (aware), and what the other side said."""

    address: str
    mark: Mark
    since: datetime
    said: str

    @property
    def sentence(self) -> str:
        """Why it is left out, for its owner and for operators."""
        said = f" ({self.said})" if self.said else ""
        what = "bounced for good" if self.mark is Mark.BOUNCED else "was reported as spam by its reader"
        return f"mail to {self.address} {what} on {self.since:%Y-%m-%d}{said}; it is left out until its mark is deleted"

    @property
    def reason(self) -> str:
        """The same for whoever reads why somebody was not told; it holds no whole address."""
        return masked(self.sentence)


def _marked(row: Row) -> MarkedAddress:
    """The address of a row. One that says nothing else is left out all the same: that it stands there is what counts."""
    try:
        mark = Mark(row["mark"])
        since = datetime.fromisoformat(row["since"])
    except (KeyError, ValueError, TypeError):
        return MarkedAddress(row["sk"], Mark.BOUNCED, datetime.fromtimestamp(0, UTC), f"marked as {row.get('mark')}")
    return MarkedAddress(row["sk"], mark, since, str(row.get("said", "")))


class MarkedAddresses:
    """The marked addresses of the state table. Every method raises LedgerUnavailable where DynamoDB does not do its part."""

    def __init__(self, client: Any, table: str) -> None:
        self._rows = Rows(client, table)

    def all(self) -> dict[str, MarkedAddress]:
        """Every marked address, by the address in lower case."""
        rows = self._rows.between(_PARTITION, "!", "\x7f")  # every address in ASCII
        return {row["sk"]: _marked(row) for row in rows}

    def mark(self, address: str, mark: Mark, *, said: str, message_id: str) -> None:
        """Mark an address, whatever it was marked for before. said: what its server or reader said.

        It has no TTL: who called our mail spam is not mailed again because a year has passed.
        """
        self._rows.put(
            {
                "pk": _PARTITION,
                "sk": mailbox(address),
                "mark": mark,
                "since": clock.now().isoformat(),
                "said": said[:_LONGEST_REASON],
                "message_id": message_id,
            }
        )
