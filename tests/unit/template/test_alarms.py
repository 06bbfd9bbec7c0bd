"""Does the owner hear of everything that can go wrong, also where the watchdog itself is silent?"""

import json
from typing import Any

import pytest

from local.cloud.template import load_template
from salesflow.identity import CATALOGUE
from salesflow.settings import ShopSettings
from tests.unit.template.stack import TEMPLATE, functions, of_type, referred, resources, schedules, text


def alarms() -> dict[str, Any]:
    return of_type("AWS::CloudWatch::Alarm")


def watched(alarm: str) -> str:
    """What an alarm looks at, as text."""
    return text({key: alarms()[alarm].get(key) for key in ("Metrics", "MetricName", "Namespace", "Dimensions")})


@pytest.mark.parametrize("alarm", alarms())
def test_every_alarm_reaches_the_owner_and_says_what_it_means(alarm: str) -> None:
    assert referred(alarms()[alarm]["AlarmActions"]) == {"OwnerTopic"}
    assert len(text(alarms()[alarm]["AlarmDescription"])) > 40
    name = alarms()[alarm]["AlarmName"]["Fn::Sub"]
    assert name.startswith("${AWS::StackName}-"), "two stacks of an account must not share an alarm"


def test_the_topic_mails_the_first_owner_or_whom_the_parameter_names() -> None:
    topic = of_type("AWS::SNS::Topic")["OwnerTopic"]
    (subscription,) = topic["Subscription"]
    assert subscription["Protocol"] == "email"
    condition, owner, named = subscription["Endpoint"]["Fn::If"]
    assert condition == "AlarmsGoToOwner"
    assert referred(owner) == {"OwnerRecipients"}
    assert named == {"Ref": "AlarmRecipient"}


def test_only_this_stack_s_alarms_may_publish() -> None:
    policy = of_type("AWS::SNS::TopicPolicy")["OwnerTopicPolicy"]
    allow, deny = policy["PolicyDocument"]["Statement"]
    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert "alarm:${AWS::StackName}-*" in text(allow["Condition"]["ArnLike"])
    assert allow["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_this_account_s_whatsapp_alone_may_report_and_its_function_hears_it() -> None:
    policy = of_type("AWS::SNS::TopicPolicy")["WhatsAppReportsPolicy"]
    allow, deny = policy["PolicyDocument"]["Statement"]
    assert allow["Principal"] == {"Service": "social-messaging.amazonaws.com"}
    assert allow["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    (subscription,) = of_type("AWS::SNS::Subscription").values()
    assert referred(subscription["TopicArn"]) == {"WhatsAppReports"}
    assert referred(subscription["Endpoint"]) == {"MailEventsFunction"}


def test_both_queues_are_watched() -> None:
    queues = {
        name
        for alarm in alarms().values()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        for name in referred(alarm["Dimensions"])
    }
    assert queues == set(of_type("AWS::SQS::Queue"))


JOBS_AND_REPORTS = [name for name in functions() if name != "LinksFunction"]


@pytest.mark.parametrize("function", JOBS_AND_REPORTS)
def test_every_function_s_errors_and_throttles_are_watched(function: str) -> None:
    assert f'"Ref": "{function}"' in watched("ErrorsAlarm")
    assert f'"Ref": "{function}"' in watched("ThrottlesAlarm")


def test_links_that_fail_and_strangers_that_try_have_alarms_of_their_own() -> None:
    """What strangers do must not look as if runs were held back."""
    for alarm, metric in (("LinksErrorsAlarm", "Url5xxCount"), ("LinksFloodAlarm", "Url4xxCount")):
        assert alarms()[alarm]["MetricName"] == metric
        assert '"Ref": "LinksFunction"' in watched(alarm)
    assert '"Ref": "LinksFunction"' not in watched("ErrorsAlarm") + watched("ThrottlesAlarm")


@pytest.mark.parametrize("function", [name for name in JOBS_AND_REPORTS if name != "MailEventsFunction"])
def test_every_job_s_duration_is_held_against_its_own_time_out(function: str) -> None:
    alarm = function.removesuffix("Function") + "SlowAlarm"
    seconds = functions()[function]["Timeout"]
    share = next(m["Expression"] for m in alarms()[alarm]["Metrics"] if "Expression" in m)
    assert share == f"duration / (10 * {seconds})", "ms over s: percent"
    assert f'"Ref": "{function}"' in watched(alarm)


def test_a_missing_watchdog_trips_an_alarm() -> None:
    alarm = alarms()["WatchdogAbsentAlarm"]
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["MetricName"] == "RunsSucceeded"
    assert {"Name": "service", "Value": "watchdog"} in alarm["Dimensions"]
    assert alarm["Period"] * alarm["EvaluationPeriods"] >= 2 * 3600, "one look may be late"
    assert resources()["WatchdogAbsentAlarm"]["Condition"] == "IsWatched"
    assert load_template(TEMPLATE)["Conditions"]["IsWatched"] == {"Fn::Not": [{"Condition": "WatchdogIsOff"}]}


def test_every_job_that_uses_the_token_is_watched_for_it() -> None:
    for job in CATALOGUE:
        assert (f'"Value": "{job}"' in watched("TokenAlarm")) == (job != "watchdog"), job


def test_the_grace_is_longer_than_a_firing_may_be_on_its_way() -> None:
    """A run that is still being delivered must not be called missing."""
    assert all(
        ShopSettings.model_fields["watch_grace_minutes"].default * 60
        > s["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"]
        for s in schedules().values()
    )


def test_bounces_and_complaints_reach_the_function_that_marks_addresses() -> None:
    (destination,) = of_type("AWS::SES::ConfigurationSetEventDestination").values()
    events = destination["EventDestination"]
    assert set(events["MatchingEventTypes"]) == {"BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE"}
    assert "event-bus/default" in text(events["EventBridgeDestination"])
    (rule,) = of_type("AWS::Events::Rule").values()
    assert rule["EventPattern"]["source"] == ["aws.ses"]
    assert "MailConfigurationSet" in referred(rule["EventPattern"]["resources"])
    assert {name for target in rule["Targets"] for name in referred(target["Arn"])} == {"MailEventsFunction"}
    assert '"Ref": "MailEventsFunctionFromSes"' in watched("LostMailEventsAlarm")


def test_the_dashboard_is_json_and_shows_this_stack_alone() -> None:
    (dashboard,) = of_type("AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
    expressions = [m[0]["expression"] for w in body["widgets"] for m in w["properties"]["metrics"]]
    assert all('stack="${AWS::StackName}"' in expression for expression in expressions)
    for metric in (
        "RunsSucceeded",
        "RunsFailed",
        "Duration",
        "SalesRows",
        "DataAgeHours",
        "AlertsTold",
        "OpenTroubles",
        "ShopsLate",
    ):
        assert any(f'MetricName="{metric}"' in expression for expression in expressions), metric
