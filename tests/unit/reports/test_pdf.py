"""The PDF as its readers and their programs see it."""

import io
import re
from dataclasses import replace
from typing import Any

import pikepdf
import pypdf
import pytest

from salesflow.formats import Format
from salesflow.language import Language, words
from salesflow.reports import render
from salesflow.windows import Period
from tests.unit.reports.hard import HARD
from tests.unit.reports.samples import all_samples, make_content, make_sales, rendered
from tests.unit.reports.test_same_figures import plain
from tests.unit.reports.whole import whole_content


def read(name: str, paper: str = "A4") -> Any:
    """A reader without types: to pypdf whatever stands in a file is any object."""
    return pypdf.PdfReader(io.BytesIO(rendered(name, Format.PDF, paper)))


def text_of(name: str) -> str:
    return "\n".join(page.extract_text() for page in read(name).pages)


@pytest.mark.parametrize("name", [name for name, c in all_samples().items() if c.period == "daily"])
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_a_day_is_one_page(name: str, paper: str) -> None:
    assert len(read(name, paper=paper).pages) == 1


@pytest.mark.parametrize(
    "product",
    [
        "Café crème moulu 250 g",
        "北京烤鸭酱（大瓶）",
        "Гречневая крупа 800 г",
        "Ελαιόλαδο εξαιρετικό παρθένο",
        "Żubrówka Ćwikła Łódź",
        "Trà sen Tây Hồ",
        "抹茶ラテ スティック 12本",
        "<b>bold</b> & <script>alert(1)</script>",
        "=SUM(A1)",
        "{{ 7 * 7 }} {% raw %}",
    ],
)
def test_names_in_every_script_can_be_copied_out(product: str) -> None:
    data = render(make_content("sales", sales=make_sales(Period.DAILY, [product])), Format.PDF)
    assert product in pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text()


def test_properties_bookmarks_language_and_page_numbers() -> None:
    reader = read("combined-daily")
    assert reader.metadata is not None
    assert reader.metadata.title == "Sales and stock, Sunday, 22 November 2026"
    assert reader.metadata.author == "SalesFlow Automation"
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert reader.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]
    titles = [entry["/Title"] for entry in reader.outline if not isinstance(entry, list)]
    assert titles == [
        "The last four weeks",
        "Strongest hour: 12:00",
        "Best sellers",
        "Needs ordering",
    ]
    pages = [reader.get_destination_page_number(entry) for entry in reader.outline if not isinstance(entry, list)]
    assert pages == sorted(pages)
    assert pages[-1] == len(reader.pages) - 1
    for number, page in enumerate(reader.pages, start=1):
        assert f"{number} / " in page.extract_text()


def test_every_font_is_embedded_and_cut_to_what_is_used() -> None:
    for page in read("combined-weekly-40-scripts").pages:
        for font in page["/Resources"]["/Font"].values():
            assert "/FontFile2" in font.get_object()["/FontDescriptor"]
    assert len(rendered("combined-weekly-40-scripts", Format.PDF)) < 150_000


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("name", list(all_samples()))
def test_qpdf_finds_nothing_wrong(name: str, paper: str) -> None:
    with pikepdf.open(io.BytesIO(rendered(name, Format.PDF, paper))) as pdf:
        assert pdf.check_pdf_syntax() == []


def test_pages_are_read_from_top_to_bottom() -> None:
    (page,) = (page.extract_text() for page in read("combined-daily").pages)
    in_order = (
        "Sales and stock",
        "¥2,438",
        "Number of sales",
        "Out of stock",
        "The last four weeks",
        "Best sellers",
    )
    places = [page.index(text) for text in (*in_order, "Needs ordering", "Data as of", "1 / ")]
    assert places == sorted(places)


@pytest.mark.parametrize("language", Language)
def test_the_file_names_its_language(language: Language) -> None:
    data = render(all_samples()["sales-one"], Format.PDF, language=language)
    assert str(pypdf.PdfReader(io.BytesIO(data)).root_object["/Lang"]) == language.tag


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_paper(paper: str, size: tuple[int, int]) -> None:
    box = read("sales-daily", paper=paper).pages[0].mediabox
    assert (round(box.width), round(box.height)) == size


def test_a_cut_table_says_so_and_still_adds_up() -> None:
    text = text_of("combined-10000")
    cut = re.search(r"The first (\d+) of 9,885; the workbook holds all", text)
    assert cut is not None
    assert f"{9_885 - int(cut.group(1)):,} more products" in text


def test_table_headers_repeat_on_every_page() -> None:
    content = make_content(
        "sales", sales=make_sales(Period.MONTHLY, [f"Product {n}" for n in range(60)]), period=Period.MONTHLY
    )
    reader = pypdf.PdfReader(io.BytesIO(render(content, Format.PDF)))
    with_days = [page.extract_text() for page in reader.pages if "Friday" in page.extract_text()]
    assert len(with_days) > 1
    assert all("Weekday" in text and "Per sale" in text for text in with_days)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("period", [Period.WEEKLY, Period.MONTHLY, Period.QUARTERLY])
def test_a_longer_report_is_two_pages_the_first_of_which_holds_the_money(language: Language, period: Period) -> None:
    content = whole_content("combined", period, language=language, currency="KWD")
    _, reader = words(language), pypdf.PdfReader(io.BytesIO(render(content, Format.PDF, language=language)))
    first, second = (plain(page.extract_text()) for page in reader.pages)
    assert plain(_("How the money adds up")) in first
    assert plain(_("Month and week")) in first
    missing = plain(_.plural("{n} product has pieces missing", "{n} products have pieces missing", 10, n="10"))
    assert (missing in second) == (period is not Period.MONTHLY), "what is extra goes where a page has no room for it"


def test_a_report_without_a_day_before_says_so() -> None:
    assert "there is nothing earlier to compare with" in text_of("sales-first-day").replace("\n", " ")


def test_small_print_is_there() -> None:
    text = text_of("combined-daily")
    for line in (
        "Asia/Shanghai",
        "22 Nov 2026, 21:47",
        "135 sale lines, 40 products in stock list",
        "totalAmount is missing",
    ):
        assert line in text


def test_a_name_far_too_long_for_its_column_is_cut_not_printed_over_its_neighbour() -> None:
    sales = make_sales(Period.DAILY, ["W" * 4000, "b"])
    content = make_content("sales", sales=replace(sales))
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render(content, Format.PDF))).pages)
    assert "W\u2026" in text
    assert "W" * 100 not in text


def test_products_whose_names_differ_at_the_end_alone_are_told_apart() -> None:
    content = HARD["long names"](currency="TZS", price=12_345_600, language=Language.FR)
    page = pypdf.PdfReader(io.BytesIO(render(content, Format.PDF, language=Language.FR))).pages[0].extract_text()
    cut = [line for line in page.splitlines() if "\u2026" in line]
    assert len(cut) >= 16
    assert all(re.match(r"Confiture.*\u2026.*n° \d+", line) for line in cut), cut


def test_a_product_whose_letters_no_font_has_is_told_by_its_sku() -> None:
    names = ["\u0f47\u0f0b\u0f66\u0f94\u0f7c", "\u2d30\u2d5c\u2d30\u2d62", "Th\u00e9 vert"]
    content = make_content("sales", sales=make_sales(Period.DAILY, names))
    page = pypdf.PdfReader(io.BytesIO(render(content, Format.PDF))).pages[0].extract_text()
    assert all(re.search(rf"SKU-0000{n} \u25a1+ ", page) for n in (1, 2)), page
    assert "SKU-00003" not in page


def test_a_sku_is_whole_where_there_is_room() -> None:
    """The widest cell sets its column's width and must fit into it."""
    for name in ("sales-daily", "stock-daily", "combined-daily", "sales-monthly-40-scripts"):
        assert not re.search(r"SKU-\d*\u2026", text_of(name))
