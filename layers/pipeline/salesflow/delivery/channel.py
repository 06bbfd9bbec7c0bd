"""The seam of telling: what a way to readers does (`Channel`), and telling each reader once by whichever way is his (`send_to_all`).

Every channel is under the same claim and the same send log. What a channel answers is one of three: accepted, refused, later.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import Protocol

from salesflow import clock
from salesflow.delivery.addresses import Mark, MarkedAddress
from salesflow.delivery.message import MAX_SUBJECT_CHARACTERS, REFERENCE_HEADER, RUN_ID_HEADER, Message, one_line
from salesflow.ledger import SentRecord
from salesflow.mail_address import mailbox
from salesflow.readers import kind_of


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side has the message, under this id."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side will not take it for this reader, and repeating does not help. gone: the place where the reader reads is no more,
    so that nothing is sent there until somebody sets it up anew."""

    why: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """It may pass; the other side may or may not have the message. for_all: it stands in the way of all readers of the channel."""

    why: str
    for_all: bool = False


type Outcome = Accepted | Refused | Later


class Channel(Protocol):
    """A way to readers."""

    def begin(self, mail: Message) -> None:
        """Before the first reader of a message: begin with fresh connections. Raises where nobody could get it, so that nobody does."""

    def send(self, mail: Message, reader: str) -> Outcome:
        """Send to one reader. The same message to the same reader carries the same id each time."""


class Marks(Protocol):
    """Who is left out (`delivery.addresses.MarkedAddresses`)."""

    def all(self) -> Mapping[str, MarkedAddress]:
        """Every marked reader, in lower case."""

    def mark(self, address: str, mark: Mark, *, said: str, message_id: str) -> None:
        """Mark one."""


@dataclass(frozen=True, slots=True)
class Channels:
    """All ways to readers. of: the channel of a kind (`salesflow.readers.kind_of`), made when the first reader needs it."""

    of: Callable[[str], Channel]
    marks: Marks


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """Who has been told (now or by an earlier attempt) and who of them now, who is refused and why, who is still to be told, and who
    does not want to be."""

    notified: tuple[str, ...]
    told_now: tuple[str, ...]
    refused: dict[str, str]
    unreached: dict[str, str]
    stopped: tuple[str, ...]


class SendRecorder(Protocol):
    """What `send_to_all` needs of a claim."""

    run_id: str
    reference: str

    def ensure_held(self) -> None:
        """Raise ClaimLost if the date is no longer this run's."""

    def told(self) -> dict[str, SentRecord]:
        """Who was told already."""

    def record_sent(self, recipient: str, *, message_id: str) -> None:
        """Record an accepted message."""

    def record_refused(self, recipient: str, *, reason: str) -> None:
        """Record a refused recipient."""


def send_to_all(channels: Channels, claim: SendRecorder, mail: Message, recipients: Iterable[str]) -> DeliveryResult:
    """Tell every recipient who has not been told in the claim's edition, one message each.

    The claim is checked before each send, and recording it is the very next call after the channel accepts. One recipient's
    refusal or time-out does not stop the others; what concerns a whole channel does, and leaves the rest of its readers
    unreached. A marked reader is refused here, with the reason of the mark, and one whose place is gone is marked; whoever
    stopped the message's list is left in peace, which is no trouble of anybody's. The message gets the claim's reference in
    its subject and headers.

    Raises MailTooLarge before anything is sent, ClaimLost, and LedgerUnavailable (an accepted message could not be
    recorded: the run must stop here, so that at most this one is repeated).
    """
    wanted = tuple(dict.fromkeys(recipients))
    mail = _with_reference(mail, claim)
    told = set(map(mailbox, claim.told()))
    told_now: list[str] = []
    refused: dict[str, str] = {}
    unreached: dict[str, str] = {}
    stopped: list[str] = []
    closed: dict[str, str] = {}
    waiting = [recipient for recipient in wanted if mailbox(recipient) not in told]
    marked = channels.marks.all() if waiting else {}
    ways = {kind: channels.of(kind) for kind in dict.fromkeys(map(kind_of, waiting))}
    for way in ways.values():
        way.begin(mail)
    for recipient in waiting:
        mark, kind = marked.get(mailbox(recipient)), kind_of(recipient)
        if mark is not None and mark.has_stopped(mail.mail_list):
            stopped.append(recipient)
            continue
        if mark is not None and not mark.is_own_choice:
            refused[recipient] = mark.reason
            claim.record_refused(recipient, reason=refused[recipient])
            continue
        if kind in closed:
            unreached[recipient] = closed[kind]
            continue
        claim.ensure_held()
        match ways[kind].send(mail, recipient):
            case Accepted(message_id):
                claim.record_sent(recipient, message_id=message_id)
                told_now.append(recipient)
            case Refused(why, gone):
                claim.record_refused(recipient, reason=why)
                refused[recipient] = why
                if gone:
                    channels.marks.mark(recipient, Mark.REVOKED, said=why, message_id="")
            case Later(why, for_all):
                unreached[recipient] = why
                if for_all:
                    closed[kind] = why
    notified = tuple(recipient for recipient in wanted if mailbox(recipient) in told or recipient in told_now)
    return DeliveryResult(notified, tuple(told_now), refused, unreached, tuple(stopped))


def _with_reference(mail: Message, claim: SendRecorder) -> Message:
    subject = one_line(mail.subject, MAX_SUBJECT_CHARACTERS)
    if claim.reference not in subject:
        ending = f" [{claim.reference}]"
        subject = one_line(mail.subject, MAX_SUBJECT_CHARACTERS - len(ending)) + ending
    headers = {
        "Date": format_datetime(clock.now()),
        **mail.headers,
        RUN_ID_HEADER: claim.run_id,
        REFERENCE_HEADER: claim.reference,
    }
    return replace(mail, subject=subject, headers=headers)
