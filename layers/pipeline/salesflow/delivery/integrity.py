"""Does a file open? A check of what was read back from S3, with nothing but what the functions' layers hold.

A checksum finds what the structure cannot show: the pages of Parquet and the members of a workbook carry one by their
formats, PDF, HTML and JSON carry ours (`seal`). A CSV has none: damage to its form is found, a changed letter is not; the
SHA-256 in the manifest covers that.
"""

import csv
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Final
from xml.etree import ElementTree as ET

from salesflow.errors import ArtifactDamaged
from salesflow.formats import Format
from salesflow.reports.seal import MARK, seal_holds

_WORKBOOK_PARTS: Final = ("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/styles.xml", "docProps/core.xml")
_VOID: Final = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})
_LOCAL_HEADER: Final = struct.Struct("<4sHHHHHIIIHH")
_CSV_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
_CSV_TEXTS: Final = frozenset({"sku", "name", "category", "status", "urgent", "last_sold"})


class _Damage(Exception):
    """What is wrong with the file."""


def check_opens(fmt: Format, data: bytes) -> None:
    """Raises `ArtifactDamaged` where the bytes are not a whole, readable file of that format."""
    try:
        _CHECKS[Format(fmt)](data)
    except _Damage as damage:
        reason = str(damage)
    except (
        ValueError,
        KeyError,
        IndexError,
        OSError,
        zlib.error,
        zipfile.BadZipFile,
        ET.ParseError,
        csv.Error,
    ) as error:
        reason = f"{type(error).__name__}: {error}"
    except (struct.error, NotImplementedError, EOFError, RuntimeError) as error:
        reason = f"{type(error).__name__}: {error}"
    else:
        return
    raise ArtifactDamaged(
        f"The {fmt} file of {len(data):,} bytes does not open: {reason}.",
        action="Run the job again with force; if it repeats, look for a change to the object outside of the job.",
    )


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise _Damage(problem)


def _check_pdf(data: bytes) -> None:
    """Header, end, cross-reference table, every object where the table says, every compressed stream, and our seal."""
    _require(data.startswith(b"%PDF-1."), "no PDF header")
    end = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*\Z", data)
    if end is None:
        raise _Damage("no end of file mark")
    table = re.compile(rb"xref\s+0 (\d+)\s+").match(data, int(end.group(1)))
    if table is None:
        raise _Damage("no cross-reference table where the file names it")
    for number in range(1, int(table.group(1))):
        entry = data[table.end() + 20 * number : table.end() + 20 * (number + 1)]
        if entry[17:18] == b"n":
            head = re.compile(rb"(\d+) \d+ obj\b").match(data, int(entry[:10]))
            _require(head is not None and int(head.group(1)) == number, f"object {number} is not where it should be")
    _require(b"/Root" in data[table.end() : end.start()], "no document catalogue")
    _require(b"/Type /Page" in data, "no page")
    tail = data[data.rfind(b">>", 0, end.start()) + 2 : end.start()].strip()
    if tail:
        _require(tail.startswith(b"%" + MARK.encode()) and seal_holds(data), "its checksum does not hold")


def _check_excel(data: bytes) -> None:
    """Every member's checksum and header, and the parts without which no workbook opens, as XML."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        broken = archive.testzip()
        _require(broken is None, f"{broken} is damaged")
        members = archive.infolist()
        names = {member.filename for member in members}
        for member in members:
            header = _LOCAL_HEADER.unpack_from(data, member.header_offset)
            known = (member.flag_bits, member.compress_type, member.CRC, member.compress_size, member.file_size)
            _require((header[2], header[3], *header[6:9]) == known, f"the two headers of {member.filename} disagree")
        missing = [part for part in _WORKBOOK_PARTS if part not in names]
        _require(not missing, f"it has no {', '.join(missing)}")
        _require("xl/worksheets/sheet1.xml" in names, "it has no sheet")
        for name in sorted(names):
            if name.endswith((".xml", ".rels")) and "/worksheets/sheet" not in name:
                ET.fromstring(archive.read(name))  # noqa: S314  # our own file, its checksum just held


def _check_parquet(data: bytes) -> None:
    """Footer and every page, with the pages' checksums."""
    import pyarrow as pa  # only who makes Parquet has it
    import pyarrow.parquet as pq

    _require(data[:4] == b"PAR1" and data[-4:] == b"PAR1", "no Parquet marks at both ends")
    try:
        table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True)
        table.validate(full=True)
    except (pa.ArrowException, MemoryError) as error:
        raise _Damage(f"{type(error).__name__}: {error}") from error
    _require("sku" in table.column_names, "it has no column sku")
    _require(b"salesflow.version" in (table.schema.metadata or {}), "its provenance is missing")


def _check_csv(data: bytes) -> None:
    """UTF-8, quotes that close, as many cells in each row as in the header, numbers that are numbers, and a last line that ends."""
    text = data.decode("utf-8-sig")
    _require(data.startswith(b"\xef\xbb\xbf"), "no byte order mark")
    _require(text.endswith("\r\n"), "the last line does not end")
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(rows)
    _require(header[:2] == ["sku", "name"], "the first columns are not sku and name")
    numbers = [n for n, name in enumerate(header) if name not in _CSV_TEXTS]
    for row in rows:
        _require(len(row) == len(header), f"line {rows.line_num} has {len(row)} cells instead of {len(header)}")
        for n in numbers:
            _require(
                not row[n] or _CSV_NUMBER.fullmatch(row[n]) is not None, f"line {rows.line_num} has a bad {header[n]}"
            )


def _check_json(data: bytes) -> None:
    """JSON with our schema, and our seal."""
    content = json.loads(data)
    _require(isinstance(content, dict) and str(content.get("schema", "")).startswith("salesflow-report/"), "no schema")
    _require(seal_holds(data), "its checksum does not hold")


class _Tags(HTMLParser):
    """Follows the open elements."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that closes itself opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        _require(bool(self.open) and self.open.pop() == tag, f"</{tag}> closes what is not open")


def _check_html(data: bytes) -> None:
    """UTF-8, elements that close in order, and our seal."""
    text = data.decode("utf-8")
    _require(text.startswith("<!doctype html>"), "no doctype")
    tags = _Tags()
    tags.feed(text)
    tags.close()
    _require(not tags.open, f"{tags.open[-1:]} stays open")
    _require(seal_holds(data), "its checksum does not hold")


_CHECKS: Final[MappingProxyType[Format, Callable[[bytes], None]]] = MappingProxyType(
    {
        Format.PDF: _check_pdf,
        Format.EXCEL: _check_excel,
        Format.PARQUET: _check_parquet,
        Format.CSV: _check_csv,
        Format.JSON: _check_json,
        Format.HTML: _check_html,
    }
)
