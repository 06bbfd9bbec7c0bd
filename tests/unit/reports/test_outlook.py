"""The forecast in a report: the same figures in every format, where the days before said what comes."""

import io
import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import openpyxl
import pypdf
import pytest

from salesflow.analytics.results import ForecastHorizon, ForecastSummary, ReportContent, TrendDirection
from salesflow.formats import Format
from salesflow.reports import render
from tests.unit.reports.samples import BUSINESS_DATE, all_samples, mail_of

NAMES = ("sales-daily", "combined-daily")
STALE = "There is no forecast made after 2026-11-22; this one was made after 2026-11-20."


def horizon(days: int, total: int, trend: TrendDirection) -> ForecastHorizon:
    peak = BUSINESS_DATE + timedelta(days=6)
    return ForecastHorizon(days, total, total * 8 // 10, total * 12 // 10, total // days, total // 4, peak, trend, 0.07)


FORECAST = ForecastSummary(
    made_after=BUSINESS_DATE,
    model="blend",
    horizons=(
        horizon(7, 1_234_567, TrendDirection.STABLE),
        horizon(30, 5_432_100, TrendDirection.UPWARD),
        horizon(90, 16_000_050, TrendDirection.DOWNWARD),
    ),
    stale="",
    source="forecasts/2026-11-22.json",
)


def with_forecast(name: str, forecast: ForecastSummary = FORECAST) -> ReportContent:
    return replace(all_samples()[name], forecast=forecast)


def pdf_text(content: ReportContent) -> str:
    reader = pypdf.PdfReader(io.BytesIO(render(content, Format.PDF)))
    return " ".join("\n".join(page.extract_text() for page in reader.pages).split())


def test_the_amounts_of_one_sentence_are_written_alike() -> None:
    content = with_forecast(
        "sales-daily", replace(FORECAST, horizons=(horizon(7, 900_000_000, TrendDirection.STABLE),))
    )
    assert "about ¥9M; " in mail_of(content).text
    assert "between ¥7.2M and ¥11M" in mail_of(content).text


@pytest.mark.parametrize("name", NAMES)
def test_every_page_says_what_to_expect(name: str) -> None:
    content = with_forecast(name)
    mail = mail_of(content)
    html = render(content, Format.HTML).decode()
    for text in (pdf_text(content), html):
        for amount in ("¥12,000",):
            assert amount in text
        assert "80 of 100" in text
    for text in (mail.text, mail.html):
        assert "Next 7 days: about ¥12,000" in text
        assert "¥9,900" in text


@pytest.mark.parametrize("name", NAMES)
def test_the_sheet_holds_numbers_and_dates(name: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(render(with_forecast(name), Format.EXCEL)))
    header, *rows = book["Forecast"].iter_rows(values_only=True)
    week = dict(zip(header, rows[0], strict=True))
    assert (week["Expected"], week["Low"], week["High"]) == (12345.67, 9876.53, 14814.8)
    assert week["Best day"].date() == BUSINESS_DATE + timedelta(days=6)
    assert len(rows) == 3


def test_programs_get_amounts_in_major_units() -> None:
    document = json.loads(render(with_forecast("sales-daily"), Format.JSON), parse_float=Decimal)
    forecast = document["forecast"]
    assert forecast["made_after"] == BUSINESS_DATE.isoformat()
    month = forecast["horizons"][1]
    assert (month["total"], month["lower80"], month["trend"]) == (Decimal("54321.00"), Decimal("43456.80"), "upward")
    assert date.fromisoformat(month["peak_day"]) == BUSINESS_DATE + timedelta(days=6)
    assert json.loads(render(all_samples()["sales-daily"], Format.JSON))["forecast"] is None


def test_an_old_forecast_says_that_it_is_old() -> None:
    content = with_forecast("sales-daily", replace(FORECAST, made_after=BUSINESS_DATE - timedelta(days=2), stale=STALE))
    assert STALE in pdf_text(content)
    assert STALE in render(content, Format.HTML).decode()
    assert STALE in mail_of(content).text


def test_figures_that_must_not_travel_by_mail_do_not() -> None:
    mail = mail_of(with_forecast("sales-daily"), mode="link")
    assert "12,000" not in mail.text + mail.html


@pytest.mark.parametrize("fmt", [Format.PDF, Format.HTML, Format.EXCEL, Format.JSON])
def test_without_a_forecast_nothing_is_promised(fmt: Format) -> None:
    content = all_samples()["sales-daily"]
    data = render(content, fmt)
    assert data != render(with_forecast("sales-daily"), fmt)
    if fmt is Format.EXCEL:
        assert "Forecast" not in openpyxl.load_workbook(io.BytesIO(data)).sheetnames
    if fmt is Format.HTML:
        assert "Next 7 days" not in data.decode()


def test_the_longest_amounts_keep_a_day_on_one_page() -> None:
    large = replace(
        FORECAST,
        horizons=tuple(replace(h, total=h.total * 10**6, upper80=h.upper80 * 10**6) for h in FORECAST.horizons),
    )
    reader = pypdf.PdfReader(io.BytesIO(render(with_forecast("combined-daily", large), Format.PDF)))
    assert len(reader.pages) == 1
