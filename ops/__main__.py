"""The operator's command line: `python -m ops --help`."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape

from ops import alerts, simulate
from ops.console import DemoProgress, show_table, styled
from ops.demo import Demonstration, Run, demonstrate
from ops.local_cloud import LocalCloud, LocalCloudError, Scheduler
from ops.local_cloud.aws import ACCESS_KEYS
from ops.redrive import DeployedStack, redrive
from ops.shop import TEMPLATE, LocalShop, retail_shop, sample_shop
from salesflow import clock
from salesflow.errors import SalesFlowError

FAILED = 1
MISUSED = 2
INTERRUPTED = 130
USUAL_BRIDGE = "172.17.0.1"


class _complaining:  # noqa: N801 - read as a statement: `with _complaining():`
    """Print what cannot be done as one sentence, not as a traceback, and exit with status 1."""

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            complaints.print("Interrupted.", highlight=False)
            raise typer.Exit(INTERRUPTED) from error
        if isinstance(error, LocalCloudError | SalesFlowError | OSError):
            complaints.print(f"[red]{escape(str(error))}[/]", highlight=False, soft_wrap=True)
            raise typer.Exit(FAILED) from error


app = typer.Typer(
    no_args_is_help=True, help="SalesFlow Automation, operated from this machine.", pretty_exceptions_enable=False
)
schedules = typer.Typer(no_args_is_help=True, help="When what runs.")
app.add_typer(schedules, name="schedules")
app.add_typer(simulate.app, name="simulate")
app.add_typer(alerts.app, name="alerts")
console = Console()
complaints = Console(stderr=True)

DataFile = Annotated[
    Path | None,
    typer.Option(
        "--data", exists=True, dir_okay=False, help="Real invoice lines (.parquet or .csv); default: a made-up shop."
    ),
]
Seed = Annotated[int, typer.Option(help="Another seed makes another shop.")]


@app.callback()
def _salesflow() -> None:
    """SalesFlow Automation, operated from this machine."""


@app.command()
def demo(
    *,
    data: DataFile = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=60, help="Days to fire the schedules of [default: 3; 2 with --data].")
    ] = None,
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Folder for the reports and mails; emptied of an earlier demo's.")
    ] = Path("out"),
    seed: Seed = 7,
) -> None:
    """Start a whole shop here, fire the schedules of its last days through the real handlers, and show what came of it."""
    with _complaining():
        with DemoProgress(console) as progress:
            demonstration = demonstrate(data=data, days=days, out=out, seed=seed, progress=progress)
        _show(demonstration)
    if demonstration.failures:
        count = len(demonstration.failures)
        complaints.print(
            f"[red]{count} of {len(demonstration.runs)} runs did not do all that they were asked.[/]", highlight=False
        )
        raise typer.Exit(FAILED)


@app.command()
def up(
    *,
    data: DataFile = None,
    host: Annotated[str, typer.Option(help="0.0.0.0 where a container must reach the servers.")] = "127.0.0.1",
    env_vars: Annotated[
        Path, typer.Option(dir_okay=False, help="File to write for `sam local invoke --env-vars`.")
    ] = Path("out/env-vars.json"),
    container_host: Annotated[
        str | None, typer.Option(help="This machine's address as a container sees it [default: the Docker bridge's].")
    ] = None,
    seed: Seed = 7,
) -> None:
    """Keep a local cloud and the SalesFlow API running, and say how to reach them; Ctrl+C ends both."""
    with _complaining():
        now = clock.now()
        shop = retail_shop(data) if data else sample_shop(now.date() + timedelta(days=1), seed=seed)
        with LocalShop.open(shop, now, host=host) as running:
            _write_env_vars(running, env_vars, container_host or _docker_bridge())
            variables = {
                **ACCESS_KEYS,
                "AWS_REGION": running.cloud.aws.region,
                "AWS_ENDPOINT_URL": running.cloud.aws.endpoint_url,
            }
            for name, value in variables.items():
                console.print(f"export {name}={value}", highlight=False, soft_wrap=True)
            console.print(f"# the SalesFlow API: {running.api.url}", highlight=False, soft_wrap=True)
            console.print(f"# for sam local invoke: --env-vars {env_vars}", highlight=False, soft_wrap=True)
            console.print("# Ctrl+C ends it", highlight=False)
            try:
                while not threading.Event().wait(1):
                    running.clock.set(clock.now())
            except KeyboardInterrupt:
                console.print("# ended", highlight=False)


@app.command("redrive")
def redrive_command(
    *,
    stack: Annotated[str, typer.Option(help="The deployed stack.")] = "salesflow",
    region: Annotated[str | None, typer.Option(help="Its region [default: your AWS configuration's].")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what lies in the queues.")] = False,
) -> None:
    """Fire again, for the dates they were for, the schedules that were not delivered and the runs that failed for good."""
    rows, left = [], 0
    with _complaining():
        for one in redrive(DeployedStack(stack, region=region), dry_run=dry_run):
            what = one.stranded
            left += not one.fired
            event = json.dumps(what.event, ensure_ascii=False)
            cells = (what.function.rpartition(":")[2] or "?", event, what.why, one.answer)
            rows.append(tuple(escape(cell) for cell in cells))
    if not rows:
        console.print("Both queues are empty.", highlight=False)
        return
    title = f"{len(rows)} in the queues" if dry_run else f"{len(rows) - left} of {len(rows)} fired again"
    show_table(console, title, ("function", "event", "why it is there", "what was done"), rows)
    if left and not dry_run:
        raise typer.Exit(FAILED)


@schedules.command("next")
def schedules_next(
    *,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many due times to show.")] = 10,
    parameter: Annotated[
        list[str] | None, typer.Option(help="A template Parameter as Name=Value; repeat for more.")
    ] = None,
    template: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The SAM template.")] = TEMPLATE,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """When the template's schedules are due next, in their zone and in UTC."""
    given = {
        "SalesFlowApiUrl": "http://127.0.0.1:9/api/v1",
        "MailSender": "reports@example.com",
        "OwnerRecipients": "owner@example.com",
    }
    for item in parameter or ():
        name, equals, value = item.partition("=")
        if not equals:
            complaints.print(f"[red]{escape(item)} is not Name=Value.[/]", highlight=False)
            raise typer.Exit(MISUSED)
        given[name] = value
    with _complaining(), LocalCloud.start() as cloud:
        cloud.deploy(template, given)
        due = Scheduler(cloud).next_due(clock.now(), count=count)
    if as_json:
        rows = [
            {"schedule": s.name, "due": moment.isoformat(), "zone": s.zone, "expression": s.expression}
            for moment, s in due
        ]
        typer.echo(json.dumps(rows, indent=1))
        return
    show_table(
        console,
        f"The next {len(due)} due times",
        ("schedule", "local time", "zone", "UTC"),
        [
            (escape(s.name), f"{_local(moment, s.zone):%a %Y-%m-%d %H:%M}", s.zone, f"{moment:%Y-%m-%d %H:%M}")
            for moment, s in due
        ],
    )


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


def _show(demonstration: Demonstration) -> None:
    """What ran, what was made, where it lies, what it took."""
    reports = [run for run in demonstration.runs if run.made or not run.done or run.by_hand]
    others = [run for run in demonstration.runs if run not in reports]
    rows: list[tuple[str, ...]] = [
        (
            escape(run.schedule) + (" (by hand)" if run.by_hand else ""),
            run.business_date,
            styled(run.status),
            f"{run.duration:.1f} s",
            f"{run.peak_bytes >> 20} MB",
            escape(", ".join(address.partition("@")[0] for address in run.mailed)) or "-",
            "" if run.status == "SUCCEEDED" else escape(run.reason),
        )
        for run in reports
    ]
    names = sorted({run.schedule for run in others})
    rows.extend(_together([run for run in others if run.schedule == name]) for name in names)
    columns = ("schedule", "business date", "status", "time", "peak memory", "mailed to", "why")
    show_table(console, "What ran", columns, rows)
    out, took = demonstration.out, demonstration.took
    files = [path for path in demonstration.reports if "latest" not in path.parts and path.name != "manifest.json"]
    kinds = Counter(path.suffix.removeprefix(".") for path in files)
    made = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no file"
    for line in (
        f"Reports  {len(files)} ({made}) with their manifests in {out / 'reports'}; the newest of each in {out / 'reports' / 'latest'}",
        f"Mails    {len(demonstration.mails)} as .eml in {out / 'mails'}",
        f"Runs     {len(demonstration.runs)}, for programs in {out / 'demo.json'}; the functions' logs in {out / 'logs'}",
        f"It took  {sum(took.values()):.0f} s: "
        + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items()),
    ):
        console.print(escape(line), highlight=False, soft_wrap=True)


def _together(runs: list[Run]) -> tuple[str, ...]:
    """One row for many runs of one schedule that made no file."""
    dates = sorted({run.business_date for run in runs})
    return (
        f"{escape(runs[0].schedule)} x {len(runs)}",
        dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}",
        " ".join(styled(status) for status in sorted({run.status for run in runs})),
        f"{sum(run.duration for run in runs):.1f} s",
        f"{max(run.peak_bytes for run in runs) >> 20} MB",
        "-",
        "",
    )


def _write_env_vars(running: LocalShop, path: Path, container_host: str) -> None:
    """The functions' environment for `sam local invoke --env-vars`, with the servers' addresses as a container reaches them.

    The address should be a number: with a host's name S3 clients would look for the bucket as a host of its own.
    """
    aws, api = running.cloud.aws, running.api
    variables = {
        logical_id: {
            **settings.environment,
            "SALESFLOW_API_URL": f"http://{container_host}:{api.port}/api/v1",
            "AWS_ENDPOINT_URL": f"http://{container_host}:{aws.port}",
        }
        for logical_id, settings in running.cloud.stack.functions.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(variables, indent=1) + "\n")


def _docker_bridge() -> str:
    """This machine's address on Docker's default bridge, or the usual one where no engine answers."""
    command = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return USUAL_BRIDGE
    return answer.stdout.strip() or USUAL_BRIDGE


if __name__ == "__main__":
    app()
