"""Lists of records, checked, of whatever size: pieces of good records pass through C code once.

Only where that fails is each record looked at on its own; a bad one is set aside with the reason, and an answer with more
than 1% of them breaks the contract.
"""

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import astuple

from salesflow.source.envelope import NO_JSON, Envelope, mended, opened, parsed
from salesflow.source.records import RejectedRecord
from salesflow.source.refusals import broken, one_page
from salesflow.source.schema import WHOLE_NUMBERS, InventoryItem, Product, Sale, SaleItem
from salesflow.source.stream import ListText

MAX_BAD_SHARE = 0.01

_MEMORY_OF_A_REJECTED = 800
_MEMORY_OF_A_RECORD = 1200
MEMORY_OF_A_CHARACTER = 8
"""What a text that is kept takes at most, by the character: as it is, and while tables are made of it."""
_MISSING_FIELD = re.compile(r"Object missing required field `(\w+)`")
_DEEPEST = 3
_MOST_DIGITS = 400
_LARGEST_LOOKED_AT = 2 * 2**20
"""Bytes of a bad record; as objects of Python they can be fifty times as many."""
_REPLACEMENT = "\ufffd"
_FIELDS = frozenset(
    field.encode_name for shape in (Sale, SaleItem, Product, InventoryItem) for field in msgspec.structs.fields(shape)
)

type Hold = Callable[[int], None]
"""Told how many bytes of memory are held; raises where they are more than there can be."""


def without_limit(_size: int) -> None:
    """For bodies that are in memory already."""


class ListReader[Record: Struct](ABC):
    """Reads the list of a call, page after page; what breaks off in the middle of a page leaves nothing of that page.

    record_type: what each record is decoded to. call: how messages name it.
    """

    def __init__(self, record_type: type[Record], call: str, hold: Hold = without_limit) -> None:
        self.call = call
        self.answered = 0
        self.rejected: list[RejectedRecord] = []
        self._record_type = record_type
        self._hold = hold
        self._decoder = msgspec.json.Decoder(record_type)
        self._growing: tuple[list[Any], ...] = (self.rejected,)
        """All that a page adds to."""

    def read(self, pieces: Iterable[bytes], headers: Mapping[str, str]) -> Envelope:
        """Take in a page, and answer what it says of itself.

        Raises UnreadableAnswer where it is no JSON, SourceContractBroken where it is another shape or says that it failed.
        """
        answered, sizes = self.answered, [len(grown) for grown in self._growing]
        try:
            envelope = self._read(pieces, headers)
        except BaseException:
            self.answered = answered
            for grown, size in zip(self._growing, sizes, strict=True):
                del grown[size:]
            raise
        return replace(envelope, records=self.answered - answered)

    def forget(self) -> None:
        """Begin again."""
        self.answered = 0
        for grown in self._growing:
            grown.clear()

    @abstractmethod
    def take(self, records: Sequence[Record]) -> None:
        """Take in good records, in the order of the answer."""

    @property
    def _held(self) -> int:
        """Bytes that are held of what was taken in."""
        return _MEMORY_OF_A_REJECTED * len(self.rejected)

    def _read(self, pieces: Iterable[bytes], headers: Mapping[str, str]) -> Envelope:
        text = ListText(pieces, self.call, lambda size: self._hold(size + self._held))
        is_streamed = text.open()
        while is_streamed:
            end = text.likely_end()
            if end < 0 or not self._take_all(text.listed(end)):
                end = text.certain_end()
                self._take_each(text.listed(end), text)
            if not text.take(end):
                break
        envelope = opened(text.around, self.call, headers, text.gap)
        if not is_streamed:
            self._take_each(envelope.array, text)
        elif parsed(envelope.array, list[Raw]):
            raise broken(self.call, "answered an object that holds its list twice")
        return envelope

    def _take_all(self, listed: bytes) -> bool:
        records = parsed(listed, list[self._record_type])  # type: ignore[name-defined]  # a type at run time
        if records is None:
            return False
        self.answered += len(records)
        self.take(records)
        return True

    def _take_each(self, listed: bytes | Raw, text: ListText) -> None:
        """Take in records of which something is wrong."""
        parts = parsed(listed, list[Raw])
        if parts is None:
            parts = parsed(mended(bytes(memoryview(listed))), list[Raw])
        if parts is None:
            raise text.unreadable(listed)
        records: list[Record] = []
        for position, part in enumerate(parts, self.answered):
            try:
                records.append(self._decoder.decode(part))
            except NO_JSON as error:
                outcome = _second_look(bytes(memoryview(part)), position, self._record_type, self.call, str(error))
                (self.rejected if isinstance(outcome, RejectedRecord) else records).append(outcome)  # type: ignore[arg-type]
        self.answered += len(parts)
        self.take(records)


@dataclass(frozen=True, slots=True)
class Decoded[Record]:
    """The good records of an answer, in its order, and the bad ones."""

    call: str
    records: Sequence[Record]
    rejected: tuple[RejectedRecord, ...]
    answered: int

    def without(self, bad: Mapping[int, RejectedRecord]) -> "Decoded[Record]":
        """The same without the records at some places of `records`, which are set aside too."""
        if not bad:
            return self
        kept = [record for place, record in enumerate(self.records) if place not in bad]
        rejected = (*self.rejected, *bad.values())
        ensure_good(self.call, rejected, self.answered)
        return Decoded(self.call, kept, rejected, self.answered)


class RecordReader[Record: Struct](ListReader[Record]):
    """Reads a list that is kept as records."""

    def __init__(self, record_type: type[Record], call: str, hold: Hold = without_limit) -> None:
        super().__init__(record_type, call, hold)
        self._records: list[Record] = []
        self._characters: list[int] = []
        self._growing = (*self._growing, self._records, self._characters)

    def take(self, records: Sequence[Record]) -> None:
        """Keep them."""
        self._records += records
        values = chain.from_iterable(map(astuple, records))
        self._characters.append(sum(len(value) for value in values if isinstance(value, str)))

    @property
    def _held(self) -> int:
        characters = MEMORY_OF_A_CHARACTER * sum(self._characters)
        return super()._held + _MEMORY_OF_A_RECORD * len(self._records) + characters

    def decoded(self) -> Decoded[Record]:
        """All of it. Raises SourceContractBroken where more than 1% of the records are bad."""
        ensure_good(self.call, self.rejected, self.answered)
        return Decoded(self.call, self._records, tuple(self.rejected), self.answered)


def read_whole(reader: ListReader[Any], body: bytes) -> None:
    """Read the one body that there is. Raises as `ListReader.read` does, and where it says that it is not all."""
    envelope = reader.read([body], {})
    more = envelope.more(envelope.records)
    if more is not None:
        raise one_page(reader.call, more.said)


def ensure_good(call: str, bad: Sequence[RejectedRecord], answered: int) -> None:
    """Raise SourceContractBroken where more than 1% of an answer is bad: it is not what we think it is, and no figure is made of it."""
    if len(bad) > MAX_BAD_SHARE * answered:
        examples = "; ".join(f"{record.record}, {record.field}: {record.reason}" for record in bad[:3])
        raise broken(call, f"answered {answered} records of which {len(bad)} are bad ({examples})")


def _second_look[Record: Struct](
    part: bytes, position: int, record_type: type[Record], call: str, problem: str
) -> Record | RejectedRecord:
    """The record once its integral floats are integers, or what is wrong with it."""
    if len(part) > _LARGEST_LOOKED_AT:
        return _rejected(call, position, None, *_described(problem))
    foreign = ""
    try:
        text = part.decode()
    except UnicodeDecodeError as error:
        foreign = f"Text that is not UTF-8 (the byte {part[error.start]:#04x})"
        text = part.decode(errors="replace")
    try:
        # The standard library reads numbers beyond all measure, which msgspec refuses, and so the record's id beside them.
        value = json.loads(mended(text.encode()), parse_int=_whole_number)
    except RecursionError:
        value, problem = None, "Nested too deeply"
    except ValueError:
        value, problem = None, "Cannot be read"
    if foreign:
        return _rejected(call, position, value, _path(value, lambda part: _REPLACEMENT in str(part)), foreign)
    endless = _path(value, lambda part: isinstance(part, float) and not math.isfinite(part))
    if endless:
        return _rejected(call, position, value, endless, "No finite number (NaN, Infinity or out of range)")
    if value is not None:
        try:
            return msgspec.convert(_with_whole_numbers(value), record_type)
        except msgspec.ValidationError as error:
            problem = str(error)
        except RecursionError:
            problem = "Nested too deeply"
    return _rejected(call, position, value, *_described(problem))


def _rejected(call: str, position: int, value: Any, field: str, reason: str) -> RejectedRecord:
    number, moment = None, None
    if isinstance(value, dict):
        number, moment = value.get("id"), _moment_of(value.get("saleDate"))
    known = isinstance(number, int) and not isinstance(number, bool) and abs(number) < 2**64
    record = f"id {number}" if known else f"position {position}"
    return RejectedRecord(call, record, field or "record", reason, moment)


def _path(value: Any, wanted: Callable[[Any], bool]) -> str:
    """Where the first wanted value stands among the API's fields, such as `items[0].subtotal`; empty where there is none."""
    return next((path for path, part in _leaves(value, "", 0) if wanted(part)), "")


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for name in value.keys() & _FIELDS:  # a name that the server made up goes into no message
            yield from _leaves(value[name], f"{path}.{name}".lstrip("."), depth + 1)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _leaves(part, f"{path}[{number}]", depth + 1)
    else:
        yield path, value


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) < _MOST_DIGITS else math.inf


def _with_whole_numbers(value: Any) -> Any:
    """The same with `2.0` made `2` in the fields that are integers: some servers write every number as a float."""
    if isinstance(value, dict):
        return {
            key: int(item)
            if isinstance(item, float) and key in WHOLE_NUMBERS and item.is_integer()
            else _with_whole_numbers(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    return value


def _described(problem: str) -> tuple[str, str]:
    """The field and the reason in msgspec's words, such as "Expected `int`, got `str` - at `$.items[0].quantity`"."""
    reason, _, path = problem.partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    missing = _MISSING_FIELD.fullmatch(reason)
    if missing:
        return f"{field}.{missing[1]}".lstrip("."), "Missing"
    if "matching regex" in reason:
        dated = field == "saleDate"
        reason = "Expected a local date and time without a zone" if dated else "Expected a text that is not blank"
    return field, reason


def _moment_of(said: object) -> datetime | None:
    """The moment that a text says, at noon where it says a day alone."""
    text = said if isinstance(said, str) else ""
    for time in (text[11:19], "12:00"):
        with suppress(ValueError):
            return datetime.fromisoformat(f"{text[:10]}T{time}")
    return None
