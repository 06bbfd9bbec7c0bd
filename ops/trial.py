"""A test message to one reader, by the channel's own code, from this machine."""

from __future__ import annotations

import secrets

from ops.target import Stack
from salesflow.delivery.channel import Accepted, Channel
from salesflow.delivery.mail import Mailer
from salesflow.delivery.message import REFERENCE_HEADER, Message
from salesflow.delivery.ways import Ways
from salesflow.delivery.webhook import Webhooks
from salesflow.delivery.whatsapp import WhatsApp
from salesflow.readers import MAIL, WHATSAPP, kind_of
from salesflow.reports.mail import compose_test


class Trial:
    """Sends test messages of a shop."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def send(self, reader: str) -> tuple[bool, str]:
        """Whether a test message was accepted, and under which id, or why not."""
        settings, reference = self._stack.settings, f"SF-TEST{secrets.token_hex(4).upper()}"
        text = compose_test(settings.shop_name, settings.language_code, reference)
        headers = {REFERENCE_HEADER: reference, "Content-Language": text.language.tag}
        mail = Message(text.subject, text.text, text.html, headers=headers, gist=text.gist)
        channel = self._channel(kind_of(reader))
        channel.begin(mail)
        outcome = channel.send(mail, reader)
        return (True, outcome.message_id) if isinstance(outcome, Accepted) else (False, outcome.why)

    def _channel(self, kind: str) -> Channel:
        stack, settings = self._stack, self._stack.settings
        if kind == MAIL:
            return Mailer(
                stack.client("sesv2", region=settings.ses_region),
                sender=settings.mail_sender,
                name=settings.shop_name,
                reply_to=settings.reply_to,
                configuration_set=settings.ses_configuration_set,
            )
        ways = Ways(stack.kept_ways)
        if kind == WHATSAPP:
            return WhatsApp(lambda: stack.client("socialmessaging"), ways, lambda _file: "", stack.shop)
        return Webhooks(ways, name=settings.shop_name, shop=stack.rows.shop)
