"""`redrive`: fire again what lies in a stack's two queues.

Redrive: what the two queues of a stack hold is fired again, each event as it was, for the date that it was for.

The queue of undelivered schedules holds the inputs of firings that never reached their function, as EventBridge Scheduler
left them there (docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html); the queue of failed runs
holds Lambda's records of events that failed every time they were tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple

import typer
from botocore.exceptions import BotoCoreError, ClientError

from ops.complaints import ExitCode, Failed
from ops.desk import Desk
from ops.groups import Group
from ops.target import Stack
from ops.terminal import Table

app = Group("Fire again what lies in a stack's two queues.")

UNFILLED = "<aws.scheduler.scheduled-time>"
"""What stands for the moment of a firing in the input of a schedule."""
_HIDDEN_SECONDS = 300
"""While a message is being redriven nobody else sees it."""


class Stranded(NamedTuple):
    """One event that was not done: the queue it lies in, the function it is for, and why it is there.

    `function` is "" and `problem` says why where it cannot be fired again.
    """

    queue: str
    receipt: str
    function: str
    event: Any
    why: str
    problem: str = ""


class Redriven(NamedTuple):
    """What became of one event: fired (`answer` is what was said), or left in its queue because of `problem`."""

    stranded: Stranded
    fired: bool
    answer: str


def redriven(stack: Stack, *, dry_run: bool = False) -> Iterator[Redriven]:
    """Fire everything that lies in the two queues now, once, and take what was fired out; one result at a time.

    An event is given to its function as a schedule does: Lambda queues it and tries it three times. What fails again comes back into its
    queue, and is not fired a second time by this call. dry_run: nothing is fired and nothing taken out. A message that cannot be understood
    or handed over stays. Raises Failed where the queues cannot be read.
    """
    sqs = stack.client("sqs")
    for url, understood in ((stack.undelivered_queue, undelivered), (stack.failed_queue, failed)):
        for stranded in _read(sqs, url, understood):
            if dry_run or stranded.problem:
                _put_back(sqs, stranded)
                yield Redriven(stranded, False, stranded.problem or "would be fired")
                continue
            try:
                answer = stack.client("lambda").invoke(
                    FunctionName=stranded.function, InvocationType="Event", Payload=json.dumps(stranded.event).encode()
                )
            except (ClientError, BotoCoreError) as error:
                _put_back(sqs, stranded)
                yield Redriven(stranded, False, f"was not taken: {error}")
                continue
            sqs.delete_message(QueueUrl=url, ReceiptHandle=stranded.receipt)
            request = answer["ResponseMetadata"].get("RequestId", "")
            yield Redriven(stranded, True, f"given to the function (request {request})")


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
        raise Failed(
            f"The queue {url} cannot be read: {error}.", action="Check your permissions (sqs:ReceiveMessage)."
        ) from error
    return list(found.values())


def _put_back(sqs: Any, stranded: Stranded) -> None:
    sqs.change_message_visibility(QueueUrl=stranded.queue, ReceiptHandle=stranded.receipt, VisibilityTimeout=0)


def undelivered(url: str, message: Mapping[str, Any]) -> Stranded:
    """What a message of the schedules' dead-letter queue stands for."""
    attributes = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    why = ": ".join(filter(None, (attributes.get("ERROR_CODE"), attributes.get("ERROR_MESSAGE")))) or "no reason given"
    receipt, target = message["ReceiptHandle"], attributes.get("TARGET_ARN", "")
    # AWS does not say whether Scheduler fills its attributes in before it gives an event up: the message has the moment beside it.
    body = message["Body"].replace(UNFILLED, attributes.get("SCHEDULED_TIME") or UNFILLED)
    try:
        event = json.loads(body)
    except ValueError:
        return Stranded(url, receipt, "", message["Body"], why, "its body is not JSON")
    if UNFILLED in body:
        return Stranded(url, receipt, "", event, why, "it does not say when it was due; fire it with its business_date")
    if attributes.get("IS_PAYLOAD_TRUNCATED", "").lower() == "true":
        return Stranded(url, receipt, "", event, why, "its input was cut by the queue's limit")
    if not target:
        return Stranded(url, receipt, "", event, why, "it does not say which function it was for (TARGET_ARN)")
    return Stranded(url, receipt, target, event, why)


def failed(url: str, message: Mapping[str, Any]) -> Stranded:
    """What a message of the queue of failed runs stands for."""
    receipt = message["ReceiptHandle"]
    try:
        record = json.loads(message["Body"])
        context = record["requestContext"]
        function = context["functionArn"].removesuffix(":$LATEST")
        event = _as_the_same_request(record["requestPayload"], context.get("requestId"))
        error = record.get("responsePayload") or {}
        said = _said(error.get("errorMessage", ""))
        why = f"{context.get('condition', 'failed')}: {error.get('errorType', '')} {said}".strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        return Stranded(url, receipt, "", message["Body"], "unknown", "it is no record of a failed run")
    return Stranded(url, receipt, function, event, why)


def _said(message: str) -> str:
    """An error's message; of a firing through the fleet's machine it is Lambda's error object as text."""
    try:
        return str(json.loads(message)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return message


def _as_the_same_request(event: Any, request_id: Any) -> Any:
    """A forced event with the request that it was first fired as: its edition may have been completed since, and is no other one now."""
    is_forced = isinstance(event, Mapping) and ("detail" in event or event.get("force") or event.get("rebuild"))
    return {"request_id": request_id, **event} if is_forced and request_id else event


@app.command("redrive", of_shop=False, examples=["redrive --dry-run", "redrive --local"])
def redrive(
    desk: Desk,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what lies in the queues.")] = False,
) -> None:
    """Fire again, for the dates they were for, the schedules that were not delivered and the runs that failed for good."""

    rows, data = [], []
    for one in redriven(desk.stack, dry_run=dry_run):
        what = one.stranded
        name = what.function.rpartition(":")[2]
        data.append(
            {"function": name, "event": what.event, "why": what.why, "fired": one.fired, "what_was_done": one.answer}
        )
        rows.append((name or "?", json.dumps(what.event, ensure_ascii=False), what.why, one.answer))
    left = sum(not one["fired"] for one in data)
    title = f"{len(rows)} in the queues" if dry_run else f"{len(rows) - left} of {len(rows)} fired again"
    columns = ("function", "event", "why it is there", "what was done")
    desk.out.show(
        data,
        Table(
            title, columns, rows, empty="Both queues are empty.", prose={"event", "why it is there", "what was done"}
        ),
    )
    if left and not dry_run:
        raise typer.Exit(ExitCode.FAILED)
