"""Mail: one message per recipient through SES v2, built the same way every time, each recipient's send recorded.

What is repeated, and what is not. SES has no idempotency token. A SendEmail is therefore repeated here only where SES
has certainly not accepted it: no connection came about, it was throttled, or SES itself answered that it failed (500)
or is unavailable (503). A read time-out, a connection lost after the request went out, and a gateway's 502 or 504
leave open whether the mail is on its way; such a recipient is `unreached`, and the job's next attempt, not this one,
mails again under the same reference. That uncertainty is the gap between "accepted" and "recorded" and nothing else.
"""

import logging
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from email.headerregistry import Address
from email.utils import format_datetime
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's

from salesflow import clock
from salesflow.delivery.addresses import MarkedAddress
from salesflow.delivery.message import (
    MAX_ENCODED_BYTES,
    MAX_SUBJECT_CHARACTERS,
    REFERENCE_HEADER,
    RUN_ID_HEADER,
    Mail,
    body_of,
    digest,
    encoded_size,
    one_line,
    with_headers,
)
from salesflow.errors import SalesFlowError
from salesflow.ledger import SentRecord
from salesflow.links.things import mails_thing
from salesflow.mail_address import mail_address, mailbox, masked
from salesflow.shop_id import MAIN_SHOP, SHOP_TAG, key_prefix

_log = logging.getLogger(__name__)

_TRIES = 4
_NOT_ACCEPTED_CODES = {"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestThrottled", "SlowDown"}
_NOT_ACCEPTED_STATUS = {429, 500, 503}
_THIS_RECIPIENT = {"MessageRejected", "BadRequestException", "InvalidParameterValue", "ValidationException"}
_OF_THE_ACCOUNT = re.compile(r"quota|sending rate|throttl|paused|suspended", re.IGNORECASE)
"""In a refusal of one mail: what stops all of them, and passes. No recipient is written down as refused for it."""
_UNCERTAIN_OR_PASSING_STATUS = 500


class MailTooLarge(SalesFlowError):
    """The mail is over the cap after encoding; it was sent to nobody."""


class MailRefused(SalesFlowError):
    """SES will not mail this recipient (bad, rejected or unverified address); repeating does not help."""


class MailNotConfirmed(SalesFlowError):
    """SES did not confirm this mail for a reason that passes: throttling, 5xx, a time-out, a lost connection."""


class MailingImpossible(SalesFlowError):
    """SES mails nobody at the moment: account paused, sender or configuration set unknown, access denied, no route."""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """Who has been told (now or by an earlier attempt) and who of them now, whom SES refuses and why, who is still to be told, and who
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
        """Record an accepted mail."""

    def record_refused(self, recipient: str, *, reason: str) -> None:
        """Record a refused recipient."""


class Mailer:
    """Sends mail through SES v2.

    `name`: the shop's, shown beside the sender's address; `shop`: its id, which tells whose mail it was when it bounces. `reply_to` is
    the owner: answers and unsubscribe requests go there (to the sender without one). Every mail names the configuration set, so that
    bounces and complaints are seen. `marked` answers the addresses (in lower case) that are left out. `link` makes the address of a
    thing for a recipient; without it mails hold no links. `pause` waits between tries (seconds).
    """

    def __init__(
        self,
        sesv2_client: Any,
        *,
        sender: str,
        reply_to: str | None,
        configuration_set: str | None,
        name: str = "",
        shop: str = MAIN_SHOP,
        marked: Callable[[], Mapping[str, MarkedAddress]] = dict,
        link: Callable[[str, str], str] | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ses = sesv2_client
        self._sender = mail_address(sender)
        self._name = name
        self._shop = shop
        self._reply_to = mail_address(reply_to or sender)
        self._configuration_set = configuration_set
        self.marked = marked
        self._link = link
        self._pause = pause
        self._body_of: tuple[Mail, bytes] | None = None

    def drop_connections(self) -> None:
        """Begin with fresh connections.

        A container sleeps between runs. A connection kept from the last one may have died without notice, and a reset
        in the middle of a SendEmail would leave open whether the mail went out.
        """
        self._ses.close()

    def build(self, mail: Mail, recipient: str) -> bytes:
        """The MIME message, the same bytes for the same mail and recipient.

        Message-ID and boundaries derive from the mail's reference (`X-SalesFlow-Reference`; its subject without one)
        and the recipient. SES puts a Message-ID of its own over ours; the reference stays. Raises ValueError for a
        recipient that is not one plain address and for an additional header that is not the caller's to set.
        """
        mail_address(recipient)
        reference = key_prefix(self._shop) + mail.headers.get(REFERENCE_HEADER, mail.subject)
        if self._body_of is None or self._body_of[0] is not mail or mail.links:
            # Encoding the attachments once is enough for all recipients, where they get the same texts.
            self._body_of = mail, body_of(self._with_links(mail, recipient), reference)
        headers = {
            "From": str(Address(self._name, addr_spec=self._sender)) if self._name else self._sender,
            "To": recipient,
            "Reply-To": self._reply_to,
            "Subject": one_line(mail.subject, MAX_SUBJECT_CHARACTERS),
            "Message-ID": f"<{digest(reference, recipient)}@{self._sender.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<mailto:{self._reply_to}?subject=unsubscribe>",
        }
        if self._link is not None and mail.mail_list is not None:  # RFC 8058: one click, and the mail program posts
            address = self._link(mails_thing(mail.mail_list), recipient)
            headers["List-Unsubscribe"] = f"<{address}>, {headers['List-Unsubscribe']}"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return with_headers(mail, headers, self._body_of[1])

    def _with_links(self, mail: Mail, recipient: str) -> Mail:
        """The mail with the recipient's own addresses; a mail that was made while there were links gets the owner's without them."""
        text, html = mail.text, mail.html
        for place, thing in mail.links.items():
            address = f"mailto:{self._reply_to}" if self._link is None else self._link(thing, recipient)
            text, html = text.replace(place, address), html.replace(place, address)
        return replace(mail, text=text, html=html)

    def send(self, mail: Mail, recipient: str) -> str:
        """Send to one recipient and return SES's message id.

        Raises MailTooLarge, MailRefused (this recipient, for good), MailNotConfirmed (may pass; the mail may or may not
        have been accepted), MailingImpossible (nobody can be mailed until an operator acts).
        """
        try:
            raw = self.build(mail, recipient)
        except ValueError as error:
            raise MailRefused(str(error), action="Correct the recipients: salesflow-ops recipients.") from None
        if len(raw) > MAX_ENCODED_BYTES:
            raise _too_large(len(raw))
        request: dict[str, Any] = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [recipient]},
            "Content": {"Raw": {"Data": raw}},
        }
        if self._configuration_set:
            request["ConfigurationSetName"] = self._configuration_set
        tags = {}
        if reference := mail.headers.get(REFERENCE_HEADER):
            tags["reference"] = re.sub(r"[^A-Za-z0-9_-]", "_", reference)[:256]
        if self._shop != MAIN_SHOP:
            tags[SHOP_TAG] = self._shop
        if tags:
            request["EmailTags"] = [{"Name": name, "Value": value} for name, value in tags.items()]
        for tried in range(1, _TRIES + 1):
            try:
                # A 2xx is SES's word that it has the mail, also where its body did not survive the way.
                return str(self._ses.send_email(**request).get("MessageId", "unknown"))
            except (ClientError, BotoCoreError) as error:
                if tried == _TRIES or not _certainly_not_accepted(error):
                    raise self._explained(error, recipient) from error
                # Full jitter, up to 1, 2 and 4 seconds: an account in the sandbox may send one mail a second.
                self._pause(random.uniform(0.1, 1) * 2 ** (tried - 1))  # noqa: S311 - spreads load, hides nothing
        raise AssertionError("unreachable")

    def _explained(self, error: ClientError | BotoCoreError, recipient: str) -> SalesFlowError:
        """What a failed send means: for this recipient, for all of them, or for the moment."""
        if isinstance(error, HTTPClientError):
            return MailNotConfirmed(
                f"SES did not answer for {masked(recipient)}: {error}.",
                action="The next attempt mails again, with the same reference.",
            )
        if not isinstance(error, ClientError):
            return MailingImpossible(
                f"SES cannot be reached: {error}.",
                action="Check SES_REGION, the function's credentials and network, and SES's health.",
            )
        code = str(error.response["Error"]["Code"])
        whole = str(error.response["Error"].get("Message", ""))
        said = masked(whole)  # SES names the addresses that it does not like
        status = int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        if status >= _UNCERTAIN_OR_PASSING_STATUS or code in _NOT_ACCEPTED_CODES or status in _NOT_ACCEPTED_STATUS:
            return MailNotConfirmed(
                f"SES did not take the mail to {masked(recipient)} ({code}: {said}).",
                action="The next attempt mails again.",
            )
        if code in _THIS_RECIPIENT and not self._blames_sender(whole) and not _OF_THE_ACCOUNT.search(said):
            return MailRefused(
                f"SES refuses to mail {masked(recipient)} ({code}: {said}).",
                action="Correct or verify the address, then run the job again: it mails only those not told yet.",
            )
        return MailingImpossible(
            f"SES sends no mail ({code}: {said}).",
            action="Check the sender's verification, the configuration set, the account's sending status and quota, and "
            "the function's role; then run the job again: it mails only those not told yet.",
        )

    def _blames_sender(self, said: str) -> bool:
        """Whether SES's words name the sender, whom all mails have: the address, or its domain as an identity."""
        domain = self._sender.rpartition("@")[2]
        names = rf"(?<![\w.+-]){re.escape(self._sender)}|(?<![@\w.-]){re.escape(domain)}"
        return re.search(names, said, re.IGNORECASE) is not None


def send_to_all(mailer: Mailer, claim: SendRecorder, mail: Mail, recipients: Iterable[str]) -> DeliveryResult:
    """Mail every recipient who has not been told in the claim's edition, one message each.

    The claim is checked before each send, and recording it is the very next call after SES accepts. One recipient's
    refusal or time-out does not stop the others; what concerns all of them (MailingImpossible) does, and leaves the
    rest unreached. A marked address is refused here, with the reason of its mark; whoever stopped the mail's list is left
    in peace, which is no trouble of anybody's. The mail gets the claim's reference in its subject and headers.

    Raises MailTooLarge before anything is sent, ClaimLost, and LedgerUnavailable (an accepted mail could not be
    recorded: the run must stop here, so that at most this one is repeated).
    """
    wanted = tuple(dict.fromkeys(recipients))
    mail = _with_reference(mail, claim)
    if (size := encoded_size(mail)) > MAX_ENCODED_BYTES:
        raise _too_large(size)
    told = set(map(mailbox, claim.told()))
    told_now: list[str] = []
    refused: dict[str, str] = {}
    unreached: dict[str, str] = {}
    stopped: list[str] = []
    stopped_by = ""
    waiting = [recipient for recipient in wanted if mailbox(recipient) not in told]
    marked = mailer.marked() if waiting else {}
    mailer.drop_connections()
    for recipient in waiting:
        mark = marked.get(mailbox(recipient))
        if mark is not None and mark.has_stopped(mail.mail_list):
            stopped.append(recipient)
            continue
        if mark is not None and not mark.is_own_choice:
            refused[recipient] = mark.reason
            claim.record_refused(recipient, reason=refused[recipient])
            continue
        if stopped_by:
            unreached[recipient] = stopped_by
            continue
        claim.ensure_held()
        try:
            message_id = mailer.send(mail, recipient)
        except MailRefused as refusal:
            claim.record_refused(recipient, reason=refusal.message)
            refused[recipient] = refusal.message
        except MailNotConfirmed as delay:
            unreached[recipient] = delay.message
        except MailingImpossible as stop:
            unreached[recipient] = stopped_by = stop.message
        else:
            claim.record_sent(recipient, message_id=message_id)
            told_now.append(recipient)
    notified = tuple(recipient for recipient in wanted if mailbox(recipient) in told or recipient in told_now)
    return DeliveryResult(notified, tuple(told_now), refused, unreached, tuple(stopped))


def _with_reference(mail: Mail, claim: SendRecorder) -> Mail:
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


def _certainly_not_accepted(error: ClientError | BotoCoreError) -> bool:
    if isinstance(error, ClientError):
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return error.response["Error"]["Code"] in _NOT_ACCEPTED_CODES or status in _NOT_ACCEPTED_STATUS
    return isinstance(error, ConnectionError)  # botocore's: no connection, so no request; a lost one is another class


def _too_large(size: int) -> MailTooLarge:
    return MailTooLarge(
        f"The mail has {size:,} bytes after encoding; the cap is {MAX_ENCODED_BYTES:,}.",
        action="Mail the summary and where to find the report instead (salesflow-ops settings set mail_content summary).",
    )
