"""The scheduler fires what is deployed, when it is due, at the function that it targets."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from local.cloud import LocalCloud, Scheduler, SimulatedClock

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


@pytest.fixture
def scheduler(cloud: LocalCloud) -> Scheduler:
    return Scheduler(cloud)


def test_a_week_fires_every_due_time_of_the_enabled_schedules_with_the_clock_at_it(scheduler: Scheduler) -> None:
    clock = SimulatedClock(MONDAY)
    shown = []
    firings = scheduler.run(MONDAY, MONDAY + timedelta(days=7), clock, fired=lambda firing: shown.append(clock()))
    assert [firing.due for firing in firings] == [MONDAY + timedelta(days=n, hours=18, minutes=30) for n in range(7)]
    assert shown == [firing.due for firing in firings]
    assert clock() == MONDAY + timedelta(days=7)
    assert all(firing.succeeded for firing in firings)
    assert {firing.schedule.name for firing in firings} == {"probe-nightly"}, "the paused schedule is not fired"


def test_the_input_holds_the_scheduled_time_in_utc(scheduler: Scheduler) -> None:
    (firing,) = scheduler.run(MONDAY, MONDAY + timedelta(days=1), SimulatedClock(MONDAY))
    assert firing.result is not None
    assert firing.result.last.answer["event"] == {
        "schedule": "probe-nightly",
        "scheduled_time": "2026-11-16T18:30:00Z",
        "do": "answer",
    }


def test_a_schedule_put_by_hand_replaces_and_is_fired_until_it_is_paused(
    cloud: LocalCloud, scheduler: Scheduler
) -> None:
    client = cloud.aws.client("scheduler")
    schedule = {
        "Name": "by-hand",
        "ScheduleExpression": "cron(0 9 ? * MON *)",
        "ScheduleExpressionTimezone": "Europe/Paris",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": cloud.function("Impatient").settings.arn,
            "RoleArn": "arn:aws:iam::123456789012:role/by-hand",
            "Input": '{"do": "raise"}',
        },
    }
    client.create_schedule(**schedule)
    try:
        due = scheduler.due(MONDAY, MONDAY + timedelta(hours=12))
        assert [(moment, found.name) for moment, found in due] == [(datetime(2026, 11, 16, 8, tzinfo=UTC), "by-hand")]
        (firing,) = scheduler.run(MONDAY, MONDAY + timedelta(hours=12), SimulatedClock(MONDAY))
        assert not firing.succeeded
        client.update_schedule(**schedule, State="DISABLED")
        assert scheduler.due(MONDAY, MONDAY + timedelta(hours=12)) == []
    finally:
        client.delete_schedule(Name="by-hand")


def test_a_target_that_is_gone_sends_the_event_to_the_schedules_queue(cloud: LocalCloud, scheduler: Scheduler) -> None:
    client = cloud.aws.client("scheduler")
    queue = cloud.aws.client("sqs").get_queue_attributes(
        QueueUrl=cloud.stack.physical_id("Undelivered"), AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    client.create_schedule(
        Name="lost",
        ScheduleExpression="cron(0 3 * * ? *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:lambda:ap-southeast-1:123456789012:function:gone",
            "RoleArn": "arn:aws:iam::123456789012:role/by-hand",
            "Input": '{"for": "nobody"}',
            "DeadLetterConfig": {"Arn": queue},
        },
    )
    try:
        (firing,) = scheduler.run(MONDAY, MONDAY + timedelta(hours=6), SimulatedClock(MONDAY))
    finally:
        client.delete_schedule(Name="lost")
    assert not firing.succeeded
    assert firing.problem is not None
    assert "gone" in firing.problem
    (message,) = cloud.messages("Undelivered")
    assert json.loads(message["Body"]) == {"for": "nobody"}
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "ResourceNotFoundException"


def test_next_due_looks_ahead(scheduler: Scheduler) -> None:
    assert [moment for moment, _ in scheduler.next_due(MONDAY, count=3)] == [
        MONDAY + timedelta(days=n, hours=18, minutes=30) for n in range(3)
    ]
