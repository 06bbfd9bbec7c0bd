"""Is the stack there and whole, and can its functions start?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from botocore.exceptions import ClientError

from ops.complaints import Failed
from ops.doctor.findings import Finding, Look, Patient, fail, ok, warn
from ops.quota import REQUEST, left_unreserved
from salesflow.errors import InvalidSettings, SalesFlowError
from salesflow.settings import Settings

MIB = 1 << 20
MAIL_EVENTS = "MailEventsFunction"
FUNCTIONS = (
    "ReportFunction",
    "SyncHistoryFunction",
    "ForecastFunction",
    "AnomalyCheckFunction",
    "WatchdogFunction",
    MAIL_EVENTS,
)
PARTS = (
    *(name for name in FUNCTIONS if name != MAIL_EVENTS),  # made only where mail goes out from the stack's own region
    "ReportsBucket",
    "StateTable",
    "SystemTokenSecret",
    "ScheduleGroup",
    "UndeliveredSchedules",
    "FailedRuns",
    "OwnerTopic",
)
DEPLOY = "salesflow-ops deploy"
ENOUGH_AT_ONCE = 20
"""Firings of one hour, their retries, and some room for the rest of the account."""
TOO_FEW_AT_ONCE = 5
ROLLED_BACK = "UPDATE_ROLLBACK_COMPLETE"


def stack(patient: Patient) -> Iterator[Finding]:
    """Whether CloudFormation has it, whole."""
    name, region = patient.stack.name, patient.stack.region
    try:
        status = patient.stack.status
    except ClientError as error:
        if "does not exist" not in error.response["Error"].get("Message", ""):
            raise
        yield fail(
            "stack", f"there is no stack {name} in {region}", fix=f"{DEPLOY}; or say --stack, --region, --profile"
        )
        return
    if status.endswith("_IN_PROGRESS"):
        yield warn("stack", f"{name} is being changed ({status})", fix="wait until CloudFormation is done, look again")
    elif status == ROLLED_BACK:
        yield warn(
            "stack", f"the last deployment of {name} was rolled back", fix="its events say why; sam deploy again"
        )
    elif not status.endswith("_COMPLETE") or "ROLLBACK" in status or "DELETE" in status:
        yield fail(
            "stack", f"{name} is {status}", fix="its events say why; delete it if it never worked, then sam deploy"
        )
    else:
        yield ok("stack", f"{name} in {region} is {status}")
    lacking = [part for part in PARTS if part not in patient.stack.resources]
    if lacking:
        yield fail("parts of the stack", f"it lacks {', '.join(lacking)}", fix=f"deploy this template: {DEPLOY}")


def functions(patient: Patient) -> Iterator[Finding]:
    """Whether each function is active and its environment one that it starts with."""
    client = patient.stack.client("lambda")
    sizes, sick = [], False
    for logical_id in FUNCTIONS:
        if logical_id not in patient.stack.resources:
            continue
        name = patient.stack.physical_id(logical_id)
        try:
            found = client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            sick = True
            yield fail("functions", f"{name} is gone", fix="deploy again; deleted by hand, it needs a new stack")
            continue
        sizes.append(found["CodeSize"] + sum(layer.get("CodeSize", 0) for layer in found.get("Layers", ())))
        for finding in _function(name, found):
            sick = True
            yield finding
    if not sick:
        largest = max(sizes, default=0) / MIB
        yield ok("functions", f"{len(sizes)} are active, their settings good, at most {largest:.0f} MB zipped")


def _function(name: str, found: dict[str, Any]) -> Iterator[Finding]:
    """What is wrong with one function."""
    if found.get("State", "Active") not in {"Active", "Inactive"}:
        why = found.get("StateReason", "no reason given")
        yield fail("functions", f"{name} is {found['State']}: {why}", fix="wait a minute; deploy again if it stays so")
    if found.get("LastUpdateStatus") == "Failed":
        why = found.get("LastUpdateStatusReason", "no reason given")
        yield fail("functions", f"the last update of {name} failed: {why}", fix="sam deploy again")
    try:
        Settings.from_environment(found.get("Environment", {}).get("Variables", {}))
    except InvalidSettings as error:
        yield fail("settings", f"{name}: {error.message}", fix=error.action)


def concurrency(patient: Patient) -> Iterator[Finding]:
    """Whether Lambda lets the functions run: the account's quota, and what each has reserved."""
    client = patient.stack.client("lambda")
    for logical_id in FUNCTIONS:
        if logical_id not in patient.stack.resources:
            continue
        name = patient.stack.physical_id(logical_id)
        if client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions") == 0:
            yield fail(
                "concurrency",
                f"{name} is switched off: it may run 0 times at once",
                fix=f"aws lambda delete-function-concurrency --function-name {name}",
            )
    left = left_unreserved(client)
    if left < TOO_FEW_AT_ONCE:
        yield fail("Lambda quota", f"the account may run {left} functions at once", fix=REQUEST)
    elif left < ENOUGH_AT_ONCE:
        yield warn("Lambda quota", f"the account may run {left} functions at once, with all else in it", fix=REQUEST)
    else:
        yield ok("Lambda quota", f"{left} functions may run at once")


def zone(patient: Patient) -> Iterator[Finding]:
    """Whether the shop's time zone is one."""
    key = patient.stack.function("report").environment.get("TIMEZONE", "")
    try:
        there = patient.now.astimezone(ZoneInfo(key))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fix = "set TimeZone to an IANA name such as Asia/Shanghai, and deploy"
        yield fail("time zone", f"{key!r} is no time zone", fix=fix)
        return
    yield ok("time zone", f"{key}, where it is {there:%a %H:%M}")


def settings(patient: Patient) -> Iterator[Finding]:
    """Whether the shop's row is one that a run can go by, and no Parameter was changed in vain."""
    stack = patient.stack
    try:
        number = stack.settings_version.number
        name = stack.settings.shop_name
    except (SalesFlowError, Failed) as error:
        yield fail("settings", error.message, fix=error.action)
        return
    said = f"version {number} of the shop's row" if number else "nothing set: those of the Parameters"
    yield ok("settings", f"{said} ({name})" if name else said)


LOOKS = (
    Look("functions", ("lambda:GetFunctionConfiguration",), functions),
    Look("settings", ("lambda:GetFunctionConfiguration", "dynamodb:Query"), settings),
    Look("Lambda quota", ("lambda:GetAccountSettings", "lambda:GetFunctionConcurrency"), concurrency),
    Look("time zone", ("lambda:GetFunctionConfiguration",), zone),
)
