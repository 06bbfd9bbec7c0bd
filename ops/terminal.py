"""What commands print: tables and progress on a terminal, lines with tabs in a pipe, JSON where --json asks for it.

Standard output holds the result and nothing else; remarks, progress and questions go to standard error. Colour is for terminals,
and NO_COLOR turns it off (rich sees to both).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable
from rich.text import Text

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

type Cell = str | Text

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def status(word: str) -> Text:
    """A status word in its colour."""
    return Text(word, style=STYLES.get(word, ""))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns. In a pipe: the columns' names, then one line a row, cells apart by tabs; no title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str = "None."
    """What is said instead, on standard error, where there is no row."""


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
            self.line(json.dumps(data, default=_plain, indent=1, ensure_ascii=False))
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
                        self._console.print(_text(line), highlight=False, soft_wrap=True)
                    else:
                        self.line(_text(line).plain)
            case Facts(title, pairs):
                self._facts(title, pairs)
            case Table():
                self._table(part)

    def _facts(self, title: str, pairs: Sequence[tuple[str, Cell]]) -> None:
        if not self._console.is_terminal:
            for name, value in pairs:
                self.line(f"{name}\t{_text(value).plain}")
            return
        grid = RichTable.grid(padding=(0, 2))
        grid.add_column(style="bold")
        grid.add_column(overflow="fold")
        for name, value in pairs:
            grid.add_row(name, _text(value))
        if title:
            self._console.print(Text(title, style="bold underline"))
        self._console.print(grid)

    def _table(self, table: Table) -> None:
        if not table.rows:
            self.note(table.empty)
            return
        if not self._console.is_terminal:
            for row in (table.columns, *table.rows):
                self.line("\t".join(_text(cell).plain for cell in row))
            return
        shown = RichTable(
            title=table.title,
            title_justify="left",
            title_style="bold",
            header_style="dim",
            box=None,
            padding=(0, 2, 0, 0),
        )
        for column in table.columns:
            shown.add_column(column, overflow="fold")
        for row in table.rows:
            shown.add_row(*(_text(cell) for cell in row))
        self._console.print(shown)


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
    if isinstance(cell, Text):
        return Text(_UNPRINTABLE.sub(" ", cell.plain), style=cell.style)
    return Text(_UNPRINTABLE.sub(" ", cell))


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
