"""Numbers, dates and times as people write them in a file of sales, read by what the whole file tells of their form.

`1.234` is a thousand and more in one file and a little over one in another, `03/11/2026` a day of November or of March: where
nothing in the file tells, it is refused and not guessed.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal

EITHER = "?"
_DATE = re.compile(
    r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?)?"
)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?")
_MONEY_BEFORE = re.compile(r"^(-?)[^\W\d_]{1,4}\.?(?=[\d.,-])")
_MONEY_BEHIND = re.compile(r"(?<=[\d.,])[^\W\d_]{1,4}\.?$")
_GROUPED = re.compile(r"\d{1,3}([.,])(?:\d{2,3}\1)*\d{3}")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


class Ambiguous(ValueError):
    """Dates may be read in two ways; `example` is one of them."""

    def __init__(self, example: str) -> None:
        super().__init__(
            f"{example!r} may be day/month or month/day or begin with a year, and no other date of the column tells; write 2026-11-30"
        )
        self.example = example


def decimal_mark(texts: Sequence[str], minor_digits: int) -> str:
    """Whether these numbers have a decimal point or comma; EITHER where none of them tells, or they contradict each other.

    A currency of three decimals (KWD) is written with them: the one mark before three digits is that of decimals.
    """
    found = {mark for text in texts if (mark := _mark(_amount(_plain(text)))) and mark != EITHER}
    if not found and minor_digits == 3:
        found = set(",.").intersection("".join(texts))
    return found.pop() if len(found) == 1 else EITHER


def number(text: str, mark: str, *, is_whole: bool = False, is_money: bool = True) -> Decimal:
    """An amount such as 1,234.50 or 1.234,50 or 2,55 or £3 or (12.00).

    mark: the file's decimal mark, where the text itself does not tell. is_whole: it has no decimals, so that a mark before three
    digits parts thousands. ValueError says what is wrong.
    """
    plain = _plain(text)
    if is_money:
        plain = _amount(plain)
    own = _mark(plain)
    if own == EITHER:
        own = mark
        if is_whole:
            own = "." if "," in plain else ","
        if own == EITHER:
            raise ValueError(
                "may be thousands or have three decimals, and no other number of the file tells; write 1234 or 1.2340"
            )
    decimals = own or "."
    whole, point, rest = plain.lstrip("-").partition(decimals)
    if ("," in whole or "." in whole) and not _GROUPED.fullmatch(whole):
        raise ValueError("is no number")
    sign = "-" if plain.startswith("-") else ""
    plain = sign + whole.replace(",", "").replace(".", "") + point.replace(",", ".") + rest
    if not _NUMBER.fullmatch(plain):
        raise ValueError("is no number")
    amount = Decimal(plain)
    if abs(amount) > 10**11:
        raise ValueError("is no amount")
    return amount


def _plain(text: str) -> str:
    """The digits and marks of a number: without signs of currencies and gaps, with a minus for parentheses."""
    plain = "".join(
        sign for sign in text if not sign.isspace() and sign not in "'’" and unicodedata.category(sign) != "Sc"
    ).replace("\N{MINUS SIGN}", "-")
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1]}"
    return plain


def _amount(plain: str) -> str:
    """The same without the letters of a currency before or behind it."""
    return _MONEY_BEHIND.sub("", _MONEY_BEFORE.sub(r"\1", plain, count=1), count=1)


def _mark(plain: str) -> str:
    """The decimal mark that a number shows, EITHER where its one mark may be that or part thousands, "" where it has none."""
    marks = [sign for sign in plain if sign in ",."]
    if not marks:
        return ""
    other = "." if marks[-1] == "," else ","
    if marks.count(marks[-1]) > 1:
        return other
    if len(marks) > 1:
        return marks[-1]
    before, _, behind = plain.lstrip("-").partition(marks[0])
    may_part = len(behind) == 3 and behind.isdecimal() and 1 <= len(before) <= 3 and before.strip("0") != ""
    return EITHER if may_part else marks[0]


def day_comes_first(texts: Iterable[str]) -> bool:
    """Whether 03/11/2026 is the third of November, by the column's own dates. Raises Ambiguous where they do not say."""
    firsts, seconds, years, unclear, is_dotted = set(), set(), set(), "", False
    for text in texts:
        found = _DATE.fullmatch(text)
        if found is None or len(found[1]) > 2:
            continue
        if len(found[4]) < 3:
            years.add(found[4])
        firsts.add(int(found[1]))
        seconds.add(int(found[3]))
        if found[1] != found[3]:
            unclear = text
        is_dotted = is_dotted or found[2] == "."
    if unclear and len(years) > len(firsts):  # 26/11/19, 26/11/20: it is the last number that changes from day to day
        raise Ambiguous(unclear)
    if is_dotted:
        return True
    if not unclear or max(firsts) > 12 or max(seconds) > 12:
        return bool(firsts) and max(firsts) > 12
    raise Ambiguous(unclear)


def moment(text: str, *, day_first: bool) -> datetime:
    """A date, with its time where it has one. ValueError says what is wrong."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _written_date(text, day_first)
    if found.tzinfo is not None:
        raise ValueError("has a time zone; write the shop's local time")
    if not date(1970, 1, 1) <= found.date() < date(2200, 1, 1):
        raise ValueError("is no date of a sale")
    return found


def _written_date(text: str, day_first: bool) -> datetime:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("is no date such as 2026-11-30 or 30/11/2026")
    one, _, two, three, *clock_parts = found.groups()
    if len(one) == 4:
        year, month, day = int(one), int(two), int(three)
    else:
        year = int(three) + (2000 if len(three) == 2 else 0)
        day, month = (int(one), int(two)) if day_first else (int(two), int(one))
    at = _clock(*clock_parts) if clock_parts[0] else time.min
    try:
        return datetime.combine(date(year, month, day), at)
    except ValueError:
        raise ValueError("is no date of the calendar") from None


def time_of_day(text: str) -> time:
    """A time such as 18:04, 6:04:30 pm, or the one of a whole moment. ValueError says what is wrong."""
    found = _TIME.fullmatch(text)
    if found is None:
        try:
            return datetime.fromisoformat(text).time()
        except ValueError:
            raise ValueError("is no time of day") from None
    return _clock(*found.groups())


def _clock(hour: str, minute: str, second: str | None, half: str | None) -> time:
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    try:
        return time(hours, int(minute), int(second or 0))
    except ValueError:
        raise ValueError("is no time of day") from None
