"""The parts of a PDF page beside its tables: masthead, headings, key figures, charts."""

from collections.abc import Sequence
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from salesflow.figures import Figures
from salesflow.reports.content.charts import Box, Path, Picture, Role, height_of, lay_out
from salesflow.reports.content.document import Chart, ChartKind, Document, Kpi, Tone
from salesflow.reports.content.palette import BLUE, INK, LIGHT, QUIET, TONES
from salesflow.reports.pdf.fonts import BOLD, REGULAR, cut, width
from salesflow.reports.pdf.text import draw_text, rule

_GAP: Final = 18.0
_SMALLEST: Final = 5.5
"""No text is set smaller than this, in points: what is still wider is cut."""
_WIDE_CHART: Final = 32
_NARROW_HEIGHT: Final = 92.0
_WIDE_HEIGHT: Final = 112.0


class Masthead(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """Kind of report and days, over a strong rule."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._report = document

    def wrap(self, available: float, _: float) -> tuple[float, float]:
        self.width, self.height = available, 36.0
        return self.width, self.height

    def draw(self) -> None:
        self.canv.setStrokeColor(HexColor(BLUE))
        self.canv.setLineWidth(2)
        self.canv.line(0, 34, self.width, 34)
        draw_text(self.canv, 0, 17, self._report.title, 9.5, BOLD)
        draw_text(self.canv, self.width, 17, self._report.window_text, 9.5, color=QUIET, anchor="end")


class SectionTitle(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """A heading with a thin rule above it, and a bookmark."""

    def __init__(self, key: str, title: str) -> None:
        super().__init__()
        self._key, self._title = key, title

    def wrap(self, available: float, _: float) -> tuple[float, float]:
        self.width, self.height = available, 26.0
        return self.width, self.height

    def draw(self) -> None:
        self.canv.bookmarkHorizontal(self._key, 0, self.height)
        self.canv.addOutlineEntry(self._title, self._key, level=0)
        rule(self.canv, 0, self.height - 2, self.width)
        draw_text(self.canv, 0, 8, self._title, 11, BOLD)


class KpiRow(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """Key figures side by side."""

    def __init__(self, kpis: Sequence[Kpi], slots: int, *, small: bool = False) -> None:
        super().__init__()
        self._kpis, self._slots = kpis, slots
        self._size = 10.5 if small else 18.0
        self._lines = max((len(kpi.changes) + bool(kpi.detail) for kpi in kpis), default=0)

    def wrap(self, available: float, _: float) -> tuple[float, float]:
        self.width = available
        self.height = 12 + self._size * 1.3 + self._lines * 10.5
        return self.width, self.height

    def draw(self) -> None:
        slot = (self.width + _GAP) / self._slots
        room = slot - _GAP
        widest = max(width(kpi.text, BOLD, self._size) for kpi in self._kpis)
        size = self._size * min(1.0, room / widest)  # one size for all of a row
        for n, kpi in enumerate(self._kpis):
            x, y = n * slot, self.height - 8
            draw_text(self.canv, x, y, cut(kpi.label, REGULAR, 8, room), 8, color=QUIET)
            y -= self._size * 1.15
            draw_text(self.canv, x, y, kpi.text, size, BOLD, color=TONES[kpi.tone] if kpi.tone is Tone.BAD else INK)
            y -= 2
            for change in kpi.changes:
                y -= 10.5
                said = width(change.text, BOLD, 7.5) + width(change.against, REGULAR, 7.5)
                small = min(7.5, max(_SMALLEST, 7.5 * (room - 4) / said))
                draw_text(self.canv, x, y, change.text, small, BOLD, color=TONES[change.tone])
                used = width(change.text, BOLD, small) + 4
                draw_text(self.canv, x + used, y, cut(change.against, REGULAR, small, room - used), small, color=QUIET)
            if kpi.detail:
                y -= 10.5
                fits = min(7.5, max(_SMALLEST, 7.5 * room / width(kpi.detail, REGULAR, 7.5)))
                draw_text(self.canv, x, y, cut(kpi.detail, REGULAR, fits, room), fits, color=QUIET)


def chart_rows(charts: Sequence[Chart], figures: Figures, wide: float) -> list["ChartRow"]:
    """Long series over the whole width; the others in pairs, a lone one over the whole width."""
    rows: list[ChartRow] = []
    waiting: list[Chart] = []
    for chart in charts:
        if chart.kind is ChartKind.COLUMNS and len(chart.values) >= _WIDE_CHART:
            rows.append(ChartRow([chart], figures, wide, _WIDE_HEIGHT))
            continue
        waiting.append(chart)
        if len(waiting) == 2:
            rows.append(ChartRow(waiting, figures, wide, _NARROW_HEIGHT))
            waiting = []
    if waiting:
        rows.append(ChartRow(waiting, figures, wide, _NARROW_HEIGHT))
    return rows


class ChartRow(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """One chart, or two side by side, each under its title."""

    def __init__(self, charts: Sequence[Chart], figures: Figures, wide: float, tall: float) -> None:
        super().__init__()
        self.width = wide
        each = (wide - _GAP * (len(charts) - 1)) / len(charts)

        def measure(text: str, size: float) -> float:
            return width(text, REGULAR, size)

        def shorten(text: str, size: float, room: float) -> str:
            return cut(text, REGULAR, size, room)

        self._charts = [
            (n * (each + _GAP), chart, lay_out(chart, figures, each, height_of(chart, tall), measure, shorten))
            for n, chart in enumerate(charts)
        ]
        self.height = max(picture.height for _, _, picture in self._charts) + 16

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        for x, chart, picture in self._charts:
            top = self.height - 9
            draw_text(self.canv, x, top, chart.title, 8.5, BOLD)
            if chart.caption:
                after = x + width(chart.title, BOLD, 8.5) + 8
                draw_text(
                    self.canv, after, top, cut(chart.caption, REGULAR, 7.5, picture.width - after + x), 7.5, color=QUIET
                )
            self.canv.saveState()
            self.canv.translate(x, self.height - 16)
            _draw(self.canv, picture)
            self.canv.restoreState()


def _draw(canvas: Canvas, picture: Picture) -> None:
    """The shapes of a chart, with the origin in their upper left corner."""
    for shape in picture.shapes:
        color = LIGHT[shape.role]
        match shape:
            case Box(x=x, y=y, width=wide, height=tall):
                canvas.setFillColor(HexColor(color))
                canvas.rect(x, -y - tall, wide, tall, stroke=0, fill=1)
            case Path(points=points, role=role):
                canvas.setStrokeColor(HexColor(color))
                canvas.setLineWidth(1.1 if role is Role.MEAN else 0.5)
                path = canvas.beginPath()
                path.moveTo(points[0][0], -points[0][1])
                for x, y in points[1:]:
                    path.lineTo(x, -y)
                canvas.drawPath(path)
            case _:
                draw_text(canvas, shape.x, -shape.y, shape.text, shape.size, color=color, anchor=shape.anchor)
