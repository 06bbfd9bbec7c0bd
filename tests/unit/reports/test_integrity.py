"""Damaged files are noticed."""

import io
import zipfile

import pytest

from salesflow.delivery.integrity import check_opens
from salesflow.errors import ArtifactDamaged
from salesflow.formats import Format
from tests.unit.reports.samples import rendered

CONTENT = "combined-weekly-40-scripts"


@pytest.mark.parametrize("fmt", Format)
def test_a_truncated_file_is_noticed(fmt: Format) -> None:
    data = rendered(CONTENT, fmt)
    lengths = [0, 1, len(data) // 3, len(data) // 2, len(data) - 30, len(data) - 2]
    for length in lengths:
        with pytest.raises(ArtifactDamaged, match="does not open"):
            check_opens(fmt, data[:length])


def test_flipped_bits_in_the_members_of_a_workbook_are_noticed() -> None:
    data = rendered(CONTENT, Format.EXCEL)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    for member in members:
        damaged = bytearray(data)
        damaged[member.header_offset + 30 + len(member.filename) + member.compress_size // 2] ^= 4
        with pytest.raises(ArtifactDamaged):
            check_opens(Format.EXCEL, bytes(damaged))


def test_flipped_bits_in_the_pages_and_the_footer_length_of_parquet_are_noticed() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = rendered(CONTENT, Format.PARQUET)
    columns = pq.ParquetFile(pa.BufferReader(data)).metadata.row_group(0)
    for n in range(columns.num_columns):
        column = columns.column(n)
        damaged = bytearray(data)
        end = (column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size
        damaged[end - 4] ^= 16
        with pytest.raises(ArtifactDamaged):
            check_opens(Format.PARQUET, bytes(damaged))
    damaged = bytearray(data)
    damaged[-7] ^= 64
    with pytest.raises(ArtifactDamaged):
        check_opens(Format.PARQUET, bytes(damaged))


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"\r\n", b",extra\r\n"), (b"CN", b"\xff\xfe"), (b"sku,name", b"sku;name"), (b'"""quoted""', b'"""quoted"')],
)
def test_a_damaged_csv_is_noticed(old: bytes, new: bytes) -> None:
    data = rendered(CONTENT, Format.CSV).replace(b"Caf", b"CN Caf")
    check_opens(Format.CSV, data)
    assert old in data
    with pytest.raises(ArtifactDamaged):
        check_opens(Format.CSV, data.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"), [(b"Caf", b"\xff\xfe"), (b'"name":', b'"name",'), (b"salesflow-report/", b"report/")]
)
def test_a_damaged_json_is_noticed(old: bytes, new: bytes) -> None:
    data = rendered(CONTENT, Format.JSON)
    check_opens(Format.JSON, data)
    assert old in data
    with pytest.raises(ArtifactDamaged):
        check_opens(Format.JSON, data.replace(old, new, 1))


@pytest.mark.parametrize(
    ("fmt", "mark"),
    [(Format.PDF, b"startxref"), (Format.HTML, None), (Format.JSON, b"}\n")],
)
def test_the_files_of_version_1_0_with_their_checksum_inside_open(fmt: Format, mark: bytes | None) -> None:
    seal = b"salesflow-sha256:" + b"0" * 64
    data = rendered(CONTENT, fmt)
    if mark is None:
        data += b"<!-- " + seal + b" -->\n"
    else:
        place = data.rindex(mark)
        data = (
            data[:place]
            + (b"%" + seal + b"\n" if fmt is Format.PDF else b',"verification":"' + seal + b'"')
            + data[place:]
        )
    check_opens(fmt, data)


@pytest.mark.parametrize("fmt", Format)
def test_another_format_is_noticed_and_the_error_says_what_to_do(fmt: Format) -> None:
    other = Format.JSON if fmt is not Format.JSON else Format.PDF
    with pytest.raises(ArtifactDamaged) as damage:
        check_opens(fmt, rendered("sales-one", other))
    assert "again with force" in damage.value.action


def test_a_workbook_without_its_sheets_is_noticed() -> None:
    data = rendered("sales-one", Format.EXCEL)
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(kept, "w") as copy:
        for member in archive.infolist():
            if not member.filename.startswith("xl/worksheets/"):
                copy.writestr(member, archive.read(member.filename))
    with pytest.raises(ArtifactDamaged):
        check_opens(Format.EXCEL, kept.getvalue())
