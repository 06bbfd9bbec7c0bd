"""What `ops up` does while it runs: it serves invocations, keeps logs, and fires what is due."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from local.app import app as local_program
from local.cloud import Firing
from local.shop import LocalShop
from local.state import PLACE, state_file
from local.up import RealTime, fill_with_reports
from ops.target import Stack, Target
from salesflow import clock
from tests.integration.ops.running import Desk


@pytest.fixture
def stack(desk: Desk) -> Stack:
    return Target(local=True).resolve()


def invoke(stack: Stack, name: str, event: object, kind: str = "RequestResponse", **more: str) -> dict[str, Any]:
    client = stack.client("lambda", patient=True)
    reply: dict[str, Any] = client.invoke(FunctionName=name, InvocationType=kind, Payload=json.dumps(event), **more)
    return reply


def test_functions_are_invoked_through_the_same_endpoint_as_all_else(stack: Stack) -> None:
    function = stack.function("watchdog")
    for name in (function.name, function.arn, f"{function.arn}:$LATEST"):
        reply = invoke(stack, name, {"notify": "none", "force": True}, LogType="Tail")
        assert (reply["StatusCode"], "FunctionError" in reply) == (200, False)
        assert json.load(reply["Payload"])["job"] == "watchdog"
        assert reply["LogResult"]
    failed = invoke(stack, function.name, {"colour": "red"})
    assert failed["FunctionError"] == "Unhandled"
    assert json.load(failed["Payload"])["errorType"] == "InvalidJobEvent"
    assert invoke(stack, function.name, {}, "DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        invoke(stack, "nobodys", {})


def test_a_queued_event_is_tried_three_times_and_then_waits_in_the_queue(stack: Stack, shop: LocalShop) -> None:
    assert invoke(stack, stack.function("watchdog").name, {"colour": "blue"}, "Event")["StatusCode"] == 202
    sqs = stack.client("sqs")
    received: list[dict[str, Any]] = []
    for _ in range(30):
        received = sqs.receive_message(QueueUrl=stack.failed_queue, WaitTimeSeconds=1).get("Messages", [])
        if received:
            break
    record = json.loads(received[0]["Body"])
    assert record["requestPayload"] == {"colour": "blue"}
    assert record["requestContext"]["approximateInvokeCount"] == 3


def test_a_second_one_does_not_take_the_first_one_s_place(desk: Desk) -> None:
    kept = state_file().read_text()
    second = CliRunner().invoke(local_program, ["up"])
    assert second.exit_code == 1
    assert "is running already, since" in second.stderr
    assert PLACE in second.stderr
    assert state_file().read_text() == kept


def test_what_is_due_is_fired_once_when_its_time_has_come(desk: Desk, shop: LocalShop) -> None:
    put = desk("schedules", "put", "sales", "json", "--at", "12:00", "--json").data
    due = datetime.fromisoformat(put["next_due"][0])
    fired: list[Firing] = []
    time = RealTime(shop, due - timedelta(seconds=20), fired.append)
    assert time.go_to(due - timedelta(seconds=10)) == []
    for firing in time.go_to(due + timedelta(seconds=5)):
        firing.join()
    assert time.go_to(due + timedelta(seconds=10)) == []
    (mine,) = [one for one in fired if one.schedule.name.endswith("scheduled-sales-json")]
    assert mine.result is not None
    assert mine.result.last.answer["schedule"] == "scheduled-sales-json"
    assert mine.succeeded
    desk("schedules", "remove", "scheduled-sales-json")


def test_the_last_morning_s_reports_are_on_a_page_that_a_browser_opens(shop: LocalShop) -> None:
    fired: list[Firing] = []
    fill_with_reports(shop, clock.now(), fired=fired.append)
    assert {one.schedule.name for one in fired} >= {"salesflow-scheduled-sales-pdf", "salesflow-anomaly-check"}
    assert all(one.succeeded for one in fired)
    page = urllib3.request("GET", shop.library_url)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    link = re.search(r'href="(sales/daily/[^"]+\.pdf)"', page.data.decode())
    assert link is not None
    report = urllib3.request("GET", shop.library_url.rpartition("/")[0] + "/" + link[1])
    assert report.data.startswith(b"%PDF-")
    assert urllib3.request("GET", shop.library_url + ".bak").status == 404


def test_the_local_cloud_is_a_stack_like_any_other(stack: Stack, shop: LocalShop) -> None:
    outputs = shop.cloud.stack.outputs
    assert (stack.bucket, stack.state_table) == (outputs["ReportsBucketName"], outputs["StateTableName"])
    assert (stack.failed_queue, stack.undelivered_queue) == (
        outputs["FailedRunsUrl"],
        outputs["UndeliveredSchedulesUrl"],
    )
    assert (stack.schedule_group, stack.secret) == (outputs["ScheduleGroupName"], outputs["SystemTokenSecretArn"])
    assert stack.owner_topic.startswith("arn:aws:sns:")
    assert stack.status == "CREATE_COMPLETE"
    assert stack.settings.zone.key == stack.parameters["TimeZone"] == "Asia/Shanghai"
