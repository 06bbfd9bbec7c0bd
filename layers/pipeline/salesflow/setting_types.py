"""What the values of settings may be: each form with what is said of another."""

import base64
import re
import struct
import zlib
from collections.abc import Callable
from datetime import date, time
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.numbers import is_currency
from pydantic import AfterValidator, BeforeValidator

from salesflow.mail_address import mail_address, unique_mailboxes
from salesflow.readers import bare, reader

_NO_PLACES = frozenset({"localtime", "posixrules", "Factory"})


def zone_key(value: str) -> str:
    """The name of an IANA time zone; not one that means whatever the machine is set to."""
    try:
        ZoneInfo("" if value in _NO_PLACES else value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no IANA time zone such as Asia/Shanghai") from None
    return value


def currency_code(value: str) -> str:
    """A code of ISO 4217."""
    if not is_currency(value):
        raise ValueError(f"{value!r} is no ISO 4217 currency code such as CNY")
    return value


def parts(value: object) -> object:
    """A list with commas between, each part once; what is a list already stays one."""
    if not isinstance(value, str):
        return value
    return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


def _mailboxes(value: object) -> object:
    found = parts(value)
    return unique_mailboxes(bare(str(one)) for one in found) if isinstance(found, tuple | list) else found


def somebody(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Readers of whom one at least can be mailed: the others' answers go there."""
    if not addresses:
        raise ValueError("names nobody; somebody must hear of failures")
    problems = [problem for address in addresses if (problem := _problem(mail_address, address))]
    if len(problems) == len(addresses):
        raise ValueError("names nobody who can be mailed: " + "; ".join(problems))
    return addresses


def unusable(address: str) -> str | None:
    """Why a reader cannot be told; None where he can."""
    return _problem(reader, address)


def can_be_mailed(address: str) -> bool:
    """Whether a reader is a mail address."""
    return _problem(mail_address, address) is None


def _problem(check: Callable[[str], str], value: str) -> str | None:
    try:
        check(value)
    except ValueError as problem:
        return str(problem)
    return None


ADDRESS_OF_A_SERVER = (
    r"(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost|host\.docker\.internal|172\.(1[6-9]|2\d|3[01])\.\d{1,3}\.\d{1,3}))"
    r"(:\d{1,5})?"
)
"""Where a server may be: https anywhere, plain http only on this very machine (the local cloud)."""

Recipients = Annotated[tuple[str, ...], BeforeValidator(_mailboxes)]
"""Who is to be told (`salesflow.readers`), as given. One who cannot be is refused when it is his turn, and is in nobody else's way."""


def like(pattern: str, says: str) -> AfterValidator:
    """A text of this form; `says` is what is said of another, which is not repeated: it may hold a password."""
    form = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise ValueError(says)
        return value

    return AfterValidator(check)


_COUNTRY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(=[^=]{1,60})?", re.ASCII)


def _holiday(value: str) -> str:
    if _COUNTRY.fullmatch(value):
        return value
    try:
        if found := _DAY.fullmatch(value):
            date.fromisoformat(found[1])
            return value
    except ValueError:
        pass  # the pattern of a date, and no day of the calendar: refused like the rest
    raise ValueError(f"{value!r} is neither a country such as CN or GB-SCT nor a day such as 2026-12-24=Christmas Eve")


Holiday = Annotated[str, AfterValidator(_holiday)]
"""A country (and subdivision), or a day with or without a name; `salesflow.holiday_dates` makes dates of them."""


LOGO_BYTES, LOGO_WIDTH, LOGO_HEIGHT = 32 * 1024, 800, 300
"""A logo's bounds: it travels with every read of the shop's settings, and into every page."""

PNG_BEGINS = "iVBORw0KGgo"
"""How every PNG begins, in base64."""


def png(value: str) -> str:
    """A PNG file within a logo's bounds, in base64: each pixel is there, so that no page meets a broken one."""
    try:
        width, height = _pixels(base64.b64decode(value, validate=True)) if value else (1, 1)
    except (ValueError, struct.error, zlib.error):
        raise ValueError("is no whole PNG file (not interlaced), in base64") from None
    if not (0 < width <= LOGO_WIDTH and 0 < height <= LOGO_HEIGHT):
        raise ValueError(f"has {width} x {height} pixels; at most {LOGO_WIDTH} x {LOGO_HEIGHT} are allowed")
    return value


def _pixels(body: bytes) -> tuple[int, int]:
    """Width and height of a PNG (W3C, Portable Network Graphics, section 5); raises ValueError, struct.error or zlib.error for another file."""
    if not body.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError("no PNG")
    chunks: list[tuple[bytes, bytes]] = []
    at = 8
    while at < len(body):
        (length,) = struct.unpack_from(">I", body, at)
        (check,) = struct.unpack_from(">I", body, at + 8 + length)
        if zlib.crc32(body[at + 4 : at + 8 + length]) != check:
            raise ValueError("a chunk is broken")
        chunks.append((body[at + 4 : at + 8], body[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks or chunks[0][0] != b"IHDR" or chunks[-1] != (b"IEND", b""):
        raise ValueError("a chunk is missing")
    width, height, depth, color, packed, filtered, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(color)
    if samples is None or depth not in (1, 2, 4, 8, 16) or packed or filtered or interlaced:
        raise ValueError("another kind of PNG")
    if color == 3 and b"PLTE" not in dict(chunks):
        raise ValueError("its palette is missing")
    if width > LOGO_WIDTH or height > LOGO_HEIGHT:
        return width, height
    whole = height * (1 + (width * depth * samples + 7) // 8)
    unpacked = zlib.decompressobj().decompress(b"".join(data for name, data in chunks if name == b"IDAT"), whole + 1)
    if len(unpacked) != whole:
        raise ValueError("pixels are missing, or too many")
    return width, height


_CLOCK = re.compile(r"(0\d|1[01]):[0-5]\d", re.ASCII)


def day_end(value: object) -> object:
    """A time of day before noon, written HH:MM."""
    if not isinstance(value, str):
        return value
    if not _CLOCK.fullmatch(value):
        raise ValueError(f"{value!r} is no time from 00:00 to 11:59, such as 04:00")
    return time.fromisoformat(value)
