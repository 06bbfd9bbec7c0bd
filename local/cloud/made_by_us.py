"""CloudFormation resource types that moto's CloudFormation passes over, made through their own APIs.

moto finds its resource types among the direct subclasses of its `CloudFormationModel`. The classes here join them, so that moto's own engine
resolves the intrinsics, evaluates the conditions and keeps the order; each class then does what CloudFormation would do: it calls the
service's API (moto's, over HTTP) with the resolved properties. botocore checks every call against the service's model, so a property that
the service does not know fails the deployment.

This module is for the AWS process (`local.cloud.aws_process`) alone: importing it teaches moto the types.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from botocore.validate import validate_parameters
from moto.cloudformation.exceptions import ValidationError
from moto.core.common_models import CloudFormationModel

ACCESS_KEY = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def coerced(value: Any, shape: Any) -> Any:
    """`value` with strings turned into the numbers and booleans that a botocore `shape` asks for, as CloudFormation does.

    Keys that the shape does not know are left for botocore to refuse.
    """
    match shape.type_name:
        case "structure" if isinstance(value, dict):
            return {
                key: coerced(item, shape.members[key]) if key in shape.members else item for key, item in value.items()
            }
        case "list" if isinstance(value, list):
            return [coerced(item, shape.member) for item in value]
        case "map" if isinstance(value, dict):
            return {key: coerced(item, shape.value) for key, item in value.items()}
        case "integer" | "long" if isinstance(value, str):
            return int(value)
        case "float" | "double" if isinstance(value, str | int) and not isinstance(value, bool):
            return float(value)
        case "boolean" if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        case "string" if isinstance(value, bool | int | float):
            return str(value).lower() if isinstance(value, bool) else str(value)
        case "string" if isinstance(value, dict | list):
            return json.dumps(value)  # policies are JSON documents in a template and JSON strings in the API
        case _:
            return value


def lower_first(value: Any) -> Any:
    """Keys as CloudWatch Logs' API writes them: `FilterName` becomes `filterName`, at every depth."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lower_first(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lower_first(item) for item in value]
    return value


class MadeThroughApi:
    """What all types here share: how moto's engine asks for a resource, and how the calls are made.

    A type says its CloudFormation name (`TYPE`), its naming property (`NAME`, "" for none) and the attributes that `Fn::GetAtt` may ask for;
    `create` makes it and sets `physical_resource_id` (what `Ref` answers) and `attributes`.
    """

    TYPE: ClassVar[str]
    NAME: ClassVar[str] = ""
    ATTRIBUTES: ClassVar[frozenset[str]] = frozenset()
    endpoint_url: ClassVar[str] = ""

    def __init__(self, name: str, properties: dict[str, Any], region: str) -> None:
        self.name = name
        self.properties = properties
        self.region = region
        self.physical_resource_id = name
        self.attributes: dict[str, str] = {}

    def client(self, service: str) -> Any:
        """A client of moto's own server, for the stack's region."""
        return boto3.client(  # type: ignore[call-overload]  # the stubs know services as literals only
            service, endpoint_url=self.endpoint_url, region_name=self.region, **ACCESS_KEY
        )

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call of the service's API in the stack's region; absent values are left out."""
        client = self.client(service)
        shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
        given = {key: value for key, value in parameters.items() if value is not None}
        answer: dict[str, Any] = getattr(client, operation)(**coerced(given, shape))
        return answer

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Turn what the service or the service's model refuses into CloudFormation's own error, which names the resource."""
        try:
            yield
        except (BotoCoreError, ClientError, KeyError, ValueError) as error:
            raise ValidationError(message=f"{self.TYPE} {self.name}: {type(error).__name__}: {error}") from error

    def create(self) -> None:
        """Make the resource."""
        raise NotImplementedError

    def update(self, previous: MadeThroughApi) -> None:
        """Bring the resource up to date; by default it is put again, which replaces it."""
        del previous
        self.create()

    def remove(self) -> None:
        """Undo `create`; a policy or a setting goes with what it belongs to."""

    # What moto's engine calls.
    @classmethod
    def cloudformation_type(cls) -> str:
        """The CloudFormation type's name."""
        return cls.TYPE

    @classmethod
    def cloudformation_name_type(cls) -> str:
        """The property that names the resource."""
        return cls.NAME

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether `Fn::GetAtt` may ask for `attr`."""
        return attr in cls.ATTRIBUTES

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """What `Fn::GetAtt` answers."""
        return self.attributes[attribute_name]

    def is_created(self) -> bool:
        """Every call here is synchronous."""
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> MadeThroughApi:
        """Make the resource for moto's engine."""
        del account_id, kwargs
        resource = cls(resource_name, cloudformation_json["Properties"], region_name)
        with resource.refusals():
            resource.create()
        return resource

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: MadeThroughApi,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> MadeThroughApi:
        """Update the resource for moto's engine; a name that CloudFormation made up stays."""
        del account_id
        properties = cloudformation_json["Properties"]
        name = new_resource_name if cls.NAME in properties else original_resource.name
        resource = cls(name, properties, region_name)
        resource.physical_resource_id = original_resource.physical_resource_id
        resource.attributes = original_resource.attributes
        with resource.refusals():
            resource.update(original_resource)
        return resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the resource for moto's engine."""
        del account_id, region_name
        self.remove()


class ScheduleGroup(MadeThroughApi, CloudFormationModel):
    """A group of schedules."""

    TYPE = "AWS::Scheduler::ScheduleGroup"
    NAME = "Name"
    ATTRIBUTES = frozenset({"Arn"})

    def create(self) -> None:
        answer = self.call("scheduler", "create_schedule_group", **{**self.properties, "Name": self.name})
        self.attributes["Arn"] = answer["ScheduleGroupArn"]

    def update(self, previous: MadeThroughApi) -> None:
        if self.name != previous.name:
            self.create()
            previous.remove()

    def remove(self) -> None:
        self.call("scheduler", "delete_schedule_group", Name=self.name)


class Schedule(MadeThroughApi, CloudFormationModel):
    """A schedule of EventBridge Scheduler."""

    TYPE = "AWS::Scheduler::Schedule"
    NAME = "Name"
    ATTRIBUTES = frozenset({"Arn"})

    def create(self) -> None:
        answer = self.call("scheduler", "create_schedule", **{**self.properties, "Name": self.name})
        self.physical_resource_id = self.name
        self.attributes["Arn"] = answer["ScheduleArn"]

    def update(self, previous: MadeThroughApi) -> None:
        if (self.name, self.properties.get("GroupName")) == (previous.name, previous.properties.get("GroupName")):
            self.call("scheduler", "update_schedule", **{"State": "ENABLED", **self.properties, "Name": self.name})
        else:
            self.create()
            previous.remove()

    def remove(self) -> None:
        self.call("scheduler", "delete_schedule", Name=self.name, GroupName=self.properties.get("GroupName"))


class Secret(MadeThroughApi, CloudFormationModel):
    """A secret, with the value that the template gives, with a generated one, or empty until an operator writes it."""

    TYPE = "AWS::SecretsManager::Secret"
    NAME = "Name"
    ATTRIBUTES = frozenset({"Id"})

    def create(self) -> None:
        properties = {**self.properties, "Name": self.name}
        generate = properties.pop("GenerateSecretString", None)
        if generate is not None:
            properties["SecretString"] = self._generated(dict(generate))
        self.physical_resource_id = self.call("secretsmanager", "create_secret", **properties)["ARN"]
        self.attributes["Id"] = self.physical_resource_id

    def _generated(self, rule: dict[str, Any]) -> str:
        template, key = rule.pop("SecretStringTemplate", None), rule.pop("GenerateStringKey", None)
        password: str = self.call("secretsmanager", "get_random_password", **rule)["RandomPassword"]
        return password if template is None else json.dumps({**json.loads(template), key: password})

    def update(self, previous: MadeThroughApi) -> None:
        # As CloudFormation does: the value that an operator has written stays unless the template's own value changes.
        value = self.properties.get("SecretString")
        self.call(
            "secretsmanager",
            "update_secret",
            SecretId=self.physical_resource_id,
            Description=self.properties.get("Description"),
            SecretString=value if value != previous.properties.get("SecretString") else None,
        )

    def remove(self) -> None:
        self.call(
            "secretsmanager", "delete_secret", SecretId=self.physical_resource_id, ForceDeleteWithoutRecovery=True
        )


class SecretPolicy(MadeThroughApi, CloudFormationModel):
    """A secret's resource policy."""

    TYPE = "AWS::SecretsManager::ResourcePolicy"

    def create(self) -> None:
        secret_id = self.properties["SecretId"]
        self.call(
            "secretsmanager",
            "put_resource_policy",
            SecretId=secret_id,
            ResourcePolicy=self.properties["ResourcePolicy"],
        )
        self.physical_resource_id = secret_id


class BucketPolicy(MadeThroughApi, CloudFormationModel):
    """A bucket's policy.

    Statements on `aws:SecureTransport` stay out: the local cloud speaks plain HTTP, and moto denies by such a statement without looking at
    its condition. The rest of the policy is enforced.
    """

    TYPE = "AWS::S3::BucketPolicy"

    def create(self) -> None:
        bucket, document = self.properties["Bucket"], self.properties["PolicyDocument"]
        statements = [
            s for s in document["Statement"] if "aws:SecureTransport" not in s.get("Condition", {}).get("Bool", {})
        ]
        if statements:
            self.call("s3", "put_bucket_policy", Bucket=bucket, Policy={**document, "Statement": statements})
        else:
            self.call("s3", "head_bucket", Bucket=bucket)
        self.physical_resource_id = f"{bucket}/policy"


class QueuePolicy(MadeThroughApi, CloudFormationModel):
    """The policy of one or more queues."""

    TYPE = "AWS::SQS::QueuePolicy"

    def create(self) -> None:
        for queue_url in self.properties["Queues"]:
            attributes = {"Policy": self.properties["PolicyDocument"]}
            self.call("sqs", "set_queue_attributes", QueueUrl=queue_url, Attributes=attributes)


class TopicPolicy(MadeThroughApi, CloudFormationModel):
    """The policy of one or more topics."""

    TYPE = "AWS::SNS::TopicPolicy"

    def create(self) -> None:
        for topic in self.properties["Topics"]:
            self.call(
                "sns",
                "set_topic_attributes",
                TopicArn=topic,
                AttributeName="Policy",
                AttributeValue=self.properties["PolicyDocument"],
            )


class Subscription(MadeThroughApi, CloudFormationModel):
    """A subscription to a topic."""

    TYPE = "AWS::SNS::Subscription"
    ATTRIBUTES = frozenset({"Arn"})

    def create(self) -> None:
        answer = self.call(
            "sns",
            "subscribe",
            TopicArn=self.properties["TopicArn"],
            Protocol=self.properties["Protocol"],
            Endpoint=self.properties.get("Endpoint"),
            ReturnSubscriptionArn=True,
        )
        self.physical_resource_id = self.attributes["Arn"] = answer["SubscriptionArn"]

    def update(self, previous: MadeThroughApi) -> None:
        previous.remove()
        self.create()

    def remove(self) -> None:
        self.call("sns", "unsubscribe", SubscriptionArn=self.physical_resource_id)


class EmailIdentity(MadeThroughApi, CloudFormationModel):
    """A sender that SES may send from; moto counts it as verified at once."""

    TYPE = "AWS::SES::EmailIdentity"
    NAME = "EmailIdentity"

    def create(self) -> None:
        identity = self.properties["EmailIdentity"]
        configuration_set = self.properties.get("ConfigurationSetAttributes", {}).get("ConfigurationSetName")
        self.call("sesv2", "create_email_identity", EmailIdentity=identity, ConfigurationSetName=configuration_set)
        self.physical_resource_id = identity

    def update(self, previous: MadeThroughApi) -> None:
        previous.remove()
        self.create()

    def remove(self) -> None:
        self.call("sesv2", "delete_email_identity", EmailIdentity=self.physical_resource_id)


class ConfigurationSet(MadeThroughApi, CloudFormationModel):
    """An SES configuration set."""

    TYPE = "AWS::SES::ConfigurationSet"
    NAME = "Name"

    def create(self) -> None:
        properties = {key: value for key, value in self.properties.items() if key != "Name"}
        self.call("sesv2", "create_configuration_set", ConfigurationSetName=self.name, **properties)
        self.physical_resource_id = self.name

    def update(self, previous: MadeThroughApi) -> None:
        previous.remove()
        self.create()

    def remove(self) -> None:
        self.call("sesv2", "delete_configuration_set", ConfigurationSetName=self.name)


class EventDestination(MadeThroughApi, CloudFormationModel):
    """Where SES reports bounces and complaints to.

    moto's SES v2 has no event destinations. What the template says is checked against the API's model, and the resource is then known to the
    stack alone: nothing bounces in the local cloud.
    """

    TYPE = "AWS::SES::ConfigurationSetEventDestination"
    ATTRIBUTES = frozenset({"Id"})

    def create(self) -> None:
        client = self.client("sesv2")
        destination = dict(self.properties["EventDestination"])
        name = destination.pop("Name", self.name)
        topic = destination.get("SnsDestination")
        if topic and "TopicARN" in topic:  # the one spelling in which the template and the API differ
            destination["SnsDestination"] = {"TopicArn": topic["TopicARN"]}
        destination["MatchingEventTypes"] = [_API_EVENT_TYPES.get(t, t) for t in destination["MatchingEventTypes"]]
        operation = client.meta.service_model.operation_model("CreateConfigurationSetEventDestination")
        request = coerced(
            {
                "ConfigurationSetName": self.properties["ConfigurationSetName"],
                "EventDestinationName": name,
                "EventDestination": destination,
            },
            operation.input_shape,
        )
        validate_parameters(request, operation.input_shape)
        allowed = operation.input_shape.members["EventDestination"].members["MatchingEventTypes"].member.enum
        unknown = sorted(set(destination["MatchingEventTypes"]) - set(allowed))
        if unknown:
            raise ValueError(f"{self.TYPE} asks for events that SES does not have: {', '.join(unknown)}")
        self.call("sesv2", "get_configuration_set", ConfigurationSetName=self.properties["ConfigurationSetName"])
        self.physical_resource_id = self.attributes["Id"] = f"{self.properties['ConfigurationSetName']}|{name}"


_API_EVENT_TYPES = {
    "send": "SEND",
    "reject": "REJECT",
    "bounce": "BOUNCE",
    "complaint": "COMPLAINT",
    "delivery": "DELIVERY",
    "open": "OPEN",
    "click": "CLICK",
    "renderingFailure": "RENDERING_FAILURE",
    "deliveryDelay": "DELIVERY_DELAY",
    "subscription": "SUBSCRIPTION",
}


class EventInvokeConfig(MadeThroughApi, CloudFormationModel):
    """How often Lambda tries an asynchronous event again, and where it goes when all tries have failed."""

    TYPE = "AWS::Lambda::EventInvokeConfig"

    def create(self) -> None:
        self.call("lambda", "put_function_event_invoke_config", **self.properties)
        self.physical_resource_id = f"{self.properties['FunctionName']}|{self.properties.get('Qualifier', '$LATEST')}"

    def update(self, previous: MadeThroughApi) -> None:
        previous.remove()
        self.create()

    def remove(self) -> None:
        self.call("lambda", "delete_function_event_invoke_config", FunctionName=self.properties["FunctionName"])


class Function(MadeThroughApi, CloudFormationModel):
    """A Lambda function. moto's engine makes functions too, but leaves out their layers, logging, tracing and dead-letter queue."""

    TYPE = "AWS::Lambda::Function"
    NAME = "FunctionName"
    ATTRIBUTES = frozenset({"Arn"})

    def create(self) -> None:
        configuration, code, concurrency = self._request()
        self.attributes["Arn"] = self.call("lambda", "create_function", Code=code, **configuration)["FunctionArn"]
        self.physical_resource_id = self.name
        self._reserve(concurrency)

    def _request(self) -> tuple[dict[str, Any], dict[str, Any], int | None]:
        properties = {**self.properties, "FunctionName": self.name}
        concurrency = properties.pop("ReservedConcurrentExecutions", None)
        tags = properties.pop("Tags", None)
        if tags is not None:
            properties["Tags"] = {tag["Key"]: tag["Value"] for tag in tags}
        return properties, properties.pop("Code"), concurrency

    def _reserve(self, concurrency: int | None) -> None:
        if concurrency is not None:
            self.call(
                "lambda",
                "put_function_concurrency",
                FunctionName=self.name,
                ReservedConcurrentExecutions=concurrency,
            )

    def update(self, previous: MadeThroughApi) -> None:
        if self.name != previous.name:
            self.create()
            previous.remove()
            return
        configuration, code, concurrency = self._request()
        for fixed in ("Tags", "Architectures", "PackageType"):  # set at creation, or with the code
            configuration.pop(fixed, None)
        self.call("lambda", "update_function_code", FunctionName=self.name, **code)
        self.call("lambda", "update_function_configuration", **configuration)
        self._reserve(concurrency)

    def remove(self) -> None:
        self.call("lambda", "delete_function", FunctionName=self.name)


class LayerVersion(MadeThroughApi, CloudFormationModel):
    """A layer's version. moto's engine makes layers too, but answers their `Ref` with nothing that a function could use."""

    TYPE = "AWS::Lambda::LayerVersion"
    NAME = "LayerName"

    def create(self) -> None:
        answer = self.call("lambda", "publish_layer_version", **{**self.properties, "LayerName": self.name})
        self.physical_resource_id = answer["LayerVersionArn"]

    def remove(self) -> None:
        layer, _, version = self.physical_resource_id.rpartition(":")
        self.call("lambda", "delete_layer_version", LayerName=layer, VersionNumber=version)


class Alias(MadeThroughApi, CloudFormationModel):
    """A function's alias."""

    TYPE = "AWS::Lambda::Alias"

    def create(self) -> None:
        answer = self.call("lambda", "create_alias", **self.properties)
        self.physical_resource_id = answer["AliasArn"]

    def update(self, previous: MadeThroughApi) -> None:
        del previous
        self.call("lambda", "update_alias", **self.properties)


class Alarm(MadeThroughApi, CloudFormationModel):
    """A CloudWatch alarm on a metric."""

    TYPE = "AWS::CloudWatch::Alarm"
    NAME = "AlarmName"
    ATTRIBUTES = frozenset({"Arn"})

    def create(self) -> None:
        self.call("cloudwatch", "put_metric_alarm", **{**self.properties, "AlarmName": self.name})
        found = self.call("cloudwatch", "describe_alarms", AlarmNames=[self.name])
        self.attributes["Arn"] = found["MetricAlarms"][0]["AlarmArn"]

    def remove(self) -> None:
        self.call("cloudwatch", "delete_alarms", AlarmNames=[self.name])


class CompositeAlarm(MadeThroughApi, CloudFormationModel):
    """A CloudWatch alarm on other alarms."""

    TYPE = "AWS::CloudWatch::CompositeAlarm"
    NAME = "AlarmName"
    ATTRIBUTES = frozenset({"Arn"})

    def create(self) -> None:
        self.call("cloudwatch", "put_composite_alarm", **{**self.properties, "AlarmName": self.name})
        found = self.call(
            "cloudwatch", "describe_alarms", AlarmNames=[self.name], AlarmTypes=["CompositeAlarm", "MetricAlarm"]
        )
        self.attributes["Arn"] = found["CompositeAlarms"][0]["AlarmArn"]

    def remove(self) -> None:
        self.call("cloudwatch", "delete_alarms", AlarmNames=[self.name])


class MetricFilter(MadeThroughApi, CloudFormationModel):
    """A metric read from log lines."""

    TYPE = "AWS::Logs::MetricFilter"
    NAME = "FilterName"

    def create(self) -> None:
        self.call("logs", "put_metric_filter", **lower_first({**self.properties, "FilterName": self.name}))

    def remove(self) -> None:
        self.call("logs", "delete_metric_filter", filterName=self.name, logGroupName=self.properties["LogGroupName"])
