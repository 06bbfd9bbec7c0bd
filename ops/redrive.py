"""Redrive: what the two queues of a stack hold is fired again, each event as it was, for the date that it was for.

The queue of undelivered schedules holds the inputs of firings that never reached their function, as EventBridge Scheduler
left them there (docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html); the queue of failed runs
holds Lambda's records of events that failed every time they were tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from local.cloud import LocalCloud, LocalCloudError
from ops.target import Stack
from salesflow.errors import SalesFlowError

UNDELIVERED = "UndeliveredSchedulesUrl"
FAILED = "FailedRunsUrl"
"""The stack's outputs that name the queues."""

_HIDDEN_SECONDS = 300
"""While a message is being redriven nobody else sees it."""


class RedriveImpossible(SalesFlowError):
    """The stack cannot be found, or its queues cannot be read."""


@dataclass(frozen=True, slots=True)
class Stranded:
    """One event that was not done: the queue it lies in, the function it is for, and why it is there.

    `function` is "" and `problem` says why where it cannot be fired again.
    """

    queue: str
    receipt: str
    function: str
    event: Any
    why: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of one event: fired (`answer` is what was said), or left in its queue because of `problem`."""

    stranded: Stranded
    fired: bool
    answer: str


class Target(Protocol):
    """A stack's queues and functions."""

    @property
    def sqs(self) -> Any:
        """A client of SQS."""

    @property
    def queues(self) -> Mapping[str, str]:
        """The URLs of the two queues, by the stack's outputs."""

    def fire(self, function: str, event: Any) -> str:
        """Give a function an event as its schedule does, and say what came of it; raises where it was not taken."""


class DeployedStack:
    """A stack in AWS, or in the local cloud that `ops up` keeps running, called with the operator's own credentials."""

    def __init__(self, stack: Stack) -> None:
        self.sqs = stack.client("sqs")
        self._lambda = stack.client("lambda")
        self.queues = _queues(stack.outputs, stack.name)

    def fire(self, function: str, event: Any) -> str:
        """Invoke it as the schedule does: Lambda queues the event and tries it three times."""
        answer = self._lambda.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event).encode())
        return f"given to the function (request {answer['ResponseMetadata']['RequestId']})"


class LocalStack:
    """The stack of a local cloud, whose functions run in this process's children."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self.sqs = cloud.aws.client("sqs")
        self.queues = _queues(cloud.stack.outputs, cloud.stack.stack)

    def fire(self, function: str, event: Any) -> str:
        """Run it as Lambda does, tries included, and say how it ended."""
        last = self._cloud.invoke_async(function, event).last
        if last.error is not None:
            return f"failed again: {last.error.get('errorMessage', '')}"
        return f"{last.answer.get('status', 'done')}: {last.answer.get('reason', '')}"


def redrive(target: Target, *, dry_run: bool = False) -> Iterator[Redriven]:
    """Fire everything that lies in the two queues now, once, and take what was fired out; one result at a time.

    What fails again comes back into its queue, and is not fired a second time by this call. dry_run: nothing is fired and
    nothing taken out. A message that cannot be understood or handed over stays. Raises RedriveImpossible where the
    queues cannot be read.
    """
    for output in (UNDELIVERED, FAILED):
        url = target.queues[output]
        for stranded in _read(target.sqs, url, _undelivered if output == UNDELIVERED else _failed):
            if dry_run or stranded.problem:
                _put_back(target.sqs, stranded)
                yield Redriven(stranded, False, stranded.problem or "would be fired")
                continue
            try:
                answer = target.fire(stranded.function, stranded.event)
            except (ClientError, BotoCoreError, LocalCloudError) as error:
                _put_back(target.sqs, stranded)
                yield Redriven(stranded, False, f"was not taken: {error}")
                continue
            target.sqs.delete_message(QueueUrl=url, ReceiptHandle=stranded.receipt)
            yield Redriven(stranded, True, answer)


def _queues(outputs: Mapping[str, str], stack: str) -> dict[str, str]:
    missing = [name for name in (UNDELIVERED, FAILED) if name not in outputs]
    if missing:
        raise RedriveImpossible(
            f"The stack {stack} has no output {' and '.join(missing)}.", action="Is it a SalesFlow stack, up to date?"
        )
    return {name: outputs[name] for name in (UNDELIVERED, FAILED)}


def _read(sqs: Any, url: str, understood: Any) -> list[Stranded]:
    """All that lies in a queue now; hidden from others meanwhile. Read before anything is fired: what fails comes back."""
    found: dict[str, Stranded] = {}
    try:
        while batch := sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=1,
        ).get("Messages"):
            for message in batch:
                found[message["MessageId"]] = understood(url, message)
    except (ClientError, BotoCoreError) as error:
        raise RedriveImpossible(
            f"The queue {url} cannot be read: {error}.", action="Check your permissions (sqs:ReceiveMessage)."
        ) from error
    return list(found.values())


def _put_back(sqs: Any, stranded: Stranded) -> None:
    sqs.change_message_visibility(QueueUrl=stranded.queue, ReceiptHandle=stranded.receipt, VisibilityTimeout=0)


def _undelivered(url: str, message: Mapping[str, Any]) -> Stranded:
    attributes = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    why = ": ".join(filter(None, (attributes.get("ERROR_CODE"), attributes.get("ERROR_MESSAGE")))) or "no reason given"
    receipt, target = message["ReceiptHandle"], attributes.get("TARGET_ARN", "")
    try:
        event = json.loads(message["Body"])
    except ValueError:
        return Stranded(url, receipt, "", message["Body"], why, "its body is not JSON")
    if attributes.get("IS_PAYLOAD_TRUNCATED", "").lower() == "true":
        return Stranded(url, receipt, "", event, why, "its input was cut by the queue's limit")
    if not target:
        return Stranded(url, receipt, "", event, why, "it does not say which function it was for (TARGET_ARN)")
    return Stranded(url, receipt, target, event, why)


def _failed(url: str, message: Mapping[str, Any]) -> Stranded:
    receipt = message["ReceiptHandle"]
    try:
        record = json.loads(message["Body"])
        context = record["requestContext"]
        function = context["functionArn"].removesuffix(":$LATEST")
        event = record["requestPayload"]
        error = record.get("responsePayload") or {}
        why = f"{context.get('condition', 'failed')}: {error.get('errorType', '')} {error.get('errorMessage', '')}".strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        return Stranded(url, receipt, "", message["Body"], "unknown", "it is no record of a failed run")
    return Stranded(url, receipt, function, event, why)
