"""Reports and anomalies as an operator gets at them."""

import gzip
import hashlib
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import urllib3

from local.shop import LocalShop
from ops.firing import fire
from ops.target import Stack, Target
from salesflow import clock
from salesflow.alerts.book import AlertBook
from tests.integration.ops.running import Desk

HOSTILE = "<b>'; rm -rf ~ #"


@pytest.fixture(scope="module")
def stack(shop: LocalShop) -> Stack:
    """The stack, with yesterday's sales report and anomaly check made."""
    found = Target(local=True).resolve()
    assert fire(found, "report", {"formats": ["csv", "json"], "notify": "none"}).status == "SUCCEEDED"
    assert fire(found, "anomaly_check", {"notify": "none"}).status in {"SUCCEEDED", "PARTIAL"}
    return found


@pytest.fixture(scope="module")
def yesterday(stack: Stack) -> date:
    return clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1)


def test_reports_are_listed_and_fetched_as_they_were_saved(
    desk: Desk, stack: Stack, yesterday: date, tmp_path: Path
) -> None:
    listed = desk("reports", "list", "--type", "sales", "--json").data
    assert [(r["business_date"], r["formats"]) for r in listed] == [(str(yesterday), ["csv", "json"])]
    assert desk("reports", "list", "--to", "2026-01-01").out == ""
    fetched = desk("reports", "download", "sales", yesterday, "--into", tmp_path, "--json")
    assert fetched.code == 0, fetched.err
    for file in fetched.data:
        assert hashlib.sha256(Path(file["path"]).read_bytes()).hexdigest() == file["sha256"]
    assert {path.name for path in tmp_path.iterdir()} == {f"sales-daily-{yesterday}.{ext}" for ext in ("csv", "json")}


def test_files_go_where_no_commit_takes_them_and_it_is_said_where(
    desk: Desk, stack: Stack, yesterday: date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = desk("reports", "download", "--format", "csv")
    place = tmp_path / "out" / "downloads" / f"sales-daily-{yesterday}.csv"
    assert [row["file"] for row in said.rows] == [str(place)]
    assert place.stat().st_size > 0
    assert "out/" in (Path(__file__).parents[3] / ".gitignore").read_text().splitlines()


def test_a_file_that_somebody_replaced_is_not_passed_on(
    desk: Desk, stack: Stack, yesterday: date, tmp_path: Path
) -> None:
    key = f"reports/sales/daily/{yesterday}/sales-daily-{yesterday}.json"
    good = stack.client("s3").get_object(Bucket=stack.bucket, Key=key)["Body"].read()
    stack.client("s3").put_object(Bucket=stack.bucket, Key=key, Body=b"{}")
    refused = desk(
        "reports", "download", "--type", "sales", "--date", yesterday, "--format", "json", "--into", tmp_path
    )
    assert refused.code == 1
    assert "is not what its run saved" in refused.err
    assert list(tmp_path.iterdir()) == []
    stack.client("s3").put_object(Bucket=stack.bucket, Key=key, Body=good)


def test_a_link_shows_the_newest_report(desk: Desk, stack: Stack) -> None:
    [link] = [one for one in desk("reports", "latest", "sales", "--json").data if one["key"].endswith(".csv")]
    answer = urllib3.PoolManager().request("GET", link["link"])
    body = stack.client("s3").get_object(Bucket=stack.bucket, Key=link["key"])["Body"].read()
    assert (answer.status, answer.data) == (200, body)


def test_a_report_that_there_is_not_is_said_with_those_that_there_are(
    desk: Desk, yesterday: date, stack: Stack
) -> None:
    for command in (("download", "stock", yesterday), ("open", "stock", "--print"), ("latest", "combined")):
        refused = desk("reports", *command)
        assert refused.code == 3, refused.out
        assert "reports list" in refused.err
    refused = desk("reports", "open", "sales", yesterday, "--format", "pdf", "--print")
    assert refused.code == 3
    assert "There is csv, json" in refused.err


def test_a_check_is_shown_with_everything_it_found(desk: Desk, stack: Stack, yesterday: date) -> None:
    shown = desk("anomalies", "show", "--json")
    assert shown.code == 0, shown.err
    assert shown.data["state"] == "open"
    assert desk("anomalies", "show", yesterday, "--json").data == shown.data
    assert f"anomalies/GLOBAL/{yesterday}.json" in desk("anomalies", "show").out
    absent = desk("anomalies", "show", "2025-01-01")
    assert absent.code == 3
    assert "has not run" in absent.err
    assert desk("anomalies", "show", "--sku", "A").code == 2


def test_a_mute_is_written_shown_and_taken_back(desk: Desk, stack: Stack) -> None:
    sku = sold(stack)
    first, second = (clock.now().date() + timedelta(days=n) for n in (5, 6))
    assert desk("anomalies", "mute", "--sku", sku, "--until", first).code == 0
    assert desk("anomalies", "mute", "--shop", "--until", second).code == 0
    book = AlertBook(stack.rows)
    assert book.mutes() == {f"sku:{sku}": first, "shop": second}
    assert f"{sku}\t{first}" in desk("anomalies", "list").out
    assert desk("anomalies", "list", "--json").data["muted"][sku] == str(first)
    assert desk("anomalies", "unmute", "--shop").code == 0
    assert set(book.mutes()) == {f"sku:{sku}"}
    assert desk("anomalies", "mute", "--until", second).code == 2
    assert desk("anomalies", "unmute", "--sku", sku).code == 0


def test_what_cannot_be_meant_is_not_muted(desk: Desk, stack: Stack) -> None:
    near = sold(stack)
    mistyped = desk("anomalies", "mute", "--sku", f"{near}X", "--until", clock.now().date())
    assert (mistyped.code, near in mistyped.err) == (3, True)
    assert desk("anomalies", "mute", "--sku", HOSTILE, "--until", clock.now().date()).code == 3
    past = desk("anomalies", "mute", "--sku", near, "--until", clock.now().date() - timedelta(days=9))
    assert (past.code, "is over" in past.err) == (2, True)
    assert AlertBook(stack.rows).mutes() == {}
    assert desk("anomalies", "unmute", "--sku", near).code == 3


def test_what_is_newest_is_all_of_one_date(desk: Desk, stack: Stack, yesterday: date) -> None:
    """A file that only an older date has is not shown beside the newest ones as if it were as new."""
    older = {"formats": ["html"], "notify": "none", "business_date": str(yesterday - timedelta(days=3))}
    assert fire(stack, "report", older).status == "SUCCEEDED"
    newest = desk("reports", "latest", "sales", "--json").data
    assert {one["business_date"] for one in newest} == {str(yesterday)}
    assert not [one for one in newest if one["key"].endswith(".html")]
    (asked,) = desk("reports", "open", "sales", "--format", "html", "--print", "--json").data
    assert asked["business_date"] == str(yesterday - timedelta(days=3)), "asked for by name, and with its date"


def sold(stack: Stack) -> str:
    """A SKU that was sold."""
    body = stack.client("s3").get_object(
        Bucket=stack.bucket, Key=f"history/daily/month={clock.now():%Y-%m}/daily.csv.gz"
    )
    lines = gzip.decompress(body["Body"].read()).decode().splitlines()
    column = lines[0].split(",").index("sku")
    return lines[-1].split(",")[column]
