"""`demo` and `up`: a whole shop on this machine, once through or kept running."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ops.complaints import ExitCode
from ops.desk import Desk
from ops.errors import complain
from ops.groups import Group

if TYPE_CHECKING:
    from local.cloud import Firing

DataFile = Annotated[
    Path | None,
    typer.Option(
        "--data", exists=True, dir_okay=False, help="Real invoice lines (.parquet or .csv); default: a made-up shop."
    ),
]
Seed = Annotated[int, typer.Option(help="Another seed makes another shop.")]


def demo(
    desk: Desk,
    *,
    data: DataFile = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=60, help="Days to fire the schedules of (default: 3; 2 with --data).")
    ] = None,
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Folder for the reports and mails; emptied of an earlier demo's.")
    ] = Path("out"),
    seed: Seed = 7,
) -> None:
    """Start a whole shop here, fire the schedules of its last days through the real handlers, and show what came of it."""
    from local.console import DemoProgress, show_demonstration
    from local.demo import SUMMARY, demonstrate

    console = Console(stderr=desk.out.as_json)
    with DemoProgress(console) as progress:
        demonstration = demonstrate(data=data, days=days, out=out, seed=seed, progress=progress)
    if desk.out.as_json:
        desk.out.line((demonstration.out / SUMMARY).read_text().rstrip())
    else:
        show_demonstration(console, demonstration)
    if demonstration.failures:
        complain(
            f"{len(demonstration.failures)} of {len(demonstration.runs)} runs did not do all that they were asked."
        )
        raise typer.Exit(ExitCode.FAILED)


LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def up(
    desk: Desk,
    *,
    data: DataFile = None,
    host: Annotated[str, typer.Option(help="0.0.0.0 where a container must reach the servers.")] = "127.0.0.1",
    env_vars: Annotated[
        Path, typer.Option(dir_okay=False, help="File to write for `sam local invoke --env-vars`.")
    ] = Path("out/env-vars.json"),
    container_host: Annotated[
        str | None, typer.Option(help="This machine's address as a container sees it (default: the Docker bridge's).")
    ] = None,
    fire: Annotated[bool, typer.Option(help="Fire the schedules when they are due.")] = True,
    seed: Seed = 7,
) -> None:
    """Keep a local cloud and the SalesFlow API running; Ctrl+C ends both. Meanwhile every command works on it with --local.

    Prints the settings that any other AWS tool needs to talk to it.
    """
    from local.cloud.aws import ACCESS_KEYS
    from local.shop import retail_shop, sample_shop
    from local.state import PLACE, USUAL_PLACE, state_file
    from local.up import docker_bridge, keep_running, running_shop, write_env_vars
    from salesflow import clock

    now = clock.now()
    shop = retail_shop(data) if data else sample_shop(now.date() + timedelta(days=1), seed=seed)
    with running_shop(shop, now, host=host) as running:
        write_env_vars(running, env_vars, container_host or docker_bridge())
        variables = {
            **ACCESS_KEYS,
            "AWS_REGION": running.cloud.aws.region,
            "AWS_DEFAULT_REGION": running.cloud.aws.region,
            "AWS_ENDPOINT_URL": running.cloud.aws.endpoint_url,
        }
        for name, value in variables.items():
            desk.out.line(f"export {name}={value}")
        if state_file() != USUAL_PLACE:
            desk.out.line(f"export {PLACE}={state_file()}")
        desk.out.line(f"# the SalesFlow API: {running.api.url}")
        sam = f"sam local invoke ReportFunction -e events/report.json --env-vars {env_vars} --region {running.cloud.aws.region}"
        desk.out.line(f"# {sam}" if host not in LOOPBACK else "# for sam local: up --host 0.0.0.0")
        desk.out.line("# salesflow-ops --local ... talks to it; Ctrl+C ends it")
        try:
            keep_running(running, fire=fire, fired=lambda firing: desk.out.line(_told(firing)))
        except KeyboardInterrupt:
            desk.out.line("# ended")


def _told(firing: Firing) -> str:
    """A firing as a line."""
    if firing.result is None:
        return f"# {firing.schedule.name}: {firing.problem}"
    last = firing.result.last
    if last.error is not None:
        return f"# {firing.schedule.name} FAILED: {last.error.get('errorMessage', '')}"
    return f"# {firing.schedule.name} {last.answer.get('status', '')}: {last.answer.get('reason', '')}"


def register(app: Group) -> None:
    """Put the commands into the command line."""
    panel = "Try it here"
    app.command(
        "demo", needs_stack=False, rich_help_panel=panel, examples=["demo", "demo --data sales.parquet --out reports"]
    )(demo)
    app.command("up", needs_stack=False, rich_help_panel=panel, examples=["up", "up --host 0.0.0.0"])(up)
