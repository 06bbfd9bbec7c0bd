"""The whole command line: every group and command in its place."""

from __future__ import annotations

import sys

from ops.commands import (
    anomalies,
    backfill,
    costs,
    doctor,
    init,
    open_library,
    redrive,
    reports,
    resend,
    run,
    runs,
    schedules,
    simulate,
    try_it,
)
from ops.groups import Group, lay_desk

HELP = """SalesFlow Automation, operated from this machine: the same commands against a stack in AWS (--stack, --profile, --region) and
against the cloud that `up` keeps running here (--local).

Exit status: 0 done · 1 failed · 2 misused · 3 not found · 4 no access · 5 unreachable · 130 interrupted."""

app = Group(
    HELP,
    examples=[
        "demo",
        "up",
        "--local schedules list",
        "--local run report --type sales --format pdf --dry-run",
        "runs list --stack salesflow --status FAILED",
    ],
)
app.callback()(lay_desk)
try_it.register(app)
app.add_typer(run.app, name="run", rich_help_panel="Work")
app.add_typer(schedules.app, name="schedules", rich_help_panel="Work")
app.add_typer(backfill.app, name="backfill", rich_help_panel="Work")
app.add_typer(runs.app, name="runs", rich_help_panel="Look")
app.add_typer(reports.app, name="reports", rich_help_panel="Look")
app.add_typer(anomalies.app, name="anomalies", rich_help_panel="Look")
app.add_typer(simulate.app, name="simulate", rich_help_panel="Look")
open_library.register(app)
redrive.register(app)
resend.register(app)
costs.register(app)
doctor.register(app)
init.register(app)


def main() -> None:
    """Run the command line of this process."""
    sys.exit(app())
