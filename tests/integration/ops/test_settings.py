"""`settings` and `recipients`: what is set is checked, written as a version, read by the next run, and can be taken back."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from local.shop import LocalShop
from salesflow.rows import Rows
from tests.integration.ops.running import Desk


@pytest.fixture(autouse=True)
def _no_row(shop: LocalShop, desk: Desk) -> Iterator[None]:
    """Each test finds a shop that nobody has set anything for."""
    yield
    client, table = shop.cloud.aws.client("dynamodb"), shop.cloud.stack.physical_id("StateTable")
    for row in Rows(client, table).newest("settings", 100):
        client.delete_item(TableName=table, Key={"pk": {"S": "settings"}, "sk": {"S": row["sk"]}})


def get(desk: Desk, name: str) -> dict[str, Any]:
    found: dict[str, Any] = desk("settings", "get", name, "--json").data
    return found


def test_a_setting_says_its_value_its_source_its_bounds_and_what_it_means(desk: Desk) -> None:
    before = get(desk, "lead-days")
    assert (before["value"], before["default"], before["allowed"]) == ("3", "3", "0 to 90 days")
    assert "order" in before["says"]
    done = desk("settings", "set", "lead_days", "5")
    assert done.code == 0
    assert "next run" in done.out
    after = get(desk, "lead_days")
    assert (after["value"], after["source"]) == ("5", "the shop's row, version 1")
    every = {one["name"]: one for one in desk("settings", "get", "--json").data}
    assert every["lead_days"]["value"] == "5"
    assert every["salesflow_api_url"]["source"] == "the stack's Parameters"
    assert desk("settings", "unset", "lead_days").code == 0
    assert get(desk, "lead_days")["value"] == "3"


def test_the_history_says_who_changed_what_and_a_version_can_be_restored(desk: Desk) -> None:
    desk("settings", "set", "shop_name", "Corner Store")
    desk("settings", "set", "shop_name", "Corner Shop")
    desk("settings", "set", "paper", "Letter")
    assert desk("settings", "set", "paper", "Letter", "--json").data == {"version": 3, "changed": []}
    versions = desk("settings", "history", "--json").data
    assert [(v["number"], v["changed"]) for v in versions] == [(3, ["paper"]), (2, ["shop_name"]), (1, ["shop_name"])]
    assert all(v["by"].startswith("arn:aws") and v["at"] for v in versions)
    rows = desk("settings", "history").rows
    desk("settings", "set", "muted_skus", "A1,B2")
    assert desk("settings", "history").rows[0]["what"] == "muted_skus: - → A1, B2"
    assert desk("settings", "unset", "muted_skus").code == 0
    assert rows[1]["what"] == "shop_name: Corner Store → Corner Shop"
    assert desk("settings", "restore", "1").code == 0
    assert (get(desk, "shop_name")["value"], get(desk, "paper")["value"]) == ("Corner Store", "A4")
    assert desk("settings", "restore", "0").code == 0
    assert get(desk, "shop_name")["source"] != "the shop's row, version 7"
    assert desk("settings", "restore", "9").code == 3


@pytest.mark.parametrize(
    ("name", "value", "code", "says"),
    [
        ("lead_dys", "5", 3, "lead_days"),
        ("lead_days", "91", 2, "0 to 90 days"),
        ("paper", "A5", 2, "A4, Letter"),
        ("timezone", "Asia/Shangai", 2, "Asia/Shangai"),
        ("timezone", "localtime", 2, "localtime"),
        ("holidays", "CN,XX", 2, "'XX' is not known"),
        ("owner_recipients", "", 2, "nobody"),
        ("report_recipients", "boss", 2, "no mail address"),
        ("schedule_recipients", "x", 2, "recipients add --report"),
        ("salesflow_api_url", "http://shop.example/api/v1", 2, "https://host/api/v1"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    desk: Desk, name: str, value: str, code: int, says: str
) -> None:
    said = desk("settings", "set", name, value)
    assert (said.code, says in said.err) == (code, True), said.err
    assert desk("settings", "history", "--json").data == []


def test_a_row_that_cannot_be_used_is_said_and_can_be_mended(desk: Desk, shop: LocalShop) -> None:
    table = shop.cloud.stack.physical_id("StateTable")
    Rows(shop.cloud.aws.client("dynamodb"), table).put(
        {"pk": "settings", "sk": "0000000001", "values": {"paper": "A5"}, "changed_at": "2026-11-20T09:00:00+00:00"}
    )
    said = desk("settings", "get")
    assert (said.code, "paper" in said.err) == (1, True)
    assert desk("settings", "set", "paper", "Letter").code == 0
    assert get(desk, "paper")["value"] == "Letter"


def test_recipients_of_all_reports_of_one_schedule_and_of_alerts(desk: Desk, shop: LocalShop) -> None:
    readers = list(shop.shop.report_recipients)
    added = desk("recipients", "add", "Chef@Bäckerei.example", "--json").data
    assert added["recipients"] == [*readers, "Chef@xn--bckerei-5wa.example"], "as SES takes it"
    again = desk("recipients", "add", "chef@xn--bckerei-5wa.example", "--json").data
    assert again["recipients"] == added["recipients"], "the same mailbox in another case is one reader"
    own = desk("recipients", "add", "stock@shop.example.com", "--report", "scheduled-stock-excel", "--json").data
    assert own["recipients"] == [*added["recipients"], "stock@shop.example.com"]
    for reader in added["recipients"]:
        assert desk("recipients", "remove", reader, "--report", "scheduled-stock-excel").code == 0
    everybody = desk("recipients", "list", "--json").data
    assert everybody["reports"] == added["recipients"]
    assert everybody["scheduled-stock-excel"] == ["stock@shop.example.com"]
    would = desk("schedules", "fire", "scheduled-stock-excel", "--dry-run", "--json").data
    assert would["recipients"] == ["stock@shop.example.com"]
    stranger = desk("recipients", "remove", "nobody@shop.example.com", "--alerts")
    assert (stranger.code, "They are" in stranger.err) == (3, True)
    last = desk("recipients", "remove", *everybody["owners"], "--owners")
    assert (last.code, "nobody" in last.err) == (2, True), "somebody must hear of failures"
    assert desk("recipients", "add", "x@shop.example.com", "--report", "forecast").code == 2
    assert desk("recipients", "add", "x@shop.example.com", "--report", "forcast").code == 3


def test_a_schedule_is_put_with_its_readers_and_takes_them_away_with_it(desk: Desk) -> None:
    options = ("--check", "global", "--period", "weekly", "--at", "07:30", "--on", "MON")
    done = desk("schedules", "put", *options, "--to", "owner@shop.example.com", "--json").data
    assert done["id"] == "anomaly-check-weekly"
    would = desk("schedules", "fire", "anomaly-check-weekly", "--dry-run", "--json").data
    assert would["recipients"] == ["owner@shop.example.com"]
    assert desk("recipients", "list", "--json").data["anomaly-check-weekly"] == ["owner@shop.example.com"]
    assert desk("schedules", "remove", "anomaly-check-weekly").code == 0
    assert "anomaly-check-weekly" not in desk("recipients", "list", "--json").data
    assert desk("schedules", "put", "--at", "07:30").code == 2
    assert (
        desk("schedules", "put", "--check", "GLOBAL", "--type", "sales", "--format", "pdf", "--at", "07:30").code == 2
    )


def test_what_stored_sales_depend_on_is_set_with_a_rebuild_or_not_at_all(desk: Desk, shop: LocalShop) -> None:
    assert desk("settings", "set", "day_ends_at", "02:00").code == 0, "nothing is stored yet"
    assert desk("settings", "unset", "day_ends_at").code == 0
    assert desk("run", "sync-history").code == 0
    refused = desk("settings", "set", "day_ends_at", "02:00")
    assert (refused.code, "--rebuild" in refused.err) == (2, True)
    assert desk("settings", "set", "day_ends_at", "00:00").code == 0, "it is so already"
    assert desk("settings", "set", "day_ends_at", "02:00", "--rebuild", "--yes").code == 0
    assert desk("run", "report", "--notify", "none", "--format", "json").code == 0, (
        "the history is of the new day's end"
    )
    assert desk("settings", "restore", "0").code == 2


def test_a_logo_is_set_from_a_file(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    Image.new("RGB", (120, 40), "#7A1FA2").save(file)
    assert desk("settings", "set", "logo", str(file)).code == 0
    body = file.read_bytes()
    shown = desk("settings", "get", "logo")
    assert f"a PNG file of {len(body):,} bytes" in shown.out
    assert base64.b64decode(get(desk, "logo")["value"]) == body
    assert "a PNG file of" in desk("settings", "history").rows[0]["what"]
    file.write_bytes(body[:-5])
    for refused in (file, tmp_path / "none.png"):
        done = desk("settings", "set", "logo", str(refused))
        assert done.code == 2
        assert refused.name in done.err
    assert desk("settings", "set", "logo", "").code == 0
    assert get(desk, "logo")["value"] == ""
