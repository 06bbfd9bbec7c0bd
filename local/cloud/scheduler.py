"""EventBridge Scheduler's part: when each deployed schedule is due, and firing it at its target over a simulated span of time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.cloud.aws import LocalCloudError
from local.cloud.clock import SimulatedClock
from local.cloud.cloud import AsyncResult, LocalCloud
from salesflow.watch.due_times import due_times


@dataclass(frozen=True, slots=True)
class ScheduleOnRecord:
    """One schedule as EventBridge Scheduler has it."""

    name: str
    group: str
    arn: str
    expression: str
    zone: str
    enabled: bool
    target: str
    input: str | None
    dead_letter_queue: str | None
    begins: datetime | None
    ends: datetime | None

    def due_times(self, start: datetime, end: datetime) -> list[datetime]:
        """When it is due in [start, end), in UTC; never while it is disabled or outside its own dates."""
        if not self.enabled:
            return []
        first = max(start, self.begins) if self.begins else start
        last = min(end, self.ends) if self.ends else end
        return due_times(self.expression, self.zone, first, last) if first < last else []

    def event(self, due: datetime) -> Any:
        """The event of one firing: its input with the scheduler's context attributes filled in.

        Without an input it is the event that EventBridge sends then.
        """
        scheduled = f"{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        execution = str(uuid.uuid4())
        if self.input is None:
            return {
                "version": "0",
                "id": execution,
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": self.arn.split(":")[4],
                "time": scheduled,
                "region": self.arn.split(":")[3],
                "resources": [self.arn],
                "detail": "{}",
            }
        text = self.input
        for attribute, value in {
            "schedule-arn": self.arn,
            "scheduled-time": scheduled,
            "execution-id": execution,
            "attempt-number": "1",
        }.items():
            text = text.replace(f"<aws.scheduler.{attribute}>", value)
        try:
            return json.loads(text)
        except ValueError as error:
            raise LocalCloudError(f"The input of the schedule {self.name} is not JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class Firing:
    """One firing of a schedule and what became of it.

    `result` is None where the target could not be called at all; `problem` then says why, and the event went to the schedule's own
    dead-letter queue, if it has one.
    """

    schedule: ScheduleOnRecord
    due: datetime
    event: Any
    result: AsyncResult | None
    problem: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the function did its work."""
        return self.result is not None and self.result.succeeded


class Scheduler:
    """Fires the enabled schedules of a local cloud, in the order in which they are due."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud

    def schedules(self) -> list[ScheduleOnRecord]:
        """Every schedule that the Scheduler API lists, by name."""
        client = self._cloud.aws.client("scheduler")
        found = []
        for page in client.get_paginator("list_schedules").paginate():
            for summary in page["Schedules"]:
                full = client.get_schedule(Name=summary["Name"], GroupName=summary["GroupName"])
                found.append(_on_record(full))
        return sorted(found, key=lambda schedule: schedule.name)

    def due(self, start: datetime, end: datetime) -> list[tuple[datetime, ScheduleOnRecord]]:
        """What is due in [start, end): the moment in UTC and the schedule, by time, then by name."""
        firings = [(moment, schedule) for schedule in self.schedules() for moment in schedule.due_times(start, end)]
        return sorted(firings, key=lambda firing: (firing[0], firing[1].name))

    def next_due(
        self, start: datetime, *, count: int = 5, within: timedelta = timedelta(days=400)
    ) -> list[tuple[datetime, ScheduleOnRecord]]:
        """The next `count` due times from `start` on, looking at most `within` ahead."""
        span = timedelta(days=8)
        while True:
            found = self.due(start, start + min(span, within))
            if len(found) >= count or span >= within:
                return found[:count]
            span *= 4

    def run(
        self,
        start: datetime,
        end: datetime,
        clock: SimulatedClock,
        *,
        fired: Callable[[Firing], None] | None = None,
        firing: Callable[[ScheduleOnRecord, datetime], None] | None = None,
    ) -> list[Firing]:
        """Let simulated time go from `start` to `end`: set `clock` to each due time in [start, end) and fire what is due then.

        `firing` is told before each, `fired` after each. Answers every firing, in order; a failure is in it, not raised.
        """
        done = []
        clock.set(start)
        for moment, schedule in self.due(start, end):
            clock.set(moment)
            if firing is not None:
                firing(schedule, moment)
            firing_done = self.fire(schedule, moment)
            done.append(firing_done)
            if fired is not None:
                fired(firing_done)
        clock.set(end)
        return done

    def fire(self, schedule: ScheduleOnRecord, due: datetime) -> Firing:
        """Fire one schedule as if `due` had come."""
        event = schedule.event(due)
        try:
            self._cloud.function(schedule.target)
        except LocalCloudError as error:
            if schedule.dead_letter_queue:
                attributes = {
                    "ERROR_CODE": "ResourceNotFoundException",
                    "ERROR_MESSAGE": str(error),
                    "RETRY_ATTEMPTS": "0",
                    "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
                    "IS_PAYLOAD_TRUNCATED": "false",
                    "SCHEDULED_TIME": f"{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "SCHEDULE_ARN": schedule.arn,
                    "TARGET_ARN": schedule.target,
                }
                self._cloud.send_to_queue(schedule.dead_letter_queue, json.dumps(event), attributes)
            return Firing(schedule, due, event, None, str(error))
        return Firing(schedule, due, event, self._cloud.invoke_async(schedule.target, event))


def _on_record(full: dict[str, Any]) -> ScheduleOnRecord:
    target = full["Target"]
    return ScheduleOnRecord(
        name=full["Name"],
        group=full["GroupName"],
        arn=full["Arn"],
        expression=full["ScheduleExpression"],
        zone=full.get("ScheduleExpressionTimezone") or "UTC",
        enabled=(full.get("State") or "ENABLED") == "ENABLED",
        target=target["Arn"],
        input=target.get("Input"),
        dead_letter_queue=target.get("DeadLetterConfig", {}).get("Arn"),
        begins=full.get("StartDate"),
        ends=full.get("EndDate"),
    )
