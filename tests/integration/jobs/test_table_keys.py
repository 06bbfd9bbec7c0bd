"""A day of all jobs touches no partition of the state table that the role of its function does not name."""

from datetime import UTC, datetime
from fnmatch import fnmatchcase

import pytest

from tests.integration.jobs.conftest import READERS, System
from tests.integration.jobs.test_mail_events import bounce
from tests.integration.permissions.asked import partition
from tests.stand_ins.aws import Wire
from tests.stand_ins.clocks import HandClock
from tests.unit.template.test_permissions import partitions

MOMENT = datetime(2026, 11, 20, 23, 0, 5, tzinfo=UTC)
ROLES = {
    "mail_events": "MailEventsRole",
    "sync_history": "SyncHistoryRole",
    "forecast": "ForecastRole",
    "anomaly_check": "AnomalyCheckRole",
    "report": "ReportRole",
    "watchdog": "WatchdogRole",
}


def test_every_job_stays_within_its_partitions(
    system: System, hand_clock: HandClock, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_clock.moment = MOMENT
    monkeypatch.setenv("ALERT_RECIPIENTS", READERS[0])
    monkeypatch.setenv("STACK_NAME", "shop")
    monkeypatch.setenv("SCHEDULE_GROUP", f"group-{system.table}")
    system.clients.scheduler.create_schedule_group(Name=f"group-{system.table}")
    tick = {"schedule": "s", "scheduled_time": MOMENT.replace(second=0).isoformat()}
    refused = set()
    touched: dict[str, int] = {}
    for job, role in ROLES.items():
        wire.seen.clear()
        system.fire(job, bounce(READERS[1]) if job == "mail_events" else tick)
        for request in wire.seen:
            if request.service == "dynamodb":
                action, key = f"dynamodb:{request.operation}", partition(request)
                touched[job] = touched.get(job, 0) + 1
                if not any(fnmatchcase(key, pattern) for pattern in partitions(role, action)):
                    refused.add((role, action, key))
    assert touched.keys() == ROLES.keys()
    assert refused == set()
