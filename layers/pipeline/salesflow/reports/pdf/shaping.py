"""A font that ReportLab can draw shaped text with, and whose text can be copied out again as it was written.

HarfBuzz joins the letters of Arabic, puts marks where they belong and makes one picture of an emoji sequence. A PDF then holds
glyphs instead of characters; the map back (ToUnicode) is written here, because ReportLab's knows neither glyphs of several characters nor
characters beyond U+FFFF.
"""

from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import uharfbuzz
from reportlab.pdfbase.ttfonts import SUBSETN, ShapeData, ShapedStr, TTFont

_FIRST_OWN_CODE: Final = 0xF0000
_ENTRIES_A_BLOCK: Final = 100
_UNITS: Final = 1000
_ZERO_WIDTH: Final = frozenset("\u200b\u200c\u200d\ufe0e\ufe0f")
_MAP: Final = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<00> <FF>
endcodespacerange
{blocks}
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


class ShapedFont(TTFont):  # type: ignore[misc]  # ReportLab has no types
    """A TrueType font. Glyphs that no character stands for get codes of our own, with the text that they mean."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name, str(path))
        self.face.name = (
            name.encode()
        )  # a cut font keeps its parent's name, and ReportLab takes two of one name for the same
        self.characters = frozenset(self.face.charToGlyph)
        self._codes: dict[tuple[int, str], int] = {}
        self._meanings: dict[int, str] = {}

    @cached_property
    def _shaper(self) -> Any:
        return uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob(self.face._ttf_data)))  # noqa: SLF001  # the bytes it has read anyway

    def shape(self, text: str, *, right_to_left: bool) -> tuple[tuple[ShapedStr, int, str], ...]:
        """The glyphs of a text of one direction, from left to right, in pieces: each with its place in the text, and what it has to
        name (ActualText) because its glyphs cannot, empty for most."""
        buffer = uharfbuzz.Buffer()
        buffer.cluster_level = uharfbuzz.BufferClusterLevel.MONOTONE_CHARACTERS
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if right_to_left else "ltr"
        uharfbuzz.shape(self._shaper, buffer)
        starts = sorted({info.cluster for info in buffer.glyph_infos})
        meanings = {start: text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)}
        clusters = [
            (meanings[start], list(group))
            for start, group in groupby(
                zip(buffer.glyph_infos, buffer.glyph_positions, strict=True), key=lambda glyph: glyph[0].cluster
            )
        ]
        pieces = []
        for named, group in groupby(clusters, key=lambda cluster: _must_be_named(*cluster)):
            alike = list(group)
            for part in [[cluster] for cluster in alike] if named else [alike]:
                first = min(glyphs[0][0].cluster for _, glyphs in part)
                pieces.append((self._drawn(part), first, part[0][0] if named else ""))
        return tuple(pieces)

    def _drawn(self, clusters: list[tuple[str, list[tuple[Any, Any]]]]) -> ShapedStr:
        """The glyphs of some clusters as ReportLab draws them, in thousandths of their size."""
        scale = _UNITS / self._shaper.face.upem
        codes, places = [], []
        for meaning, glyphs in clusters:
            said = meaning
            for info, position in glyphs:
                if not position.x_advance and _ZERO_WIDTH.issuperset(meaning):
                    continue
                code = self._code(info.codepoint, said)
                said = ""
                place = (position.x_advance, position.y_advance, position.x_offset, position.y_offset)
                codes.append(chr(code))
                places.append(ShapeData(info.cluster, *(value * scale for value in place), self.face.charWidths[code]))
        return ShapedStr("".join(codes), places)

    def _code(self, glyph: int, meaning: str) -> int:
        """The character that stands for the glyph, or one of ours."""
        if len(meaning) == 1 and self.face.charToGlyph.get(ord(meaning)) == glyph:
            return ord(meaning)
        code = self._codes.setdefault((glyph, meaning), _FIRST_OWN_CODE + len(self._codes))
        if code not in self._meanings:
            self._meanings[code] = meaning
            self.face.charToGlyph[code] = glyph
            self.face.charWidths[code] = self._shaper.get_glyph_h_advance(glyph) * _UNITS / self._shaper.face.upem
        return code

    def addObjects(self, doc: Any) -> None:  # noqa: N802  # ReportLab's name
        """Writes the font into the file, with our own map to Unicode."""
        subsets = self.state[doc].subsets
        super().addObjects(doc)
        for n, subset in enumerate(subsets):
            name = b"".join((SUBSETN(n), b"+", self.face.name, self.face.subfontNameX)).decode("pdfdoc")
            doc.idToObject[f"toUnicodeCMap:{name}"].content = self._to_unicode(subset)

    def _to_unicode(self, subset: list[int]) -> str:
        entries = [
            f"<{index:02X}> <{text.encode('utf-16-be').hex().upper()}>"
            for index, code in enumerate(subset)
            if code
            for text in (self._meanings.get(code, chr(code)),)
        ]
        blocks = [entries[start : start + _ENTRIES_A_BLOCK] for start in range(0, len(entries), _ENTRIES_A_BLOCK)]
        return _MAP.format(
            blocks="\n".join("\n".join([f"{len(block)} beginbfchar", *block, "endbfchar"]) for block in blocks)
        )


def _must_be_named(meaning: str, glyphs: list[tuple[Any, Any]]) -> bool:
    """Whether it takes several glyphs to draw these characters. Beyond U+FFFF naming does harm: PDFium drops what is there."""
    return len(glyphs) > 1 and max(meaning) <= "\uffff"


def shaped_width(text: ShapedStr, size: float) -> float:
    """How wide a shaped text is at that size, in points."""
    return float(sum(place.x_advance for place in text.__shapeData__)) * size / _UNITS
