"""A shop beside `main`: its row, its keys, its readers; nothing of one reaches the other."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from salesflow.errors import InvalidJobEvent, InvalidSettings
from salesflow.rows import Rows
from salesflow.shops.book import SettingsBook
from tests.integration.jobs.conftest import BUSINESS_DATE, OWNER, READERS, System
from tests.integration.jobs.test_mail_events import bounce

SHOP = "corner"
HERS = "reader@corner.example.com"
EVENT = {"business_date": BUSINESS_DATE.isoformat(), "formats": ["json"]}


@pytest.fixture
def add(system: System) -> Callable[..., None]:
    """Write a shop's row."""

    def add(shop: str = SHOP, **values: Any) -> None:
        said = {
            "salesflow_api_url": system.api.url,
            "timezone": "Africa/Nairobi",
            "currency": "KES",
            "shop_name": "Corner Store",
            "report_recipients": [HERS],
            "alert_recipients": [],
            "owner_recipients": [HERS],
            "history_days": "240",
        } | values
        book = SettingsBook(Rows(system.clients.dynamodb, system.table, shop))
        book.write({name: value for name, value in said.items() if value is not None}, over=book.newest(), by="desk")

    return add


def test_a_shop_s_run_has_its_own_keys_rows_readers_and_settings(system: System, add: Callable[..., None]) -> None:
    add()
    answer = system.fire("report", EVENT | {"shop": SHOP})
    assert answer["notified"] == [HERS]
    assert [artifact["key"] for artifact in answer["artifacts"]] == [
        f"shops/{SHOP}/reports/sales/daily/{BUSINESS_DATE}/sales-daily-{BUSINESS_DATE}.json"
    ]
    keys = system.keys("")
    assert keys
    assert all(key.startswith(f"shops/{SHOP}/") for key in keys)
    assert all(row["pk"]["S"].startswith(f"{SHOP}|") for row in system.rows())
    manifest = json.loads(system.body(f"shops/{SHOP}/reports/sales/daily/{BUSINESS_DATE}/manifest.json"))
    assert manifest["files"]["json"]["key"] == answer["artifacts"][0]["key"]
    assert system.body(answer["artifacts"][0]["key"])
    assert '"KES"' in system.body(answer["artifacts"][0]["key"]).decode()
    assert [mail["To"] for mail in system.mails()] == [HERS]


def test_two_shops_in_one_container_get_each_its_own(system: System, add: Callable[..., None]) -> None:
    add()
    handler = system.load("report")
    from tests.stand_ins.lambda_context import Context

    for shop in ("main", SHOP, "main", SHOP):
        answer = handler(EVENT | {"shop": shop, "force": True}, Context())
        assert sorted(answer["notified"]) == (sorted(READERS) if shop == "main" else [HERS])
        assert all(a["key"].startswith("shops/") is (shop != "main") for a in answer["artifacts"])
    mains = {key for key in system.keys("") if not key.startswith("shops/")}
    theirs = {key.removeprefix(f"shops/{SHOP}/") for key in system.keys(f"shops/{SHOP}/")}
    assert mains == theirs


def test_a_shop_without_a_row_is_refused_by_name(system: System) -> None:
    for function in ("report", "sync_history", "forecast", "anomaly_check", "watchdog"):
        with pytest.raises(InvalidJobEvent, match=r"shop 'corner': this stack has no such shop"):
            system.fire(function, {"shop": SHOP})
    assert system.keys("") == []
    assert system.rows() == []
    assert system.mails() == []


def test_nothing_of_main_s_settings_is_inherited(system: System, add: Callable[..., None]) -> None:
    add(currency=None, owner_recipients=None, salesflow_api_url=None)
    with pytest.raises(InvalidSettings, match=r"of the shop corner.*currency: is not set.*salesflow_api_url.*owner_re"):
        system.fire("report", EVENT | {"shop": SHOP})
    assert OWNER not in str(system.mails())


def test_a_bounce_marks_the_address_for_the_shop_whose_mail_it_was(system: System, add: Callable[..., None]) -> None:
    add()
    event = bounce(HERS)
    event["detail"]["mail"]["tags"] = {"shop": [SHOP], "ses:from-domain": ["shop.example.com"]}
    assert system.fire("mail_events", event)["marked"] == [HERS]
    (row,) = (row for row in system.rows() if row["sk"]["S"] == HERS)
    assert row["pk"]["S"] == f"{SHOP}|address"
