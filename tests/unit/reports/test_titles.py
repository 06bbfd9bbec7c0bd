"""What a page says above its charts and in its sentences, against figures added up here from the report's own days."""

import io
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import openpyxl
import pypdfium2
import pytest

from salesflow.analytics.results import ReportContent
from salesflow.figures import Figures
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.reports import render
from salesflow.reports.content.build import build_document
from salesflow.reports.content.document import Chart, Document, Section
from salesflow.windows import Period
from tests.unit.reports.samples import BUSINESS_DATE
from tests.unit.reports.test_same_figures import _Page
from tests.unit.reports.whole import whole_content

STORY = {
    0.5: ("a slow one", "Quiet: Thursday and Saturday"),
    1.0: ("a usual one", "Strongest day: Saturday"),
    2.0: ("a strong one", "Busy: Thursday and Saturday"),
}


def section(document: Document, key: str) -> tuple[Section, Chart]:
    (found,) = [one for one in document.sections if one.key == key]
    return found, found.charts[0]


def week(factor: float) -> ReportContent:
    """A week of which each day is as usual, Thursday and Saturday that times the factor."""
    content = whole_content("sales", Period.WEEKLY, day_factor=1.0)
    assert content.usual is not None
    assert content.sales is not None
    sold = {day.day: day.revenue for day in content.sales.daily}
    days = tuple(
        replace(day, revenue=round(sold[day.day] / (factor if day.day.weekday() in (3, 5) else 1)))
        if day.day in sold
        else day
        for day in content.usual.days
    )
    usual = replace(content.usual, days=days, revenue=sum(day.revenue or 0 for day in days if day.day in sold))
    return replace(content, usual=usual)


@pytest.mark.parametrize("factor", STORY)
def test_a_week_stands_among_the_twelve_before_and_its_days_beside_their_usual(factor: float) -> None:
    content = week(factor)
    assert content.sales is not None
    assert content.usual is not None
    document = build_document(content)
    (weeks_said, weeks), (days_said, days) = section(document, "revenue"), section(document, "hours")
    told, busy = STORY[factor]
    assert weeks_said.title == f"The last 12 weeks: {told}"
    assert days_said.title == busy

    sold = {day.day: day.revenue for day in (*content.sales.context, *content.sales.daily)}
    usual = {day.day: day.revenue for day in content.usual.days}
    for n in range(12):
        its_days = [BUSINESS_DATE - timedelta(days=7 * (11 - n) + back) for back in range(7)]
        assert weeks.values[n] == sum(sold[day] for day in its_days)
        assert weeks.marks[n] == sum(usual[day] or 0 for day in its_days)
    assert content.forecast is not None
    assert weeks.values[12] == sum(content.forecast.next_days)
    assert (sorted(weeks.strong), sorted(weeks.expected)) == ([11], [12])
    monday = content.sales.window.first
    assert days.marks == tuple(float(usual[monday + timedelta(days=n)] or 0) for n in range(7))


def test_a_shop_of_five_weeks_has_the_five_and_of_nine_days_its_days() -> None:
    content = week(1.0)
    assert content.sales is not None
    for known, key, title in ((37, "weeks", "The last 5 weeks"), (9, "trend", "Best day")):
        young = replace(content, usual=None, sales=replace(content.sales, context=content.sales.context[-known:]))
        said, chart = section(build_document(young), "revenue")
        assert chart.key == key
        assert said.title.startswith(title)


def test_four_weeks_are_not_said_of_a_shop_that_has_had_three_days() -> None:
    content = whole_content("sales", Period.DAILY)
    assert content.sales is not None
    for known, title in ((3, "Sales by day"), (28, "The last four weeks: a slow Sunday")):
        young = replace(content, sales=replace(content.sales, context=content.sales.context[-known:]))
        assert section(build_document(young), "revenue")[0].title == title


def test_a_month_of_more_sundays_than_saturdays_has_its_weekdays_as_means() -> None:
    content = whole_content("sales", Period.MONTHLY, day_factor=1.4)
    assert content.sales is not None
    assert content.usual is not None
    said, chart = section(build_document(content), "hours")
    own = list(content.sales.window.dates)
    usual = {day.day: day.revenue or 0 for day in content.usual.days}
    for weekday in range(7):
        days = [day for day in content.sales.daily if day.day.weekday() == weekday]
        assert len(days) == (4 if weekday == 6 else 3)
        assert chart.values[weekday] == pytest.approx(sum(day.revenue for day in days) / len(days), abs=1)
        marks = [usual[day] for day in own if day.weekday() == weekday]
        assert chart.marks[weekday] == pytest.approx(sum(marks) / len(marks), abs=1)
    assert said.title == "Strongest day: Saturday"  # the four Sundays together brought more
    assert content.sales.by_weekday[6] > content.sales.by_weekday[5]
    assert "Mean of each weekday." in chart.caption


@pytest.mark.parametrize("language", Language)
def test_sentences_begin_with_a_capital_letter(language: Language) -> None:
    for period, factor in ((Period.DAILY, 0.5), (Period.WEEKLY, 1.0)):
        document = build_document(
            whole_content("sales", period, language=language, day_factor=factor), language=language
        )
        leads = [text for one in document.sections if one.key != "unusual" for text in (one.lead, *one.paragraphs)]
        for sentence in re.split(r"(?<=\.) ", " ".join([document.why, *leads])):
            assert sentence[:1] == sentence[:1].upper(), sentence


@pytest.mark.parametrize("language", Language)
def test_both_ends_of_an_estimate_are_as_short(language: Language) -> None:
    figures = Figures("CDF", language)
    ends = [figures.money_about(amount, beside=1_100_000_000) for amount in (720_000_000, 1_100_000_000)]
    assert all(len(re.findall(r"\d", end)) <= 4 for end in ends), ends


def test_estimates_have_no_cents_and_a_rate_has_the_digits_that_it_has() -> None:
    page = _Page(render(whole_content("sales", Period.WEEKLY, vat_percent=5.5), Format.HTML).decode())
    (of_seven,) = [row for row in page.rows if row[0] == "Next 7" and len(row) > 3]
    assert not re.search(r"\d\.\d", " ".join(of_seven))
    assert "of which VAT 5.5%" in {row[0] for row in page.rows}
    assert Figures("EUR", Language.FR).rate(20.0).replace("\xa0", " ").replace("\u202f", " ") == "20 %"


def test_a_statement_is_not_sorted_and_what_is_out_stands_out() -> None:
    page = render(whole_content(), Format.HTML).decode()
    (money,) = re.findall(r"<table[^>]*>(?:(?!</table>).)*How the money adds up", page, re.DOTALL)
    assert "sortable" not in money
    assert re.search(r'<tr class="bad">(?:(?!</tr>).)*<td class="status[^"]*">out</td>', page, re.DOTALL)


@pytest.mark.parametrize("language", Language)
def test_a_heading_of_the_order_list_is_as_wide_as_its_words(language: Language) -> None:
    book = openpyxl.load_workbook(io.BytesIO(render(whole_content(language=language), Format.EXCEL, language=language)))
    for sheet in book.worksheets:
        headings = [
            cell for row in sheet.iter_rows(min_row=1, max_row=4) for cell in row if cell.font.b and cell.column > 2
        ]
        for cell in headings if sheet is not book.worksheets[0] else ():
            widths = [d.width for d in sheet.column_dimensions.values() if d.min <= cell.column <= d.max]
            wide = sum(2 if ord(char) > 0x2E80 else 1 for char in str(cell.value))
            assert max(widths, default=8.43) >= wide, f"{sheet.title}!{cell.coordinate}: {cell.value}"


def test_the_workbook_names_the_usual_and_the_change_by_their_names() -> None:
    book = openpyxl.load_workbook(io.BytesIO(render(whole_content(), Format.EXCEL)))
    rows = list(book.worksheets[0].iter_rows(max_col=4, values_only=True))
    ((heading, sales),) = [(row, below) for row, below in pairwise(rows) if row[1] == "Value"]
    assert heading == ("Figure", "Value", "Change", "Usual")
    _name, value, change, usual = sales
    assert change == pytest.approx(value / usual - 1)


def test_no_page_is_begun_for_a_few_rows() -> None:
    """What would stand alone on a last page is left to the workbook."""
    pages = pypdfium2.PdfDocument(render(whole_content("combined", Period.WEEKLY, day_factor=1.0), Format.PDF))
    heights = []
    for page in pages:
        boxes = [drawn.get_bounds() for drawn in page.get_objects()]
        heights.append(page.get_size()[1] - min(bottom for _l, bottom, _r, _t in boxes if bottom > 40))
    assert heights[-1] > 0.3 * page.get_size()[1]
