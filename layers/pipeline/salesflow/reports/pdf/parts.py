"""The parts of a PDF page beside its tables: masthead, headings, key figures, charts, sections beside each other."""

import base64
import io
from collections.abc import Sequence
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from salesflow.figures import Figures, Kind
from salesflow.reports.content.charts import Box, Path, Picture, Role, height_of, lay_out
from salesflow.reports.content.document import Chart, Document, Kpi, Tone
from salesflow.reports.content.palette import BLUE, INK, LIGHT, QUIET, TONES
from salesflow.reports.pdf.fonts import BOLD, REGULAR, cut, width
from salesflow.reports.pdf.tags import artefact, figure, grouped, tagged
from salesflow.reports.pdf.text import draw_text, rule

GAP: Final = 20.0
"""Between what stands beside each other, in points."""
_LOGO_HEIGHT: Final = 20.0
_LOGO_WIDTH: Final = 90.0
_SMALLEST: Final = 5.5
"""No text is set smaller than this, in points: what is still wider is cut."""
_LEAST_OF_SIZE: Final = 0.62
"""A key figure that would be set smaller than this part of its size is rounded."""


class Masthead(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """The shop, the kind of report and its days, under a strong rule."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._report = document

    def wrap(self, available: float, _: float) -> tuple[float, float]:
        self.width, self.height = available, 30.0
        return self.width, self.height

    def draw(self) -> None:
        report = self._report
        self.canv.setStrokeColor(HexColor(report.brand.color or BLUE))
        self.canv.setLineWidth(2)
        with artefact(self.canv):
            self.canv.line(0, 28, self.width, 28)
            start = self._logo()
        days = f"{report.title} \u00b7 {report.window_text}" if report.shop else report.window_text
        room = self.width - start - width(days, REGULAR, 9.5) - GAP
        with tagged(self.canv, "P"):
            draw_text(self.canv, start, 12, cut(report.shop or report.title, BOLD, 9.5, room), 9.5, BOLD)
        with tagged(self.canv, "P"):
            draw_text(self.canv, self.width, 12, days, 9.5, color=QUIET, anchor="end")

    def _logo(self) -> float:
        """Draws the shop's logo under the rule, an ornament beside its name; answers where the name begins."""
        if not self._report.brand.logo:
            return 0.0
        image = ImageReader(io.BytesIO(base64.b64decode(self._report.brand.logo)))
        wide, high = image.getSize()
        share = min(_LOGO_HEIGHT / high, _LOGO_WIDTH / wide)
        self.canv.drawImage(image, 0, 16 - share * high / 2, share * wide, share * high, mask="auto")
        return share * wide + 6


class SectionTitle(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """A heading with a thin rule above it, and a bookmark. What is too long for one line is set smaller, then cut."""

    def __init__(self, key: str, title: str) -> None:
        super().__init__()
        self._key, self._title = key, title

    def wrap(self, available: float, _: float) -> tuple[float, float]:
        self.width, self.height = available, 23.0
        return self.width, self.height

    def draw(self) -> None:
        self.canv.bookmarkHorizontal(self._key, 0, self.height)
        self.canv.addOutlineEntry(self._title, self._key, level=0)
        rule(self.canv, 0, self.height - 2, self.width)
        size = min(10.5, max(8.0, 10.5 * self.width / max(width(self._title, BOLD, 10.5), 1)))
        with tagged(self.canv, "H2"):
            draw_text(self.canv, 0, 7, cut(self._title, BOLD, size, self.width), size, BOLD)


class KpiRow(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """Key figures side by side."""

    def __init__(self, kpis: Sequence[Kpi], slots: int, figures: Figures, *, small: bool = False) -> None:
        super().__init__()
        self._kpis, self._slots, self._figures = kpis, slots, figures
        self._size = 10.5 if small else 18.0
        self._lines = max((len(kpi.changes) + bool(kpi.detail) for kpi in kpis), default=0)

    def wrap(self, available: float, _: float) -> tuple[float, float]:
        self.width = available
        self.height = 12 + self._size * 1.3 + self._lines * 10.5
        return self.width, self.height

    def draw(self) -> None:
        slot = (self.width + GAP) / self._slots
        room = slot - GAP
        texts = [self._text(kpi, room) for kpi in self._kpis]
        widest = max(width(text, BOLD, self._size) for text in texts)
        size = self._size * min(1.0, room / widest)  # one size for all of a row
        for n, (kpi, text) in enumerate(zip(self._kpis, texts, strict=True)):
            with grouped(self.canv, "Div"):
                self._figure(kpi, text, n * slot, size, room)

    def _figure(self, kpi: Kpi, text: str, x: float, size: float, room: float) -> None:
        """One figure: its label, itself, its changes, its detail below each other."""
        y = self.height - 8
        self._fitted(x, y, kpi.label, room, 8)
        y -= self._size * 1.15
        with tagged(self.canv, "P"):
            draw_text(self.canv, x, y, text, size, BOLD, color=TONES[kpi.tone] if kpi.tone is Tone.BAD else INK)
        y -= 2
        for change in kpi.changes:
            y -= 10.5
            said = width(change.text, BOLD, 7.5) + width(change.against, REGULAR, 7.5)
            small = min(7.5, max(_SMALLEST, 7.5 * (room - 4) / said))
            used = width(change.text, BOLD, small) + 4
            with tagged(self.canv, "P"):
                draw_text(self.canv, x, y, change.text, small, BOLD, color=TONES[change.tone])
            with tagged(self.canv, "P"):
                draw_text(self.canv, x + used, y, cut(change.against, REGULAR, small, room - used), small, color=QUIET)
        if kpi.detail:
            self._fitted(x, y - 10.5, kpi.detail, room, 7.5)

    def _text(self, kpi: Kpi, room: float) -> str:
        """The figure, rounded where it would have to be set too small."""
        if kpi.kind is Kind.MONEY and width(kpi.text, BOLD, self._size) * _LEAST_OF_SIZE > room:
            return self._figures.axis(Kind.MONEY, kpi.value)
        return kpi.text

    def _fitted(self, x: float, y: float, text: str, room: float, size: float) -> None:
        fits = min(size, max(_SMALLEST, size * room / max(width(text, REGULAR, size), 1)))
        with tagged(self.canv, "P"):
            draw_text(self.canv, x, y, cut(text, REGULAR, fits, room), fits, color=QUIET)


class Beside(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """Parts of a page in columns of given widths, each read from top to bottom, the left one first."""

    def __init__(self, columns: Sequence[Sequence[Flowable]], widths: Sequence[float]) -> None:
        super().__init__()
        self._columns, self._widths = columns, widths

    def wrap(self, available: float, tall: float) -> tuple[float, float]:
        heights = [
            sum(part.wrap(wide, tall)[1] for part in column)
            for column, wide in zip(self._columns, self._widths, strict=True)
        ]
        self.width, self.height = available, max(heights, default=0.0)
        return self.width, self.height

    def draw(self) -> None:
        x = 0.0
        for column, wide in zip(self._columns, self._widths, strict=True):
            y = self.height
            for part in column:
                y -= part.height
                part.drawOn(self.canv, x, y)
            x += wide + GAP


class ChartBox(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """One chart, under its caption."""

    def __init__(self, chart: Chart, figures: Figures, wide: float, tall: float, *, titled: bool) -> None:
        super().__init__()

        def measure(text: str, size: float) -> float:
            return width(text, REGULAR, size)

        def shorten(text: str, size: float, room: float) -> str:
            return cut(text, REGULAR, size, room)

        self._chart, self._titled, self._words = chart, titled, chart.words(figures)
        self._picture = lay_out(chart, figures, wide, height_of(chart, tall), measure, shorten)
        self.width = wide
        self.height = self._picture.height + 14 * titled + 12 * bool(chart.caption) + 6

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        y = self.height
        if self._titled:
            with tagged(self.canv, "H3"):
                draw_text(self.canv, 0, y - 9, cut(self._chart.title, BOLD, 8.5, self.width), 8.5, BOLD)
            y -= 14
        if self._chart.caption:
            size = min(7.5, max(_SMALLEST, 7.5 * self.width / max(width(self._chart.caption, REGULAR, 7.5), 1)))
            with tagged(self.canv, "P"):
                draw_text(self.canv, 0, y - 8, cut(self._chart.caption, REGULAR, size, self.width), size, color=QUIET)
            y -= 12
        self.canv.saveState()
        self.canv.translate(0, y)
        with figure(self.canv, self._words, self.width, self._picture.height):
            _draw(self.canv, self._picture)
        self.canv.restoreState()


def _draw(canvas: Canvas, picture: Picture) -> None:
    """The shapes of a chart, with the origin in their upper left corner."""
    for shape in picture.shapes:
        color = LIGHT[shape.role]
        match shape:
            case Box(x=x, y=y, width=wide, height=tall, role=Role.EXPECTED):
                canvas.setStrokeColor(HexColor(color))
                canvas.setLineWidth(0.5)
                canvas.setDash(1, 1.5)
                canvas.rect(x, -y - tall, wide, tall, stroke=1, fill=0)
                canvas.setDash()
            case Box(x=x, y=y, width=wide, height=tall):
                canvas.setFillColor(HexColor(color))
                canvas.rect(x, -y - tall, wide, tall, stroke=0, fill=1)
            case Path(points=points, role=role):
                canvas.setStrokeColor(HexColor(color))
                canvas.setLineWidth(1.3 if role is Role.USUAL else 0.5)
                path = canvas.beginPath()
                path.moveTo(points[0][0], -points[0][1])
                for x, y in points[1:]:
                    path.lineTo(x, -y)
                canvas.drawPath(path)
            case _:
                draw_text(canvas, shape.x, -shape.y, shape.text, shape.size, color=color, anchor=shape.anchor)
