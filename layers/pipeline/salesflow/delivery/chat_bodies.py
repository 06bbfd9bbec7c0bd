"""What each chat and program is sent: the gist of a message in the form that the service documents, within its limits.

Nothing of a shop's names can mean anything there: chats get plain text where they have it, and escaped text where they have not.
Nobody is called by a name with @. What is cut ends in "…"; the report behind the links is whole.

Slack: docs.slack.dev/reference/block-kit/blocks; Teams: adaptivecards.io/explorer and learn.microsoft.com/connectors/teams; Discord:
discord.com/developers/docs/resources/webhook; Telegram: core.telegram.org/bots/api#sendmessage.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from salesflow.gist import Gist

_SLACK_BLOCKS, _SLACK_TEXT, _SLACK_LINKS = 45, 2900, 10
_TEAMS_CHARACTERS: Final = 6000
"""28 KB is what Teams takes; a character is four bytes at most."""
_TEAMS_ACTIONS: Final = 6
_DISCORD_DESCRIPTION, _DISCORD_FIELDS, _DISCORD_FIELD = 3200, 8, 100
"""An embed holds 6,000 characters, its title 256 of them, its footer some."""
_TELEGRAM_CHARACTERS: Final = 3800
_TELEGRAM_LABEL: Final = 120
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>:@])")

type Body = dict[str, Any]


def cut(text: str, most: int) -> str:
    """The text, at most so many characters long."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def texts(gist: Gist) -> Iterator[tuple[bool, str]]:
    """What stands below the headline, line by line; whether a line is a title."""
    yield from ((False, line) for line in gist.lead)
    yield from ((False, f"{label}: {text}") for label, text in gist.figures)
    for title, lines in gist.sections:
        if title:
            yield True, title
        yield from ((False, line) for line in lines)
    yield from ((False, line) for line in gist.footer)


def within(gist: Gist, most: int, form: Callable[[bool, str], str]) -> list[str]:
    """As many of the lines as have room, in their form; the last one says that there were more."""
    shown: list[str] = []
    left = most
    for is_title, text in texts(gist):
        line = form(is_title, text)
        left -= len(line) + 1
        if left < 0:
            return [*shown, "…"]
        shown.append(line)
    return shown


def slack_body(gist: Gist) -> Body:
    """Blocks of plain text, which Slack shows as it is; the links alone are its mark-up."""
    blocks: list[Body] = []
    if gist.title:
        blocks.append({"type": "context", "elements": [_plain(cut(gist.title, 1000))]})
    blocks.append({"type": "header", "text": _plain(cut(gist.headline, 150))})
    lead = (gist.headline, *gist.lead) if len(gist.headline) > 150 else gist.lead
    if lead:
        blocks.append({"type": "section", "text": _plain(cut("\n".join(lead), _SLACK_TEXT))})
    for first in range(0, len(gist.figures), 10):
        fields = [_plain(cut(f"{label}: {text}", 1900)) for label, text in gist.figures[first : first + 10]]
        blocks.append({"type": "section", "fields": fields})
    for title, lines in gist.sections:
        blocks.append(
            {"type": "section", "text": _plain(cut("\n".join((*([title] if title else []), *lines)), _SLACK_TEXT))}
        )
    ending: list[Body] = []
    if gist.links:
        links = [f"<{_slack_text(url)}|{_slack_text(cut(label, 100))}>" for label, url in gist.links[:_SLACK_LINKS]]
        ending.append({"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(links), "verbatim": True}})
    if gist.footer:
        ending.append({"type": "context", "elements": [_plain(cut("\n".join(gist.footer), 1900))]})
    if len(blocks) > _SLACK_BLOCKS - len(ending):
        blocks = [*blocks[: _SLACK_BLOCKS - len(ending) - 1], {"type": "section", "text": _plain("…")}]
    return {
        "text": _slack_text(cut(gist.headline, 1000)),
        "blocks": [*blocks, *ending],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def teams_body(gist: Gist) -> Body:
    """An adaptive card of text runs, which know no mark-up."""
    shown: list[Body] = [_run(cut(gist.title, 300), isSubtle=True)] if gist.title else []
    shown.append(_run(cut(gist.headline, 600), weight="bolder", size="medium"))
    titles = {text for is_title, text in texts(gist) if is_title}
    lines = within(gist, _TEAMS_CHARACTERS, lambda _is_title, text: cut(text, 1000))
    shown += [_run(line, weight="bolder") if line in titles else _run(line) for line in lines]
    actions = [
        {"type": "Action.OpenUrl", "title": cut(label, 80), "url": url} for label, url in gist.links[:_TEAMS_ACTIONS]
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": shown,
        "actions": actions,
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


def discord_body(gist: Gist) -> Body:
    """One embed; nobody is called by it."""
    said = Gist(gist.headline, lead=gist.lead, sections=gist.sections)
    links = [f"[{_escaped(cut(label, 100))}]({url})" for label, url in gist.links[:6]]
    room = _DISCORD_DESCRIPTION - sum(len(link) + 1 for link in links)
    lines = within(said, max(room, 0), lambda is_title, text: f"**{_escaped(text)}**" if is_title else _escaped(text))
    embed = {
        "title": cut(gist.headline, 250),
        "description": "\n".join([*lines, *links]) or "…",
        "fields": [
            {"name": cut(label, _DISCORD_FIELD), "value": cut(_escaped(text), _DISCORD_FIELD), "inline": True}
            for label, text in gist.figures[:_DISCORD_FIELDS]
        ],
        "footer": {"text": cut("\n".join(gist.footer), 500)},
    }
    if gist.title:
        embed["author"] = {"name": cut(gist.title, 200)}
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def telegram_body(gist: Gist, chat: str) -> Body:
    """A text in Telegram's HTML."""
    room = _TELEGRAM_CHARACTERS
    head = [html.escape(cut(gist.title, 200), quote=False)] if gist.title else []
    head.append(f"<b>{html.escape(cut(gist.headline, 600), quote=False)}</b>")
    links = [
        f'<a href="{html.escape(url)}">{html.escape(cut(label, _TELEGRAM_LABEL), quote=False)}</a>'
        for label, url in gist.links[:6]
    ]
    room -= sum(len(line) + 1 for line in (*head, *(label for label, _ in gist.links[:6])))

    def form(is_title: bool, text: str) -> str:
        shown = html.escape(cut(text, 700), quote=False)
        return f"<b>{shown}</b>" if is_title else shown

    return {
        "chat_id": chat,
        "text": "\n".join([*head, *within(gist, room, form), *links]),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def program_body(gist: Gist, facts: Mapping[str, Any]) -> Body:
    """Everything, for a program. facts: what the message says of itself."""
    return {
        **facts,
        "title": gist.title,
        "headline": gist.headline,
        "lead": list(gist.lead),
        "figures": [{"label": label, "text": text} for label, text in gist.figures],
        "sections": [{"title": title, "lines": list(lines)} for title, lines in gist.sections],
        "links": [{"label": label, "url": url} for label, url in gist.links],
        "footer": list(gist.footer),
    }


def _plain(text: str) -> Body:
    return {"type": "plain_text", "text": text or " ", "emoji": False}


def _slack_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _run(text: str, **style: object) -> Body:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
