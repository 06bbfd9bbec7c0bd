"""The workbook, read back with openpyxl."""

import io
from datetime import datetime

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from salesflow.money import Currency
from salesflow.reports.formats import Format
from tests.unit.reports.samples import HOSTILE_NAMES, all_samples, rendered


def book_of(name: str) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(rendered(name, Format.EXCEL)))


@pytest.mark.parametrize(
    ("name", "sheets"),
    [
        ("sales-daily", ["Overview", "Daily", "Products", "Hours", "Returns", "Notes"]),
        ("stock-daily", ["Overview", "Stock", "Notes"]),
        ("combined-daily", ["Overview", "Daily", "Products", "Hours", "Returns", "Stock", "Notes"]),
    ],
)
def test_each_type_has_its_own_sheets(name: str, sheets: list[str]) -> None:
    assert book_of(name).sheetnames == sheets


@pytest.mark.parametrize("name", ["combined-weekly-40-scripts", "combined-hostile-notes"])
def test_no_text_is_a_formula_or_a_link(name: str) -> None:
    book = book_of(name)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", f"{sheet.title}!{cell.coordinate} is a formula"
                assert cell.hyperlink is None


def test_hostile_names_stay_text() -> None:
    names = {row[0] for row in book_of("combined-weekly-40-scripts")["Products"].iter_rows(min_row=2, values_only=True)}
    for name in HOSTILE_NAMES[:4]:
        assert name in names


def test_numbers_and_dates_are_numbers_and_dates() -> None:
    content = all_samples()["combined-weekly-40-scripts"]
    assert content.sales is not None
    book = book_of("combined-weekly-40-scripts")
    products = list(book["Products"].iter_rows(min_row=2, values_only=True))
    to_major = Currency("CNY").to_major
    for row, product in zip(products, content.sales.products, strict=False):
        assert row[1] == product.sku
        assert row[2] == product.quantity
        assert row[3] == pytest.approx(float(to_major(product.revenue)), abs=1e-9)
    totals = {row[0]: row[3] for row in products[len(content.sales.products) :]}
    assert totals["Revenue"] == float(to_major(content.sales.kpis.revenue))
    assert totals["All products"] + totals["Discounts and rounding"] == pytest.approx(totals["Revenue"])
    assert "CN¥" in book["Products"]["D2"].number_format
    daily = list(book["Daily"].iter_rows(min_row=2, values_only=True))
    assert daily[-1][0] == datetime(2026, 11, 22)
    assert [row[6] for row in daily].count("yes") == 7


def test_headers_are_frozen_filtered_and_printed_on_each_page() -> None:
    sheet = book_of("combined-daily")["Products"]
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:G13"
    assert sheet.print_title_rows == "$1:$1"
    assert sheet.page_setup.fitToHeight == 0
    assert sheet.sheet_properties.pageSetUpPr.fitToPage


def test_stock_is_coloured_by_status() -> None:
    rules = book_of("stock-daily")["Stock"].conditional_formatting
    assert {rule.formula[0] for area in rules for rule in area.rules} == {
        '"Out of stock"',
        '"Low stock"',
        '"Dead stock"',
        '"yes"',
    }


@pytest.mark.parametrize(
    ("name", "charts"), [("sales-daily", 3), ("combined-weekly-40-scripts", 5), ("stock-daily", 1)]
)
def test_charts_are_native(name: str, charts: int) -> None:
    assert len(book_of(name)["Overview"]._charts) == charts


def test_the_created_date_is_the_business_date() -> None:
    assert book_of("sales-daily").properties.created == datetime(2026, 11, 22)


def test_notes_define_every_figure() -> None:
    book = book_of("combined-daily")
    notes = {row[0]: row[1] for row in book["Notes"].iter_rows(values_only=True)}
    for kpi in ("Revenue", "Average ticket", "Urgent reorders", "Rotation per year", "Dead stock"):
        assert len(notes[kpi]) > 20
    assert notes["Time zone"] == "Asia/Shanghai"
