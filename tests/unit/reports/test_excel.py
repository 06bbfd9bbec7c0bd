"""The workbook, read back with openpyxl."""

import io
from datetime import datetime, time

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from salesflow.analytics.results import StockStatus
from salesflow.figures import Figures
from salesflow.formats import Format
from salesflow.language import Language, words
from salesflow.money import Currency
from salesflow.reports import render
from salesflow.reports.content.build import build_document
from salesflow.reports.content.stock import status_words
from salesflow.reports.excel.cells import money_format
from salesflow.reports.excel.render import render_excel, sheet_names
from salesflow.windows import Period
from tests.unit.reports.names import HOSTILE_NAMES
from tests.unit.reports.samples import all_samples, rendered
from tests.unit.reports.whole import whole_content


def book_of(name: str) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(rendered(name, Format.EXCEL)))


@pytest.mark.parametrize(
    ("name", "sheets"),
    [
        ("sales-daily", ["Summary", "Days", "Products", "Hours", "Returns", "Notes"]),
        ("stock-daily", ["Summary", "Stock", "Notes"]),
        ("combined-daily", ["Summary", "Days", "Products", "Hours", "Returns", "Stock", "Notes"]),
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
    assert totals["Sales"] == float(to_major(content.sales.kpis.revenue))
    assert totals["All products"] + totals["Discounts and rounding"] == pytest.approx(totals["Sales"])
    assert book["Products"]["D2"].number_format == "#,##0.00"
    daily = list(book["Days"].iter_rows(min_row=2, values_only=True))
    assert daily[-1][0] == datetime(2026, 11, 22)
    assert [row[6] for row in daily].count("yes") == 7


def test_the_stock_adds_up_to_its_key_figures() -> None:
    content = all_samples()["combined-daily"]
    assert content.stock is not None
    header, *rows, totals = book_of("combined-daily")["Stock"].iter_rows(values_only=True)
    to_major = Currency("CNY").to_major
    for label, kpi in (("Stock value", content.stock.kpis.stock_value), ("At cost", content.stock.kpis.cost_value)):
        place = header.index(label)
        assert kpi is not None
        assert totals[place] == float(to_major(kpi)) == pytest.approx(sum(row[place] or 0 for row in rows))


def test_hours_are_times_of_day() -> None:
    hours = [row[0].value for row in book_of("sales-daily")["Hours"].iter_rows(min_row=2, max_row=25)]
    assert hours == [time(hour) for hour in range(24)]


def test_headers_are_frozen_filtered_and_printed_on_each_page() -> None:
    sheet = book_of("combined-daily")["Products"]
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:G13"
    assert sheet.print_title_rows == "$1:$1"


@pytest.mark.parametrize(("paper", "number"), [("A4", 9), ("Letter", 1)])
def test_every_sheet_is_set_up_for_print(paper: str, number: int) -> None:
    for sheet in openpyxl.load_workbook(io.BytesIO(rendered("combined-daily", Format.EXCEL, paper))):
        assert sheet.page_setup.paperSize == number
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.title in sheet.oddHeader.left.text
        assert "&P" in sheet.oddFooter.right.text.replace("&[Page]", "&P")


@pytest.mark.parametrize("language", Language)
def test_stock_is_coloured_by_status_in_every_language(language: Language) -> None:
    """The rules name the words that the cells hold; each status of the sample is coloured but the one that is well."""
    document = build_document(all_samples()["stock-daily"], language=language)
    table = document.sheet("stock")
    assert table is not None
    words = status_words(document.figures)
    book = openpyxl.load_workbook(io.BytesIO(render_excel(document)))
    rules = book[sheet_names(document.figures.words)["stock"]].conditional_formatting
    coloured = {rule.formula[0].strip('"') for area in rules for rule in area.rules}
    place = [column.key for column in table.columns].index("status")
    assert {row[place] for row in table.rows} - coloured == {words[StockStatus.OK]}


@pytest.mark.parametrize("language", Language)
def test_sheets_have_names_that_spreadsheets_take_and_that_differ(language: Language) -> None:
    names = sheet_names(words(language)).values()
    assert len(set(names)) == len(names)
    for name in names:
        assert 0 < len(name) <= 31
        assert not set(name) & set("[]:*?/\\'")


@pytest.mark.parametrize(
    ("currency", "language", "format_of_money"),
    [
        ("CNY", Language.EN, "#,##0.00"),
        ("EUR", Language.FR, "#,##0.00"),
        ("JPY", Language.EN, "#,##0"),
        ("KWD", Language.EN, "#,##0.000"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(currency: str, language: Language, format_of_money: str) -> None:
    assert money_format(Figures(currency, language)).replace(" ", "\xa0") == format_of_money.replace(" ", "\xa0")


@pytest.mark.parametrize(
    ("name", "charts"), [("sales-daily", 2), ("combined-weekly-40-scripts", 2), ("stock-daily", 2)]
)
def test_charts_are_native(name: str, charts: int) -> None:
    assert len(book_of(name)["Summary"]._charts) == charts


def test_unusual_things_are_read_whole_and_texts_stand_apart_from_figures() -> None:
    book = openpyxl.load_workbook(io.BytesIO(render(whole_content("combined"), Format.EXCEL)))
    sheet = book["Unusual"]
    for row in range(2, sheet.max_row + 1):
        cell = sheet.cell(row, 1)
        assert cell.alignment.wrap_text
        assert (sheet.row_dimensions[row].height or 15) >= 15 * len(cell.value) / sheet.column_dimensions["A"].width
    assert sheet["B2"].number_format == book["Days"]["A2"].number_format == book["Lines"]["A2"].number_format
    for name, column in (("Products", "H"), ("Lines", "D")):
        assert [book[name][f"{column}{row}"].alignment.indent for row in (1, 2)] == [1, 1]
    summary = {row[0].value: row[1].value for row in book["Summary"].iter_rows()}
    assert summary["All products"].startswith("=SUM(")


def test_the_weekdays_that_a_month_draws_are_those_of_the_page() -> None:
    content = whole_content("sales", Period.MONTHLY)
    (chart,) = [chart for chart in build_document(content).charts if chart.key == "weekdays"]
    book = openpyxl.load_workbook(io.BytesIO(render(content, Format.EXCEL)))
    (title,) = [cell for row in book["Summary"].iter_rows() for cell in row if cell.value == "Mean of each weekday"]
    values = [title.offset(n, 1).value for n in range(1, 8)]
    assert values == pytest.approx([value / 100 for value in chart.values])
    assert len(book["Summary"]._charts) == 3


def test_the_created_date_is_the_business_date() -> None:
    assert book_of("sales-daily").properties.created == datetime(2026, 11, 22)


def test_notes_define_every_figure() -> None:
    book = book_of("combined-daily")
    notes = {row[0]: row[1] for row in book["Notes"].iter_rows(values_only=True)}
    for kpi in ("Sales, ¥", "Per sale, ¥", "Urgent reorders", "Rotation per year", "Dead stock"):
        assert len(notes[kpi]) > 20
    assert notes["Time zone"] == "Asia/Shanghai"


def test_what_is_to_come_stands_in_no_column_of_what_was() -> None:
    content = whole_content("combined", Period.WEEKLY)
    book = openpyxl.load_workbook(io.BytesIO(render(content, Format.EXCEL)))
    labels = [cell.value for row in book["Summary"].iter_rows() for cell in row]
    assert "16–22 Nov" in labels
    assert "23–29 Nov" not in labels
    assert '<td class="n">Expected: 9,600</td>' in render(content, Format.HTML).decode()


def test_the_cells_of_a_row_begin_at_one_height_where_a_sentence_wraps() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(render(whole_content("sales"), Format.EXCEL)))["Unusual"]
    assert {cell.alignment.vertical for row in sheet.iter_rows(min_row=2) for cell in row} == {"top"}


def test_a_day_has_no_table_of_weekdays_in_which_six_are_empty() -> None:
    day, week = (
        [
            [cell.value for cell in sheet[1]]
            for sheet in openpyxl.load_workbook(io.BytesIO(render(content, Format.EXCEL)))
        ]
        for content in (whole_content("sales"), whole_content("sales", Period.WEEKLY))
    )
    assert ["Hour", "Sales", "Share"] in day
    assert ["Hour", "Sales", "Share", None, "Weekday", "Sales", "Share"] in week
