"""Readers who must not be sent anything any more: addresses that bounced for good, those whose owners complained, channels that are
gone, and those whose readers stopped their messages.

In the state table a reader is the row (`address`, the reader in lower case). One that bounced, complained or is gone is left out of all
mailings until an operator deletes its row; a reader who stopped a list of mails is left out of that list until he takes it up again, even where the
address bounced in between.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from salesflow import clock
from salesflow.links.things import MailList
from salesflow.mail_address import mailbox, masked
from salesflow.rows import ConditionFailed, Row, Rows

_PARTITION = "address"
_LONGEST_REASON = 300
_WHATEVER_IS_THERE = "attribute_exists(pk) OR attribute_not_exists(pk)"


class Mark(StrEnum):
    """Why an address is marked."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REVOKED = "revoked"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class MarkedAddress:
    """An address that is left out: why, since when (aware), what the other side said, and of which lists.

    lists: what its reader stopped, which outlives a bounce; while it is marked as bounced or complained it is left out of everything.
    """

    address: str
    mark: Mark
    since: datetime
    said: str
    lists: Collection[MailList] = ()

    @property
    def is_own_choice(self) -> bool:
        """Whether its reader wants it so."""
        return self.mark is Mark.STOPPED

    def has_stopped(self, mail_list: MailList | None) -> bool:
        """Whether its reader stopped a list of mails; None is what nobody can stop."""
        return mail_list in self.lists

    @property
    def sentence(self) -> str:
        """Why it is left out, for its owner and for operators."""
        if self.is_own_choice:
            lists = " and ".join(sorted(self.lists))
            return f"the reader of {self.address} stopped the mails with {lists} on {self.since:%Y-%m-%d}, by the link in one"
        said = f" ({self.said})" if self.said else ""
        if self.mark is Mark.REVOKED:
            return f"{self.address} takes no message any more since {self.since:%Y-%m-%d}{said}; it is left out until it is set up anew"
        what = "bounced for good" if self.mark is Mark.BOUNCED else "was reported as spam by its reader"
        return f"mail to {self.address} {what} on {self.since:%Y-%m-%d}{said}; it is left out until its mark is deleted"

    @property
    def reason(self) -> str:
        """The same for whoever reads why somebody was not told; it holds no whole address."""
        return masked(self.sentence)


def _marked(row: Row) -> MarkedAddress:
    """The address of a row. One that says nothing else is left out all the same: that it stands there is what counts."""
    lists = tuple(MailList(name) for name in row.get("lists", ()) if name in MailList)
    try:
        mark = Mark(row["mark"])
        since = datetime.fromisoformat(row["since"])
    except (KeyError, ValueError, TypeError):
        said = f"marked as {row.get('mark')}"
        return MarkedAddress(row["sk"], Mark.BOUNCED, datetime.fromtimestamp(0, UTC), said, lists)
    return MarkedAddress(row["sk"], mark, since, str(row.get("said", "")), lists)


class MarkedAddresses:
    """The marked addresses of a shop. Every method raises LedgerUnavailable where DynamoDB does not do its part."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def all(self) -> dict[str, MarkedAddress]:
        """Every marked address, by the address in lower case."""
        rows = self._rows.between(_PARTITION, "!", "\x7f")  # every address in ASCII
        marked = (_marked(row) for row in rows)
        return {one.address: one for one in marked if one.lists or not one.is_own_choice}

    def mark(self, address: str, mark: Mark, *, said: str, message_id: str) -> None:
        """Mark an address, whatever it was marked for before; what its reader stopped stays stopped. said: what its server or reader said.

        It has no TTL: who called our mail spam is not mailed again because a year has passed.
        """
        change: Row = {
            "mark": mark,
            "since": clock.now().isoformat(),
            "said": said[:_LONGEST_REASON],
            "message_id": message_id,
        }
        self._rows.update_if(_key(address), _WHATEVER_IS_THERE, {}, change=change, remove=("expires_at",))

    def clear(self, address: str) -> None:
        """Take a reader's mark away, because what was wrong is mended; what he stopped himself stays stopped."""
        marked = self.all().get(mailbox(address))
        if marked is not None and not marked.is_own_choice:
            now = clock.now()
            change: Row = {"mark": Mark.STOPPED, "since": now.isoformat(), "lists": sorted(marked.lists)}
            if not marked.lists:
                change["expires_at"] = int(now.timestamp())
            self._rows.update_if(_key(address), _WHATEVER_IS_THERE, {}, change=change)

    def choose(self, address: str, stopped: Collection[MailList]) -> None:
        """Let a reader's choice be these lists stopped and the others not, beside another mark where there is one.

        A choice of nothing stopped is a row that expires at once: version 1.0.0 and a reader of all rows find it no more.
        """
        now = clock.now()
        change: Row = {"mark": Mark.STOPPED, "since": now.isoformat(), "lists": sorted(stopped)}
        if not stopped:
            change["expires_at"] = int(now.timestamp())
        remove = ("expires_at",) if stopped else ()
        is_free, values = "attribute_not_exists(pk) OR mark = :stopped", {"stopped": Mark.STOPPED}
        try:
            self._rows.update_if(_key(address), is_free, values, change=change, remove=remove)
        except ConditionFailed:
            self._rows.update_if(_key(address), _WHATEVER_IS_THERE, {}, change={"lists": sorted(stopped)})


def _key(address: str) -> dict[str, str]:
    return {"pk": _PARTITION, "sk": mailbox(address)}
