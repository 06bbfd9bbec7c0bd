"""The report as PDF: A4 or Letter, vector charts, selectable text in every script that the fonts have.

The page is made for reading in one look: headline, key figures, charts, then tables that are cut to what fits (a day's
report takes three pages at most, and says where the rest is), then the small print. Not safe for use from several threads
at once, because ReportLab's fonts are not.
"""

import io
from types import MappingProxyType
from typing import Final

from reportlab.lib.pagesizes import A4, LETTER
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Flowable, Frame, PageTemplate, Spacer, Table

from salesflow.figures import Figures
from salesflow.reports.content.document import Document, Section
from salesflow.reports.content.palette import QUIET
from salesflow.reports.pdf.fonts import BOLD, REGULAR, cut, load_families, width
from salesflow.reports.pdf.parts import KpiRow, Masthead, SectionTitle, chart_rows
from salesflow.reports.pdf.rows import FEWEST_ROWS, ROW, Rows
from salesflow.reports.pdf.text import Prose, draw_text, rule
from salesflow.windows import Period

PAPERS: Final = MappingProxyType({"A4": A4, "LETTER": LETTER})
MOST_PAGES_OF_A_DAY: Final = 3

_MARGIN: Final = 42.0
_SMALLER: Final = 0.8
_SMALLEST: Final = 0.1
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
    return data


def _build(document: Document, size: tuple[float, float], share: float) -> tuple[bytes, int]:
    """The file and its number of pages, with tables cut to `share` of their own limit."""
    buffer = io.BytesIO()
    template = _Template(buffer, document, size)
    template.build(_story(document, size[0] - 2 * _MARGIN, share))
    return buffer.getvalue(), template.page


class _Template(BaseDocTemplate):  # type: ignore[misc]  # ReportLab has no types
    """Pages with a running head, a foot and the document's properties. The foot is drawn last, as it is read."""

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
                PageTemplate("first", [first], onPageEnd=self._foot, autoNextPageTemplate="next"),
                PageTemplate("next", [frame], onPage=self._head, onPageEnd=self._foot),
            ]
        )

    def _foot(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        page_width = self.pagesize[0]
        rule(canvas, _MARGIN, 34, page_width - 2 * _MARGIN)
        room = page_width - 2 * _MARGIN - 60
        made = f"{self._report.full_title} \u00b7 {self._report.made_by}"
        draw_text(canvas, _MARGIN, 22, cut(made, REGULAR, 7, room), 7, color=QUIET)
        number = f"{canvas.getPageNumber()} / "
        start = page_width - _MARGIN - width("00 / 00", REGULAR, 7)
        draw_text(canvas, start, 22, number, 7, color=QUIET)
        canvas.saveState()
        canvas.translate(start + width(number, REGULAR, 7), 22)
        canvas.doForm(_TOTAL_FORM)
        canvas.restoreState()

    def _head(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        top, right = self.pagesize[1] - 32, self.pagesize[0] - _MARGIN
        draw_text(canvas, _MARGIN, top, self._report.title, 7.5, BOLD)
        draw_text(canvas, right, top, self._report.window_text, 7.5, color=QUIET, anchor="end")
        rule(canvas, _MARGIN, top - 6, right - _MARGIN)

    def _endBuild(self) -> None:  # noqa: N802  # ReportLab's name
        """Writes the number of pages into the form that every foot shows."""
        self.canv.beginForm(_TOTAL_FORM, 0, -2, 24, 8)
        draw_text(self.canv, 0, 0, str(self.page), 7, color=QUIET)
        self.canv.endForm()
        super()._endBuild()


def _story(document: Document, wide: float, share: float) -> list[Flowable]:
    figures = document.figures
    story: list[Flowable] = [
        Masthead(document),
        Prose(document.headline, 14, 19, bold=True),
        Spacer(0, 14),
    ]
    for start in range(0, len(document.kpis), 4):
        story += [KpiRow(document.kpis[start : start + 4], 4), Spacer(0, 10)]
    for start in range(0, len(document.more_kpis), 4):
        story += [KpiRow(document.more_kpis[start : start + 4], 4, small=True), Spacer(0, 6)]
    for section in document.sections:
        story += _section(section, figures, wide, share)
    story += _closing(document, wide)
    return story


def _section(section: Section, figures: Figures, wide: float, share: float) -> list[Flowable]:
    charts = chart_rows(section.charts, figures, wide)
    need = charts[0].height if charts else ROW * 5
    parts: list[Flowable] = [CondPageBreak(need + 60), SectionTitle(section.key, section.title)]
    if section.lead:
        parts += [Prose(section.lead, 8.5, 12, color=QUIET), Spacer(0, 5)]
    for row in charts:
        parts += [row, Spacer(0, 9)]
    for table in section.tables:
        if not table.rows and not table.lead:
            continue  # the section's own lead has said that there is nothing
        if table.rows:
            parts.append(CondPageBreak(28 + ROW * (1 + min(FEWEST_ROWS + 1, len(table.rows)))))
        limit = max(1, int(table.limit * share))
        if table.title.casefold() != section.title.casefold():
            parts.append(Prose(table.title, 8.5, 12, bold=True))
        if table.lead:
            parts.append(Prose(table.lead, 8, 11, color=QUIET))
        if table.rows:
            parts += [Spacer(0, 3), Rows.of(table, figures, wide, limit)]
        note = table.cut_note(figures, limit)
        if note:
            parts += [Spacer(0, 3), Prose(note, 7.5, 10, color=QUIET)]
        parts.append(Spacer(0, 10))
    return parts


def _closing(document: Document, wide: float) -> list[Flowable]:
    """Where the figures come from, and notes."""
    _ = document.figures.words

    def small(text: str) -> Prose:
        return Prose(text, 7, 9.5, color=QUIET)

    rows: list[list[object]] = [[small(label), small(text)] for label, text in document.small_print]
    if document.notes:
        rows.append([small(_("Notes")), [small(note) for note in document.notes]])
    labels = max(width(label, REGULAR, 7) for label, _text in document.small_print) + 12
    table = Table(rows, colWidths=[labels, wide - labels], hAlign="LEFT")
    table.setStyle(
        [
            ("FONT", (0, 0), (-1, -1), REGULAR),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 0.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5),
        ]
    )
    return [CondPageBreak(110), SectionTitle("about", _("About these figures")), table]
