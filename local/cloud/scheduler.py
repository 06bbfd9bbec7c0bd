"""EventBridge Scheduler's part: when each deployed schedule is due, and firing it at its target over a simulated span of time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.cloud.clock import SimulatedClock
from local.cloud.cloud import AsyncResult, LocalCloud
from local.errors import LocalCloudError
from salesflow.watch.schedules import Schedule

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Firing:
    """One firing of a schedule and what became of it.

    `result` is None where the target could not be called at all; `problem` then says why, and the event went to the schedule's own
    dead-letter queue, if it has one.
    """

    schedule: Schedule
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

    def schedules(self) -> list[Schedule]:
        """Every schedule that the Scheduler API lists, by name."""
        client = self._cloud.aws.client("scheduler")
        found = []
        for page in client.get_paginator("list_schedules").paginate():
            for summary in page["Schedules"]:
                full = client.get_schedule(Name=summary["Name"], GroupName=summary["GroupName"])
                found.append(Schedule.from_api(full))
        return sorted(found, key=lambda schedule: schedule.name)

    def due(self, start: datetime, end: datetime) -> list[tuple[datetime, Schedule]]:
        """What is due in [start, end): the moment in UTC and the schedule, by time, then by name."""
        firings = [
            (moment, schedule)
            for schedule in self.schedules()
            for moment in schedule.due_between(start - INSTANT, end - INSTANT)
        ]
        return sorted(firings, key=lambda firing: (firing[0], firing[1].name))

    def next_due(self, start: datetime, *, count: int = 5) -> list[tuple[datetime, Schedule]]:
        """The next `count` due times from `start` on, of the next 400 days."""
        within = timedelta(days=400)
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
    ) -> list[Firing]:
        """Let simulated time go from `start` to `end`: set `clock` to each due time in [start, end) and fire what is due then.

        `fired` is told after each. Answers every firing, in order; a failure is in it, not raised.
        """
        done = []
        clock.set(start)
        for moment, schedule in self.due(start, end):
            clock.set(moment)
            firing_done = self.fire(schedule, moment)
            done.append(firing_done)
            if fired is not None:
                fired(firing_done)
        clock.set(end)
        return done

    def fire(self, schedule: Schedule, due: datetime) -> Firing:
        """Fire one schedule as if `due` had come."""
        event = schedule.event(due)
        try:
            self._cloud.function(schedule.function)
        except LocalCloudError as error:
            self._leave_behind(schedule, due, event, str(error))
            return Firing(schedule, due, event, None, str(error))
        return Firing(schedule, due, event, self._cloud.invoke_async(schedule.function, event))

    def _leave_behind(self, schedule: Schedule, due: datetime, event: object, why: str) -> None:
        """What cannot be delivered goes to the schedule's own dead-letter queue, if it has one, as EventBridge Scheduler leaves it."""
        group = schedule.arn.rpartition("/")[0].rpartition("/")[2]
        target = self._cloud.aws.client("scheduler").get_schedule(Name=schedule.name, GroupName=group)["Target"]
        queue = target.get("DeadLetterConfig", {}).get("Arn")
        if queue:
            attributes = {
                "ERROR_CODE": "ResourceNotFoundException",
                "ERROR_MESSAGE": why,
                "RETRY_ATTEMPTS": "0",
                "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
                "IS_PAYLOAD_TRUNCATED": "false",
                "SCHEDULED_TIME": f"{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "SCHEDULE_ARN": schedule.arn,
                "TARGET_ARN": f"{target['Arn'].rpartition(':')[0]}:{schedule.function}",
            }
            self._cloud.send_to_queue(queue, json.dumps(event), attributes)
