"""What commands print: tables and progress on a terminal, lines with tabs in a pipe, JSON where --json asks for it.

Standard output holds the result and nothing else; remarks, progress and questions go to standard error. Colour is for terminals,
and NO_COLOR turns it off (rich sees to both). On a terminal no id, date, status, path or link is ever broken: a table that is too wide
for it leaves its minor columns out, then becomes one card a row. In a pipe a moment is ISO 8601 with its offset.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Progress

STYLES = {
    "SUCCEEDED": "green",
    "SENT": "green",
    "OK": "green",
    "ENABLED": "green",
    "DUPLICATE": "cyan",
    "RUNNING": "cyan",
    "PARTIAL": "yellow",
    "SKIPPED_EMPTY": "yellow",
    "SKIPPED_STALE": "yellow",
    "DISABLED": "yellow",
    "WARNING": "yellow",
    "FAILED": "red",
    "REFUSED": "red",
}

NARROW = 70
"""On a terminal of fewer columns a table becomes cards."""
LEAST_PROSE = 20
"""As many columns a column of prose has, before others are left out for it."""
GAP = 2

type Cell = str | Text | datetime
"""A datetime is shown as its zone's clock on a terminal, and whole in a pipe."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def status(word: str) -> Text:
    """A status word in its colour."""
    return Text(word, style=STYLES.get(word, ""))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns. In a pipe: the columns' names, then one line a row, cells apart by tabs; no title.

    `prose` are the columns whose text may wrap on a terminal, `minor` those that are left out there first, in their order, where there is no
    room; the text of `below` stands under its row there, where it has one; `empty` is said instead, on standard error, where there is no row.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str = "None."
    prose: Collection[str] = ()
    minor: Sequence[str] = ()
    below: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and their values, one a line."""

    title: str
    pairs: Sequence[tuple[str, Cell]]


@dataclass(frozen=True, slots=True)
class Lines:
    """Plain lines of the result."""

    lines: Sequence[Cell]


type Part = Table | Facts | Lines


class Output:
    """Where a command's words go. `as_json`: the result is the data alone."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._console = Console()
        self._remarks = Console(stderr=True)

    @property
    def is_terminal(self) -> bool:
        """Whether somebody looks at the result on a terminal."""
        return self._console.is_terminal and not self.as_json

    def show(self, data: Any, *parts: Part) -> None:
        """The result: `data` (dataclasses, dates and enums are made JSON) with --json, else the parts, one after another."""
        if self.as_json:
            self.line(as_json(data))
            return
        for part in parts:
            self._part(part)

    def line(self, text: str) -> None:
        """One line of the result, as it is."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def note(self, text: str, *, style: str = "") -> None:
        """A remark, on standard error."""
        self._remarks.print(Text(text, style=style), highlight=False, soft_wrap=True)

    def confirm(self, question: str, *, yes: bool) -> bool:
        """Whether to go on: `yes` (the option --yes) says so; else a terminal is asked, and a pipe means no."""
        if yes:
            return True
        if not (sys.stdin.isatty() and self._remarks.is_terminal):
            self.note(f"{question} Nobody can be asked here: say --yes.")
            return False
        return typer.confirm(question, err=True)

    @contextmanager
    def progress(self, description: str, *, total: int | None = None) -> Iterator[Working]:
        """While the block runs: a bar (or a spinner where `total` is not known) on a terminal, nothing in a pipe."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()]
        if total is not None:
            columns[2:2] = [BarColumn(), MofNCompleteColumn()]
        shown = not self.as_json and self._remarks.is_terminal
        with Progress(*columns, console=self._remarks, disable=not shown, transient=True) as bar:
            yield Working(bar, description, total)

    def _part(self, part: Part) -> None:
        match part:
            case Lines(lines):
                for line in lines:
                    if self._console.is_terminal:
                        self._wide(_text(line))
                    else:
                        self.line(_piped(line))
            case Facts(title, pairs):
                self._facts(title, pairs)
            case Table():
                self._table(part)

    def _facts(self, title: str, pairs: Sequence[tuple[str, Cell]]) -> None:
        if not self._console.is_terminal:
            for name, value in pairs:
                self.line(f"{name}\t{_piped(value)}")
            return
        if title:
            self._console.print(Text(title, style="bold underline"))
        width = max((cell_len(name) for name, _ in pairs), default=0) + GAP
        for name, value in pairs:
            self._wide(Text(name.ljust(width), style="bold") + _text(value))

    def _wide(self, line: Text) -> None:
        """A line that the terminal may break, and this program does not: a link in it stays one."""
        self._console.print(line, highlight=False, soft_wrap=True)

    def _table(self, table: Table) -> None:
        if not table.rows:
            self.note(table.empty)
            return
        if not self._console.is_terminal:
            self.line("\t".join(table.columns))
            for row in table.rows:
                self.line("\t".join(map(_piped, row)))
            return
        if table.title:
            self._console.print(Text(table.title, style="bold"))
        cells = [[_text(cell) for cell in row] for row in table.rows]
        shown, left_out = self._fitting(table, cells)
        if shown is None:
            self._cards(table.columns, cells)
            return
        from rich.table import Table as RichTable

        laid_out = RichTable(header_style="dim", box=None, padding=(0, GAP, 0, 0))
        for name in shown:
            laid_out.add_column(name, overflow="fold", no_wrap=name not in table.prose)
        for row in cells:
            named = dict(zip(table.columns, row, strict=True))
            laid_out.add_row(*(named[name] for name in shown))
            if table.below and named[table.below].plain:
                laid_out.add_row(*[""] * (len(shown) - 1), Text("-> ") + named[table.below])
        self._console.print(laid_out)
        if left_out:
            self.note(f"No room for {', '.join(left_out)}: --json has all.", style="dim")

    def _fitting(self, table: Table, cells: Sequence[Sequence[Text]]) -> tuple[list[str] | None, list[str]]:
        """The columns that there is room for, and those that are left out; None where only cards will do."""
        needed = {
            name: LEAST_PROSE if name in table.prose else max(cell_len(name), *(row[n].cell_len for row in cells))
            for n, name in enumerate(table.columns)
            if name != table.below
        }
        left_out: list[str] = []
        minor = [name for name in table.minor if name in needed]
        while sum(needed.values()) + GAP * len(needed) > self._console.width:
            if not minor or self._console.width < NARROW:
                return None, []
            left_out.append(minor.pop(0))
            del needed[left_out[-1]]
        return list(needed), left_out

    def _cards(self, columns: Sequence[str], cells: Sequence[Sequence[Text]]) -> None:
        width = max(map(cell_len, columns)) + GAP
        for number, row in enumerate(cells):
            if number:
                self._console.print()
            for name, cell in zip(columns, row, strict=True):
                if cell.plain:
                    self._wide(Text(name.ljust(width), style="dim") + cell)


class Working:
    """A piece of work that is under way."""

    def __init__(self, bar: Progress, description: str, total: int | None) -> None:
        self._bar = bar
        self._task = bar.add_task(description, total=total)

    def at(self, description: str) -> None:
        """Say what is being done now."""
        self._bar.update(self._task, description=_text(description).plain)

    def advance(self, count: int = 1) -> None:
        """So many more are done."""
        self._bar.advance(self._task, count)


def _text(cell: Cell) -> Text:
    """A cell without what would move a terminal's cursor or break a line of tabs: names come from other people's data."""
    if isinstance(cell, datetime):
        return Text(f"{cell:%a %Y-%m-%d %H:%M}")
    if isinstance(cell, Text):
        return Text(_UNPRINTABLE.sub(" ", cell.plain), style=cell.style)
    return Text(_UNPRINTABLE.sub(" ", cell))


def _piped(cell: Cell) -> str:
    """A cell for a program."""
    return cell.isoformat(timespec="seconds") if isinstance(cell, datetime) else _text(cell).plain


def as_json(data: Any) -> str:
    """Data as JSON text: dataclasses, dates, enums and paths as what they stand for."""
    return json.dumps(data, default=_plain, indent=1, ensure_ascii=False)


def _plain(value: object) -> object:
    """A value that JSON does not know, as one that it does."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case Enum():
            return value.value
        case Decimal():
            return float(value)
        case Path() | Text():
            return str(value)
        case Mapping():
            return dict(value)
        case set() | frozenset():
            return sorted(value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
    raise TypeError(f"{type(value).__name__} is not for JSON")
