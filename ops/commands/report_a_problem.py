"""`report-a-problem`: one file that tells whoever helps what there is to know, and nothing that is secret."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

import salesflow
from ops.complaints import Complaint
from ops.desk import Desk
from ops.errors import explained
from ops.groups import Group
from ops.terminal import Lines, as_json
from salesflow import clock
from salesflow.errors import SalesFlowError

app = Group("One file for whoever helps.")

PACKAGES = (
    "boto3",
    "botocore",
    "aws-sam-cli",
    "typer",
    "pydantic",
    "pandas",
    "numpy",
    "pyarrow",
    "scikit-learn",
    "reportlab",
    "moto",
)
DAYS_BACK = 7
_ADDRESS = re.compile(r"[\w.+'-]+(?=@[\w-]+\.)")
_SECRET_ADDRESSES = ("HEARTBEAT_URL",)
"""Whoever knows these may use them."""
_SECRET = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*|(?i:(?<=password\": \")|(?<=token\": \"))[^\"]+")


@app.command("report-a-problem", examples=["report-a-problem", "report-a-problem --local --into problem.json"])
def report_a_problem(
    desk: Desk,
    *,
    into: Annotated[
        Path | None, typer.Option("--into", "-o", dir_okay=False, help="The file [out/problem-...json].")
    ] = None,
) -> None:
    """Write versions, settings, what the doctor finds, and the last failed run with its log into one file.

    Tokens and passwords are not in it, nor the names before the @ of mail addresses. Read it before you send it to anybody.
    """
    now = clock.now()
    found: dict[str, Any] = {"written": now, "versions": _versions()}
    for part, look in {"stack": _stack, "doctor": _doctor, "last_run": _last_run}.items():
        try:
            found[part] = look(desk)
        except (ClientError, BotoCoreError, Complaint, SalesFlowError) as error:
            complaint = explained(error)
            found[part] = f"could not be looked at: {complaint or error}"
    path = into or Path("out") / f"problem-{now:%Y-%m-%d-%H%M}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(without_secrets(as_json(found)) + "\n", "utf-8")
    desk.out.show({"file": path}, Lines([str(path.resolve())]))
    desk.out.note("Read it before you send it: it names the shop's API, stack and figures of its log.")


def without_secrets(text: str) -> str:
    """The text without tokens, passwords and the names in mail addresses."""
    return _ADDRESS.sub("***", _SECRET.sub("***", text))


def _versions() -> dict[str, str]:
    found = {"salesflow": salesflow.__version__, "python": sys.version.split()[0], "system": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _stack(desk: Desk) -> dict[str, Any]:
    stack = desk.stack
    environment: Mapping[str, str] = stack.function("report").environment
    return {
        "name": stack.name,
        "region": stack.region,
        "status": stack.status,
        "parameters": _shown(stack.parameters),
        "environment": _shown(environment),
        "settings": {"version": stack.settings_version.number, **_shown(_texts(stack.settings_version.values))},
    }


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    from ops.shop_settings import as_text

    return {name.upper(): as_text(value) for name, value in values.items()}


def _shown(values: Mapping[str, str]) -> dict[str, str]:
    return {name: "***" if value and name in _SECRET_ADDRESSES else value for name, value in sorted(values.items())}


def _doctor(desk: Desk) -> list[Any]:
    from ops.commands.doctor import examined

    return examined(desk)


def _last_run(desk: Desk) -> Any:
    """The newest run that failed, else the newest of all, with what it logged; None where nothing ran."""
    from datetime import timedelta

    from ops.logs import of_run
    from ops.runs import between

    today = desk.today
    runs = between(desk.stack, today - timedelta(days=DAYS_BACK), today)
    if not runs:
        return None
    run = next((one for one in runs if one.status in {"FAILED", "ABANDONED"}), runs[0])
    return {
        "run": run.record,
        "log": [json.loads(json.dumps(line.fields, default=str)) or line.message for line in of_run(desk.stack, run)],
    }
