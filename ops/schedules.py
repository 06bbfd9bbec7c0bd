"""The schedules of a stack: those that its template made, and those that an operator put by hand beside them.

Both lie in the stack's own group, where the watchdog finds them. The template's are those that CloudFormation counts among
the stack's resources. It knows nothing of the others, so that a deployment neither removes nor changes them; and nothing
here changes one of the template's, which the next deployment would undo: what is raised says which parameter to set instead.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from botocore.exceptions import ClientError

from ops.complaints import Misused, NotFound
from ops.target import Stack
from salesflow import clock
from salesflow.job_events import AnomalyCheckFields, ReportFields, Scope
from salesflow.shop_id import MAIN_SHOP
from salesflow.shops.registry import ShopState
from salesflow.watch.due_times import InvalidSchedule, due_times, skipped_times
from salesflow.watch.expected import Expectations
from salesflow.watch.schedules import Schedule, name_prefix, names_in
from salesflow.windows import Period

SCHEDULE = "AWS::Scheduler::Schedule"
BY_HAND = "Put by hand (salesflow-ops schedules put)"
LONGEST_NAME = 64
SPREAD_MINUTES = 15
"""The flexible time window of other shops' schedules: thousands that are due at seven do not all fire at seven."""
A_YEAR = timedelta(days=366)
SPANS = tuple(timedelta(days=days) for days in (8, 40, 400, 3000))
"""How far ahead due times are looked for, step by step: most schedules are due within a week, 29 February within eight years."""

TARGET = ("Arn", "RoleArn", "DeadLetterConfig", "RetryPolicy")
"""What a schedule's target is taken over with from one of the template's."""

_ID = re.compile(r"[0-9A-Za-z_.-]+", re.ASCII)

KNOBS: Mapping[str, str] = {
    "scheduled-sales-pdf": "SalesPdfCron",
    "scheduled-stock-excel": "StockExcelCron",
    "scheduled-combined-weekly": "CombinedWeeklyCron",
    "scheduled-combined-monthly": "CombinedMonthlyCron",
    "forecast": "ForecastCron",
    "anomaly-check": "AnomalyCheckCron",
    "anomaly-check-products": "AnomalyProductsCron",
    "sync-history-nightly": "SyncNightlyCron",
    "sync-history-hourly": "SyncHourlyCron",
    "watchdog-hourly": "WatchdogCron",
}
"""The Parameter of each of the template's schedules: its cron expression, empty where it is off."""
NEVER = "cron(0 0 1 1 ? 2199)"
"""The expression of one that is off: EventBridge takes none that is empty."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A schedule as it stands. `id` is its name without the stack's; `by_hand` whether an operator put it."""

    id: str
    schedule: Schedule
    by_hand: bool
    description: str


type MailingFields = ReportFields | AnomalyCheckFields
"""What a schedule that is put by hand may fire."""

_SAID: Mapping[str, frozenset[str]] = {
    "report": frozenset({"report_type", "formats", "period"}),
    "anomaly_check": frozenset({"scope", "period"}),
}
"""What stands in the event of a schedule that is put by hand, by its job."""


@dataclass(frozen=True, slots=True)
class WantedSchedule:
    """A report or a check that is wanted at certain times: `expression` is `cron(...)`, read in `zone`."""

    fields: MailingFields
    expression: str
    zone: str
    id: str
    enabled: bool = True

    @property
    def job(self) -> str:
        """The job that it fires."""
        return "report" if isinstance(self.fields, ReportFields) else "anomaly_check"

    @property
    def input(self) -> str:
        """What the function is given, as the template's own schedules give it."""
        said = self.fields.model_dump(mode="json", include=set(_SAID[self.job]))
        return json.dumps({"schedule": self.id, "scheduled_time": "<aws.scheduler.scheduled-time>", **said})

    def name_in(self, stack: Stack) -> str:
        """The schedule's name in the stack's group."""
        return name_prefix(stack.name, stack.shop) + self.id


def usual_id(fields: MailingFields) -> str:
    """`scheduled-{report_type}-{format}`, as the old service named it, other periods than daily named behind it; `anomaly-check-{period}`."""
    if isinstance(fields, AnomalyCheckFields):
        return f"anomaly-check{'-products' if fields.scope is Scope.PRODUCT else ''}-{fields.period}"
    name = f"scheduled-{fields.report_type}-{'-'.join(fields.formats)}"
    return name if fields.period is Period.DAILY else f"{name}-{fields.period}"


def every(stack: Stack) -> list[Standing]:
    """All schedules of the shop in the stack's group, by id."""
    client, group = stack.client("scheduler"), stack.schedule_group
    is_alone = stack.shop == MAIN_SHOP and stack.registry.is_alone()
    names = names_in(client, group, "" if is_alone else name_prefix(stack.name, stack.rows.shop))
    found = (_standing(stack, client.get_schedule(Name=name, GroupName=group)) for name in names)
    return sorted((one for one in found if one.schedule.shop == stack.shop), key=lambda s: s.id)


def find(stack: Stack, name: str) -> Standing:
    """The schedule of this id (the stack's name before it is accepted). Raises NotFound, naming those that come close."""
    standing = _get(stack, _id_of(stack, name))
    if standing is not None:
        return standing
    ids = [standing.id for standing in every(stack)]
    close = difflib.get_close_matches(name, ids, n=3, cutoff=0.4)
    hint = f"Near it: {', '.join(close)}." if close else f"There are {', '.join(ids) or 'none'}."
    raise NotFound(f"{stack.called} has no schedule {name}.", action=hint)


def next_times(schedule: Schedule | WantedSchedule, now: datetime, count: int) -> list[datetime]:
    """The next `count` due times, in UTC; fewer where there are no more. Raises InvalidSchedule."""
    found: list[datetime] = []
    for span in SPANS:
        if isinstance(schedule, Schedule):
            found = schedule.due_between(now, now + span)
        else:
            found = due_times(schedule.expression, schedule.zone, now, now + span)
        if len(found) >= count:
            break
    return found[:count]


def check(stack: Stack, wanted: WantedSchedule, now: datetime) -> list[datetime]:
    """The next five due times of a schedule that is wanted. Raises Misused where it makes no sense."""
    name = wanted.name_in(stack)
    if not _ID.fullmatch(wanted.id) or len(name) > LONGEST_NAME:
        raise Misused(
            f"{name} cannot be a schedule's name.",
            action=f"A name has at most {LONGEST_NAME} characters, of letters, digits, '.', '_' and '-'.",
        )
    if wanted.zone not in available_timezones():
        near = difflib.get_close_matches(wanted.zone, available_timezones(), n=3)
        hint = f"Near it: {', '.join(near)}." if near else "Write it as Asia/Shanghai."
        raise Misused(f"{wanted.zone!r} is no IANA time zone.", action=hint)
    try:
        due = next_times(wanted, now, 5)
    except InvalidSchedule as error:
        raise Misused(f"{error.message.rstrip('.')}.", action="Correct the times or the zone.") from None
    if not due:
        raise Misused(f"{wanted.expression} is never due.", action="Choose times that come.")
    return due


def skipped(expression: str, zone: str, now: datetime) -> list[date]:
    """The days of the next year on which clocks skip the time that it would be due at, and nothing is due soon after. Raises InvalidSchedule."""
    return [one.wall.date() for one in skipped_times(expression, zone, now, now + A_YEAR)]


def put(stack: Stack, wanted: WantedSchedule) -> bool:
    """Register the schedule, or replace the one of its id; whether there was one. Of a shop that is paused it stands still (see `state_of`).

    Its target is as the template's schedules have it: function, role, retries, dead-letter queue. Raises Misused where
    the id is the template's.
    """
    if is_template_s(stack, wanted.id):
        raise _template_s(wanted.id, time_parameters(stack, wanted))
    before = _get(stack, wanted.id)
    client = stack.client("scheduler")
    request = {
        "Name": wanted.name_in(stack),
        "GroupName": stack.schedule_group,
        "Description": BY_HAND,
        "ScheduleExpression": wanted.expression,
        "ScheduleExpressionTimezone": wanted.zone,
        "FlexibleTimeWindow": window_of(stack),
        "State": state_of(stack, wanted.id, enabled=wanted.enabled),
        "Target": {**_target(stack, wanted.job), "Input": input_of(stack, wanted.input)},
    }
    for _ in range(2):  # somebody else may put or remove it in the same moment
        try:
            (client.update_schedule if before is not None else client.create_schedule)(**request)
        except client.exceptions.ConflictException:
            before = _get(stack, wanted.id)
        except client.exceptions.ResourceNotFoundException:
            if before is None:
                raise
            before = None
        else:
            break
    keep_expected(stack, wanted.id)
    return before is not None


def set_enabled(stack: Stack, standing: Standing, *, enabled: bool) -> None:
    """Let a schedule that was put by hand fire, or not. Raises Misused for one of the template's."""
    if not standing.by_hand:
        raise _template_s(standing.id, state_parameter(stack, standing, enabled=enabled))
    change(stack, standing, State=state_of(stack, standing.id, enabled=enabled))


def state_of(stack: Stack, schedule_id: str, *, enabled: bool) -> str:
    """How a schedule stands that is to fire, or not: of a shop that is paused none fires, and this notes which will when it is resumed."""
    member = stack.registry.get(stack.shop)
    if member.state is ShopState.PAUSED:
        others = set(member.paused) - {schedule_id}
        stack.registry.mark(member.id, member.state, paused=others | {schedule_id} if enabled else others)
    return "ENABLED" if enabled and member.state is not ShopState.PAUSED else "DISABLED"


def change(stack: Stack, standing: Standing, **changes: str) -> None:
    """Change what a schedule says, and nothing else of it."""
    client = stack.client("scheduler")
    full = client.get_schedule(Name=standing.schedule.name, GroupName=stack.schedule_group)
    known = client.meta.service_model.operation_model("UpdateSchedule").input_shape.members
    request = {key: value for key, value in full.items() if key in known}  # an update replaces all that it does not say
    client.update_schedule(**request | changes)
    keep_expected(stack, standing.id)


def remove(stack: Stack, standing: Standing) -> None:
    """Remove a schedule that was put by hand. Raises Misused for one of the template's."""
    if not standing.by_hand:
        raise _template_s(standing.id, state_parameter(stack, standing, enabled=False))
    stack.client("scheduler").delete_schedule(Name=standing.schedule.name, GroupName=stack.schedule_group)
    keep_expected(stack, standing.id)


def keep_expected(stack: Stack, schedule_id: str) -> None:
    """Tell the watchdog by when a schedule of another shop than the stack's own has to have done its work, as it stands now."""
    if stack.shop == MAIN_SHOP:
        return
    expected = Expectations(stack.rows, timedelta(minutes=stack.settings.watch_grace_minutes))
    standing = _get(stack, schedule_id)
    if standing is None or not standing.schedule.enabled:
        expected.forget(schedule_id)
    else:
        expected.expect(schedule_id, standing.schedule, clock.now())


def same_work(stack: Stack, wanted: WantedSchedule) -> dict[str, bool]:
    """The other enabled schedules that make the same report in one of its formats or more, or do the same check, by id.

    The value says whether it is the same work: then whichever comes second answers DUPLICATE, else both run.
    """
    found: dict[str, bool] = {}
    for standing in every(stack):
        if standing.schedule.function != stack.function(wanted.job).name:
            continue
        if not standing.schedule.enabled or standing.id == wanted.id:
            continue
        try:
            given = json.loads(standing.schedule.input or "{}")
            said = {name: given[name] for name in (*_SAID[wanted.job], "format") if name in given}
            fields = type(wanted.fields).model_validate(said)
        except ValueError:
            continue
        if _overlap(fields, wanted.fields):
            found[standing.id] = fields.identity == wanted.fields.identity
    return found


def _overlap(one: MailingFields, other: MailingFields) -> bool:
    if isinstance(one, ReportFields) and isinstance(other, ReportFields):
        is_same = (one.report_type, one.period) == (other.report_type, other.period)
        return is_same and not set(one.formats).isdisjoint(other.formats)
    return one.identity == other.identity


def state_parameter(stack: Stack, standing: Standing, *, enabled: bool) -> dict[str, str]:
    """The stack's parameter that pauses or resumes one of the template's schedules, with its value; {} for all others.

    A schedule that is off has no hour of its own: it is resumed at the template's. Raises Misused where that has none either.
    """
    knob = KNOBS.get(standing.id, "")
    if standing.by_hand or knob not in stack.parameters:
        return {}
    if not enabled:
        return {knob: ""}
    from ops.first_answers import declared  # reads the template

    cron = stack.parameters[knob] or str(declared()[knob]["Default"])
    if not cron:
        raise Misused(
            f"{standing.id} is off and has no hour.",
            action=f"Say one: schedules put ... --id {standing.id} --at 06:45 --deploy.",
        )
    return {knob: cron}


def time_parameters(stack: Stack, wanted: WantedSchedule) -> dict[str, str]:
    """The stack's parameter, with its value, that lets one of the template's schedules fire as wanted; {} where it is none of them,
    and where they cannot say it, as all of them fire in the shop's zone."""
    knob = KNOBS.get(wanted.id, "") if stack.shop == MAIN_SHOP else ""
    if wanted.zone != stack.parameters.get("TimeZone") or knob not in stack.parameters:
        return {}
    return {knob: wanted.expression.removeprefix("cron(").removesuffix(")") if wanted.enabled else ""}


def is_template_s(stack: Stack, schedule_id: str) -> bool:
    """Whether the stack's template has a schedule of this id: those of its own shop alone are."""
    return stack.shop == MAIN_SHOP and f"{stack.name}-{schedule_id}" in stack.physical_ids(SCHEDULE)


def window_of(stack: Stack) -> dict[str, Any]:
    """How exactly the shop's schedules fire: those of other shops than the stack's own spread over a quarter of an hour."""
    if stack.shop == MAIN_SHOP:
        return {"Mode": "OFF"}
    return {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": SPREAD_MINUTES}


def input_of(stack: Stack, text: str) -> str:
    """A schedule's input for the shop: another than the stack's own is named in it."""
    return text if stack.shop == MAIN_SHOP else json.dumps({"shop": stack.shop, **json.loads(text)})


def _template_s(schedule_id: str, changes: Mapping[str, str]) -> Misused:
    """Why one of the template's schedules is not touched here, and what to set instead."""
    settings = " ".join(f'{name}="{value}"' for name, value in changes.items())
    instead = (
        f"Say --deploy to set {settings} on the stack now, or deploy with them: sam deploy --parameter-overrides {settings}"
        if changes
        else "Change template.yaml and deploy, or put one of your own beside it with --id."
    )
    return Misused(
        f"{schedule_id} is the template's: were it changed here, the next deployment would undo it.", action=instead
    )


def _get(stack: Stack, name: str) -> Standing | None:
    client = stack.client("scheduler")
    try:
        full = client.get_schedule(Name=name_prefix(stack.name, stack.rows.shop) + name, GroupName=stack.schedule_group)
        return _standing(stack, full)
    except client.exceptions.ResourceNotFoundException:
        return None


def _standing(stack: Stack, full: Mapping[str, Any]) -> Standing:
    schedule = Schedule.from_api(full)
    by_hand = not is_template_s(stack, _id_of(stack, schedule.name))
    return Standing(_id_of(stack, schedule.name), schedule, by_hand, full.get("Description") or "")


def _id_of(stack: Stack, name: str) -> str:
    return name.removeprefix(name_prefix(stack.name, stack.shop))


def _target(stack: Stack, job: str) -> dict[str, Any]:
    """Function, role, retries and dead-letter queue, as one of the template's own schedules of the job has them."""
    client, function = stack.client("scheduler"), stack.function(job).arn
    for name in sorted(stack.physical_ids(SCHEDULE)):
        try:
            target = client.get_schedule(Name=name, GroupName=stack.schedule_group)["Target"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            continue  # somebody removed one of the template's
        if target["Arn"] == function:
            return {key: target[key] for key in TARGET if key in target}
    raise NotFound(f"No schedule of the stack {stack.name} fires {function}.", action="Deploy the stack again.")
