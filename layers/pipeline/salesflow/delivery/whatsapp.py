"""The channel of WhatsApp: a template message through AWS End User Messaging Social, with the PDF as its document.

WhatsApp lets a business begin a conversation with registered templates alone. Ours has three places: what it is about, the headline, the
figures; a second one has a document above them (docs/channels.md). SendWhatsAppMessage knows no idempotency token, as SES does not: what may have
been accepted is repeated by the next attempt, not by this one, with the same reference beside it.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from salesflow.delivery.channel import Accepted, Later, Outcome, Refused
from salesflow.delivery.chat_bodies import cut
from salesflow.delivery.message import REFERENCE_HEADER, Attachment, Message
from salesflow.delivery.ways import UnusableWay, Ways, WaysUnreadable, WhatsAppWay
from salesflow.gist import Gist
from salesflow.ledger import SavedFile
from salesflow.mail_address import masked
from salesflow.shop_id import MAIN_SHOP, is_shop_id

META_API_VERSION: Final = "v20.0"
PLACES: Final = (200, 400, 380)
"""The most characters in each place of the template; its text and they are 1,024 at most."""
_OF_ALL = {
    "AccessDeniedException",
    "AccessDeniedByMetaException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
}
_PASSING_STATUS: Final = 500
_TOO_MANY: Final = 429


class WhatsApp:
    """Tells readers of `whatsapp:+number`. sign: a short-lived address of a saved file, for AWS to fetch it. shop: whose messages they are."""

    def __init__(
        self, client: Callable[[], Any], ways: Ways, sign: Callable[[SavedFile], str], shop: str = MAIN_SHOP
    ) -> None:
        self._client = client
        self._ways = ways
        self._sign = sign
        self._shop = shop
        self._media: dict[str, str] = {}

    def begin(self, mail: Message) -> None:  # noqa: ARG002 - what is too long is cut
        """Begin with fresh connections, what the secret says now, and no file handed over yet."""
        self._ways.begin()
        self._client().close()
        self._media = {}

    def send(self, mail: Message, reader: str) -> Outcome:
        """Send to one reader; accepted under the id that WhatsApp gives the message."""
        try:
            way: WhatsAppWay = self._ways.of(reader)
        except UnusableWay as unusable:
            return Refused(f"{unusable.message} {unusable.action}")
        except WaysUnreadable as unreadable:
            return Later(unreadable.message, for_all=True)
        page = next((file for file in mail.attachments if file.media_type == "application/pdf" and file.saved), None)
        page = page if way.document_template else None
        try:
            media = self._handed_over(way, page) if page is not None else ""
            said = template_message(way, reader, mail, page.filename if page is not None else "", media, self._shop)
            answer = self._client().send_whatsapp_message(
                originationPhoneNumberId=way.phone,
                message=json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"),
                metaApiVersion=META_API_VERSION,
            )
        except (ClientError, BotoCoreError) as error:
            return _judged(reader, error)
        return Accepted(str(answer.get("messageId", "unknown")))

    def _handed_over(self, way: WhatsAppWay, file: Attachment) -> str:
        """The id under which WhatsApp knows a file: handed over once for all readers."""
        if file.filename not in self._media and file.saved is not None:
            answer = self._client().post_whatsapp_message_media(
                originationPhoneNumberId=way.phone,
                sourceS3PresignedUrl={"url": self._sign(file.saved), "headers": {}},
            )
            self._media[file.filename] = str(answer["mediaId"])
        return self._media[file.filename]


def template_message(
    way: WhatsAppWay, reader: str, mail: Message, filename: str, media: str, shop: str
) -> dict[str, Any]:
    """The message as Meta's Cloud API takes it (developers.facebook.com/docs/whatsapp/cloud-api, template messages)."""
    gist = mail.gist_for(reader, None)
    body = {
        "type": "body",
        "parameters": [
            {"type": "text", "text": cut(_flat(text), most)} for text, most in zip(_places(gist), PLACES, strict=True)
        ],
    }
    header = {"type": "header", "parameters": [{"type": "document", "document": {"id": media, "filename": filename}}]}
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": reader.partition(":")[2],
        "type": "template",
        "biz_opaque_callback_data": mail.headers.get(REFERENCE_HEADER, "") + ("" if shop == MAIN_SHOP else f" {shop}"),
        "template": {
            "name": way.document_template if media else way.template,
            "language": {"code": way.language},
            "components": [header, body] if media else [body],
        },
    }


def shop_of(callback_data: str) -> str:
    """The shop whose message it was, by what came with it and comes back with what is reported of it."""
    _reference, _blank, shop = callback_data.partition(" ")
    return shop if is_shop_id(shop) else MAIN_SHOP


def _places(gist: Gist) -> tuple[str, str, str]:
    """What stands in the template's places: what it is about, the headline, and the figures or what stands in their place."""
    figures = [f"{label}: {text}" for label, text in gist.figures]
    others = [line for _title, lines in gist.sections for line in lines]
    return (
        gist.title or gist.headline,
        gist.headline,
        " \u00b7 ".join((*gist.lead, *figures, *([] if figures else others))),
    )


def _flat(text: str) -> str:
    """One line without runs of spaces, which WhatsApp refuses; never empty, which it refuses too."""
    return " ".join(text.split()) or "\u2013"


def _judged(reader: str, error: ClientError | BotoCoreError) -> Outcome:
    """What a failed send means."""
    if not isinstance(error, ClientError):
        answered = isinstance(error, HTTPClientError)
        return Later(f"WhatsApp did not answer for {masked(reader)} ({type(error).__name__}).", for_all=not answered)
    code = str(error.response["Error"]["Code"])
    said = masked(f"{code}: {error.response['Error'].get('Message', '')}")[:300]
    status = int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    if code in _OF_ALL:
        return Later(f"WhatsApp takes no message ({said}).", for_all=True)
    if status >= _PASSING_STATUS or status == _TOO_MANY:
        return Later(f"WhatsApp did not take the message to {masked(reader)} ({said}).")
    return Refused(f"WhatsApp refuses the message to {masked(reader)} ({said}).")
