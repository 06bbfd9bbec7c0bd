"""Tables on PDF pages: one-line rows that break across pages under a repeated header."""

from collections.abc import Sequence
from typing import Final

from reportlab.platypus import Flowable

from salesflow.figures import Figures, Kind
from salesflow.reports.content.charts import Role
from salesflow.reports.content.document import Row, Table, Tone
from salesflow.reports.content.palette import INK, LIGHT, ORANGE, QUIET
from salesflow.reports.pdf.fonts import BOLD, REGULAR, cut, width
from salesflow.reports.pdf.text import draw_text, rule

ROW: Final = 15.5
FEWEST_ROWS: Final = 3
"""No page holds fewer rows of a table than these, but for a table that has fewer."""

_CELL_GAP: Final = 12.0


class Rows(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """A table of one-line rows that breaks across pages under a repeated header."""

    def __init__(
        self,
        header: Sequence[str],
        rows: Sequence[tuple[Sequence[str], str]],
        kinds: Sequence[Kind],
        widths: Sequence[float],
    ) -> None:
        """rows: cells and role of each ("", "bad", "rest", "total")."""
        super().__init__()
        self._header, self._rows, self._kinds, self._widths = header, rows, kinds, widths
        self.width = sum(widths)
        self.height = (len(rows) + 1) * ROW + 2

    @classmethod
    def of(cls, table: Table, figures: Figures, wide: float, limit: int) -> "Rows":
        """The first rows of a table, one that sums the rest, and its totals."""

        def cells(row: Row) -> list[str]:
            return [figures.show(column.kind, value) for column, value in zip(table.columns, row, strict=True)]

        def sums(row: Row) -> list[str]:
            return [
                "" if value == "" else figures.show(column.kind, value)
                for column, value in zip(table.columns, row, strict=True)
            ]

        shown = table.shown(limit)
        marks = table.marks or (Tone.NEUTRAL,) * len(shown)
        rows: list[tuple[Sequence[str], str]] = [
            (cells(row), "bad" if mark is Tone.BAD else "") for row, mark in zip(shown, marks, strict=False)
        ]
        rest = table.rest(figures, limit)
        if rest is not None:
            rows.append((sums(rest), "rest"))
        rows += [(sums(row), "total") for row in table.totals]
        header = [column.label for column in table.columns]
        kinds = [column.kind for column in table.columns]
        widths = _widths(header, rows, kinds, wide)
        fitted = [
            (
                [
                    cut(cell, REGULAR, 8, widths[n] - _CELL_GAP) if kinds[n] is Kind.NAME else cell
                    for n, cell in enumerate(line)
                ],
                role,
            )
            for line, role in rows
        ]
        return cls(header, fitted, kinds, widths)

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def split(self, _: float, available: float) -> list[Flowable]:
        fit = int((available - 2) / ROW) - 1
        if fit < len(self._rows) < fit + FEWEST_ROWS:
            fit = len(self._rows) - FEWEST_ROWS
        if fit < FEWEST_ROWS:
            return []
        return [
            Rows(self._header, part, self._kinds, self._widths) for part in (self._rows[:fit], self._rows[fit:]) if part
        ]

    def draw(self) -> None:
        y = self.height - 11
        self._line(y, self._header, REGULAR, QUIET, 7.5)
        rule(self.canv, 0, y - 4.5, self.width, LIGHT[Role.AXIS])
        for cells, role in self._rows:
            y -= ROW
            bold = role == "total"
            self._line(y, cells, BOLD if bold else REGULAR, QUIET if role == "rest" else INK, 8, bad=role == "bad")
            rule(self.canv, 0, y - 4.5, self.width)

    def _line(  # a line of a table in one style
        self, y: float, cells: Sequence[str], font: str, color: str, size: float, *, bad: bool = False
    ) -> None:
        x = 0.0
        for n, (cell, kind, wide) in enumerate(zip(cells, self._kinds, self._widths, strict=True)):
            if kind is Kind.TEXT and bad:
                draw_text(self.canv, x, y, cell, size, BOLD, color=ORANGE)
            elif kind.is_text:
                draw_text(self.canv, x, y, cell, size, font, color=color)
            else:
                right = x + wide - (_CELL_GAP if n < len(cells) - 1 else 0)
                draw_text(self.canv, right, y, cell, size, font, color=color, anchor="end")
            x += wide


def _widths(
    header: Sequence[str], rows: Sequence[tuple[Sequence[str], str]], kinds: Sequence[Kind], wide: float
) -> list[float]:
    """Each column as wide as its widest cell; names share what is left."""
    widths = [
        max(
            width(label, REGULAR, 7.5),
            *(width(cells[n], BOLD if role == "total" else REGULAR, 8) for cells, role in rows),
        )
        + _CELL_GAP
        for n, label in enumerate(header)
    ]
    names = [n for n, kind in enumerate(kinds) if kind is Kind.NAME]
    others = sum(wanted for n, wanted in enumerate(widths) if n not in names)
    room = wide - others
    for n in names[1:]:
        widths[n] = min(widths[n], room * 0.3)
        room -= widths[n]
    if names:
        widths[names[0]] = room
    else:
        widths[0] += room
    return widths
