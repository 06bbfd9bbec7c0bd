"""Hard cases against files that a person has looked at: what a page says, line by line, and what a workbook holds, cell by cell.

SALESFLOW_GOLDEN=write python -m pytest tests/unit/reports/test_golden.py      writes them anew: look at the difference, and at the pages
"""

import io
import json
import os
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pypdfium2
import pytest

from salesflow.formats import Format
from tests.unit.reports.names import LONG_NAME
from tests.unit.reports.samples import rendered

GOLDEN = Path(__file__).parent / "golden"
REWRITE = os.environ.get("SALESFLOW_GOLDEN") == "write"
CASES = {
    "no-sales": "sales-empty",
    "no-sales-ever": "combined-empty-first-day",
    "one-sale": "sales-one",
    "ten-thousand-products": "combined-10000",
    "returns-above-sales": "sales-returns-above",
    "hundred-characters": "combined-long-name",
    "right-to-left-and-emoji": "combined-right-to-left-and-emoji",
    "ten-digits": "combined-10-digits",
    "no-decimals": "combined-yen",
    "first-day": "sales-first-day",
}
FIRST_ROWS = 40


def pages_of(sample: str, paper: str) -> str:
    """What a reader copies out of each page."""
    document = pypdfium2.PdfDocument(rendered(sample, Format.PDF, paper))
    pages = [page.get_textpage().get_text_range().replace("\r\n", "\n").rstrip() for page in document]
    return "".join(f"--- {paper}, page {n} of {len(pages)}\n{text}\n" for n, text in enumerate(pages, start=1))


def sheets_of(sample: str) -> str:
    """The cells of each sheet with their number formats: of a long one the first rows, a row a line."""
    data = io.BytesIO(rendered(sample, Format.EXCEL))
    charts = sum(name.startswith("xl/charts/chart") for name in zipfile.ZipFile(data).namelist())
    lines = [f"--- {charts} charts"]
    for sheet in openpyxl.load_workbook(data, read_only=True):
        rows = list(sheet.iter_rows(max_row=min(FIRST_ROWS, sheet.max_row)))
        formats = sorted({cell.number_format for row in rows for cell in row if cell.value is not None})
        lines.append(f"--- {sheet.title}, {sheet.max_row} rows, formats {formats}")
        lines += [json.dumps([_plain(cell.value) for cell in row], ensure_ascii=False) for row in rows]
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return round(value, 6) if isinstance(value, float) else value


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("ending", "made"),
    [
        ("a4.txt", lambda s: pages_of(s, "A4")),
        ("letter.txt", lambda s: pages_of(s, "Letter")),
        ("cells.txt", sheets_of),
    ],
    ids=["a4", "letter", "cells"],
)
def test_a_hard_case_is_as_it_was_looked_at(case: str, ending: str, made: Any) -> None:
    path = GOLDEN / f"{case}.{ending}"
    text = made(CASES[case])
    if REWRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_long_name_is_as_long_as_the_case_says() -> None:
    assert len(LONG_NAME) == 100
