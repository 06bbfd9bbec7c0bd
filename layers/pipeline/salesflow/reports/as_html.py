"""The report as one HTML file: no script, no request to anywhere, for phones and desks, light and dark, screen and print.

Charts are inline SVG with a text that says the same, and their numbers in a table to unfold.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from salesflow.reports.charts import SCREEN, Box, Path, Picture, height_of, lay_out
from salesflow.reports.document import Chart, ChartKind, Document, Row, Table, Tone
from salesflow.reports.figures import Figures, Kind
from salesflow.reports.palette import DARK, LIGHT
from salesflow.reports.seal import BLANK, MARK, seal

_MOST_ROWS: Final = 100
_NARROW: Final = 340.0
_WIDE: Final = 800.0
_LONG_SERIES: Final = 32
_HEIGHT: Final = 150.0
_EM: Final = 0.56
_ELLIPSIS: Final = "\u2026"


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """A chart with its pictures: one for narrow places, and one for wide ones where it has many values."""

    chart: Chart
    narrow: Markup
    wide: Markup | None
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text and the classes that say how it is set."""

    text: str
    classes: str
    is_name: bool


@dataclass(frozen=True, slots=True)
class DrawnTable:
    """A table as the template prints it. Each row has its cells and its role."""

    table: Table
    header: tuple[Cell, ...]
    rows: tuple[tuple[tuple[Cell, ...], str], ...]
    note: str


@cache
def templates() -> Environment:
    """The templates of this package; what they print is escaped, and a name that they miss is an error."""
    return Environment(
        loader=PackageLoader("salesflow.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_html(document: Document) -> bytes:
    """The document as the bytes of an HTML file, UTF-8."""
    figures = document.figures
    sections = [
        (
            section,
            [draw_chart(chart, figures) for chart in section.charts],
            [draw_table(table, figures) for table in section.tables],
        )
        for section in document.sections
    ]
    html = (
        templates()
        .get_template("report.html.j2")
        .render(document=document, sections=sections, light=LIGHT, dark=DARK, tone=Tone, seal=MARK + BLANK)
    )
    return seal(html.encode("utf-8", "replace"))


def estimated_width(text: str, size: float) -> float:
    """About how wide a text is in a font that we do not know: East Asian signs are square, others a bit over half."""
    if text.isascii():
        return len(text) * size * _EM
    return sum(size if unicodedata.east_asian_width(char) in "WF" else size * _EM for char in text)


def _cut(text: str, size: float, room: float) -> str:
    if estimated_width(text, size) <= room:
        return text
    while text and estimated_width(text + _ELLIPSIS, size) > room:
        text = text[:-1]
    return text.rstrip() + _ELLIPSIS


def draw_chart(chart: Chart, figures: Figures) -> DrawnChart:
    """The chart as SVG, and its numbers as text."""

    def picture(width: float) -> Markup:
        return _svg(
            lay_out(chart, figures, width, height_of(chart, _HEIGHT, SCREEN), estimated_width, _cut, SCREEN), chart
        )

    long_series = chart.kind is ChartKind.COLUMNS and len(chart.values) >= _LONG_SERIES
    numbers = tuple(
        (label, figures.show(chart.value_kind, round(value)))
        for label, value in zip(chart.labels, chart.values, strict=True)
    )
    return DrawnChart(chart, picture(_NARROW), picture(_WIDE) if long_series else None, numbers)


def _svg(picture: Picture, chart: Chart) -> Markup:
    parts = [
        f'<svg viewBox="0 0 {picture.width:g} {picture.height:g}" role="img" aria-label="{escape(chart.alt)}" '
        'xmlns="http://www.w3.org/2000/svg">'
    ]
    for shape in picture.shapes:
        match shape:
            case Box():
                title = f"<title>{escape(shape.title)}</title>" if shape.title else ""
                parts.append(
                    f'<rect class="{shape.role}" x="{shape.x:.2f}" y="{shape.y:.2f}" width="{shape.width:.2f}" '
                    f'height="{shape.height:.2f}">{title}</rect>'
                )
            case Path():
                points = " ".join(f"{x:.2f},{y:.2f}" for x, y in shape.points)
                parts.append(f'<polyline class="{shape.role}" points="{points}"/>')
            case _:
                parts.append(
                    f'<text class="{shape.role}" x="{shape.x:.2f}" y="{shape.y:.2f}" font-size="{shape.size:g}" '
                    f'text-anchor="{shape.anchor}">{escape(shape.text)}</text>'
                )
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704  # every text in it went through escape


def draw_table(table: Table, figures: Figures) -> DrawnTable:
    """The rows that a page shows, as text."""
    limit = max(table.limit, _MOST_ROWS)
    kinds = [column.kind for column in table.columns]
    classes = [
        " ".join(name for name, wanted in (("n", not c.kind.is_text), ("minor", c.minor)) if wanted)
        for c in table.columns
    ]

    def cells(row: Row, *, sums: bool = False) -> tuple[Cell, ...]:
        return tuple(
            Cell("" if sums and value == "" else figures.show(kind, value), css, kind is Kind.NAME)
            for kind, value, css in zip(kinds, row, classes, strict=True)
        )

    shown = table.shown(limit)
    marks = table.marks or (Tone.NEUTRAL,) * len(shown)
    rows = [(cells(row), "bad" if mark is Tone.BAD else "") for row, mark in zip(shown, marks, strict=False)]
    rest = table.rest(figures, limit)
    if rest is not None:
        rows.append((cells(rest, sums=True), "rest"))
    rows += [(cells(row, sums=True), "total") for row in table.totals]
    header = tuple(Cell(column.label, css, False) for column, css in zip(table.columns, classes, strict=True))
    return DrawnTable(table, header, tuple(rows), table.cut_note(figures, limit))
