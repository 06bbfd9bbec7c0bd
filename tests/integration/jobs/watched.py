"""A stack whose schedules the watchdog watches, on a clock that the test moves."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from salesflow.ledger import Ledger, RunStatus
from salesflow.ledger.claim import Claim
from salesflow.rows import Rows
from tests.stand_ins.clocks import HandClock
from tests.stand_ins.lambda_context import Context

if TYPE_CHECKING:
    from tests.integration.jobs.conftest import System

SALES_INPUT = {
    "schedule": "scheduled-sales-pdf",
    "scheduled_time": "<aws.scheduler.scheduled-time>",
    "report_type": "sales",
    "formats": ["pdf"],
    "period": "daily",
}


SALES = "report/sales/daily/pdf"
SYNC_INPUT = {"schedule": "sync-history-hourly", "scheduled_time": "<aws.scheduler.scheduled-time>"}
MADE = datetime(2026, 11, 21, 6, tzinfo=UTC)
"""When the schedules of most tests were made; nothing before is anybody's business."""


def utc(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def put_schedule(
    scheduler: Any,
    stack: str,
    name: str,
    expression: str,
    fields: dict[str, Any],
    *,
    function: str = "report",
    zone: str = "Asia/Shanghai",
    state: str = "ENABLED",
    changed: datetime = MADE,
) -> None:
    """Create a schedule in a stack's group, or change it; `changed` is when that happened."""
    full: dict[str, Any] = {
        "Name": name,
        "GroupName": stack,
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": zone,
        "State": state,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": f"arn:aws:lambda:ap-southeast-1:123456789012:function:{stack}-{function}",
            "RoleArn": "arn:aws:iam::123456789012:role/fires",
            "Input": json.dumps(fields),
        },
    }
    known = {schedule["Name"] for schedule in scheduler.list_schedules(GroupName=stack)["Schedules"]}
    (scheduler.update_schedule if name in known else scheduler.create_schedule)(**full)
    groups = get_backend("scheduler")["123456789012"]["ap-southeast-1"].schedule_groups
    groups[stack].schedules[name].last_modified_date = changed.timestamp()


class Watched:
    """A stack with schedules of its own, on a clock that the test moves; 07:00 in Shanghai is 23:00 UTC of the day before."""

    def __init__(self, system: System, clock: HandClock, stack: str) -> None:
        self.system, self.clock, self.stack = system, clock, stack
        self.scheduler = system.clients.scheduler
        self.scheduler.create_schedule_group(Name=stack)
        self.ledger = Ledger(Rows(system.clients.dynamodb, system.table))
        self.handler: Callable[[Any, Any], dict[str, Any]] | None = None

    def put(self, name: str, expression: str, fields: dict[str, Any], **how: Any) -> None:
        """Create a schedule of the stack's own, or change it."""
        put_schedule(self.scheduler, self.stack, f"{self.stack}-{name}", expression, fields, **how)

    def sales(self, **how: Any) -> None:
        self.put("scheduled-sales-pdf", "cron(0 7 * * ? *)", SALES_INPUT, **how)

    def claim(self, due: datetime, identity: str = SALES, business_date: date | None = None) -> Claim:
        """What the job does first when it is fired at `due`."""
        claim = self.ledger.claim(
            identity,
            business_date or (due + timedelta(hours=8)).date() - timedelta(days=1),
            request_id=str(uuid.uuid4()),
            schedule="scheduled",
            scheduled_time=due,
            force=False,
            day_is_over=True,
        )
        assert isinstance(claim, Claim)
        return claim

    def ran(
        self, due: datetime, status: RunStatus = RunStatus.SUCCEEDED, reason: str = "ok", *, identity: str = SALES
    ) -> None:
        """A run that began when it was due and ended a minute later."""
        now, self.clock.moment = self.clock.moment, due
        with self.claim(due, identity) as claim:
            self.clock.advance(minutes=1)
            claim.finish(status, reason=reason)
        self.clock.moment = now

    def look(self, moment: datetime, **fields: Any) -> dict[str, Any]:
        """Fire the watchdog at a moment, in a container that is warm after the first time."""
        self.handler = self.handler or self.system.load("watchdog")
        self.clock.moment = moment
        event = {"schedule": "watchdog-hourly", "scheduled_time": moment.isoformat(), **fields}
        answer: dict[str, Any] = json.loads(json.dumps(self.handler(event, Context())))
        assert answer["job"] == "watchdog"
        return answer

    def told(self) -> list[str]:
        """Subjects of all mails so far, without their references."""
        return [re.sub(r" \[SF-\w+\]$", "", mail["Subject"]) for mail in self.system.mails()]

    def text(self, number: int = -1) -> str:
        return self.system.mails()[number].get_body(("plain",)).get_content()  # type: ignore[union-attr]
