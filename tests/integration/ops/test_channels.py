"""What the desk does with channels: sets them up without showing them, tests them, says what is wrong, and forgets them."""

from __future__ import annotations

import json

import pytest

from ops.complaints import ExitCode
from tests.integration.ops.running import Desk

READER = "slack:desk"


@pytest.fixture
def way(desk: Desk) -> dict[str, str]:
    """What the local Slack says of a channel."""
    found: dict[str, str] = desk.shop.cloud.aws.local("PUT", "channels/slack/desk")
    return found


def test_a_channel_is_set_up_tried_examined_and_forgotten(desk: Desk, way: dict[str, str]) -> None:
    assert desk("recipients", "add", READER).code == ExitCode.DONE
    looked = desk("doctor", "--json").data
    assert [(one["verdict"], one["fix"]) for one in looked if one["check"] == "channels"] == [
        ("FAIL", f"Set it up: salesflow-ops channels set {READER}.")
    ]
    done = desk("channels", "set", READER, piped=json.dumps(way))
    assert done.code == ExitCode.DONE
    shown = done.out + done.err + desk("channels", "list").out
    assert "set up" in shown
    assert way["url"].rpartition("/")[2] not in shown
    assert desk("recipients", "test", READER).code != ExitCode.DONE, "nobody was asked"
    tried = desk("recipients", "test", READER, "manager@shop.example.com", "--yes", "--json")
    assert tried.out, tried.err
    assert [one["accepted"] for one in tried.data] == [True, True]
    (took,) = desk.shop.cloud.aws.local("GET", "channels/slack/desk")["took"]
    assert "messages come here" in took["text"]
    assert {one["verdict"] for one in desk("doctor", "--json").data if one["check"] == "channels"} == {"OK"}
    assert desk("channels", "remove", READER, "--yes").code == ExitCode.DONE
    assert desk("channels", "list", "--json").data == []
    refused = desk("recipients", "test", READER, "--yes")
    assert refused.code == ExitCode.FAILED
    assert "No channel slack:desk is set up" in refused.out
    assert desk("recipients", "remove", READER).code == ExitCode.DONE


def test_a_program_s_key_is_made_and_shown_once(desk: Desk) -> None:
    piped = '{"url": "https://erp.example.com/salesflow"}'
    made = desk("channels", "set", "webhook:erp", "--json", piped=piped).data
    assert made["key"].startswith("whsec_")
    listed = desk("channels", "list")
    assert made["key"] not in listed.out + listed.err
    assert desk("channels", "remove", "webhook:erp", "--yes").code == ExitCode.DONE


@pytest.mark.parametrize(
    ("name", "said", "problem"),
    [
        ("slack:desk", '{"url": "http://hooks.example.com/x"}', "https"),
        ("slack:desk", "no json", "no JSON object"),
        ("telegram:desk", '{"token": "abc"}', "bot's token"),
        ("mail:boss@shop.example.com", "{}", "is no channel"),
        ("signal:desk", "{}", "is no channel"),
    ],
)
def test_what_is_no_channel_is_refused(desk: Desk, name: str, said: str, problem: str) -> None:
    refused = desk("channels", "set", name, piped=said)
    assert refused.code == ExitCode.MISUSED
    assert problem in refused.err
    assert "hooks.example.com" not in refused.err
