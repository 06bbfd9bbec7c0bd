"""The library page after the runs: it tells what there is, and nothing that happens to it happens to a run."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salesflow.aws import AwsClients
from salesflow.delivery.integrity import check_opens
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.ledger import Ledger
from salesflow.library.keeper import DATES, INDEX_KEY, LibraryKeeper
from salesflow.rows import Rows
from tests.integration.jobs.conftest import BUSINESS_DATE, READERS, TEN_DAYS_AGO, System
from tests.stand_ins.aws import Request, Wire
from tests.unit.reports.test_library import rows

SHOP_OPENED = TEN_DAYS_AGO
DAILY = {"business_date": BUSINESS_DATE.isoformat(), "formats": ["csv"]}
LINE = f"{BUSINESS_DATE.day} Nov 2026 Sales, daily"


def page_of(system: System) -> str:
    body = system.body(INDEX_KEY)
    check_opens(Format.HTML, body)
    return body.decode()


def keeper(clients: AwsClients, bucket: str, table: str) -> LibraryKeeper:
    def no_alerts() -> Any:
        raise AssertionError("no check was run")

    rows = Rows(clients.dynamodb, table)
    return LibraryKeeper(
        clients.s3, bucket, rows, no_alerts, currency="CNY", language=Language.EN, zone=ZoneInfo("Asia/Shanghai")
    )


def about_the_page(request: Request) -> bool:
    """Every call that only the page needs."""
    listing = request.service == "s3" and not request.key and "prefix=reports" in request.path
    return listing or request.operation == f"PUT {INDEX_KEY}"


def put(clients: AwsClients, bucket: str, keys: Iterable[str]) -> None:
    for key in keys:
        clients.s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def report_keys(first: date, days: int, step: int = 1) -> list[str]:
    dates = [first + timedelta(days=n) for n in range(0, days, step)]
    return [f"reports/sales/daily/{day}/sales-daily-{day}.pdf" for day in dates]


def test_after_a_report_the_page_links_to_its_files_and_says_how_it_went(system: System) -> None:
    system.fire("report", DAILY)
    html = page_of(system)
    assert f"{LINE} Done CSV" in rows(html)
    links = re.findall(r'<a href="([^"]+)"', html)
    assert set(links) == {f"sales/daily/{BUSINESS_DATE}/sales-daily-{BUSINESS_DATE}.csv"}
    for link in links:
        assert system.body(f"reports/{link}")
    assert system.fire("report", DAILY)["status"] == "DUPLICATE"
    versions = system.clients.s3.list_object_versions(Bucket=system.bucket, Prefix=INDEX_KEY)["Versions"]
    assert len(versions) == 1, "what did not change is not written again"


def test_every_job_that_ends_stands_on_the_page(system: System) -> None:
    system.fire("report", DAILY)
    system.fire("sync_history", {"business_date": BUSINESS_DATE.isoformat()})
    system.fire("anomaly_check", {"business_date": BUSINESS_DATE.isoformat()})
    html = page_of(system)
    texts = rows(html)
    assert any("Reading the sales Done" in text for text in texts)
    assert any("Anomaly check Done" in text for text in texts)
    assert "the newest day that was checked" in html


def test_a_failed_run_stands_there_with_its_reason_until_it_is_made_good(system: System) -> None:
    put(system.clients, system.bucket, report_keys(BUSINESS_DATE - timedelta(days=1), 1))
    system.set_secret(" ")
    with pytest.raises(Exception, match="token"):
        system.fire("report", DAILY)
    (line,) = [text for text in rows(page_of(system)) if text.startswith(LINE)]
    assert line.startswith(f"{LINE} Failed")
    assert "token" in line
    system.set_secret(system.api.issue_token(timedelta(days=3650)))
    system.fire("report", DAILY)
    assert f"{LINE} Done CSV" in rows(page_of(system))


def test_a_page_that_cannot_be_made_costs_the_run_nothing_and_the_next_one_makes_it(
    system: System, wire: Wire, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    wire.refuse(about_the_page, 403, "AccessDenied", times=float("inf"))
    answer = system.fire("report", DAILY)
    assert (answer["status"], answer["notified"]) == ("SUCCEEDED", list(READERS))
    assert "the library page could not be made" in caplog.text
    assert '"LibraryFailures"' in capsys.readouterr().out
    wire.reset()
    assert not system.keys(INDEX_KEY)
    assert system.fire("report", DAILY)["status"] == "DUPLICATE"
    assert f"{LINE} Done CSV" in rows(page_of(system))


def test_it_is_made_when_everybody_was_told_and_the_outcome_is_recorded(system: System, wire: Wire) -> None:
    system.fire("report", DAILY)
    operations = [request.operation for request in wire.seen if request.service != "ses" or "Send" in request.operation]
    page = operations.index(f"PUT {INDEX_KEY}")
    assert max(n for n, operation in enumerate(operations) if operation == "SendEmail") < page
    assert max(n for n, operation in enumerate(operations) if operation == "UpdateItem") < page
    assert sum(about_the_page(request) for request in wire.seen) == 3, "its version, the keys, and the page"


def test_of_two_pages_at_once_the_one_that_stands_knows_everything(
    clients: AwsClients, bucket: str, state_table: str, wire: Wire
) -> None:
    """While one run's page is on its way, another run saves its report and makes its page."""
    first, second = report_keys(date(2026, 11, 1), 2)
    put(clients, bucket, [first])

    def another_run() -> None:
        put(clients, bucket, [second])
        assert keeper(AwsClients(ses_region="ap-southeast-1"), bucket, state_table).rebuild()

    wire.meanwhile(lambda request: request.operation == f"PUT {INDEX_KEY}", another_run)
    assert keeper(clients, bucket, state_table).rebuild()
    page = clients.s3.get_object(Bucket=bucket, Key=INDEX_KEY)["Body"].read().decode()
    assert first.removeprefix("reports/") in page
    assert second.removeprefix("reports/") in page


def test_many_at_once_leave_a_page_with_all_of_them(clients: AwsClients, bucket: str, state_table: str) -> None:
    keys = report_keys(date(2026, 11, 1), 4)

    def run(key: str) -> None:
        put(clients, bucket, [key])
        keeper(clients, bucket, state_table).rebuild()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, keys))
    page = clients.s3.get_object(Bucket=bucket, Key=INDEX_KEY)["Body"].read().decode()
    assert all(key.removeprefix("reports/") in page for key in keys)


def test_a_later_run_is_not_hidden_by_one_that_is_noted_late(clients: AwsClients, system: System) -> None:
    system.set_secret(" ")
    with pytest.raises(Exception, match="token"):
        system.fire("report", DAILY)
    ledger = Ledger(Rows(system.clients.dynamodb, system.table))
    (failed,) = ledger.runs("report/sales/daily/csv", BUSINESS_DATE, BUSINESS_DATE)
    system.set_secret(system.api.issue_token(timedelta(days=3650)))
    system.fire("report", DAILY)
    library = keeper(clients, system.bucket, system.table)
    library.note("report", failed)
    (run,) = library.survey().runs
    assert run.status == "SUCCEEDED"


def test_the_newest_four_hundred_dates_stand_there(clients: AwsClients, bucket: str, state_table: str) -> None:
    newest = date(2026, 11, 22)
    put(clients, bucket, report_keys(newest - timedelta(days=599), 600, step=13))
    library = keeper(clients, bucket, state_table)
    found = library.survey()
    days = sorted(file.business_date for file in found.files)
    assert newest - DATES < days[0] <= newest - DATES + timedelta(days=13), "and none that is older"
    assert days[-1] > newest - timedelta(days=13)
    assert found.first_date == days[0]
    assert found.is_whole


def test_there_is_no_page_before_there_is_a_report(system: System) -> None:
    system.set_secret(" ")
    with pytest.raises(Exception, match="token"):
        system.fire("report", DAILY)
    assert system.keys() == []


def test_keys_that_the_contract_does_not_know_are_passed_over(
    clients: AwsClients, bucket: str, state_table: str
) -> None:
    put(
        clients,
        bucket,
        [
            "reports/sales/daily/2026-11-22/manifest.json",
            "reports/sales/daily/2026-11-22/notes.txt",
            "reports/sales/daily/2026-13-45/sales-daily-2026-13-45.pdf",
            "reports/costs/daily/2026-11-22/costs-daily-2026-11-22.pdf",
            "reports/latest/sales-hourly.pdf",
        ],
    )
    assert keeper(clients, bucket, state_table).survey().files == ()


def test_an_older_file_of_another_format_is_not_called_the_newest(system: System) -> None:
    """A backfill of CSVs leaves `latest/sales-daily.csv` of an earlier date beside the PDF of the newest."""
    system.fire("report", {"business_date": "2026-11-17", "formats": ["csv"], "notify": "none"})
    system.fire("report", {"business_date": "2026-11-20", "formats": ["json"], "notify": "none"})
    shelf = re.search(r'<dl class="shelf">(.*?)</dl>', page_of(system), re.DOTALL)
    assert shelf is not None
    assert re.findall(r'<time datetime="([^"]+)"', shelf[1]) == ["2026-11-20"]
    assert re.findall(r'href="([^"]+)"', shelf[1]) == ["sales/daily/2026-11-20/sales-daily-2026-11-20.json"]
