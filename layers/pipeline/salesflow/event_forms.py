"""The three forms of an event: a schedule's input, an EventBridge rule's event, and a job's own fields."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from salesflow.errors import InvalidJobEvent

type Trigger = Literal["schedule", "rule", "manual"]

# Wider than any shop's life, and narrow enough that windows and zones never leave the calendar of `datetime`.
FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9000
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


def refused(problem: str) -> InvalidJobEvent:
    """What refuses an event, with the problem in words."""
    return InvalidJobEvent(
        f"The event was refused and nothing was run: {problem}.", action="Correct the event and fire the job again."
    )


def unwrapped(event: Mapping[str, Any]) -> tuple[dict[str, Any], str, datetime | None, Trigger]:
    """The job's own fields, the schedule's name, its time, and how the job was fired. Raises InvalidJobEvent."""
    if event.get("source") == "aws.events":
        detail = event.get("detail", {})
        if isinstance(detail, str):
            try:
                detail = json.loads(detail or "{}")
            except ValueError:
                raise refused("detail is a string that is not JSON; write the job's fields as a JSON object") from None
        if detail is None:
            detail = {}
        if not isinstance(detail, Mapping):
            raise refused("detail must be a JSON object with the job's fields")
        resources = event.get("resources") or ["rule"]
        if not isinstance(resources, list) or not isinstance(resources[0], str):
            raise refused("resources must be a list that names the rule's ARN")
        return dict(detail), resources[0].rpartition("/")[2], _moment(event.get("time"), "time"), "rule"
    own = dict(event)
    own.pop("request_id", None)
    schedule = own.pop("schedule", None)
    scheduled_time = _moment(own.pop("scheduled_time", None), "scheduled_time")
    if schedule is None:
        return own, "manual", scheduled_time, "manual"
    if not isinstance(schedule, str) or not schedule.strip():
        raise refused("schedule must be the schedule's name")
    return own, schedule, scheduled_time, "schedule"


def request_id_of(value: object) -> str:
    """The request that an event from the queue was first fired as; "" for a new one. Raises InvalidJobEvent."""
    if value is None:
        return ""
    if isinstance(value, str) and _REQUEST_ID.fullmatch(value):
        return value
    raise refused(f"request_id {str(value)[:80]!r} is no request's id (letters, digits and hyphens)")


def _moment(value: object, field: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise refused(f"{field} {str(value)[:80]!r} is no moment with a zone, such as 2026-11-22T23:00:00Z")
    if not FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise refused(f"{field} {str(value)[:80]!r} lies outside the years {FIRST_YEAR} to {_LAST_YEAR}")
    return moment
