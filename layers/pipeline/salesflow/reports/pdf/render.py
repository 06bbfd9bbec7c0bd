"""The report as PDF: A4 or Letter, vector charts, selectable text in every script that the fonts have.

The page is made for reading in one look: headline, key figures, charts, tables that are cut to what fits (a day is one page, and
says where the rest is), then where the figures come from. Not safe for use from several threads
at once, because ReportLab's fonts are not.
"""

import io
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from types import MappingProxyType
from typing import Final

from reportlab.lib.pagesizes import A4, LETTER
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Flowable, Frame, PageTemplate, Spacer

from salesflow.reports.content.document import Document, Section
from salesflow.reports.content.palette import QUIET
from salesflow.reports.pdf.fonts import BOLD, REGULAR, cut, load_families, width
from salesflow.reports.pdf.parts import GAP, Beside, ChartBox, KpiRow, Masthead, SectionTitle
from salesflow.reports.pdf.rows import ROW, Rows
from salesflow.reports.pdf.tags import TaggedCanvas, artefact
from salesflow.reports.pdf.text import Prose, draw_text, rule
from salesflow.windows import Period

PAPERS: Final = MappingProxyType({"A4": A4, "LETTER": LETTER})

_MARGIN: Final = 42.0
_BELOW, _ABOVE_FIRST, _ABOVE = 44.0, 36.0, 50.0
"""What is left free on a page for its foot and, from the second page on, its head."""
_SMALLER, _SMALLEST = 0.88, 0.1
_ROOMY: Final = 0.7
"""Where tables would have to be cut to less than this part of their length, a day's page leaves out what is extra."""
_ORPHANED, _SAVING = 0.3, (0.85, 0.65)
"""A last page that is filled less than this is saved, where tables of that part of their length, or what is extra left out, can save it."""
_WHOLE, _ALONE = 1.001, 0.999
_TALL, _LEAST_TALL = 118.0, 0.6
_TOTAL_FORM: Final = "number-of-pages"


def render_pdf(document: Document, *, paper: str = "A4") -> bytes:
    """The document as the bytes of a PDF file; the same bytes for the same document.

    Raises ValueError for a paper that is neither A4 nor Letter.
    """
    size = PAPERS.get(paper.upper())
    if size is None:
        raise ValueError(f"Paper {paper!r} is not known; use one of A4, Letter.")
    load_families()
    wide, tall, share = size[0] - 2 * _MARGIN, size[1] - _BELOW - _ABOVE_FIRST, 1.0
    one_page = document.content.period == Period.DAILY
    first = document if one_page else _first_page(document)
    while share > _SMALLEST:
        page = _story(first, wide, share, extra=share >= _ROOMY) + (_closing(document, share) if one_page else [])
        if _height(page, wide, tall) <= tall:
            break
        share *= _SMALLER
    made, pages, filled = _built(document, size, share, extra=not one_page or share >= _ROOMY)
    for smaller in (share, *(share * part for part in _SAVING)) if pages > 1 and filled < _ORPHANED else ():
        shorter, fewer, _filled = _built(document, size, smaller, extra=False)
        if fewer < pages:
            return shorter
    return made


def _first_page(document: Document) -> Document:
    """What of a longer report than a day's belongs on one page: all that stands beside something else."""
    return replace(document, sections=tuple(section for section in document.sections if section.share <= _ALONE))


def _built(document: Document, size: tuple[float, float], share: float, *, extra: bool) -> tuple[bytes, int, float]:
    """The file, the number of its pages, and what part of the last one is filled."""
    buffer = io.BytesIO()
    template = _Template(buffer, document, size)
    story = _story(document, size[0] - 2 * _MARGIN, share, extra=extra) + _closing(document, share)
    template.build(story, canvasmaker=TaggedCanvas)
    frame = template.frame
    return buffer.getvalue(), template.page, float(1 - (frame._y - frame._y1p) / frame.height)  # noqa: SLF001 - ReportLab tells it nowhere else


def _height(story: Sequence[Flowable], wide: float, tall: float) -> float:
    """How high all of it stands on one page."""
    return float(sum(part.wrap(wide, tall)[1] for part in story if not isinstance(part, CondPageBreak)))


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
            author=document.shop or "SalesFlow Automation",
            subject=document.headline,
            creator="SalesFlow Automation",
            lang=document.figures.language.tag,
            displayDocTitle=1,
            initialFontName=REGULAR,
        )
        self._report = document
        first, frame = (
            Frame(_MARGIN, _BELOW, size[0] - 2 * _MARGIN, size[1] - _BELOW - above, 0, 0, 0, 0)
            for above in (_ABOVE_FIRST, _ABOVE)
        )
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
        number = f"{canvas.getPageNumber()} / "
        start = page_width - _MARGIN - width("00 / 00", REGULAR, 7)
        with artefact(canvas):
            draw_text(canvas, _MARGIN, 22, cut(made, REGULAR, 7, room), 7, color=QUIET)
            draw_text(canvas, start, 22, number, 7, color=QUIET)
            canvas.saveState()
            canvas.translate(start + width(number, REGULAR, 7), 22)
            canvas.doForm(_TOTAL_FORM)
            canvas.restoreState()

    def _head(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        top, right = self.pagesize[1] - 32, self.pagesize[0] - _MARGIN
        shop = cut(self._report.shop or self._report.title, BOLD, 7.5, right / 2)
        with artefact(canvas):
            draw_text(canvas, _MARGIN, top, shop, 7.5, BOLD)
            draw_text(canvas, right, top, self._report.window_text, 7.5, color=QUIET, anchor="end")
        rule(canvas, _MARGIN, top - 6, right - _MARGIN)

    def _endBuild(self) -> None:  # noqa: N802  # ReportLab's name
        """Writes the number of pages into the form that every foot shows."""
        self.canv.beginForm(_TOTAL_FORM, 0, -2, 24, 8)
        draw_text(self.canv, 0, 0, str(self.page), 7, color=QUIET)
        self.canv.endForm()
        super()._endBuild()


def _story(document: Document, wide: float, share: float, *, extra: bool) -> list[Flowable]:
    """All parts of the pages; share: of the length of tables and charts; extra: with the sections that are left out where a page is full."""
    figures = document.figures
    story: list[Flowable] = [Masthead(document), Prose(document.headline, 16, 20, bold=True, role="H1")]
    if document.why:
        story += [Spacer(0, 3), Prose(document.why, 9.5, 13, color=QUIET)]
    story.append(Spacer(0, 10))
    for start in range(0, len(document.kpis), 4):
        story += [KpiRow(document.kpis[start : start + 4], 4, figures), Spacer(0, 7)]
    for start in range(0, len(document.more_kpis) if share >= _ROOMY else 0, 4):
        story += [KpiRow(document.more_kpis[start : start + 4], 4, figures, small=True), Spacer(0, 5)]
    for row in _rows_of([section for section in document.sections if extra or not section.extra]):
        total = max(sum(section.share for section in row), 1.0)  # what stands alone though it is narrow stays narrow
        if len(row) == 1 and row[0].share > _ALONE:
            story += _section(row[0], document, wide, share)
            continue
        room = wide - GAP * (len(row) - 1)
        widths = [room * section.share / total for section in row]
        columns = [_section(section, document, each, share) for section, each in zip(row, widths, strict=True)]
        story += [Beside(columns, widths), Spacer(0, 6)]
    return story


def _rows_of(sections: Sequence[Section]) -> list[list[Section]]:
    """Neighbours that fit beside each other."""
    rows: list[list[Section]] = []
    for section in sections:
        if rows and sum(other.share for other in rows[-1]) + section.share <= _WHOLE:
            rows[-1].append(section)
        else:
            rows.append([section])
    return rows


def _section(section: Section, document: Document, wide: float, share: float) -> list[Flowable]:
    """A section's parts; one that stands alone breaks across pages, and moves on before its heading would stand alone."""
    figures, alone = document.figures, section.share > _ALONE
    charts = [
        ChartBox(chart, figures, wide, _TALL * max(share, _LEAST_TALL), titled=len(section.charts) > 1)
        for chart in section.charts
    ]
    parts: list[Flowable] = [SectionTitle(section.key, section.title)]
    if alone:
        rows = sum(min(len(table.rows) + 1, 5) for table in section.tables)
        parts.insert(0, CondPageBreak((charts[0].height if charts else ROW * rows) + 40))
    if section.lead:
        parts += [Prose(section.lead, 8, 11, color=QUIET), Spacer(0, 4)]
    parts += charts
    for table in section.tables:
        if not table.rows and not table.lead:
            continue  # the section's own lead has said that there is nothing
        limit = max(1, int(table.limit * share)) if table.noun == "product" else table.limit
        if table.title.casefold() != section.title.casefold() and len(section.tables) > 1:
            parts.append(Prose(table.title, 8.5, 12, bold=True, role="H3"))
        if table.lead:
            parts.append(Prose(table.lead, 8, 11, color=QUIET))
        if table.rows:
            parts.append(Rows.of(table, figures, wide, limit))
        note = table.cut_note(figures, document.made, limit)
        if note:
            parts += [Spacer(0, 3), Prose(note, 7.5, 10, color=QUIET)]
    for text in section.paragraphs:
        parts += [Spacer(0, 3), Prose(text, 8, 11)]
    if alone:
        parts.append(Spacer(0, 8))
    return parts


def _closing(document: Document, share: float) -> list[Flowable]:
    """Where the figures come from, on a line, and notes."""
    _ = document.figures.words
    shown = document.notes[: ceil(len(document.notes) * share)]
    notes = [_("{label}: {text}", label=_("Note"), text=note) for note in shown]
    if left_out := len(document.notes) - len(shown):
        notes.append(
            document.figures.plural(
                "{n} more note is in the other files.", "{n} more notes are in the other files.", left_out
            )
        )
    return [Spacer(0, 4), *(Prose(text, 7, 9, color=QUIET) for text in (document.provenance, *notes))]
