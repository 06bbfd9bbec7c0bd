"""What is read of a message in a stack's two queues, in each form that it may have."""

import json
from typing import Any

import pytest

from ops.commands.redrive import failed, undelivered

BODY = '{"schedule": "sales", "scheduled_time": "<aws.scheduler.scheduled-time>", "report_type": "sales"}'
TARGET = "arn:aws:lambda:eu-west-1:123456789012:function:shop-report"


def message(body: str, **attributes: str) -> dict[str, Any]:
    given = {name: {"StringValue": value} for name, value in ({"TARGET_ARN": TARGET} | attributes).items()}
    return {"ReceiptHandle": "r", "Body": body, "MessageAttributes": given}


@pytest.mark.parametrize("body", [BODY, BODY.replace("<aws.scheduler.scheduled-time>", "2026-11-20T23:00:00Z")])
def test_the_moment_comes_from_the_message_where_its_body_lacks_it(body: str) -> None:
    found = undelivered("queue", message(body, SCHEDULED_TIME="2026-11-20T23:00:00Z"))
    assert found.event["scheduled_time"] == "2026-11-20T23:00:00Z"
    assert found.problem == ""


def test_what_does_not_say_when_it_was_due_is_not_fired_for_another_day() -> None:
    found = undelivered("queue", message(BODY))
    assert found.function == ""
    assert "business_date" in found.problem


@pytest.mark.parametrize(
    ("event", "fired"),
    [
        ({"format": "pdf"}, {"format": "pdf"}),
        ({"force": True}, {"force": True, "request_id": "r-1"}),
        ({"rebuild": True}, {"rebuild": True, "request_id": "r-1"}),
        ({"force": True, "request_id": "r-0"}, {"force": True, "request_id": "r-0"}),
        (
            {"source": "aws.events", "detail": '{"force": true}'},
            {"source": "aws.events", "detail": '{"force": true}', "request_id": "r-1"},
        ),
    ],
)
def test_a_forced_event_says_which_request_it_was(event: dict[str, Any], fired: dict[str, Any]) -> None:
    record = {"requestContext": {"functionArn": TARGET, "requestId": "r-1"}, "requestPayload": event}
    assert failed("queue", {"ReceiptHandle": "r", "Body": json.dumps(record)}).event == fired
