"""The channel of chats and programs: one signed HTTPS request a reader, the same id for the same message each time.

What the answer means is said by each service, and is a table here. Redirects are not followed; times and sizes are bounded; of what the
other side says only a short plain word is shown, and nothing that holds a secret.

A program's request is signed as Standard Webhooks says (github.com/standard-webhooks/standard-webhooks, spec 1.0): `webhook-id`,
`webhook-timestamp`, `webhook-signature: v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. The id is the message's own, so that
a program that has seen it does nothing twice.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from urllib3 import Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

import salesflow
from salesflow import clock
from salesflow.delivery.channel import Accepted, Later, Outcome, Refused
from salesflow.delivery.chat_bodies import discord_body, program_body, slack_body, teams_body, telegram_body
from salesflow.delivery.message import REFERENCE_HEADER, RUN_ID_HEADER, Message, digest
from salesflow.delivery.ways import ProgramWay, UnusableWay, Ways, WaysUnreadable, signing_key
from salesflow.errors import SalesFlowError
from salesflow.mail_address import masked
from salesflow.readers import kind_of
from salesflow.shop_id import MAIN_SHOP, key_prefix
from salesflow.source.bounded import Waits, bounded, connection_pools
from salesflow.stored import json_object

CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 10.0
LARGEST_BODY: Final = 1_000_000
_LARGEST_ANSWER: Final = 4096
_TRIES: Final = 3
_LONGEST_PAUSE: Final = 5.0
"""A longer pause that is asked for is the next attempt's, not this run's."""
_PASSING: Final = {408, 425, 429}
_PASSING_FOR_PROGRAMS: Final = {401, 403}
"""A program that does not believe a signature may have a clock that is off, or the key before; it is asked again, and the run fails loudly."""
_BEFORE_THE_REQUEST = (NewConnectionError, NameResolutionError, ConnectTimeoutError)
_GONE: Final[Mapping[str, frozenset[int]]] = {
    # Slack: no_service, channel_not_found, channel_is_archived, invalid_token, action_prohibited.
    "slack": frozenset({403, 404, 410}),
    "teams": frozenset({401, 403, 404, 410}),
    # Discord: Unknown Webhook (10015), Invalid Webhook Token (50027).
    "discord": frozenset({401, 403, 404}),
    # Telegram: Unauthorized, Forbidden (the bot was blocked or kicked), Not Found (no such bot).
    "telegram": frozenset({401, 403, 404}),
    "webhook": frozenset({410}),
}
"""The answers by which a service says that a channel is no more, or that what proves us is no longer believed."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9 _.,:'()-]{1,120}")


@dataclass(frozen=True, slots=True)
class _Request:
    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Mapping[str, Any]:
        """What it says as a JSON object; nothing where it is none."""
        return json_object(self.text) or {}

    @property
    def pause(self) -> float | None:
        """How long it asks to wait (seconds): by the header, or by the body, as Discord and Telegram say it."""
        wanted = self.headers.get("Retry-After") or self.json.get("retry_after")
        parameters = self.json.get("parameters")
        if wanted is None and isinstance(parameters, dict):
            wanted = parameters.get("retry_after")
        if wanted is None:
            return None
        try:
            seconds = float(wanted)
        except (TypeError, ValueError):
            seconds = _until(str(wanted))
        return seconds if 0 <= seconds <= 86_400 else None

    def said(self, secrets: tuple[str, ...]) -> str:
        """A short plain word of it; "" for what is neither, or holds a secret."""
        word = next((str(self.json[name]) for name in ("description", "message", "error") if self.json.get(name)), "")
        word = (word or self.text).strip()
        if not _PLAIN.fullmatch(word) or any(secret and secret in word for secret in secrets):
            return ""
        return f", {word}"


class Webhooks:
    """Tells readers of `slack:`, `teams:`, `discord:`, `telegram:` and `webhook:`. link, name, shop: as the mailer's. pause waits (seconds)."""

    def __init__(
        self,
        ways: Ways,
        *,
        link: Callable[[str, str], str] | None = None,
        name: str = "",
        shop: str = MAIN_SHOP,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ways = ways
        self._link = link
        self._name, self._shop = name, shop
        self._pause = pause
        self._http = connection_pools(connections=1)

    def begin(self, mail: Message) -> None:  # noqa: ARG002 - each body is cut to what its service takes
        """Begin with fresh connections and what the secret says now."""
        self._ways.begin()
        self._http.clear()

    def send(self, mail: Message, reader: str) -> Outcome:
        """Send to one reader; accepted under the message's own id."""
        try:
            way = self._ways.of(reader)
        except UnusableWay as unusable:
            return Refused(f"{unusable.message} {unusable.action}")
        except WaysUnreadable as unreadable:
            return Later(unreadable.message, for_all=True)
        ident = message_id(mail, reader, self._shop)
        try:
            request = self._request(mail, reader, way, ident)
        except SalesFlowError as failed:  # the links' keys cannot be read
            return Later(failed.message, for_all=True)
        if len(request.body) > LARGEST_BODY:
            return Refused(f"The message has {len(request.body):,} bytes; {LARGEST_BODY:,} is the most for {reader}.")
        outcome: Outcome = Later("")
        for tried in range(1, _TRIES + 1):
            answer = self._asked(request)
            if isinstance(answer, _Answer):
                outcome, wait = _judged(kind_of(reader), reader, answer, ident, way.secrets), answer.pause
                again = isinstance(outcome, Later) and answer.status in {429, 503}
            else:
                outcome = Later(f"{reader} does not answer ({type(answer).__name__}).")
                wait, again = None, isinstance(answer, _BEFORE_THE_REQUEST)
            wait = 0.5 * 2**tried if wait is None else wait
            if not again or tried == _TRIES or wait > _LONGEST_PAUSE:
                break
            self._pause(wait)
        return outcome

    def _request(self, mail: Message, reader: str, way: Any, ident: str) -> _Request:
        gist = mail.gist_for(reader, self._link)
        url, headers = way.url, {"Content-Type": "application/json", "User-Agent": f"SalesFlow/{salesflow.__version__}"}
        match kind_of(reader):
            case "slack":
                said = slack_body(gist)
            case "teams":
                said = teams_body(gist)
            case "discord":
                said, url = discord_body(gist), f"{url}{'&' if '?' in url else '?'}wait=true"
            case "telegram":
                said, url = telegram_body(gist, way.chat), f"{url.rstrip('/')}/bot{way.token}/sendMessage"
            case _:
                said = program_body(gist, self._facts(mail, ident))
        body = json.dumps(said, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
        if isinstance(way, ProgramWay):
            headers |= signed(signing_key(way.key), ident, clock.now(), body)
        return _Request(url, body, headers)

    def _facts(self, mail: Message, ident: str) -> dict[str, Any]:
        return {
            "id": ident,
            "type": "notice" if mail.mail_list is None else mail.mail_list.value.removesuffix("s"),
            "shop": self._name,
            "subject": mail.subject,
            "language": mail.headers.get("Content-Language", "en"),
            "reference": mail.headers.get(REFERENCE_HEADER, ""),
            "run": mail.headers.get(RUN_ID_HEADER, ""),
            "files": [
                {"name": file.filename, "type": file.media_type, "sha256": hashlib.sha256(file.data).hexdigest()}
                for file in mail.attachments
            ],
        }

    def _asked(self, request: _Request) -> _Answer | Exception:
        """The answer, or what kept it from coming."""
        waits = Waits(
            ANSWER_SECONDS, clock.now() + timedelta(seconds=ANSWER_SECONDS)
        )  # for all of it, as it never begins
        try:
            with bounded(waits):
                response = self._http.request(
                    "POST",
                    request.url,
                    body=request.body,
                    headers=dict(request.headers),
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    timeout=Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS),
                )
                try:
                    text = self._read(response)
                finally:
                    response.close()
        except (HTTPError, OSError, ValueError) as error:
            return error
        return _Answer(response.status, response.headers, text)

    def _read(self, response: Any) -> str:
        """The beginning of the body; "" where it breaks off: the status has been said already."""
        try:
            return str(response.read(_LARGEST_ANSWER).decode("utf-8", "replace"))
        except (HTTPError, OSError, ValueError):
            return ""


def message_id(mail: Message, reader: str, shop: str = MAIN_SHOP) -> str:
    """The id of a message to a reader: the same for every try."""
    return f"msg_{digest(key_prefix(shop) + mail.headers.get(REFERENCE_HEADER, mail.subject), reader)}"


def signed(key: bytes, ident: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers by which a program knows that a body is ours and new (Standard Webhooks)."""
    moment = str(int(at.timestamp()))
    signature = base64.b64encode(hmac.digest(key, f"{ident}.{moment}.".encode() + body, hashlib.sha256)).decode()
    return {"webhook-id": ident, "webhook-timestamp": moment, "webhook-signature": f"v1,{signature}"}


def _judged(kind: str, reader: str, answer: _Answer, ident: str, secrets: tuple[str, ...]) -> Outcome:
    """What an answer means."""
    said = answer.said(secrets)
    if 200 <= answer.status < 300:
        given = answer.json.get("id") if kind == "discord" else None
        return Accepted(str(given) if given and _PLAIN.fullmatch(str(given)) else ident)
    passing = _PASSING | _PASSING_FOR_PROGRAMS if kind == "webhook" else _PASSING
    if answer.status in passing or answer.status >= 500:
        wait = "" if answer.pause is None else f" and asks for a pause of {answer.pause:.0f} seconds"
        return Later(f"{reader} answers {answer.status}{said}{wait}.")
    if answer.status < 400:
        return Refused(f"{reader} answers {answer.status}: redirects are not followed; set the address where it ends.")
    return Refused(masked(f"{reader} answers {answer.status}{said}."), gone=answer.status in _GONE[kind])


def _until(moment: str) -> float:
    """Seconds until a date of HTTP; -1 for what is none."""
    try:
        found = parsedate_to_datetime(moment)
    except ValueError:
        return -1.0
    return max((found.replace(tzinfo=found.tzinfo or UTC) - clock.now()).total_seconds(), 0.0)
