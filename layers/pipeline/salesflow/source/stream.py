"""The text of an answer with a list, as it comes: whole records piece by piece, and what stands around the list.

A piece ends where records are likely to (`]},{` in compact JSON), and is right where it then reads as a list of records, since JSON
has one reading from the left. Only where it does not are strings and brackets counted.
"""

import re
from collections.abc import Callable, Iterable

from salesflow.source.envelope import LISTS, no_json
from salesflow.source.refusals import UnreadableAnswer, unreadable

PIECE = 4 * 2**20
"""Bytes of JSON that are decoded together: enough for the C code to be worth its calls, and soon forgotten."""

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_LIKELY_END = b"]},{"
_TOKEN = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"(\s*:\s*)?)?|[\[\]{},]', re.DOTALL)


class ListText:
    """One body with a list, read from front to back: `open`, and then `likely_end` or `certain_end`, `listed` and `take` in turn.

    pieces: the body as it comes. hold: told how many bytes are held, and raises where they are too many.
    """

    def __init__(self, pieces: Iterable[bytes], call: str, hold: Callable[[int], None]) -> None:
        self._pieces = iter(pieces)
        self._call = call
        self._hold = hold
        self._held = b""
        self._is_over = False
        self._is_bare = False
        self._starts_at = self._passed = 0
        self.around = b""
        """The body without the records of its list: a small document that says what the answer says of itself."""

    def open(self) -> bool:
        """Read up to the list's first record; False where no list is found: all of the body is `around` then."""
        while self._fill(2 * len(self._held)):
            self._held = self._held.removeprefix(_BOM)
            start = self._list_start()
            if start:
                self.around, self._held, self._starts_at = self._held[:start], self._held[start:], start
                return True
            if self._is_over:
                break
        self.around, self._held = self._held, b""
        return False

    def likely_end(self) -> int:
        """Where a record of those that are held seems to end, the last one if all of them are here; -1: nowhere."""
        self._fill(PIECE)
        if self._is_over and self._is_bare:
            return self._held.rfind(b"]")
        end = self._held.rfind(_LIKELY_END)
        return end + 2 if end >= 0 else -1

    def certain_end(self) -> int:
        """Where the last whole record of those that are held ends. Raises UnreadableAnswer where the body breaks off."""
        while (end := self._boundary()) < 0:
            if self._is_over:
                raise self.unreadable(b"[" + self._held)
            self._fill(2 * len(self._held))
        return end

    def listed(self, end: int) -> bytes:
        """The records up to there as a list of their own. Raises UnreadableAnswer where between two commas there is none."""
        records = self._held[:end]
        if not records.strip(_BLANK) and (self._passed or self._held[end : end + 1] == b","):
            raise self.unreadable(b"[,")
        return b"[%b]" % records

    def take(self, end: int) -> bool:
        """Go on behind these records; False where the list ends there: then the rest of the body is `around` too."""
        self._passed += end
        self._held = self._held[end:]
        if self._held[:1] == b",":
            self._passed, self._held = self._passed + 1, self._held[1:]
            return True
        while not self._is_over:
            self._fill(2 * len(self._held))
        self.around, self._held = self.around + self._held, b""
        return False

    def unreadable(self, listed: bytes) -> UnreadableAnswer:
        """What is said of a list of records that is no JSON."""
        return unreadable(self._call, no_json(listed, (0, max(0, self._starts_at + self._passed - 1))))

    @property
    def gap(self) -> tuple[int, int]:
        """Where in `around` the records stood, and how many bytes of them."""
        return self._starts_at, self._passed

    def _fill(self, size: int) -> bool:
        """Hold more than so many bytes, where there are; whether anything is held."""
        parts, held = [self._held], len(self._held)
        while held <= size and not self._is_over:
            piece = next(self._pieces, None)
            if piece is None:
                self._is_over = True
                break
            parts.append(piece)
            held += len(piece)
            self._hold(held + len(self.around))
        self._held = parts[0] if len(parts) == 1 else b"".join(parts)
        return bool(self._held)

    def _list_start(self) -> int:
        """Where the first record of the list stands; 0: not known, or not yet."""
        begin = len(self._held) - len(self._held.lstrip(_BLANK))
        self._is_bare = self._held[begin : begin + 1] == b"["
        if self._is_bare:
            return begin + 1
        if self._held[begin : begin + 1] != b"{":
            return 0
        depth, names_a_list_until = 0, -1
        for token in _TOKEN.finditer(self._held):
            match self._held[token.start()]:
                case 0x22:  # a string; with a colon behind it, a name
                    is_list = depth == 1 and token[2] is not None and token[1].decode(errors="replace") in LISTS
                    names_a_list_until = token.end() if is_list else -1
                case 0x5B if token.start() == names_a_list_until:
                    return token.end()
                case 0x5B | 0x7B:
                    depth += 1
                case 0x5D | 0x7D:
                    depth -= 1
        return 0

    def _boundary(self) -> int:
        """Where the last whole record that is held ends: at the list's end, or at a comma between two records; -1: nowhere."""
        depth, cut = 0, -1
        for token in _TOKEN.finditer(self._held):
            match self._held[token.start()]:
                case 0x2C if not depth:
                    cut = token.start()
                case 0x5B | 0x7B:
                    depth += 1
                case 0x5D | 0x7D:
                    if not depth:
                        return token.start()
                    depth -= 1
        return cut
