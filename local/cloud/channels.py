"""The chats and the programs that take a shop's messages, as far as a sender meets them: what they take, what they refuse and in which words.

Slack's incoming webhooks, Teams' workflows, Discord's webhooks, Telegram's bots, and a program that checks signatures as Standard Webhooks
says. Each channel is made by a name first (`PUT /_local/channels/slack/shop`; the answer is what is kept of it, `salesflow.delivery.ways`);
the state of one can then be set: `revoked`, `limited` (how many messages more are answered with 429), `retry_after` (seconds).

Sources: docs.slack.dev (incoming webhooks: error codes; Block Kit: limits), learn.microsoft.com (workflows for Teams, 28 KB),
discord.com/developers (execute webhook, embed limits, rate limits), core.telegram.org/bots/api (sendMessage, errors, retry_after),
github.com/standard-webhooks (spec 1.0).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final

from werkzeug.wrappers import Request, Response

PLACE: Final = "/_channels/"
MAKING: Final = "/_local/channels/"
_TEAMS_BYTES: Final = 28 * 1024
_TOLERANCE_SECONDS: Final = 300


_PATHS: Final = {
    "slack": "slack/services/T0/{name}/{secret}",
    "discord": "discord/api/webhooks/{name}/{secret}",
    "teams": "teams/workflows/{name}/paths/invoke",
    "telegram": "telegram/bot{secret}/sendMessage",
    "webhook": "webhook/{name}",
}


class Unacceptable(Exception):
    """A body that the service refuses; the words are its own."""


@dataclass
class Chat:
    """One channel: what its address holds, what it took, and how it is at the moment."""

    kind: str
    name: str
    secret: str
    took: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    revoked: bool = False
    limited: int = 0
    retry_after: float = 30

    def path(self) -> str:
        """Where it is posted to."""
        return _PATHS[self.kind].format(name=self.name, secret=self.secret)


class ChannelServices:
    """All of them, in one process. clock: what a program's clock says (seconds since 1970)."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._chats: dict[tuple[str, str], Chat] = {}

    def forget(self) -> None:
        """No channel has taken anything."""
        for chat in self._chats.values():
            chat.took, chat.ids = [], []

    def took(self, kind: str, name: str) -> list[dict[str, Any]]:
        """What a channel took."""
        return self._chats[kind, name].took

    def made(self, kind: str, name: str, root: str) -> dict[str, str]:
        """Make a channel; what the stack's secret says of it, where the services are below `root`."""
        self._chats.setdefault((kind, name), _made(kind, name))
        return _way(self._chats[kind, name], root)

    def _administered(self, request: Request) -> Response:
        """Make a channel, set how it is, or tell what it took."""
        kind, _, name = request.path.removeprefix(MAKING).partition("/")
        if request.method == "PUT":
            return _json(200, self.made(kind, name, request.url_root.rstrip("/")))
        chat = self._chats[kind, name]
        if request.method == "PATCH":
            for attribute, value in request.get_json().items():
                setattr(chat, attribute, value)
        return _json(200, {"took": chat.took, "ids": chat.ids})

    def answer(self, request: Request) -> Response:
        """Answer a message as the service would."""
        if request.path.startswith(MAKING):
            return self._administered(request)
        path = request.path.removeprefix(PLACE)
        kind = path.partition("/")[0]
        asked = next((chat for chat in self._chats.values() if chat.path() == path), None)
        service = _SERVICES.get(kind)
        if service is None or request.method != "POST":
            return Response("not found", status=404)
        if asked is not None and asked.limited and not asked.revoked:
            asked.limited -= 1
            return service.limited(asked.retry_after)
        found = service.found(self._chats, path, request)
        if isinstance(found, Chat) and kind == "webhook" and _is_old(request, self._clock()):
            found = Response("too old", status=401)
        if isinstance(found, Response):
            return found
        try:
            said = dict(json.loads(request.get_data()))
            service.check(said)
        except (ValueError, KeyError, TypeError, Unacceptable) as problem:
            return service.refused(str(problem))
        if found.kind == "telegram" and said["chat_id"] != _chat_of(found):
            return _telegram(400, "Bad Request: chat not found")
        ident = request.headers.get("webhook-id", "")
        if not ident or ident not in found.ids:  # a program does nothing twice for one id
            found.took.append(said)
            found.ids.append(ident)
        return service.taken(len(found.took))


@dataclass(frozen=True)
class _Service:
    """How a service answers: where there is no channel (or the channel itself), to a body, to too many, and when all is well."""

    found: Callable[[Mapping[tuple[str, str], Chat], str, Request], Chat | Response]
    check: Callable[[dict[str, Any]], None]
    refused: Callable[[str], Response]
    limited: Callable[[float], Response]
    taken: Callable[[int], Response]


def _made(kind: str, name: str) -> Chat:
    secret = secrets.token_urlsafe(24)
    if kind == "telegram":
        secret = f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_urlsafe(26)}"
    elif kind == "webhook":
        secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    return Chat(kind, name, secret)


def _way(chat: Chat, root: str) -> dict[str, str]:
    """What the stack's secret says of it."""
    url = f"{root}{PLACE}{chat.path()}"
    ways = {
        "telegram": {"url": f"{root}{PLACE}telegram", "token": chat.secret, "chat": _chat_of(chat)},
        "webhook": {"url": url, "key": chat.secret},
        "teams": {"url": f"{url}?api-version=1&sig={chat.secret}"},
    }
    return ways.get(chat.kind, {"url": url})


def _chat_of(chat: Chat) -> str:
    return str(-(10**12) - int.from_bytes(chat.name.encode()[:4]))


def _at(chats: Mapping[tuple[str, str], Chat], path: str) -> Chat | None:
    return next((chat for chat in chats.values() if chat.path() == path and not chat.revoked), None)


# --- Slack -----------------------------------------------------------------------------------------------------------


def _slack_found(chats: Mapping[tuple[str, str], Chat], path: str, _request: Request) -> Chat | Response:
    return _at(chats, path) or Response("no_service", status=404, content_type="text/plain")


def _slack_check(said: dict[str, Any]) -> None:
    blocks = said.get("blocks", [])
    if not said.get("text") and not blocks:
        raise Unacceptable("no_text")
    if len(blocks) > 50:
        raise Unacceptable("invalid_blocks")
    for block in blocks:
        kind = block["type"]
        if kind == "header":
            _slack_text(block["text"], 150, ("plain_text",))
        elif kind == "section":
            if "text" not in block and "fields" not in block:
                raise Unacceptable("invalid_blocks")
            if "text" in block:
                _slack_text(block["text"], 3000)
            for one in _most(block.get("fields", []), 10, "invalid_blocks"):
                _slack_text(one, 2000)
        elif kind == "context":
            for one in _most(block["elements"], 10, "invalid_blocks"):
                _slack_text(one, 2000)
        else:
            raise Unacceptable("invalid_blocks")


def _slack_text(text: dict[str, Any], most: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> None:
    if text["type"] not in kinds or not 1 <= len(text["text"]) <= most:
        raise Unacceptable("invalid_blocks")


# --- Teams -----------------------------------------------------------------------------------------------------------


def _teams_found(chats: Mapping[tuple[str, str], Chat], path: str, request: Request) -> Chat | Response:
    chat = _at(chats, path)
    if chat is None:
        return _json(404, {"error": {"code": "WorkflowNotFound", "message": "The workflow could not be found."}})
    if request.args.get("sig") != chat.secret:
        said = "The authentication credentials are not valid."
        return _json(401, {"error": {"code": "DirectApiInvalidAuthorizationScheme", "message": said}})
    if len(request.get_data()) > _TEAMS_BYTES:
        return _json(413, {"error": {"code": "RequestEntityTooLarge"}})
    return chat


def _teams_check(said: dict[str, Any]) -> None:
    (attachment,) = said["attachments"]
    card = attachment["content"]
    if said["type"] != "message" or attachment["contentType"] != "application/vnd.microsoft.card.adaptive":
        raise Unacceptable("no card")
    if card["type"] != "AdaptiveCard" or card["version"] not in {"1.0", "1.1", "1.2", "1.3", "1.4", "1.5"}:
        raise Unacceptable("no card that Teams shows")
    for part in card["body"]:
        if part["type"] != "RichTextBlock" or any(
            run["type"] != "TextRun" or not run["text"] for run in part["inlines"]
        ):
            raise Unacceptable("no element of a card")
    for action in _most(card["actions"], 6, "too many actions"):
        if action["type"] != "Action.OpenUrl" or not action["url"].startswith(("https://", "http://")):
            raise Unacceptable("no action of a card")


# --- Discord ---------------------------------------------------------------------------------------------------------


def _discord_found(chats: Mapping[tuple[str, str], Chat], path: str, _request: Request) -> Chat | Response:
    if chat := _at(chats, path):
        return chat
    if any(chat.path().rpartition("/")[0] == path.rpartition("/")[0] and not chat.revoked for chat in chats.values()):
        return _json(401, {"message": "Invalid Webhook Token", "code": 50027})
    return _json(404, {"message": "Unknown Webhook", "code": 10015})


def _discord_check(said: dict[str, Any]) -> None:
    total = 0
    for embed in _most(said["embeds"], 10, "too many embeds"):
        parts = [
            (embed.get("title", ""), 256),
            (embed.get("description", ""), 4096),
            (embed.get("footer", {}).get("text", ""), 2048),
            (embed.get("author", {}).get("name", ""), 256),
        ]
        for one in _most(embed.get("fields", []), 25, "too many fields"):
            if not one["name"] or not one["value"]:
                raise Unacceptable("This field is required")
            parts += [(one["name"], 256), (one["value"], 1024)]
        if any(len(text) > most for text, most in parts):
            raise Unacceptable("Must be fewer in length")
        total += sum(len(text) for text, _ in parts)
    if total > 6000 or not total:
        raise Unacceptable("Embed size exceeds maximum size of 6000")


# --- Telegram --------------------------------------------------------------------------------------------------------


def _telegram_found(chats: Mapping[tuple[str, str], Chat], path: str, _request: Request) -> Chat | Response:
    known = next((chat for chat in chats.values() if chat.path() == path), None)
    if known is None:
        return _telegram(401, "Unauthorized")
    return _telegram(403, "Forbidden: bot was kicked from the supergroup chat") if known.revoked else known


class _Entities(HTMLParser):
    """Telegram's HTML: few tags, each closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that it knows."""
        if tag not in {"b", "i", "a", "u", "s", "code", "pre"} or (tag == "a") != bool(attrs):
            raise Unacceptable(f"can't parse entities: Unsupported start tag {tag}")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The end of the last one."""
        if not self.open or self.open.pop() != tag:
            raise Unacceptable("can't parse entities: Unmatched end tag")

    def handle_data(self, data: str) -> None:
        """What is counted."""
        self.text += data


def _telegram_check(said: dict[str, Any]) -> None:
    if said["parse_mode"] != "HTML":
        raise Unacceptable("unsupported parse_mode")
    entities = _Entities()
    entities.feed(said["text"])
    entities.close()
    if entities.open:
        raise Unacceptable("can't parse entities: Can't find end tag")
    if not entities.text.strip():
        raise Unacceptable("message text is empty")
    if len(entities.text.encode("utf-16-le")) // 2 > 4096:
        raise Unacceptable("message is too long")


def _telegram(status: int, description: str, **more: object) -> Response:
    return _json(status, {"ok": False, "error_code": status, "description": description, **more})


# --- a program -------------------------------------------------------------------------------------------------------


def _program_found(chats: Mapping[tuple[str, str], Chat], path: str, request: Request) -> Chat | Response:
    known = next((chat for chat in chats.values() if chat.path() == path), None)
    if known is None or known.revoked:
        return Response("not found", status=404) if known is None else Response("gone", status=410)
    ident, moment = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    key = base64.b64decode(known.secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{ident}.{moment}.".encode() + request.get_data(), hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    given = request.headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(expected, one) for one in given):
        return Response("no signature of ours", status=401)
    return known


def _is_old(request: Request, now: float) -> bool:
    moment = request.headers.get("webhook-timestamp", "")
    return not moment.isdecimal() or abs(now - int(moment)) > _TOLERANCE_SECONDS


# --- what they share -------------------------------------------------------------------------------------------------


def _most[Item](items: list[Item], most: int, problem: str) -> list[Item]:
    if len(items) > most:
        raise Unacceptable(problem)
    return items


def _json(status: int, value: object, **headers: str) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json", headers=headers)


def _too_many(seconds: float) -> Response:
    return Response("too many requests", status=429, headers={"Retry-After": f"{seconds:.0f}"})


_SERVICES: Final = {
    "slack": _Service(
        _slack_found,
        _slack_check,
        lambda problem: Response(problem, status=400, content_type="text/plain"),
        _too_many,
        lambda _number: Response("ok", content_type="text/html"),
    ),
    "teams": _Service(
        _teams_found,
        _teams_check,
        lambda problem: _json(400, {"error": {"code": "TriggerInputSchemaMismatch", "message": problem}}),
        _too_many,
        lambda _number: Response("", status=202),
    ),
    "discord": _Service(
        _discord_found,
        _discord_check,
        lambda problem: _json(400, {"message": "Invalid Form Body", "code": 50035, "errors": {"_": problem}}),
        lambda seconds: _json(
            429,
            {"message": "You are being rate limited.", "retry_after": seconds, "global": False},
            **{"Retry-After": f"{seconds:.0f}"},
        ),
        lambda number: _json(200, {"id": f"11{number:017d}"}),
    ),
    "telegram": _Service(
        _telegram_found,
        _telegram_check,
        lambda problem: _telegram(400, f"Bad Request: {problem}"),
        lambda seconds: _telegram(
            429, f"Too Many Requests: retry after {seconds:.0f}", parameters={"retry_after": int(seconds)}
        ),
        lambda number: _json(200, {"ok": True, "result": {"message_id": number}}),
    ),
    "webhook": _Service(
        _program_found,
        lambda _said: None,
        lambda problem: Response(problem, status=400),
        _too_many,
        lambda _number: Response("", status=204),
    ),
}
