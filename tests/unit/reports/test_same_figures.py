"""Every figure in every format of one run is the same figure: all files and the mail are read back and compared with the document."""

import csv
import io
import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesflow.analytics.results import ReportContent
from salesflow.figures import Kind
from salesflow.formats import Format, ReportType
from salesflow.language import Language
from salesflow.reports import render
from salesflow.reports.content.build import build_document
from salesflow.reports.content.document import Document, Kpi, Table
from salesflow.reports.data import fields_of, product_rows
from salesflow.reports.excel.render import sheet_names
from salesflow.reports.mail import mail_kpis
from salesflow.windows import Period
from tests.unit.reports.hard import HARD
from tests.unit.reports.names import NAMES
from tests.unit.reports.samples import all_samples, mail_of, make_content, make_sales, make_stock
from tests.unit.reports.whole import whole_content

LEFT_TO_RIGHT = [name for name in NAMES if not re.search("[\u0590-\u08ff]", name)]
"""On a line with right-to-left letters a reader of PDFs may copy the figures in another order: `test_scripts` says how far it gets."""


class _Page(HTMLParser):
    """The texts that a page shows, one after the other, and the rows of its tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self._silent = self._in_cell = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("style", "script", "title", "svg")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self._in_cell += 1

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script", "title", "svg")
        self._in_cell -= tag in ("td", "th")

    def handle_data(self, data: str) -> None:
        text = plain(data)
        if text and not self._silent:
            self.texts.append(text)
            if self._in_cell > 0 and self.rows and self.rows[-1]:
                self.rows[-1][-1] = plain(f"{self.rows[-1][-1]} {text}")


def plain(text: str) -> str:
    """Spaces of every kind as one."""
    return " ".join(text.split())


def kpis_of(document: Document) -> tuple[Kpi, ...]:
    return document.kpis + document.more_kpis


def assert_key_figures(texts: list[str], kpis: tuple[Kpi, ...]) -> None:
    """Each label is followed by its value, and by its changes, in the document's order."""
    place = 0
    for kpi in kpis:
        wanted = [plain(kpi.label), plain(kpi.text)]
        place = next(n for n in range(place, len(texts)) if texts[n : n + 2] == wanted) + 2
        after = plain(" ".join(texts[place : place + 3 * len(kpi.changes)]))
        for change in kpi.changes:
            assert plain(f"{change.text} {change.against}") in after, kpi.label


def rows_shown(document: Document, table: Table) -> list[list[str]]:
    """The rows of a table as they are printed."""
    return [
        [plain(document.figures.show(column.kind, value)) for column, value in zip(table.columns, row, strict=True)]
        for row in table.shown()
    ]


def check_pdf(content: ReportContent, document: Document, language: Language) -> None:
    pages = pypdfium2.PdfDocument(render(content, Format.PDF, language=language))
    lines = [plain(line) for page in pages for line in page.get_textpage().get_text_range().splitlines()]
    assert_key_figures(lines, document.kpis)
    for section in document.sections:
        for table in section.tables if not section.extra else ():
            names = max(n for n, column in enumerate(table.columns) if n == 0 or column.kind is Kind.NAME)
            for row in rows_shown(document, table)[:3]:
                figures = " ".join(row[names + 1 :])
                assert any(line.endswith(figures) for line in lines), (table.key, figures)


def check_html(content: ReportContent, document: Document, language: Language) -> None:
    page = _Page(render(content, Format.HTML, language=language).decode())
    assert_key_figures(page.texts, kpis_of(document))
    for section in document.sections:
        for table in section.tables:
            for row in rows_shown(document, table):
                assert row in page.rows, table.key


def check_mail(content: ReportContent, document: Document, language: Language) -> None:
    mail = mail_of(content, language=language)
    assert_key_figures(_Page(mail.html).texts, mail_kpis(document))
    said = dict(re.findall(r"^(\S.*?)  +(.+?)(?:  \(.*\))?$", mail.text, re.MULTILINE))
    for kpi in mail_kpis(document):
        assert plain(said[kpi.label]) == plain(kpi.text)


def check_excel(content: ReportContent, document: Document, language: Language) -> None:
    book = openpyxl.load_workbook(io.BytesIO(render(content, Format.EXCEL, language=language)), data_only=True)
    names, figures = sheet_names(document.figures.words), document.figures

    def minor(kind: Kind, value: Any) -> Any:
        return figures.currency.to_minor(Decimal(str(round(value, 6)))) if kind is Kind.MONEY else value

    overview = {row[0]: row[1] for row in book[names["overview"]].iter_rows(min_row=6, values_only=True)}
    for kpi in kpis_of(document):
        value = overview[kpi.label]
        assert (value if isinstance(value, str) else figures.show(kpi.kind, minor(kpi.kind, value))) == kpi.text
    for table in document.sheets:
        if table.key not in names or table.key == "hours" or not table.rows:
            continue
        cells = list(book[names[table.key]].iter_rows(min_row=2, values_only=True))
        for values, row in zip(cells, (*table.rows, *table.totals), strict=False):
            for column, value, expected in zip(table.columns, values, row, strict=True):
                if expected not in (None, "") and column.kind in (Kind.MONEY, Kind.COUNT):
                    assert minor(column.kind, value) == expected, (table.key, column.key)


def check_data_files(content: ReportContent, document: Document) -> None:
    """CSV, Parquet and JSON hold exactly what the analytics found."""
    to_major = document.figures.currency.to_major
    money = {field.name: field.type == "money" for field in fields_of(content)}
    expected = [
        {
            field.name: to_major(value) if money[field.name] and value is not None else value
            for field, value in zip(fields_of(content), row, strict=True)
        }
        for row in product_rows(content, fields_of(content))
    ]
    table = pq.read_table(pa.BufferReader(render(content, Format.PARQUET))).to_pylist()
    text = render(content, Format.CSV).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(table) == len(lines) == len(expected)
    for row, line, wanted in zip(table, lines, expected, strict=True):
        for name in ("revenue", "quantity", "returned_amount", "stock", "stock_value", "price"):
            if name in wanted:
                assert row[name] == wanted[name]
                assert (Decimal(line[name]) if line[name] else None) == wanted[name]
    parsed = json.loads(render(content, Format.JSON), parse_float=Decimal)
    for side in ("sales", "stock"):
        analysis = getattr(content, side)
        for kpi in kpis_of(document):
            if analysis is not None and hasattr(analysis.kpis, kpi.key) and kpi.value is not None:
                value = parsed[side]["kpis"][kpi.key]
                if kpi.kind is Kind.MONEY:
                    assert value == to_major(kpi.value)
                else:
                    assert float(value) == pytest.approx(kpi.value)


def check_all(content: ReportContent, language: Language) -> None:
    document = build_document(content, language=language)
    check_pdf(content, document, language)
    check_html(content, document, language)
    check_mail(content, document, language)
    check_excel(content, document, language)
    check_data_files(content, document)


@pytest.mark.parametrize(
    "name",
    [
        "combined-daily",
        "stock-daily",
        "sales-returns-above",
        "sales-one",
        "sales-empty",
        "combined-10-digits",
        "combined-yen",
        "sales-dinar",
        "sales-first-day",
    ],
)
def test_every_format_of_a_run_says_the_same_figures(name: str) -> None:
    check_all(all_samples()[name], Language.EN)


@pytest.mark.parametrize("period", Period)
@pytest.mark.parametrize("kind", ReportType)
def test_every_format_of_a_whole_report_says_the_same_figures(kind: ReportType, period: Period) -> None:
    """With its usual, orders, money and forecast."""
    check_all(whole_content(kind, period, day_factor=1.2), Language.EN)


@pytest.mark.parametrize("shop", [name for name in HARD if name not in ("long names", "huge yen")])
def test_every_format_says_the_same_figures_of_a_shop_at_its_limits(shop: str) -> None:
    check_all(HARD[shop](), Language.EN)


@settings(max_examples=5)
@given(
    report_type=st.sampled_from(["sales", "stock", "combined"]),
    period=st.sampled_from(Period),
    currency=st.sampled_from(["CNY", "JPY", "KWD", "EUR", "CDF"]),
    language=st.sampled_from(Language),
    names=st.lists(st.sampled_from(LEFT_TO_RIGHT), min_size=1, max_size=12, unique=True),
    revenue=st.integers(1, 10**12),
    seed=st.integers(0, 99),
)
def test_every_format_of_any_run_says_the_same_figures(
    report_type: str, period: Period, currency: str, language: Language, names: list[str], revenue: int, seed: int
) -> None:
    sales = make_sales(period, names, daily_revenue=revenue, seed=seed)
    stock = make_stock(names, price=max(revenue // 100, 1), seed=seed)
    check_all(make_content(report_type, sales=sales, stock=stock, period=period, currency=currency), language)
