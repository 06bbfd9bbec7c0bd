"""The operator's hand on the anomaly alerts: which are open, and whom to keep quiet about."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import botocore.session
import typer
from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.markup import escape

from ops.console import show_table
from salesflow import clock
from salesflow.alerts.book import AlertBook, chain_of
from salesflow.alerts.findings import SHOP, subject_of
from salesflow.anomalies.wording import sentence
from salesflow.errors import SalesFlowError
from salesflow.ledger.rows import Rows
from salesflow.reports.figures import Figures, printable

FAILED = 1
MISUSED = 2

app = typer.Typer(no_args_is_help=True, help="The anomaly alerts of a stack, by the AWS settings of this shell.")
console = Console()
complaints = Console(stderr=True)

Table = Annotated[str, typer.Option(envvar="STATE_TABLE", help="The stack's state table (its output StateTableName).")]
Sku = Annotated[str | None, typer.Option(help="The product.")]
Currency = Annotated[str, typer.Option(envvar="CURRENCY", help="The stack's Parameter Currency.")]
WholeShop = Annotated[bool, typer.Option("--shop", help="The whole shop.")]


@app.command("mute")
def mute(
    *,
    table: Table,
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last business date to be quiet about.")],
    sku: Sku = None,
    shop: WholeShop = False,
) -> None:
    """Mail nothing about a product, or the whole shop, until a date; it is followed, and told then if it still goes on."""
    subject = _subject(sku, shop=shop)
    with _explained():
        _book(table).mute(subject, until.date())
    console.print(f"Nothing is mailed about {_called(subject)} up to {until:%Y-%m-%d}.", highlight=False, markup=False)


@app.command("unmute")
def unmute(*, table: Table, sku: Sku = None, shop: WholeShop = False) -> None:
    """Mail about a product, or the whole shop, again."""
    subject = _subject(sku, shop=shop)
    with _explained():
        _book(table).unmute(subject)
    console.print(f"{_called(subject)} is mailed about again.", highlight=False, markup=False)


@app.command("list")
def list_alerts(*, table: Table, currency: Currency = "CNY") -> None:
    """The alerts that are open after the newest daily check, and who is muted."""
    figures = Figures(currency)
    with _explained():
        book, today = _book(table), clock.now().date()
        pages = [book.newest(chain_of(part, "daily"), today) for part in ("shop", "products")]
        mutes = book.mutes()
    rows = [
        (
            day.isoformat(),
            escape(printable(_called(alert.subject))),
            alert.severity.value,
            alert.since.isoformat(),
            "yes" if alert.told else "no",
            escape(printable(sentence(alert.statement, figures))),
        )
        for day, alerts in filter(None, pages)
        for alert in alerts
    ]
    show_table(console, "Open alerts", ("checked", "about", "severity", "since", "told", "what"), rows)
    muted = [(escape(printable(_called(s))), until.isoformat()) for s, until in sorted(mutes.items())]
    show_table(console, "Muted", ("about", "until"), muted)


class _explained:  # noqa: N801 - read as a statement: `with _explained():`
    """Print what cannot be done as one sentence, and exit with status 1."""

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SalesFlowError | BotoCoreError):
            complaints.print(f"[red]{escape(str(error))}[/]", highlight=False, soft_wrap=True)
            raise typer.Exit(FAILED) from error


def _subject(sku: str | None, *, shop: bool) -> str:
    if shop == (sku is not None):
        complaints.print("[red]Say either --shop or --sku.[/]", highlight=False)
        raise typer.Exit(MISUSED)
    return subject_of(sku)


def _called(subject: str) -> str:
    return "the whole shop" if subject == SHOP else subject.removeprefix("sku:")


def _book(table: str) -> AlertBook:
    return AlertBook(Rows(botocore.session.get_session().create_client("dynamodb"), table))
