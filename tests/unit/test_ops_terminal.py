"""On a terminal nothing is broken that somebody copies; in a pipe every moment is whole."""

from __future__ import annotations

import io
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from ops.terminal import Facts, Output, Table

LINK = "https://salesflow-reports.s3.amazonaws.com/reports/sales/daily/2026-11-22/" + "x" * 200
MOMENT = datetime(2026, 11, 22, 7, 0, 5, tzinfo=ZoneInfo("Asia/Shanghai"))
RUNS = Table(
    "Runs",
    ("run", "what", "status", "began", "files", "why"),
    [
        (
            "57caa68c",
            "report/combined/monthly/excel+pdf",
            "SKIPPED_STALE",
            MOMENT,
            "2",
            "The newest sale is older. " * 6,
        ),
        ("2350a9af", "watchdog@2026-11-26T23:50Z", "SUCCEEDED", MOMENT, "0", "Looked."),
    ],
    prose={"why"},
    minor=("files", "began", "why"),
)
WHOLE = ("57caa68c", "report/combined/monthly/excel+pdf", "SKIPPED_STALE", "watchdog@2026-11-26T23:50Z", "SUCCEEDED")


def shown(part: Table | Facts, width: int | None) -> str:
    """What a terminal of that many columns shows; a pipe without."""
    out, text = Output(), io.StringIO()
    out._console = Console(file=text, width=width or 80, force_terminal=width is not None, color_system=None)
    out._remarks = Console(file=io.StringIO())
    out.line = lambda line: text.write(line + "\n")  # type: ignore[method-assign, assignment]
    out.show(None, part)
    return re.sub(r"\x1b\[[0-9;]*m", "", text.getvalue())


@pytest.mark.parametrize("width", [40, 69, 80, 100, 120, 200])
def test_no_id_date_or_status_is_broken(width: int) -> None:
    text = shown(RUNS, width)
    for word in WHOLE:
        assert word in text
    if "began" in text:
        assert "Sun 2026-11-22 07:00" in text


def test_where_there_is_no_room_minor_columns_go_first_and_cards_come_last() -> None:
    wide, usual, narrow = (shown(RUNS, width).splitlines()[1] for width in (200, 80, 50))
    assert wide.split() == ["run", "what", "status", "began", "files", "why"]
    assert usual.split() == ["run", "what", "status"]
    assert narrow.split() == ["run", "57caa68c"], "one card a row"


@pytest.mark.parametrize("width", [40, 80])
def test_a_link_is_one_line(width: int) -> None:
    assert LINK in shown(Facts("Links", [("2026-11-22 pdf", LINK)]), width).splitlines()[1]


def test_a_pipe_gets_tabs_and_whole_moments() -> None:
    first = shown(RUNS, None).splitlines()[1].split("\t")
    assert first[3] == "2026-11-22T07:00:05+08:00"
    assert len(first) == len(RUNS.columns)


def test_what_to_do_stands_below_what_it_is_about_and_breaks_no_name() -> None:
    """The doctor's table: most rows have nothing to do, and no room is kept for it."""
    names = ("salesflow-StateTable-0Q1Q95G2KJ4G", "http://127.0.0.1:40063/api/v1 answers")
    rows = [
        ("OK", "state table", names[0], ""),
        ("OK", "SalesFlow API", names[1], ""),
        ("WARN", "runs", "none", "fire"),
    ]
    table = Table("", ("", "what", "how it stands", "what to do"), rows, prose={"how it stands"}, below="what to do")
    lines = [line.strip() for line in shown(table, 80).splitlines()]
    assert lines[0].split() == ["what", "how", "it", "stands"]
    assert all(name in line for name, line in zip(names, lines[1:3], strict=True))
    assert lines[-1] == "-> fire"
    assert shown(table, None).splitlines()[-1].split("\t") == ["WARN", "runs", "none", "fire"]
