"""The stack's secret of channels, as the desk reads and writes it: the channels of all shops in one JSON object, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ops.complaints import NotFound
from ops.target import Stack
from salesflow.delivery.ways import names_of, way_name, ways_said

RESOURCE = "ChannelSecrets"


def read(stack: Stack) -> dict[str, object]:
    """What it says of every channel of every shop. Raises NotFound for a stack without it, WaysUnreadable."""
    secret = stack.client("secretsmanager").get_secret_value(SecretId=_id(stack))
    return ways_said(secret["SecretString"])


def write(stack: Stack, ways: Mapping[str, object]) -> None:
    """Let it say this. Raises NotFound."""
    text = json.dumps(ways, sort_keys=True)
    stack.client("secretsmanager").put_secret_value(SecretId=_id(stack), SecretString=text)


def forget(stack: Stack) -> int:
    """Forget all channels of a shop, so that none of this id meets them again; how many there were. Raises WaysUnreadable."""
    if RESOURCE not in stack.resources:
        return 0
    ways = read(stack)
    own = {way_name(stack.shop, name) for name in names_of(ways, stack.shop)}
    if own:
        write(stack, {name: said for name, said in ways.items() if name not in own})
    return len(own)


def _id(stack: Stack) -> str:
    if RESOURCE not in stack.resources:
        raise NotFound(
            f"{stack.name} knows mail alone: it is of an older version.", action="Run salesflow-ops upgrade."
        )
    return stack.physical_id(RESOURCE)
