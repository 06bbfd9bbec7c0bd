"""The report job from its event to the mail, through the function's own handler."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from html import escape

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from local.api import Sale, SalesStore
from salesflow.errors import (
    InvalidJobEvent,
)
from salesflow.history.stock import COLUMNS as STOCK_COLUMNS
from salesflow.history.stock import StockHistory, StockSnapshot
from salesflow.history.terms import Terms
from salesflow.money import Currency
from salesflow.s3 import ObjectStore
from tests.integration.jobs.conftest import BUSINESS_DATE, OWNER, READERS, System
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.lambda_context import Context
from tests.stand_ins.shops import HOSTILE

pytestmark = pytest.mark.usefixtures("settled")
DAILY = {"business_date": BUSINESS_DATE.isoformat()}
FOLDER = f"reports/sales/daily/{BUSINESS_DATE}/"


def sold_on(system: System, first: date, last: date) -> list[Sale]:
    return [sale for sale in system.api.store.sales if first <= sale.sold_at.date() <= last]


def paid(sales: Iterable[Sale]) -> Decimal:
    return sum((Decimal(str(sale.total_amount)) for sale in sales), Decimal(0))


def test_a_hostile_name_is_shown_in_every_format_and_run_in_none(system: System) -> None:
    answer = system.fire("report", DAILY | {"report_type": "combined", "formats": ["html", "csv", "excel", "pdf"]})
    made = {artifact["format"]: system.body(artifact["key"]) for artifact in answer["artifacts"]}
    (formula, script) = (name for _, name in HOSTILE.values())
    bodies = [mail.get_body(("html",)) for mail in system.mails()]
    html = [made["html"].decode(), *(str(body.get_content()) for body in bodies if body is not None)]
    assert len(html) == 1 + len(READERS)
    assert all(escape(name, quote=False) in html[0].replace("&#39;", "'") for name in (formula, script))
    assert all(escape(formula) in page for page in html)
    assert not [page for page in html if script in page]
    names = [row["name"] for row in csv.DictReader(io.StringIO(made["csv"].decode("utf-8-sig")))]
    assert {f"'{formula}", script} <= set(names)
    cells = [c for sheet in openpyxl.load_workbook(io.BytesIO(made["excel"])) for row in sheet.iter_rows() for c in row]
    assert {cell.data_type for cell in cells if cell.value in {formula, script, "=1+2"}} == {"s"}
    assert formula in "".join(page.extract_text() for page in PdfReader(io.BytesIO(made["pdf"])).pages)


def digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def test_a_schedule_makes_saves_mails_and_records_a_report(system: System) -> None:
    answer = system.fire(
        "report",
        {
            "schedule": "scheduled-sales-pdf",
            "scheduled_time": "2026-11-20T23:00:00Z",  # 07:00 on the 21st in Shanghai
            "report_type": "sales",
            "formats": ["pdf", "excel"],
            "period": "daily",
        },
    )
    assert answer["job"] == "report"
    assert answer["business_date"] == "2026-11-20"
    assert answer["status"] == "SUCCEEDED"
    assert answer["notified"] == list(READERS)
    assert [artifact["key"] for artifact in answer["artifacts"]] == [
        f"{FOLDER}sales-daily-2026-11-20.pdf",
        f"{FOLDER}sales-daily-2026-11-20.xlsx",
    ]
    for artifact in answer["artifacts"]:
        body = system.body(artifact["key"])
        assert (len(body), hashlib.sha256(body).hexdigest()) == (artifact["bytes"], artifact["sha256"])
    assert set(system.keys("reports/latest/")) == {"reports/latest/sales-daily.pdf", "reports/latest/sales-daily.xlsx"}

    manifest = json.loads(system.body(f"{FOLDER}manifest.json"))
    assert manifest["timezone"] == "Asia/Shanghai"
    assert manifest["sales_rows"] == sum(max(len(s.items), 1) for s in sold_on(system, BUSINESS_DATE, BUSINESS_DATE))
    assert manifest["files"]["pdf"]["sha256"] == answer["artifacts"][0]["sha256"]

    mails = system.mails()
    assert sorted(mail["To"] for mail in mails) == sorted(READERS)
    for mail in mails:
        assert [part.get_filename() for part in mail.iter_attachments()] == [
            "sales-daily-2026-11-20.pdf",
            "sales-daily-2026-11-20.xlsx",
        ]
        assert mail["X-SalesFlow-Run-Id"] == answer["run_id"]
        assert mail["Reply-To"] == OWNER
    (run,) = [row for row in system.rows() if "status" in row]
    assert run["status"] == {"S": "SUCCEEDED"}
    assert run["schedule"] == {"S": "scheduled-sales-pdf"}


@pytest.mark.parametrize("period", ["daily", "weekly", "monthly", "quarterly"])
def test_every_format_says_the_total_that_the_customers_paid(system: System, period: str) -> None:
    first = {
        "daily": BUSINESS_DATE,
        "weekly": BUSINESS_DATE - timedelta(days=6),
        "monthly": BUSINESS_DATE.replace(day=1),
        "quarterly": BUSINESS_DATE - timedelta(days=89),
    }[period]
    expected = paid(sold_on(system, first, BUSINESS_DATE))
    answer = system.fire(
        "report",
        {**DAILY, "period": period, "formats": ["pdf", "excel", "html", "csv", "parquet", "json"], "notify": "none"},
    )
    assert answer["status"] == "SUCCEEDED"
    files = {artifact["format"]: system.body(artifact["key"]) for artifact in answer["artifacts"]}
    assert set(files) == {"pdf", "excel", "html", "csv", "parquet", "json"}
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(files["pdf"])).pages)
    assert f"{expected:,.2f}" in text
    assert f"{expected:,.2f}" in files["html"].decode()
    book = openpyxl.load_workbook(io.BytesIO(files["excel"]), data_only=True)
    numbers = {cell.value for sheet in book for row in sheet for cell in row if isinstance(cell.value, int | float)}
    assert any(abs(Decimal(str(number)) - expected) < Decimal("0.005") for number in numbers)
    assert str(expected.quantize(Decimal("0.01"))) in files["json"].decode()
    table = pq.read_table(io.BytesIO(files["parquet"])).to_pylist()
    items = [item for sale in sold_on(system, first, BUSINESS_DATE) for item in sale.items]
    assert {row["sku"] for row in table} == {item.sku for item in items}


@pytest.mark.parametrize(("more", "listed"), [(0, True), (-1, False)])
def test_sale_lines_that_no_sheet_holds_are_left_out_and_said(
    system: System, monkeypatch: pytest.MonkeyPatch, more: int, listed: bool
) -> None:
    lines = sum(len(sale.items) for sale in sold_on(system, BUSINESS_DATE, BUSINESS_DATE))
    monkeypatch.setattr("salesflow.reports.content.notes.MOST_SALE_LINES", lines + more)
    answer = system.fire("report", {**DAILY, "formats": ["excel", "json"], "notify": "none"})
    files = {artifact["format"]: system.body(artifact["key"]) for artifact in answer["artifacts"]}
    assert ("Lines" in openpyxl.load_workbook(io.BytesIO(files["excel"])).sheetnames) is listed
    said = json.loads(files["json"])["provenance"]["notes"]
    assert (f"The workbook has no sheet of sale lines: {lines} are more than a sheet holds." in said) is not listed


def test_what_was_done_is_not_done_again(system: System) -> None:
    first = system.fire("report", DAILY)
    versions = system.clients.s3.list_object_versions(Bucket=system.bucket, Prefix="reports/")["Versions"]
    second = system.fire("report", DAILY)
    assert (first["status"], second["status"]) == ("SUCCEEDED", "DUPLICATE")
    assert second["artifacts"] == first["artifacts"]
    assert second["notified"] == []
    assert len(system.mails()) == len(READERS)
    after = system.clients.s3.list_object_versions(Bucket=system.bucket, Prefix="reports/")["Versions"]
    assert len(after) == len(versions)


def test_force_runs_again_to_the_same_bytes(system: System) -> None:
    first = system.fire("report", DAILY)
    again = system.fire("report", {**DAILY, "force": True})
    assert again["status"] == "SUCCEEDED"
    assert again["artifacts"] == first["artifacts"]
    assert again["run_id"] != first["run_id"]
    assert len(system.mails()) == 2 * len(READERS)


def test_lambdas_retry_of_a_forced_run_mails_nobody_twice(system: System) -> None:
    context = Context()
    system.fire("report", {**DAILY, "force": True}, context)
    assert system.fire("report", {**DAILY, "force": True}, context)["status"] == "DUPLICATE"
    assert len(system.mails()) == len(READERS)


def test_ten_ticks_at_once_do_the_work_once(system: System) -> None:
    handler = system.load("report")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: handler(dict(DAILY), Context()), range(10)))
    statuses = sorted(answer["status"] for answer in answers)
    assert statuses == ["DUPLICATE"] * 9 + ["SUCCEEDED"]
    assert len(system.mails()) == len(READERS)


def test_other_formats_are_another_job_and_share_the_manifest(system: System) -> None:
    system.fire("report", {**DAILY, "format": "pdf"})
    system.fire("report", {**DAILY, "format": "csv"})
    manifest = json.loads(system.body(f"{FOLDER}manifest.json"))
    assert set(manifest["files"]) == {"pdf", "csv"}


@pytest.mark.parametrize(("notify", "told"), [("all", list(READERS)), ("owner", [OWNER]), ("none", [])])
def test_notify_says_who_is_mailed(system: System, notify: str, told: list[str]) -> None:
    answer = system.fire("report", {**DAILY, "notify": notify})
    assert answer["notified"] == told
    assert sorted(mail["To"] for mail in system.mails()) == sorted(told)


def test_a_stock_report_is_about_stock_and_is_the_same_tomorrow(system: System) -> None:
    event = {**DAILY, "report_type": "stock", "formats": ["json", "excel"]}
    first = system.fire("report", event)
    assert first["status"] == "SUCCEEDED"
    assert first["stock_rows"] == len(system.api.store.products)
    system.api.clock = lambda: datetime(2026, 11, 22, 20)
    again = system.fire("report", {**event, "force": True, "notify": "none"})
    assert again["artifacts"] == first["artifacts"]  # from the snapshot, though the shop sold for two days since
    assert system.api.count("/products") == 1


def test_a_stock_report_names_what_disappeared_between_two_counts(system: System) -> None:
    terms = Terms(Currency("CNY"), "Asia/Shanghai", time())
    history = StockHistory(ObjectStore(system.clients.s3, system.bucket), terms)
    sold = sold_on(system, BUSINESS_DATE, BUSINESS_DATE)
    product = system.api.store.products[0]
    pieces = sum(item.quantity for sale in sold for item in sale.items if item.sku == product.sku and item.quantity > 0)
    for day, left in ((BUSINESS_DATE - timedelta(days=1), 500), (BUSINESS_DATE, 500 - pieces - 7)):
        row = (product.id, product.sku, product.name, 1000, left, 5, 600, None)
        night = datetime.combine(day + timedelta(days=1), time(2))
        history.keep(day, StockSnapshot(pd.DataFrame([row], columns=list(STOCK_COLUMNS)), night))
    answer = system.fire("report", {**DAILY, "report_type": "stock", "formats": ["json"]})
    vanished = json.loads(system.body(answer["artifacts"][0]["key"]), parse_float=Decimal)["vanished"]
    assert [(one["sku"], one["pieces"], one["value"]) for one in vanished["products"]] == [
        (product.sku, 7, Decimal("42.00"))
    ]
    assert vanished["since"] == (BUSINESS_DATE - timedelta(days=1)).isoformat()


def test_a_rerun_reads_corrections_made_since(system: System) -> None:
    first = system.fire("report", {**DAILY, "format": "json"})
    store = system.api.store
    late = [sale for sale in store.sales if sale.sold_at.date() == BUSINESS_DATE]
    system.api.store = SalesStore([sale for sale in store.sales if sale is not late[-1]], store.products)
    again = system.fire("report", {**DAILY, "format": "json", "force": True, "notify": "none"})
    assert again["sales_rows"] == first["sales_rows"] - max(len(late[-1].items), 1)


def test_only_the_days_lacking_and_an_overlap_are_asked_for(system: System) -> None:
    system.fire("report", DAILY)
    before = len(system.api.calls)
    answer = system.fire("sync_history", {"schedule": "s", "scheduled_time": "2026-11-21T16:20:00Z"})
    assert answer["status"] == "SUCCEEDED"
    assert answer["read_from"] == (BUSINESS_DATE + timedelta(days=1 - 7)).isoformat()
    assert len(system.api.calls) > before


def test_an_empty_day_is_skipped_and_said(system: System) -> None:
    answer = system.fire("report", {"business_date": "2026-01-01", "report_type": "sales"})
    assert answer["status"] == "SKIPPED_EMPTY"
    assert "no sale on 2026-01-01" in answer["reason"]
    assert system.mails() == []
    assert system.keys() == []


def test_an_empty_day_is_reported_where_the_operator_wants_that(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMPTY_REPORTS", "send")
    answer = system.fire("report", {"business_date": "2026-01-01", "formats": ["pdf"]})
    assert answer["status"] == "SUCCEEDED"
    assert len(system.mails()) == len(READERS)


def test_today_is_reported_as_far_as_it_goes_and_again_when_it_is_over(system: System) -> None:
    today = {"schedule": "s", "scheduled_time": "2026-11-20T12:00:00Z", "business_date": "2026-11-20", "format": "json"}
    interim = system.fire("report", today)
    assert interim["status"] == "PARTIAL"
    assert "not over" in interim["reason"]
    final = system.fire("report", {**today, "scheduled_time": "2026-11-20T23:00:00Z"})
    assert final["status"] == "SUCCEEDED"
    assert len(system.mails()) == 2 * len(READERS)


@pytest.mark.parametrize("content", ["summary", "link"])
def test_the_mail_can_leave_the_files_out(system: System, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setenv("MAIL_CONTENT", content)
    answer = system.fire("report", DAILY)
    for mail in system.mails():
        assert list(mail.iter_attachments()) == []
        body = mail.get_body(("plain",))
        assert body is not None
        assert answer["artifacts"][0]["key"] in body.get_content().replace("\n", "")


def test_readers_are_written_to_in_their_language(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE_CODE", "fr")
    answer = system.fire("report", {**DAILY, "formats": ["html", "csv"]})
    page, table = (system.body(artifact["key"]).decode("utf-8-sig") for artifact in answer["artifacts"])
    assert '<html lang="fr"' in page
    assert "Ventes, ¥" in page
    assert table.startswith("sku;name;revenue"), "programs read the columns by these names"
    assert answer["reason"].startswith("Made "), "operators read English"
    for mail in system.mails():
        assert mail["Content-Language"] == "fr"
        assert mail["Reply-To"] == OWNER
        assert mail["List-Unsubscribe"] == f"<mailto:{OWNER}?subject=unsubscribe>"
        assert mail["X-SalesFlow-Run-Id"]
        assert mail["Subject"].startswith("Ventes")
        assert len(mail["Subject"]) < 78
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        assert text is not None
        assert html is not None
        assert "d’habitude" in text.get_content()
        assert "d’habitude" in html.get_content()


# --- what can go wrong with the source -------------------------------------------------------------------------------


def test_a_bad_event_runs_nothing(system: System) -> None:
    with pytest.raises(InvalidJobEvent, match="formats 'docx' is not allowed"):
        system.fire("report", {"formats": ["docx"]})
    assert system.rows() == []
    assert system.api.calls == ()


def test_a_refused_recipient_makes_the_run_partial_and_the_others_are_told(system: System, wire: Wire) -> None:
    refused = calls("SendEmail", recipient=READERS[0])
    wire.refuse(refused, 400, "MessageRejected", f"Email address is not verified: {READERS[0]}")
    answer = system.fire("report", DAILY)
    assert answer["status"] == "PARTIAL"
    assert answer["notified"] == [READERS[1]]
    assert "r…@shop.example.com was refused" in answer["reason"]
    again = system.fire("report", DAILY)  # verified by now: only the one who was not told is mailed
    assert again["status"] == "SUCCEEDED"
    assert [mail["To"] for mail in system.mails()] == [READERS[1], READERS[0]]


def test_a_resend_mails_only_whoever_was_not_told_and_makes_the_same_files(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_RECIPIENTS", READERS[0])
    first = system.fire("report", DAILY)
    assert first["notified"] == [READERS[0]]
    monkeypatch.setenv("REPORT_RECIPIENTS", ",".join(READERS))
    assert system.fire("report", DAILY)["status"] == "DUPLICATE"
    again = system.fire("report", {**DAILY, "resend": True})
    assert (again["status"], again["notified"]) == ("SUCCEEDED", list(READERS))
    assert again["artifacts"] == first["artifacts"]
    assert [mail["To"] for mail in system.mails()] == list(READERS)
    assert system.mails()[0]["X-SalesFlow-Reference"] == system.mails()[1]["X-SalesFlow-Reference"]
    system.fire("report", {**DAILY, "resend": True})
    assert len(system.mails()) == 2


def test_a_resend_counts_whom_a_forced_run_has_told(system: System) -> None:
    system.fire("report", {**DAILY, "notify": "none"})
    system.fire("report", {**DAILY, "force": True, "to": [READERS[0]]})
    assert [mail["To"] for mail in system.mails()] == [READERS[0]]
    system.fire("report", {**DAILY, "resend": True})
    assert [mail["To"] for mail in system.mails()] == list(READERS)


def test_a_resend_that_lambda_repeats_is_done_once(system: System) -> None:
    system.fire("report", {**DAILY, "notify": "none"})
    request = Context()
    assert system.fire("report", {**DAILY, "resend": True}, request)["status"] == "SUCCEEDED"
    assert system.fire("report", {**DAILY, "resend": True}, request)["status"] == "DUPLICATE"


def test_an_event_can_narrow_the_recipients_and_add_nobody(system: System) -> None:
    with pytest.raises(InvalidJobEvent, match=r"s…@elsewhere\.example.*recipients add"):
        system.fire("report", {**DAILY, "to": [READERS[0], "stranger@elsewhere.example"]})
    assert system.rows() == []
    answer = system.fire("report", {**DAILY, "to": [READERS[1]]})
    assert answer["notified"] == [READERS[1]]
    assert [mail["To"] for mail in system.mails()] == [READERS[1]]
