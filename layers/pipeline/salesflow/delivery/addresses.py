"""Readers who must not be sent anything any more: addresses that bounced for good, those whose owners complained, channels that are
gone, and those whose readers stopped their messages.

In the state table a reader is the row (`address`, the reader in lower case). One that bounced, complained or is gone is left out of all
mailings until an operator deletes its row; a reader who stopped a list of mails is left out of that list until he takes it up again, even where the
address bounced in between.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from salesflow import clock
from salesflow.errors import SalesFlowError
from salesflow.links.things import MailList
from salesflow.mail_address import mailbox, masked
from salesflow.readers import WHATSAPP, kind_of
from salesflow.rows import ConditionFailed, Row, Rows

_PARTITION = "address"
_LONGEST_REASON = 300
_WHATEVER_IS_THERE = "attribute_exists(pk) OR attribute_not_exists(pk)"
_TRIES = 5

type _Amended = Callable[[frozenset[MailList]], frozenset[MailList]]


class AddressBusy(SalesFlowError):
    """Others kept changing what is known of one reader."""


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
    def cure(self) -> str:
        """The command that ends the mark of a channel that is set up anew, or of a number that has WhatsApp again."""
        command = "recipients add" if kind_of(self.address) == WHATSAPP else "channels set"
        return f"salesflow-ops {command} {self.address}"

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

    def of(self, address: str) -> MarkedAddress | None:
        """What is known of one reader; None where he gets everything. One call."""
        row = self._row(address)
        return None if row is None else _marked(row)

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
        self._amend(address, lambda lists: lists, mended=True)

    def stop(self, address: str, mail_list: MailList) -> None:
        """Leave a reader out of a list that he wants no more, beside another mark where there is one. Raises AddressBusy."""
        self._amend(address, lambda lists: lists | {mail_list})

    def take_up(self, address: str, mail_list: MailList) -> None:
        """Let a reader get a list again that he stopped. Raises AddressBusy."""
        self._amend(address, lambda lists: lists - {mail_list})

    def _amend(self, address: str, amended: _Amended, *, mended: bool = False) -> None:
        """Amend which lists are stopped over nothing that somebody else says at the same moment. mended: another mark goes away as well.

        A reader with nothing stopped is a row that expires at once: version 1.0.0 and a reader of all rows find it no more.
        """
        row = self._row(address)
        for _ in range(_TRIES):
            marked = None if row is None else _marked(row)
            lists = frozenset(() if marked is None else marked.lists)
            wanted, is_own = amended(lists), marked is None or marked.is_own_choice
            if wanted == lists and (is_own or not mended):
                return  # as it is, or as a write of our own left it whose answer was lost
            change: Row = {"lists": sorted(wanted)}
            if is_own or mended:
                now = clock.now()
                change |= {"mark": Mark.STOPPED, "since": now.isoformat()}
                change |= {} if wanted else {"expires_at": int(now.timestamp())}
            remove = ("expires_at",) if wanted else ()
            try:
                self._rows.update_if(_key(address), *_as_seen(row), change=change, remove=remove)
            except ConditionFailed as failed:
                row = failed.row
            else:
                return
        raise AddressBusy(
            f"What is known of {masked(address)} was changed by others {_TRIES} times while it was to be changed here.",
            action="Try again.",
        )

    def _row(self, address: str) -> Row | None:
        """By a query, which is all that the links function may do here beside changing."""
        name = mailbox(address)
        return next(iter(self._rows.between(_PARTITION, name, name)), None)


def _as_seen(row: Row | None) -> tuple[str, Row]:
    """The condition, with its values, that a row still says what was read."""
    if row is None:
        return "attribute_not_exists(pk)", {}
    said: Row = {name: row[name] for name in ("mark", "lists") if name in row}
    parts = [f"{name} = :{name}" if name in said else f"attribute_not_exists({name})" for name in ("mark", "lists")]
    return " AND ".join(("attribute_exists(pk)", *parts)), said


def _key(address: str) -> dict[str, str]:
    return {"pk": _PARTITION, "sk": mailbox(address)}
