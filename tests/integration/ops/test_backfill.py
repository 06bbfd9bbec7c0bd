"""A backfill as an operator runs it: every date once, resumed where it stopped, none that another run is at."""

import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ops.target import Stack, Target
from salesflow import clock
from tests.integration.ops.running import Desk

REPOSITORY = Path(__file__).parents[3]
ZONE = ZoneInfo("Asia/Shanghai")


def yesterday() -> date:
    return clock.now().astimezone(ZONE).date() - timedelta(days=1)


def backfill(last: date, days: int, fmt: str) -> tuple[str, ...]:
    return ("backfill", "report", "--from", str(last - timedelta(days=days - 1)), "--to", str(last), "--format", fmt)


def stack() -> Stack:
    return Target(local=True).resolve()


def claim(identity: str, day: date) -> None:
    """A run takes a date, and is not heard of again."""
    now = clock.now()
    stack().ledger.claim(
        identity, day, request_id=str(now), schedule="s", scheduled_time=now, force=False, day_is_over=True
    )


def test_every_date_is_made_once_and_nobody_is_mailed(desk: Desk) -> None:
    last = yesterday()
    command = backfill(last, 2, "csv")
    planned = desk(*command, "--dry-run")
    assert [row["what"] for row in planned.rows] == ["run", "run"]
    assert stack().ledger.find("report/sales/daily/csv", last) is None, "a dry run does nothing"

    done = desk(*command, "--json")
    assert done.code == 0, done.err
    assert done.data["counts"] == {"SUCCEEDED": 2}
    assert [one["notified"] for one in done.data["done"]] == [[], []]
    run = stack().ledger.find("report/sales/daily/csv", last)
    assert run is not None
    assert (run.status, run.notified) == ("SUCCEEDED", ())

    again = desk(*command, "--json")
    assert (again.code, again.data["done"]) == (0, [])
    assert [step["why"] for step in again.data["left_out"]] == ["done: SUCCEEDED"] * 2
    forced = desk(*command, "--reprocess", "completed", "--dry-run", "--json").data
    assert [step["force"] for step in forced] == [True, True]


def test_a_date_that_another_run_is_at_is_left_to_it(desk: Desk) -> None:
    last = yesterday()
    claim("report/sales/daily/json", last)
    done = desk(*backfill(last, 2, "json"), "--reprocess", "failed", "--json")
    assert done.code == 0, done.err
    assert [one["business_date"] for one in done.data["done"]] == [str(last - timedelta(days=1))]
    assert [(step["business_date"], step["why"]) for step in done.data["left_out"]] == [
        (str(last), "another run is at it right now")
    ]


def test_a_run_that_was_killed_is_made_good_when_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    last = yesterday() - timedelta(days=3)
    with monkeypatch.context() as patch:
        an_hour_ago = clock.now() - timedelta(hours=1)
        patch.setattr(clock, "now", lambda: an_hour_ago)
        claim("report/sales/daily/csv", last)
    command = backfill(last, 1, "csv")
    assert [row["what"] for row in desk(*command, "--dry-run").rows] == ["leave"]
    assert desk(*command, "--reprocess", "failed", "--dry-run").rows[0]["why"] == "was killed while it ran"
    assert desk(*command, "--reprocess", "failed", "--json").data["counts"] == {"SUCCEEDED": 1}


def test_an_interrupted_backfill_goes_on_where_it_stopped(desk: Desk) -> None:
    last = yesterday()
    command = backfill(last, 4, "parquet")
    running = subprocess.Popen(
        [sys.executable, "-m", "ops", "--local", *command, "--at-once", "1"],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stderr is not None
    first = running.stderr.readline()
    assert "SUCCEEDED" in first
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130, said
    assert "The same command goes on" in said
    rest = desk(*command, "--json")
    assert rest.code == 0, rest.err
    made, left = len(rest.data["done"]), len(rest.data["left_out"])
    assert made + left == 4
    assert 1 <= left < 4, "some were done before the interruption, some were not"
    runs = stack().ledger.runs("report/sales/daily/parquet", last - timedelta(days=3), last)
    assert [(run.status, run.attempt) for run in runs] == [("SUCCEEDED", 1)] * 4


def test_a_period_that_makes_no_sense_is_refused_before_anything_runs(desk: Desk) -> None:
    today = yesterday() + timedelta(days=1)
    cases = {
        ("--from", str(today), "--to", str(today)): "is not over yet",
        ("--from", "2026-02-02", "--to", "2026-02-01"): "Turn them round",
        ("--from", "2026-01-01", "--to", "2026-11-01"): "--max-days 305",
        ("--from", "2026-01-01", "--to", "2026-01-02", "--format", "word"): "'word' is not one of",
    }
    for options, said in cases.items():
        refused = desk("backfill", "report", *options)
        assert refused.code == 2, refused.out
        assert said in refused.err
