"""Deploying a SAM template into a local cloud, and looking at what is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from local.cloud.aws import LocalAws, LocalCloudError
from local.cloud.containers import FunctionSettings
from local.cloud.template import load_template, package, translate

LAMBDA_FUNCTION = "AWS::Lambda::Function"
LAYER_VERSION = "AWS::Lambda::LayerVersion"
DEFAULT_LOG_GROUP = "/aws/lambda/{}"

# moto answers these attributes' Ref and GetAtt, and makes no difference of them otherwise.
HARMLESS_WARNINGS = ("deprecat",)


class Resource(NamedTuple):
    """One resource of a stack: its logical id and type, and what `Ref` answers."""

    logical_id: str
    type: str
    physical_id: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack as it was deployed.

    `resources` by logical id (those whose condition is false are not there), `outputs` by name, `functions` by logical id.
    """

    stack: str
    template: Mapping[str, Any]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, str]
    functions: Mapping[str, FunctionSettings]

    def of_type(self, resource_type: str) -> list[Resource]:
        """The resources of one type, in the template's order."""
        return [resource for resource in self.resources.values() if resource.type == resource_type]

    def physical_id(self, logical_id: str) -> str:
        """What `Ref` answers for a resource; raises LocalCloudError if the stack has none of that name."""
        try:
            return self.resources[logical_id].physical_id
        except KeyError:
            raise LocalCloudError(f"The stack {self.stack} has no resource {logical_id}.") from None


def deploy(aws: LocalAws, template: Path, *, stack: str, parameters: Mapping[str, str] | None = None) -> Deployment:
    """Deploy a SAM template, or bring its stack up to date.

    Local code is zipped and uploaded as `sam package` does, AWS's translator makes CloudFormation of it, and moto's engine makes the
    resources with the types of `made_by_us` among them. Raises LocalCloudError for a template that is not valid, a parameter that it does
    not have, a resource type that nobody makes, anything that was left out, or a resource that is not there afterwards.
    """
    given = dict(parameters or {})
    source = load_template(template)
    check_parameters(source, given, template)
    bucket = f"{stack}-artefacts".lower()
    s3 = aws.client("s3")
    if bucket not in {b["Name"] for b in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})

    def upload(key: str, content: bytes) -> None:
        s3.put_object(Bucket=bucket, Key=key, Body=content)

    packaged = package(source, template.resolve().parent, bucket, upload)
    translated = translate(packaged.template, given, aws.region)
    _check_types(aws, translated)
    aws.local("DELETE", "warnings")
    _put_stack(aws, stack, translated, _defaults(source) | given)
    resources = _resources(aws, stack, translated)
    _check_warnings(aws)
    _check_existence(aws, resources)
    described = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
    layers = {
        resource.physical_id: packaged.folders[translated["Resources"][logical_id]["Properties"]["Content"]["S3Key"]]
        for logical_id, resource in resources.items()
        if resource.type == LAYER_VERSION
    }
    functions = {
        logical_id: _function(
            aws,
            resource.physical_id,
            packaged.folders[translated["Resources"][logical_id]["Properties"]["Code"]["S3Key"]],
            layers,
        )
        for logical_id, resource in resources.items()
        if resource.type == LAMBDA_FUNCTION
    }
    return Deployment(stack, translated, resources, outputs, functions)


def check_parameters(source: Mapping[str, Any], given: Mapping[str, str], template: Path) -> None:
    """What CloudFormation checks before it makes anything, and moto does not. Raises LocalCloudError."""
    declared = source.get("Parameters", {})
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise LocalCloudError(f"{template.name} has no parameter {', '.join(unknown)}.")
    missing = sorted(name for name, rule in declared.items() if name not in given and "Default" not in rule)
    if missing:
        raise LocalCloudError(f"{template.name} needs a value for {', '.join(missing)}.")
    problems = [
        f"{name} {given[name]!r}: {problem}" for name in given if (problem := refusal(declared[name], given[name]))
    ]
    if problems:
        raise LocalCloudError(f"{template.name} does not allow {'; '.join(problems)}.")


def _defaults(source: Mapping[str, Any]) -> dict[str, str]:
    """The parameters' defaults, said aloud: moto remembers only what it is told, and an update asks for previous values."""
    declared = source.get("Parameters", {})
    return {name: str(rule["Default"]) for name, rule in declared.items() if "Default" in rule}


def refusal(rule: Mapping[str, Any], value: str) -> str | None:
    """Why CloudFormation would refuse this value of a parameter; None where it would not."""
    said = rule.get("ConstraintDescription")
    if "AllowedValues" in rule and value not in {str(allowed) for allowed in rule["AllowedValues"]}:
        return said or f"must be one of {', '.join(map(str, rule['AllowedValues']))}"
    if "AllowedPattern" in rule and not re.fullmatch(rule["AllowedPattern"], value):
        return said or f"must match {rule['AllowedPattern']}"
    if not int(rule.get("MinLength", 0)) <= len(value) <= int(rule.get("MaxLength", 4096)):
        return said or "is too short or too long"
    if rule["Type"] == "Number":
        try:
            number = float(value)
        except ValueError:
            return said or "must be a number"
        if not float(rule.get("MinValue", "-inf")) <= number <= float(rule.get("MaxValue", "inf")):
            return said or f"must be {rule.get('MinValue', '')} to {rule.get('MaxValue', '')}"
    return None


def _check_types(aws: LocalAws, translated: Mapping[str, Any]) -> None:
    known = set(aws.local("GET", "resource-types"))
    nobody = {
        f"{logical_id} ({resource['Type']})"
        for logical_id, resource in translated["Resources"].items()
        if resource["Type"] not in known
    }
    if nobody:
        raise LocalCloudError(
            f"Nobody makes {', '.join(sorted(nobody))} in the local cloud: "
            "moto's CloudFormation does not know the type, and local/cloud/made_by_us has no class for it."
        )


def _put_stack(aws: LocalAws, stack: str, translated: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    cloudformation = aws.client("cloudformation")
    request = {
        "StackName": stack,
        "TemplateBody": json.dumps(translated),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    exists = any(
        s["StackName"] == stack and s["StackStatus"] != "DELETE_COMPLETE"
        for s in cloudformation.list_stacks()["StackSummaries"]
    )
    try:
        if exists:
            cloudformation.update_stack(**request)
        else:
            cloudformation.create_stack(**request)
    except ClientError as error:
        reason = error.response["Error"].get("Message")
        raise LocalCloudError(f"The stack {stack} could not be deployed: {reason}") from error
    except ResponseParserError as error:  # not even an error that AWS would answer: moto itself failed
        reason = "; ".join(aws.local("GET", "warnings"))
        raise LocalCloudError(f"The stack {stack} could not be deployed; moto failed on it: {reason}") from error


def _resources(aws: LocalAws, stack: str, translated: Mapping[str, Any]) -> dict[str, Resource]:
    """What the stack has; raises LocalCloudError naming what it should have and has not."""
    summaries = aws.client("cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"]
    made = {
        s["LogicalResourceId"]: Resource(s["LogicalResourceId"], s["ResourceType"], s.get("PhysicalResourceId", ""))
        for s in summaries
    }
    conditions = aws.local("GET", f"conditions/{aws.region}/{stack}")
    wanted = [
        logical_id
        for logical_id, resource in translated["Resources"].items()
        if "Condition" not in resource or conditions[resource["Condition"]]
    ]
    missing = [logical_id for logical_id in wanted if logical_id not in made]
    if missing:
        raise LocalCloudError(f"The stack {stack} was deployed without {', '.join(missing)}.")
    return {logical_id: made[logical_id] for logical_id in wanted}


def _check_warnings(aws: LocalAws) -> None:
    warnings = [w for w in aws.local("GET", "warnings") if not any(word in w.lower() for word in HARMLESS_WARNINGS)]
    if warnings:
        raise LocalCloudError(f"moto left something of the template out: {'; '.join(warnings)}")


def _function(aws: LocalAws, name: str, code: Path, layers: Mapping[str, Path]) -> FunctionSettings:
    """The function as the Lambda API describes it, with the local folders of its code and layers."""
    configuration = aws.client("lambda").get_function_configuration(FunctionName=name)
    path = [
        code,
        *(found for layer in configuration.get("Layers", ()) if (found := _import_path(layers[layer["Arn"]]))),
    ]
    return FunctionSettings(
        name=name,
        arn=configuration["FunctionArn"],
        handler=configuration["Handler"],
        path=tuple(path),
        environment=configuration.get("Environment", {}).get("Variables", {}),
        timeout=configuration["Timeout"],
        memory_mb=configuration["MemorySize"],
        log_group=configuration.get("LoggingConfig", {}).get("LogGroup") or DEFAULT_LOG_GROUP.format(name),
    )


def _import_path(layer: Path) -> Path | None:
    """Where a layer's packages are imported from.

    A built layer holds them in `python/`, as Lambda wants it; an unbuilt one with `requirements.txt` stands for packages that are installed
    in this environment; any other holds its packages as they are.
    """
    if (layer / "python").is_dir():
        return layer / "python"
    return None if (layer / "requirements.txt").exists() else layer


type _Look = Callable[[LocalAws, str], Any]

_LOOKS: Mapping[str, _Look] = {
    "AWS::CloudWatch::Alarm": lambda aws, name: aws.client("cloudwatch").describe_alarms(AlarmNames=[name])[
        "MetricAlarms"
    ][0],
    "AWS::CloudWatch::Dashboard": lambda aws, name: aws.client("cloudwatch").get_dashboard(DashboardName=name),
    "AWS::DynamoDB::Table": lambda aws, name: aws.client("dynamodb").describe_table(TableName=name),
    "AWS::Events::Rule": lambda aws, name: aws.client("events").describe_rule(Name=name.rpartition("/")[2]),
    "AWS::IAM::Role": lambda aws, name: aws.client("iam").get_role(RoleName=name),
    "AWS::KMS::Key": lambda aws, key: aws.client("kms").describe_key(KeyId=key),
    "AWS::Lambda::Function": lambda aws, name: aws.client("lambda").get_function(FunctionName=name),
    "AWS::Lambda::EventInvokeConfig": lambda aws, name: aws.client("lambda").get_function_event_invoke_config(
        FunctionName=name.partition("|")[0]
    ),
    "AWS::Logs::LogGroup": lambda aws, name: aws.client("logs").describe_log_groups(logGroupNamePrefix=name)[
        "logGroups"
    ][0],
    "AWS::S3::Bucket": lambda aws, name: aws.client("s3").head_bucket(Bucket=name),
    "AWS::SecretsManager::Secret": lambda aws, arn: aws.client("secretsmanager").describe_secret(SecretId=arn),
    "AWS::SES::ConfigurationSet": lambda aws, name: aws.client("sesv2").get_configuration_set(
        ConfigurationSetName=name
    ),
    "AWS::SES::EmailIdentity": lambda aws, name: aws.client("sesv2").get_email_identity(EmailIdentity=name),
    "AWS::SNS::Topic": lambda aws, arn: aws.client("sns").get_topic_attributes(TopicArn=arn),
    "AWS::StepFunctions::StateMachine": lambda aws, arn: aws.client("stepfunctions").describe_state_machine(
        stateMachineArn=arn
    ),
    "AWS::SQS::Queue": lambda aws, url: aws.client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["QueueArn"]
    ),
}


def _check_existence(aws: LocalAws, resources: Mapping[str, Resource]) -> None:
    """Ask the services themselves for what the stack claims to have; raises LocalCloudError naming what is not there."""
    absent = []
    for resource in resources.values():
        look = _LOOKS.get(resource.type)
        if look is None:
            continue
        try:
            look(aws, resource.physical_id)
        except (ClientError, LookupError) as error:
            absent.append(f"{resource.logical_id} ({resource.type}: {error})")
    if absent:
        raise LocalCloudError(f"The stack says that it made these, but they are not there: {', '.join(absent)}")
