"""What version 1.0.0 left behind is read as it is: rows, history, reports, alerts, forecasts, who was told.

`state-1.0.0.json.xz` holds the state table and the bucket as that version wrote them in four days of a small shop (with a reader whom
SES refused once, an address that bounced for good, a source that was down, a run that was killed, a bad day that was told), and the
shop's sales themselves.
"""

import base64
import json
import lzma
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import Any

import msgspec
import pytest

from local.api import SalesFlowServer, SalesStore
from local.api.records import Product, Sale
from salesflow.library.keeper import INDEX_KEY
from tests.integration.jobs.conftest import OWNER, READERS, System
from tests.integration.jobs.watched import put_schedule
from tests.integration.kept import Kept, put_back
from tests.stand_ins.clocks import HandClock

BOUNCED = "gone@shop.example.com"
NEXT_TICK = datetime(2026, 11, 21, 23, 0, 5, tzinfo=UTC)
NEXT_DATE = date(2026, 11, 21)
STACK = "shop"
SALES = {"formats": ["csv", "json"]}


def tick(name: str, moment: datetime = NEXT_TICK) -> dict[str, Any]:
    return {"schedule": f"{STACK}-{name}", "scheduled_time": moment.replace(second=0).isoformat()}


@pytest.fixture(scope="module")
def recorded() -> Any:
    """The recording: rows, objects, sales, products, schedules, and who was told what."""
    return json.loads(lzma.decompress((Path(__file__).parent / "state-1.0.0.json.xz").read_bytes()))


@pytest.fixture(scope="module")
def store(recorded: Any) -> SalesStore:
    """The shop's sales."""
    return SalesStore(
        msgspec.convert(recorded["sales"], list[Sale]), msgspec.convert(recorded["products"], list[Product])
    )


@pytest.fixture(scope="module")
def objects(recorded: Any) -> list[Kept]:
    """What stood in the bucket."""
    return [
        Kept(key, base64.b64decode(there["body"]), {"Content-Type": there["type"], **there["metadata"]})
        for key, there in recorded["objects"].items()
    ]


@pytest.fixture
def api(store: SalesStore, hand_clock: HandClock) -> Iterator[SalesFlowServer]:
    """The shop whose sales 1.0.0 read, on the morning after."""
    hand_clock.moment = NEXT_TICK
    shops_clock = lambda: (hand_clock.now() + timedelta(hours=8)).replace(tzinfo=None)  # noqa: E731
    with SalesFlowServer(store, clock=shops_clock) as server:
        yield server


@pytest.fixture
def upgraded(system: System, recorded: Any, objects: list[Kept], monkeypatch: pytest.MonkeyPatch) -> System:
    """A stack that holds what 1.0.0 wrote, with this version's functions."""
    for name in ("REPORT_RECIPIENTS", "ALERT_RECIPIENTS", "OWNER_RECIPIENTS", "HISTORY_DAYS"):
        monkeypatch.setenv(name, recorded["environment"][name])
    for rows in batched(recorded["rows"], 25, strict=False):
        puts = [{"PutRequest": {"Item": row}} for row in rows]
        system.clients.dynamodb.batch_write_item(RequestItems={system.table: puts})
    put_back(system.bucket, objects)
    return system


def told(system: System) -> list[tuple[str, str]]:
    """Each mail since the upgrade: to whom, and its subject without the reference."""
    return [(mail["To"], mail["Subject"].rpartition(" [")[0]) for mail in system.mails()]


def sold(recorded: Any, first: date, last: date) -> tuple[int, float]:
    """Lines and revenue of some days, summed from the raw sales."""
    items = [
        item
        for sale in recorded["sales"]
        if first <= datetime.fromisoformat(sale["sold_at"]).date() <= last
        for item in sale["items"]
    ]
    return len(items), round(sum(item["subtotal"] for item in items), 2)


def revenue(system: System, key: str) -> float:
    return float(json.loads(system.body(key))["sales"]["kpis"]["revenue"])


def test_the_next_report_goes_on_where_1_0_0_ended(upgraded: System, recorded: Any) -> None:
    answer = upgraded.fire("report", {**tick("sales-daily"), **SALES})
    assert answer["business_date"] == "2026-11-21"
    assert "g…@shop.example.com was refused" in answer["reason"], "the mark on the address that bounced still stands"
    assert sorted(to for to, _ in told(upgraded)) == sorted(READERS)
    lines, amount = sold(recorded, NEXT_DATE, NEXT_DATE)
    assert answer["sales_rows"] == lines
    (key,) = (made["key"] for made in answer["artifacts"] if made["format"] == "json")
    assert revenue(upgraded, key) == amount


def test_the_history_that_1_0_0_wrote_makes_a_quarters_report(upgraded: System, recorded: Any) -> None:
    fields = {"period": "quarterly", "formats": ["json"], "notify": "none", "business_date": "2026-11-21"}
    answer = upgraded.fire("report", {**tick("quarter"), **fields})
    assert answer["status"] == "SUCCEEDED"
    asked = [int(call.query["days"]) for call in upgraded.api.calls if call.path == "/sales/history"]
    assert max(asked) < 100, "the months are not read anew"
    (made,) = answer["artifacts"]
    saved = json.loads(upgraded.body(made["key"]))["sales"]
    first, last = (date.fromisoformat(saved["window"][end]) for end in ("first", "last"))
    assert last == NEXT_DATE
    lines, amount = sold(recorded, first, last)
    assert (answer["sales_rows"], revenue(upgraded, made["key"])) == (lines, amount)


def test_a_date_that_1_0_0_finished_is_not_done_again(upgraded: System) -> None:
    before = upgraded.body("reports/sales/daily/2026-11-17/sales-daily-2026-11-17.json")
    answer = upgraded.fire("report", {**SALES, "business_date": "2026-11-17"})
    assert answer["status"] == "DUPLICATE"
    assert upgraded.body("reports/sales/daily/2026-11-17/sales-daily-2026-11-17.json") == before
    assert told(upgraded) == []


def test_a_run_of_1_0_0_that_was_killed_is_made_good(upgraded: System) -> None:
    killed = {**tick("stock-daily", datetime(2026, 11, 20, 23, 10, tzinfo=UTC)), "report_type": "stock"}
    answer = upgraded.fire("report", {**killed, "formats": ["parquet"]})
    assert (answer["business_date"], answer["status"]) == ("2026-11-20", "PARTIAL")
    assert sorted(to for to, _ in told(upgraded)) == sorted(READERS)


def test_a_resend_reaches_whom_1_0_0_could_not_and_nobody_else(upgraded: System) -> None:
    upgraded.fire("report", {**SALES, "business_date": "2026-11-18", "resend": True})
    assert [to for to, _ in told(upgraded)] == [READERS[1]], "refused by SES at the time"
    upgraded.fire("report", {**SALES, "business_date": "2026-11-18", "resend": True})
    assert len(told(upgraded)) == 1


def test_the_check_remembers_what_1_0_0_told(upgraded: System, recorded: Any) -> None:
    assert any("19 Nov" in subject for to, _, subject in recorded["told"] if to == OWNER)
    again = upgraded.fire("anomaly_check", {"business_date": "2026-11-19", "force": True})
    assert again["status"] == "SUCCEEDED"
    following = upgraded.fire("anomaly_check", tick("anomalies"))
    assert (following["business_date"], following["status"]) == ("2026-11-21", "SUCCEEDED")
    assert [subject for _, subject in told(upgraded) if "19 Nov" in subject] == [], "the bad day was told by 1.0.0"


def test_the_forecast_goes_on(upgraded: System) -> None:
    assert upgraded.fire("forecast", tick("forecast"))["status"] == "SUCCEEDED"


def test_the_watchdog_knows_what_1_0_0_told_of(
    upgraded: System, recorded: Any, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_NAME", STACK)
    monkeypatch.setenv("SCHEDULE_GROUP", STACK)
    scheduler = upgraded.clients.scheduler
    scheduler.create_schedule_group(Name=STACK)
    for name, schedule in recorded["schedules"].items():
        function = schedule["function"].replace("_", "-")
        fields = {"schedule": name, "scheduled_time": "<aws.scheduler.scheduled-time>", **schedule["fields"]}
        changed = datetime(2026, 11, 16, 22, tzinfo=UTC)
        put_schedule(scheduler, STACK, name, schedule["cron"], fields, function=function, changed=changed)
    hand_clock.moment = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    assert upgraded.fire("watchdog", tick("watchdog", hand_clock.moment))["status"] == "SUCCEEDED"
    assert told(upgraded) == [], "every trouble was told by 1.0.0 two hours ago"
    hand_clock.moment = NEXT_TICK + timedelta(hours=2)
    assert upgraded.fire("watchdog", tick("watchdog", hand_clock.moment))["status"] == "SUCCEEDED"
    (mail,) = upgraded.mails()
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "sales-daily" in text
    assert "business date 2026-11-21" in text, "the next day's report did not come"


def test_the_library_page_goes_on_listing_what_1_0_0_made(upgraded: System) -> None:
    upgraded.fire("report", {**tick("sales-daily"), **SALES})
    page = upgraded.body(INDEX_KEY).decode()
    made = [key.removeprefix("reports/") for key in upgraded.keys("reports/sales/")]
    missing = [
        key for key in made if key.endswith((".csv", ".json")) and "manifest" not in key and f'href="{key}"' not in page
    ]
    assert missing == []


def test_every_mail_on_record_stays_on_record(upgraded: System, recorded: Any) -> None:
    upgraded.fire("report", {**tick("sales-daily"), **SALES})
    sends = Counter(row["outcome"]["S"] for row in recorded["rows"] if "#sent#" in row["sk"]["S"])
    now = Counter(row["outcome"]["S"] for row in upgraded.rows() if "#sent#" in row["sk"]["S"])
    assert now - sends == Counter({"SENT": 2, "REFUSED": 1})
