"""What is printed stays readable whatever the language, the currency and the size of the amounts: no text lies on another, none leaves
the paper, only names are cut, no column of a sheet is too narrow for its figures, and nothing says -0%.

SALESFLOW_LAYOUT=all python -m pytest tests/integration/reports/test_nothing_overlaps.py      every report in every case (some minutes)
"""

import ctypes
import io
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import openpyxl
import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from salesflow.analytics.results import ReportContent
from salesflow.figures import printable
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.reports import render
from salesflow.windows import Period
from tests.unit.reports.samples import mail_of
from tests.unit.reports.whole import SHOP, WARES, whole_content

PRICES = {
    "CDF": 1_250_000, "TZS": 450_000, "KWD": 1_250, "JPY": 480, "IDR": 4_500_000, "EUR": 1_250, "CNY": 1_250
}  # fmt: skip
"""What a product costs in each currency, about, in minor units."""
SIZES = {"small": 1, "usual": 0, "huge": 2 * 10**11}
"""Prices in place of the usual ones: the huge ones bring sums near to the largest that doubles hold (`money.MAX_MINOR`)."""
REPORTS = (
    ("sales", Period.DAILY, 0.6),
    ("combined", Period.WEEKLY, 1.0),
    ("sales", Period.MONTHLY, 1.4),
    ("stock", Period.DAILY, 1.0),
    ("combined", Period.DAILY, 1.5),
    ("young", Period.WEEKLY, 0.3),
)
"""Type (young: sales of a shop whose usual is not known yet), period, and how the last day sold."""
ALL = os.environ.get("SALESFLOW_LAYOUT") == "all"
MARGIN = 41.0
NO_CHANGE = re.compile(r"[-\u2212]0([.,]0+)?[\s\u202f\xa0]?%")
TOUCHING = 0.6
"""Points that the boxes of two texts may share: letters that lean over, rounding."""

type Case = tuple[Language, str, str, str, Period, float, str]


def cases() -> Iterator[Case]:
    """Each language with each currency in huge amounts, and in usual or small ones in turn; of reports and papers one each in turn. Or all."""
    for n, (language, currency, size) in enumerate(itertools.product(Language, PRICES, SIZES)):
        if not ALL and size == ("small", "usual")[n // len(SIZES) % 2]:
            continue
        for m, (kind, period, factor) in enumerate(REPORTS):
            for k, paper in enumerate(("A4", "Letter")):
                if ALL or (m == (n + n // 5) % len(REPORTS) and k == n % 2):
                    yield language, currency, size, kind, period, factor, paper


CASES = tuple(cases())


@dataclass(frozen=True)
class Text:
    """A piece of text as it was drawn: what it says, and the box of its ink from the lower left corner."""

    says: str
    left: float
    bottom: float
    right: float
    top: float

    def lies_on(self, other: "Text") -> bool:
        return (
            min(self.right, other.right) - max(self.left, other.left) > TOUCHING
            and min(self.top, other.top) - max(self.bottom, other.bottom) > TOUCHING
        )


def texts_of(page: pypdfium2.PdfPage) -> list[Text]:
    """Every text of a page that leaves ink."""
    words, found = page.get_textpage(), []
    for drawn in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT], max_depth=1):
        size = pdfium.FPDFTextObj_GetText(drawn, words, None, 0)
        buffer = ctypes.create_string_buffer(size)
        pdfium.FPDFTextObj_GetText(drawn, words, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
        says = buffer.raw.decode("utf-16-le").rstrip("\x00")
        if says.strip():
            found.append(Text(says, *drawn.get_bounds()))
    return found


@cache
def content_of(case: Case) -> ReportContent:
    language, currency, size, kind, period, factor, _ = case
    young = kind == "young"
    content = whole_content(
        "sales" if young else kind,
        period,
        currency=currency,
        language=language,
        price=SIZES[size] or PRICES[currency],
        day_factor=factor,
    )
    return replace(content, usual=None, progress=None, forecast=None) if young else content


def name_of(case: Case) -> str:
    return "-".join(map(str, case))


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_page_can_be_read(case: Case) -> None:
    language, paper = case[0], case[-1]
    pages = pypdfium2.PdfDocument(render(content_of(case), Format.PDF, language=language, paper=paper))
    names = [printable(name) for name in (*WARES, SHOP)]
    for page in pages:
        texts = texts_of(page)
        assert len(texts) > 3
        width, height = page.get_size()
        for one in texts:
            assert MARGIN <= one.left < one.right <= width - MARGIN, f"beyond the margin: {one}"
            assert 10 < one.bottom < one.top < height - 10, f"beyond the paper: {one}"
            if one.says.endswith("\u2026"):
                assert any(name.startswith(one.says[:-1].rstrip()) for name in names), f"cut: {one}"
            assert not NO_CHANGE.search(one.says), one
        for one, other in neighbours(texts):
            assert not one.lies_on(other), f"{one} lies on {other}"


def neighbours(texts: list[Text]) -> Iterator[tuple[Text, Text]]:
    """The pairs that share a place from left to right."""
    ordered = sorted(texts, key=lambda text: text.left)
    for n, one in enumerate(ordered):
        for other in ordered[n + 1 :]:
            if other.left >= one.right:
                break
            yield one, other


@pytest.mark.parametrize("case", CASES if ALL else CASES[::3], ids=name_of)
def test_no_screen_says_minus_nothing(case: Case) -> None:
    content, language = content_of(case), case[0]
    mail = mail_of(content, language=language)
    pages = (mail.html, render(content, Format.HTML, language=language).decode())
    for said in (
        mail.subject,
        mail.text,
        *(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL) for page in pages),
    ):
        assert not NO_CHANGE.search(said)


@pytest.mark.parametrize("case", [case for case in CASES if case[2] == "huge"], ids=name_of)
def test_no_column_of_a_sheet_is_too_narrow_for_its_figures(case: Case) -> None:
    """A spreadsheet shows ##### in place of a figure that does not fit, and -0.0% for a tiny fraction."""
    book = openpyxl.load_workbook(io.BytesIO(render(content_of(case), Format.EXCEL, language=case[0])), data_only=True)
    for sheet in book:
        widths = widths_of(sheet)
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, int | float):
                    text = shown(cell.value, cell.number_format)
                    needed = len(text) * (1.06 if cell.font.b else 1.0) + 0.5
                    assert needed <= widths[cell.column], f"{sheet.title}!{cell.coordinate}: {text}"
                    assert not NO_CHANGE.search(text), f"{sheet.title}!{cell.coordinate}"


def widths_of(sheet: Any) -> dict[int, float]:
    """Each column's width in figures; a range of alike columns stands once in a file."""
    widths = dict.fromkeys(range(1, sheet.max_column + 1), 8.43)
    for dimension in sheet.column_dimensions.values():
        widths |= dict.fromkeys(range(dimension.min, dimension.max + 1), dimension.width)
    return widths


def shown(value: float, number_format: str) -> str:
    """The figure as a spreadsheet of an English reader shows it."""
    positive, *signed = number_format.split(";")
    if signed and value <= 0:
        positive, value = (signed[0], -value) if value < 0 else (signed[1], value)
    if "#" not in positive and "0" not in positive:
        return "22/11/2026" if "y" in positive or "d" in positive else "08:00" if "h" in positive else str(value)
    digits = len(positive.partition(".")[2].rstrip("%"))
    text = (
        f"{value:{'+' if positive.startswith('+') else ''},.{digits}%}" if "%" in positive else f"{value:,.{digits}f}"
    )
    return f"-{text}" if positive.startswith("-") else text
