"""Telling recipients: who they are, and what it means where some of them could not be told.

Imported when there is something to mail: mail has imports that a cold start need not pay for before.
"""

from dataclasses import dataclass
from typing import Any

from salesflow.delivery.channel import send_to_all
from salesflow.delivery.message import Attachment, Message
from salesflow.errors import DeliveryIncomplete
from salesflow.jobs.frame import Run
from salesflow.jobs.recipients import recipients_of
from salesflow.links.things import MailList
from salesflow.mail_address import masked
from salesflow.reports.mail import MailText


class Places:
    """The places for links in a mail's texts, each with what it is for. Every reader gets addresses of his own there.

    A place is named by the run, so that no product's name could pass for one.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self.things: dict[str, str] = {}

    def of(self, thing: str) -> str:
        """A place for the address of a thing."""
        place = f"https://link.invalid/{self._run_id}/{len(self.things)}/"
        self.things[place] = thing
        return place


def mail_of(
    run: Run[Any],
    text: MailText,
    mail_list: MailList,
    attachments: tuple[Attachment, ...] = (),
    places: Places | None = None,
) -> Message:
    """The mail of a run: its words and files, and the headers that tell its language and which run it came from."""
    headers = {
        "Content-Language": text.language.tag,
        "X-SalesFlow-Run-Id": run.claim.run_id,
        "X-SalesFlow-Reference": run.claim.reference,
    }
    links = places.things if places is not None else {}
    return Message(text.subject, text.text, text.html, attachments, headers, mail_list, links, text.gist)


@dataclass(frozen=True, slots=True)
class Mailed:
    """What came of a mailing: who has the mail, who of them got it now, a sentence on each who is refused for good, and how many of
    the recipients have stopped such mails."""

    notified: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    stopped: int = 0

    @property
    def peace(self) -> str:
        """A sentence on those who stopped such mails; "" where nobody did."""
        return f" {self.stopped} of the recipients stopped these mails." if self.stopped else ""


def tell(run: Run[Any], mail: Message) -> Mailed:
    """Mail whoever of the event's recipients has not been told.

    Raises DeliveryIncomplete where some could not be reached for a reason that a retry may cure.
    """
    recipients = recipients_of(run.request.fields, run.runtime.settings)
    if not recipients:
        return Mailed()
    result = send_to_all(run.runtime.channels, run.claim, mail, recipients)
    if result.unreached:
        raise DeliveryIncomplete(
            f"{len(result.unreached)} of {len(recipients)} recipients could not be told: "
            + "; ".join(f"{masked(address)}: {why.removesuffix('.')}" for address, why in result.unreached.items())
            + ".",
            action="Lambda runs the job again and mails only them; nobody is told twice.",
        )
    problems = (f"{masked(address)} was refused: {why.removesuffix('.')}." for address, why in result.refused.items())
    return Mailed(result.notified, result.told_now, tuple(problems), len(result.stopped))
