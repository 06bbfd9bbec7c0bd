"""In which order a line's characters are drawn: the Unicode bidirectional algorithm (UAX #9) for one line without marks.

What is left out: explicit embeddings, overrides and isolates (`printable` has taken those characters out).
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

_RIGHT = ("R", "AL")
_NEUTRAL = ("B", "S", "WS", "ON", "ES", "ET", "CS")
_OPEN_BRACKETS = 63
"""So many brackets may stand open (rule BD16)."""


def _bracket_pairs() -> dict[str, str]:
    """Each closing bracket's opening one (BidiBrackets.txt): nearly all pairs are two code points after each other, Ps and Pe."""
    pairs = {
        ")": "(",
        "]": "[",
        "}": "{",
        "\uff3d": "\uff3b",
        "\uff5d": "\uff5b",
        "\u2990": "\u298d",
        "\u298e": "\u298f",
    }
    pairs |= {"\u298f": "\u298e", "\u2e56": "\u2e55", "\u2e58": "\u2e57", "\u2e5a": "\u2e59", "\u2e5c": "\u2e5b"}
    starts = (0x0F3A, 0x0F3C, 0x169B, 0x2045, 0x207D, 0x208D, 0x2308, 0x230A, 0x2329, 0x27C5, 0x29D8, 0x29DA, 0x29FC)
    runs = ((0x2768, 0x2775), (0x27E6, 0x27EF), (0x2983, 0x298C), (0x2991, 0x2998), (0x2E22, 0x2E29), (0x3008, 0x3011))
    more = ((0x3014, 0x301B), (0xFE59, 0xFE5E), (0xFF5F, 0xFF60), (0xFF62, 0xFF63))
    for start in (*starts, *(n for first, last in runs + more for n in range(first, last, 2)), 0xFF08):
        pairs.setdefault(chr(start + 1), chr(start))
    return pairs


_PAIRS = _bracket_pairs()
_OPENING = frozenset(_PAIRS.values())
_SAME = {"\u2329": "\u3008"}
"""Brackets that are canonically equivalent pair with each other."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters start to end (exclusive) of the line, all read in the same direction."""

    start: int
    end: int
    right_to_left: bool


def is_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction is read from right to left (rules P2 and P3)."""
    first = next((kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", *_RIGHT)), "L")
    return first in _RIGHT


def has_right_to_left(text: str) -> bool:
    """Whether any character is read from right to left; only then a line's order has to be found."""
    return not text.isascii() and any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text)


def stretches(text: str) -> tuple[Stretch, ...]:
    """The line in stretches of one direction, from left to right as they are drawn."""
    levels = _levels(text)
    parts = []
    start = 0
    for level, group in groupby(levels):
        end = start + sum(1 for _ in group)
        parts.append((level, Stretch(start, end, level % 2 == 1)))
        start = end
    lowest = min((level for level, _ in parts), default=0)
    for least in range(max((level for level, _ in parts), default=0), lowest - 1 + (lowest % 2 == 0), -1):  # rule L2
        parts = list(_turned(parts, least))
    return tuple(stretch for _, stretch in parts)


def _turned(parts: list[tuple[int, Stretch]], least: int) -> Iterator[tuple[int, Stretch]]:
    """The stretches with those of at least that level turned around, as often as they follow each other."""
    for high, group in groupby(parts, key=lambda part: part[0] >= least):
        together = list(group)
        yield from reversed(together) if high else together


def _levels(text: str) -> list[int]:
    """The embedding level of each character: even is left to right, odd right to left."""
    base = 1 if is_right_to_left(text) else 0
    around = "R" if base else "L"
    kinds = _weak(text, around)
    _brackets(text, kinds, around)
    _neutral(kinds, around)
    levels = [_level(kind, base) for kind in kinds]
    for n in range(len(text) - 1, -1, -1):  # rule L1
        if unicodedata.bidirectional(text[n]) not in ("WS", "S", "B", "BN"):
            break
        levels[n] = base
    return levels


def _level(kind: str, base: int) -> int:
    """Rules I1 and I2."""
    if base % 2 == 0:
        return base + {"R": 1, "AN": 2, "EN": 2}.get(kind, 0)
    return base + (kind in ("L", "AN", "EN"))


def _weak(text: str, around: str) -> list[str]:
    """The class of each character after rules W1 to W7."""
    kinds: list[str] = []
    strong = around
    for char in text:
        kind = unicodedata.bidirectional(char) or "L"
        if kind in ("NSM", "BN"):
            kind = kinds[-1] if kinds else around
        elif kind == "EN" and strong == "AL":
            kind = "AN"
        elif kind in ("L", "R", "AL"):
            strong = kind
        kinds.append(kind)
    kinds = ["R" if kind == "AL" else kind for kind in kinds]
    for n in range(1, len(kinds) - 1):
        before, kind, after = kinds[n - 1 : n + 2]
        if before == after and ((kind == "ES" and before == "EN") or (kind == "CS" and before in ("EN", "AN"))):
            kinds[n] = before
    _join_signs_to_numbers(kinds)
    strong = around
    for n, kind in enumerate(kinds):
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[n] = "L"
    return kinds


def _join_signs_to_numbers(kinds: list[str]) -> None:
    """Rule W5: signs such as % and currencies belong to the number beside them."""
    start = 0
    for kind, group in groupby(list(kinds)):
        end = start + sum(1 for _ in group)
        if kind == "ET" and ("EN" in kinds[max(start - 1, 0) : start] or "EN" in kinds[end : end + 1]):
            kinds[start:end] = ["EN"] * (end - start)
        start = end


def _brackets(text: str, kinds: list[str], around: str) -> None:
    """Rule N0: a pair of brackets goes with what stands in it, where that goes with the line or with what stands before the pair."""
    other = "L" if around == "R" else "R"
    for start, end in _pairs_of(text, kinds):
        inside = {"L" if kind == "L" else "R" for kind in kinds[start + 1 : end] if kind not in _NEUTRAL}
        if not inside:
            continue
        chosen = around
        if around not in inside:
            before = next((kind for kind in reversed(kinds[:start]) if kind not in _NEUTRAL), around)
            chosen = other if ("L" if before == "L" else "R") == other else around
        for place in (start, end):
            kinds[place] = chosen
            for n in range(place + 1, len(text)):  # marks on a bracket go with it
                if unicodedata.bidirectional(text[n]) not in ("NSM", "BN"):
                    break
                kinds[n] = chosen


def _pairs_of(text: str, kinds: list[str]) -> list[tuple[int, int]]:
    """The pairs of brackets that have no direction yet, by where they open (rule BD16)."""
    pairs, waiting = [], list[tuple[str, int]]()
    for n, char in enumerate(text):
        if kinds[n] != "ON":
            continue
        if char in _OPENING:
            if len(waiting) == _OPEN_BRACKETS:
                return []
            waiting.append((_SAME.get(char, char), n))
        elif char in _PAIRS:
            opening = _SAME.get(_PAIRS[char], _PAIRS[char])
            for depth in range(len(waiting) - 1, -1, -1):
                if waiting[depth][0] == opening:
                    pairs.append((waiting[depth][1], n))
                    del waiting[depth:]
                    break
    return sorted(pairs)


def _neutral(kinds: list[str], around: str) -> None:
    """Rules N1 and N2: what has no direction takes that of both its sides, or the line's where they differ."""

    def side(place: int) -> str:
        if not 0 <= place < len(kinds):
            return around
        return "L" if kinds[place] == "L" else "R"

    start = 0
    for neutral, group in groupby(list(kinds), key=lambda kind: kind in _NEUTRAL):
        end = start + sum(1 for _ in group)
        if neutral:
            before, after = side(start - 1), side(end)
            kinds[start:end] = [before if before == after else around] * (end - start)
        start = end
