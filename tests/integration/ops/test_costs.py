"""What a month costs: counted from the schedules that stand, and what the log says of the runs."""

from datetime import timedelta
from pathlib import Path

import pytest

from ops.commands.costs import read_prices
from ops.complaints import Failed
from ops.schedules import every
from ops.target import Target
from salesflow import clock
from tests.integration.ops.running import Desk


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
    assert lines["KMS", "key of the shops' tokens"]["usd"] == 1
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
    assert lines["Secrets Manager", "channels"]["usd"] == 0.40


def test_what_is_assumed_and_when_prices_held_is_said(desk: Desk) -> None:
    said = desk("costs")
    assert "assumed a run" in said.out
    assert f"as of {read_prices().as_of}" in said.out
    assert "A month\t" in said.out


def test_a_price_list_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('as_of = "2025-01-01"\n')
    with pytest.raises(Failed, match=r"prices\.toml is no price list: 'region'"):
        read_prices(path)
