"""The accountant's workbook: computed again by LibreOffice it says what it said, and its books are those of every other file.

Each formula's kept value is struck out before LibreOffice computes the sheet, so that nothing but the formula can give it back.
"""

import csv
import io
import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pypdfium2
import pytest
from openpyxl.workbook import Workbook

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.results import ReportContent
from salesflow.figures import Kind
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.reports import render
from salesflow.reports.content.build import build_document
from salesflow.reports.content.money import statement_rows
from salesflow.reports.excel.render import sheet_names
from salesflow.windows import Period
from tests.unit.analytics.tables import Item, Sale, lines_of
from tests.unit.reports.samples import mail_of
from tests.unit.reports.test_same_figures import _Page, plain
from tests.unit.reports.whole import whole_content

CASES: dict[str, dict[str, Any]] = {
    "day": {"report_type": "sales"},
    "dinar-week": {"report_type": "combined", "period": Period.WEEKLY, "currency": "KWD", "language": Language.FR},
    "yen-month": {
        "period": Period.MONTHLY,
        "currency": "JPY",
        "language": Language.ZH,
        "price": 480,
        "vat_percent": 10.0,
    },
    "rupiah": {"currency": "IDR", "language": Language.SW, "price": 4_500_000_000, "vat_percent": 0.0},
    "stock": {"report_type": "stock", "currency": "CDF", "language": Language.LN, "price": 1_250_000},
}
ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>"""
"""LibreOffice's setting: compute each sheet on loading."""
SALES = [name for name in CASES if name != "stock"]


@cache
def content_of(case: str) -> ReportContent:
    return whole_content(**CASES[case])


@cache
def made(case: str, fmt: Format) -> bytes:
    return render(content_of(case), fmt, language=language_of(case))


def language_of(case: str) -> Language:
    return Language(CASES[case].get("language", Language.EN))


def struck_out(data: bytes) -> bytes:
    """The workbook with nothing kept beside its formulas."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(buffer, "w") as copy:
        for name in book.namelist():
            text = book.read(name)
            if name.startswith("xl/worksheets/"):
                text = re.sub(rb"</f><v>[^<]*</v>", b"</f><v>-7</v>", text)
            copy.writestr(name, text)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workbook]:
    """The workbooks as LibreOffice computes them from their formulas."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("no LibreOffice on this machine: apt-get install libreoffice-calc-nogui")
    folder = tmp_path_factory.mktemp("books")
    (folder / "profile" / "user").mkdir(parents=True)
    (folder / "profile" / "user" / "registrymodifications.xcu").write_text(ALWAYS)
    for case in CASES:
        (folder / f"{case}.xlsx").write_bytes(struck_out(made(case, Format.EXCEL)))
    command = [soffice, "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--convert-to", "xlsx"]
    files = [str(folder / f"{case}.xlsx") for case in CASES]
    done = subprocess.run(
        [*command, "--outdir", str(folder / "computed"), *files],
        check=True,
        capture_output=True,
        timeout=240,
        text=True,
    )
    assert "repair" not in (done.stdout + done.stderr).lower()
    return {case: openpyxl.load_workbook(Path(folder / "computed" / f"{case}.xlsx"), data_only=True) for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_libreoffice_computes_what_the_workbook_says(case: str, computed: dict[str, Workbook]) -> None:
    formulas = openpyxl.load_workbook(io.BytesIO(made(case, Format.EXCEL)))
    kept = openpyxl.load_workbook(io.BytesIO(made(case, Format.EXCEL)), data_only=True)
    found = 0
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    found += 1
                    mine, theirs = (book[sheet.title][cell.coordinate].value for book in (kept, computed[case]))
                    where = f"{sheet.title}!{cell.coordinate} {cell.value}"
                    assert theirs == (mine if isinstance(mine, str) else pytest.approx(mine, rel=1e-12, abs=1e-9)), (
                        where
                    )
    assert found > (20 if case == "stock" else 30)


def lines_of_books(case: str) -> dict[str, Decimal]:
    """The books, by key, added up from the sheet of sale lines and what else the JSON file says."""
    names = sheet_names(build_document(content_of(case), language=language_of(case)).figures.words)
    book = openpyxl.load_workbook(io.BytesIO(made(case, Format.EXCEL)), data_only=True)
    rows = list(book[names["lines"]].iter_rows(min_row=2, values_only=True))

    def total(column: int, *, back: bool | None = None) -> Decimal:
        return sum(
            (Decimal(str(r[column])) for r in rows if r[column] is not None and back in (None, r[6] < 0)), Decimal()
        )

    books = {"sold": total(8, back=False), "returned": total(8, back=True), "cost": -total(9)}
    return books | {"adjustments": Decimal(parsed(case)["sales"]["kpis"]["adjustments"])}


def parsed(case: str) -> Any:
    return json.loads(made(case, Format.JSON), parse_float=Decimal)


@pytest.mark.parametrize("case", SALES)
def test_the_books_are_the_same_to_the_minor_unit_in_every_file(case: str) -> None:
    content, language = content_of(case), language_of(case)
    assert content.statement is not None
    figures = build_document(content, language=language).figures
    rows = {
        key: (label, figures.currency.to_major(amount))
        for key, label, amount in statement_rows(content.statement, figures)
    }
    amounts = {key: amount for key, (_, amount) in rows.items()}
    unit = Decimal(1).scaleb(-figures.currency.digits)
    added = {key: value.quantize(unit) for key, value in lines_of_books(case).items()}
    assert added == {key: amounts[key] for key in added}
    assert amounts["revenue"] == added["sold"] + added["returned"] + added["adjustments"]

    statement = parsed(case)["statement"]
    signs = {"returned": -1, "cost": -1}
    assert {key: statement[key] * signs.get(key, 1) for key in amounts} == amounts

    book = openpyxl.load_workbook(io.BytesIO(made(case, Format.EXCEL)), data_only=True)
    summary = list(book.worksheets[0].iter_rows(max_col=2, values_only=True))
    of_vat = figures.words("of which VAT")  # its rate stands in a cell of its own, and its line is there without one
    booked = rows | {"vat": (of_vat, rows["vat"][1] if "vat" in rows else Decimal(0))}
    for label, amount in booked.values():
        assert (plain(label), amount) in [(name, to_unit(value, unit)) for name, value in summary]

    page = _Page(made(case, Format.HTML).decode())
    pdf = pypdfium2.PdfDocument(made(case, Format.PDF))
    lines = [plain(line) for sheet in pdf for line in sheet.get_textpage().get_text_range().splitlines()]
    for label, amount in rows.values():
        printed = plain(figures.amount(figures.currency.to_minor(amount)))
        assert [plain(label), printed] in page.rows
        assert any(line.startswith(f"{plain(label)} {printed}") for line in lines), label


def test_a_workbook_of_very_many_lines_has_their_headings_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 20,000 lines (here 300) rows are written at once, and XlsxWriter makes no table."""
    monkeypatch.setattr("salesflow.reports.excel.render._MANY_ROWS", 300)
    content = content_of("day")
    assert content.sale_lines is not None
    many = SaleLines.from_table(lines_of([Sale(datetime(2026, 11, 22, 12), (Item("A", "Tea", 1, 500),) * 301)]))
    data = render(replace(content, sale_lines=many), Format.EXCEL)
    few = openpyxl.load_workbook(io.BytesIO(made("day", Format.EXCEL)), read_only=True)["Lines"]
    rows = openpyxl.load_workbook(io.BytesIO(data), read_only=True)["Lines"].iter_rows(max_row=2, values_only=True)
    heading, first = rows
    assert heading == next(few.iter_rows(max_row=1, values_only=True))
    assert first[3:9] == ("A", "Tea", None, 1, 5, 5)


@pytest.mark.parametrize("case", ["day", "stock"])
def test_a_workbook_whose_rows_are_written_at_once_has_every_cell_of_another(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XlsxWriter drops, without a word, what comes for a row after one below it was begun."""
    small = cells_of(made(case, Format.EXCEL))
    monkeypatch.setattr("salesflow.reports.excel.render._MANY_ROWS", -1)
    assert cells_of(render(content_of(case), Format.EXCEL, language=language_of(case))) == small


def cells_of(data: bytes) -> dict[tuple[str, str], object]:
    """What stands in each cell of each sheet, its formula where it has one."""
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in openpyxl.load_workbook(io.BytesIO(data))
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


def to_unit(value: Any, unit: Decimal) -> Decimal | None:
    return Decimal(str(value)).quantize(unit) if isinstance(value, int | float) else None


@pytest.mark.parametrize("case", [name for name in SALES if name != "yen-month"])
def test_products_days_and_categories_add_up_to_the_books(case: str) -> None:
    books = parsed(case)
    statement, sales = books["statement"], books["sales"]
    assert sum(day["revenue"] for day in sales["daily"]) == statement["revenue"]
    goods = statement["sold"] - statement["returned"]
    assert sum(product["revenue"] for product in sales["products"]) == goods
    assert sum(category["revenue"] for category in statement["categories"]) == goods
    assert sum(product["cost"] or 0 for product in statement["products"]) == statement["cost"]
    text = made(case, Format.CSV).decode("utf-8-sig")
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if language_of(case) is Language.FR else ",")
    written = [Decimal(line["revenue"].replace(",", ".")) for line in table if line["revenue"]]
    kept = pq.read_table(pa.BufferReader(made(case, Format.PARQUET))).column("revenue").to_pylist()
    assert sum(written) == sum(value for value in kept if value is not None) == goods


@pytest.mark.parametrize("case", SALES)
def test_the_mail_says_the_profit_and_the_sale_of_the_books(case: str) -> None:
    content, books = content_of(case), parsed(case)
    document = build_document(content, language=language_of(case))
    said = _Page(mail_of(content, language=language_of(case)).html).texts
    for key, value in (
        ("gross_profit", books["statement"]["gross_profit"]),
        ("average_ticket", books["sales"]["kpis"]["average_ticket"]),
    ):
        (kpi,) = [kpi for kpi in document.kpis if kpi.key == key]
        assert [
            plain(kpi.label),
            plain(document.figures.amount(document.figures.currency.to_minor(Decimal(value)))),
        ] in [said[n : n + 2] for n in range(len(said))]


@pytest.mark.parametrize("case", CASES)
def test_the_orders_are_the_same_in_every_file(case: str) -> None:
    content, language = content_of(case), language_of(case)
    document = build_document(content, language=language)
    wanted = [(line["name"], line["quantity"]) for line in parsed(case)["orders"]["lines"]]
    names = sheet_names(document.figures.words)
    sheet = openpyxl.load_workbook(io.BytesIO(made(case, Format.EXCEL)), data_only=True)[names["orders"]]
    rows = list(sheet.iter_rows(min_row=5, values_only=True))
    assert [(row[0], row[5]) for row in rows[: len(wanted)]] == wanted
    assert rows[len(wanted)][5] == sum(quantity for _, quantity in wanted)
    page = _Page(made(case, Format.HTML).decode())
    shown = [(row[0], row[-1]) for row in page.rows]
    for name, quantity in wanted:
        assert (plain(name), document.figures.show(Kind.COUNT, quantity)) in [(n, plain(q)) for n, q in shown]
