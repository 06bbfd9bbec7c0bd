"""What the desk does with channels: sets them up without showing them, tests them, says what is wrong, and forgets them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.cloud.whatsapp import ACCOUNT, PHONE
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


def test_whatsapp_s_templates_are_looked_up_and_a_number_that_it_cannot_reach_is_left_out_until_it_is_added_again(
    desk: Desk,
) -> None:
    cloud, number = desk.shop.cloud, "+243812345678"
    reader, topic = f"whatsapp:{number}", cloud.stack.physical_id("WhatsAppReports")
    way = {"phone": PHONE, "template": "salesflow_message", "document_template": "salesflow_report"}
    templates = cloud.aws.local("GET", "whatsapp")["templates"]

    def looked() -> list[tuple[str, str]]:
        found = desk("doctor", "--json").data
        return [(one["verdict"], one["says"] + one["fix"]) for one in found if one["check"] == "channels"]

    def run() -> dict[str, Any]:
        done = cloud.invoke("ReportFunction", {"to": [reader], "force": True, "formats": ["csv"]})
        assert done.error is None, done.error
        answer: dict[str, Any] = done.answer
        return answer

    try:
        assert desk("channels", "set", "whatsapp", piped=json.dumps(way)).code == ExitCode.DONE
        assert desk("recipients", "add", reader).code == ExitCode.DONE
        (_reader, message, document, heard) = looked()
        assert (message[0], document[0], heard[0]) == ("OK", "OK", "WARN")
        command = f"--id {ACCOUNT} --event-destinations eventDestinationArn={topic}"
        assert command in heard[1]
        cloud.aws.client("socialmessaging").put_whatsapp_business_account_event_destinations(
            id=ACCOUNT, eventDestinations=[{"eventDestinationArn": topic}]
        )
        pending = {"salesflow_message": templates["salesflow_message"] | {"status": "PENDING"}}
        cloud.aws.local("PATCH", "whatsapp", {"templates": pending})
        assert [verdict for verdict, _ in looked()] == ["OK", "FAIL", "FAIL", "OK"]
        cloud.aws.local("PATCH", "whatsapp", {"templates": templates, "undelivered": {number: 131026}})
        assert run()["notified"] == [reader], "WhatsApp took it"
        cloud.settle()
        again = run()
        assert (again["notified"], again["status"]) == ([], "PARTIAL")
        assert "has no WhatsApp" in again["reason"]
        (cured,) = [one["fix"] for one in desk("doctor", "--json").data if one["check"] == "marked addresses"]
        assert cured == f"salesflow-ops recipients add {reader}"
        cloud.aws.local("PATCH", "whatsapp", {"undelivered": {}})
        assert desk(*cured.split()[1:]).code == ExitCode.DONE
        assert run()["notified"] == [reader]
    finally:
        cloud.aws.local("PATCH", "whatsapp", {"templates": templates, "undelivered": {}, "destination": ""})
        desk("recipients", "remove", reader)
        desk("channels", "remove", "whatsapp", "--yes")
