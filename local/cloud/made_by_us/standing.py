"""Schedules, secrets, policies, topics and what SES sends by."""

from __future__ import annotations

import json
from typing import Any

from botocore.validate import validate_parameters
from moto.core.common_models import CloudFormationModel

from local.cloud.made_by_us.base import MadeThroughApi, coerced


class ScheduleGroup(MadeThroughApi, CloudFormationModel):
    """A group of schedules."""

    TYPE = "AWS::Scheduler::ScheduleGroup"
    NAME = "Name"
    ATTRIBUTES = frozenset({"Arn"})
    REMOVED_BY = ("scheduler", "delete_schedule_group", "Name")

    def create(self) -> None:
        answer = self.call("scheduler", "create_schedule_group", **{**self.properties, "Name": self.name})
        self.physical_resource_id, self.attributes["Arn"] = self.name, answer["ScheduleGroupArn"]

    def update(self, previous: MadeThroughApi) -> None:
        if self.name != previous.name:
            self.create()
            previous.remove()


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
        self.call("secretsmanager", "put_resource_policy", **self.properties)
        self.physical_resource_id = self.properties["SecretId"]


class EncryptionKey(MadeThroughApi, CloudFormationModel):
    """A KMS key. moto's own CloudFormation leaves its policy as it is in the template, which its API then cannot read."""

    TYPE = "AWS::KMS::Key"
    ATTRIBUTES = frozenset({"Arn", "KeyId"})
    REMOVED_BY = ("kms", "schedule_key_deletion", "KeyId")

    def create(self) -> None:
        about, rotates = self.properties.get("Description"), self.properties.get("EnableKeyRotation")
        made = self.call("kms", "create_key", Policy=self.properties.get("KeyPolicy"), Description=about)["KeyMetadata"]
        self.physical_resource_id = made["KeyId"]
        self.attributes = {"Arn": made["Arn"], "KeyId": made["KeyId"]}
        if str(rotates).lower() == "true":
            self.call("kms", "enable_key_rotation", KeyId=made["KeyId"])

    def update(self, previous: MadeThroughApi) -> None:
        # The same key, as CloudFormation keeps it: what it has sealed must open.
        self.attributes = dict(previous.attributes)
        self.call(
            "kms",
            "put_key_policy",
            KeyId=self.physical_resource_id,
            PolicyName="default",
            Policy=self.properties.get("KeyPolicy"),
        )


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
            policy = {"AttributeName": "Policy", "AttributeValue": self.properties["PolicyDocument"]}
            self.call("sns", "set_topic_attributes", TopicArn=topic, **policy)


class Subscription(MadeThroughApi, CloudFormationModel):
    """A subscription to a topic."""

    TYPE = "AWS::SNS::Subscription"
    ATTRIBUTES = frozenset({"Arn"})
    REMOVED_BY = ("sns", "unsubscribe", "SubscriptionArn")

    def create(self) -> None:
        answer = self.call("sns", "subscribe", **self.properties, ReturnSubscriptionArn=True)
        self.physical_resource_id = self.attributes["Arn"] = answer["SubscriptionArn"]


class EmailIdentity(MadeThroughApi, CloudFormationModel):
    """A sender that SES may send from; moto counts it as verified at once."""

    TYPE = "AWS::SES::EmailIdentity"
    NAME = "EmailIdentity"
    REMOVED_BY = ("sesv2", "delete_email_identity", "EmailIdentity")

    def create(self) -> None:
        identity = self.properties["EmailIdentity"]
        configuration_set = self.properties.get("ConfigurationSetAttributes", {}).get("ConfigurationSetName")
        self.call("sesv2", "create_email_identity", EmailIdentity=identity, ConfigurationSetName=configuration_set)
        self.physical_resource_id = identity


class ConfigurationSet(MadeThroughApi, CloudFormationModel):
    """An SES configuration set."""

    TYPE = "AWS::SES::ConfigurationSet"
    NAME = "Name"
    REMOVED_BY = ("sesv2", "delete_configuration_set", "ConfigurationSetName")

    def create(self) -> None:
        properties = {key: value for key, value in self.properties.items() if key != "Name"}
        self.call("sesv2", "create_configuration_set", ConfigurationSetName=self.name, **properties)
        self.physical_resource_id = self.name


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
