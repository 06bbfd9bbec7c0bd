"""Run the SalesFlow Lite API alone: `python -m local.api --port 8080`."""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from local.api import SalesFlowServer, SalesStore, Wrapping, online_retail_store, sample_sales
from salesflow import clock

SAMPLE_SEED = 7
SAMPLE_DAYS = 800


def main(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Sales lines, .csv, .xlsx or .parquet; default: the sample shop."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="0.0.0.0 where a container must reach it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    now: Annotated[
        datetime | None, typer.Option(help="The server's local time at its start, which then goes on; default: now.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="The server's zone, for the default of --now.")] = "Asia/Shanghai",
    wrapping: Annotated[Wrapping, typer.Option(help="How lists are sent.")] = Wrapping.NONE,
    auth: Annotated[bool, typer.Option(help="Ask for a token.")] = True,
    token_days: Annotated[int, typer.Option(min=1, help="How long the printed token lives.")] = 30,
) -> None:
    """Serve the SalesFlow Lite API until Ctrl+C, and print its address and a system token."""
    started = monotonic()
    first_now = now or clock.now().astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    store: SalesStore = online_retail_store(data) if data else sample_sales(SAMPLE_SEED, first_now.date(), SAMPLE_DAYS)
    server = SalesFlowServer(
        store,
        clock=lambda: first_now + timedelta(seconds=monotonic() - started),
        host=host,
        port=port,
        wrapping=wrapping,
        require_auth=auth,
    )
    with server:
        typer.echo(f"SALESFLOW_API_URL={server.url}")
        typer.echo(f"{len(store.sales)} sales, {len(store.products)} products; the server's time is {first_now:%F %T}.")
        if auth:
            typer.echo(f"phone number: {server.accounts.account.phone_number}")
            typer.echo(f"password: {server.accounts.account.password}")
            typer.echo(f"token: {server.issue_token(timedelta(days=token_days))}")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            typer.echo("Stopped.")


if __name__ == "__main__":
    typer.run(main)
