"""`demo` and `up`: a whole shop on this machine, by the program that keeps one (`python -m local`)."""

from __future__ import annotations

import typer

from ops.desk import Desk
from ops.groups import Group
from ops.local_cloud import hand_over

app = Group("A whole shop on this machine.")


@app.pass_on("demo")
def demo(context: typer.Context) -> None:
    """Start a whole shop here, fire the schedules of its last days, and show what came of it."""
    hand_over("demo", [*context.args, *(["--json"] if Desk.of(context).out.as_json else [])])


@app.pass_on("up")
def up(context: typer.Context) -> None:
    """Keep a local cloud and the SalesFlow API running; every command works on it with --local."""
    hand_over("up", context.args)
