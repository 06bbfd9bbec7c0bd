"""Small real files of the kinds that reports come in."""

from datetime import datetime
from io import BytesIO

import xlsxwriter
from reportlab.pdfgen.canvas import Canvas


def pdf(text: str) -> bytes:
    """A PDF of one page; the same text gives the same bytes."""
    sink = BytesIO()
    canvas = Canvas(sink, invariant=1)
    canvas.drawString(100, 700, text)
    canvas.save()
    return sink.getvalue()


def excel(text: str) -> bytes:
    """A workbook of one cell; the same text gives the same bytes."""
    sink = BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": datetime(2026, 11, 22)})
        workbook.add_worksheet().write_string(0, 0, text)
    return sink.getvalue()
