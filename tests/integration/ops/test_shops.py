"""`shops`: a shop comes with its own settings, token and schedules, is paused and resumed, and goes without leaving anything behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.shop import LocalShop
from ops.target import Target
from salesflow.shops.registry import ShopState
from tests.integration.ops.running import Desk

OWNER = "owner@corner.example.com"
OWN = {
    "report_type": "sales",
    "formats": ["pdf", "excel"],
    "period": "daily",
    "schedule": "scheduled-sales-pdf",
    "scheduled_time": "<aws.scheduler.scheduled-time>",
}


def schedules(shop: LocalShop, prefix: str) -> dict[str, dict[str, Any]]:
    """What Scheduler has below a prefix, by name."""
    client = shop.cloud.aws.client("scheduler")
    pages = client.get_paginator("list_schedules").paginate(GroupName="salesflow", NamePrefix=prefix)
    names = [one["Name"] for page in pages for one in page["Schedules"]]
    found = {name: client.get_schedule(Name=name, GroupName="salesflow") for name in names}
    for one in found.values():
        del one["ResponseMetadata"]
    return found


def items(shop: LocalShop, begins: str) -> list[dict[str, Any]]:
    """The rows of the whole table whose partition begins so, as DynamoDB has them."""
    client, table = shop.cloud.aws.client("dynamodb"), shop.cloud.stack.physical_id("StateTable")
    found: list[dict[str, Any]] = client.scan(TableName=table)["Items"]
    return [one for one in found if one["pk"]["S"].startswith(begins)]


def versions(shop: LocalShop, prefix: str) -> list[str]:
    """Every version and delete marker below a prefix of the bucket."""
    found = shop.cloud.aws.client("s3").list_object_versions(
        Bucket=shop.cloud.stack.physical_id("ReportsBucket"), Prefix=prefix
    )
    return [one["Key"] for kind in ("Versions", "DeleteMarkers") for one in found.get(kind, ())]


def add(desk: Desk, shop: LocalShop, name: str, *more: object, zone: str = "Europe/Paris") -> Any:
    done = desk(
        "shops", "add", name, "--api-url", shop.api.url, "--zone", zone, "--currency", "EUR",
        "--owners", OWNER, "--readers", "chef@corner.example.com", "--shared-token", "--json", *more,
    )  # fmt: skip
    assert done.code == 0, done.err
    return done.data


def test_a_shop_comes_with_its_own_settings_and_schedules_and_takes_nothing_over(desk: Desk, shop: LocalShop) -> None:
    desk("settings", "set", "shop_name", "Main Street")
    desk("schedules", "put", "--type", "stock", "--format", "pdf", "--at", "08:00", "--id", "corner--stock")
    before = schedules(shop, "salesflow-")
    made = add(desk, shop, "corner", "--sales-at", "06:30")
    assert made["token"] == "the stack's own"
    assert schedules(shop, "salesflow-") == before
    its = schedules(shop, "corner--")
    assert sorted(its) == sorted(f"corner--{one}" for one in made["schedules"])
    sales = its["corner--scheduled-sales-pdf"]
    assert json.loads(sales["Target"]["Input"]) == {"shop": "corner", **OWN}
    assert (sales["ScheduleExpression"], sales["ScheduleExpressionTimezone"]) == ("cron(30 6 * * ? *)", "Europe/Paris")
    assert sales["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    main = before["salesflow-scheduled-sales-pdf"]["Target"]
    assert {k: v for k, v in sales["Target"].items() if k != "Input"} == {k: v for k, v in main.items() if k != "Input"}
    assert "corner--watchdog-hourly" not in its
    said = {one["name"]: one for one in desk("settings", "get", "--shop", "corner", "--json").data}
    assert (said["shop_name"]["value"], said["currency"]["value"]) == ("", "EUR")
    assert (said["currency"]["source"], said["lead_days"]["source"]) == ("the shop's row, version 1", "the default")
    assert desk("settings", "get", "currency", "--json").data["value"] == "CNY"
    listed = desk("shops", "list", "--json").data
    assert [(one["id"], one["state"], one["name"], one["zone"]) for one in listed] == [
        ("main", "active", "Main Street", "Asia/Shanghai"),
        ("corner", "active", "", "Europe/Paris"),
    ]
    assert {one["id"] for one in desk("schedules", "list", "--shop", "corner", "--json").data} == set(made["schedules"])
    main_s = {one["id"] for one in desk("schedules", "list", "--json").data}
    assert {"corner--stock", "watchdog-hourly"} <= main_s
    assert not any(one.startswith("corner--scheduled") for one in main_s)
    shown = desk("shops", "show", "corner")
    assert "Europe/Paris, EUR, en" in shown.out
    assert desk("schedules", "remove", "corner--stock").code == 0
    assert desk("settings", "unset", "shop_name").code == 0
    again = desk("shops", "add", "corner", "--api-url", "https://other.example/api/v1", "--zone", "Asia/Tokyo",
                 "--currency", "JPY", "--owners", OWNER, "--shared-token")  # fmt: skip
    assert (again.code, "a shop corner already" in again.err) == (1, True)
    assert desk("settings", "get", "currency", "--shop", "corner", "--json").data["value"] == "EUR"


@pytest.mark.parametrize(
    ("said", "code", "why"),
    [
        (("shops", "add", "Corner"), 2, "is no shop's id"),
        (("shops", "add", "a--b"), 2, "is no shop's id"),
        (("shops", "add", "main"), 2, "the stack's own shop"),
        (("shops", "add", "corner-2", "--zone", "Europe/Paris"), 2, "--api-url, --currency, --owners must be said"),
        (("shops", "add", "corner-2", "--zone", "Mars/Base"), 2, "no IANA time zone"),
        (("shops", "show", "nobody"), 3, "no shop nobody"),
        (("runs", "list", "--shop", "nobody"), 3, "no shop nobody"),
        (("schedules", "list", "--shop", "nobody"), 3, "no shop nobody"),
        (("reports", "list", "--shop", "nobody"), 3, "no shop nobody"),
        (("run", "report", "--shop", "nobody", "--dry-run"), 3, "no shop nobody"),
        (("settings", "get", "--shop", "../main"), 2, "is no shop's id"),
        (("shops", "remove", "main", "--yes"), 2, "the stack's own shop"),
        (("--shop", "corner", "destroy"), 2, "about no single shop"),
    ],
)
def test_what_names_no_shop_is_refused_and_nothing_is_made(
    desk: Desk, shop: LocalShop, said: tuple[str, ...], code: int, why: str
) -> None:
    found = desk(*said)
    assert (found.code, why in found.err) == (code, True), found.err
    assert items(shop, "corner-2|") == []


def test_a_script_says_a_shop_in_a_file(desk: Desk, shop: LocalShop, tmp_path: Path) -> None:
    file = tmp_path / "bar.toml"
    file.write_text(
        f'salesflow_api_url = "{shop.api.url}"\ntimezone = "Asia/Tokyo"\ncurrency = "JPY"\nowner_recipients = ["{OWNER}"]\n'
        'lead_days = 5\nday_ends_at = "04:00"\nstock_at = "05:15"\n'
    )
    made = desk("shops", "add", "bar", "--from", file, "--shared-token", "--language", "fr", "--json")
    assert made.code == 0, made.err
    assert made.data["settings"]["day_ends_at"] == "04:00"
    assert desk("settings", "get", "language_code", "--shop", "bar", "--json").data["value"] == "fr"
    stock = schedules(shop, "bar--")["bar--scheduled-stock-excel"]
    assert stock["ScheduleExpression"] == "cron(15 5 * * ? *)"
    file.write_text('timezone = "Asia/Tokyo"\nnonsense = 1\n')
    bad = desk("shops", "add", "bar2", "--from", file, "--shared-token")
    assert (bad.code, "nonsense" in bad.err) == (3, True)


def test_an_added_shop_that_was_interrupted_goes_on_when_the_same_is_said_again(desk: Desk, shop: LocalShop) -> None:
    first = add(desk, shop, "late")
    shop.cloud.aws.client("scheduler").delete_schedule(Name="late--forecast", GroupName="salesflow")
    assert add(desk, shop, "late")["schedules"] == ["forecast"]
    assert len(schedules(shop, "late--")) == len(first["schedules"])
    assert desk("settings", "get", "currency", "--shop", "late", "--json").data["source"].endswith("version 1")


def test_a_shop_that_is_half_removed_is_said_to_be_so_and_its_removal_goes_on(desk: Desk, shop: LocalShop) -> None:
    add(desk, shop, "half")
    registry = Target(local=True).resolve().registry
    registry.mark("half", ShopState.REMOVING)
    again = desk("shops", "add", "half", "--api-url", shop.api.url, "--zone", "Europe/Paris", "--currency", "EUR",
                 "--owners", OWNER, "--shared-token")  # fmt: skip
    assert (again.code, "The shop half is being removed" in again.err) == (1, True), again.err
    for row in (rows := Target(local=True).resolve().of_shop("half").rows).between("settings", "0", "9"):
        rows.delete({"pk": row["pk"], "sk": row["sk"]})
    for command in (("settings", "get", "--shop", "half"), ("shops", "show", "half"), ("doctor", "--shop", "half")):
        found = desk(*command)
        assert "The shop half has no settings" in found.out + found.err, command
        assert "shops remove half" in found.out + found.err, command
    assert [one["id"] for one in desk("shops", "list", "--state", "removing", "--json").data] == ["half"]
    wrong = desk("shops", "list", "--state", "pausd")
    assert (wrong.code, "Near it: paused" in wrong.err) == (3, True)
    assert desk("shops", "remove", "half", "--yes").code == 0


def test_a_paused_shop_s_schedules_stand_still_and_those_that_fired_fire_again(desk: Desk, shop: LocalShop) -> None:
    add(desk, shop, "quiet")
    assert desk("schedules", "pause", "forecast", "--shop", "quiet").code == 0
    assert desk("shops", "pause", "quiet").code == 0
    assert {one["State"] for one in schedules(shop, "quiet--").values()} == {"DISABLED"}
    assert [one["id"] for one in desk("shops", "list", "--state", "paused", "--json").data] == ["quiet"]
    assert desk("shops", "pause", "quiet").code == 0
    stocks = ("schedules", "put", "--type", "stock", "--format", "csv", "--at", "08:00", "--shop", "quiet")
    for command, waits in (
        ((*stocks, "--id", "soon"), True),
        ((*stocks, "--id", "never", "--paused"), False),
        (("schedules", "resume", "forecast", "--shop", "quiet"), True),
        (("schedules", "pause", "anomaly-check", "--shop", "quiet"), False),
    ):
        done = desk(*command)
        assert (done.code, "it fires once that is resumed (salesflow-ops shops resume quiet)" in done.err) == (0, waits)
        assert {one["State"] for one in schedules(shop, "quiet--").values()} == {"DISABLED"}, command
    assert desk("shops", "resume", "quiet").code == 0
    off = {name for name, one in schedules(shop, "quiet--").items() if one["State"] == "DISABLED"}
    assert off == {"quiet--never", "quiet--anomaly-check"}
    assert desk("settings", "set", "timezone", "Europe/London", "--shop", "quiet").code == 0
    assert {one["ScheduleExpressionTimezone"] for one in schedules(shop, "quiet--").values()} == {"Europe/London"}
    assert schedules(shop, "salesflow-")["salesflow-forecast"]["ScheduleExpressionTimezone"] == "Asia/Shanghai"


def test_a_shop_s_work_is_its_own_and_a_shop_that_leaves_leaves_nothing_but_its_receipt(
    desk: Desk, shop: LocalShop, tmp_path: Path
) -> None:
    for name in ("going", "going-on"):
        add(desk, shop, name, zone="Asia/Shanghai")
    for name in ("going", "going-on"):
        done = desk("run", "report", "--type", "sales", "--format", "json", "--shop", name, "--json")
        assert done.code == 0, done.err
        assert done.data["artifacts"][0]["key"].startswith(f"shops/{name}/reports/sales/daily/")
    assert [one["what"] for one in desk("runs", "list", "--shop", "going").rows] == ["report/sales/daily/json"]
    assert desk("reports", "list", "--shop", "going", "--json").data[0]["formats"] == ["json"]
    assert desk("reports", "download", "--shop", "going", "--into", tmp_path).code == 0
    assert desk("anomalies", "mute", "--whole-shop", "--until", "2099-01-01", "--shop", "going").code == 0
    every = desk("runs", "list", "--all-shops", "--json").data
    made = {(one["shop"], one["identity"]) for one in every}
    assert made >= {(name, "report/sales/daily/json") for name in ("going", "going-on")}
    found = {one["check"]: one for one in desk("doctor", "--shop", "going", "--json").data}
    assert {found[check]["verdict"] for check in ("system token", "sales can be read", "history", "schedules")} == {
        "OK"
    }
    assert "alarms" not in found
    examined = [one["check"] for one in desk("doctor", "--all-shops", "--json").data]
    assert {"alarms", "schedules", "going: schedules", "going-on: system token"} <= set(examined)
    alone, all_of_them = (
        {line["what"]: line["amount"] for line in desk("costs", "--json", *more).data["lines"]}
        for more in ((), ("--all-shops",))
    )
    assert all_of_them["firings"] >= alone["firings"] + 2 * (alone["firings"] - 30 * 24), "all but the watchdog's"
    assert all_of_them["report mails"] > alone["report mails"] > 0
    for name in ("main", "going", "going-on"):
        assert (
            desk("channels", "set", "slack:shop", "--shop", name, piped='{"url": "https://hooks.example/x"}').code == 0
        )
    others = (
        items(shop, "going-on|"),
        versions(shop, "shops/going-on/"),
        items(shop, "run#"),
        versions(shop, "reports/"),
    )
    asked = desk("shops", "remove", "going")
    assert (asked.code, len(items(shop, "going|")) > 0) == (1, True)
    rows, files = len(items(shop, "going|")), len(versions(shop, "shops/going/"))
    gone = desk("shops", "remove", "going", "--yes", "--json")
    assert gone.code == 0, gone.err
    deleted = gone.data["deleted"]
    assert sum(count for kind, count in deleted.items() if kind.startswith("rows: ")) == rows
    assert (deleted["object versions"], deleted["rows: mute"], deleted["rows: settings"]) == (files, 1, 1)
    assert deleted["rows: channel"] == 1
    kept_channels = [len(desk("channels", "list", "--shop", name, "--json").data) for name in ("main", "going-on")]
    assert kept_channels == [1, 1]
    assert desk("channels", "remove", "slack:shop", "--yes").code == 0
    assert (items(shop, "going|"), versions(shop, "shops/going/"), schedules(shop, "going--")) == ([], [], {})
    assert others == (
        items(shop, "going-on|"),
        versions(shop, "shops/going-on/"),
        items(shop, "run#"),
        versions(shop, "reports/"),
    )
    bucket, _, key = gone.data["receipt"].removeprefix("s3://").partition("/")
    kept = json.loads(shop.cloud.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    assert (kept["shop"], kept["deleted"]) == ("going", deleted)
    assert desk("shops", "show", "going").code == 3
    refused = desk("run", "report", "--shop", "going")
    assert (refused.code, "no shop going" in refused.err) == (3, True)


def test_a_shop_s_own_token_is_tried_sealed_and_never_shown(desk: Desk, shop: LocalShop, tmp_path: Path) -> None:
    secrets, secret = shop.cloud.aws.client("secretsmanager"), shop.cloud.stack.physical_id("SystemTokenSecret")
    text: str = secrets.get_secret_value(SecretId=secret)["SecretString"]
    file = tmp_path / "token.txt"
    file.write_text("no token at all")
    said = ("shops", "add", "own", "--api-url", shop.api.url, "--zone", "Asia/Shanghai", "--currency", "CNY", "--owners", OWNER)  # fmt: skip
    bad = desk(*said, "--token-file", file)
    assert (bad.code, items(shop, "own|")) == (2, [])
    file.write_text(text + "\n")
    made = desk(*said, "--token-file", file, "--fire")
    assert (made.code, "its own, sealed" in made.out, "SUCCEEDED" in made.out) == (0, True, True), made.err
    kept = [one for one in items(shop, "own|") if one["pk"]["S"] == "own|token"]
    assert len(kept) == 1
    assert text not in json.dumps(kept) + made.out + made.err
    assert "its own, sealed" in desk("shops", "show", "own").out
    assert desk("shops", "token", "own", "--shared-token", "--json").data["token"] == "the stack's own"
    assert desk("shops", "token", "own").code == 2
