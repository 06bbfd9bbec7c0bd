"""How a value is printed: money, counts, shares, days and dates, by the CLDR rules of one language (Babel).

Every format prints through `Figures.show`, so that a figure looks the same wherever it stands.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from babel import Locale
from babel.dates import (
    format_date,
    format_interval,
    format_skeleton,
    format_time,
    get_datetime_format,
    get_day_names,
)
from babel.numbers import (
    format_decimal,
    format_percent,
    get_currency_symbol,
)

from salesflow.language import Language, words
from salesflow.money import Currency
from salesflow.windows import Window

type _Width = Literal["wide", "abbreviated"]
type Value = Any
"""An int, float, str, date or None, as the `Kind` beside it says."""

MISSING = "\u2013"
"""Printed where there is no value."""

_LONG_NUMBER = 10_000_000
_SHORT_NUMBER = 100
_NARROW_SIGNS = {
    **dict.fromkeys(("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP", "NAD"), "$"),
    **dict.fromkeys(("CNY", "JPY"), "\u00a5"),
    **dict.fromkeys(("GBP", "EGP"), "\u00a3"),
    "EUR": "\u20ac", "INR": "\u20b9", "KRW": "\u20a9", "NGN": "\u20a6", "VND": "\u20ab", "PHP": "\u20b1", "THB": "\u0e3f",
    "TRY": "\u20ba", "UAH": "\u20b4", "ILS": "\u20aa", "RUB": "\u20bd", "KZT": "\u20b8", "BDT": "\u09f3", "MNT": "\u20ae", "LAK": "\u20ad",
}  # fmt: skip
"""CLDR's narrow signs (Babel leaves them out): \u00a5, not CN\u00a5, for a shop that has no other currency."""
_COARSE_PERCENT = 10.0
_NO_CHANGE = 0.0005
_NO_WHOLE_CHANGE = 0.005
_NO_TENTH = 0.05
_WHOLE = "#,##0"
_ONE_DIGIT = "#,##0.0"
_ENDS_OF_INTERVALS = (Language.LN, Language.SW)
"""Languages whose intervals CLDR has not (Lingala: year, month, day) or has wrong (Swahili: 30 October to 22 November as "30 – 22 Nov")."""
_LINGALA_MONTHS = ("yanuali", "febluali", "marsi", "aprili", "mai", "yuni", "yuli", "agusti", "setembe", "okotobe", "novembe", "desembe")  # fmt: skip
"""The months as people in Kinshasa say and write them, long and short the same; CLDR counts them in long dates ("the tenth moon and one"
with tone marks) and has other names, shortened, in short ones."""
_LINGALA_DAYS = ("mokolo ya yambo", "mokolo ya mibale", "mokolo ya misato", "mokolo ya minei", "mokolo ya mitano", "mposo", "eyenga")  # fmt: skip
_LINGALA_SHORT = ("yam.", "mib.", "mis.", "min.", "mit.", "mpo.", "eye.")
_LINGALA_INITIALS = ("M1", "M2", "M3", "M4", "M5", "Mp", "Ey")
"""The first day, the second, and so on, in the letters of every day; CLDR's short names are consonants ("ybo") that nobody reads."""
_SWAHILI_DAYS = ("J\u2019tatu", "J\u2019nne", "J\u2019tano", "Alh.", "Ij.", "J\u2019mosi", "J\u2019pili")
_SWAHILI_INITIALS = ("J3", "J4", "J5", "Al", "Ij", "J1", "J2")
"""As they are written by hand, Jumatatu being the third day: CLDR has no short Swahili names, and the initials of the English ones."""
_YEAR = re.compile(r"[\s,]*y年?\s*")
_DIRECTION_MARKS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_NO_CHARACTERS = re.compile(
    "[\ufdd0-\ufdef\ufffe\uffff" + "".join(f"{chr(n)}{chr(n + 1)}" for n in range(0x1FFFE, 0x110000, 0x10000)) + "]"
)
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f"
)
_TOO_MANY_MARKS = re.compile(f"([{_MARKS}]{{4}})[{_MARKS}]+")


def _is_letter(char: str) -> bool:
    """Whether it is neither a symbol nor a space."""
    return unicodedata.category(char)[0] not in "SZ"


class Kind(StrEnum):
    """What a value is, and with it how it is printed and aligned."""

    MONEY = "money"
    """Whole minor units, printed without the currency's sign, which a page names once."""
    ESTIMATE = "estimate"
    """The same, of an amount that is not known to the minor unit: printed in whole major units."""
    COUNT = "count"
    """A whole number of things."""
    SHARE = "share"
    """A fraction, printed as a percentage."""
    CHANGE = "change"
    """A fraction, printed as a percentage with its sign."""
    DECIMAL = "decimal"
    """A number with one digit after the point."""
    DAY = "day"
    """A date."""
    WEEKDAY = "weekday"
    """0 Monday to 6 Sunday."""
    HOUR = "hour"
    """0 to 23."""
    NAME = "name"
    """Text that the merchant wrote: any script, any length, perhaps hostile."""
    TEXT = "text"
    """Text of ours."""

    @property
    def is_text(self) -> bool:
        """Whether it is aligned to the left."""
        return self in (Kind.NAME, Kind.TEXT, Kind.DAY, Kind.WEEKDAY, Kind.HOUR)


def printable(text: str) -> str:
    """The text on one line, without what could disturb a page: control characters, line breaks, marks that turn the
    direction of the text after it, halves of surrogate pairs and code points that are no characters (replaced by U+FFFD), and marks
    stacked above each other beyond the fourth, which would stand in the lines above."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _NO_CHARACTERS.sub("\ufffd", _DIRECTION_MARKS.sub("", text))
    return _TOO_MANY_MARKS.sub(r"\1", unicodedata.normalize("NFC", _BREAKS.sub(" ", text))).strip()


def sized(value: float, least: float = _NO_CHANGE) -> float:
    """The value, or 0 where less than nothing would be printed as nothing: -0.0% is none.
    least: half a unit of the last digit, of 0.1% where it is not said."""
    return 0.0 if -least < value < 0 else value


class Figures:
    """Prints values in one language and one currency; `words` says the texts around them.

    whole: amounts have no digits after the point, because the shop's have none though its currency would (francs, shillings).
    """

    def __init__(self, currency: str, language: Language = Language.EN, *, whole: bool = False) -> None:
        self.currency = Currency(currency)
        self.language = Language(language)
        self.words = words(self.language)
        self.locale = Locale.parse(self.language.locale)
        self.digits = 0 if whole else self.currency.digits

    @cached_property
    def currency_symbol(self) -> str:
        """The sign that marks amounts: the narrow one, or what the locale writes."""
        code = self.currency.code
        return _NARROW_SIGNS.get(code) or get_currency_symbol(code, locale=self.locale)

    def show(self, kind: Kind, value: Value) -> str:
        """The value as text; `MISSING` for None."""
        if value is None:
            return MISSING
        match kind:
            case Kind.MONEY | Kind.ESTIMATE:
                return self.amount(int(value), whole=kind is Kind.ESTIMATE)
            case Kind.COUNT:
                return format_decimal(value, locale=self.locale)
            case Kind.SHARE:
                return format_percent(sized(value), format=self._percent(_ONE_DIGIT), locale=self.locale)
            case Kind.CHANGE:
                return self.change(float(value))
            case Kind.DECIMAL:
                return format_decimal(sized(value, _NO_TENTH), format=_ONE_DIGIT, locale=self.locale)
            case Kind.DAY:
                return self.day(value)
            case Kind.WEEKDAY:
                return self.weekday(int(value))
            case Kind.HOUR:
                return f"{int(value):02d}:00"
            case Kind.NAME:
                return printable(str(value)) or MISSING
            case Kind.TEXT:
                return str(value)

    def money(self, minor: int) -> str:
        """An amount with all its digits and the currency's sign."""
        return self.priced(self.amount(abs(minor)), negative=minor < 0)

    def amount(self, minor: int, *, whole: bool = False) -> str:
        """An amount without the sign of its currency, for places that name it once for all. whole: in major units."""
        digits = 0 if whole else self.digits
        pattern = _WHOLE + (f".{'0' * digits}" if digits else "")
        number = self.currency.to_major(minor)
        rounded = number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
        return format_decimal(rounded or abs(rounded), format=pattern, locale=self.locale)

    def money_short(self, minor: int) -> str:
        """An amount for a place with little room: whole major units from 100 on, rounded to millions from 10 million on."""
        major = abs(self.currency.to_major(minor))
        if major < _SHORT_NUMBER:
            return self.money(minor)
        number = self._compact(major) if major >= _LONG_NUMBER else format_decimal(round(major), locale=self.locale)
        return self.priced(number, negative=minor < 0)

    def amount_short(self, minor: int) -> str:
        """An amount without its sign, in whole major units from 100 on."""
        major = self.currency.to_major(minor)
        return self.amount(minor) if abs(major) < _SHORT_NUMBER else format_decimal(round(major), locale=self.locale)

    def about(self, minor: int) -> int:
        """An estimate in minor units: the two digits that count, whole major units at the finest."""
        major = self.currency.to_major(minor)
        power = max(major.adjusted() - 1, 0) if major else 0
        return self.currency.to_minor(major.quantize(Decimal(1).scaleb(power), rounding=ROUND_HALF_UP))

    def money_about(self, minor: int, beside: int = 0) -> str:
        """An estimate with the currency's sign, as short as the larger one beside it."""
        rounded = self.about(minor)
        major, other = (abs(self.currency.to_major(each)) for each in (rounded, beside))
        short = max(major, other) >= _LONG_NUMBER
        number = self._compact(major) if short else format_decimal(round(major), locale=self.locale)
        return self.priced(number, negative=rounded < 0)

    def rate(self, percent: float) -> str:
        """A rate in percent, with as many digits as it has."""
        return format_percent(percent / 100, format=self._percent("#,##0.###"), locale=self.locale)

    def priced(self, number: str, *, negative: bool = False) -> str:
        """The number with the currency's sign where the locale has it, and between a letter and a digit the space that CLDR asks for
        (UTS 35, currency spacing; Babel leaves it out)."""
        pattern = self.locale.currency_formats["standard"].pattern.partition(";")[0]
        before, _, after = pattern.partition("\u00a4")
        sign = self.currency_symbol
        if "0" in before:
            space = "\u00a0" if before[-1:].isspace() or _is_letter(sign[0]) else ""
            text = f"{number}{space}{sign}"
        else:
            space = "\u00a0" if after[:1].isspace() or _is_letter(sign[-1]) else ""
            text = f"{sign}{space}{number}"
        return f"-{text}" if negative else text

    def axis(self, kind: Kind, value: float) -> str:
        """A mark on a chart's axis: as short as it can be. Amounts come in minor units and carry no currency sign."""
        number = self.currency.to_major(round(value)) if kind is Kind.MONEY else Decimal(value)
        text = self._compact(abs(number))
        return f"-{text}" if number < 0 and text != "0" else text

    def _compact(self, number: Decimal) -> str:
        """1.2M for 1,234,567, by CLDR's short compact format (UTS 35, part 3).

        Not Babel's: where a pattern holds one for negative numbers as well, as Swahili's thousand millions do, Babel 2.18 counts
        the zeros of both and prints ten times the number.
        """
        patterns: dict[str, Any] = self.locale.compact_decimal_formats["short"]["other"]
        start = max((start for start in map(int, patterns) if start <= number), default=0)
        pattern = patterns[str(start)].pattern.partition(";")[0] if start else "0"
        zeros = pattern.count("0")
        shown = number if pattern == "0" else number / (Decimal(start) / 10 ** (zeros - 1))
        text = format_decimal(round(shown, 1), format="0.#", locale=self.locale)
        return str(pattern.replace("0" * zeros, text))

    def _percent(self, number: str, *, signed: bool = False) -> str:
        """The locale's pattern of percentages (a French one has a space before the sign) with the digits of `number`."""
        pattern = self.locale.percent_formats[None].pattern.replace(_WHOLE, number)
        return f"+{pattern};-{pattern}" if signed else pattern

    def plural(self, one: str, many: str, /, count: int, **values: str) -> str:
        """`Words.plural` with the number, as it is printed, for `n`."""
        say = self.words.plural
        return say(one, many, count, n=self.show(Kind.COUNT, count), **values)

    def begun(self, text: str) -> str:
        """A sentence of ours that begins with a count: some languages have the thing's name first, which is no reason for a small letter."""
        return text[:1].upper() + text[1:]

    def sentences(self, *texts: str) -> str:
        """Whole sentences after each other, as the language spaces them; empty ones are left out."""
        return ("" if self.language is Language.ZH else " ").join(filter(None, texts))

    def pairs(self, counts: Iterable[tuple[str, int]]) -> str:
        """Counts by name on one line: "Low stock: 10, OK: 17"."""
        _ = self.words
        return self.listed([_("{label}: {text}", label=name, text=self.show(Kind.COUNT, n)) for name, n in counts])

    def listed(self, texts: Iterable[str], mark: str = ",") -> str:
        """Things after each other, between them the language's comma or semicolon."""
        if self.language is Language.ZH:
            return {",": "\uff0c", ";": "\uff1b"}[mark].join(texts)
        return f"{'\u202f' if mark == ';' and self.language is Language.FR else ''}{mark} ".join(texts)

    def change(self, fraction: float) -> str:
        """A relative change with its sign."""
        if abs(fraction) < _NO_CHANGE:
            return self.show(Kind.SHARE, 0)
        number = _ONE_DIGIT if abs(fraction) < _COARSE_PERCENT else _WHOLE
        return format_percent(fraction, format=self._percent(number, signed=True), locale=self.locale)

    def change_short(self, fraction: float) -> str:
        """A relative change with its sign, in whole percents; what rounds to nothing is none."""
        if abs(fraction) < _NO_WHOLE_CHANGE:
            return self.percent(0)
        return format_percent(fraction, format=self._percent(_WHOLE, signed=True), locale=self.locale)

    def percent(self, fraction: float) -> str:
        """A fraction in whole percents."""
        return format_percent(sized(fraction, _NO_WHOLE_CHANGE), format=self._percent(_WHOLE), locale=self.locale)

    def part(self, fraction: float) -> str:
        """A part of a whole in whole percents, 100% for all of it alone."""
        return self.percent(fraction if fraction >= 1 else min(fraction, 0.99))

    def signed_money(self, minor: int) -> str:
        """A difference of amounts with its sign."""
        return ("+" if minor > 0 else "") + self.money(minor)

    def day(self, value: date) -> str:
        """22 Nov 2026."""
        return self._dated(format_skeleton("yMMMd", value, locale=self.locale), value)

    def day_short(self, value: date) -> str:
        """22 Nov."""
        return self._dated(format_skeleton("MMMd", value, locale=self.locale), value)

    def day_with_weekday(self, value: date) -> str:
        """Sun, 22 Nov."""
        return self._dated(format_skeleton("MMMEd", value, locale=self.locale), value)

    def day_long(self, value: date) -> str:
        """Sunday, 22 November 2026."""
        return self._dated(format_date(value, "full", locale=self.locale), value)

    def day_named(self, value: date) -> str:
        """Sunday, 22 November."""
        full = self.locale.date_formats["full"].pattern
        return self._dated(format_date(value, _YEAR.sub("", full), locale=self.locale), value)

    def _dated(self, text: str, value: date) -> str:
        """The date with the month's everyday name, and in French the first of a month as it is said (1er)."""
        if self.language is Language.FR and value.day == 1:
            return re.sub(r"\b1\b", "1er", text, count=1)
        if self.language is not Language.LN:
            return text
        day = value.weekday()
        widths: tuple[_Width, ...] = ("wide", "abbreviated")
        own = {get_day_names(width, locale=self.locale)[day]: self._day_names(width)[day] for width in widths}
        months = self.locale.months["format"]
        own |= {months[width][value.month]: _LINGALA_MONTHS[value.month - 1] for width in widths}
        return re.sub("|".join(map(re.escape, own)), lambda found: str(own[found[0]]), text)

    def weekday(self, index: int) -> str:
        """Monday for 0."""
        return str(self._day_names("wide")[index])

    def weekday_short(self, index: int) -> str:
        """Mon for 0."""
        own = {Language.SW: _SWAHILI_DAYS, Language.LN: _LINGALA_SHORT}.get(self.language)
        return str((own or get_day_names("abbreviated", locale=self.locale))[index])

    def weekday_letter(self, index: int) -> str:
        """M for Monday, as short as the language has it."""
        own = {Language.SW: _SWAHILI_INITIALS, Language.LN: _LINGALA_INITIALS}.get(self.language)
        return str((own or get_day_names("narrow", locale=self.locale))[index])

    def _day_names(self, width: _Width) -> Mapping[int, str]:
        if self.language is not Language.LN:
            return get_day_names(width, locale=self.locale)
        return {n: name if width == "wide" else name.split()[-1] for n, name in enumerate(_LINGALA_DAYS)}

    def moment(self, value: datetime) -> str:
        """22 Nov 2026, 21:45."""
        pattern = str(get_datetime_format("medium", locale=self.locale))
        return pattern.format(format_time(value, "HH:mm", locale=self.locale), self.day(value.date()))

    def clock(self, hour: int) -> str:
        """09:00 for 9."""
        return format_time(time(hour), "HH:mm", locale=self.locale)

    def window(self, window: Window) -> str:
        """Sunday, 22 November 2026, or 16–22 Nov 2026."""
        if window.days == 1:
            return self.day_long(window.first)
        return self._interval(window, "yMMMd", self.day)

    def window_short(self, window: Window) -> str:
        """Sun, 22 Nov, or 16–22 Nov."""
        if window.days == 1:
            return self.day_with_weekday(window.first)
        return self._interval(window, "MMMd", self.day_short)

    def _interval(self, window: Window, skeleton: str, day: Callable[[date], str]) -> str:
        if self.language not in _ENDS_OF_INTERVALS:
            return format_interval(window.first, window.last, skeleton, locale=self.locale)
        first, last = window.first, window.last
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day}–{day(last)}"
        return f"{day(first) if first.year != last.year else self.day_short(first)} – {day(last)}"

    def window_shortest(self, window: Window) -> str:
        """22 Nov, or 16–22 Nov."""
        return self.day_short(window.first) if window.days == 1 else self.window_short(window)
