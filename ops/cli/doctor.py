"""`doctor`: what is wrong with a stack, and the cure."""

from __future__ import annotations

from collections import Counter

import typer
from rich.text import Text

from ops.cli.commands import Group
from ops.cli.desk import Desk
from ops.cli.output import Table
from ops.complaints import ExitCode

STYLES = {"OK": "green", "WARN": "yellow", "FAIL": "bold red", "UNKNOWN": "magenta"}


def doctor(desk: Desk) -> None:
    """Look for everything that a first deployment gets wrong, and say the cure of each; status 1 if something fails.

    UNKNOWN is what you are not allowed to look at, or what did not answer: it says nothing of the stack.
    """
    from ops.cli.errors import explained
    from ops.doctor import Verdict, examine
    from salesflow import clock

    with desk.out.progress("Looking") as working:
        found = list(
            examine(desk.stack, clock.now(), explain=explained, at=lambda check: working.at(f"Looking: {check}"))
        )
    rows = [(Text(one.verdict, style=STYLES[one.verdict]), one.check, one.says, one.fix) for one in found]
    title = f"{desk.stack.name} in {desk.stack.region}"
    desk.out.show(found, Table(title, ("", "what", "how it stands", "what to do"), rows))
    counts = Counter(one.verdict for one in found)
    desk.out.note(", ".join(f"{counts[verdict]} {verdict.lower()}" for verdict in Verdict if counts[verdict]))
    if counts[Verdict.FAIL]:
        raise typer.Exit(ExitCode.FAILED)


def register(app: Group) -> None:
    """Put the command into the command line."""
    app.command("doctor", rich_help_panel="Look", examples=["doctor", "doctor --local", "doctor --json"])(doctor)
