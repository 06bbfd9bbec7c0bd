"""`redrive`: fire again what lies in a stack's two queues."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ops.complaints import ExitCode
from ops.desk import Desk
from ops.groups import Group
from ops.terminal import Table


def redrive(
    desk: Desk,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what lies in the queues.")] = False,
) -> None:
    """Fire again, for the dates they were for, the schedules that were not delivered and the runs that failed for good."""
    from ops.redrive import redrive as redrive_all

    rows, data = [], []
    for one in redrive_all(desk.stack, dry_run=dry_run):
        what = one.stranded
        name = what.function.rpartition(":")[2]
        data.append(
            {"function": name, "event": what.event, "why": what.why, "fired": one.fired, "what_was_done": one.answer}
        )
        rows.append((name or "?", json.dumps(what.event, ensure_ascii=False), what.why, one.answer))
    left = sum(not one["fired"] for one in data)
    title = f"{len(rows)} in the queues" if dry_run else f"{len(rows) - left} of {len(rows)} fired again"
    columns = ("function", "event", "why it is there", "what was done")
    desk.out.show(data, Table(title, columns, rows, empty="Both queues are empty."))
    if left and not dry_run:
        raise typer.Exit(ExitCode.FAILED)


def register(app: Group) -> None:
    """Put the command into the command line."""
    app.command("redrive", rich_help_panel="Work", examples=["redrive --dry-run", "redrive --local"])(redrive)
