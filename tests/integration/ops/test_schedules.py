"""Schedules put by hand beside the template's: told apart, checked before they are made, and left alone by a deployment."""

from __future__ import annotations

import json
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from local.shop import TEMPLATE, LocalShop
from tests.integration.ops.running import Desk

SHANGHAI = ZoneInfo("Asia/Shanghai")


def listed(desk: Desk) -> dict[str, dict[str, object]]:
    """The schedules by id."""
    return {row["id"]: row for row in desk("schedules", "list", "--json").data}


def test_a_report_is_put_replaced_paused_resumed_and_removed(desk: Desk) -> None:
    put = desk("schedules", "put", "sales", "excel", "--at", "18:30", "--json")
    assert (put.code, put.data["id"], put.data["done"]) == (0, "scheduled-sales-excel", "registered")
    due = [datetime.fromisoformat(text) for text in put.data["next_due"]]
    assert len(due) == 5
    assert {f"{moment.astimezone(SHANGHAI):%H:%M}" for moment in due} == {"18:30"}

    again = desk("schedules", "put", "sales", "excel", "--at", "06:15", "--on", "MON-FRI", "--zone", "Europe/Paris")
    assert "done\treplaced" in again.out
    assert again.out.count("\tEurope/Paris\t") == 5
    assert "Asia/Shanghai" in again.err, "the report's days stay the shop's"
    mine = listed(desk)["scheduled-sales-excel"]
    assert (mine["origin"], mine["expression"], mine["enabled"]) == ("by hand", "cron(15 6 ? * MON-FRI *)", True)

    assert desk("schedules", "pause", "scheduled-sales-excel").code == 0
    paused = listed(desk)["scheduled-sales-excel"]
    assert (paused["enabled"], paused["next_due"], paused["input"]) == (False, None, mine["input"])
    assert "due next" in desk("schedules", "resume", "salesflow-scheduled-sales-excel").out
    assert listed(desk)["scheduled-sales-excel"] == mine

    assert desk("schedules", "remove", "scheduled-sales-excel").code == 0
    assert "scheduled-sales-excel" not in listed(desk)


def test_it_fires_as_the_template_s_own_do(desk: Desk, shop: LocalShop) -> None:
    desk("schedules", "put", "stock", "csv", "--at", "05:00")
    scheduler, group = shop.cloud.aws.client("scheduler"), shop.cloud.stack.outputs["ScheduleGroupName"]
    own = scheduler.get_schedule(Name="salesflow-scheduled-stock-excel", GroupName=group)
    mine = scheduler.get_schedule(Name="salesflow-scheduled-stock-csv", GroupName=group)
    assert {**mine["Target"], "Input": ""} == {**own["Target"], "Input": ""}
    assert json.loads(mine["Target"]["Input"]) == {
        **json.loads(own["Target"]["Input"]),
        "schedule": "scheduled-stock-csv",
        "formats": ["csv"],
    }
    assert mine["FlexibleTimeWindow"] == own["FlexibleTimeWindow"]
    desk("schedules", "remove", "scheduled-stock-csv")


def test_a_deployment_leaves_them_and_the_watchdog_watches_them(desk: Desk, shop: LocalShop) -> None:
    before = shop.cloud.invoke("WatchdogFunction", {"notify": "none"}).answer
    desk("schedules", "put", "combined", "html", "--period", "weekly", "--at", "07:45", "--on", "TUE")
    parameters = shop.shop.stack_parameters(shop.api.url) | {"StockExcelCron": "10 9 * * ? *"}
    shop.cloud.deploy(TEMPLATE, parameters)
    rows = listed(desk)
    assert rows["scheduled-combined-html-weekly"]["expression"] == "cron(45 7 ? * TUE *)"
    assert rows["scheduled-stock-excel"]["expression"] == "cron(10 9 * * ? *)", "it was a deployment"
    after = shop.cloud.invoke("WatchdogFunction", {"notify": "none", "force": True}).answer
    assert (after["schedules"], after["unwatchable"]) == (before["schedules"] + 1, {})
    desk("schedules", "remove", "scheduled-combined-html-weekly")


def test_the_template_s_are_not_touched_and_it_is_said_what_to_set_instead(desk: Desk) -> None:
    before = listed(desk)
    for command, setting in (
        (("pause", "forecast"), 'ForecastCron=""'),
        (("resume", "forecast"), 'ForecastCron="0 5 * * ? *"'),
        (("remove", "scheduled-sales-pdf"), 'SalesPdfCron=""'),
        (("put", "sales", "pdf", "--at", "08:05"), 'SalesPdfCron="5 8 * * ? *"'),
        (("put", "sales", "pdf", "--at", "08:05", "--on", "MON"), 'SalesPdfCron="5 8 ? * MON *"'),
        (("put", "sales", "pdf", "--at", "08:05", "--zone", "Europe/Paris"), "--id"),
    ):
        said = desk("schedules", *command)
        assert said.code == 2
        assert "is the template's" in said.err
        assert setting in said.err
    assert listed(desk) == before
    beside = desk("schedules", "put", "sales", "pdf", "--at", "08:05", "--on", "MON", "--id", "mondays", "--dry-run")
    assert beside.code == 0
    assert "scheduled-sales-pdf makes the same report: its formats differ, so both run" in " ".join(beside.err.split())
    whole = ("put", "sales", "pdf", "--format", "excel", "--at", "08:05", "--id", "again", "--dry-run")
    again = " ".join(desk("schedules", *whole).err.split())
    assert "scheduled-sales-pdf makes the same report: whichever comes second on a date answers DUPLICATE" in again
    other = desk("schedules", "put", "sales", "json", "--at", "08:05", "--id", "other", "--dry-run")
    assert (other.code, "same report" in other.err) == (0, False), "it shares no format"


def test_the_template_s_change_through_the_stack_s_parameters(desk: Desk) -> None:
    assert desk("schedules", "put", "sales", "pdf", "--at", "08:05", "--deploy", "--yes").code == 0
    assert desk("schedules", "pause", "forecast", "--deploy", "--yes").code == 0
    rows = listed(desk)
    assert rows["scheduled-sales-pdf"]["expression"] == "cron(5 8 * * ? *)", "the second change keeps the first"
    assert (rows["forecast"]["enabled"], rows["forecast"]["origin"]) == (False, "template")
    unasked = desk("schedules", "resume", "forecast", "--deploy")
    assert (unasked.code, "say --yes" in unasked.err) == (1, True), "nobody can be asked in a pipe"
    assert desk("schedules", "resume", "forecast", "--deploy", "--yes").code == 0
    assert listed(desk)["forecast"]["enabled"] is True


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cron", "0 7 * * *"), "five fields"),
        (("--cron", "0 7 * * * *"), "One must be a question mark"),
        (("--cron", "61 7 * * ? *"), "Invalid minute"),
        (("--cron", "0 7 30 2 ? *"), "never due"),
        (("--at", "25:00"), "no time of day"),
        (("--at", "07:00", "--zone", "Paris"), "no IANA time zone"),
        (("--at", "07:00", "--zone", "Asia/Shangai"), "Near it: Asia/Shanghai"),
        (("--at", "07:00", "--to", "stranger"), "no mail address"),
        (("--at", "07:00", "--cron", "0 7 * * ? *"), "one of them"),
        ((), "one of them"),
        (("--at", "07:00", "--id", "no spaces"), "cannot be a schedule's name"),
    ],
)
def test_nothing_is_made_of_times_that_make_no_sense(desk: Desk, options: tuple[str, ...], said: str) -> None:
    refused = desk("schedules", "put", "sales", "json", *options)
    assert refused.code == 2
    assert said in refused.err
    assert refused.out == ""
    assert "scheduled-sales-json" not in listed(desk)


def test_a_dry_run_only_says_when_it_would_be_due(desk: Desk) -> None:
    tried = desk("schedules", "put", "combined", "pdf", "excel", "--cron", "cron(0 6 L * ? *)", "--dry-run", "--json")
    assert (tried.code, tried.data["id"], len(tried.data["next_due"])) == (0, "scheduled-combined-pdf-excel", 5)
    assert "scheduled-combined-pdf-excel" not in listed(desk)


@pytest.mark.parametrize("command", ["pause", "resume", "remove"])
def test_a_schedule_that_does_not_exist_is_said_with_what_comes_close(desk: Desk, command: str) -> None:
    said = desk("schedules", command, "scheduled-sale-pdf")
    assert said.code == 3
    assert "no schedule scheduled-sale-pdf" in said.err
    assert "Near it: scheduled-sales-pdf" in said.err


def test_the_next_due_times_of_all_come_in_order(desk: Desk) -> None:
    rows = desk("schedules", "next", "--count", "30").rows
    assert len(rows) == 30
    assert [row["UTC"] for row in rows] == sorted(row["UTC"] for row in rows)
    assert {row["zone"] for row in rows} == {"Asia/Shanghai"}


def test_a_schedule_may_be_for_some_readers_and_is_fired_at_once(desk: Desk, shop: LocalShop) -> None:
    reader = shop.shop.report_recipients[0]
    options = ("--type", "stock", "--format", "csv", "--at", "06:30", "--recipient", reader, "--id", "stock-keeper")
    put = desk("schedules", "put", *options, "--json")
    assert (put.data["recipients"], "to" in json.loads(put.data["input"])) == ([reader], False)
    would = desk("schedules", "fire", "stock-keeper", "--dry-run", "--json").data
    assert would["recipients"] == [reader]
    fired = desk("schedules", "fire", "stock-keeper", "--json")
    assert fired.code == 0, fired.err
    assert (fired.data["notified"], fired.data["event"]["schedule"]) == ([reader], "stock-keeper")
    assert desk("schedules", "fire", "stock-keeper", "--json").data["status"] == "DUPLICATE"
    desk("schedules", "remove", "stock-keeper")


def test_a_time_that_clocks_skip_is_said(desk: Desk) -> None:
    said = desk("schedules", "put", "sales", "json", "--at", "02:30", "--zone", "Europe/Paris", "--dry-run")
    assert said.code == 0
    assert re.search(r"On \d{4}-03-\d\d clocks skip that time", said.err)
    assert "clocks skip" not in desk("schedules", "put", "sales", "json", "--at", "07:30", "--dry-run").err


def test_in_a_pipe_a_due_time_is_whole(desk: Desk) -> None:
    due = {row["id"]: row["due next"] for row in desk("schedules", "list").rows}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT07:20:00\+08:00", due["scheduled-combined-weekly"])
