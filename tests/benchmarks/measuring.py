"""Measuring on a noisy machine: the best of several runs, side by side in one process, ratios rather than seconds."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
REAL_SALES = ROOT.parent / "shared" / "data" / "online_retail.parquet"


def best_of[Result](runs: int, work: Callable[[], Result]) -> tuple[float, Result]:
    """The shortest CPU-and-wait time of several runs in seconds, and what the last run answered."""
    took = []
    while True:
        begin = time.perf_counter()
        result = work()
        took.append(time.perf_counter() - begin)
        if len(took) >= runs:
            return min(took), result


def peak_megabytes() -> float:
    """Peak resident memory of this process so far, from Linux (`getrusage` would count the parent's as well)."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def in_fresh_process(code: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """What a fresh interpreter prints that runs `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*(f"{cell:,.3f}" if isinstance(cell, float) else str(cell) for cell in row))
    Console(width=120).print(table)
