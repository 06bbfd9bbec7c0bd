"""A mail as bytes: built the same way every time, and readable in every mail program.

Everything is written as base64 or quoted-printable, headers on one visible line; the same mail and recipient give the same bytes.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.generator import BytesGenerator
from email.message import EmailMessage
from email.policy import SMTP
from io import BytesIO

from salesflow.gist import Gist
from salesflow.ledger import SavedFile
from salesflow.links.things import MailList

MAX_ENCODED_BYTES = 7_000_000
"""SES v2 takes 40 MB after base64 but slows down above 10 MB, and many mail servers refuse more than that."""

MAX_SUBJECT_CHARACTERS = 180
MAX_HEADER_CHARACTERS = 900
"""RFC 5322 allows 998 bytes in a line; values of ours are ASCII tokens, and this leaves room for the name."""

REFERENCE_HEADER = "X-SalesFlow-Reference"
RUN_ID_HEADER = "X-SalesFlow-Run-Id"

_OWN_HEADERS = {
    "from", "to", "cc", "bcc", "sender", "reply-to", "subject", "message-id", "mime-version", "content-type",
    "content-transfer-encoding", "auto-submitted", "list-unsubscribe", "list-unsubscribe-post",
    "return-path",
}  # fmt: skip
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_BIDI_CONTROLS = {*"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}
_ISOLATED = re.compile("\u2068([^\u2068\u2069]*)\u2069")
_INVISIBLE = {"Cc", "Cs", "Zl", "Zp"}

_POLICY = SMTP.clone(cte_type="7bit")
_ONE_LINE = _POLICY.clone(max_line_length=998)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail; `media_type` as in Content-Type, parameters included. saved: where it lies, for who fetches it himself."""

    filename: str
    media_type: str
    data: bytes
    saved: SavedFile | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What every recipient gets. `headers` are additional ones (`X-...`, `Date`, `References`).

    mail_list: the list that it belongs to, which a reader can stop; None: what nobody can stop. links: placeholders in both texts, each
    with what it is for (`salesflow.links.things`); every reader gets addresses of his own in their places. gist: the same for ways that
    lay it out themselves; where it is not given, it is made of subject and text.
    """

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    mail_list: MailList | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    gist: Gist | None = None

    def gist_for(self, reader: str, link: Callable[[str, str], str] | None) -> Gist:
        """The gist with the reader's own addresses; without `link`, which makes them, it has no links."""
        gist = self.gist or Gist.of_text(self.subject, self.text)
        gist = gist if gist.headline.strip() else replace(gist, headline=self.subject)
        return gist.linked({place: link(thing, reader) if link else "" for place, thing in self.links.items()})


def encoded_size(mail: Message) -> int:
    """Bytes of the mail as it is sent (attachments after base64, +35%), but for the headers that name the sender.

    The attachments are counted, not encoded: the email package needs six times the memory of what it encodes.
    """
    empty = replace(mail, attachments=tuple(replace(file, data=b"") for file in mail.attachments))
    return len(body_of(empty, "size")) + sum(_encoded_bytes(len(file.data)) for file in mail.attachments)


def _encoded_bytes(size: int) -> int:
    """Bytes of so many in base64, in lines of 76 characters (RFC 2045)."""
    characters = -(-size // 3) * 4
    return characters + -(-characters // 76) * len("\r\n")


def with_headers(mail: Message, own: Mapping[str, str], body: bytes) -> bytes:
    """The whole message: our own headers, the mail's additional ones, and its body.

    Raises ValueError for an additional header that is not the caller's to set.
    """
    headers = dict(own)
    for name, value in mail.headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise ValueError(f"{name!r} is no header that a mail can add.")
        headers[name] = one_line(value, MAX_HEADER_CHARACTERS)
    return "".join(map(_header_line, headers, headers.values())).encode("ascii") + body


def body_of(mail: Message, reference: str) -> bytes:
    """Everything from the MIME-Version header on: multipart/mixed of the two texts and the attachments."""
    texts = EmailMessage(policy=_POLICY)
    texts.set_content(_writable(mail.text), cte=_encoding(mail.text))
    texts.add_alternative(_writable(mail.html), subtype="html", cte=_encoding(mail.html))
    message = texts
    if mail.attachments:
        message = EmailMessage(policy=_POLICY)
        message.make_mixed()
        del texts["MIME-Version"]
        message.attach(texts)
        for attachment in mail.attachments:
            kind, *parameters = attachment.media_type.split(";")
            maintype, _, subtype = kind.strip().partition("/")
            message.add_attachment(
                attachment.data,
                maintype=maintype,
                subtype=subtype,
                filename=one_line(attachment.filename, 120).replace("/", "_").replace("\\", "_"),
                params=dict(parameter.strip().split("=", 1) for parameter in parameters),
            )
        texts.set_boundary(_boundary(reference, "texts"))
        message["MIME-Version"] = "1.0"
    message.set_boundary(_boundary(reference, "mixed"))
    sink = BytesIO()
    BytesGenerator(sink, mangle_from_=False, policy=_POLICY).flatten(message)
    return sink.getvalue()


def _header_line(name: str, value: str) -> str:
    """One header, encoded where it is not ASCII (RFC 2047).

    The email package folds what is longer than a line by encoding it, ASCII or not; no mail program would understand an
    encoded List-Unsubscribe. Values of ours fit into the 998 bytes that a line may have, so only the others are folded.
    """
    policy = _ONE_LINE if value.isascii() else _POLICY
    line: str = policy.fold(*policy.header_store_parse(name, value))
    return line


def _encoding(text: str) -> str:
    """How a text is written: never as it is, so that no line of it (a product's name, say) can pass for a boundary.

    Boundaries begin with "=_", which neither base64 nor quoted-printable text can hold.
    """
    return "quoted-printable" if text.isascii() else "base64"


def _boundary(reference: str, part: str) -> str:
    return f"=_{digest(reference, part)}"


def digest(*parts: str) -> str:
    """Text that stands for these parts, the same each time."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def one_line(text: str, limit: int) -> str:
    """The text as one visible line: no line breaks, control or bidirectional override characters, at most `limit` long.

    What stands between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE keeps the two: they can turn nothing outside (UAX #9).
    """
    pieces = _ISOLATED.split(text)  # every second one is what an isolate holds
    visible = "".join(
        f"\u2068{_visible(piece)}\u2069" if number % 2 else _visible(piece) for number, piece in enumerate(pieces)
    )
    line = " ".join(visible.split())
    return line if len(line) <= limit else _visible(line)[: limit - 1].rstrip() + "…"


def _visible(text: str) -> str:
    return "".join(
        "" if character in _BIDI_CONTROLS else " " if unicodedata.category(character) in _INVISIBLE else character
        for character in text
    )


def _writable(text: str) -> str:
    """The text without lone surrogates, which no encoding can carry."""
    return text.encode("utf-8", "replace").decode()
