"""A whole day of all jobs, with readers who are refused, marked and not reached: nothing private lies where many can read."""

import gzip
import json
import sys
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from logging import StreamHandler
from typing import Any

import pytest

from salesflow.errors import DeliveryIncomplete
from salesflow.observability import logger
from tests.integration.jobs.conftest import OWNER, READERS, System
from tests.integration.jobs.test_mail_events import bounce
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.clocks import HandClock

DAY = date(2026, 11, 20)
MOMENT = datetime(2026, 11, 20, 23, 0, 5, tzinfo=UTC)
REFUSED, MARKED, SLOW = "refused@shop.example.com", "marked@shop.example.com", "slow@shop.example.com"
EVERYBODY = (*READERS, OWNER, REFUSED, MARKED, SLOW)


@pytest.fixture
def a_day(
    system: System,
    hand_clock: HandClock,
    wire: Wire,
    shop_sales: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> tuple[System, str]:
    """The system after the day, and all that its functions logged."""
    hand_clock.moment = MOMENT
    monkeypatch.setenv("REPORT_RECIPIENTS", ",".join((*READERS, REFUSED, MARKED, SLOW)))
    monkeypatch.setenv("STACK_NAME", "shop")
    system.clients.scheduler.create_schedule_group(Name=f"group-{system.table}")
    monkeypatch.setenv("SCHEDULE_GROUP", f"group-{system.table}")
    tick = {"scheduled_time": MOMENT.replace(second=0).isoformat()}
    wire.refuse(
        calls("SendEmail", recipient=REFUSED), 400, "MessageRejected", f"Not verified: {REFUSED}", times=float("inf")
    )
    wire.refuse(calls("SendEmail", recipient=SLOW), 503, "ServiceUnavailable", f"{SLOW} must wait", times=4)
    handler, lines = logger.registered_handler, StringIO()
    assert isinstance(handler, StreamHandler)
    written_to = handler.setStream(lines)  # whichever test made it, and whatever its output was then
    capfd.readouterr()
    system.fire("mail_events", bounce(MARKED))
    system.fire("sync_history", {"schedule": "sync", **tick})
    system.fire("forecast", {"schedule": "forecast", **tick})
    system.fire("anomaly_check", {"schedule": "anomaly-check", **tick})
    report = {"schedule": "sales", **tick, "formats": ["html", "json", "csv"]}
    with pytest.raises(DeliveryIncomplete) as incomplete:
        system.fire("report", report)
    assert not any(address in str(incomplete.value) for address in EVERYBODY), "Lambda logs an error as it is"
    hand_clock.advance(minutes=2)
    assert system.fire("report", report)["status"] == "PARTIAL"
    system.fire("watchdog", {"schedule": "watchdog", "scheduled_time": hand_clock.moment.isoformat()})
    handler.setStream(written_to or sys.stdout)
    return system, lines.getvalue() + capfd.readouterr().out


def test_nothing_private_lies_where_many_can_read(a_day: tuple[System, str]) -> None:
    """No address anywhere, and no figure in the log: the day's and the forecast's amounts, and each product's of the day, in
    every way that a number is written."""
    system, log = a_day
    places = {"the log and the metrics": log}
    for key in system.keys(""):
        body = system.body(key)
        places[key] = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode("utf-8", "replace")
    assert "reports/index.html" in places
    found = [(place, address) for place, text in places.items() for address in EVERYBODY if address in text]
    assert found == []
    assert "r…@shop.example.com was refused" in places["reports/index.html"], "an operator can still tell who is meant"
    assert "r…@shop.example.com" in log

    document = json.loads(system.body(f"reports/sales/daily/{DAY}/sales-daily-{DAY}.json"))
    kpis = document["sales"]["kpis"]
    amounts = [float(kpis["revenue"]), float(kpis["average_ticket"])]
    amounts += [float(product["revenue"]) for product in document["sales"]["products"]]
    assert len(amounts) > 5
    assert amounts[0] > 1000
    written = {f"{amount:.2f}" for amount in amounts} | {f"{amount:,.2f}" for amount in amounts}
    written |= {str(round(amount * 100)) for amount in amounts if amount > 1000}
    (forecast,) = (row for row in system.rows() if row["pk"]["S"] == "run#forecast")
    expected = json.loads(forecast["details"]["S"])["expected_revenue"]
    assert len(expected) == 3, "an operator finds them in the ledger"
    written |= {json.dumps(amount) for amount in expected.values()}
    assert [figure for figure in written if figure in log] == []
    assert '"sales_rows":' in log, "counts of rows are logged"


def test_what_1_0_0_noted_of_a_reader_is_masked_on_the_page(system: System) -> None:
    system.fire("report", {"business_date": str(DAY), "formats": ["html"]})
    said = {
        "job": "report",
        "identity": "report/sales/daily/html",
        "status": "PARTIAL",
        "reason": f"{REFUSED} was refused: SES refuses to mail {REFUSED}.",
        "finished_at": MOMENT.isoformat(),
    }
    row = {"pk": {"S": "library"}, "sk": {"S": f"{DAY}#report/sales/daily/html"}, "run": {"S": json.dumps(said)}}
    system.clients.dynamodb.put_item(TableName=system.table, Item=row)
    system.fire("sync_history", {"business_date": str(DAY - timedelta(days=1)), "force": True})
    page = system.body("reports/index.html").decode()
    assert REFUSED not in page
    assert "r…@shop.example.com was refused" in page
