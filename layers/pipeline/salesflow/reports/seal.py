"""A checksum inside a text-like file, so that any change to it after it was made is noticed.

The place of the checksum is filled with zeros while it is computed: 64 hexadecimal digits of SHA-256 between two marks.
"""

import hashlib
import re
from typing import Final

BLANK: Final = "0" * 64
"""What a renderer writes where the checksum will stand."""

MARK: Final = "salesflow-sha256:"
"""Stands right before the checksum."""

_SEAL: Final = re.compile(re.escape(MARK.encode()) + rb"([0-9a-f]{64})")


def seal(data: bytes) -> bytes:
    """The data with its checksum in the last place that waits for one.

    Raises ValueError where there is none.
    """
    blank = (MARK + BLANK).encode()
    place = data.rfind(blank)
    if place < 0:
        raise ValueError("There is no place for a checksum.")
    digest = hashlib.sha256(data).hexdigest().encode()
    return data[:place] + MARK.encode() + digest + data[place + len(blank) :]


def seal_holds(data: bytes) -> bool:
    """Whether the data has a checksum and is what it was computed of."""
    found = list(_SEAL.finditer(data))
    if not found:
        return False
    start, end = found[-1].span(1)
    blanked = data[:start] + BLANK.encode() + data[end:]
    return hashlib.sha256(blanked).hexdigest().encode() == found[-1].group(1)
