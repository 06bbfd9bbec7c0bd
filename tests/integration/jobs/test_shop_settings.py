"""The shop's row: the next run goes by it, says which version it used, and does not guess where it cannot read it."""

import json
from email.message import EmailMessage
from typing import Any

import pytest

from salesflow.errors import InvalidJobEvent, InvalidSettings
from salesflow.rows import LedgerUnavailable, Rows
from salesflow.shops.book import SettingsBook
from salesflow.stored import UnreadableRow
from tests.integration.jobs.conftest import BUSINESS_DATE, OWNER, READERS, TEN_DAYS_AGO, System
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.lambda_context import Context

SHOP_OPENED = TEN_DAYS_AGO
EVENT = {"business_date": BUSINESS_DATE.isoformat(), "formats": ["json"]}
STOCK_KEEPER = "keeper@shop.example.com"


def set_row(system: System, **values: Any) -> None:
    """Write a version that says just these."""
    book = SettingsBook(Rows(system.clients.dynamodb, system.table))
    book.write(values, over=book.newest(), by="operator")


def row_of(system: System, run_id: str) -> dict[str, Any]:
    return next(
        row for row in system.rows() if row.get("run_id", {}).get("S") == run_id and row["pk"]["S"].startswith("run#")
    )


def manifest(system: System) -> bytes:
    return system.body(next(key for key in system.keys("reports/") if key.endswith("manifest.json")))


def body_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def told(system: System) -> list[str]:
    return sorted(mail["To"] for mail in system.mails())


def test_the_row_wins_over_the_environment_from_the_next_run_of_a_warm_container_on(system: System) -> None:
    handler = system.load("report")
    first = handler(EVENT | {"notify": "none"}, Context())
    set_row(system, shop_name="Corner Store", report_recipients=[STOCK_KEEPER], mail_content="link")
    second = handler(EVENT | {"force": True}, Context())
    assert told(system) == [STOCK_KEEPER]
    assert "Corner Store" in str(system.mails()[0]["Subject"]) + body_of(system.mails()[0])
    assert row_of(system, second["run_id"])["settings_version"] == {"N": "1"}
    assert first["run_id"] != second["run_id"]


def test_a_mail_and_its_files_bear_the_shop_s_name_and_the_bucket_keeps_its_keys(system: System) -> None:
    set_row(system, shop_name="Épicerie du Marché", mail_content="full")
    answer = system.fire("report", EVENT)
    mail = system.mails()[0]
    assert mail["From"].addresses[0].display_name == "Épicerie du Marché"
    kept = [artifact["key"].rpartition("/")[2] for artifact in answer["artifacts"]]
    assert kept[0].startswith("sales-daily-")
    assert [part.get_filename() for part in mail.iter_attachments()] == [f"epicerie-du-marche-{name}" for name in kept]


def test_a_shop_without_a_row_goes_by_its_environment(system: System) -> None:
    answer = system.fire("report", EVENT)
    assert told(system) == sorted(READERS)
    assert row_of(system, answer["run_id"])["settings_version"] == {"N": "0"}


def test_the_same_settings_give_the_same_bytes_whatever_their_version(system: System) -> None:
    set_row(system, shop_name="Corner Store")
    system.fire("report", EVENT)
    before = manifest(system)
    set_row(system, shop_name="Another")
    system.fire("report", EVENT | {"force": True, "notify": "none"})
    other = manifest(system)
    set_row(system, shop_name="Corner Store")
    answer = system.fire("report", EVENT | {"force": True, "notify": "none"})
    assert manifest(system) == before
    assert json.loads(other)["settings"] != json.loads(before)["settings"]
    row = row_of(system, answer["run_id"])
    assert (row["settings_version"], row["settings_digest"]["S"]) == ({"N": "3"}, json.loads(before)["settings"])


def test_a_value_that_cannot_be_used_fails_every_job_by_name(system: System, caplog: pytest.LogCaptureFixture) -> None:
    set_row(system, lead_days="many", paper="A5")
    for function in ("report", "sync_history", "forecast", "anomaly_check"):
        with pytest.raises(InvalidSettings, match=r"Version 1 of the shop's settings cannot.*paper.*lead_days"):
            system.fire(function, {})
    assert system.keys() == []
    assert system.mails() == []


def test_a_row_that_cannot_be_read_fails_the_run_by_name(system: System) -> None:
    Rows(system.clients.dynamodb, system.table).put({"pk": "settings", "sk": "0000000001", "values": "lost"})
    with pytest.raises(UnreadableRow, match="settings, 0000000001"):
        system.fire("report", EVENT)
    assert system.mails() == []


def test_a_table_that_does_not_answer_is_no_table_without_a_row(system: System, wire: Wire) -> None:
    wire.refuse(calls("Query"), 500, "InternalServerError", times=10)
    with pytest.raises(LedgerUnavailable):
        system.fire("report", EVENT)
    assert system.mails() == []


def test_what_a_later_release_set_is_passed_over(system: System) -> None:
    set_row(system, shop_name="Corner Store", colour_of_the_logo="green")
    assert system.fire("report", EVENT)["status"] == "SUCCEEDED"


def test_a_schedule_may_have_readers_of_its_own(system: System) -> None:
    set_row(system, schedule_recipients={"scheduled-stock-excel": [STOCK_KEEPER], "quiet": []})
    tick = {"scheduled_time": "2026-11-20T23:10:00Z", "report_type": "stock", "formats": ["json"]}
    own = system.fire("report", tick | {"schedule": "scheduled-stock-excel"})
    assert own["notified"] == [STOCK_KEEPER]
    assert system.fire("report", tick | {"schedule": "quiet"})["status"] == "DUPLICATE"
    rest = system.fire("report", tick | {"schedule": "for everybody"})
    assert sorted(rest["notified"]) == sorted(READERS), "who was not told by the schedule that is not theirs"
    assert told(system) == sorted([STOCK_KEEPER, *READERS])


def test_an_event_can_name_a_schedule_s_reader_and_nobody_unknown(system: System) -> None:
    set_row(system, schedule_recipients={"weekly": [STOCK_KEEPER]})
    assert system.fire("report", EVENT | {"to": [STOCK_KEEPER]})["notified"] == [STOCK_KEEPER]
    for function in ("report", "anomaly_check"):
        with pytest.raises(InvalidJobEvent, match="to names"):
            system.fire(function, {"to": ["stranger@elsewhere.example"]})
        with pytest.raises(InvalidJobEvent, match="to names"):
            system.fire(function, {"notify": "owner", "to": [STOCK_KEEPER]})


def test_a_check_s_schedule_may_have_readers_of_its_own(system: System) -> None:
    set_row(system, schedule_recipients={"weekly-check": [STOCK_KEEPER]}, alert_recipients=[OWNER])
    answer = system.fire(
        "anomaly_check", {"schedule": "weekly-check", "scheduled_time": "2026-11-20T22:40:00Z", "scope": "GLOBAL"}
    )
    (row,) = (row for row in system.rows() if row["pk"]["S"].startswith("run#anomaly_check"))
    assert row["told"] == {"L": [{"S": STOCK_KEEPER}]}
    assert set(answer["notified"]) <= {STOCK_KEEPER}
