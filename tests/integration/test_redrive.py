"""The real stack on this machine: an API that was down, a function that was gone, and everything made up for afterwards."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from local.cloud import Scheduler
from local.cloud.aws import ACCESS_KEYS
from local.shop import LocalShop, sample_shop
from ops.commands.redrive import Redriven
from ops.commands.redrive import redriven as fired_again
from ops.local_cloud import RunningCloud
from ops.target import Stack, local_stack
from salesflow.watch.schedules import Schedule

DUE = datetime(2026, 6, 30, 23, tzinfo=UTC)  # 07:00 on the first of July in Shanghai
REPOSITORY = Path(__file__).parents[2]
TOKEN = {"token": "no token at all"}


@pytest.fixture(scope="module")
def shop() -> Iterator[LocalShop]:
    with LocalShop.open(sample_shop(date(2026, 7, 3), days=90), DUE) as running:
        running.clock.set(datetime(2026, 7, 2, 2, tzinfo=UTC))
        yield running


@pytest.fixture(scope="module")
def stack(shop: LocalShop) -> Stack:
    aws = shop.cloud.aws
    return local_stack(RunningCloud(aws.endpoint_url, aws.region, shop.cloud.stack.stack, ACCESS_KEYS))


def redriven(shop: LocalShop, stack: Stack, *, dry_run: bool = False) -> list[Redriven]:
    """What was done with each event, once all that was fired is over."""
    done = list(fired_again(stack, dry_run=dry_run))
    shop.cloud.settle()
    return done


def empty(shop: LocalShop, queue: str) -> None:
    """Take everything out of a queue."""
    sqs = shop.cloud.aws.client("sqs")
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def sales_schedule(shop: LocalShop) -> Schedule:
    return next(s for s in Scheduler(shop.cloud).schedules() if s.name == "salesflow-scheduled-sales-pdf")


def keys(shop: LocalShop, prefix: str) -> list[str]:
    bucket = shop.cloud.stack.outputs["ReportsBucketName"]
    listed = shop.cloud.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for entry in listed.get("Contents", [])]


def test_both_queues_are_replayed_with_their_original_events(shop: LocalShop, stack: Stack) -> None:
    scheduler, schedule = Scheduler(shop.cloud), sales_schedule(shop)
    shop.cloud.write_secret(TOKEN)
    failed = scheduler.fire(schedule, DUE)
    assert failed.result is not None
    assert len(failed.result.tries) == 3
    gone = replace(schedule, function=schedule.function + "-gone")
    assert scheduler.fire(gone, datetime(2026, 7, 1, 23, tzinfo=UTC)).problem
    (message,) = shop.cloud.messages("UndeliveredSchedules")
    queue = shop.cloud.stack.outputs["UndeliveredSchedulesUrl"]
    sqs = shop.cloud.aws.client("sqs")
    attributes = dict(message["MessageAttributes"])
    assert attributes["TARGET_ARN"]["StringValue"].endswith("-gone")

    shown = redriven(shop, stack, dry_run=True)
    assert [(one.fired, one.answer) for one in shown] == [(False, "would be fired")] * 2
    assert {one.stranded.event["scheduled_time"] for one in shown} == {"2026-06-30T23:00:00Z", "2026-07-01T23:00:00Z"}
    assert keys(shop, "reports/") == []

    shop.cloud.write_secret({"token": shop.api.issue_token(timedelta(days=1))})
    first = redriven(shop, stack)
    assert [one.fired for one in first] == [False, True], "the function that is gone is still gone"
    assert first[1].answer.startswith("given to the function")
    assert "reports/sales/daily/2026-06-30/sales-daily-2026-06-30.pdf" in keys(shop, "reports/")
    assert shop.cloud.messages("FailedRuns") == []

    (message,) = shop.cloud.messages("UndeliveredSchedules")  # deployed again: it is there now
    attributes["TARGET_ARN"] = {
        "DataType": "String",
        "StringValue": shop.cloud.function(schedule.function).settings.arn,
    }
    empty(shop, queue)
    sqs.send_message(QueueUrl=queue, MessageBody=message["Body"], MessageAttributes=attributes)
    (second,) = redriven(shop, stack)
    assert second.fired
    assert "reports/sales/daily/2026-07-01/sales-daily-2026-07-01.pdf" in keys(shop, "reports/")
    assert redriven(shop, stack) == []


def test_what_fails_again_comes_back_and_is_fired_once(shop: LocalShop, stack: Stack) -> None:
    shop.cloud.write_secret(TOKEN)
    shop.cloud.function("ReportFunction").kill()  # a warm container knows the good token for five minutes
    schedule = sales_schedule(shop)
    Scheduler(shop.cloud).fire(schedule, datetime(2026, 6, 28, 23, tzinfo=UTC))
    (again,) = redriven(shop, stack)
    assert again.fired
    (message,) = shop.cloud.messages("FailedRuns")
    assert json.loads(message["Body"])["requestPayload"]["scheduled_time"] == "2026-06-28T23:00:00Z"


def test_what_cannot_be_understood_stays_in_its_queue(shop: LocalShop, stack: Stack) -> None:
    sqs, queue = shop.cloud.aws.client("sqs"), shop.cloud.stack.outputs["FailedRunsUrl"]
    empty(shop, queue)
    sqs.send_message(QueueUrl=queue, MessageBody="not a record")
    (left,) = redriven(shop, stack)
    assert (left.fired, left.answer) == (False, "it is no record of a failed run")
    assert [m["Body"] for m in shop.cloud.messages("FailedRuns")] == ["not a record"]


def test_the_command_shows_the_queues_of_a_deployed_stack_and_leaves_them(shop: LocalShop) -> None:
    environment = {
        **ACCESS_KEYS,
        "AWS_ENDPOINT_URL": shop.cloud.aws.endpoint_url,
        "AWS_DEFAULT_REGION": shop.cloud.aws.region,
        "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'layers' / 'pipeline'}",
    }
    sqs, queue = shop.cloud.aws.client("sqs"), shop.cloud.stack.outputs["FailedRunsUrl"]
    empty(shop, queue)
    sqs.send_message(QueueUrl=queue, MessageBody="not a record")

    def ops(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ops", "redrive", *arguments]
        return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)

    shown = ops("--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("function\tevent\t")
    assert len(shown.stdout.splitlines()) == 2
    assert "it is no record of a failed run" in shown.stdout
    assert ops().returncode == 1, "something was left"
    empty(shop, queue)
    emptied = ops()
    assert (emptied.stdout, emptied.stderr) == ("", "Both queues are empty.\n")
    unknown = ops("--stack", "nobodys")
    assert unknown.returncode == 3
    assert "nobodys" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_the_stack_s_own_watchdog_and_mail_events_run_on_their_layers(shop: LocalShop) -> None:
    schedule = next(s for s in Scheduler(shop.cloud).schedules() if s.name == "salesflow-watchdog-hourly")
    fired = Scheduler(shop.cloud).fire(schedule, datetime(2026, 7, 2, 0, 50, tzinfo=UTC))
    assert fired.result is not None
    answer = fired.result.last.answer
    assert (answer["status"], answer["unwatchable"]) == ("SUCCEEDED", {})
    assert answer["schedules"] == len(Scheduler(shop.cloud).schedules())
    event = json.loads((REPOSITORY / "events" / "mail_events" / "bounce.json").read_text())
    assert shop.cloud.invoke("MailEventsFunction", event).answer["marked"] == ["former.reader@shop.example.com"]
