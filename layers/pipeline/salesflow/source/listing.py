"""A list of records, checked: an answer of good records passes through C code once.

Only where that fails is each record looked at on its own; a bad one is set aside with the reason, and an answer with more
than 1% of them breaks the contract.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from msgspec import Raw, Struct

from salesflow.source.envelope import NO_JSON, mended, no_json, opened, parsed
from salesflow.source.records import RejectedRecord
from salesflow.source.refusals import broken, one_page, unreadable
from salesflow.source.schema import WHOLE_NUMBERS, InventoryItem, Product, Sale, SaleItem

MAX_BAD_SHARE = 0.01

_MISSING_FIELD = re.compile(r"Object missing required field `(\w+)`")
_DEEPEST = 3
_MOST_DIGITS = 400
_REPLACEMENT = "\ufffd"
_FIELDS = frozenset(
    field.encode_name for shape in (Sale, SaleItem, Product, InventoryItem) for field in msgspec.structs.fields(shape)
)


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
        return _checked(Decoded(self.call, kept, (*self.rejected, *bad.values()), self.answered))


def decode_list[Record: Struct](body: bytes, record_type: type[Record], *, call: str) -> Decoded[Record]:
    """The records of a list, bare or in one of the known wrappings.

    Raises UnreadableAnswer where the body is no JSON, SourceContractBroken where it is another shape, says that it failed
    or is not the whole, or where more than 1% of the records are bad.
    """
    envelope = opened(body, call)
    records = parsed(envelope.array, list[record_type])  # type: ignore[valid-type]  # a type variable is a type at run time
    decoded = (
        _one_by_one(envelope.array, record_type, call) if records is None else Decoded(call, records, (), len(records))
    )
    more = envelope.more(decoded.answered)
    if more is not None:
        raise one_page(call, more.said)
    return decoded


def _one_by_one[Record: Struct](array: bytes | Raw, record_type: type[Record], call: str) -> Decoded[Record]:
    """The records of a list of which something is wrong."""
    parts = parsed(array, list[Raw])
    if parts is None:
        parts = parsed(mended(bytes(memoryview(array))), list[Raw])
    if parts is None:
        raise unreadable(call, no_json(array))
    decode = msgspec.json.Decoder(record_type).decode
    records: list[Record] = []
    rejected: list[RejectedRecord] = []
    for position, part in enumerate(parts):
        try:
            records.append(decode(part))
        except NO_JSON as error:
            outcome = _second_look(bytes(memoryview(part)), position, record_type, call, str(error))
            if isinstance(outcome, RejectedRecord):
                rejected.append(outcome)
            else:
                records.append(outcome)
    return _checked(Decoded(call, records, tuple(rejected), len(parts)))


def _second_look[Record: Struct](
    part: bytes, position: int, record_type: type[Record], call: str, problem: str
) -> Record | RejectedRecord:
    """The record once its integral floats are integers, or what is wrong with it."""
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
    number, day = None, None
    if isinstance(value, dict):
        number = value.get("id")
        day = _day_of(value.get("saleDate"))
    known = isinstance(number, int) and not isinstance(number, bool) and abs(number) < 2**64
    return RejectedRecord(call, f"id {number}" if known else f"position {position}", field or "record", reason, day)


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


def _day_of(text: object) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) else None
    except ValueError:
        return None


def _checked[Record](decoded: Decoded[Record]) -> Decoded[Record]:
    """The same, unless more than 1% of the answer is bad: then it is not what we think it is, and no figure is made of it."""
    bad = decoded.rejected
    if len(bad) > MAX_BAD_SHARE * decoded.answered:
        examples = "; ".join(f"{record.record}, {record.field}: {record.reason}" for record in bad[:3])
        raise broken(decoded.call, f"answered {decoded.answered} records of which {len(bad)} are bad ({examples})")
    return decoded
