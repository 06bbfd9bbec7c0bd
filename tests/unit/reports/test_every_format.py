"""Every case in every format: it renders, it opens, it is the same bytes each time, and it shows the same figures."""

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pypdf
import pytest

from salesflow.delivery.integrity import check_opens
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.money import Currency
from salesflow.reports import render
from salesflow.reports.content.build import build_document
from tests.unit.reports.samples import all_samples, mail_of, rendered

SAMPLES = tuple(all_samples())
SMALL = tuple(name for name in SAMPLES if "10000" not in name)


@pytest.mark.parametrize("fmt", Format)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_case_renders_and_opens(name: str, fmt: Format) -> None:
    check_opens(fmt, rendered(name, fmt))


@pytest.mark.parametrize("fmt", Format)
@pytest.mark.parametrize("name", ["combined-daily", "sales-monthly-40-scripts"])
def test_the_same_content_gives_the_same_bytes(name: str, fmt: Format) -> None:
    content = all_samples()[name]
    assert render(content, fmt) == rendered(name, fmt)


@pytest.mark.parametrize("name", [name for name in SMALL if not name.startswith("stock")])
def test_revenue_is_the_same_figure_everywhere(name: str) -> None:
    content = all_samples()[name]
    sales = content.sales
    assert sales is not None
    exact = Currency(content.currency).to_major(sales.kpis.revenue)
    figures = build_document(content).figures
    printed, rounded = figures.amount(sales.kpis.revenue), figures.money_short(sales.kpis.revenue)

    pdf = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(rendered(name, Format.PDF))).pages)
    assert printed in pdf
    assert printed in rendered(name, Format.HTML).decode()
    mail = mail_of(content)
    assert sales.is_empty or rounded in mail.text
    assert sales.is_empty or rounded in mail.html
    parsed = json.loads(rendered(name, Format.JSON), parse_float=Decimal)
    assert Decimal(parsed["sales"]["kpis"]["revenue"]) == exact
    overview = openpyxl.load_workbook(io.BytesIO(rendered(name, Format.EXCEL)))["Summary"]
    value = next(row[1].value for row in overview.iter_rows(min_row=5) if row[0].value.startswith("Sales,"))
    assert Decimal(str(value)).quantize(exact) == exact

    lines = exact - Currency(content.currency).to_major(sales.kpis.adjustments)
    rows = list(csv.DictReader(io.StringIO(rendered(name, Format.CSV).decode("utf-8-sig"), newline="")))
    assert sum(Decimal(row["revenue"]) for row in rows if row["revenue"]) == lines
    table = pq.read_table(pa.BufferReader(rendered(name, Format.PARQUET)))
    assert sum(value for value in table["revenue"].to_pylist() if value is not None) == lines


def test_a_type_needs_its_analysis() -> None:
    content = replace(all_samples()["combined-daily"], stock=None)
    with pytest.raises(ValueError, match="combined report needs the stock"):
        render(content, Format.PDF)


@pytest.mark.parametrize("fmt", [Format.PDF, Format.EXCEL])
def test_an_unknown_paper_is_refused(fmt: Format) -> None:
    with pytest.raises(ValueError, match="A4, Letter"):
        render(all_samples()["sales-one"], fmt, paper="A7")


@pytest.mark.parametrize("language", Language)
def test_numbers_and_dates_follow_the_language(language: Language) -> None:
    content = all_samples()["sales-daily"]
    document = build_document(content, language=language)
    html = render(content, Format.HTML, language=language).decode()
    assert document.window_text in html
    assert f'<html lang="{language.tag}">' in html
    expected = {"en": "¥2,438", "fr": "2\u202f438\xa0¥", "zh": "¥2,438"}
    if language in expected:
        assert expected[language] in html
    check_opens(Format.PDF, render(content, Format.PDF, language=language))


def test_currencies_without_and_with_three_decimals() -> None:
    yen = rendered("combined-yen", Format.HTML).decode()
    assert "¥243,784" in yen
    assert "¥243,784." not in yen
    assert "KWD\xa0244" in rendered("sales-dinar", Format.HTML).decode()
    rows = csv.DictReader(io.StringIO(rendered("combined-yen", Format.CSV).decode("utf-8-sig"), newline=""))
    assert all("." not in row["revenue"] for row in rows)
