"""Cells of a workbook: values as what they are (numbers, dates, times of day, texts), in the report's formats. No text becomes a formula."""

import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Any, Final

from xlsxwriter.worksheet import Worksheet

from salesflow.figures import Figures, Kind, printable, sized

LONGEST_CELL: Final = 32_000
"""Excel takes 32,767 characters in a cell."""

BOLD_WIDER: Final = 1.15
_MEASURED: Final = 500
_WIDEST: Final = 46
_NUMBERS: Final = (Kind.MONEY, Kind.COUNT, Kind.SHARE, Kind.CHANGE, Kind.DECIMAL)
_FRACTIONS: Final = (Kind.SHARE, Kind.CHANGE)
_HOURS: Final = 24
_NUMBER_FORMATS: Final = {
    Kind.COUNT: "#,##0",
    Kind.SHARE: "0.0%",
    Kind.CHANGE: "+0.0%;-0.0%;0.0%",
    Kind.DECIMAL: "#,##0.0",
    Kind.DAY: 14,  # built in: a date as the reader's own country writes it
    Kind.HOUR: "hh:mm",
}


def money_format(figures: Figures) -> str:
    """The number format of amounts, with the digits that the shop's have; the sheet says once which currency it is."""
    return "#,##0" + (f".{'0' * figures.digits}" if figures.digits else "")


class Cells:
    """Writes values into the cells of one workbook; formats are made once."""

    def __init__(self, book: Any, figures: Figures) -> None:
        self._book, self._figures = book, figures
        self._formats: dict[tuple[Any, ...], Any] = {}

    def format(self, **properties: Any) -> Any:
        """The format with those properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(properties)
        return self._formats[key]

    def of_kind(self, kind: Kind, **extra: Any) -> Any:
        """The format of a kind of value."""
        properties: dict[str, Any] = {}
        if kind is Kind.MONEY:
            properties["num_format"] = money_format(self._figures)
        elif kind in _NUMBER_FORMATS:
            properties["num_format"] = _NUMBER_FORMATS[kind]
        if kind in (Kind.DAY, Kind.HOUR):
            properties["align"] = "left"
        return self.format(**properties, **extra)

    @staticmethod
    def beside(kind: Kind, column: int) -> dict[str, int]:
        """What keeps a text apart from the figures that end where it begins."""
        return {"indent": 1} if kind in (Kind.TEXT, Kind.WEEKDAY, Kind.DAY) or (kind is Kind.NAME and column) else {}

    def put(self, sheet: Worksheet, row: int, column: int, kind: Kind, value: Any, **extra: Any) -> None:
        """One value. Text in the place of a number (the name of a total, say) stays text."""
        style = self.of_kind(kind, **{**self.beside(kind, column), **extra})
        if value is None or value == "":
            sheet.write_blank(row, column, None, style)
        elif isinstance(value, str):
            sheet.write_string(row, column, printable(value)[:LONGEST_CELL], style)
        elif kind is Kind.MONEY:
            sheet.write_number(row, column, float(self._figures.currency.to_major(value)), style)
        elif kind is Kind.DAY:
            sheet.write_datetime(row, column, datetime.combine(value, time()), style)
        elif kind is Kind.HOUR:
            sheet.write_number(row, column, value / _HOURS, style)
        elif kind is Kind.WEEKDAY:
            sheet.write_string(row, column, self._figures.weekday(value), style)
        else:
            sheet.write_number(row, column, sized(value) if kind in _FRACTIONS else value, style)

    def wide(self, kind: Kind, values: Sequence[Any], least: float = 0.0) -> float:
        """How wide a column must be to show each of its figures, or its first texts, in characters."""
        known = [value for value in values if value not in (None, "")]
        if kind in _NUMBERS and known:
            known = [max(known), min(known)]
        texts = (self._figures.show(kind, value) for value in known[:_MEASURED])
        found = max([least, *(columns_of(text) + 2 for text in texts)])
        return found if kind in _NUMBERS else min(found, _WIDEST)

    def writer(self, sheet: Worksheet, column: int, kind: Kind, **extra: Any) -> Callable[[int, Any], object]:
        """`put` for one column of very many rows: what does not change from row to row is looked up once."""
        style = self.of_kind(kind, **self.beside(kind, column), **extra)
        scale = 10**self._figures.currency.digits if kind is Kind.MONEY else 1

        def write_fraction(row: int, value: Any) -> object:
            return sheet.write_number(row, column, sized(value), style) if value is not None else None

        def write_number(row: int, value: Any) -> object:
            return sheet.write_number(row, column, value / scale, style) if value is not None else None

        def write_text(row: int, value: Any) -> object:
            return sheet.write_string(row, column, printable(value)[:LONGEST_CELL], style) if value else None

        def write_own(row: int, value: Any) -> object:
            return sheet.write_string(row, column, value, style) if value else None

        if kind in _FRACTIONS:
            return write_fraction
        if kind in _NUMBERS:
            return write_number
        if kind is Kind.NAME:
            return write_text
        if kind is Kind.TEXT:
            return write_own
        return lambda row, value: self.put(sheet, row, column, kind, value, **extra)


def heading_width(label: str) -> float:
    """How wide a column must be for its heading, in bold."""
    return columns_of(label) * BOLD_WIDER + 1


def columns_of(text: str) -> int:
    """How many characters wide a text is: East Asian signs take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
