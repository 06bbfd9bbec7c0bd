"""Does a file open? A check of what was read back from S3, with nothing but what the functions' layers hold.

Whether it is the file that was made is not asked here: S3's checksum and the SHA-256 in the manifest say so.
"""

import csv
import io
import re
import zipfile

import msgspec

from salesflow.errors import ArtifactDamaged
from salesflow.formats import Format

_PIECE = 2**20


class _Report(msgspec.Struct):
    """What is asked of a JSON file: of 100,000 products the whole as objects would take 20 times its bytes."""

    schema: str


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
            begin = data[:8].decode("utf-8-sig")
            delimiter = ";" if begin.startswith("sku;") else ","
            rows = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline="")
            widths = {len(row) for row in csv.reader(rows, delimiter=delimiter, strict=True)}
            return begin.startswith("sku") and data.endswith(b"\r\n") and len(widths) == 1
        case Format.JSON:
            whole = io.TextIOWrapper(io.BytesIO(data), "utf-8")
            while whole.read(_PIECE):  # what msgspec passes over it does not decode
                pass
            return msgspec.json.decode(data, type=_Report).schema.startswith("salesflow-report/")
        case Format.HTML:
            text = data.decode("utf-8").rstrip()
            return text.startswith("<!doctype html>") and "</html>" in text[-200:]
