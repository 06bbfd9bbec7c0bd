"""What a template becomes in the local cloud, seen through the services' own APIs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud, LocalCloudError
from local.cloud.aws import ACCESS_KEYS
from tests.integration.local_cloud.conftest import TEMPLATE


def write_template(folder: Path, resources: str, head: str = "") -> Path:
    template = folder / "template.yaml"
    template.write_text(f"Transform: AWS::Serverless-2016-10-31\n{head}\nResources:\n{resources}")
    return template


def test_schedules_are_as_the_template_says(cloud: LocalCloud) -> None:
    scheduler = cloud.aws.client("scheduler")
    nightly = scheduler.get_schedule(Name="probe-nightly", GroupName="probe")
    assert nightly["ScheduleExpression"] == "cron(30 2 * * ? *)"
    assert nightly["ScheduleExpressionTimezone"] == "Asia/Shanghai"
    assert nightly["State"] == "ENABLED"
    assert nightly["Target"]["Arn"] == cloud.function("Probe").settings.arn
    assert nightly["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600}
    assert nightly["Target"]["DeadLetterConfig"]["Arn"].endswith(
        cloud.stack.physical_id("Undelivered").rpartition("/")[2]
    )
    assert "<aws.scheduler.scheduled-time>" in nightly["Target"]["Input"]
    assert scheduler.get_schedule(Name="probe-paused", GroupName="probe")["State"] == "DISABLED"


def test_policies_are_on_what_they_protect(cloud: LocalCloud) -> None:
    s3, bucket = cloud.aws.client("s3"), cloud.stack.physical_id("Files")
    for key in ("kept/a", "other/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"plain HTTP is let in: the local cloud has no TLS")
    s3.delete_object(Bucket=bucket, Key="other/a")
    with pytest.raises(ClientError, match=r"403|AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="kept/a")
    queue = cloud.aws.client("sqs").get_queue_attributes(
        QueueUrl=cloud.stack.physical_id("Undelivered"), AttributeNames=["Policy"]
    )
    assert "scheduler.amazonaws.com" in queue["Attributes"]["Policy"]
    topic = cloud.aws.client("sns").get_topic_attributes(TopicArn=cloud.stack.physical_id("Owners"))
    assert "ses.amazonaws.com" in topic["Attributes"]["Policy"]


def test_functions_get_the_resolved_environment_and_their_layer(cloud: LocalCloud) -> None:
    configuration = cloud.aws.client("lambda").get_function_configuration(FunctionName=cloud.stack.physical_id("Probe"))
    variables = configuration["Environment"]["Variables"]
    assert variables["SECRET_ID"] == cloud.stack.physical_id("Token")
    assert variables["BUCKET"] == cloud.stack.physical_id("Files") == cloud.stack.outputs["FilesBucket"]
    assert variables["STACK"] == "probe"
    assert [layer["Arn"] for layer in configuration["Layers"]] == [
        resource.physical_id for resource in cloud.stack.of_type("AWS::Lambda::LayerVersion")
    ]
    assert configuration["MemorySize"] == 256


def test_a_false_condition_leaves_a_resource_out_and_a_parameter_reaches_everything(empty_cloud: LocalCloud) -> None:
    parameters = {"WithAlarm": "no", "Timezone": "Europe/Paris", "NightlyHour": "5"}
    deployed = empty_cloud.deploy(TEMPLATE, parameters, stack="other")
    assert "FailureAlarm" not in deployed.resources
    schedule = empty_cloud.aws.client("scheduler").get_schedule(Name="other-nightly", GroupName="other")
    assert (schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]) == (
        "cron(30 5 * * ? *)",
        "Europe/Paris",
    )
    assert empty_cloud.invoke("Probe", {}).answer["zone"] == "Europe/Paris"


def test_deploying_again_updates_and_keeps_what_an_operator_wrote(empty_cloud: LocalCloud) -> None:
    first = empty_cloud.deploy(TEMPLATE, stack="again")
    empty_cloud.write_secret("the operator's token")
    second = empty_cloud.deploy(TEMPLATE, {"NightlyHour": "6", "Timezone": "Europe/Paris"}, stack="again")
    assert second.physical_id("Files") == first.physical_id("Files")
    schedule = empty_cloud.aws.client("scheduler").get_schedule(Name="again-nightly", GroupName="again")
    assert schedule["ScheduleExpression"] == "cron(30 6 * * ? *)"
    assert empty_cloud.invoke("Probe", {}).answer["zone"] == "Europe/Paris"
    assert empty_cloud.invoke("Probe", {"do": "read secret"}).answer == "the operator's token"


def test_a_type_that_nobody_makes_is_named(empty_cloud: LocalCloud, tmp_path: Path) -> None:
    template = write_template(tmp_path, "  Oddity:\n    Type: AWS::QLDB::Ledger\n    Properties: {Name: x}\n")
    with pytest.raises(LocalCloudError, match=r"Oddity \(AWS::QLDB::Ledger\)"):
        empty_cloud.deploy(template, stack="oddity")


def test_a_property_that_the_service_does_not_know_is_named(empty_cloud: LocalCloud, tmp_path: Path) -> None:
    resources = """
  Group: {Type: AWS::Scheduler::ScheduleGroup, Properties: {Name: g, Colour: red}}
"""
    with pytest.raises(LocalCloudError, match="Colour"):
        empty_cloud.deploy(write_template(tmp_path, resources), stack="property")


def test_invalid_sam_is_refused_with_the_translators_reason(empty_cloud: LocalCloud, tmp_path: Path) -> None:
    resources = "  F:\n    Type: AWS::Serverless::Function\n    Properties: {Handler: app.f, Runtime: python3.13}\n"
    with pytest.raises(LocalCloudError, match=r"\[F\].*CodeUri"):
        empty_cloud.deploy(write_template(tmp_path, resources), stack="invalid")


def test_code_that_is_not_there_is_named(empty_cloud: LocalCloud, tmp_path: Path) -> None:
    resources = (
        "  F:\n    Type: AWS::Serverless::Function\n"
        "    Properties: {Handler: app.f, Runtime: python3.13, CodeUri: nowhere}\n"
    )
    with pytest.raises(LocalCloudError, match="F says CodeUri: nowhere"):
        empty_cloud.deploy(write_template(tmp_path, resources), stack="codeless")


def test_a_parameter_that_the_template_lacks_is_named(empty_cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="no parameter Timezon"):
        empty_cloud.deploy(TEMPLATE, {"Timezon": "UTC"}, stack="misspelt")


def test_two_clouds_do_not_see_each_other(cloud: LocalCloud) -> None:
    with LocalCloud.start() as other:
        assert other.aws.port != cloud.aws.port
        assert other.aws.client("s3").list_buckets()["Buckets"] == []


def test_the_sam_cli_deploys_to_it_as_to_aws(empty_cloud: LocalCloud) -> None:
    aws = empty_cloud.aws
    here = {"AWS_ENDPOINT_URL": aws.endpoint_url, "AWS_CONFIG_FILE": os.devnull, "SAM_CLI_TELEMETRY": "0"}
    command = f"deploy --template-file {TEMPLATE} --stack-name by-sam --resolve-s3 --region {aws.region} --capabilities CAPABILITY_IAM"
    for hour in ("7", "8"):
        done = subprocess.run(
            [Path(sys.executable).with_name("sam"), *command.split(), "--parameter-overrides", f"NightlyHour={hour}"],
            env=os.environ | ACCESS_KEYS | here,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        schedule = aws.client("scheduler").get_schedule(Name="by-sam-nightly", GroupName="by-sam")
        assert schedule["ScheduleExpression"] == f"cron(30 {hour} * * ? *)"
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="by-sam")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    aws.client("s3").head_bucket(Bucket=outputs["FilesBucket"])


def test_a_plain_script_opens_a_cloud_at_its_top_level(tmp_path: Path) -> None:
    """As an engineer tries something out, and as the installed command does: without a line that keeps it from being imported again."""
    script = tmp_path / "script.py"
    script.write_text(
        "from local.cloud import LocalCloud\n"
        "with LocalCloud.start() as cloud:\n"
        "    print('begun', cloud.aws.client('s3').list_buckets()['Buckets'])\n"
    )
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, script], env=os.environ | paths, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "begun []\n"), done.stderr
