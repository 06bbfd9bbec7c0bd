"""The local cloud as a whole: AWS APIs, a deployed stack, and its functions, fired as Lambda would fire them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import ClientError

from local.cloud.aws import ACCESS_KEYS, REGION, LocalAws, LocalCloudError
from local.cloud.containers import Function, Invocation
from local.cloud.deployment import Deployment, deploy
from local.cloud.function_logs import FunctionLogs
from local.cloud.invocations import InvocationServer

STACK = "salesflow"
ASYNC_WAITS = (60.0, 120.0)  # seconds before Lambda's second and third try of an asynchronous event
SHORTENED = 1 / 600
DEFAULT_RETRIES = 2
DEFAULT_EVENT_AGE = 6 * 3600.0


def shortened_wait(seconds: float) -> None:
    """Wait a 600th of what Lambda would wait: a minute becomes a tenth of a second."""
    time.sleep(seconds * SHORTENED)


@dataclass(frozen=True, slots=True)
class AsyncResult:
    """What became of an event that was given to a function: every try, and where it went when all had failed."""

    tries: tuple[Invocation, ...]
    destination: str | None

    @property
    def last(self) -> Invocation:
        """The try that decided."""
        return self.tries[-1]

    @property
    def succeeded(self) -> bool:
        """Whether a try succeeded."""
        return self.last.succeeded


class LocalCloud:
    """AWS on this machine with one stack in it. Close it, or use it in a `with` block, to end its processes."""

    def __init__(
        self, aws: LocalAws, *, wait: Callable[[float], None] = shortened_wait, keeps_logs: bool = False
    ) -> None:
        """`wait` is called with the seconds that Lambda would wait between the tries of an asynchronous event.

        keeps_logs: what the functions write goes to CloudWatch Logs as it comes; else it is in each `Invocation` alone.
        """
        self.aws = aws
        self._wait = wait
        self._logs = FunctionLogs(aws.client("logs")) if keeps_logs else None
        self._invocations: InvocationServer | None = None
        self._deployment: Deployment | None = None
        self._functions: dict[str, Function] = {}

    @classmethod
    def start(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        region: str = REGION,
        wait: Callable[[float], None] = shortened_wait,
        keeps_logs: bool = False,
    ) -> Self:
        """A cloud without a stack, on a free port (or on `port`); `host` 0.0.0.0 lets containers reach it."""
        return cls(LocalAws.start(host=host, port=port, region=region), wait=wait, keeps_logs=keeps_logs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End every process of this cloud; what was in it is gone."""
        if self._invocations is not None:
            self._invocations.stop()
        self._stop_functions()
        self.aws.stop()

    def _stop_functions(self) -> None:
        for function in self._functions.values():
            function.stop()
        self._functions = {}

    def deploy(self, template: Path, parameters: Mapping[str, str] | None = None, *, stack: str = STACK) -> Deployment:
        """Deploy `template` as `stack`, or bring it up to date; see `deployment.deploy` for what it refuses."""
        deployment = deploy(self.aws, template, stack=stack, parameters=parameters)
        self._stop_functions()
        variables = {
            **ACCESS_KEYS,
            "AWS_REGION": self.aws.region,
            "AWS_DEFAULT_REGION": self.aws.region,
            "AWS_ENDPOINT_URL": self.aws.endpoint_url,
        }
        keep_log = None if self._logs is None else self._logs.write
        self._functions = {
            logical_id: Function(settings, variables, keep_log) for logical_id, settings in deployment.functions.items()
        }
        self._deployment = deployment
        if self._invocations is None:
            self._invocations = InvocationServer(self.function, self._run_queued)
            self.aws.local("PUT", "functions", {"url": self._invocations.url})
        return deployment

    @property
    def stack(self) -> Deployment:
        """What is deployed; raises LocalCloudError before the first deployment."""
        if self._deployment is None:
            raise LocalCloudError("Nothing is deployed yet.")
        return self._deployment

    def function(self, name: str) -> Function:
        """The function of this logical id, name or ARN (an alias or version after it is accepted).

        Raises LocalCloudError naming the functions that there are.
        """
        for logical_id, function in self._functions.items():
            settings = function.settings
            if name in {logical_id, settings.name} or name == settings.arn or name.startswith(settings.arn + ":"):
                return function
        raise LocalCloudError(f"There is no function {name}; there are {', '.join(sorted(self._functions)) or 'none'}.")

    def write_secret(self, value: str | Mapping[str, Any], *, logical_id: str | None = None) -> None:
        """Write a secret's value, as an operator does after the first deployment.

        Without `logical_id` it is the only one that the template gives no value; raises LocalCloudError if there is another number of them.
        """
        made = self.stack.template["Resources"]
        secrets = [
            secret
            for secret in self.stack.of_type("AWS::SecretsManager::Secret")
            if not {"SecretString", "GenerateSecretString"} & made[secret.logical_id].get("Properties", {}).keys()
        ]
        if logical_id is None and len(secrets) != 1:
            raise LocalCloudError(f"The stack has {len(secrets)} secrets without a value; say which one to write.")
        secret_id = secrets[0].physical_id if logical_id is None else self.stack.physical_id(logical_id)
        text = value if isinstance(value, str) else json.dumps(dict(value))
        self.aws.client("secretsmanager").put_secret_value(SecretId=secret_id, SecretString=text)

    def invoke(self, name: str, event: object, *, request_id: str | None = None) -> Invocation:
        """Call a function once and wait for its answer, as `RequestResponse` does."""
        return self.function(name).invoke(event, request_id=request_id)

    def settle(self) -> None:
        """Wait until every event that was given to a function through the API (`InvocationType` Event) is done with."""
        if self._invocations is not None:
            self._invocations.settle()

    def _run_queued(self, name: str, event: object, request_id: str) -> AsyncResult:
        return self.invoke_async(name, event, request_id=request_id)

    def invoke_async(self, name: str, event: object, *, request_id: str | None = None) -> AsyncResult:
        """Give a function an event as `Event` does, and follow it: tried again with the same request id, then to its destination.

        The number of tries, the event's longest age and the destinations are those of the function's event-invoke configuration; the age
        counts the waits as Lambda's, not as shortened here.
        """
        function = self.function(name)
        configuration = self._event_invoke_config(function.settings.name)
        retries = configuration.get("MaximumRetryAttempts", DEFAULT_RETRIES)
        oldest = configuration.get("MaximumEventAgeInSeconds") or DEFAULT_EVENT_AGE
        request_id = request_id or str(uuid.uuid4())
        tries = [function.invoke(event, request_id=request_id)]
        age = tries[0].duration
        condition = "RetriesExhausted"
        while not tries[-1].succeeded and len(tries) <= retries:
            wait = ASYNC_WAITS[len(tries) - 1]
            if age + wait > oldest:
                condition = "EventAgeExceeded"
                break
            self._wait(wait)
            tries.append(function.invoke(event, request_id=request_id))
            age += wait + tries[-1].duration
        succeeded = tries[-1].succeeded
        destination = configuration.get("DestinationConfig", {})
        target = destination.get("OnSuccess" if succeeded else "OnFailure", {}).get("Destination")
        if target:
            self._send(target, _destination_record(function, event, tries, "Success" if succeeded else condition))
        return AsyncResult(tuple(tries), target)

    def _event_invoke_config(self, function_name: str) -> dict[str, Any]:
        try:
            configuration: dict[str, Any] = self.aws.client("lambda").get_function_event_invoke_config(
                FunctionName=function_name
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return {}
        return configuration

    def _send(self, arn: str, record: Mapping[str, Any]) -> None:
        """Deliver a destination's record to a queue or a topic."""
        service = arn.split(":")[2]
        message = json.dumps(record, default=str)
        if service == "sqs":
            self.send_to_queue(arn, message)
        elif service == "sns":
            self.aws.client("sns").publish(TopicArn=arn, Message=message)
        else:
            raise LocalCloudError(f"The local cloud delivers to queues and topics; {arn} is neither.")

    def send_to_queue(self, arn: str, message: str, attributes: Mapping[str, str] | None = None) -> None:
        """Send a message, with string attributes, to the queue of this ARN."""
        sqs = self.aws.client("sqs")
        url = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        strings = {key: {"DataType": "String", "StringValue": value} for key, value in (attributes or {}).items()}
        sqs.send_message(QueueUrl=url, MessageBody=message, MessageAttributes=strings)

    def messages(self, logical_id: str) -> list[dict[str, Any]]:
        """Every message that is in a queue of the stack, as the API gives it (`Body`, `MessageAttributes`), left in the queue."""
        sqs = self.aws.client("sqs")
        found: list[dict[str, Any]] = []
        while batch := sqs.receive_message(
            QueueUrl=self.stack.physical_id(logical_id),
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=60,
        ).get("Messages"):
            found += batch
        for message in found:
            sqs.change_message_visibility(
                QueueUrl=self.stack.physical_id(logical_id), ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return found


def _destination_record(function: Function, event: object, tries: list[Invocation], condition: str) -> dict[str, Any]:
    """The record that Lambda sends to a destination of asynchronous invocations."""
    last = tries[-1]
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": last.request_id,
            "functionArn": f"{function.settings.arn}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": len(tries),
        },
        "requestPayload": event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            **({} if last.succeeded else {"functionError": "Unhandled"}),
        },
        "responsePayload": last.answer if last.succeeded else dict(last.error or {}),
    }
