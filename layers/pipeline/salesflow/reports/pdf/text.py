"""Text on a PDF page: lines in as many fonts as they need, and sentences broken into lines."""

import re
from dataclasses import dataclass
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from salesflow.reports.content.palette import INK, RULE
from salesflow.reports.pdf.fonts import BOLD, REGULAR, line_of, width
from salesflow.reports.pdf.tags import artefact, hexed, tagged

_WIDE: Final = "\u2e80-\u2fff\u3040-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
_CLOSING: Final = "\u3001\u3002\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u300b\u300d\u300f\u3011\u2019\u201d.,;:!?)%\u2026"
_WORD: Final = re.compile(f"[{_WIDE}][{_CLOSING}]*|[^ {_WIDE}]+|(?<=.) +")
_ROUNDING: Final = 0.01
_FILL: Final = 0
_FILL_AND_STROKE: Final = 2
_THICKER: Final = 0.03


def draw_text(  # where, what and how
    canvas: Canvas,
    x: float,
    y: float,
    text: str,
    size: float,
    font: str = REGULAR,
    *,
    color: str = INK,
    anchor: str = "start",
) -> None:
    """Draws one line of text. Where glyphs cannot tell what they say, it stands beside them (ActualText)."""
    line = line_of(text, font)
    if anchor != "start":
        wide = line.width(size)
        x -= wide if anchor == "end" else wide / 2
    if font == BOLD:
        canvas.setLineWidth(size * _THICKER)
    drawn = []
    for run in line.runs:
        drawn.append((run, x))
        x += run.width(size)
    drawn.sort(key=lambda part: part[0].place)  # into the file as it is read, each at its place on the page
    for run, left in drawn:
        if run.says:
            canvas.addLiteral(f"/Span <</ActualText {hexed(run.says)}>> BDC")
        target = canvas.beginText(left, y)
        target.setFont(run.font, size)
        target.setFillColor(HexColor(color))
        if font == BOLD and run.font != BOLD:  # the other scripts come in one weight: thickened by their outline
            target.setStrokeColor(HexColor(color))
            target.setTextRenderMode(_FILL_AND_STROKE)
        target.textOut(run.text)
        target.setTextRenderMode(_FILL)
        canvas.drawText(target)
        if run.says:
            canvas.addLiteral("EMC")


def rule(canvas: Canvas, x: float, y: float, wide: float, color: str = RULE) -> None:
    """Draws a thin line to the right."""
    canvas.setStrokeColor(HexColor(color))
    canvas.setLineWidth(0.5)
    with artefact(canvas):
        canvas.line(x, y, x + wide, y)


def broken(text: str, font: str, size: float, room: float) -> list[str]:
    """The text in lines of at most `room` points: broken at spaces, between East Asian signs, and inside of a word only where it is
    longer than a line."""
    lines, line = [], ""
    for word in _WORD.findall(text):
        if width((line + word).rstrip(), font, size) <= room + _ROUNDING:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = word.lstrip()
        while width(line, font, size) > room + _ROUNDING:
            fits = _longest(line, font, size, room)
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _longest(text: str, font: str, size: float, room: float) -> int:
    """How many characters fit, at least one."""
    fits, many = 1, len(text)
    while fits < many:
        middle = (fits + many + 1) // 2
        if width(text[:middle], font, size) <= room:
            fits = middle
        else:
            many = middle - 1
    return fits


@dataclass(frozen=True, slots=True, eq=False)
class _Tag:
    """What all parts of a text share: the whole of it."""

    text: str


class Prose(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """Sentences over the width that there is, each line in its own right order."""

    def __init__(
        self, text: str, size: float, leading: float, *, color: str = INK, bold: bool = False, role: str = "P"
    ) -> None:
        super().__init__()
        self._role, self._tag = role, _Tag(text)
        self._text, self._size, self._leading, self._color = text, size, leading, color
        self._font = BOLD if bold else REGULAR
        self._lines: list[str] = []
        self._broken_for = 0.0

    def wrap(self, available: float, _: float) -> tuple[float, float]:
        if available != self._broken_for:
            self._lines, self._broken_for = broken(self._text, self._font, self._size, available), available
        self.width, self.height = available, len(self._lines) * self._leading
        return self.width, self.height

    def split(self, available: float, height: float) -> list[Flowable]:
        fit = int(height / self._leading)
        if not 0 < fit < len(self._lines):
            return []
        return [self._part(self._lines[:fit], available), self._part(self._lines[fit:], available)]

    def _part(self, lines: list[str], available: float) -> "Prose":
        """Some of the lines, as they are broken."""
        part = Prose(
            " ".join(lines), self._size, self._leading, color=self._color, bold=self._font == BOLD, role=self._role
        )
        part._lines, part._broken_for, part._tag = lines, available, self._tag  # of its own class
        part.width, part.height = available, len(lines) * self._leading
        return part

    def draw(self) -> None:
        said = (
            f"/ActualText{hexed(self._tag.text)}" if len(self._lines) > 1 else ""
        )  # lines have no spaces at their ends
        with tagged(self.canv, self._role, said, key=self._tag):
            for n, line in enumerate(self._lines, start=1):
                y = self.height - n * self._leading + self._leading - self._size
                draw_text(self.canv, 0, y, line, self._size, self._font, color=self._color)
