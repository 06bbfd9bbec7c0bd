"""The command line of the local cloud: `demo` and `up`, and what `salesflow-ops` asks of it (`sales`, `due`).

Results go to standard output, what is being done and what went wrong to standard error.
"""

from __future__ import annotations

import json
import socket
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from local.errors import LocalCloudError
from salesflow.errors import SalesFlowError

if TYPE_CHECKING:
    from local.cloud import Firing
    from local.demo import Demonstration, Run
    from local.shop import Shop

FAILED, MISUSED, INTERRUPTED = 1, 2, 130
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

app = typer.Typer(
    help="An AWS and a SalesFlow on this machine: nothing here reaches a cloud.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DataFile = Annotated[
    Path | None,
    typer.Option(
        "--data", exists=True, dir_okay=False, help="Your own sales, one row an invoice line [a made-up shop]."
    ),
]
Zone = Annotated[
    str | None, typer.Option("--zone", help="Time zone of the shop [Asia/Shanghai; with --data Europe/London].")
]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date. Write it as 2026-11-22.") from None


def _host(text: str) -> str:
    try:
        socket.create_server((text, 0)).close()
    except OSError as error:
        raise typer.BadParameter(
            f"this machine cannot listen at {text}: {str(error.strerror).partition(' (')[0]}."
        ) from None
    return text


Currency = Annotated[str | None, typer.Option("--currency", help="ISO 4217 code [CNY; with --data GBP].")]
Seed = Annotated[int, typer.Option(help="Another seed makes another made-up shop.")]


@app.command()
def demo(
    *,
    data: DataFile = None,
    zone: Zone = None,
    currency: Currency = None,
    until: Annotated[
        date | None,
        typer.Option(
            "--date", parser=_day, metavar="DATE", help="The last business date [the file's last; yesterday]."
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=60, help="Days to fire the schedules of.")] = 2,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for reports and mails.")] = Path("out"),
    seed: Seed = 7,
    as_json: Annotated[bool, typer.Option("--json", help="The runs as JSON on standard output.")] = False,
) -> None:
    """Start a whole shop here, fire the schedules of its last days through the real handlers, and show what came of it.

    It ends when the morning's reports of the shop's last day are out. What an earlier demo left is replaced when all of the new is there.
    """
    from local.demo import SUMMARY, demonstrate

    demonstration = demonstrate(
        data=data,
        zone=zone,
        currency=currency,
        last_day=until,
        days=days,
        out=out,
        seed=seed,
        step=_say,
        ran=_show_run,
    )
    if as_json:
        sys.stdout.write((demonstration.out / SUMMARY).read_text())
    else:
        _show(demonstration)
    if demonstration.failures:
        _say(f"{len(demonstration.failures)} of {len(demonstration.runs)} runs did not do all that they were asked.")
        raise typer.Exit(FAILED)


@app.command()
def up(
    *,
    data: DataFile = None,
    zone: Zone = None,
    currency: Currency = None,
    host: Annotated[
        str, typer.Option(parser=_host, help="0.0.0.0 where a container must reach the servers.")
    ] = "127.0.0.1",
    env_vars: Annotated[
        Path, typer.Option(dir_okay=False, help="File to write for `sam local invoke --env-vars`.")
    ] = Path("out/env-vars.json"),
    container_host: Annotated[
        str | None, typer.Option(help="This machine's address as a container sees it [the Docker bridge's].")
    ] = None,
    fire: Annotated[bool, typer.Option(help="Fire the schedules when they are due.")] = True,
    fill: Annotated[bool, typer.Option(help="Make the last morning's reports at once.")] = True,
    seed: Seed = 7,
) -> None:
    """Keep a local cloud and the SalesFlow API running; Ctrl+C ends both. Meanwhile every command works on it with --local.

    Prints the settings that any other AWS tool needs to talk to it.
    """
    from local.state import PLACE, LocalState, state_file
    from local.up import (
        docker_bridge,
        fill_with_reports,
        keep_running,
        running_shop,
        settings_for_others,
        write_env_vars,
    )
    from salesflow import clock

    other = LocalState.running(state_file())
    if other is not None:
        _say(
            f"A local cloud is running already, since {other.since:%Y-%m-%d %H:%M} UTC (process {other.pid}); `salesflow-ops --local` "
            f"talks to it. For a second one beside it set {PLACE} to a file of its own."
        )
        raise typer.Exit(FAILED)
    if host not in LOOPBACK:
        _say(f"Whoever reaches this machine at {host} may use this cloud: its keys are no secret.")
    now = clock.now()
    _say("Reading the sales" if data else "Making up a shop's sales")
    shop = _shop(data, zone, currency, seed)
    _say("Starting the local cloud and deploying template.yaml")
    with running_shop(shop, now, host=host) as running:
        write_env_vars(running, env_vars, container_host or docker_bridge())
        for line in settings_for_others(running):
            typer.echo(line)
        typer.echo(f"# the SalesFlow API: {running.api.url}")
        sam = f"sam local invoke ReportFunction -e events/report.json --env-vars {env_vars} --region {running.cloud.aws.region}"
        typer.echo(f"# {sam}" if host not in LOOPBACK else "# for sam local: up --host 0.0.0.0")
        typer.echo("# salesflow-ops --local ... talks to it; Ctrl+C ends it")
        try:
            if fill:
                fill_with_reports(running, now, fired=lambda firing: typer.echo(_told(firing)))
                typer.echo(f"# every report on one page: {running.library_url}")
            keep_running(running, fire=fire, fired=lambda firing: typer.echo(_told(firing)))
        except KeyboardInterrupt:
            typer.echo("# ended")


@app.command()
def sales(
    *,
    into: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write.")],
    data: DataFile = None,
    zone: Zone = None,
    currency: Currency = None,
    seed: Seed = 7,
) -> None:
    """Write a shop's sales as its API answers them; on standard output what they are of, as JSON."""
    from datetime import datetime, time, timedelta

    shop = _shop(data, zone, currency, seed)
    first, last = shop.days
    after = datetime.combine(last + timedelta(days=1), time())
    pieces = shop.store.history_json((last - first).days + 2, after)
    with into.open("wb") as file:
        file.write(b"[")
        file.writelines(pieces)
        file.write(b"]")
    told = {"first": first.isoformat(), "last": last.isoformat(), "zone": shop.zone.key, "currency": shop.currency}
    typer.echo(json.dumps(told))


@app.command()
def due(
    *,
    template: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Another template.")] = None,
    parameter: Annotated[list[str] | None, typer.Option(help="Name=Value; repeat for more.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many due times.")] = 10,
) -> None:
    """When the schedules of a template would be due next, were it deployed with these parameters: as JSON."""
    from local.cloud import LocalCloud, Scheduler
    from local.cloud.deployment import check_parameters
    from local.cloud.template import load_template
    from local.shop import STAND_INS, TEMPLATE
    from salesflow import clock

    given = dict(STAND_INS)
    for item in parameter or []:
        name, equals, value = item.partition("=")
        if not equals:
            _say(f"{item} is not Name=Value. Write it as TimeZone=Europe/Paris.")
            raise typer.Exit(MISUSED)
        given[name] = value
    deployed = template or TEMPLATE
    check_parameters(load_template(deployed), given, deployed)  # before a cloud is there, which takes seconds
    with LocalCloud.start() as cloud:
        cloud.deploy(deployed, given)
        found = Scheduler(cloud).next_due(clock.now(), count=count)
        stack = cloud.stack.stack
    rows: list[dict[str, Any]] = [
        {
            "schedule": one.name.removeprefix(f"{stack}-"),
            "due": moment.isoformat(),
            "zone": one.zone,
            "expression": one.expression,
        }
        for moment, one in found
    ]
    typer.echo(json.dumps(rows))


def main() -> None:
    """Run the command line of this process; what it cannot do is said in a sentence."""
    try:
        app(prog_name=Path(sys.argv[0]).name.replace("__main__.py", "python -m local"))
    except (LocalCloudError, SalesFlowError) as error:
        _say(str(error).strip())
        sys.exit(FAILED)
    except OSError as error:
        _say(f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}.")
        sys.exit(FAILED)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _shop(data: Path | None, zone: str | None, currency: str | None, seed: int) -> Shop:
    from datetime import timedelta

    from local.shop import SAMPLE_CURRENCY, SAMPLE_ZONE, retail_shop, sample_shop
    from salesflow import clock

    if data is not None:
        return retail_shop(data, zone=zone, currency=currency)
    return sample_shop(
        clock.now().date() + timedelta(days=1),
        seed=seed,
        zone=zone or SAMPLE_ZONE,
        currency=currency or SAMPLE_CURRENCY,
    )


def _told(firing: Firing) -> str:
    """A firing as a line."""
    if firing.result is None:
        return f"# {firing.schedule.name}: {firing.problem}"
    last = firing.result.last
    if last.error is not None:
        return f"# {firing.schedule.name} FAILED: {last.error.get('errorMessage', '')}"
    return f"# {firing.schedule.name} {last.answer.get('status', '')}: {last.answer.get('reason', '')}"


def _show_run(run: Run) -> None:
    """A line for a run that made something, or did not do its work."""
    if run.made or not run.done:
        made = f"{len(run.made)} made, {len(run.mailed)} mailed" if run.made else run.reason
        _say(f"  {run.schedule} {run.business_date} {run.status}: {made}, in {run.duration:.1f} s")


def _show(demonstration: Demonstration) -> None:
    """What came of the last day, and where everything lies; a name and its value a line."""
    for name, value in demonstration.told:
        typer.echo(f"{name:<12}{value}" if sys.stdout.isatty() else f"{name}\t{value}")
