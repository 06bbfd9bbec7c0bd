"""Faults built into a container on purpose: with each of them the harness has to find what it is there to find.

Most sit between the system and its AWS client, so that they know no function of the system by name; a name that one does know has to
be there. With a fault built in a run still succeeds as long as nobody disturbs it (the tests look): what comes to light comes of the
disturbance, not of a system that no longer runs at all.
"""

import base64
import hashlib
import importlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import botocore.client
from botocore.exceptions import BotoCoreError, ClientError

LATER_RELEASE = "a later release"
LATER = "of_a_later_release"
"""What it adds to all that it writes: no fault, but what this release has to bear."""

type Send = Callable[[str, dict[str, Any]], Any]
"""Sends a call (operation, parameters) and answers what AWS does."""
type Sabotage = Callable[[Send, str, dict[str, Any]], Any]


def break_on_purpose(name: str) -> None:
    """Build a fault into this process: into its AWS clients, or in the place of one of the system's functions."""
    if name in _INSTEAD:
        place, answer = _INSTEAD[name]
        module, _, path = place.partition(":")
        owner: Any = importlib.import_module(module)
        *outer, function = path.split(".")
        for attribute in outer:
            owner = getattr(owner, attribute)
        instead_of = getattr(owner, function)  # a name that went elsewhere is no sabotage
        if name in _AROUND:
            answer = answer(instead_of)
        setattr(owner, function, answer if callable(answer) else lambda *_, **__: answer)
        return
    sabotage = _SABOTAGES[name]()
    client_class: Any = botocore.client.BaseClient  # the one seam through which every call of every service goes
    make_call = client_class._make_api_call

    def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        return sabotage(lambda *other: make_call(client, *other), operation, parameters)

    client_class._make_api_call = call


def _no_claim() -> Sabotage:
    """Every run takes the date, whoever has it or has finished it, and writes its outcome over anybody's."""

    def sabotage(send: Send, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "UpdateItem" and _is_run(parameters["Key"]):
            _lift_condition(parameters)
        return send(operation, parameters)

    return sabotage


def _no_record_per_recipient() -> Sabotage:
    """Nobody writes down who was told."""

    def sabotage(send: Send, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "PutItem" and "#sent#" in parameters["Item"]["sk"]["S"]:
            return {}
        return send(operation, parameters)

    return sabotage


def _save_after_mail() -> Sabotage:
    """The readers are told of files that lie there only when the outcome is written down."""
    saved: dict[str, dict[str, Any]] = {}

    def sabotage(send: Send, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "PutObject" and parameters["Key"].startswith("reports/sales/"):
            saved[parameters["Key"]] = dict(parameters)
        if operation == "SendEmail":
            _on_s3(lambda s3: [s3.delete_object(Bucket=put["Bucket"], Key=key) for key, put in saved.items()])
        if _is_outcome(operation, parameters):
            _on_s3(lambda s3: [s3.put_object(**put) for put in saved.values()])
        return send(operation, parameters)

    return sabotage


def _record_before_mail() -> Sabotage:
    """The date counts as done before anybody was told."""
    waiting: list[Callable[[], Any]] = []

    def sabotage(send: Send, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "SendEmail":
            waiting.append(lambda: send(operation, parameters))
            return {"MessageId": f"to-be-sent-{len(waiting)}"}
        answer = send(operation, parameters)
        if _is_outcome(operation, parameters):
            while waiting:
                waiting.pop(0)()
        return answer

    return sabotage


def _swallow_unreached() -> Sabotage:
    """Who could not be told is passed over, and the run calls itself a success."""

    def sabotage(send: Send, operation: str, parameters: dict[str, Any]) -> Any:
        try:
            return send(operation, parameters)
        except (ClientError, BotoCoreError):
            if operation != "SendEmail":
                raise
            return {"MessageId": "never-sent"}

    return sabotage


def _no_fencing() -> Sabotage:
    """Whoever writes an object writes it, whatever lies there by now."""

    def sabotage(send: Send, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "PutObject":
            parameters = {name: value for name, value in parameters.items() if name not in {"IfMatch", "IfNoneMatch"}}
        return send(operation, parameters)

    return sabotage


def _the_last_is_the_newest() -> Sabotage:
    """Nobody sees of which date the newest file is."""

    def sabotage(send: Send, operation: str, parameters: dict[str, Any]) -> Any:
        answer = send(operation, parameters)
        if operation == "HeadObject" and "reports/latest/" in parameters["Key"]:
            answer["Metadata"].pop("business-date", None)
        return answer

    return sabotage


def _choices_over_each_other() -> Sabotage:
    """Of two choices of a reader, or an operator, at the same moment the later one is written over the other."""

    def sabotage(send: Send, operation: str, parameters: dict[str, Any]) -> Any:
        row = parameters.get("Key", parameters.get("Item", {}))
        if operation in ("UpdateItem", "PutItem") and row["pk"]["S"] in ("address", "settings"):
            _lift_condition(parameters)
        return send(operation, parameters)

    return sabotage


def _later_release() -> Sabotage:
    """What is written holds what this release does not know: attributes of rows, words of indexes, metadata of objects."""

    def sabotage(send: Send, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "PutItem":
            parameters = {**parameters, "Item": {**parameters["Item"], LATER: {"N": "1.5"}}}
        if operation == "UpdateItem" and {"run_id", "finished_at"} & {*parameters["ExpressionAttributeNames"].values()}:
            parameters = {
                **parameters,
                "UpdateExpression": parameters["UpdateExpression"].replace("SET ", "SET #later = :later, ", 1),
                "ExpressionAttributeNames": {**parameters["ExpressionAttributeNames"], "#later": LATER},
                "ExpressionAttributeValues": {**parameters["ExpressionAttributeValues"], ":later": {"N": "1.5"}},
            }
        if operation == "PutObject":
            parameters = {**parameters, "Metadata": {**parameters["Metadata"], LATER.replace("_", "-"): "1.5"}}
            if parameters["Key"].startswith("history/coverage/"):
                body = json.dumps({**json.loads(parameters["Body"]), LATER: "1.5"}).encode()
                digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
                parameters |= {"Body": body, "ChecksumSHA256": digest}
        return send(operation, parameters)

    return sabotage


def _lift_condition(parameters: dict[str, Any]) -> None:
    always = "attribute_exists(pk) OR attribute_not_exists(pk)"
    parameters["ConditionExpression"] = f"{always} OR ({parameters['ConditionExpression']})"


def _is_run(key: dict[str, Any]) -> bool:
    return bool(key["pk"]["S"].startswith("run#"))


def _is_outcome(operation: str, parameters: dict[str, Any]) -> bool:
    return operation == "UpdateItem" and "finished_at" in parameters.get("ExpressionAttributeNames", {}).values()


def _on_s3(deed: Callable[[Any], object]) -> None:
    import boto3

    deed(boto3.client("s3"))


_SABOTAGES: dict[str, Callable[[], Sabotage]] = {
    "no claim": _no_claim,
    "no record per recipient": _no_record_per_recipient,
    "save after mail": _save_after_mail,
    "record before mail": _record_before_mail,
    "swallow who was not reached": _swallow_unreached,
    "no fencing": _no_fencing,
    "the last is the newest": _the_last_is_the_newest,
    "choices over each other": _choices_over_each_other,
    LATER_RELEASE: _later_release,
}


def _of_the_first_shop(for_run: Callable[..., Any]) -> Callable[..., Any]:
    """A container that has worked for a shop works for it ever after."""
    first: list[str] = []

    def for_any(runtime: Any, shop: str = "main") -> Any:
        first.append(shop)
        return for_run(runtime, first[0])

    return for_any


_INSTEAD: dict[str, tuple[str, Any]] = {
    "under other settings is as good": ("salesflow.history.terms:Terms.differences", ()),
    "the index is believed": ("salesflow.history.coverage:Part.lost", []),
    "the future is believed": ("salesflow.source.sales:_later_than", []),
    "there is never more": ("salesflow.source.envelope:Envelope.more", None),
    "a failure is an answer": ("salesflow.source.envelope:_says_failure", False),
    "of one id the last stands": ("salesflow.source.sales:SalesReader._of_one_id", []),
    "amounts are rounded": ("salesflow.source.sales:is_exact", lambda amounts, _: amounts < float("inf")),
    "a night is the next day's": ("salesflow.analytics.lines:into_day", timedelta(0)),
    "no weekday is known": ("salesflow.detection.calendar:trading_weekday", None),
    "names are formulas": ("salesflow.reports.data:harmless", lambda text: text),
    "a session shows its token": ("salesflow.source.token:AccessToken.__repr__", lambda token: token.value),
    "nothing is read deeper": ("salesflow.history.sync:is_deep_read_due", False),
    "a retry is told of a duplicate": ("salesflow.jobs.frame:_is_answered_by", True),
    "who told few told all": ("salesflow.ledger.runs:RunRecord.has_told", True),
    "the first shop stays": ("salesflow.jobs.runtime:Runtime.for_run", _of_the_first_shop),
    "a later release's fields are taken": ("salesflow.ledger.runs:known", lambda _, fields: fields),
}
"""Functions of the system that are replaced, and what is answered, or what stands, in their place."""

_AROUND = frozenset({"the first shop stays"})
"""Of these the function that is replaced is given to what makes the other one."""
