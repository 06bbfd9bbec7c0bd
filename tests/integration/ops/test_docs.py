"""Every command of docs/ is run, page by page and in order, as a reader would: against the local cloud, where it is one of ours."""

import re
import shlex
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from salesflow import clock
from tests.integration.ops.running import Desk

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs").glob("*.md"))
THE_DOCS_YESTERDAY = date(2026, 11, 22)
STAY_UP = {"up", "open", "demo"}
"""Commands that go on until they are interrupted, or start a cloud of their own: they have tests of their own."""
OF_OTHER_SERVICES = {"channels"}
"""Pages whose commands ask for somebody else's address and call it: they have tests of their own, and are only there here."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

WITHOUT_A_DEPLOYMENT = {"git", "sam", "make"}
"""Programs whose commands change more than this test may: their words are checked instead."""


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_a_page_that_shows_something_else_is_found() -> None:
    now = ["id\twhose\tjob\tcron", "forecast\ttemplate\tforecast\t0 5 * * ? *"]
    assert shapes(now) <= shapes(["id\twhose\tjob\tcron", "forecast\ttemplate\tforecast\t20 4 * * ? *"])
    assert not shapes(["id\twhose\tjob\texpression"]) <= shapes(now)
    assert not shapes(["forecast\tby hand\tforecast\t0 5 * * ? *"]) <= shapes(now)


def as_of_today(command: str) -> list[str]:
    """The command with the docs' dates moved so that their yesterday is this shop's."""
    yesterday = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1)
    shift = yesterday - THE_DOCS_YESTERDAY
    return shlex.split(_DATE.sub(lambda found: str(date.fromisoformat(found[0]) + shift), command))


def printed(page: Path) -> dict[str, list[str]]:
    """What the page shows under each command."""
    found: dict[str, list[str]] = {}
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL):
        command = ""
        for line in block.splitlines():
            if line.startswith("$ "):
                command = line.removeprefix("$ ")
                found[command] = []
            else:
                found[command].append(line)
    return found


def shapes(lines: list[str]) -> set[str]:
    """What stays the same: headings of tables whole, the first words of rows, the names of facts. What begins with a number is data."""
    heads, before = set[str](), 0
    for line in lines:
        cells = line.split("\t")
        is_heading = len(cells) > 2 and len(cells) != before
        if is_heading or not re.search(r"\d", cells[0]):
            told = cells[: 2 if len(cells) > 2 and not re.search(r"\d", cells[1]) else 1]
            heads.add(line if is_heading else "|".join(told))
        before = len(cells)
    return heads


def check_words(program: str, words: list[str]) -> None:
    """A command that is not run has at least the words that its program knows."""
    if program == "make":
        subprocess.run(["make", "--dry-run", *words], cwd=ROOT, check=True, capture_output=True)
        return
    if program == "git":
        assert words == ["pull"]
        return
    verb, *options = words
    told = subprocess.run(
        [Path(sys.executable).with_name("sam"), verb, "--help"], check=True, capture_output=True, text=True
    ).stdout
    for option in options:
        assert option.startswith("--") is False or option in told, option


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_the_page_does_what_it_says(page: Path, desk: Desk) -> None:
    shown = printed(page)
    for command in commands(page):
        program, *words = as_of_today(command)
        if program in WITHOUT_A_DEPLOYMENT:
            check_words(program, words)
            continue
        assert program == "salesflow-ops", command
        if set(words) & STAY_UP or page.stem in OF_OTHER_SERVICES:
            assert desk(*(word for word in words if word not in {"&", "--local"}), "--help").code == 0
            continue
        said = desk(*words)
        assert shapes(shown[command]) <= shapes(said.out.splitlines()), command
        assert said.code == 0 or (said.code == 1 and words[0] == "doctor"), f"{command}: {said.err or said.out}"
