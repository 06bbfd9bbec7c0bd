"""What clocks went over: the watchdog fires it late, once, and says so."""

import json
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salesflow.job_events import JobRequest, ReportFields
from salesflow.ledger import RunStatus
from tests.integration.jobs.watched import SALES_INPUT, Watched, utc
from tests.stand_ins.aws import Answer, Request, Wire, calls


class Lambda:
    """Lambda's Invoke, which moto has with Docker only: what was invoked, and the runs that came of it."""

    def __init__(self, watched: Watched, wire: Wire) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._watched = watched
        wire.stand_in(calls("POST functions/"), self._invoked)

    def _invoked(self, request: Request) -> Answer:
        assert request.headers["x-amz-invocation-type"] == "Event", "the watchdog waits for nobody"
        event = json.loads(request.body)
        self.events.append((request.path.split("/")[3], event))
        due = datetime.fromisoformat(event["scheduled_time"])
        with self._watched.claim(due, business_date=date(2026, 3, 28)) as claim:
            claim.finish(RunStatus.SUCCEEDED, reason="ok")
        return Answer(202, [], b"")


@pytest.fixture
def functions(watched: Watched, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Lambda:
    """02:30 in Paris on 29 March 2026, where clocks go from 02:00 to 03:00 at 01:00 UTC."""
    monkeypatch.setenv("TIMEZONE", "Europe/Paris")
    watched.put(
        "scheduled-sales-pdf", "cron(30 2 * * ? *)", SALES_INPUT, zone="Europe/Paris", changed=utc(20, 0, month=3)
    )
    watched.ran(utc(28, 1, 30, month=3))
    watched.look(utc(28, 23, 50, month=3))
    return Lambda(watched, wire)


def test_what_clocks_went_over_is_fired_late_once_and_told(watched: Watched, functions: Lambda) -> None:
    watched.look(utc(29, 0, 50, 3))
    assert functions.events == []
    looks = [watched.look(utc(29, hour, 50, 3)) for hour in range(1, 8)]
    assert [look["skipped_by_clocks"] for look in looks] == [[f"{watched.stack}-scheduled-sales-pdf"], *[[]] * 6]
    assert looks[-1]["in_trouble"] == []
    ((function, event),) = functions.events
    assert function == f"{watched.stack}-report"
    request = JobRequest.from_event(event, ReportFields, now=utc(29, 1, 50, 3), zone=ZoneInfo("Europe/Paris"))
    assert request.business_date == date(2026, 3, 28)
    assert request.fields.formats == ("pdf",)
    assert watched.told() == ["scheduled-sales-pdf: there was no 02:30"]
    assert "fired late instead, for business date 2026-03-28" in watched.text()


def test_what_could_not_be_fired_late_is_told_and_then_missing(watched: Watched, functions: Lambda, wire: Wire) -> None:
    wire.reset()
    wire.refuse(calls("POST functions/"), 403, "AccessDeniedException", "no", times=9)
    for hour in range(1, 4):
        watched.look(utc(29, hour, 50, 3))
    assert functions.events == []
    assert watched.told() == ["scheduled-sales-pdf: there was no 02:30", "scheduled-sales-pdf: missing"]
    assert "fire it by hand, with business_date 2026-03-28" in watched.text(0)
    assert "did not exist on that day" in watched.text(1)


def test_what_ran_by_hand_before_the_look_is_not_fired_again(watched: Watched, functions: Lambda) -> None:
    watched.ran(utc(29, 1, 0, 3))
    watched.clock.moment = utc(29, 1, 20, 3)
    assert watched.look(utc(29, 1, 50, 3))["skipped_by_clocks"] == []
    assert functions.events == []
    assert watched.told() == []


def test_a_look_that_tells_nobody_fires_nothing(watched: Watched, functions: Lambda) -> None:
    assert watched.look(utc(29, 1, 50, 3), notify="none")["skipped_by_clocks"] != []
    assert functions.events == []
