"""The operator's schedules know the template's: which of its Parameters pause and time each."""

from ops.schedules import KNOBS, NEVER, usual_id
from salesflow.formats import Format, ReportType
from salesflow.job_events import ReportFields
from salesflow.windows import Period
from tests.unit.template.stack import referred, schedules


def test_every_schedule_of_the_template_has_its_parameters_named() -> None:
    of_template = {}
    for schedule in schedules().values():
        name = schedule["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        (of_template[name],) = referred(schedule["ScheduleExpression"])
    assert of_template == KNOBS


def test_the_expression_of_what_is_off_is_known_and_so_shown_to_nobody() -> None:
    assert {schedule["ScheduleExpression"]["Fn::If"][1] for schedule in schedules().values()} == {NEVER}


def test_a_report_s_schedule_is_named_as_the_old_service_named_it() -> None:
    daily = ReportFields(report_type=ReportType.SALES, formats=(Format.PDF,))
    weekly = ReportFields(report_type=ReportType.COMBINED, period=Period.WEEKLY)
    assert usual_id(daily) == "scheduled-sales-pdf"
    assert usual_id(weekly) == "scheduled-combined-pdf-excel-weekly"
