"""What a PDF needs of a font: plain TrueType of one weight, which says who it is and under which licence."""

import struct
from pathlib import Path

import pytest
import uharfbuzz as hb
from salesflow_fonts import FONT_DIRECTORY

FONTS = sorted(FONT_DIRECTORY.glob("*.ttf"))


def test_all_of_them_are_there() -> None:
    assert len(FONTS) == 24


@pytest.mark.parametrize("font", FONTS, ids=lambda font: font.stem)
def test_a_font_is_static_of_its_weight_and_names_itself(font: Path) -> None:
    face = hb.Face(hb.Blob.from_file_path(font))
    assert "glyf" in face.table_tags
    assert {"fvar", "gvar", "HVAR", "fpgm", "prep", "cvt "}.isdisjoint(face.table_tags)
    (weight,) = struct.unpack_from(">H", face.reference_table("OS/2").data, 4)
    assert weight == (700 if font.stem.endswith("Bold") else 400)
    assert (face.get_name(hb.OTNameIdPredefined.FONT_FAMILY) or "").startswith("Noto")
    licence = font.with_name(f"{font.stem.partition('-')[0]}-licence.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert licence.startswith(("Copyright", "(c)"))


def test_bold_is_drawn_bolder() -> None:
    widths = []
    for name in ("Regular", "Bold"):
        drawn = hb.Font(hb.Face(hb.Blob.from_file_path(FONT_DIRECTORY / f"NotoSans-{name}.ttf")))
        widths.append(drawn.get_glyph_h_advance(drawn.get_nominal_glyph(ord("m")) or 0))
    assert widths[0] < widths[1]
