"""The channel of mail: one message per recipient through SES v2, built the same way every time.

What is repeated, and what is not. SES has no idempotency token. A SendEmail is therefore repeated here only where SES
has certainly not accepted it: no connection came about, it was throttled, or SES itself answered that it failed (500)
or is unavailable (503). A read time-out, a connection lost after the request went out, and a gateway's 502 or 504
leave open whether the mail is on its way; such a recipient is for later, and the job's next attempt, not this one,
mails again under the same reference. That uncertainty is the gap between "accepted" and "recorded" and nothing else.
"""

import random
import re
import time
from collections.abc import Callable
from dataclasses import replace
from email.headerregistry import Address
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's

from salesflow.delivery.channel import Accepted, Later, Outcome, Refused
from salesflow.delivery.message import (
    MAX_ENCODED_BYTES,
    MAX_SUBJECT_CHARACTERS,
    REFERENCE_HEADER,
    Message,
    body_of,
    digest,
    encoded_size,
    one_line,
    with_headers,
)
from salesflow.errors import SalesFlowError
from salesflow.links.things import mails_thing
from salesflow.mail_address import mail_address, masked
from salesflow.shop_id import MAIN_SHOP, SHOP_TAG, key_prefix

_TRIES = 4
_NOT_ACCEPTED_CODES = {"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestThrottled", "SlowDown"}
_NOT_ACCEPTED_STATUS = {429, 500, 503}
_THIS_RECIPIENT = {"MessageRejected", "BadRequestException", "InvalidParameterValue", "ValidationException"}
_OF_THE_ACCOUNT = re.compile(r"quota|sending rate|throttl|paused|suspended", re.IGNORECASE)
"""In a refusal of one mail: what stops all of them, and passes. No recipient is written down as refused for it."""
_UNCERTAIN_OR_PASSING_STATUS = 500


class MailTooLarge(SalesFlowError):
    """The mail is over the cap after encoding; it was sent to nobody."""


class Mailer:
    """Sends mail through SES v2.

    `name`: the shop's, shown beside the sender's address; `shop`: its id, which tells whose mail it was when it bounces. `reply_to` is
    the owner: answers and unsubscribe requests go there (to the sender without one). Every mail names the configuration set, so that
    bounces and complaints are seen. `link` makes the address of a
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
        link: Callable[[str, str], str] | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ses = sesv2_client
        self._sender = mail_address(sender)
        self._name = name
        self._shop = shop
        self._reply_to = mail_address(reply_to or sender)
        self._configuration_set = configuration_set
        self._link = link
        self._pause = pause
        self._body_of: tuple[Message, bytes] | None = None

    def begin(self, mail: Message) -> None:
        """Begin with fresh connections; raises MailTooLarge.

        A container sleeps between runs. A connection kept from the last one may have died without notice, and a reset
        in the middle of a SendEmail would leave open whether the mail went out.
        """
        if (size := encoded_size(mail)) > MAX_ENCODED_BYTES:
            raise _too_large(size)
        self._ses.close()

    def build(self, mail: Message, recipient: str) -> bytes:
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

    def _with_links(self, mail: Message, recipient: str) -> Message:
        """The mail with the recipient's own addresses; a mail that was made while there were links gets the owner's without them."""
        text, html = mail.text, mail.html
        for place, thing in mail.links.items():
            address = f"mailto:{self._reply_to}" if self._link is None else self._link(thing, recipient)
            text, html = text.replace(place, address), html.replace(place, address)
        return replace(mail, text=text, html=html)

    def send(self, mail: Message, reader: str) -> Outcome:
        """Mail one recipient; accepted under SES's message id. Raises MailTooLarge."""
        try:
            raw = self.build(mail, reader)
        except ValueError as error:
            return Refused(str(error))
        if len(raw) > MAX_ENCODED_BYTES:
            raise _too_large(len(raw))
        request: dict[str, Any] = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [reader]},
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
                return Accepted(str(self._ses.send_email(**request).get("MessageId", "unknown")))
            except (ClientError, BotoCoreError) as error:
                if tried == _TRIES or not _certainly_not_accepted(error):
                    return self._explained(error, reader)
                # Full jitter, up to 1, 2 and 4 seconds: an account in the sandbox may send one mail a second.
                self._pause(random.uniform(0.1, 1) * 2 ** (tried - 1))  # noqa: S311 - spreads load, hides nothing
        raise AssertionError("unreachable")

    def _explained(self, error: ClientError | BotoCoreError, recipient: str) -> Refused | Later:
        """What a failed send means: for this recipient, for all of them, or for the moment."""
        if isinstance(error, HTTPClientError):
            return Later(f"SES did not answer for {masked(recipient)}: {error}.")
        if not isinstance(error, ClientError):
            return Later(f"SES cannot be reached: {error}.", for_all=True)
        code = str(error.response["Error"]["Code"])
        whole = str(error.response["Error"].get("Message", ""))
        said = masked(whole)  # SES names the addresses that it does not like
        status = int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        if status >= _UNCERTAIN_OR_PASSING_STATUS or code in _NOT_ACCEPTED_CODES or status in _NOT_ACCEPTED_STATUS:
            return Later(f"SES did not take the mail to {masked(recipient)} ({code}: {said}).")
        if code in _THIS_RECIPIENT and not self._blames_sender(whole) and not _OF_THE_ACCOUNT.search(said):
            return Refused(f"SES refuses to mail {masked(recipient)} ({code}: {said}).")
        return Later(f"SES sends no mail ({code}: {said}).", for_all=True)

    def _blames_sender(self, said: str) -> bool:
        """Whether SES's words name the sender, whom all mails have: the address, or its domain as an identity."""
        domain = self._sender.rpartition("@")[2]
        names = rf"(?<![\w.+-]){re.escape(self._sender)}|(?<![@\w.-]){re.escape(domain)}"
        return re.search(names, said, re.IGNORECASE) is not None


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
