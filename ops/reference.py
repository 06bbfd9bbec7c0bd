"""docs/cli.md: every command's own help, as one page; `python -m ops.reference` (part of `make docs`) writes it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import typer

from ops.app import COMMANDS, loaded
from ops.groups import PROGRAM
from ops.local_cloud import REPOSITORY

PLACE = REPOSITORY / "docs" / "cli.md"
WIDTH = 100
HEAD = """# The command line

Generated from the program itself (`make docs`): what each command's `--help` says. The options under "Which stack, and how to print" go with
every command, before its name or after it. Exit status: 0 done, 1 failed, 2 misused, 3 not found, 4 no access, 5 unreachable, 130 interrupted.
"""


def page() -> str:
    """The page as it should stand."""
    parts = [HEAD]
    for panel, commands in COMMANDS.items():
        parts.append(f"## {panel}\n")
        for name, (module, _) in commands.items():
            helps = [(name, _of_local(name))] if module == "try_it" else _helps(name, loaded(name))
            parts += [f"### {words}\n\n```\n{text}\n```\n" for words, text in helps]
    return "\n".join(parts)


def _helps(words: str, command: Any) -> Iterator[tuple[str, str]]:
    """The help of a command; of a group that of its commands, after its own."""
    context = typer.Context(command, info_name=f"{PROGRAM} {words}", terminal_width=WIDTH, max_content_width=WIDTH)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield words, text.partition(f"\n\n{'Which stack, and how to print'}:")[0] + _examples(text)
    for name, one in getattr(command, "commands", {}).items():
        yield from _helps(f"{words} {name}", one)


def _examples(text: str) -> str:
    """The examples at the end of a help, which stand behind the options that every command has."""
    _, found, examples = text.partition("\n\nExamples:")
    return found + examples if "Which stack" in text else ""


def _of_local(name: str) -> str:
    """The help of a command that the local cloud's own program has."""
    program = "import sys; sys.argv[0] = sys.argv.pop(1); from local.app import main; main()"
    command = [sys.executable, "-c", program, PROGRAM, name, "--help"]
    environment = {"COLUMNS": str(WIDTH), "PATH": ""}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


if __name__ == "__main__":
    PLACE.write_text(page(), "utf-8")
