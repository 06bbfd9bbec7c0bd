"""Fonts for PDF: text is split into runs by which font has its characters, because a PDF has no fallback of its own.

The fonts come with the report layer (package `salesflow_fonts`): Noto Sans for Latin, Greek, Cyrillic and Vietnamese, Noto
Sans SC for Chinese, Japanese and Korean signs it shares, and more scripts where their files are there. A font is parsed
once in a process, and the large ones only when a text needs them.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from salesflow_fonts import FONT_DIRECTORY

REGULAR: Final = "NotoSans-Regular"
BOLD: Final = "NotoSans-Bold"

_FALLBACKS: Final = ("NotoSansSC-Regular", "NotoSansKR-Regular", "NotoSansHebrew-Regular", "NotoSansArabic-Regular")
_REPLACEMENT: Final = "\u25a1"
_LAST_RESORT: Final = "?"
_ROUNDING: Final = 0.01
_ELLIPSIS: Final = "\u2026"
_JOINERS: Final = frozenset("\u200c\u200d\ufe0e\ufe0f\u20e3") | {chr(c) for c in range(0x1F3FB, 0x1F400)}
_STRONG: Final = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_RIGHT_TO_LEFT_STRETCH: Final = re.compile(f"[{_STRONG}](?:[^A-Za-z\u00c0-\u058f\u0900-\ufb1c]*(?:[{_STRONG}]|\\d%?))*")
_NUMBER_OR_SIGN: Final = re.compile(r"\d+(?:[.,:/]\d+)*%?|.", re.DOTALL)
_MIRRORED: Final = str.maketrans("()[]{}<>", ")(][}{><")


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that one font can print."""

    font: str
    text: str


@cache
def _load(name: str) -> frozenset[int] | None:
    """Registers a font and gives the characters it has; None where its file is not there."""
    path = Path(FONT_DIRECTORY) / f"{name}.ttf"
    if not path.is_file():
        return None
    font = TTFont(name, str(path))
    font.face.name = (
        name.encode()
    )  # a cut font keeps its parent's name, and ReportLab takes two of one name for the same
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


def coverage(name: str) -> frozenset[int]:
    """The code points that a font of the package has.

    Raises FileNotFoundError where one of the two fonts that every page needs is missing.
    """
    known = _load(name)
    if known is None:
        raise FileNotFoundError(f"{name}.ttf is not in {FONT_DIRECTORY}: build the fonts of the report layer.")
    return known


def load_families() -> None:
    """Makes the regular and the bold face known to ReportLab, also as <b> in paragraphs."""
    coverage(REGULAR)
    coverage(BOLD)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def runs(text: str, font: str = REGULAR) -> tuple[Run, ...]:
    """The text as runs, in the order in which they are drawn from left to right.

    A character that no font has (an emoji, say) becomes one visible box, with what modifies it; the rest of the text stays.
    """
    own = coverage(font)
    if all(ord(char) in own for char in text) and not _has_right_to_left(text):
        return (Run(font, text),) if text else ()
    chars = _visual_order(_with_replacements(text, font))
    return tuple(
        Run(name, "".join(char for _, char in group))
        for name, group in groupby(((_font_of(char, font), char) for char in chars), key=lambda pair: pair[0])
    )


def width(text: str, font: str, size: float) -> float:
    """How wide the text is when drawn in runs, in points."""
    return float(sum(pdfmetrics.stringWidth(run.text, run.font, size) for run in runs(text, font)))


def cut(text: str, font: str, size: float, room: float) -> str:
    """The text, shortened with an ellipsis where it is wider than `room` points."""
    if width(text, font, size) <= room + _ROUNDING:
        return text
    shortest, longest = 0, len(text)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if width(text[:middle].rstrip() + _ELLIPSIS, font, size) <= room:
            shortest = middle
        else:
            longest = middle - 1
    return text[:shortest].rstrip() + _ELLIPSIS


def _font_of(char: str, preferred: str) -> str:
    code = ord(char)
    if code in coverage(preferred):
        return preferred
    for name in (REGULAR, *_FALLBACKS):
        known = _load(name)
        if known is not None and code in known:
            return name
    return ""


def _with_replacements(text: str, font: str) -> Iterator[str]:
    """The characters that can be printed; each that cannot is one box, and what only modifies another is left out."""
    joined = False
    for char in text:
        if char in _JOINERS:
            joined = char == "\u200d"
            continue
        if _font_of(char, font):
            yield char
        elif unicodedata.category(char) not in ("Mn", "Cf", "Me") and not joined:
            yield _REPLACEMENT if _font_of(_REPLACEMENT, font) else _LAST_RESORT
        joined = False


def _has_right_to_left(text: str) -> bool:
    return not text.isascii() and _RIGHT_TO_LEFT_STRETCH.search(text) is not None


def _visual_order(chars: Iterator[str]) -> Iterator[str]:
    """Turns stretches of right-to-left script around, numbers in them excepted, as a line of a left-to-right page shows them.

    This is the part of the Unicode bidirectional algorithm that one-line names need; letters of Arabic are not joined.
    """
    line = "".join(chars)
    end = 0
    for stretch in _RIGHT_TO_LEFT_STRETCH.finditer(line):
        yield from line[end : stretch.start()]
        for part in reversed(_NUMBER_OR_SIGN.findall(stretch.group())):
            yield from part if len(part) > 1 else part.translate(_MIRRORED)
        end = stretch.end()
    yield from line[end:]
