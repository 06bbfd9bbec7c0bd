"""What AWS does that no local cloud shows: a test for each that the template has to be right for."""

import hashlib
import os
import re
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from local.cloud.template import load_template
from ops.commands.deploy import LONGEST_NAME as LONGEST_STACK_NAME
from tests.unit.template.of_aws import ACCOUNT, PARTITION, is_kept, of_ses, refusals, resolved
from tests.unit.template.stack import (
    ROOT,
    TEMPLATE,
    Statement,
    functions,
    of_type,
    parameters,
    referred,
    resources,
    schedules,
    statements,
)

MAILERS = ["ReportRole", "AnomalyCheckRole", "WatchdogRole"]
SENDER = "reports@shop.example"
HOLDS_DATA = ["AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"]
MADE_ANEW = {"LinkKeys"}
"""What AWS makes itself, and again when it is wanted again."""
SCHEDULE_NAME = 64
"""What EventBridge Scheduler takes."""
ENVIRONMENT_BYTES = 4096
"""What Lambda takes, names and values together."""


@pytest.mark.parametrize("kind", HOLDS_DATA)
def test_what_holds_data_is_kept_when_the_stack_is_deleted_and_not_when_it_never_came_about(kind: str) -> None:
    """`Retain` also holds when a first deployment is rolled back, and leaves a bucket and a table each time."""
    for name in of_type(kind):
        if name in MADE_ANEW:
            continue
        assert resources()[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resources()[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("kind", HOLDS_DATA)
def test_what_holds_data_waits_for_the_guard_against_the_wrong_architecture(kind: str) -> None:
    guards = {name for name in of_type("AWS::Lambda::LayerVersion") if name.startswith("LayersBuiltFor")}
    assert len(guards) == 2
    for properties in (each for name, each in of_type(kind).items() if name not in MADE_ANEW):
        (tag,) = properties["Tags"]
        assert tag["Value"]["Fn::If"][0] == "IsX86"
        assert referred(tag["Value"]) == guards


def test_an_identity_that_ses_knows_fails_no_deployment_by_default() -> None:
    assert parameters()["CreateMailIdentity"]["Default"] == "no"


@cache
def written() -> tuple[str, ...]:
    """The lines that the functions' own logger and metrics write: a warning, an error, and the metrics of a run."""
    code = """
from salesflow.observability import MetricUnit, logger, metrics
logger.warning("a warning")
logger.error("an error")
metrics.add_dimension(name="Job", value="report")
metrics.add_metric(name="RunsFailed", unit=MetricUnit.Count, value=1)
print(__import__("json").dumps(metrics.serialize_metric_set()))
"""
    environment = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LOG_LEVEL": "INFO",
        "POWERTOOLS_SERVICE_NAME": "report",
        "POWERTOOLS_METRICS_NAMESPACE": "SalesFlow",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    lines = tuple(done.stdout.splitlines())
    assert len(lines) == 3
    return lines


@pytest.mark.parametrize("function", functions())
def test_at_every_level_that_can_be_chosen_lambda_keeps_warnings_errors_and_metrics(function: str) -> None:
    configuration = functions()[function]["LoggingConfig"]
    assert configuration["ApplicationLogLevel"] == {"Ref": "LogLevel"}
    for level in parameters()["LogLevel"]["AllowedValues"]:
        for line in written():
            assert is_kept(line, configuration | {"ApplicationLogLevel": level}), line


def test_at_any_other_level_lambda_would_drop_the_metrics_that_alarms_rest_on() -> None:
    *_, metric = written()
    for level in ("WARN", "ERROR", "FATAL"):
        assert not is_kept(metric, {"LogFormat": "JSON", "ApplicationLogLevel": level})
        assert level not in parameters()["LogLevel"]["AllowedValues"]


WAYS = {
    "the stack's own set": ({"SesConfigurationSet": "", "SesRegion": ""}, "salesflow", "ap-southeast-1"),
    "a set by its name": ({"SesConfigurationSet": "ours", "SesRegion": ""}, "ours", "ap-southeast-1"),
    "another region": ({"SesConfigurationSet": "", "SesRegion": "eu-west-1"}, None, "eu-west-1"),
    "a set of another region": ({"SesConfigurationSet": "ours", "SesRegion": "eu-west-1"}, "ours", "eu-west-1"),
}


def mails_of(role: str, chosen: dict[str, str]) -> list[Statement]:
    """What a role may do with SES, in a stack with these Parameters."""
    own = {"AWS::Partition": PARTITION, "AWS::AccountId": ACCOUNT, "AWS::Region": "ap-southeast-1"}
    given = own | {"AWS::StackName": "salesflow", "MailSender": SENDER, **chosen}
    conditions = {
        "IsMailedFromHere": chosen["SesRegion"] == "",
        "IsConfigurationSetNamed": chosen["SesConfigurationSet"] != "",
    }
    return [resolved(one, given, conditions) for one in of_ses(statements(role))]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("role", MAILERS)
def test_ses_lets_those_mail_who_should_whatever_it_says_to_iam(role: str, way: str) -> None:
    chosen, through, region = WAYS[way]
    allowed = mails_of(role, chosen)
    assert refusals(allowed, sender=SENDER, region=region, through=through) == []
    assert refusals(allowed, sender="somebody@shop.example", region=region, through=None)
    assert refusals(allowed, sender=SENDER, region=region, through="of-others")


def test_one_statement_with_a_condition_for_both_would_be_refused() -> None:
    """As version 1.0.0 had it."""
    allowed = mails_of("ReportRole", WAYS["the stack's own set"][0])
    (condition,) = [one["Condition"] for one in allowed if "Condition" in one]
    together = [one | {"Condition": condition} for one in allowed]
    set_without_sender = "configuration-set/salesflow, knowing nothing"
    refused = refusals(together, sender=SENDER, region="ap-southeast-1", through="salesflow")
    assert refused
    assert all(one.endswith(set_without_sender) for one in refused)


def test_another_configuration_set_can_be_named() -> None:
    chosen = {"Fn::If": ["IsConfigurationSetMade", {"Ref": "MailConfigurationSet"}, {"Ref": "SesConfigurationSet"}]}
    for function in functions().values():
        assert function["Environment"]["Variables"]["SES_CONFIGURATION_SET"] == chosen
    assert of_type("AWS::SES::ConfigurationSetEventDestination")["MailEvents"]["ConfigurationSetName"] == chosen
    assert resources()["MailConfigurationSet"]["Condition"] == "IsConfigurationSetMade"
    conditions = load_template(TEMPLATE)["Conditions"]
    assert conditions["IsConfigurationSetMade"] == {
        "Fn::And": [{"Condition": "IsMailedFromHere"}, {"Fn::Not": [{"Condition": "IsConfigurationSetNamed"}]}]
    }


OWN_VALUES = {  # the longest that each can be, of what is not a parameter
    "SystemTokenSecret": 64 + LONGEST_STACK_NAME + len("/system-token-012345"),
    "LinkKeys": 64 + len("LinkKeys-0123456789ABC-012345"),
    "LinksFunctionUrl": len("https://0123456789012345678901234567890123.lambda-url.ap-southeast-1.on.aws/"),
    "ShopRole": 64 + len("arn:aws-cn:iam::123456789012:role/"),
    "ShopReadersRole": 64 + len("arn:aws-cn:iam::123456789012:role/"),
    "ReportsBucket": 63,
    "StateTable": LONGEST_STACK_NAME + len("-StateTable-0123456789ABC"),
    "ScheduleGroup": LONGEST_STACK_NAME,
    "AWS::StackName": LONGEST_STACK_NAME,
    "AWS::Region": 20,
    "MailConfigurationSet": LONGEST_STACK_NAME,
}


def longest(value: Any) -> int:
    """How many bytes the value of a variable can have at most."""
    if isinstance(value, str):
        return len(value)
    found = [0]
    for name in referred(value) - {"AWS::NoValue"}:
        rule = parameters().get(name)
        if rule is None:
            found.append(OWN_VALUES[name])
        elif rule["Type"] == "Number":
            found.append(max(len(str(rule[bound])) for bound in ("MinValue", "MaxValue")) + 2)  # decimals
        elif "AllowedValues" in rule:
            found.append(max(len(str(allowed)) for allowed in rule["AllowedValues"]))
        else:
            written = {"Holidays": "2026-12-24={}"}.get(name, "{}")
            bytes_of = {sign: len(sign.encode()) for sign in ("a", "é", "中", "😀")}
            taken = [n for sign, n in bytes_of.items() if re.fullmatch(rule["AllowedPattern"], written.format(sign))]
            found.append(rule["MaxLength"] * max(taken, default=1))
    return max(found)


@pytest.mark.parametrize("function", functions())
def test_the_environment_is_small_enough_whatever_is_allowed(function: str) -> None:
    variables = dict(functions()[function]["Environment"]["Variables"])
    del variables["AWS_ENDPOINT_URL"]  # not set in a deployment
    assert sum(len(name) + longest(value) for name, value in variables.items()) <= ENVIRONMENT_BYTES


def test_every_text_that_may_be_written_freely_has_a_bound() -> None:
    for name, rule in parameters().items():
        if rule["Type"] == "String" and "AllowedValues" not in rule:
            assert "MaxLength" in rule, name


def test_the_longest_stack_name_leaves_room_for_every_schedule() -> None:
    names = [schedule["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}") for schedule in schedules().values()]
    assert max(map(len, names)) + LONGEST_STACK_NAME <= SCHEDULE_NAME
    assert f"{LONGEST_STACK_NAME} characters" in (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


BUILDER = ("build_layer.py", "build_fonts.py", "layers.mk")


@pytest.mark.parametrize("layer", ["core", "arrow", "ml", "report", "pipeline"])
def test_a_change_of_the_builder_is_a_change_of_each_layer(layer: str) -> None:
    """`sam build` with its cache looks into a layer's own folder only."""
    digest = hashlib.sha256(b"".join((ROOT / "layers" / name).read_bytes() for name in BUILDER)).hexdigest()
    written = (ROOT / "layers" / layer / "builder.sha256").read_text(encoding="ascii").strip()
    assert written == digest, "the builder changed: `make builder-digest` tells the layers"
