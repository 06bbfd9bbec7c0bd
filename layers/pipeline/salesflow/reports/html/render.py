"""The report as one HTML file: nothing fetched, for phones and desks, light and dark, screen and print.

It reads whole without its script, which only lets the reader sort the tables. Charts say their figures in a text and in a table to
unfold.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from salesflow.figures import Figures, Kind, Value
from salesflow.reports.content.document import Document, Row, Section, Table, Tone
from salesflow.reports.html.charts import ScreenChart, screen_chart
from salesflow.reports.html.page import frame, templates

_MOST_ROWS: Final = 100


class Cell(NamedTuple):
    """One cell: its text, the classes that say how it is set, and what it is sorted by (empty: its text)."""

    text: str
    classes: str
    is_name: bool
    order: str = ""


@dataclass(frozen=True, slots=True)
class ScreenTable:
    """A table as the template prints it: rows with their class, and below them what sums up."""

    table: Table
    header: tuple[Cell, ...]
    rows: tuple[tuple[tuple[Cell, ...], str], ...]
    foot: tuple[tuple[tuple[Cell, ...], str], ...]
    note: str


@dataclass(frozen=True, slots=True)
class ScreenSection:
    """A section with its charts and tables."""

    section: Section
    charts: tuple[ScreenChart, ...]
    tables: tuple[ScreenTable, ...]

    @property
    def layout(self) -> str:
        """How its charts stand beside each other where there is room."""
        return f"charts-{len(self.charts)}" + (" first-long" if self.charts and self.charts[0].is_long else "")

    @property
    def says_once(self) -> bool:
        """Whether its own title is enough: it holds one thing."""
        return len(self.charts) + len(self.tables) == 1

    @property
    def width(self) -> str:
        """How much of a wide page it takes."""
        share = self.section.share
        return "whole" if share > 0.7 else "most" if share > 0.55 else "half" if share > 0.36 else "third"


def render_html(document: Document) -> bytes:
    """The document as the bytes of an HTML file, UTF-8."""
    figures = document.figures
    sections = [
        ScreenSection(
            section,
            tuple(screen_chart(chart, figures) for chart in section.charts),
            tuple(screen_table(table, figures, document.made) for table in section.tables),
        )
        for section in document.sections
    ]
    html = (
        templates()
        .get_template("report.html.j2")
        .render(
            document=document,
            sections=sections,
            frame=frame("tables.js"),
            tone=Tone,
            _=figures.words,
        )
    )
    return html.encode("utf-8", "replace")


def screen_table(table: Table, figures: Figures, made: tuple[str, ...]) -> ScreenTable:
    """The rows that a page shows, as text."""
    limit = max(table.limit, _MOST_ROWS)
    kinds = [column.kind for column in table.columns]
    classes = [
        " ".join(
            name
            for name, wanted in (
                ("n", not column.kind.is_text),
                ("minor", column.minor),
                ("status", column.key in ("status", "lasts")),
            )
            if wanted
        )
        for column in table.columns
    ]

    def cells(row: Row, *, sums: bool = False) -> tuple[Cell, ...]:
        return tuple(
            Cell(
                "" if sums and value == "" else figures.show(kind, value),
                css,
                kind is Kind.NAME,
                "" if sums else _order(kind, value),
            )
            for kind, value, css in zip(kinds, row, classes, strict=True)
        )

    shown = table.shown(limit)
    marks = table.marks or (Tone.NEUTRAL,) * len(shown)
    rows = tuple(
        (cells(row), {Tone.BAD: "bad", Tone.GOOD: "strong"}.get(mark, ""))
        for row, mark in zip(shown, marks, strict=False)
    )
    rest = table.rest(figures, limit)
    foot = [] if rest is None else [(cells(rest, sums=True), "rest")]
    foot += [(cells(row, sums=True), "total") for row in table.totals]
    header = tuple(Cell(column.label, css, False) for column, css in zip(table.columns, classes, strict=True))
    return ScreenTable(table, header, rows, tuple(foot), table.cut_note(figures, made, limit))


def _order(kind: Kind, value: Value) -> str:
    """What a cell is sorted by where its text would not do: a number, or a date."""
    if kind in (Kind.NAME, Kind.TEXT) or value in (None, ""):
        return ""
    if isinstance(value, date):
        return str(value.toordinal())
    return f"{value:.6g}" if isinstance(value, float) else str(value)
