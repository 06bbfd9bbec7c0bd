"""The report as PDF: A4 or Letter, vector charts, selectable text in every script that the fonts have.

The page is made for reading in one look: headline, key figures, charts, then tables that are cut to what fits (a day's
report takes three pages at most, and says where the rest is), then the small print. Not safe for use from several threads
at once, because ReportLab's fonts are not.
"""

import io
import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table

from salesflow.reports import document as model
from salesflow.reports.charts import Box, Path, Picture, Role, height_of, lay_out
from salesflow.reports.document import Chart, ChartKind, Document, Kpi, Section, Tone
from salesflow.reports.figures import Figures, Kind
from salesflow.reports.fonts import BOLD, REGULAR, cut, load_families, runs, width
from salesflow.reports.palette import BLUE, INK, LIGHT, ORANGE, QUIET, RULE, TONES
from salesflow.reports.seal import BLANK, MARK, seal
from salesflow.windows import Period

PAPERS: Final = MappingProxyType({"A4": A4, "LETTER": LETTER})
MOST_PAGES_OF_A_DAY: Final = 3

_MARGIN: Final = 42.0
_GAP: Final = 18.0
_ROW: Final = 15.5
_CELL_GAP: Final = 12.0
_SMALLER: Final = 0.8
_SMALLEST: Final = 0.1
_FEWEST_ROWS: Final = 3
_WIDE_CHART: Final = 32
_NARROW_HEIGHT: Final = 92.0
_WIDE_HEIGHT: Final = 112.0
_CJK: Final = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_TOTAL_FORM: Final = "number-of-pages"


def render_pdf(document: Document, *, paper: str = "A4") -> bytes:
    """The document as the bytes of a PDF file; the same bytes for the same document.

    Raises ValueError for a paper that is neither A4 nor Letter.
    """
    size = PAPERS.get(paper.upper())
    if size is None:
        raise ValueError(f"Paper {paper!r} is not known; use one of A4, Letter.")
    load_families()
    share = 1.0
    data, pages = _build(document, size, share)
    while document.period == Period.DAILY and pages > MOST_PAGES_OF_A_DAY and share > _SMALLEST:
        share *= _SMALLER
        data, pages = _build(document, size, share)
    return seal(_with_place_for_seal(data))


def _build(document: Document, size: tuple[float, float], share: float) -> tuple[bytes, int]:
    """The file and its number of pages, with tables cut to `share` of their own limit."""
    buffer = io.BytesIO()
    template = _Template(buffer, document, size)
    template.build(_story(document, size[0] - 2 * _MARGIN, share))
    return buffer.getvalue(), template.page


def _with_place_for_seal(data: bytes) -> bytes:
    """A comment before `startxref`, the one place of a PDF file that no byte offset depends on."""
    place = data.rfind(b"startxref")
    return data[:place] + f"%{MARK}{BLANK}\n".encode() + data[place:]


class _Template(BaseDocTemplate):  # type: ignore[misc]  # ReportLab has no types
    """Pages with a running head, a foot and the document's properties."""

    def __init__(self, buffer: io.BytesIO, document: Document, size: tuple[float, float]) -> None:
        super().__init__(
            buffer,
            pagesize=size,
            leftMargin=_MARGIN,
            rightMargin=_MARGIN,
            invariant=1,
            pageCompression=1,
            title=document.full_title,
            author="SalesFlow Automation",
            subject=document.headline,
            creator="SalesFlow Automation",
            lang=document.figures.language.tag,
            displayDocTitle=1,
            initialFontName=REGULAR,
        )
        self._report = document
        frame_size = (size[0] - 2 * _MARGIN, size[1] - 44 - 50)
        frame = Frame(_MARGIN, 44, *frame_size, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
        first = Frame(_MARGIN, 44, frame_size[0], size[1] - 44 - 36, 0, 0, 0, 0)
        self.addPageTemplates(
            [
                PageTemplate("first", [first], onPage=self._foot, autoNextPageTemplate="next"),
                PageTemplate("next", [frame], onPage=self._head_and_foot),
            ]
        )

    def _foot(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        page_width = self.pagesize[0]
        _rule(canvas, _MARGIN, 34, page_width - 2 * _MARGIN)
        made = self._report.made_by
        room = page_width - 2 * _MARGIN - 60
        _text(canvas, _MARGIN, 22, cut(f"{self._report.full_title} \u00b7 {made}", REGULAR, 7, room), 7, color=QUIET)
        number = f"{canvas.getPageNumber()} / "
        start = page_width - _MARGIN - width("00 / 00", REGULAR, 7)
        _text(canvas, start, 22, number, 7, color=QUIET)
        canvas.saveState()
        canvas.translate(start + width(number, REGULAR, 7), 22)
        canvas.doForm(_TOTAL_FORM)
        canvas.restoreState()

    def _head_and_foot(self, canvas: Canvas, template: BaseDocTemplate) -> None:
        top = self.pagesize[1] - 32
        _text(canvas, _MARGIN, top, self._report.title, 7.5, BOLD)
        _text(canvas, self.pagesize[0] - _MARGIN, top, self._report.window_text, 7.5, color=QUIET, anchor="end")
        _rule(canvas, _MARGIN, top - 6, self.pagesize[0] - 2 * _MARGIN)
        self._foot(canvas, template)

    def _endBuild(self) -> None:  # noqa: N802  # ReportLab's name
        """Writes the number of pages into the form that every foot shows."""
        self.canv.beginForm(_TOTAL_FORM, 0, -2, 24, 8)
        _text(self.canv, 0, 0, str(self.page), 7, color=QUIET)
        self.canv.endForm()
        super()._endBuild()


def _text(  # where, what and how
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
    """Draws one line of text in as many fonts as it needs."""
    parts = runs(text, font)
    if anchor != "start":
        wide = width(text, font, size)
        x -= wide if anchor == "end" else wide / 2
    target = canvas.beginText(x, y)
    target.setFillColor(HexColor(color))
    for part in parts:
        target.setFont(part.font, size)
        target.textOut(part.text)
    canvas.drawText(target)


def _rule(canvas: Canvas, x: float, y: float, wide: float, color: str = RULE) -> None:
    canvas.setStrokeColor(HexColor(color))
    canvas.setLineWidth(0.5)
    canvas.line(x, y, x + wide, y)


def _markup(text: str) -> str:
    """The text for a paragraph: nothing in it is markup, and each run names its font."""
    return "".join(
        escape(run.text) if run.font == REGULAR else f'<font name="{run.font}">{escape(run.text)}</font>'
        for run in runs(text)
    )


def _paragraph(text: str, size: float, leading: float, *, color: str = INK, bold: bool = False) -> Paragraph:
    style = ParagraphStyle(
        "text",
        fontName=BOLD if bold else REGULAR,
        bulletFontName=REGULAR,
        fontSize=size,
        leading=leading,
        textColor=HexColor(color),
        wordWrap="CJK" if _CJK.search(text) else None,
    )
    return Paragraph(_markup(text), style)


def _story(document: Document, wide: float, share: float) -> list[Flowable]:
    figures = document.figures
    story: list[Flowable] = [
        _Masthead(document),
        _paragraph(document.headline, 14, 19, bold=True),
        Spacer(0, 14),
    ]
    for start in range(0, len(document.kpis), 4):
        story += [_KpiRow(document.kpis[start : start + 4], 4), Spacer(0, 10)]
    for start in range(0, len(document.more_kpis), 4):
        story += [_KpiRow(document.more_kpis[start : start + 4], 4, small=True), Spacer(0, 6)]
    for section in document.sections:
        story += _section(section, figures, wide, share)
    story += _closing(document, wide)
    return story


def _section(section: Section, figures: Figures, wide: float, share: float) -> list[Flowable]:
    charts = _chart_rows(section.charts, figures, wide)
    need = charts[0].height if charts else _ROW * 5
    parts: list[Flowable] = [CondPageBreak(need + 60), _SectionTitle(section.title)]
    if section.lead:
        parts += [_paragraph(section.lead, 8.5, 12, color=QUIET), Spacer(0, 5)]
    for row in charts:
        parts += [row, Spacer(0, 9)]
    for table in section.tables:
        if not table.rows and not table.lead:
            continue  # the section's own lead has said that there is nothing
        if table.rows:
            parts.append(CondPageBreak(28 + _ROW * (1 + min(_FEWEST_ROWS + 1, len(table.rows)))))
        limit = max(1, int(table.limit * share))
        if table.title.casefold() != section.title.casefold():
            parts.append(_paragraph(table.title, 8.5, 12, bold=True))
        if table.lead:
            parts.append(_paragraph(table.lead, 8, 11, color=QUIET))
        if table.rows:
            parts += [Spacer(0, 3), _Rows.of(table, figures, wide, limit)]
        note = table.cut_note(figures, limit)
        if note:
            parts += [Spacer(0, 3), _paragraph(note, 7.5, 10, color=QUIET)]
        parts.append(Spacer(0, 10))
    return parts


def _closing(document: Document, wide: float) -> list[Flowable]:
    rows = [
        [_paragraph(label, 7, 9.5, color=QUIET), _paragraph(text, 7, 9.5, color=QUIET)]
        for label, text in document.small_print
    ]
    if document.notes:
        notes = [_paragraph(note, 7, 9.5, color=QUIET) for note in document.notes]
        rows.append([_paragraph("Notes", 7, 9.5, color=QUIET), notes])
    table = Table(rows, colWidths=[66, wide - 66], hAlign="LEFT")
    table.setStyle(
        [
            ("FONT", (0, 0), (-1, -1), REGULAR),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 0.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5),
        ]
    )
    return [CondPageBreak(110), _SectionTitle("About these figures"), table]


class _Masthead(Flowable):  # type: ignore[misc]  # ReportLab has no types
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
        _text(self.canv, 0, 17, self._report.title, 9.5, BOLD)
        _text(self.canv, self.width, 17, self._report.window_text, 9.5, color=QUIET, anchor="end")


class _SectionTitle(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """A heading with a thin rule above it, and a bookmark."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def wrap(self, available: float, _: float) -> tuple[float, float]:
        self.width, self.height = available, 26.0
        return self.width, self.height

    def draw(self) -> None:
        key = f"section-{self._title}"
        self.canv.bookmarkHorizontal(key, 0, self.height)
        self.canv.addOutlineEntry(self._title, key, level=0)
        _rule(self.canv, 0, self.height - 2, self.width)
        _text(self.canv, 0, 8, self._title, 11, BOLD)


class _KpiRow(Flowable):  # type: ignore[misc]  # ReportLab has no types
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
        for n, kpi in enumerate(self._kpis):
            x, y = n * slot, self.height - 8
            _text(self.canv, x, y, cut(kpi.label, REGULAR, 8, room), 8, color=QUIET)
            size = self._size
            wide = width(kpi.text, BOLD, size)
            if wide > room:
                size *= room / wide
            y -= self._size * 1.15
            _text(self.canv, x, y, kpi.text, size, BOLD, color=TONES[kpi.tone] if kpi.tone is Tone.BAD else INK)
            y -= 2
            for change in kpi.changes:
                y -= 10.5
                _text(self.canv, x, y, change.text, 7.5, BOLD, color=TONES[change.tone])
                used = width(change.text, BOLD, 7.5) + 4
                _text(self.canv, x + used, y, cut(change.against, REGULAR, 7.5, room - used), 7.5, color=QUIET)
            if kpi.detail:
                y -= 10.5
                fits = min(7.5, max(6.0, 7.5 * room / width(kpi.detail, REGULAR, 7.5)))
                _text(self.canv, x, y, cut(kpi.detail, REGULAR, fits, room), fits, color=QUIET)


def _chart_rows(charts: Sequence[Chart], figures: Figures, wide: float) -> list["_ChartRow"]:
    """Long series over the whole width; the others in pairs, a lone one over the whole width."""
    rows: list[_ChartRow] = []
    waiting: list[Chart] = []
    for chart in charts:
        if chart.kind is ChartKind.COLUMNS and len(chart.values) >= _WIDE_CHART:
            rows.append(_ChartRow([chart], figures, wide, _WIDE_HEIGHT))
            continue
        waiting.append(chart)
        if len(waiting) == 2:
            rows.append(_ChartRow(waiting, figures, wide, _NARROW_HEIGHT))
            waiting = []
    if waiting:
        rows.append(_ChartRow(waiting, figures, wide, _NARROW_HEIGHT))
    return rows


class _ChartRow(Flowable):  # type: ignore[misc]  # ReportLab has no types
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
            _text(self.canv, x, top, chart.title, 8.5, BOLD)
            if chart.caption:
                after = x + width(chart.title, BOLD, 8.5) + 8
                _text(
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
                _text(canvas, shape.x, -shape.y, shape.text, shape.size, color=color, anchor=shape.anchor)


class _Rows(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """A table of one-line rows that breaks across pages under a repeated header."""

    def __init__(
        self,
        header: Sequence[str],
        rows: Sequence[tuple[Sequence[str], str]],
        kinds: Sequence[Kind],
        widths: Sequence[float],
    ) -> None:
        """rows: cells and role of each ("", "bad", "rest", "total")."""
        super().__init__()
        self._header, self._rows, self._kinds, self._widths = header, rows, kinds, widths
        self.width = sum(widths)
        self.height = (len(rows) + 1) * _ROW + 2

    @classmethod
    def of(cls, table: model.Table, figures: Figures, wide: float, limit: int) -> "_Rows":
        """The first rows of a table, one that sums the rest, and its totals."""

        def cells(row: model.Row) -> list[str]:
            return [figures.show(column.kind, value) for column, value in zip(table.columns, row, strict=True)]

        def sums(row: model.Row) -> list[str]:
            return [
                "" if value == "" else figures.show(column.kind, value)
                for column, value in zip(table.columns, row, strict=True)
            ]

        shown = table.shown(limit)
        marks = table.marks or (Tone.NEUTRAL,) * len(shown)
        rows: list[tuple[Sequence[str], str]] = [
            (cells(row), "bad" if mark is Tone.BAD else "") for row, mark in zip(shown, marks, strict=False)
        ]
        rest = table.rest(figures, limit)
        if rest is not None:
            rows.append((sums(rest), "rest"))
        rows += [(sums(row), "total") for row in table.totals]
        header = [column.label for column in table.columns]
        kinds = [column.kind for column in table.columns]
        widths = _widths(header, rows, kinds, wide)
        fitted = [
            (
                [
                    cut(cell, REGULAR, 8, widths[n] - _CELL_GAP) if kinds[n] is Kind.NAME else cell
                    for n, cell in enumerate(line)
                ],
                role,
            )
            for line, role in rows
        ]
        return cls(header, fitted, kinds, widths)

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def split(self, _: float, available: float) -> list[Flowable]:
        fit = int((available - 2) / _ROW) - 1
        if fit < len(self._rows) < fit + _FEWEST_ROWS:
            fit = len(self._rows) - _FEWEST_ROWS
        if fit < _FEWEST_ROWS:
            return []
        return [
            _Rows(self._header, part, self._kinds, self._widths)
            for part in (self._rows[:fit], self._rows[fit:])
            if part
        ]

    def draw(self) -> None:
        y = self.height - 11
        self._line(y, self._header, REGULAR, QUIET, 7.5)
        _rule(self.canv, 0, y - 4.5, self.width, LIGHT[Role.AXIS])
        for cells, role in self._rows:
            y -= _ROW
            bold = role == "total"
            self._line(y, cells, BOLD if bold else REGULAR, QUIET if role == "rest" else INK, 8, bad=role == "bad")
            _rule(self.canv, 0, y - 4.5, self.width)

    def _line(  # a line of a table in one style
        self, y: float, cells: Sequence[str], font: str, color: str, size: float, *, bad: bool = False
    ) -> None:
        x = 0.0
        for n, (cell, kind, wide) in enumerate(zip(cells, self._kinds, self._widths, strict=True)):
            if kind is Kind.TEXT and bad:
                _text(self.canv, x, y, cell, size, BOLD, color=ORANGE)
            elif kind.is_text:
                _text(self.canv, x, y, cell, size, font, color=color)
            else:
                right = x + wide - (_CELL_GAP if n < len(cells) - 1 else 0)
                _text(self.canv, right, y, cell, size, font, color=color, anchor="end")
            x += wide


def _widths(
    header: Sequence[str], rows: Sequence[tuple[Sequence[str], str]], kinds: Sequence[Kind], wide: float
) -> list[float]:
    """Each column as wide as its widest cell; names share what is left."""
    widths = [
        max(
            width(label, REGULAR, 7.5),
            *(width(cells[n], BOLD if role == "total" else REGULAR, 8) for cells, role in rows),
        )
        + _CELL_GAP
        for n, label in enumerate(header)
    ]
    names = [n for n, kind in enumerate(kinds) if kind is Kind.NAME]
    others = sum(wanted for n, wanted in enumerate(widths) if n not in names)
    room = wide - others
    for n in names[1:]:
        widths[n] = min(widths[n], room * 0.3)
        room -= widths[n]
    if names:
        widths[names[0]] = room
    else:
        widths[0] += room
    return widths
