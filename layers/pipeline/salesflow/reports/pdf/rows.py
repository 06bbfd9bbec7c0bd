"""Tables on PDF pages: one-line rows that break across pages under a repeated header."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.platypus import Flowable

from salesflow.figures import Figures, Kind, Value
from salesflow.reports.content.charts import Role
from salesflow.reports.content.document import Column, Row, Table, Tone
from salesflow.reports.content.palette import INK, LIGHT, ORANGE, QUIET
from salesflow.reports.pdf.fonts import BOLD, REGULAR, cut_apart, has_boxes, width
from salesflow.reports.pdf.tags import artefact, cell, grouped
from salesflow.reports.pdf.text import draw_text, rule

ROW: Final = 13.5
FEWEST_ROWS: Final = 3
"""No page holds fewer rows of a table than these, but for a table that has fewer."""

_CELL_GAP: Final = 9.0
_SIZE: Final = 8.0
_HEADER: Final = 7.5
_SCALES: Final = (1.0, 0.9, 0.8)
_NAME_ROOM: Final = 90.0
"""Names have at least so much room, or what they need, and words of ours all that they need: before they have less, columns of minor use
are left out, then all is set smaller, then amounts are rounded."""
_BARS: Final = (70.0, 40.0)
"""Room for bars: where columns would be left out for it, shorter ones do."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """A table as it fits: its columns, the text of each cell with the row's role ("", "bad", "strong", "rest", "total"), the widths."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[tuple[str, ...], str], ...]
    widths: tuple[float, ...]
    scale: float
    bars: tuple[float, ...]
    """Of each row the length of its bar, 0 to 1; empty where there is no room for any."""
    bar: float = 0.0
    """The room for the longest of them, in points."""
    goes_on: bool = False
    """Whether it goes on from the page before: its header is said once."""
    key: object = field(default_factory=object)
    """The same in all parts of a table."""


class Rows(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """A table of one-line rows that breaks across pages under a repeated header. A table of two columns needs no header."""

    def __init__(self, grid: _Grid) -> None:
        super().__init__()
        self._grid = grid
        self._headed = len(grid.columns) > 2
        self.width = sum(grid.widths)
        self.height = (len(grid.rows) + self._headed) * ROW + 2

    @classmethod
    def of(cls, table: Table, figures: Figures, wide: float, limit: int) -> "Rows":
        """The first rows of a table, one that sums the rest, and its totals, in the room that there is."""
        return cls(_fitted(table, figures, wide, limit))

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def split(self, _: float, available: float) -> list[Flowable]:
        rows, bars = self._grid.rows, self._grid.bars
        fit = int((available - 2) / ROW) - self._headed
        if fit < len(rows) < fit + FEWEST_ROWS:
            fit = len(rows) - FEWEST_ROWS
        if fit < FEWEST_ROWS:
            return []
        parts = ((rows[:fit], bars[:fit]), (rows[fit:], bars[fit:]))
        on = self._grid.goes_on
        return [
            Rows(replace(self._grid, rows=part, bars=long, goes_on=on or n > 0))
            for n, (part, long) in enumerate(parts)
            if part
        ]

    def draw(self) -> None:
        grid, scale = self._grid, self._grid.scale
        y = self.height + ROW - 11
        if self._headed:
            y -= ROW
            rule(self.canv, 0, y - 4, self.width, LIGHT[Role.AXIS])
            with artefact(self.canv) if grid.goes_on else grouped(self.canv, "Table", key=grid.key):
                labels = [column.label for column in grid.columns]
                self._line(y, labels, REGULAR, QUIET, _HEADER * scale, scope="" if grid.goes_on else "Column")
        for n, (cells, role) in enumerate(grid.rows):
            y -= ROW
            font = BOLD if role in ("total", "strong") else REGULAR
            color = QUIET if role == "rest" else INK
            long = grid.bars[n] if grid.bars else 0.0
            with grouped(self.canv, "Table", key=grid.key):
                self._line(y, cells, font, color, _SIZE * scale, bad=role == "bad", bar=long, scope="Row")
            if self._headed or role == "strong":
                rule(self.canv, 0, y - 4, self.width)

    def _line(  # a line of a table in one style
        self,
        y: float,
        cells: Sequence[str],
        font: str,
        color: str,
        size: float,
        *,
        scope: str,
        bad: bool = False,
        bar: float = 0.0,
    ) -> None:
        """scope: what its first cell heads, "Column" (as each of its cells) or "Row"; empty for a line that is drawn again."""
        x, last = 0.0, len(cells) - 1
        with grouped(self.canv, "TR") if scope else nullcontext():
            for n, (text, column, wide) in enumerate(zip(cells, self._grid.columns, self._grid.widths, strict=True)):
                mine, ink = (BOLD, ORANGE) if column.kind is Kind.TEXT and bad else (font, color)
                right = not column.kind.is_text
                place = x + wide - (_CELL_GAP if n < last else 0) if right else x
                with cell(self.canv, scope if n == 0 or scope == "Column" else "") if scope else nullcontext():
                    draw_text(self.canv, place, y, text, size, mine, color=ink, anchor="end" if right else "start")
                if right and column.bar and bar > 0:
                    self.canv.setFillColor(HexColor(LIGHT[Role.STRONG]))
                    with artefact(self.canv):
                        self.canv.rect(x, y - 0.5, max((self._grid.bar - 8) * bar, 0.8), 6, stroke=0, fill=1)
                x += wide


def _fitted(table: Table, figures: Figures, wide: float, limit: int) -> _Grid:
    """The first way to set the table that leaves its names room; nothing but names is ever cut."""
    minor = [n for n, column in enumerate(table.columns) if column.minor]
    named = any(column.kind is Kind.NAME for column in table.columns)
    tries = [(left_out, 1.0, False, bar) for left_out in range(len(minor) + 1) for bar in _BARS]
    tries += [(len(minor), scale, rounded, 0.0) for rounded in (False, True) for scale in _SCALES]
    grid = None
    for without, scale, rounded, bar in tries:
        left_out = set(minor[len(minor) - without :])
        kept = [n for n in range(len(table.columns)) if n not in left_out]
        grid, room, wanted = _grid(table, figures, wide, limit, kept, scale, rounded=rounded, bar=bar)
        if room >= (min(_NAME_ROOM, wanted) if named else wanted):
            break
    assert grid is not None  # noqa: S101  # there is always a last try
    return grid


def _grid(
    table: Table, figures: Figures, wide: float, limit: int, kept: list[int], scale: float, *, rounded: bool, bar: float
) -> tuple[_Grid, float, float]:
    """The table in one way, the room that is left for its first names, and the room that they want."""
    columns = tuple(table.columns[n] for n in kept)

    def text(column: Column, value: Value) -> str:
        if rounded and column.kind in (Kind.MONEY, Kind.ESTIMATE) and isinstance(value, int):
            return figures.axis(Kind.MONEY, value)
        return figures.show(column.kind, value)

    def cells(row: Row, *, sums: bool = False) -> tuple[str, ...]:
        return tuple("" if sums and row[n] == "" else text(table.columns[n], row[n]) for n in kept)

    shown = table.shown(limit)
    roles = {Tone.BAD: "bad", Tone.GOOD: "strong", Tone.NEUTRAL: ""}
    marks = table.marks or (Tone.NEUTRAL,) * len(shown)
    rows = [(cells(row), roles[mark]) for row, mark in zip(shown, marks, strict=False)]
    for n, sku in enumerate(table.skus[: len(rows)]):
        (name, *others), role = rows[n]
        if sku not in name and has_boxes(name):
            rows[n] = ((f"{sku} {name}", *others), role)
    rest = table.rest(figures, limit)
    if rest is not None:
        rows.append((cells(rest, sums=True), "rest"))
    rows += [(cells(row, sums=True), "total") for row in table.totals]
    lengths = _bars(table, shown, len(rows)) if bar else ()
    widths = [
        max(
            width(column.label, REGULAR, _HEADER * scale) if len(columns) > 2 else 0.0,
            *(width(line[n], REGULAR if role in ("", "rest") else BOLD, _SIZE * scale) for line, role in rows),
        )
        + (_CELL_GAP if n < len(columns) - 1 else 0)
        + (bar if column.bar and lengths else 0)
        for n, column in enumerate(columns)
    ]
    names = [n for n, column in enumerate(columns) if column.kind is Kind.NAME]
    wanted = sum(widths[n] for n in names) if names else widths[0]
    flexible = names or [0]
    room = wide - sum(widths[n] for n in range(len(widths)) if n not in flexible)
    left = room
    for n in names[1:]:
        widths[n] = max(min(widths[n], left * 0.3), 0.0)
        left -= widths[n]
    if names or len(widths) <= 2:
        widths[flexible[0]] = max(left, 0.0)
    else:  # what is over is shared out
        spare = max(left - widths[0], 0.0) / len(widths)
        widths = [min(each, max(left, 0.0)) + spare if n == 0 else each + spare for n, each in enumerate(widths)]
    lines = list(zip(*(line for line, _role in rows), strict=True)) if rows else []
    for n in flexible if rows else ():
        lines[n] = tuple(cut_apart(lines[n], REGULAR, _SIZE * scale, widths[n] - _CELL_GAP))
    fitted = tuple(zip(zip(*lines, strict=True), (role for _line, role in rows), strict=True))
    return _Grid(columns, fitted, tuple(widths), scale, lengths, bar), room, wanted


def _bars(table: Table, shown: Sequence[Row], count: int) -> tuple[float, ...]:
    """How long the bar of each row is; empty for a table that has none."""
    place = next((n for n, column in enumerate(table.columns) if column.bar), None)
    if place is None:
        return ()
    longest = max((row[place] for row in shown), default=0)
    lengths = [max(row[place] / longest, 0.0) if longest > 0 else 0.0 for row in shown]
    return tuple(lengths) + (0.0,) * (count - len(lengths))
