"""What is unusual in a report: the same sentences in every format, and nothing where nothing is."""

import io
import json
from dataclasses import replace
from datetime import date, datetime

import openpyxl
import pypdf
import pytest

from salesflow.analytics.results import ReportContent, UnusualFinding, UnusualSummary
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.reports import render
from salesflow.reports.content.build import build_document
from salesflow.reports.excel.render import sheet_names
from tests.unit.reports.samples import BUSINESS_DATE, all_samples

DROP = UnusualFinding(
    date(2026, 11, 20),
    "DROP",
    "Sunday's sales were 38% below a usual Sunday: 2,437 instead of about 3,900.",
    is_high=False,
)
STOPPED = UnusualFinding(
    date(2026, 11, 3), "STOPPED_SELLING", "Rice 5 kg (RIZ-005) has not sold for 19 days.", is_high=True
)
UNUSUAL = UnusualSummary(BUSINESS_DATE, (DROP, STOPPED))


def with_unusual(name: str, unusual: UnusualSummary | None = UNUSUAL) -> ReportContent:
    return replace(all_samples()[name], unusual=unusual)


@pytest.mark.parametrize("name", ["sales-daily", "combined-daily"])
def test_every_format_says_what_is_unusual_the_loudest_first(name: str) -> None:
    content = with_unusual(name)
    pages = pypdf.PdfReader(io.BytesIO(render(content, Format.PDF))).pages
    pdf = " ".join(" ".join(page.extract_text() for page in pages).split())
    html = render(content, Format.HTML).decode().replace("&#39;", "'")
    for text in (pdf, html):
        assert text.index(STOPPED.text) < text.index(DROP.text)
    sheet = openpyxl.load_workbook(io.BytesIO(render(content, Format.EXCEL)))["Unusual"]
    rows = [tuple(cell.value for cell in row) for row in sheet.iter_rows(min_row=2)]
    assert rows == [
        (STOPPED.text, datetime(2026, 11, 3), "High"),
        (DROP.text, datetime(2026, 11, 20), "Medium"),
    ]
    found = json.loads(render(content, Format.JSON))["unusual"]
    assert found["checked_on"] == "2026-11-22"
    assert [entry["kind"] for entry in found["findings"]] == ["DROP", "STOPPED_SELLING"]


def test_a_quiet_shop_has_a_sheet_that_says_so_and_no_section() -> None:
    content = with_unusual("sales-daily", UnusualSummary(BUSINESS_DATE, ()))
    document = build_document(content)
    assert "anomalies" not in [section.key for section in document.sections]
    book = openpyxl.load_workbook(io.BytesIO(render(content, Format.EXCEL)))
    assert book["Unusual"]["A2"].value == "Nothing is unusual."


@pytest.mark.parametrize("language", Language)
def test_a_shop_that_was_never_checked_is_not_called_quiet(language: Language) -> None:
    document = build_document(with_unusual("sales-daily", None), language=language)
    book = openpyxl.load_workbook(
        io.BytesIO(render(with_unusual("sales-daily", None), Format.EXCEL, language=language))
    )
    assert sheet_names(document.figures.words)["anomalies"] not in book.sheetnames


def test_a_day_with_much_that_is_unusual_still_takes_three_pages() -> None:
    many = tuple(replace(DROP, text=f"{n} {DROP.text * 3}") for n in range(60))
    content = with_unusual("combined-10000", UnusualSummary(BUSINESS_DATE, many))
    assert len(pypdf.PdfReader(io.BytesIO(render(content, Format.PDF))).pages) <= 3
