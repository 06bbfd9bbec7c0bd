"""What is done to all shops of a stack at once: firings in lists, given to the stack's state machine, and how far it is.

The lists lie in the bucket as `fleet/{name}/{number}.json`, each an array of events, one firing each. The first holds the canaries: few
shops, chosen anew each time. After each list the machine counts what has failed so far, and goes on while that is tolerated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from math import ceil
from typing import Any

from ops.complaints import NotFound
from ops.target import Stack

LONGEST_LIST = 10_000
"""Firings a list: what the machine hears of them (11 to 14 bytes each) has to fit into the 256 KiB of a state's data."""

type Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FiringList:
    """Some of the firings, and how many may have failed, from the first list on, when these are done."""

    events: tuple[Event, ...]
    tolerated: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an execution is. fired: answered, well or badly; failed: None while the machine has not counted to the end."""

    name: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    firings: int
    fired: int
    failed: int | None
    reason: str

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status != "RUNNING"


def in_lists(
    name: str, shops: Sequence[str], events: Sequence[Event], canaries: float, tolerance: float, *, rest: bool = True
) -> list[FiringList]:
    """The firings of each event for each shop: the canaries' first, then (with `rest`) the others', all shops of an event before those of
    the next.

    canaries, tolerance: percent of the shops (see `first_ones`) and of the firings, rounded down. Raises ValueError without shops.
    """
    if not shops:
        raise ValueError("there are no shops")
    by_chance = sorted(shops, key=lambda shop: hashlib.sha256(f"{name} {shop}".encode()).digest())
    few = first_ones(len(shops), canaries)
    lists: list[FiringList] = []
    so_far = 0
    for chosen in (by_chance[:few], by_chance[few:] if rest else ()):
        firings = [{"shop": shop, **event} for event in events for shop in chosen]
        for part in batched(firings, LONGEST_LIST, strict=False):
            so_far += len(part)
            lists.append(FiringList(part, int(so_far * tolerance / 100)))
    return lists


def first_ones(shops: int, canaries: float) -> int:
    """How many of so many shops are canaries, of which there are `canaries` percent: at least one."""
    return ceil(shops * canaries / 100) or 1


def name_of(what: str, begun: datetime, asked: Sequence[Any]) -> str:
    """The name of an execution: what it does, the second (UTC) in which it is begun, and of all that is `asked` a digest.

    The same command twice within a second so begins it once, as the machine knows it again; another command begins another.
    """
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    return f"{what}-{begun:%Y%m%dT%H%M%S}-{digest[:8]}"


def start(stack: Stack, name: str, job: str, lists: Sequence[FiringList], *, at_once: int) -> None:
    """Write the lists and start the machine on them: at most `at_once` firings of the job's function at the same time."""
    s3 = stack.client("s3")
    said = []
    for number, one in enumerate(lists):
        key = f"fleet/{name}/{number}.json"
        s3.put_object(
            Bucket=stack.bucket, Key=key, Body=json.dumps(one.events).encode(), ContentType="application/json"
        )
        said.append({"key": key, "tolerated": one.tolerated, "firings": len(one.events)})
    asked = {"function": stack.function(job).name, "at_once": at_once, "count": len(said), "lists": said}
    client = stack.client("stepfunctions")
    with suppress(client.exceptions.ExecutionAlreadyExists):  # the same command of the same second: it is over by now
        client.start_execution(stateMachineArn=stack.fleet_machine, name=name, input=json.dumps(asked))


def executions(stack: Stack) -> Iterator[tuple[str, str, datetime]]:
    """Name, status and start of each execution of the last 90 days, the newest first."""
    pages = stack.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=stack.fleet_machine)
    for page in pages:
        for one in page["executions"]:
            yield one["name"], one["status"], one["startDate"]


def newest(stack: Stack) -> str:
    """The name of the execution that was started last. Raises NotFound."""
    for name, _, _ in executions(stack):
        return name
    raise NotFound(
        "Nothing was done to all shops in the last 90 days.", action="salesflow-ops fleet --help says what there is."
    )


def progress(stack: Stack, name: str) -> Progress:
    """How far an execution is. Raises NotFound, and the SDK's errors."""
    client = stack.client("stepfunctions")
    arn = arn_of(stack, name)
    try:
        found = client.describe_execution(executionArn=arn)
    except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn):
        raise NotFound(f"There is no {name}.", action="salesflow-ops fleet list shows what there is.") from None
    lists = json.loads(found["input"])["lists"]
    pages = client.get_paginator("list_map_runs").paginate(executionArn=arn)
    runs = [client.describe_map_run(mapRunArn=run["mapRunArn"]) for page in pages for run in page["mapRuns"]]
    return Progress(
        name=name,
        status=found["status"],
        started_at=found["startDate"],
        ended_at=found.get("stopDate"),
        firings=sum(one["firings"] for one in lists),
        fired=sum(run["itemCounts"]["succeeded"] + run["itemCounts"]["failed"] for run in runs),
        failed=json.loads(found["output"])["failed"] if found["status"] == "SUCCEEDED" else None,
        reason=found.get("cause", ""),
    )


def arn_of(stack: Stack, name: str) -> str:
    """The ARN of an execution of the machine."""
    return f"{stack.fleet_machine.replace(':stateMachine:', ':execution:')}:{name}"
