"""The stack's own schedules as EventBridge Scheduler has them, and as the watchdog remembers them from one look to the next."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from salesflow.errors import InvalidJobEvent, SalesFlowError
from salesflow.shop_id import MAIN_SHOP, shop_id
from salesflow.watch.due_times import SkippedTime, due_times, skipped_times


class SchedulesUnreadable(SalesFlowError):
    """EventBridge Scheduler did not answer, or not this function."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule. `function` is the name of the Lambda function that it fires, "" where it fires something else.

    `window_minutes` is its flexible window; `modified`, `begins` and `ends` are aware.
    """

    name: str
    arn: str
    expression: str
    zone: str
    enabled: bool
    function: str
    input: str | None
    window_minutes: int
    modified: datetime
    begins: datetime | None
    ends: datetime | None

    @classmethod
    def from_api(cls, full: Mapping[str, Any]) -> Self:
        """The schedule that GetSchedule answered."""
        target = full["Target"]
        parts = target["Arn"].split(":")
        return cls(
            name=full["Name"],
            arn=full["Arn"],
            expression=full["ScheduleExpression"],
            zone=full.get("ScheduleExpressionTimezone") or "UTC",
            enabled=(full.get("State") or "ENABLED") == "ENABLED",
            function=parts[6] if parts[2] == "lambda" and len(parts) > 6 else "",
            input=target.get("Input"),
            window_minutes=(full.get("FlexibleTimeWindow") or {}).get("MaximumWindowInMinutes") or 0,
            modified=full["LastModificationDate"].astimezone(UTC),
            begins=full.get("StartDate"),
            ends=full.get("EndDate"),
        )

    @property
    def shop(self) -> str:
        """Whose schedule it is: the shop that its input names, else the stack's own."""
        try:
            said = json.loads(self.input or "{}")
        except ValueError:
            return MAIN_SHOP
        return str(said.get("shop", MAIN_SHOP)) if isinstance(said, Mapping) else MAIN_SHOP

    def due_between(self, after: datetime, until: datetime) -> list[datetime]:
        """When it is due in (after, until], in UTC, within its own dates; never while it is disabled.

        Raises InvalidSchedule.
        """
        if not self.enabled:
            return []
        instant = timedelta(microseconds=1)
        first = max(after + instant, self.begins) if self.begins else after + instant
        last = min(until + instant, self.ends) if self.ends else until + instant
        return due_times(self.expression, self.zone, first, last) if first < last else []

    def skipped_between(self, after: datetime, until: datetime) -> list[SkippedTime]:
        """Its times that clocks skipped by going forward in (after, until], since it was last changed. Raises InvalidSchedule."""
        first = max(after, self.modified, self.begins or after)
        last = min(until, self.ends or until)
        instant = timedelta(microseconds=1)
        if not self.enabled or first >= last:
            return []
        return skipped_times(self.expression, self.zone, first + instant, last + instant)

    def event(self, due: datetime) -> Any:
        """The event of the firing at `due`, as its function gets it. Raises InvalidJobEvent for an input that is no JSON."""
        scheduled = f"{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if self.input is None:  # what EventBridge sends then
            return {"source": "aws.scheduler", "detail-type": "Scheduled Event", "time": scheduled, "detail": "{}"}
        text = self.input
        for attribute, value in {"schedule-arn": self.arn, "scheduled-time": scheduled}.items():
            text = text.replace(f"<aws.scheduler.{attribute}>", value)
        try:
            return json.loads(text)
        except ValueError as error:
            raise InvalidJobEvent(f"Its input is not JSON: {error}.", action="Correct the schedule's input.") from None


def name_prefix(stack: str, shop: str) -> str:
    """What the names of a shop's schedules begin with."""
    return f"{stack}-" if shop == MAIN_SHOP else f"{shop_id(shop)}--"


def names_in(client: Any, group: str, prefix: str) -> list[str]:
    """The names of the group's schedules that begin so. Raises the SDK's errors."""
    pages = client.get_paginator("list_schedules").paginate(
        GroupName=group, **({"NamePrefix": prefix} if prefix else {})
    )
    return [summary["Name"] for page in pages for summary in page["Schedules"]]


def list_schedules(client: Any, group: str, *, shop: str = MAIN_SHOP, prefix: str = "") -> list[Schedule]:
    """A shop's schedules among those of the group whose names begin so, enabled or not, by name. Raises SchedulesUnreadable."""
    try:
        names = names_in(client, group, prefix)
        every = [Schedule.from_api(client.get_schedule(Name=name, GroupName=group)) for name in names]
        found = [schedule for schedule in every if schedule.shop == shop]
    except (ClientError, BotoCoreError) as error:
        raise SchedulesUnreadable(
            f"The schedules of the group {group} could not be read: {error}.",
            action="Check that the function's role may list and get them, and EventBridge Scheduler's health.",
        ) from error
    return sorted(found, key=lambda schedule: schedule.name)
