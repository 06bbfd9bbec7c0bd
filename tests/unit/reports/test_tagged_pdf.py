"""The PDF as a screen reader reads it: a tree of headings, paragraphs, tables and figures with words, in which nothing drawn is missing.

Read with pikepdf by the rules of ISO 32000-1, 14.6 to 14.8, and of ISO 14289-1 (PDF/UA-1).
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pikepdf
import pytest

from salesflow.figures import Kind
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.reports import render
from salesflow.reports.content.build import build_document
from salesflow.windows import Period
from tests.unit.reports.samples import all_samples, rendered
from tests.unit.reports.whole import whole_content

SHOWN = {"Tj", "TJ", "'", '"', "f", "F", "f*", "S", "s", "B", "B*", "b", "b*", "Do", "sh"}
"""Operators that leave ink."""


@dataclass
class Element:
    """An element as a reader meets it. marks: its marked content, (page, number) each."""

    role: str
    entry: Any
    kids: list["Element"] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)

    def walk(self) -> Iterator["Element"]:
        yield self
        for kid in self.kids:
            yield from kid.walk()

    def all(self, role: str) -> list["Element"]:
        return [element for element in self.walk() if element.role == role]


def tree_of(pdf: pikepdf.Pdf) -> Element:
    """The tree, each element held against its parent's entry."""
    pages = {page.objgen: n for n, page in enumerate(pdf.pages)}

    def read(entry: Any, parent: Any) -> Element:
        assert entry.P.objgen == parent.objgen
        element = Element(str(entry.S)[1:], entry)
        for kid in entry.K:
            if isinstance(kid, int):
                element.marks.append((pages[entry.Pg.objgen], kid))
            elif kid.get("/Type") == "/MCR":
                element.marks.append((pages[kid.Pg.objgen], int(kid.MCID)))
            else:
                element.kids.append(read(kid, entry))
        return element

    root = pdf.Root.StructTreeRoot
    return read(root.K, root)


def marked(page: pikepdf.Page) -> list[int]:
    """The numbers of a page's marked content in the order of drawing; fails where ink stands outside of any, or an artefact inside."""
    open_tags: list[int | str | None] = []
    numbers = []
    for instruction in pikepdf.parse_content_stream(page):
        operands: Any = instruction.operands
        name = str(instruction.operator)
        if name in ("BDC", "BMC"):
            number = operands[1].get("/MCID") if name == "BDC" else None
            kind = "artefact" if operands[0] == "/Artifact" else None if number is None else int(number)
            assert kind is None or not [tag for tag in open_tags if tag is not None], "content is marked twice"
            open_tags.append(kind)
            if isinstance(kind, int):
                numbers.append(kind)
        elif name == "EMC":
            open_tags.pop()
        elif name in SHOWN:
            assert any(tag is not None for tag in open_tags), f"{name} outside of any marked content"
    assert not open_tags
    return numbers


@cache
def whole(report_type: str, period: Period, language: Language = Language.EN) -> bytes:
    return render(whole_content(report_type, period, language=language), Format.PDF, language=language)


WHOLE = [("sales", Period.DAILY), ("combined", Period.WEEKLY), ("sales", Period.MONTHLY), ("stock", Period.DAILY)]


def assert_tree_is_whole(data: bytes) -> None:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        tree = tree_of(pdf)
        in_tree = [mark for element in tree.walk() for mark in element.marks]
        on_pages = [(n, number) for n, page in enumerate(pdf.pages) for number in marked(page)]
        assert in_tree == on_pages, "the reading order is that of drawing, and nothing is missing"
        owners = {mark: element.entry.objgen for element in tree.walk() for mark in element.marks}
        numbers = pdf.Root.StructTreeRoot.ParentTree.Nums
        for n, page in enumerate(pdf.pages):
            assert page.StructParents == numbers[2 * n] == n
            assert page.Tabs == "/S"
            assert [entry.objgen for entry in numbers[2 * n + 1]] == [
                owners[n, m] for m in range(len(numbers[2 * n + 1]))
            ]


@pytest.mark.parametrize("name", list(all_samples()))
def test_all_that_is_drawn_has_its_place_in_the_tree(name: str) -> None:
    assert_tree_is_whole(rendered(name, Format.PDF))


@pytest.mark.parametrize(("report_type", "period"), WHOLE)
@pytest.mark.parametrize("language", [Language.FR, Language.ZH])
def test_all_of_a_whole_report_has_its_place_in_the_tree(report_type: str, period: Period, language: Language) -> None:
    assert_tree_is_whole(whole(report_type, period, language))


@pytest.mark.parametrize(("report_type", "period"), WHOLE)
def test_headings_tables_and_figures_are_those_of_the_report(report_type: str, period: Period) -> None:
    content = whole_content(report_type, period)
    document = build_document(content)
    with pikepdf.open(io.BytesIO(whole(report_type, period))) as pdf:
        tree = tree_of(pdf)
        headings = [element.role for element in tree.walk() if element.role[0] == "H"]
        assert headings[0] == "H1"
        assert headings.count("H1") == 1
        shown = headings.count("H2")
        assert shown >= len([section for section in document.sections if not section.extra])
        figures = [str(element.entry.Alt) for element in tree.all("Figure")]
        assert len(figures) == len(document.charts)
        for chart, words in zip(document.charts, figures, strict=True):
            assert words.startswith(chart.alt)
            for n, (value, mark) in enumerate(zip(chart.values, chart.marks or chart.values, strict=True)):
                # of what is yet to come two digits are known
                known = float(f"{value / 100:.1e}") * 100 if n in chart.expected else value
                kind = Kind.ESTIMATE if n in chart.expected else chart.value_kind
                assert document.figures.show(kind, round(known)) in words
                assert (
                    n in chart.expected or mark is None or document.figures.show(chart.value_kind, round(mark)) in words
                )
        for table in tree.all("Table"):
            rows = [[(cell.role, scope_of(cell)) for cell in row.kids] for row in table.kids]
            assert len({len(row) for row in rows}) == 1
            body = [("TH", "/Row"), *[("TD", None)] * (len(rows[0]) - 1)]
            heads = [row for row in rows if row == [("TH", "/Column")] * len(rows[0])]
            assert len(heads) == (1 if len(rows[0]) > 2 else 0)
            assert [row for row in rows if row not in heads] == [body] * (len(rows) - len(heads))


def scope_of(cell: Element) -> str | None:
    return str(cell.entry.A.Scope) if cell.role == "TH" else None


def test_a_table_that_goes_on_is_one_table_with_its_header_once() -> None:
    with pikepdf.open(io.BytesIO(rendered("sales-monthly-40-scripts", Format.PDF))) as pdf:
        tree = tree_of(pdf)
        over_pages = [t for t in tree.all("Table") if len({page for e in t.walk() for page, _ in e.marks}) > 1]
        assert over_pages
        for table in over_pages:
            assert sum(scope_of(cell) == "/Column" for row in table.kids for cell in row.kids) == len(
                table.kids[0].kids
            )


@pytest.mark.parametrize("language", Language)
def test_the_file_says_that_it_is_tagged_and_in_which_language(language: Language) -> None:
    content = whole_content("stock", language=language)
    with pikepdf.open(io.BytesIO(render(content, Format.PDF, language=language))) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == language.tag
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        with pdf.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"] == build_document(content, language=language).full_title
        sentence = next(e for e in tree_of(pdf).all("P") if "/ActualText" in e.entry)
        assert "  " not in str(sentence.entry.ActualText)


def test_the_tree_is_the_same_each_time() -> None:
    content = whole_content("combined", Period.WEEKLY)
    assert render(content, Format.PDF) == render(content, Format.PDF) == whole("combined", Period.WEEKLY)
