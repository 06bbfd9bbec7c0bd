"""Reports: results in, bytes out. Imports no AWS client, reads no clock and no environment."""

from typing import TYPE_CHECKING

from salesflow.formats import Format
from salesflow.language import Language

if TYPE_CHECKING:
    from salesflow.analytics.results import ReportContent


def render(content: "ReportContent", fmt: Format, *, paper: str = "A4", language: Language = Language.EN) -> bytes:
    """The report as the bytes of one file: the same content gives the same bytes.

    paper: A4 or Letter, for the formats that have pages. language: of the words, the numbers and the dates in the files that people read.
    Each renderer is imported when it is first asked for: a cold start pays only for what it makes.
    Raises ValueError for an unknown paper, and where the content lacks the analysis that its type needs.
    """
    from salesflow.reports import data
    from salesflow.reports.content.build import build_document

    match Format(fmt):
        case Format.CSV:
            return data.render_csv(content, language)
        case Format.PARQUET:
            return data.render_parquet(content)
        case Format.JSON:
            return data.render_json(content)
        case Format.PDF:
            from salesflow.reports.pdf.render import render_pdf

            return render_pdf(build_document(content, language=language), paper=paper)
        case Format.EXCEL:
            from salesflow.reports.excel.render import render_excel

            return render_excel(build_document(content, language=language), paper=paper)
        case Format.HTML:
            from salesflow.reports.html.render import render_html

            return render_html(build_document(content, language=language))
