"""Fonts for PDF: text is split into runs by which font has its characters, because a PDF has no fallback of its own.

The fonts come with the report layer (package `salesflow_fonts`): Noto Sans for Latin, Greek, Cyrillic, Vietnamese and Devanagari,
further Noto fonts for Chinese and kana, Hangul, Hebrew, Arabic, Thai, Lao, Khmer, Burmese, nine scripts of India and Sri Lanka, Ethiopic,
Georgian, Armenian, symbols and emoji. What none of them has is a visible box. A font is parsed once in a process, and the large ones
only when a text needs them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Self

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import ShapedStr
from salesflow_fonts import FONT_DIRECTORY

from salesflow.bidi import Stretch, has_right_to_left, stretches
from salesflow.reports.pdf.shaping import ShapedFont, shaped_width

REGULAR: Final = "NotoSans-Regular"
BOLD: Final = "NotoSans-Bold"

_EMOJI: Final = "NotoEmoji-Regular"
_SIGNS: Final = "NotoSansSymbols2-Regular"
_FALLBACKS: Final = (
    *(
        f"NotoSans{script}-Regular"
        for script in (
            *("SC", "KR", "Hebrew", "Arabic", "Thai", "Lao", "Khmer", "Myanmar", "Bengali", "Tamil", "Telugu"),
            *("Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Oriya", "Sinhala", "Ethiopic", "Georgian", "Armenian"),
        )
    ),
    _SIGNS,
    _EMOJI,
)
_RIGHT_TO_LEFT: Final = ("NotoSansHebrew-Regular", "NotoSansArabic-Regular")
_BOX: Final = "\u25a1"
_ROUNDING: Final = 0.01
_ELLIPSIS: Final = "\u2026"
_LINES_KEPT: Final = 4096
_JOINERS: Final = frozenset("\u200c\u200d\ufe0e\ufe0f\u20e3") | {chr(c) for c in range(0x1F3FB, 0x1F400)}
_PICTURE: Final = "[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001f3fa\U0001f400-\U0001faff]\ufe0f?[\U0001f3fb-\U0001f3ff]?"
_SEQUENCE: Final = re.compile(
    f"[0-9#*]\ufe0f?\u20e3|[\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}(?:\u200d{_PICTURE})*[\U000e0020-\U000e007f]*"
)
_COMPLEX: Final = re.compile(
    "[\u0300-\u036f\u0590-\u08ff\u0900-\u0fff\u1000-\u109f\u135d-\u135f\u1780-\u17ff\u19e0-\u19ff\uaa60-\uaa7f\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\ua8e0-\ua8ff]"
)


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that one font can print; a `ShapedStr` where its glyphs are not simply its characters.

    place: where it begins in the line as it is read. says: what it says, where a program cannot find out from the glyphs.
    """

    font: str
    text: str
    place: int = 0
    says: str = ""

    def width(self, size: float) -> float:
        """How wide it is, in points."""
        return size * self.units

    @property
    def units(self) -> float:
        """How wide it is at size 1."""
        font = _load(self.font)
        if font is None or isinstance(self.text, ShapedStr):
            return shaped_width(self.text, 1) if isinstance(self.text, ShapedStr) else 0.0
        width_of, other = font.face.charWidths.get, font.face.defaultWidth
        return float(sum([width_of(code, other) for code in map(ord, self.text)])) / 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is drawn: runs from left to right. text: what it says, in the order in which it is read. units: its width at size 1."""

    text: str
    runs: tuple[Run, ...]
    units: float

    @classmethod
    def of(cls, text: str, runs: tuple[Run, ...]) -> Self:
        """The line, measured."""
        return cls(text, runs, sum(run.units for run in runs))

    def width(self, size: float) -> float:
        """How wide it is, in points."""
        return size * self.units


@cache
def _load(name: str) -> ShapedFont | None:
    """Registers a font; None where its file is not there."""
    path = Path(FONT_DIRECTORY) / f"{name}.ttf"
    if not path.is_file():
        return None
    font = ShapedFont(name, path)
    pdfmetrics.registerFont(font)
    return font


def coverage(name: str) -> frozenset[int]:
    """The code points that a font of the package has.

    Raises FileNotFoundError where one of the two fonts that every page needs is missing.
    """
    font = _load(name)
    if font is None:
        raise FileNotFoundError(f"{name}.ttf is not in {FONT_DIRECTORY}: build the fonts of the report layer.")
    return font.characters


def load_families() -> None:
    """Makes the regular and the bold face known to ReportLab."""
    coverage(REGULAR)
    coverage(BOLD)


@lru_cache(maxsize=_LINES_KEPT)
def line_of(text: str, font: str = REGULAR) -> Line:
    """The text, laid out in that font and in others for what it lacks.

    A symbol that no font has is its name in brackets, any other such character one visible box; the rest of the text stays.
    """
    own = coverage(font)
    if all(ord(char) in own for char in text) and not _COMPLEX.search(text):
        return Line.of(text, (Run(font, text),) if text else ())
    items = list(_joined(_items(text, font)))
    said = "".join(part for _, part in items)
    order = stretches(said) if has_right_to_left(said) else (Stretch(0, len(said), right_to_left=False),)
    return Line.of(said, tuple(run for stretch in order for run in _runs(items, stretch)))


def width(text: str, font: str, size: float) -> float:
    """How wide the text is when drawn in runs, in points."""
    return line_of(text, font).width(size)


def cut(text: str, font: str, size: float, room: float) -> str:
    """The text, shortened with an ellipsis where it is wider than `room` points."""
    if width(text, font, size) <= room + _ROUNDING:
        return text
    shortest, longest = 0, len(text)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if width(_shortened(text, middle), font, size) <= room:
            shortest = middle
        else:
            longest = middle - 1
    return _shortened(text, shortest)


def cut_apart(texts: Sequence[str], font: str, size: float, room: float) -> list[str]:
    """Each text cut; those that would look alike then, though they are not, keep their ends too: products often differ in these alone."""
    plain = [cut(text, font, size, room) for text in texts]
    alike = Counter(short for short, _ in set(zip(plain, texts, strict=True)))
    return [
        _cut_inside(text, font, size, room) if alike[short] > 1 else short
        for text, short in zip(texts, plain, strict=True)
    ]


def _cut_inside(text: str, font: str, size: float, room: float) -> str:
    start = next((n for n in range(len(text)) if width(text[n:], font, size) <= room / 2), len(text))
    while start < len(text) and (text[start] in _JOINERS or unicodedata.category(text[start])[0] == "M"):
        start += 1
    end = text[start:].lstrip()
    return cut(text[:start] + _ELLIPSIS, font, size, room - width(end, font, size)) + end


@lru_cache(maxsize=4096)
def has_boxes(text: str) -> bool:
    """Whether some of its characters are in no font, and drawn as boxes."""
    return not text.isascii() and _BOX not in text and any(part == _BOX for _font, part in _items(text, REGULAR))


def _shortened(text: str, length: int) -> str:
    """The first characters, never with half an emoji sequence, and the ellipsis."""
    return text[:length].rstrip().rstrip("\u200d") + _ELLIPSIS


def _runs(items: Sequence[tuple[str, str]], stretch: Stretch) -> Iterator[Run]:
    """The parts of the items that lie in the stretch, as they are drawn from left to right."""
    parts = []
    place = 0
    for font, text in items:
        start, end = max(place, stretch.start), min(place + len(text), stretch.end)
        if start < end:
            parts.append((font, start, text[start - place : end - place]))
        place += len(text)
    for name, start, part in reversed(parts) if stretch.right_to_left else parts:
        face = _load(name)
        sequence = name == _EMOJI and len(part) > 1
        if face is not None and (stretch.right_to_left or sequence or _COMPLEX.search(part)):
            for glyphs, first, says in face.shape(part, right_to_left=stretch.right_to_left):
                yield Run(name, glyphs, start + first, says)
        else:
            yield Run(name, part, start)


def _joined(items: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Neighbours of one font as one."""
    font, text = "", ""
    for name, part in items:
        if name != font and text:
            yield font, text
            text = ""
        font, text = name, text + part
    if text:
        yield font, text


def _items(text: str, preferred: str) -> Iterator[tuple[str, str]]:
    """The text in pieces that stay together, each with its font, in reading order."""
    place = 0
    for sequence in _SEQUENCE.finditer(text):
        if len(sequence.group()) > 1 and _has(_EMOJI, sequence.group()):
            yield from _letters(text[place : sequence.start()], preferred)
            yield _EMOJI, sequence.group()
            place = sequence.end()
    yield from _letters(text[place:], preferred)


def _letters(text: str, preferred: str) -> Iterator[tuple[str, str]]:
    """Each character with its font; a mark stays with what it stands on."""
    font = preferred
    joined = False
    for char in text:
        kind = unicodedata.category(char)
        modifies = char in _JOINERS or kind[0] == "M" or (char == " " and font in _RIGHT_TO_LEFT)
        if modifies and _has(font, char):
            yield font, char
        elif found := "" if char in _JOINERS else _font_of(char, preferred):
            font = found
            yield font, char
        elif (kind == "Mc" or not modifies) and not joined and kind != "Cf":
            plain = unicodedata.normalize("NFKC", char)
            if plain != char and all(
                _font_of(letter, preferred) for letter in plain
            ):  # a letter of formulas is a letter
                yield from ((_font_of(letter, preferred), letter) for letter in plain)
                joined = False
                continue
            name = unicodedata.name(char, "").lower() if kind == "So" else ""
            yield (preferred, f"[{name}]") if name else (_SIGNS, _BOX) if _has(_SIGNS, _BOX) else (preferred, "?")
        joined = char == "\u200d"


def _font_of(char: str, preferred: str) -> str:
    """The first font that has the character, empty for none."""
    return next((name for name in (preferred, REGULAR, *_FALLBACKS) if _has(name, char)), "")


def _has(name: str, text: str) -> bool:
    """Whether the font can draw the text; what only joins does not count."""
    font = _load(name)
    return font is not None and all(ord(char) in font.characters or char in "\u200d\ufe0f" for char in text)
