"""The operator's schedules know the template's: which of its Parameters pause and time each."""

import re

from ops.schedules import KNOBS, usual_id
from salesflow.formats import Format, ReportType
from salesflow.job_events import ReportFields
from salesflow.windows import Period
from tests.unit.template.stack import parameters, schedules


def test_every_schedule_of_the_template_has_its_parameters_named() -> None:
    of_template = {}
    for schedule in schedules().values():
        name = schedule["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        of_template[name] = schedule["State"]["Ref"].removesuffix("State")
    assert of_template == KNOBS


def test_a_daily_schedule_s_parameters_are_its_hour_and_minute_alone() -> None:
    """What `put --deploy` sets: a schedule with other knobs must not be taken for one that fires once a day."""
    for schedule in schedules().values():
        prefix = schedule["State"]["Ref"].removesuffix("State")
        used = set(re.findall(r"\$\{(\w+)\}", schedule["ScheduleExpression"]["Fn::Sub"]))
        if {f"{prefix}Hour", f"{prefix}Minute"} <= used and f"{prefix}Day" not in parameters():
            assert schedule["ScheduleExpression"]["Fn::Sub"] == f"cron(${{{prefix}Minute}} ${{{prefix}Hour}} * * ? *)"


def test_a_report_s_schedule_is_named_as_the_old_service_named_it() -> None:
    daily = ReportFields(report_type=ReportType.SALES, formats=(Format.PDF,))
    weekly = ReportFields(report_type=ReportType.COMBINED, period=Period.WEEKLY)
    assert usual_id(daily) == "scheduled-sales-pdf"
    assert usual_id(weekly) == "scheduled-combined-pdf-excel-weekly"
