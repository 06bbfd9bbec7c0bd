"""The operator's commands as an operator runs them: what they write, print and exit with."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import boto3
import pytest

from local.demo import demonstrate
from local.errors import LocalCloudError
from tests.integration.ops.running import ops as in_process

REPOSITORY = Path(__file__).parents[2]
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def write_invoices(path: Path, dates: Sequence[str]) -> Path:
    """A file of invoice lines: each date two pieces at 2.50."""
    rows = [f"{536365 + n},SKU-1,Thé vert,2,{day} 10:30:00,2.5,17850,France\n" for n, day in enumerate(dates)]
    path.write_text(HEADER + "".join(rows), "utf-8")
    return path


def test_demo_makes_the_reports_of_a_file_of_sales_and_says_so(tmp_path: Path) -> None:
    data = write_invoices(tmp_path / "invoices.csv", ["2011-11-07", "2011-11-25", "2011-11-30"])
    out = tmp_path / "out"
    done = in_process("demo", "--data", data, "--days", "1", "--out", out)
    assert done.code == 0, done.out + done.err
    for path in (
        "sales/daily/2011-11-30/sales-daily-2011-11-30.pdf",
        "stock/daily/2011-11-30/stock-daily-2011-11-30.xlsx",
        "combined/weekly/2011-11-30/combined-weekly-2011-11-30.pdf",
        "combined/monthly/2011-11-30/combined-monthly-2011-11-30.xlsx",
        "sales/daily/2011-11-30/manifest.json",
        "latest/sales-daily.pdf",
    ):
        assert (out / "reports" / path).stat().st_size > 0
    mails = [message_from_bytes(path.read_bytes(), policy=SMTP) for path in sorted((out / "mails").glob("*.eml"))]
    assert len(mails) == 8, "four reports to two recipients"
    assert {part.get_filename() for part in mails[0].iter_attachments()} == {
        "sales-daily-2011-11-30.pdf",
        "sales-daily-2011-11-30.xlsx",
    }
    summary = json.loads((out / "demo.json").read_text())
    assert summary["finished"]
    statuses = {run["schedule"]: run["status"] for run in summary["runs"]}
    assert statuses.pop("forecast") == "SKIPPED_EMPTY", "three days with sales are too few"
    assert set(statuses.values()) == {"SUCCEEDED"}
    assert [run["schedule"] for run in summary["runs"] if run["by_hand"]] == ["scheduled-combined-weekly"]
    assert f"mails\t8 as .eml in {out / 'mails'}" in done.out
    assert done.out.startswith("Wed 30 Nov\t"), "the last day's headline comes first"


def test_demo_does_not_touch_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "mine.txt").write_text("mine")
    with pytest.raises(LocalCloudError, match="holds something that no demo made"):
        demonstrate(data=None, days=1, out=tmp_path)
    assert (tmp_path / "reports" / "mine.txt").read_text() == "mine"


def test_demo_says_what_a_file_of_sales_lacks(tmp_path: Path) -> None:
    data, before = tmp_path / "wrong.csv", tmp_path / "out"
    data.write_text("a,b\n1,2\n")
    before.mkdir()
    (before / "demo.json").write_text("{}")
    with pytest.raises(LocalCloudError, match="cannot be read as invoice lines"):
        demonstrate(data=data, days=1, out=before)
    assert (before / "demo.json").read_text() == "{}", "what an earlier demo left is there until there is a new one"


def test_next_due_times_are_shown_in_zone_and_utc() -> None:
    said = in_process("schedules", "next", "--count", "40", "--parameter", "TimeZone=Europe/Paris", "--json")
    assert said.code == 0, said.err
    rows = said.data
    assert len(rows) == 40
    assert {row["zone"] for row in rows} == {"Europe/Paris"}
    assert [row["due"] for row in rows] == sorted(row["due"] for row in rows)
    assert all(row["due"].endswith("+00:00") for row in rows)


@pytest.mark.parametrize(
    ("parameter", "said", "status"),
    [
        ("TimeZone=Paris 1", "must be an IANA time zone", 1),
        ("TimeZone", "not Name=Value", 2),
    ],
)
def test_a_parameter_that_the_template_refuses_is_named(parameter: str, said: str, status: int) -> None:
    refused = in_process("schedules", "next", "--parameter", parameter)
    assert refused.code == status
    assert said in refused.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("reports download --type sale", "'--type' / '-t': 'sale' is not one of 'sales', 'stock', 'combined'."),
        ("runs list --limit none", "'--limit': it must be a valid integer"),
        ("runs list --limit 0", "'--limit': it must be greater than or equal to 1"),
        ("demo --date 22.11.2026", "'--date': '22.11.2026' is no date. Write it as 2026-11-22."),
        ("up --host no.such.host.example", "'--host': this machine cannot listen at no.such.host.example: "),
    ],
)
def test_what_will_not_do_is_refused_at_once_in_the_user_s_words(words: str, said: str) -> None:
    refused = in_process(*words.split())
    assert refused.code == 2
    assert refused.err.splitlines()[-1].startswith(f"Error: Invalid value for {said}")


def test_up_keeps_the_cloud_running_until_it_is_interrupted(tmp_path: Path) -> None:
    env_vars = tmp_path / "env-vars.json"
    command = [
        sys.executable,
        "-u",
        "-m",
        "ops",
        "up",
        "--no-fill",
        "--host",
        "0.0.0.0",
        "--env-vars",
        str(env_vars),
        "--container-host",
        "172.17.0.1",
    ]
    environment = {
        **os.environ,
        "SALESFLOW_LOCAL_CLOUD": str(tmp_path / "local-cloud.json"),
        "XDG_CACHE_HOME": str(tmp_path),
    }
    pipe, same = subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=pipe, stderr=same, text=True) as running:
        assert running.stdout is not None
        exports, said = {}, []
        for line in running.stdout:
            said.append(line)
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                exports[name] = value
            if "Ctrl+C" in line:
                break
        assert said[0] == "Whoever reaches this machine at 0.0.0.0 may use this cloud: its keys are no secret.\n"
        assert said[1] == "Making up a shop's sales\n", "what is under way is said while it is"
        assert "\x1b" not in "".join(said), "a pipe gets no colours"
        s3 = boto3.client(
            "s3",
            endpoint_url=exports["AWS_ENDPOINT_URL"],
            region_name=exports["AWS_REGION"],
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        )
        buckets = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
        variables = json.loads(env_vars.read_text())["ReportFunction"]
        assert variables["REPORTS_BUCKET"] in buckets
        local = [sys.executable, "-m", "ops", "--local", "schedules", "list"]
        found = subprocess.run(local, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
        assert "scheduled-sales-pdf\ttemplate" in found.stdout, found.stderr
        port = exports["AWS_ENDPOINT_URL"].rpartition(":")[2]
        assert variables["AWS_ENDPOINT_URL"] == f"http://172.17.0.1:{port}"
        assert variables["SALESFLOW_API_URL"].startswith("http://172.17.0.1:")
        os.kill(running.pid, signal.SIGINT)
        assert running.wait(120) == 0
    gone = subprocess.run(local, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert (gone.returncode, "No local cloud is running" in gone.stderr) == (5, True)
    with pytest.raises(Exception, match=r"(?i)could not connect|refused"):
        s3.list_buckets()
