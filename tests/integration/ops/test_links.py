"""What the desk knows of links: who used them, who stopped what, and keys that change without ending what is out."""

from __future__ import annotations

import json
from datetime import timedelta

import urllib3

from ops.complaints import ExitCode
from salesflow import clock
from salesflow.links.grant import LinkKeys
from salesflow.links.things import MailList, mails_thing
from tests.integration.ops.running import Desk

READER = "manager@shop.example.com"


def keys_of(desk: Desk) -> dict[str, str]:
    cloud = desk.shop.cloud
    secret = cloud.stack.physical_id("LinkKeys")
    found: dict[str, str] = json.loads(
        cloud.aws.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    )
    return found


def stop_reports(desk: Desk) -> int:
    """What a mail program posts; the status that it gets."""
    until = clock.now().date() + timedelta(days=1)
    token = LinkKeys(keys_of(desk)["current"]).signed("main", READER, until, mails_thing(MailList.REPORTS))
    body = b"List-Unsubscribe=One-Click"
    with urllib3.PoolManager(retries=False) as http:
        return http.request("POST", desk.shop.cloud.stack.outputs["LinksUrl"] + token, body=body).status


def test_the_desk_shows_who_stopped_what_and_changes_keys(desk: Desk) -> None:
    assert "No link has been used yet." in desk("links", "list").err + desk("links", "list").out
    before = keys_of(desk)
    assert "previous" not in before
    assert desk("links", "rotate", "--yes").code == ExitCode.DONE
    after = keys_of(desk)
    assert after["previous"] == before["current"] != after["current"]
    assert stop_reports(desk) == 200
    said = desk("links", "list", "--json").data
    assert [(use["reader"], use["did"], use["about"]) for use in said["uses"]] == [(READER, "stop", "reports")]
    assert [(one["reader"], one["stopped"]) for one in said["stopped"]] == [(READER, "reports")]
    would = desk("run", "report", "--dry-run", "--json").data
    assert READER not in would["recipients"]
    assert "stopped the mails with reports" in would["left_out"][READER]
