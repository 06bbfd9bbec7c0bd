"""Firing a function of a stack as its schedule would, and waiting for its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ops.complaints import Failed
from ops.target import Stack
from salesflow.shop_id import MAIN_SHOP
from salesflow.stored import json_object


@dataclass(frozen=True, slots=True)
class Answer:
    """How an invocation ended: the handler's answer, or the error that it raised (`error_type` is then not empty)."""

    request_id: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    error_type: str = ""
    error: str = ""

    @property
    def status(self) -> str:
        """The run's status; FAILED where the handler raised."""
        return "FAILED" if self.error_type else str(self.answer.get("status", ""))

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        return self.error if self.error_type else str(self.answer.get("reason", ""))


def fire(stack: Stack, job: str, event: Mapping[str, Any]) -> Answer:
    """Invoke the function of a job with an event of the shop and wait until it is done, as long as a function may run.

    Raises the SDK's errors, and Failed where what comes back is no JSON object.
    """
    if stack.shop != MAIN_SHOP:
        event = {"shop": stack.shop, **event}
    reply = stack.client("lambda", patient=True).invoke(
        FunctionName=stack.function(job).name, InvocationType="RequestResponse", Payload=json.dumps(event).encode()
    )
    request_id = reply["ResponseMetadata"].get("RequestId", "")
    said = json_object(reply["Payload"].read() or b"{}")
    if said is None:
        raise Failed(
            f"The function {stack.function(job).name} answered something that is no JSON object.",
            action="Look at its log: `salesflow-ops runs tail`.",
        )
    if reply.get("FunctionError"):
        return Answer(
            request_id, error_type=said.get("errorType") or "Error", error=said.get("errorMessage") or "no reason given"
        )
    return Answer(request_id, said)
