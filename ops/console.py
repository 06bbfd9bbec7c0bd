"""What the operator's commands print: tables and progress on a terminal, plain lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ops.demo import DONE, Run

STYLES = {"SUCCEEDED": "green", "DUPLICATE": "cyan", "SKIPPED_EMPTY": "yellow", "PARTIAL": "yellow", "FAILED": "red"}


def styled(status: str) -> str:
    """The status in its colour."""
    return f"[{STYLES.get(status, 'red')}]{status}[/]"


def show_table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal; in a pipe one line a row, cells apart by tabs, the columns' names first.

    Cells may hold rich's markup.
    """
    if console.is_terminal:
        table = Table(title=title, title_justify="left", header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    console.file.write(f"{title}\n")
    for line in (columns, *rows):  # written as they are: rich would turn tabs into spaces
        console.file.write("\t".join(Text.from_markup(cell).plain for cell in line) + "\n")


class DemoProgress:
    """The demo's progress: a bar on a terminal, a line a step and a line a failure in a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._left = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, what: str) -> None:
        """A new part begins."""
        self._console.print(escape(what), highlight=False, soft_wrap=True)
        self._bar.update(self._task, description=escape(what))

    def expect(self, runs: int) -> None:
        """So many runs will come."""
        self._left = runs
        self._bar.reset(self._task, total=runs)

    def ran(self, run: Run) -> None:
        """One run is over: on a terminal the bar moves; what made something or failed gets a line."""
        self._left -= 1
        self._bar.update(self._task, advance=1, description=escape(f"{run.schedule} {run.business_date}"))
        if run.made or run.status not in DONE:
            made = f"{len(run.made)} made, {len(run.mailed)} mailed" if run.made else run.reason
            line = f"  {escape(run.schedule)} {run.business_date} {styled(run.status)} {escape(made)} in {run.duration:.1f} s"
            self._console.print(line, highlight=False, soft_wrap=True)
