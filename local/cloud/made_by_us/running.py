"""Functions, what belongs to them, and what watches them."""

from __future__ import annotations

from typing import Any, ClassVar

from moto.core.common_models import CloudFormationModel

from local.cloud.made_by_us.base import MadeThroughApi, lower_first


class EventInvokeConfig(MadeThroughApi, CloudFormationModel):
    """How often Lambda tries an asynchronous event again, and where it goes when all tries have failed."""

    TYPE = "AWS::Lambda::EventInvokeConfig"

    def create(self) -> None:
        self.call("lambda", "put_function_event_invoke_config", **self.properties)
        self.physical_resource_id = f"{self.properties['FunctionName']}|{self.properties.get('Qualifier', '$LATEST')}"

    update = MadeThroughApi.replace

    def remove(self) -> None:
        self.call("lambda", "delete_function_event_invoke_config", FunctionName=self.properties["FunctionName"])


class Function(MadeThroughApi, CloudFormationModel):
    """A Lambda function. moto's engine makes functions too, but leaves out their layers, logging, tracing and dead-letter queue."""

    TYPE = "AWS::Lambda::Function"
    NAME = "FunctionName"
    ATTRIBUTES = frozenset({"Arn"})
    REMOVED_BY = ("lambda", "delete_function", "FunctionName")

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


class Permission(MadeThroughApi, CloudFormationModel):
    """Who may invoke a function."""

    TYPE = "AWS::Lambda::Permission"

    def create(self) -> None:
        # That a call comes by a function URL is a condition that the installed SDK has no word for yet.
        given = {name: value for name, value in self.properties.items() if name != "InvokedViaFunctionUrl"}
        self.call("lambda", "add_permission", StatementId=self.name, **given)

    update = MadeThroughApi.replace

    def remove(self) -> None:
        self.call("lambda", "remove_permission", FunctionName=self.properties["FunctionName"], StatementId=self.name)


class FunctionUrl(MadeThroughApi, CloudFormationModel):
    """A function's address. In the local cloud it lies below the cloud's own, where it is answered (`local.cloud.function_urls`)."""

    TYPE = "AWS::Lambda::Url"
    ATTRIBUTES = frozenset({"FunctionUrl", "FunctionArn"})

    def create(self) -> None:
        given = {name: value for name, value in self.properties.items() if name != "TargetFunctionArn"}
        made = self.call("lambda", "create_function_url_config", FunctionName=self._function, **given)
        self.physical_resource_id = self.attributes["FunctionArn"] = made["FunctionArn"]
        self.attributes["FunctionUrl"] = f"{self.endpoint_url}/_local/urls/{self._function}/"

    @property
    def _function(self) -> str:
        return str(self.properties["TargetFunctionArn"]).rpartition(":")[2]

    update = MadeThroughApi.replace

    def remove(self) -> None:
        self.call("lambda", "delete_function_url_config", FunctionName=self._function)


class StateMachine(MadeThroughApi, CloudFormationModel):
    """A Step Functions state machine. moto's engine makes them too, but leaves out the definition's substitutions, and takes no name."""

    TYPE = "AWS::StepFunctions::StateMachine"
    ATTRIBUTES = frozenset({"Arn", "Name"})
    REMOVED_BY = ("stepfunctions", "delete_state_machine", "stateMachineArn")

    def create(self) -> None:
        name = self.attributes["Name"] = self.properties.get("StateMachineName", self.name)
        made = self.call("stepfunctions", "create_state_machine", name=name, **self._request())
        self.physical_resource_id = self.attributes["Arn"] = made["stateMachineArn"]

    def _request(self) -> dict[str, str]:
        definition = self.properties["DefinitionString"]
        for name, value in self.properties.get("DefinitionSubstitutions", {}).items():
            definition = definition.replace(f"${{{name}}}", str(value))
        return {"definition": definition, "roleArn": self.properties["RoleArn"]}

    def update(self, previous: MadeThroughApi) -> None:
        if self.properties.get("StateMachineName") != previous.properties.get("StateMachineName"):
            self.replace(previous)
            return
        self.call("stepfunctions", "update_state_machine", stateMachineArn=self.physical_resource_id, **self._request())


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


class _AnyAlarm(MadeThroughApi):
    KIND: ClassVar[str]
    NAME = "AlarmName"
    ATTRIBUTES = frozenset({"Arn"})

    def create(self) -> None:
        self.call("cloudwatch", f"put_{self.KIND.lower()}_alarm", **{**self.properties, "AlarmName": self.name})
        kinds = ["CompositeAlarm", "MetricAlarm"]
        found = self.call("cloudwatch", "describe_alarms", AlarmNames=[self.name], AlarmTypes=kinds)
        self.attributes["Arn"] = found[f"{self.KIND}Alarms"][0]["AlarmArn"]

    def remove(self) -> None:
        self.call("cloudwatch", "delete_alarms", AlarmNames=[self.name])


class Alarm(_AnyAlarm, CloudFormationModel):
    """A CloudWatch alarm on a metric."""

    TYPE = "AWS::CloudWatch::Alarm"
    KIND = "Metric"


class CompositeAlarm(_AnyAlarm, CloudFormationModel):
    """A CloudWatch alarm on other alarms."""

    TYPE = "AWS::CloudWatch::CompositeAlarm"
    KIND = "Composite"


class MetricFilter(MadeThroughApi, CloudFormationModel):
    """A metric read from log lines."""

    TYPE = "AWS::Logs::MetricFilter"
    NAME = "FilterName"

    def create(self) -> None:
        self.call("logs", "put_metric_filter", **lower_first({**self.properties, "FilterName": self.name}))

    def remove(self) -> None:
        self.call("logs", "delete_metric_filter", filterName=self.name, logGroupName=self.properties["LogGroupName"])
