"""Firing a job by hand, and finding out afterwards what ran, what came of it and who was told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from local.shop import LocalShop
from ops.logs import Follower
from ops.target import Target
from tests.integration.ops.running import Desk

SHANGHAI = ZoneInfo("Asia/Shanghai")
ROOT = Path(__file__).parents[3]
READERS = ["manager@shop.example.com", "accounting@shop.example.com"]


def yesterday() -> str:
    return (datetime.now(UTC).astimezone(SHANGHAI).date() - timedelta(days=1)).isoformat()


def keys(shop: LocalShop, prefix: str) -> list[str]:
    bucket = shop.cloud.stack.outputs["ReportsBucketName"]
    found = shop.cloud.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for entry in found.get("Contents", [])]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(desk: Desk, shop: LocalShop) -> None:
    said = desk("run", "report", "--type", "combined", "--format", "csv", "--period", "weekly", "--dry-run", "--json")
    assert said.code == 0
    would = said.data
    last = datetime.fromisoformat(yesterday()).date()
    assert (would["business_date"], would["identity"]) == (yesterday(), "report/combined/weekly/csv")
    assert would["window"] == {"first": (last - timedelta(days=6)).isoformat(), "last": yesterday()}
    assert would["compared_with"]["last"] == (last - timedelta(days=7)).isoformat()
    assert would["recipients"] == READERS
    assert f"reports/combined/weekly/{last}/combined-weekly-{last}.csv" in would["keys"]
    assert f"reports/combined/weekly/{last}/manifest.json" in would["keys"]
    assert "nothing is on record" in would["outcome"]
    owner = desk("run", "report", "--notify", "owner", "--dry-run")
    assert "mails\towner@shop.example.com" in owner.out
    assert "mails\tnobody" in desk("run", "report", "--notify", "none", "--dry-run").out
    assert shop.cloud.aws.mails() == []
    assert keys(shop, "reports/") == []
    assert desk("runs", "list").out == ""


@pytest.mark.parametrize("job", ["anomaly-check", "forecast", "sync-history", "watchdog"])
def test_every_job_can_be_tried_dry(desk: Desk, shop: LocalShop, job: str) -> None:
    said = desk("run", job, "--dry-run", "--json")
    assert said.code == 0
    assert said.data["business_date"] == yesterday()
    assert said.data["reads"]
    assert keys(shop, "history/") == []


def test_a_report_is_fired_followed_and_found_again(desk: Desk, shop: LocalShop) -> None:
    fired = desk("run", "report", "--format", "csv", "--json")
    assert fired.code == 0, fired.err
    answer = fired.data
    assert (answer["status"], answer["business_date"], answer["notified"]) == ("SUCCEEDED", yesterday(), READERS)
    assert "finished" in fired.err, "what it logs is shown as it comes"
    assert answer["artifacts"][0]["key"] in keys(shop, "reports/")

    would = desk("run", "report", "--format", "csv", "--dry-run", "--json").data
    assert "DUPLICATE" in would["outcome"]
    assert (would["recipients"], sorted(would["left_out"])) == ([], sorted(READERS))
    again = desk("run", "report", "--format", "csv")
    assert again.code == 0
    assert "status\tDUPLICATE" in again.out
    assert "--force" in again.err

    (listed,) = desk("runs", "list", "--job", "report", "--date", yesterday()).rows
    assert (listed["what"], listed["status"], listed["told"]) == ("report/sales/daily/csv", "SUCCEEDED", "2")
    mails = desk("runs", "sent", "--date", yesterday()).rows
    assert [(mail["recipient"], mail["outcome"]) for mail in mails] == [(reader, "SENT") for reader in READERS]
    assert len(desk("runs", "sent", "--recipient", READERS[0], "--json").data) == 1

    names = (answer["run_id"], listed["run"], mails[0]["reference"])
    shown, *others = [desk("runs", "show", name, "--json").data for name in names]
    assert all((each["run_id"], each["told"]) == (answer["run_id"], READERS) for each in (shown, *others))
    assert shown["details"]["sales_rows"] > 0
    assert shown["artifacts"] == answer["artifacts"]
    messages = [line["message"] for line in shown["log"]]
    assert "finished" in messages
    assert any(message.startswith("success: ") for message in messages), "Lambda's own record, with time and memory"
    plain = desk("runs", "show", answer["run_id"])
    assert f"told\t{', '.join(shown['told'])}" in plain.out
    assert "finished" in desk("runs", "tail", "--job", "report").out
    lines = [json.loads(line) for line in desk("runs", "tail", listed["run"], "--json").out.splitlines()]
    assert {"finished"} <= {line["message"] for line in lines}


def test_a_run_that_fails_says_why_and_ends_with_1(desk: Desk, shop: LocalShop) -> None:
    shop.cloud.write_secret({"token": "no token at all"})
    shop.cloud.function("SyncHistoryFunction").kill()
    failed = desk("run", "sync-history")
    assert failed.code == 1
    assert "status\tFAILED" in failed.out
    assert "SystemTokenMissing" in failed.out
    (run,) = desk("runs", "list", "--status", "FAILED", "--json").data
    assert (run["job"], run["told"]) == ("sync_history", [])
    assert "holds none of" in run["reason"] or "token" in run["reason"]
    log = desk("runs", "show", run["run_id"], "--json").data["log"]
    assert any(line["level"] == "ERROR" for line in log)
    shop.cloud.write_secret({"token": shop.api.issue_token(timedelta(days=1))})
    shop.cloud.function("SyncHistoryFunction").kill()
    assert desk("run", "sync-history").code == 0
    assert desk("runs", "list", "--status", "FAILED").out == ""


def test_following_the_log_shows_each_line_once(desk: Desk, shop: LocalShop) -> None:
    follower = Follower(Target(local=True).resolve(), ("watchdog",), datetime.now(UTC) - timedelta(seconds=1))
    shop.cloud.invoke("WatchdogFunction", {"notify": "none", "force": True})
    first = list(follower.new())
    assert [line.message for line in first if line.level == "INFO"][:1] == ["started"]
    assert list(follower.new()) == []
    shop.cloud.invoke("WatchdogFunction", {"notify": "none", "force": True})
    second = list(follower.new())
    assert {line.id for line in first}.isdisjoint(line.id for line in second)
    assert "finished" in {line.message for line in second}


def test_the_watchdog_is_run_without_telling_anybody(desk: Desk, shop: LocalShop) -> None:
    before = len(shop.cloud.aws.mails())
    said = desk("run", "watchdog", "--notify", "none", "--force")
    assert said.code == 0, said.err
    assert "status\tSUCCEEDED" in said.out
    assert len(shop.cloud.aws.mails()) == before


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("run", "report", "--date", "2999-01-01"), 2, "lies in the future"),
        (("run", "report", "--format", "docx"), 2, "docx"),
        (("run", "anomaly-check", "--sku", "A", "--name", "B"), 2, "not both"),
        (("run", "anomaly-check", "--period", "quarterly"), 2, "period"),
        (("runs", "show", "00000000"), 3, "no run 00000000"),
        (("runs", "show", "ab"), 2, "too short"),
        (("runs", "show", "SF-AAAAAAAA"), 3, "no run SF-AAAAAAAA"),
        (("runs", "list", "--status", "GREAT"), 2, "no status"),
        (("runs", "list", "--job", "reports"), 2, "no job reports"),
        (("runs", "tail", "--since", "yesterday"), 2, "no span of time"),
        (("runs", "tail", "--job", "reports"), 3, "no job reports"),
        (("runs", "list", "--date", "2026-11-22", "--from", "2026-11-01"), 2, "--date is one date"),
        (("runs", "list", "--since", "2026-11-30", "--until", "2026-11-01"), 2, "Turn them round"),
        (("run", "report", "--date", "2026-13-45"), 2, "'2026-13-45' is no date"),
        (("run", "report", "--date", "yesterday", "--force"), 1, "say --yes"),
        (
            ("schedules", "put", "--type", "sales", "--format", "csv", "--at", "7:00", "--zone", "Asia/Shangai"),
            2,
            "Asia/Shanghai",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    desk: Desk, command: tuple[str, ...], code: int, said: str
) -> None:
    refused = desk(*command)
    assert refused.code == code
    assert said in refused.err
    assert refused.out == ""


def test_an_interruption_leaves_the_function_at_work(desk: Desk, shop: LocalShop) -> None:
    """Ctrl+C ends the waiting with 130; the run ends as if nobody had waited."""
    command = [sys.executable, "-m", "ops", "--local", "run", "report", "--type", "stock", "--format", "json"]
    with shop.cloud.aws.hold(target="DynamoDB_20120810.UpdateItem", body="report/stock") as held:
        with subprocess.Popen(
            command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as waiting:
            held.wait(timeout=120)
            os.kill(waiting.pid, signal.SIGINT)
            out, err = waiting.communicate(timeout=120)
        assert (waiting.returncode, out) == (130, "")
        assert "goes on without you" in err
        assert "Traceback" not in err
        with shop.cloud.aws.hold(
            target="DynamoDB_20120810.UpdateItem", body="set_finished_at", when="after"
        ) as finished:
            held.release()
            finished.wait(timeout=120)
    (run,) = [one for one in desk("runs", "list", "--json").data if one["identity"] == "report/stock/daily/json"]
    assert run["status"] == "SUCCEEDED"
