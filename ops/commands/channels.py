"""`channels`: where chats, programs and WhatsApp take the shop's messages.

What is kept of each named channel is written here, and shown nowhere: neither the screen nor a shell's history sees it.
"""

from __future__ import annotations

import base64
import secrets
import sys
from typing import Annotated, Any

import typer

from ops.complaints import Misused, NotFound
from ops.desk import Desk
from ops.groups import Group
from ops.options import YesOption
from ops.terminal import Facts, Table
from salesflow.delivery.addresses import MarkedAddresses
from salesflow.delivery.ways import (
    KEY_PREFIX,
    UnusableWay,
    checked_way,
    fields_of,
    is_named,
)
from salesflow.stored import json_object

app = Group(
    "Where chats, programs and WhatsApp take the shop's messages.",
    examples=[
        "channels list",
        "channels set slack:shop",
        "channels set webhook:erp < erp.json",
        "channels remove slack:shop",
    ],
)

Name = Annotated[
    str, typer.Argument(metavar="CHANNEL", help="slack:NAME, teams:, discord:, telegram:, webhook:, or whatsapp.")
]
_KEY_BYTES = 32


@app.command("list", examples=["channels list", "channels list --json"])
def list_channels(desk: Desk) -> None:
    """The channels that are set up, and whether each can be used. Nothing of what they hold is shown."""
    rows = [(name, _standing(name, said)) for name, said in sorted(desk.stack.kept_ways.read().items())]
    desk.out.show(
        [{"channel": name, "stands": stands} for name, stands in rows],
        Table(
            "", ("channel", "how it stands"), rows, empty="No channel is set up: salesflow-ops channels set slack:shop."
        ),
    )


@app.command("set", examples=["channels set slack:shop", "channels set webhook:erp < erp.json"])
def set_channel(desk: Desk, name: Name) -> None:
    """Write where a channel takes messages, and what proves that they are the shop's; asked for without showing it, or read as JSON from a pipe.

    Whoever was left out because the channel was gone is told again. A program's key is made here where none is given, and shown once.
    """
    _refuse_other(name)
    stack = desk.stack
    said = _asked(name) if sys.stdin.isatty() else _read()
    made = ""
    if name.startswith("webhook:") and not said.get("key"):
        made = said["key"] = KEY_PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    try:
        checked_way(name, said)
    except UnusableWay as unusable:
        raise Misused(unusable.message, action="docs/channels.md says where each is found.") from None
    stack.kept_ways.keep(name, said)
    MarkedAddresses(stack.rows).clear(name)
    facts = [
        ("channel", name),
        ("add its reader", f"salesflow-ops recipients add {name}"),
        ("try it", f"salesflow-ops recipients test {name}"),
    ]
    if made:
        facts.insert(1, ("key, for the program that checks the signature; it is not shown again", made))
    desk.out.show({"channel": name, **({"key": made} if made else {})}, Facts("", facts))


@app.command("remove", examples=["channels remove slack:shop", "channels remove slack:shop --yes"])
def remove(desk: Desk, name: Name, *, yes: YesOption = False) -> None:
    """Forget a channel. Its readers are refused from the next run on, until they are removed too."""
    stack = desk.stack
    ways = stack.kept_ways
    if name not in ways.read():
        raise NotFound(f"No channel {name} is set up.", action="See salesflow-ops channels list.")
    if not desk.out.confirm(f"Forget {name}?", yes=yes):
        raise typer.Exit(1)
    ways.forget(name)
    desk.out.show({"removed": name}, Facts("", [("removed", name)]))


def _standing(name: str, said: object) -> str:
    try:
        checked_way(name, said)
    except UnusableWay as unusable:
        return unusable.message
    return "set up"


def _refuse_other(name: str) -> None:
    if not is_named(name):
        raise Misused(
            f"{name} is no channel.",
            action="Say slack:NAME, teams:NAME, discord:NAME, telegram:NAME, webhook:NAME (small letters, digits, hyphens) or whatsapp.",
        )


def _asked(name: str) -> dict[str, Any]:
    """What a terminal says, field by field; what is secret is not shown."""
    found = {}
    for field, is_secret, default in fields_of(name):
        text = typer.prompt(field, default=default, hide_input=is_secret, show_default=bool(default), err=True)
        if text:
            found[field] = text
    return found


def _read() -> dict[str, Any]:
    said = json_object(sys.stdin.read(64_000))
    if said is None:
        raise Misused(
            "The pipe holds no JSON object.", action='Write {"url": "https://..."} into it: docs/channels.md.'
        )
    return said
