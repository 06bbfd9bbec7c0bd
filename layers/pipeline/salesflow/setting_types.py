"""What the values of settings may be: each form with what is said of another."""

import re
from datetime import date, time
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.numbers import is_currency
from pydantic import AfterValidator, BeforeValidator

from salesflow.mail_address import mail_address, unique_mailboxes


def zone_key(value: str) -> str:
    """The name of an IANA time zone."""
    try:
        ZoneInfo(value)
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
    return unique_mailboxes(map(str, found)) if isinstance(found, tuple | list) else found


def somebody(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses of which one at least can be mailed."""
    if not addresses:
        raise ValueError("names nobody; somebody must hear of failures")
    problems = {address: problem for address in addresses if (problem := unusable(address))}
    if len(problems) == len(addresses):
        raise ValueError("names nobody who can be mailed: " + "; ".join(problems.values()))
    return addresses


def unusable(address: str) -> str | None:
    """Why an address cannot be mailed; None where it can."""
    try:
        mail_address(address)
    except ValueError as problem:
        return str(problem)
    return None


Recipients = Annotated[tuple[str, ...], BeforeValidator(_mailboxes)]
"""Who is to be mailed, as given. One that cannot be is refused when it is its turn to be mailed, and is in nobody else's way."""


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


_CLOCK = re.compile(r"(0\d|1[01]):[0-5]\d", re.ASCII)


def day_end(value: object) -> object:
    """A time of day before noon, written HH:MM."""
    if not isinstance(value, str):
        return value
    if not _CLOCK.fullmatch(value):
        raise ValueError(f"{value!r} is no time from 00:00 to 11:59, such as 04:00")
    return time.fromisoformat(value)
