"""Does every schedule fire when, as, and how the operator was told?"""

import json
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from local.cloud.template import load_template
from salesflow.formats import Format, ReportType
from salesflow.job_events import ForecastFields, JobRequest, ReportFields, SyncHistoryFields
from salesflow.watch.due_times import due_times
from salesflow.watch.schedules import Schedule
from salesflow.watch.ticks import tick_of
from salesflow.windows import Period
from tests.unit.template.stack import TEMPLATE, Resource, functions, parameters, referred, resources, schedules

SHANGHAI = ZoneInfo("Asia/Shanghai")
PREFIX = "${AWS::StackName}-"
EXPECTED = {
    "scheduled-sales-pdf": (ReportType.SALES, (Format.PDF, Format.EXCEL), Period.DAILY),
    "scheduled-stock-excel": (ReportType.STOCK, (Format.EXCEL,), Period.DAILY),
    "scheduled-combined-weekly": (ReportType.COMBINED, (Format.PDF, Format.EXCEL), Period.WEEKLY),
    "scheduled-combined-monthly": (ReportType.COMBINED, (Format.PDF, Format.EXCEL), Period.MONTHLY),
}
CHECKS = {"anomaly-check": "GLOBAL", "anomaly-check-products": "PRODUCT"}


def by_name() -> dict[str, Resource]:
    return {s["Name"]["Fn::Sub"].removeprefix(PREFIX): s for s in schedules().values()}


def target_of(schedule: Resource) -> str:
    (function,) = referred(schedule["Target"]["Arn"]) & functions().keys()
    return function


def expression(schedule: Resource) -> str:
    """The cron expression with the Parameters' defaults."""
    found: str = schedule["ScheduleExpression"]["Fn::If"][2]["Fn::Sub"]
    for name, parameter in parameters().items():
        found = found.replace(f"${{{name}}}", str(parameter.get("Default", "")))
    return found


def payload(schedule: Resource, scheduled_time: str = "2026-11-22T23:00:00Z") -> dict[str, Any]:
    given: dict[str, Any] = json.loads(
        schedule["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", scheduled_time)
    )
    return given


def test_the_stack_has_the_schedules_that_the_shop_had_and_its_own_syncs() -> None:
    assert by_name().keys() == {
        *EXPECTED,
        "sync-history-nightly",
        "watchdog-hourly",
        "sync-history-hourly",
        "forecast",
        *CHECKS,
    }


@pytest.mark.parametrize("name", by_name())
def test_every_schedule_is_in_the_shop_s_zone_and_on_the_minute(name: str) -> None:
    schedule = by_name()[name]
    assert schedule["ScheduleExpressionTimezone"] == {"Ref": "TimeZone"}
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    (parameter,) = referred(schedule["ScheduleExpression"])
    chosen = schedule["ScheduleExpression"]["Fn::If"][2]
    assert chosen == {"Fn::Sub": f"cron(${{{parameter}}})"}, "a rate drifts, and begins at the deployment"


@pytest.mark.parametrize("name", by_name())
def test_every_schedule_gives_up_in_time_and_says_so(name: str) -> None:
    target = by_name()[name]["Target"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 8, "MaximumEventAgeInSeconds": 3600}
    assert referred(target["DeadLetterConfig"]) == {"UndeliveredSchedules"}
    assert referred(target["RoleArn"]) == {"SchedulerRole"}


@pytest.mark.parametrize("name", by_name())
def test_every_schedule_belongs_to_this_stack_alone(name: str) -> None:
    schedule = by_name()[name]
    assert schedule["Name"]["Fn::Sub"] == PREFIX + name
    assert schedule["GroupName"] == {"Ref": "ScheduleGroup"}


@pytest.mark.parametrize("name", by_name())
def test_every_schedule_can_be_switched_off(name: str) -> None:
    schedule = by_name()[name]
    (parameter,) = referred(schedule["ScheduleExpression"])
    off = parameter.removesuffix("Cron") + "IsOff"
    assert schedule["State"] == {"Fn::If": [off, "DISABLED", "ENABLED"]}
    assert load_template(TEMPLATE)["Conditions"][off] == {"Fn::Equals": [{"Ref": parameter}, ""]}
    condition, never, _ = schedule["ScheduleExpression"]["Fn::If"]
    assert condition == off, "an empty expression is none, also of a schedule that is off"
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert due_times(never, SHANGHAI, now, now + timedelta(days=3000)) == []


def test_the_watchdog_knows_which_run_each_schedule_should_leave() -> None:
    """By the function that it fires: a job that the watchdog does not know would go unwatched."""
    for name, schedule in by_name().items():
        function = functions()[target_of(schedule)]["FunctionName"]["Fn::Sub"].replace("${AWS::StackName}", "shop")
        due = datetime(2026, 11, 22, 23, tzinfo=UTC)
        known = Schedule(
            name=f"shop-{name}",
            arn="",
            expression="cron(0 7 * * ? *)",
            zone="Asia/Shanghai",
            enabled=True,
            function=function,
            input=schedule["Target"]["Input"],
            window_minutes=0,
            modified=due,
            begins=None,
            ends=None,
        )
        tick = tick_of(known, due, stack="shop", zone=SHANGHAI)
        assert tick.identity.startswith(tick.job)
        assert tick.business_date == date(2026, 11, 22)


def test_no_two_schedules_share_a_knob() -> None:
    own = [referred(s["ScheduleExpression"]) for s in schedules().values()]
    assert len(set.union(*own)) == sum(map(len, own))


@pytest.mark.parametrize("name", by_name())
def test_the_input_says_which_schedule_it_was_and_when_it_was_due(name: str) -> None:
    given = payload(by_name()[name])
    assert given["schedule"] == name
    assert given["scheduled_time"] == "2026-11-22T23:00:00Z"


@pytest.mark.parametrize("name", EXPECTED)
def test_a_report_s_input_is_the_report_that_its_name_says(name: str) -> None:
    schedule = by_name()[name]
    assert target_of(schedule) == "ReportFunction"
    request = JobRequest.from_event(
        payload(schedule), ReportFields, now=datetime(2026, 11, 23, tzinfo=UTC), zone=SHANGHAI
    )
    assert (request.fields.report_type, request.fields.formats, request.fields.period) == EXPECTED[name]
    assert request.business_date == date(2026, 11, 22), (
        "07:00 on the 23rd in Shanghai: the last complete day is the 22nd"
    )


@pytest.mark.parametrize("name", ["sync-history-nightly", "sync-history-hourly"])
def test_a_sync_s_input_is_accepted(name: str) -> None:
    schedule = by_name()[name]
    assert target_of(schedule) == "SyncHistoryFunction"
    request = JobRequest.from_event(payload(schedule), SyncHistoryFields, now=datetime.now(UTC), zone=SHANGHAI)
    assert request.schedule == name


def test_the_forecast_is_made_for_the_day_that_has_ended() -> None:
    schedule = by_name()["forecast"]
    assert target_of(schedule) == "ForecastFunction"
    given = payload(schedule, "2026-11-22T21:00:00Z")  # 05:00 on the 23rd in Shanghai
    request = JobRequest.from_event(given, ForecastFields, now=datetime(2026, 11, 23, tzinfo=UTC), zone=SHANGHAI)
    assert (request.schedule, request.business_date) == ("forecast", date(2026, 11, 22))


@pytest.mark.parametrize(("name", "scope"), CHECKS.items())
def test_the_shop_and_its_products_are_checked(name: str, scope: str) -> None:
    schedule = by_name()[name]
    assert target_of(schedule) == "AnomalyCheckFunction"
    assert payload(schedule)["scope"] == scope


def test_the_defaults_fire_as_the_documentation_says() -> None:
    monday = datetime(2026, 11, 30, tzinfo=SHANGHAI)
    wednesday = datetime(2026, 12, 2, tzinfo=SHANGHAI)
    fired = {
        name: [
            due.astimezone(SHANGHAI).strftime("%a %d %H:%M")
            for due in due_times(expression(s), SHANGHAI, monday, wednesday)
        ]
        for name, s in by_name().items()
        if name != "anomaly-check-products"
    }
    assert expression(by_name()["anomaly-check-products"]) == "cron()", (
        "off: the check of the shop tells of the products already"
    )
    hourly = fired.pop("sync-history-hourly")
    assert fired.pop("watchdog-hourly") == [f"{day} {hour:02}:50" for day in ("Mon 30", "Tue 01") for hour in range(24)]
    assert fired == {
        "sync-history-nightly": ["Mon 30 04:20", "Tue 01 04:20"],
        "forecast": ["Mon 30 05:00", "Tue 01 05:00"],
        "anomaly-check": ["Mon 30 06:40", "Tue 01 06:40"],
        "scheduled-sales-pdf": ["Mon 30 07:00", "Tue 01 07:00"],
        "scheduled-stock-excel": ["Mon 30 07:10", "Tue 01 07:10"],
        "scheduled-combined-weekly": ["Mon 30 07:20"],
        "scheduled-combined-monthly": ["Tue 01 07:30"],
    }
    assert hourly == [f"{day} {hour:02}:40" for day in ("Mon 30", "Tue 01") for hour in range(8, 22)]


def _gaps(zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The spans of local time (naive) that clocks go over, 2024 to 2030; no zone changes them twice in a week."""
    begin, week = datetime(2024, 1, 1, tzinfo=UTC), 7 * 24 * 60

    def offset(minute: int) -> timedelta:
        return (begin + timedelta(minutes=minute)).astimezone(zone).utcoffset() or timedelta(0)

    for start in range(0, 7 * 366 * 24 * 60, week):
        before, after = offset(start), offset(start + week)
        if after > before:
            minute = bisect_left(range(start, start + week), True, key=lambda one: offset(one) != before)
            moment = (begin + timedelta(minutes=start + minute)).replace(tzinfo=None)
            yield moment + before, moment + after


def test_no_default_lies_where_any_zone_s_clocks_go_forward() -> None:
    """In every zone of the IANA. (The watchdog looks every hour, so it makes up for itself.)"""
    times = {}
    for name, schedule in by_name().items():
        if name == "anomaly-check-products":
            continue
        minute, hours, *_ = expression(schedule).removeprefix("cron(").split()
        first, _, last = hours.partition("-")
        if name != "watchdog-hourly":
            times[name] = [time(hour, int(minute)) for hour in range(int(first), int(last or first) + 1)]
    spans = {span for zone in map(ZoneInfo, available_timezones()) for span in _gaps(zone)}
    assert len(spans) > 50, "most zones have some"
    for start, end in spans:
        for name, several in times.items():
            for day in (start.date(), end.date()):
                assert not any(start <= datetime.combine(day, at) < end for at in several), (
                    f"{name} in {start} to {end}"
                )


def test_scheduler_may_fire_exactly_what_is_scheduled() -> None:
    role = resources()["SchedulerRole"]["Properties"]
    allowed = role["Policies"][0]["PolicyDocument"]["Statement"]
    invoke = next(s for s in allowed if s["Action"] == "lambda:InvokeFunction")
    assert referred(invoke["Resource"]) == {target_of(s) for s in schedules().values()}
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert referred(trust["Condition"]) == {"AWS::AccountId", "ScheduleGroup"}, (
        "another account's schedules may not use it"
    )
