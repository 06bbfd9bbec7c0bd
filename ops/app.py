"""The whole command line: every command in its place, its module imported when it is the one that is asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import typer.main
from typer.core import TyperCommand, TyperGroup

from ops.groups import PROGRAM, Group, PlainCommand, PlainGroup, lay_desk

HELP = """SalesFlow Automation, operated from this machine: the same commands against a stack in AWS (--stack, --profile, --region) and
against the cloud that `up` keeps running here (--local).

Exit status: 0 done, 1 failed, 2 misused, 3 not found, 4 no access, 5 unreachable, 130 interrupted."""

COMMANDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Try it here": {
        "demo": ("try_it", "A whole shop here, its last days' schedules fired: what came of it."),
        "up": ("try_it", "Keep a local cloud and its SalesFlow API running."),
    },
    "Set up": {
        "deploy": ("deploy", "Put the stack into your AWS account, or bring it up to date: the whole road."),
        "upgrade": ("upgrade", "Bring a stack of an older version up to date, with everything that it was told."),
        "destroy": ("deploy", "Take the stack down; what stays is said."),
        "init": ("init", "Answer what a deployment has to know; store the token."),
    },
    "Work": {
        "run": ("run", "Fire a job's function now, wait, and see what came of it."),
        "shops": ("shops", "The shops of a stack: add one, look at it, pause it, take it out."),
        "settings": ("settings", "What a shop wants: the next run goes by it, without a deployment."),
        "recipients": ("recipients", "Who gets the reports, the alerts, and the news of failures."),
        "channels": ("channels", "Where chats, programs and WhatsApp take the shop's messages."),
        "schedules": ("schedules", "When what runs: the template's schedules, and those put by hand."),
        "backfill": ("backfill", "Make what was not made when it was due."),
        "redrive": ("redrive", "Fire again what failed for good, or was not delivered."),
        "fleet": ("fleet", "Do something to all shops at once, and see how far it is."),
        "resend": ("resend", "Mail a report to those of its recipients who were not told."),
    },
    "Look": {
        "runs": ("runs", "What ran, what came of it, and who was told."),
        "reports": ("reports", "The reports that were made."),
        "open": ("open_library", "All reports in the browser."),
        "anomalies": ("anomalies", "What the anomaly checks found, and whom to keep quiet about."),
        "links": ("links", "The links in mails: what readers did with them, and new keys."),
        "simulate": ("simulate", "What would have been mailed in a period, at each sensitivity."),
        "services": ("services", "What counts as a service and not as a product, and why."),
        "costs": ("costs", "What a month costs."),
        "doctor": ("doctor", "What is wrong with a stack, and the cure."),
        "report-a-problem": ("report_a_problem", "One file for whoever helps: versions, settings, the last failure."),
    },
}
"""By panel and name: the module below `ops.commands`, and what the help says. A module holds a group of that name, or the command itself."""
HELP_WORD = "help"


class Root(PlainGroup):
    """The root: it knows its commands' names, and loads the one that is named."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command of the line's first word, loaded; `help WORDS` means `WORDS --help`."""
        if args[0] == HELP_WORD:
            args = [*args[1:], "--help"]
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None or command is None else loaded(name), rest


def loaded(name: str) -> TyperCommand | TyperGroup:
    """The command or group of a name, from its module."""
    module = next(commands[name][0] for commands in COMMANDS.values() if name in commands)
    group = typer.main.get_group(importlib.import_module(f"ops.commands.{module}").app)
    found: Any = group.commands.get(name, group)
    found.name = name
    return found


app = Group(
    HELP,
    cls=Root,
    examples=[
        "demo",
        "up",
        "--local schedules list",
        "--local run report --type sales --format pdf --dry-run",
        "runs list --stack salesflow --status FAILED",
    ],
)
app.callback()(lay_desk)
for panel, commands in COMMANDS.items():
    for name, (_, says) in commands.items():
        typer.Typer.command(app, name, help=says, rich_help_panel=panel, cls=PlainCommand)(lambda: None)


def main() -> None:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal or pipe that has no such letter shows a question mark
    sys.exit(app(prog_name=PROGRAM))
