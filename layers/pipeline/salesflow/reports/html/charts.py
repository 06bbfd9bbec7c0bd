"""Charts for a screen: pictures that take the width they are given while their texts keep their size.

Columns are an inline SVG whose positions across are percentages. Lying bars are a table with a bar in each row, so that long names
wrap instead of being cut, and the figures are there to read. Roles are classes; the style sheet gives them their colours.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from salesflow.figures import Figures
from salesflow.reports.content.charts import Role, heights, nice_ticks, role_of
from salesflow.reports.content.document import Chart, ChartKind

_THICKEST: Final = 9.0
"""Of a column, in percent of the width: a shop's first day is no wall of colour."""
_EM: Final = 7.0
"""About the width of a sign in a label, in pixels."""
_NARROW: Final = 250.0
"""The room for labels on the smallest phone, in pixels."""
_EDGE: Final = 7.0
_HEIGHT, _TOP, _BOTTOM = 184, 10, 160


@dataclass(frozen=True, slots=True)
class BarRow:
    """One lying bar: its name, its value as text, and where it begins and how long it is, in percent."""

    label: str
    text: str
    start: str
    length: str
    role: Role


@dataclass(frozen=True, slots=True)
class ScreenChart:
    """A chart as the template prints it: columns have a picture, lying bars have rows and the place of their zero line.

    numbers: label and value of each column, and its usual where the chart has marks.
    """

    chart: Chart
    picture: Markup
    bars: tuple[BarRow, ...]
    zero: str
    numbers: tuple[tuple[str, ...], ...]

    @property
    def is_long(self) -> bool:
        """Whether it wants the whole width."""
        return len(self.chart.values) > 31


def screen_chart(chart: Chart, figures: Figures) -> ScreenChart:
    """The chart for a page."""
    texts = tuple(chart.figure(n, figures) for n in range(len(chart.values)))
    if chart.kind is ChartKind.BARS:
        bars, zero = _bars(chart, texts)
        return ScreenChart(chart, Markup(), bars, zero, ())
    numbers: tuple[tuple[str, ...], ...] = tuple(zip(chart.labels, texts, strict=True))
    if chart.marks:
        marks = (figures.show(chart.value_kind, None if mark is None else round(mark)) for mark in chart.marks)
        numbers = tuple((*row, text) for row, text in zip(numbers, marks, strict=True))
    return ScreenChart(chart, _columns(chart, figures, texts), (), "", numbers)


def estimated_width(text: str, em: float = _EM) -> float:
    """About how wide a text is in a font that we do not know: East Asian signs are square, others a bit over half."""
    if text.isascii():
        return len(text) * em
    return sum(em * 1.8 if unicodedata.east_asian_width(char) in "WF" else em for char in text)


def _bars(chart: Chart, texts: tuple[str, ...]) -> tuple[tuple[BarRow, ...], str]:
    """The bars from a common zero line, and where that line is."""
    low, high = min([0.0, *chart.values]), max([0.0, *chart.values])
    scale = 100 / (high - low) if high > low else 0.0
    zero = -low * scale
    rows = []
    for label, text, value in zip(chart.labels, texts, chart.values, strict=True):
        length = max(abs(value) * scale, 0.5) if value else 0.0
        start = zero if value >= 0 else zero - length
        role = Role.NEGATIVE if value < 0 else Role.STRONG
        rows.append(BarRow(label, text, _number(start), _number(length), role))
    return tuple(rows), _number(zero)


def _columns(chart: Chart, figures: Figures, texts: tuple[str, ...]) -> Markup:
    ticks = nice_ticks(min(heights(chart), default=0.0), max(heights(chart), default=0.0))
    low, high = ticks[0], ticks[-1]

    def y_of(value: float) -> float:
        return _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP) if high > low else float(_BOTTOM)

    marks = [figures.axis(chart.value_kind, tick) for tick in ticks]
    # The marks stand left of the picture's own box: a class gives them the room that the longest one needs.
    room = min(9, max(2, *(-(-int(estimated_width(mark)) // 7) for mark in marks)))
    parts = [
        f'<svg class="columns room{room}" width="100%" height="{_HEIGHT}" role="img" aria-label="{escape(chart.alt)}" '
        'xmlns="http://www.w3.org/2000/svg">'
    ]
    for tick, mark in zip(ticks, marks, strict=True):
        level = _number(y_of(tick))
        role = Role.AXIS if tick == 0 else Role.GRID
        parts.append(f'<line class="{role}" x1="0" x2="100%" y1="{level}" y2="{level}"/>')
        parts.append(
            f'<text class="label" x="-6" y="{_number(y_of(tick) + 4)}" text-anchor="end">{escape(mark)}</text>'
        )
    slot = 100 / max(len(chart.values), 1)
    thick = min(slot * 0.76, _THICKEST)
    zero = y_of(0.0)
    for n, value in enumerate(chart.values):
        if value:
            y = y_of(value)
            parts.append(
                f'<rect class="{role_of(chart, n)}" x="{_number(slot * (n + 0.5) - thick / 2)}%" y="{_number(min(y, zero))}" '
                f'width="{_number(thick)}%" height="{_number(max(abs(y - zero), 1))}">'
                f"<title>{escape(chart.labels[n])}: {escape(texts[n])}</title></rect>"
            )
    for n, usual in enumerate(chart.marks):
        if usual is not None:
            left, right, level = (
                _number(x) for x in (slot * (n + 0.5) - thick / 2, slot * (n + 0.5) + thick / 2, y_of(usual))
            )
            parts.append(f'<line class="{Role.USUAL}" x1="{left}%" x2="{right}%" y1="{level}" y2="{level}"/>')
    parts += _labels(chart, slot)
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704  # every text in it went through escape


def _labels(chart: Chart, slot: float) -> list[str]:
    """Every n-th category under its column, counted from the last where only some are strong, so that the newest has its name.

    Where they would not fit on a phone, every other one is left out there.
    """
    count = len(chart.labels) - len(chart.expected)
    offset = (count - 1) % chart.label_every if chart.strong else 0
    shown = range(offset, count, chart.label_every)
    crowded = sum(estimated_width(chart.labels[n]) + 10 for n in shown) > _NARROW
    parts = []
    for place, n in enumerate(reversed(shown)):
        middle = slot * (n + 0.5)
        anchor, x = "middle", middle
        half = 50 * estimated_width(chart.labels[n]) / _NARROW
        if count > 1 and n == shown[-1] and middle > 100 - max(_EDGE, half):
            anchor, x = "end", 100.0
        elif count > 1 and n == shown[0] and middle < max(_EDGE, half) and len(chart.labels[n]) > 3:
            anchor, x = "start", 0.0
        spare = " spare" if crowded and place % 2 else ""
        parts.append(
            f'<text class="label{spare}" x="{_number(x)}%" y="{_HEIGHT - 6}" text-anchor="{anchor}">'
            f"{escape(chart.labels[n])}</text>"
        )
    return parts


def _number(value: float) -> str:
    """At most two digits after the point, and no more than it takes."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
