"""One way to every format. Each renderer is imported when it is first asked for: a cold start pays only for what it makes."""

from salesflow.analytics.results import ReportContent
from salesflow.formats import Format
from salesflow.language import Language


def render(content: ReportContent, fmt: Format, *, paper: str = "A4", language: Language = Language.EN) -> bytes:
    """The report as the bytes of one file: the same content gives the same bytes.

    paper: A4 or Letter, for the formats that have pages. language: of the words, the numbers and the dates in the files that people read.
    Raises ValueError for an unknown paper, and where the content lacks the analysis that its type needs.
    """
    match Format(fmt):
        case Format.CSV:
            from salesflow.reports.as_csv import render_csv

            return render_csv(content)
        case Format.PARQUET:
            from salesflow.reports.as_parquet import render_parquet

            return render_parquet(content)
        case Format.JSON:
            from salesflow.reports.as_json import render_json

            return render_json(content)
        case Format.PDF:
            from salesflow.reports.content.build import build_document
            from salesflow.reports.pdf.render import render_pdf

            return render_pdf(build_document(content, language=language), paper=paper)
        case Format.EXCEL:
            from salesflow.reports.content.build import build_document
            from salesflow.reports.excel.render import render_excel

            return render_excel(build_document(content, language=language), paper=paper)
        case Format.HTML:
            from salesflow.reports.content.build import build_document
            from salesflow.reports.html.render import render_html

            return render_html(build_document(content, language=language))
