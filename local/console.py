"""What the operator's commands print: tables and progress on a terminal, plain lines in a pipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from local.demo import DONE, Demonstration, Run

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


def show_demonstration(console: Console, demonstration: Demonstration) -> None:
    """What ran, what was made, where it lies, what it took."""
    reports = [run for run in demonstration.runs if run.made or not run.done or run.by_hand]
    others = [run for run in demonstration.runs if run not in reports]
    rows: list[tuple[str, ...]] = [
        (
            escape(run.schedule) + (" (by hand)" if run.by_hand else ""),
            run.business_date,
            styled(run.status),
            f"{run.duration:.1f} s",
            f"{run.peak_bytes >> 20} MB",
            escape(", ".join(address.partition("@")[0] for address in run.mailed)) or "-",
            "" if run.status == "SUCCEEDED" else escape(run.reason),
        )
        for run in reports
    ]
    names = sorted({run.schedule for run in others})
    rows.extend(_together([run for run in others if run.schedule == name]) for name in names)
    columns = ("schedule", "business date", "status", "time", "peak memory", "mailed to", "why")
    show_table(console, "What ran", columns, rows)
    out, took = demonstration.out, demonstration.took
    files = [
        path
        for path in demonstration.reports
        if "latest" not in path.parts and path.name not in {"manifest.json", "index.html"}
    ]
    kinds = Counter(path.suffix.removeprefix(".") for path in files)
    made = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no file"
    for line in (
        f"Reports  {len(files)} ({made}) with their manifests in {out / 'reports'}"
        + (f"; all of them on one page: {out / 'reports' / 'index.html'}" if files else ""),
        f"Mails    {len(demonstration.mails)} as .eml in {out / 'mails'}",
        f"Runs     {len(demonstration.runs)}, for programs in {out / 'demo.json'}; the functions' logs in {out / 'logs'}",
        f"It took  {sum(took.values()):.0f} s: "
        + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items()),
    ):
        console.print(escape(line), highlight=False, soft_wrap=True)


def _together(runs: list[Run]) -> tuple[str, ...]:
    """One row for many runs of one schedule that made no file."""
    dates = sorted({run.business_date for run in runs})
    return (
        f"{escape(runs[0].schedule)} x {len(runs)}",
        dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}",
        " ".join(styled(status) for status in sorted({run.status for run in runs})),
        f"{sum(run.duration for run in runs):.1f} s",
        f"{max(run.peak_bytes for run in runs) >> 20} MB",
        "-",
        "",
    )
