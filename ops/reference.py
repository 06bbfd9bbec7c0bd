"""The pages that the program itself says: docs/cli.md, every command's own help, docs/settings.md, every setting, and docs/parameters.md.

`python -m ops.reference` (part of `make docs`) writes them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from ops.app import COMMANDS, loaded
from ops.groups import PROGRAM
from ops.local_cloud import REPOSITORY

DOCS = REPOSITORY / "docs"
WIDTH = 100
HEAD = """# The command line

Generated from the program itself (`make docs`): what each command's `--help` says. The options under "Which stack, and how to print" go with
every command, before its name or after it; `--shop ID` with every one that is about a single shop.
Exit status: 0 done, 1 failed, 2 misused, 3 not found, 4 no access, 5 unreachable, 130 interrupted.
"""


SETTINGS_HEAD = """# Settings

Generated from the program itself (`make docs`). What a shop wants is data: a row of the state table, one version a change, which the next
run reads. No deployment.

```console
$ salesflow-ops settings get
$ salesflow-ops settings get lead_days
$ salesflow-ops settings set lead_days 5
$ salesflow-ops settings history
$ salesflow-ops settings unset lead_days
$ salesflow-ops recipients add chef@shop.example.com
$ salesflow-ops recipients list
```

What the row says wins over the stack's [parameters](parameters.md), which are what a shop starts from, and these over the defaults;
`settings get` says which it was. Each run's row in the ledger names the version that it used (`settings_version`), each report's manifest
what the settings came to (`settings`): the same inputs and the same settings give the same bytes. A row that cannot be read, or a value
that cannot be used, fails the run by name; `settings restore VERSION` goes back.

Stored sales depend on `currency`, `timezone` and `day_ends_at`: once there are any, `settings set` changes these only with `--rebuild`,
which reads the whole history anew.

Recipients belong to what they get. `recipients add ADDRESS` is of all reports, `--report SCHEDULE` of what one schedule makes (a report or
a check), which then has readers of its own; `--alerts`, `--owners`. The domain of an address may be written in any letters and is stored in
punycode, as SES takes it; the same mailbox in another case is one reader.

| setting | may be | default | means |
|---|---|---|---|
"""


def settings_page() -> str:
    """docs/settings.md as it should stand."""
    from ops.shop_settings import FIELDS, allowed, default_of

    rows = (
        f"| `{name}` | {allowed(name)} | {default_of(name)} | {field.description} |" for name, field in FIELDS.items()
    )
    return SETTINGS_HEAD + "\n".join(rows) + "\n"


PARAMETERS_HEAD = """# Parameters

Generated from template.yaml (`make docs`). What a stack is deployed with: infrastructure, and what its first shop starts from. Everything
else that a shop wants is a [setting](settings.md), which needs no deployment; where a setting of the same name was made, it wins.
`salesflow-ops deploy` asks for the few that matter.

| parameter | default | may be | means |
|---|---|---|---|
"""
PARAMETERS_FOOT = """
The functions have 2,048 MB each (the watchdog 512) and 900 seconds (a report 600, the watchdog 180): `MemorySize` and `Timeout` in template.yaml.
A firing is tried again for an hour, 8 times at most.

**Clocks go forward.** EventBridge skips a local time that does not exist on that day. In the zones of the world that may be any from 22:00
to 03:59; from 04:00 to 21:59 every minute exists every day, and all defaults lie there. What is set to an hour outside and is skipped, the
watchdog fires late, within the hour after the change, and tells the owner.

Addresses are plain ASCII with commas between and no spaces, each mailbox once, whatever its case. A domain in other letters is written in
punycode (`chef@xn--bckerei-mller-bfb28a.example`): SES takes no other form. `salesflow-ops init`, `settings` and `recipients` write it so.
"""


def parameters_page() -> str:
    """docs/parameters.md as it should stand."""
    from ops.first_answers import declared

    rows = (
        f"| `{name}` | {_default(rule)} | {_may_be(rule)} | {rule['Description'].replace('|', ' ')} |"
        for name, rule in declared().items()
    )
    return PARAMETERS_HEAD + "\n".join(rows) + "\n" + PARAMETERS_FOOT


def _default(rule: Mapping[str, Any]) -> str:
    if "Default" not in rule:
        return "(to be said)"
    return f"`{rule['Default']}`" if str(rule["Default"]) else "(empty)"


def _may_be(rule: Mapping[str, Any]) -> str:
    if "AllowedValues" in rule:
        return ", ".join(map(str, rule["AllowedValues"]))
    if "MinValue" in rule:
        return f"{rule['MinValue']:,} to {rule['MaxValue']:,}"
    words = str(rule["ConstraintDescription"]).removeprefix("must be ").rstrip(".")
    return f"{words}; at most {rule['MaxLength']} characters".replace("|", "&#124;")


def page() -> str:
    """docs/cli.md as it should stand."""
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
    for name, text in {"cli.md": page(), "settings.md": settings_page(), "parameters.md": parameters_page()}.items():
        (DOCS / name).write_text(text, "utf-8")
