"""Setting parameters of a deployed stack without a new deployment of its code: CloudFormation's own update, template unchanged."""

from __future__ import annotations

from collections.abc import Mapping

from botocore.exceptions import ClientError, WaiterError

from ops.complaints import Failed
from ops.samconfig import read_parameters
from ops.target import Stack

POLL_SECONDS = 3


def set_parameters(stack: Stack, changes: Mapping[str, str]) -> bool:
    """Set these parameters, keep all others, and wait until it is done; False where they were so already.

    Raises Failed where CloudFormation rolls it back, and the SDK's errors.
    """
    client = stack.client("cloudformation")
    parameters: list[dict[str, object]] = [
        {"ParameterKey": name, "ParameterValue": changes[name]}
        if name in changes
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in stack.parameters
    ]
    try:
        client.update_stack(
            StackName=stack.name,
            UsePreviousTemplate=True,
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as error:
        if "No updates are to be performed" in error.response["Error"].get("Message", ""):
            return False
        raise
    try:
        client.get_waiter("stack_update_complete").wait(
            StackName=stack.name, WaiterConfig={"Delay": POLL_SECONDS, "MaxAttempts": 600 // POLL_SECONDS}
        )
    except WaiterError as error:
        raise Failed(
            f"The stack {stack.name} did not take {', '.join(changes)}: {error}.",
            action="CloudFormation's events of the stack say why; nothing else was changed.",
        ) from error
    return True


def overridden_at_deployment(stack: Stack, names: Mapping[str, str]) -> list[str]:
    """Those of the parameters that samconfig.toml sets as well, so that the next `sam deploy` has the last word."""
    return [name for name in names if name in read_parameters(stack=stack.name)]
