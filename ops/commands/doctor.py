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

    UNKNOWN is what you are not allowed to look at, or what did not answer: it says nothing of the stack. With --all-shops, of other shops
    than main what is OK is counted and not shown; --json has it.
    """
    from ops.doctor.findings import fail

    own, others = examined(desk), []
    for its in desk.other_shops() if all_shops else ():
        others += [
            replace(one, check=f"{its.stack.shop}: {one.check}") for one in examined(its) if one.check != "stack"
        ]
    if all_shops:
        others += [fail(f"{one.id}: row", one.problem, fix="") for one in desk.stack.registry.all() if one.problem]
    tell(desk, own + others, own + others, shown=own + [one for one in others if one.verdict != "OK"])


def examined(desk: Desk) -> list[Finding]:
    """What the doctor finds, with progress on a terminal."""
    from ops.doctor import examine
    from ops.errors import explained
    from salesflow import clock

    with desk.out.progress("Looking") as working:

        def at(check: str) -> None:
            working.at(f"Looking: {check}")

        return list(examine(desk.stack, clock.now(), explain=explained, at=at))


def tell(desk: Desk, found: Sequence[Finding], data: Any, *, shown: Sequence[Finding] | None = None) -> None:
    """Show findings, or those of them that are to be `shown` (with --json `data`, which holds them), and leave with status 1 if one fails."""
    lines = found if shown is None else shown
    rows = [(Text(one.verdict, style=STYLES[one.verdict]), one.check, one.says, one.fix) for one in lines]
    title = f"{desk.stack.name} in {desk.stack.region}"
    columns = ("", "what", "how it stands", "what to do")
    desk.out.show(data, Table(title, columns, rows, prose={"how it stands"}, below="what to do"))
    counts: Counter[str] = Counter(one.verdict for one in found)
    desk.out.note(", ".join(f"{counts[word]} {word.lower()}" for word in STYLES if counts[word]))
    if counts["FAIL"]:
        raise typer.Exit(ExitCode.FAILED)
