"""What a month costs: counted from the schedules that stand, and what the log says of the runs."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from local.cloud.template import load_template
from ops.commands.costs import PRICES, month, read_prices
from ops.commands.deploy import A_MONTH
from ops.complaints import Failed
from ops.schedules import every
from ops.target import Target
from salesflow import clock
from tests.integration.ops.running import Desk

ROOT = Path(__file__).parents[3]


def test_a_month_is_what_is_due_times_what_runs_take(desk: Desk) -> None:
    stack = Target(local=True).resolve()
    invoke = stack.client("lambda").invoke
    invoke(FunctionName=stack.function("watchdog").name, Payload=b'{"notify": "none"}')
    said = desk("costs", "--json")
    assert said.code == 0, said.err
    lines = {(line["service"], line["what"]): line for line in said.data["lines"]}

    now = clock.now()
    due = sum(len(one.schedule.due_between(now, now + timedelta(days=30))) for one in every(stack))
    assert lines["EventBridge Scheduler", "firings"]["amount"] == pytest.approx(due, abs=3)
    watchdog = lines["Lambda", "watchdog"]
    assert "1 in the log" in watchdog["basis"]
    assert watchdog["usd"] == pytest.approx(watchdog["amount"] * read_prices().prices["lambda_x86_64"].price)
    assert "assumed" in lines["Lambda", "report"]["basis"], "it has not run yet"
    assert lines["Secrets Manager", "system token"]["usd"] == 0.40
    assert lines["KMS", "key of channels and the shops' tokens"]["usd"] == 1
    assert lines["SES", "report mails"]["amount"] % 2 == 0, "two readers"
    assert lines["CloudWatch", "metrics"]["amount"] > 0, "a run leaves metrics"
    assert said.data["usd"] == pytest.approx(sum(line["usd"] for line in said.data["lines"]), abs=1e-3)
    assert said.data["usd_beyond_free"] < said.data["usd"]


def test_messages_are_counted_by_the_way_that_they_go(desk: Desk) -> None:
    more = ("slack:shop", "telegram:shop", "whatsapp:+243812345678")
    before = {(line["service"], line["what"]): line for line in desk("costs", "--json").data["lines"]}
    desk("recipients", "add", *more)
    lines = {(line["service"], line["what"]): line for line in desk("costs", "--json").data["lines"]}
    desk("recipients", "remove", *more)
    mails, chats = lines["SES", "report mails"], lines["Chats and programs", "report messages"]
    assert mails["amount"] == before["SES", "report mails"]["amount"]
    assert (chats["amount"], chats["usd"]) == (mails["amount"], 0), "two readers by each"
    whatsapp = lines["End User Messaging", "report WhatsApp messages, without Meta's own fee"]
    assert whatsapp["usd"] == pytest.approx(mails["amount"] / 2 * 0.005)


def test_what_is_assumed_and_when_prices_held_is_said(desk: Desk) -> None:
    said = desk("costs")
    assert "assumed a run" in said.out
    assert f"as of {read_prices().as_of}" in said.out
    assert "A month\t" in said.out


def test_prices_of_more_than_a_year_ago_are_named(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each by the day on which it was looked up."""
    year_old = clock.now().date() - timedelta(days=364)
    dated = re.sub(r'as_of = ".+"', f'as_of = "{year_old}"', PRICES.read_text())
    older = dated.replace("price = 0.40", f'price = 0.40\nas_of = "{year_old - timedelta(days=3)}"')
    for number, (text, named) in enumerate(((dated, None), (older, ["secrets"]))):
        path = tmp_path / f"{number}.toml"
        path.write_text(text)
        monkeypatch.setattr(read_prices, "__defaults__", (path,))
        warned = re.search(r"are the prices of (.+): ops/prices.toml", desk("costs").err)
        assert (warned and warned[1].split(", ")) == named


def test_what_deploy_and_the_readme_say_of_a_month_is_what_is_counted() -> None:
    found = month(Target(local=True).resolve(), clock.now(), measured_days=1, prices=read_prices())
    beyond, listed = (
        round(sum(amounts)) for amounts in zip(*((one.beyond_free, one.usd) for one in found), strict=True)
    )
    for text in (A_MONTH, (ROOT / "README.md").read_text(), (ROOT / "docs" / "deploy.md").read_text()):
        said = re.search(r"about (\d+) USD a month\sbeyond[^.]*?(\d+) at list prices", text)
        assert said, text
        assert (abs(beyond - int(said[1])) <= 1, abs(listed - int(said[2])) <= 2) == (True, True), (beyond, listed)


def test_an_alarm_is_counted_by_the_metrics_that_it_looks_at(desk: Desk) -> None:
    """As it is billed: one on the sum of six functions' errors costs six times as much as one on a single metric."""
    stack = Target(local=True).resolve()
    lines = {(line["service"], line["what"]): line for line in desk("costs", "--json").data["lines"]}
    alarms = [one for one in load_template(ROOT / "template.yaml")["Resources"].items() if one[0] in stack.resources]
    looked_at = 0
    for _, alarm in alarms:
        if alarm["Type"] == "AWS::CloudWatch::Alarm":
            looked_at += str(alarm["Properties"]).count("MetricStat") or 1
    assert lines["CloudWatch", "alarms"]["amount"] == looked_at > 20


def test_a_stack_that_mails_from_elsewhere_costs_something_too(desk: Desk) -> None:
    """It has no function for what SES reports."""
    stack = Target(local=True).resolve()
    stack.__dict__["resources"] = {name: one for name, one in stack.resources.items() if name != "MailEventsFunction"}
    found = month(stack, clock.now(), measured_days=1, prices=read_prices())
    assert {line.what for line in found} >= {"report", "watchdog", "alarms"}


def test_a_price_list_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('as_of = "2025-01-01"\n')
    with pytest.raises(Failed, match=r"prices\.toml is no price list: 'region'"):
        read_prices(path)
