"""`links`: the links in mails: what readers did with them, and new keys.

What readers did with the links in their mails, who stopped which mails, and how the keys that sign the links are changed.
"""

from __future__ import annotations

import json
import secrets
from typing import Annotated

import typer

from ops.complaints import NotFound
from ops.desk import Desk
from ops.groups import Group
from ops.options import YesOption
from ops.terminal import Facts, Table
from salesflow.delivery.addresses import MarkedAddresses
from salesflow.jobs.recipients import everybody
from salesflow.ledger.link_uses import LinkUses
from salesflow.links.grant import LinkKeys, reader_id

KEY_BYTES = 48

app = Group("The links in mails: what readers did with them, and new keys.", examples=["links list", "links rotate"])


@app.command("list", examples=["links list", "links list --limit 100 --json"])
def list_uses(
    desk: Desk, *, limit: Annotated[int, typer.Option(min=1, max=1000, help="How many uses, the newest.")] = 30
) -> None:
    """What was opened, made quiet, stopped and taken up again, by whom; and who gets which mails no more by his own choice."""
    stack = desk.stack
    keys = _keys(desk)
    known = {reader_id(key, stack.shop, who): who for key in keys.known for who in everybody(stack.settings)}
    uses = [
        (use.at.isoformat(timespec="seconds"), known.get(use.reader, use.reader), use.deed, use.thing)
        for use in LinkUses(stack.rows).newest(limit)
    ]
    marks = MarkedAddresses(stack.rows).all().values()
    stopped = [
        (mark.address, ", ".join(sorted(mark.lists)), f"{mark.since:%Y-%m-%d}") for mark in marks if mark.is_own_choice
    ]
    names, columns = ("at", "reader", "did", "about"), ("reader", "stopped", "since")
    desk.out.show(
        {
            "uses": [dict(zip(names, row, strict=True)) for row in uses],
            "stopped": [dict(zip(columns, row, strict=True)) for row in stopped],
        },
        Table("Uses", names, uses, empty="No link has been used yet."),
        Table("Stopped by their readers", columns, stopped, empty="Nobody stopped any mail."),
    )


@app.command("rotate", of_shop=False, examples=["links rotate", "links rotate --yes"])
def rotate(desk: Desk, *, yes: YesOption = False) -> None:
    """Sign with a new key from now on. Links that are out stay good until the next time; twice in a row ends all of them."""
    keys, secret = _keys(desk), desk.stack.physical_id("LinkKeys")
    if not desk.out.confirm(
        "Sign links with a new key? Those signed with the key before the present one end.", yes=yes
    ):
        raise typer.Exit(1)
    text = json.dumps({"current": secrets.token_urlsafe(KEY_BYTES), "previous": keys.current})
    desk.stack.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=text)
    said = "Links are signed with a new key. Functions that are warm take it within the hour."
    desk.out.show({"rotated": True}, Facts("", [("keys", said)]))


def _keys(desk: Desk) -> LinkKeys:
    """The keys of the stack. Raises NotFound where its mails hold no links."""
    if "LinkKeys" not in desk.stack.resources:
        raise NotFound(
            f"The mails of {desk.stack.name} hold no links.",
            action="Set LinksState=ENABLED, and deploy: docs/links.md.",
        )
    client = desk.stack.client("secretsmanager")
    return LinkKeys.from_secret(client.get_secret_value(SecretId=desk.stack.physical_id("LinkKeys"))["SecretString"])
