"""Does a file open? A check of what was read back from S3, with nothing but what the functions' layers hold.

Whether it is the file that was made is not asked here: S3's checksum and the SHA-256 in the manifest say so.
"""

import csv
import io
import json
import re
import zipfile

from salesflow.errors import ArtifactDamaged
from salesflow.formats import Format


def check_opens(fmt: Format, data: bytes) -> None:
    """Raises `ArtifactDamaged` where the bytes are not a whole, readable file of that format."""
    try:
        holds = _opens(Format(fmt), data)
        reason = "it is not whole"
    except Exception as error:  # noqa: BLE001  # whatever a reader of the format makes of damaged bytes
        holds, reason = False, f"{type(error).__name__}: {error}"
    if not holds:
        raise ArtifactDamaged(
            f"The {fmt} file of {len(data):,} bytes does not open: {reason}.",
            action="Run the job again with force; if it repeats, look for a change to the object outside of the job.",
        )


def _opens(fmt: Format, data: bytes) -> bool:
    match fmt:
        case Format.PDF:  # the end names the place of the cross-reference table
            end = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*\Z", data)
            return data.startswith(b"%PDF-1.") and end is not None and data[int(end[1]) :].startswith(b"xref")
        case Format.EXCEL:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return archive.testzip() is None and {"xl/workbook.xml", "xl/worksheets/sheet1.xml"} <= set(
                    archive.namelist()
                )
        case Format.PARQUET:
            import pyarrow as pa  # only who makes Parquet has it
            import pyarrow.parquet as pq

            return "sku" in pq.read_table(pa.BufferReader(data), page_checksum_verification=True).column_names
        case Format.CSV:
            text = data.decode("utf-8-sig")
            delimiter = ";" if text.startswith("sku;") else ","
            widths = {len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)}
            return text.startswith("sku") and text.endswith("\r\n") and len(widths) == 1
        case Format.JSON:
            return str(json.loads(data)["schema"]).startswith("salesflow-report/")
        case Format.HTML:
            text = data.decode("utf-8").rstrip()
            return text.startswith("<!doctype html>") and "</html>" in text[-200:]
