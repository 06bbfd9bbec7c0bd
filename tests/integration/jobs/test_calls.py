"""How often a job asks AWS: what was read once is not asked for again, and what has not changed is not written."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

import salesflow.s3
from tests.integration.jobs.conftest import System
from tests.stand_ins.aws import Wire
from tests.stand_ins.lambda_context import Context

TICK = "2026-11-20T23:00:00Z"
REPORT = {"schedule": "sales", "scheduled_time": TICK, "formats": ["json"]}
CHECK = {"schedule": "check", "scheduled_time": TICK}


def fire_again(system: System, wire: Wire, function: str, event: dict[str, Any]) -> Counter[str]:
    """The AWS calls of a second firing in the same container, which finds everything as the first one left it."""
    handler: Callable[[Any, Any], dict[str, Any]] = system.load(function)
    handler(json.loads(json.dumps(event)), Context())
    wire.reset()
    answer = handler({**json.loads(json.dumps(event)), "force": True, "notify": "none"}, Context())
    assert answer["status"] == "SUCCEEDED"
    return Counter(request.operation.partition("?")[0] for request in wire.seen)


@pytest.mark.parametrize(("function", "event", "most"), [("report", REPORT, 28), ("anomaly_check", CHECK, 22)])
def test_a_warm_run_that_changes_nothing_asks_little(
    system: System, wire: Wire, function: str, event: dict[str, Any], most: int
) -> None:
    calls = fire_again(system, wire, function, event)
    assert calls.total() <= most, calls
    history = [call for call in calls if call.startswith(("GET history/", "PUT history/"))]
    indexes = {
        call for call in history if call.startswith("PUT history/coverage/")
    }  # when it was read, for the next job
    assert [call for call in history if "/stock/" not in call and call not in indexes] == [], calls
    assert all(calls[call] == 1 for call in indexes), calls
    assert max(number for call, number in calls.items() if call.startswith("GET ") and call != "GET ") == 1, calls


def test_what_two_threads_of_a_run_share_is_made_once(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[salesflow.s3.ObjectStore] = []
    two_at_once = Barrier(2, timeout=1)

    class Watched(salesflow.s3.ObjectStore):
        """Gives another thread the time to begin the same."""

        def __init__(self, *args: Any) -> None:
            made.append(self)
            with suppress(BrokenBarrierError):
                two_at_once.wait()
            super().__init__(*args)

    monkeypatch.setattr(salesflow.s3, "ObjectStore", Watched)
    answer = system.load("report")(REPORT, Context())
    assert answer["status"] == "SUCCEEDED"
    assert len(made) == 1
