"""`doctor`: what is wrong with a stack, and the cure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from ops.complaints import ExitCode
from ops.desk import Desk
from ops.groups import Group
from ops.options import AllShopsOption
from ops.terminal import Table

if TYPE_CHECKING:
    from ops.doctor import Finding

STYLES = {"OK": "green", "WARN": "yellow", "FAIL": "bold red", "UNKNOWN": "magenta"}


app = Group("What is wrong with a stack, and the cure.")


@app.command("doctor", examples=["doctor", "doctor --local", "doctor --all-shops --json"])
def doctor(desk: Desk, *, all_shops: AllShopsOption = False) -> None:
    """Look for everything that a first deployment gets wrong, and say the cure of each; status 1 if something fails.

    UNKNOWN is what you are not allowed to look at, or what did not answer: it says nothing of the stack.
    """
    from ops.doctor.findings import fail

    found = examined(desk)
    for its in desk.other_shops() if all_shops else ():
        found += [replace(one, check=f"{its.stack.shop}: {one.check}") for one in examined(its) if one.check != "stack"]
    if all_shops:
        found += [fail(f"{one.id}: row", one.problem, fix="") for one in desk.stack.registry.all() if one.problem]
    tell(desk, found, found)


def examined(desk: Desk) -> list[Finding]:
    """What the doctor finds, with progress on a terminal."""
    from ops.doctor import examine
    from ops.errors import explained
    from salesflow import clock

    with desk.out.progress("Looking") as working:

        def at(check: str) -> None:
            working.at(f"Looking: {check}")

        return list(examine(desk.stack, clock.now(), explain=explained, at=at))


def tell(desk: Desk, found: Sequence[Finding], data: Any) -> None:
    """Show findings (with --json `data`, which holds them), and leave with status 1 if one of them fails."""
    rows = [(Text(one.verdict, style=STYLES[one.verdict]), one.check, one.says, one.fix) for one in found]
    title = f"{desk.stack.name} in {desk.stack.region}"
    columns = ("", "what", "how it stands", "what to do")
    desk.out.show(data, Table(title, columns, rows, prose={"how it stands"}, below="what to do"))
    counts: Counter[str] = Counter(one.verdict for one in found)
    desk.out.note(", ".join(f"{counts[word]} {word.lower()}" for word in STYLES if counts[word]))
    if counts["FAIL"]:
        raise typer.Exit(ExitCode.FAILED)
