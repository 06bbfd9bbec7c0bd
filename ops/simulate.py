"""Replays for the operator: which alerts a period would have sent, and how many a month at each sensitivity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ops.console import show_table
from ops.shop import retail_shop, sample_shop
from salesflow import clock
from salesflow.alerts.judging import ALL_PRODUCTS, Tables, judgement_of
from salesflow.alerts.lifecycle import Alert, Change, Entry, Rules, advance, in_order
from salesflow.alerts.wording import told_sentence
from salesflow.anomalies import Policy, Severity, detect_days
from salesflow.errors import SalesFlowError
from salesflow.history.coverage import read_coverage
from salesflow.history.objects import ObjectStore
from salesflow.history.panel import DailyPanel, panel_of
from salesflow.history.shop_days import ShopDays, returns_of, shop_days_of, with_returns
from salesflow.holiday_dates import holiday_dates
from salesflow.job_events import Scope
from salesflow.money import Currency
from salesflow.reports.figures import Figures, printable
from salesflow.source.decode import decode_sales
from salesflow.windows import Period

DEFAULT_SENSITIVITIES = (1.0, 2.0, 4.0, 8.0)
DEFAULT_DAYS = 60
MONTH_DAYS = 30
FAILED = 1

app = typer.Typer(no_args_is_help=True, help="What would have happened.")
console = Console()
complaints = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Replay:
    """One sensitivity over a period: what would have been told on each date that had something to tell."""

    sensitivity: float
    digests: tuple[tuple[date, tuple[Entry, ...]], ...]
    days: int

    @property
    def mails(self) -> int:
        """How many mails each recipient would have got."""
        return len(self.digests)

    def count(self, change: Change) -> int:
        """How many alerts would have been told as opened, worse or resolved."""
        return sum(entry.change is change for _, entries in self.digests for entry in entries)

    def a_month(self, number: int) -> float:
        """A number of the period as one of 30 days."""
        return number * MONTH_DAYS / self.days


def replay(tables: Tables, first: date, last: date, policies: Sequence[Policy], rules: Rules) -> tuple[Replay, ...]:
    """Judge day after day with the alerts of the day before in memory, exactly as the job does with the state table.

    One answer a policy; they may differ in everything but the holidays. As on a first deployment, what began before the first
    day is known and not told.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    shop: list[tuple[Alert, ...] | None] = [None] * len(policies)
    products: list[tuple[Alert, ...] | None] = [None] * len(policies)
    digests: list[list[tuple[date, tuple[Entry, ...]]]] = [[] for _ in policies]
    for day, results in zip(days, detect_days(tables.shop, tables.products, days, policies), strict=True):
        for number, result in enumerate(results):
            judgement = judgement_of(tables, result, scope=Scope.GLOBAL, sku=None, period=Period.DAILY)
            of_shop = advance(shop[number], judgement.shop_day, rules)
            of_products = advance(products[number], judgement.products_day, rules)
            shop[number], products[number] = of_shop.alerts, of_products.alerts
            if entries := in_order((*of_shop.entries, *of_products.entries)):
                digests[number].append((day, entries))
    return tuple(
        Replay(policy.alerts_per_month, tuple(found), len(days))
        for policy, found in zip(policies, digests, strict=True)
    )


@app.callback()
def _simulate() -> None:
    """What would have happened."""


@app.command("anomalies")
def simulate_anomalies(
    *,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day [default: 60 days before --to].")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day [default: the last that is known].")
    ] = None,
    sensitivity: Annotated[
        list[float] | None,
        typer.Option(min=0.05, help="Alerts a month to allow (Parameter AlertsPerMonth); repeat to compare [1 2 4 8]."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", exists=True, dir_okay=False, help="Invoice lines (.parquet or .csv).")
    ] = None,
    bucket: Annotated[
        str | None,
        typer.Option(envvar="REPORTS_BUCKET", help="A stack's bucket: replay its own history, by the AWS settings."),
    ] = None,
    currency: Annotated[str, typer.Option(help="Currency of that bucket's amounts.")] = "CNY",
    min_deviation: Annotated[float, typer.Option(min=0, help="Percent (Parameter AlertMinDeviationPercent).")] = 20,
    min_impact: Annotated[float, typer.Option(min=0, help="In units of the currency (Parameter AlertMinImpact).")] = 0,
    medium: Annotated[
        bool, typer.Option("--medium", help="Mail medium ones too (Parameter AlertMedium=mail).")
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="Products in one mail (Parameter AlertTopProducts).")] = 10,
    holidays: Annotated[str, typer.Option(help="As the Parameter Holidays: CN,2026-11-11=Singles Day.")] = "",
    mute: Annotated[list[str] | None, typer.Option(help="A SKU to keep quiet about; repeat for more.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes another made-up shop.")] = 7,
) -> None:
    """Replay a period day by day: which alerts would have been mailed, and how many a month at each sensitivity.

    Without --data and --bucket a made-up shop is replayed.
    """
    try:
        tables, digits, known_until = _tables(data, bucket, currency, seed)
        until = last.date() if last else known_until
        since = first.date() if first else until - timedelta(days=DEFAULT_DAYS - 1)
        _check_span(since, until, tables.known_from, known_until)
        named = holiday_dates(
            [part.strip() for part in holidays.split(",") if part.strip()],
            range(tables.known_from.year, until.year + 1),
        )
    except (SalesFlowError, OSError, ValueError) as error:
        complaints.print(f"[red]{escape(str(error))}[/]", highlight=False, soft_wrap=True)
        raise typer.Exit(FAILED) from error
    policy = Policy(
        min_deviation=min_deviation / 100,
        min_impact=round(min_impact * 10**digits) or None,
        holidays=named,
        top_k=ALL_PRODUCTS,
        alert_severity=Severity.MEDIUM if medium else Severity.HIGH,
    )
    muted = {f"sku:{sku}" for sku in mute or ()}
    rules = Rules(policy.alert_severity, top, is_muted=muted.__contains__)
    allowed = sorted(set(sensitivity or DEFAULT_SENSITIVITIES))
    policies = [replace(policy, alerts_per_month=one) for one in allowed]
    replays = replay(tables, since, until, policies, rules)
    for one in replays:
        _show_alerts(one, Figures(currency))
    show_table(
        console,
        f"{since} to {until}: alerts and mails of 30 days",
        ("AlertsPerMonth", "opened", "worse", "over", "mails", "opened a month", "mails a month"),
        [_summary(one) for one in replays],
    )


def _summary(one: Replay) -> tuple[str, ...]:
    opened = one.count(Change.OPENED)
    return (
        f"{one.sensitivity:g}",
        str(opened),
        str(one.count(Change.WORSE)),
        str(one.count(Change.RESOLVED)),
        str(one.mails),
        f"{one.a_month(opened):.1f}",
        f"{one.a_month(one.mails):.1f}",
    )


def _show_alerts(one: Replay, figures: Figures) -> None:
    rows = [
        (day.isoformat(), str(entry.change), escape(printable(told_sentence(entry, figures))))
        for day, entries in one.digests
        for entry in entries
    ]
    show_table(console, f"AlertsPerMonth {one.sensitivity:g}: {one.mails} mails", ("date", "what", "alert"), rows)


def _check_span(since: date, until: date, known_from: date, known_until: date) -> None:
    if since > until:
        raise ValueError(f"--from {since} lies after --to {until}.")
    if since < known_from or until > known_until:
        raise ValueError(f"The sales are known from {known_from} to {known_until}, not for all of {since} to {until}.")


def _tables(data: Path | None, bucket: str | None, currency: str, seed: int) -> tuple[Tables, int, date]:
    """The days to replay, the digits of their currency, and the last day known."""
    if data is None and bucket:
        return _of_bucket(bucket, Currency(currency))
    shop = retail_shop(data) if data else sample_shop(clock.now().date() - timedelta(days=1), seed=seed)
    sales = shop.store.sales
    if not sales:
        raise ValueError("There is no sale to replay.")
    first, last = sales[0].sold_at.date(), sales[-1].sold_at.date()
    now = datetime.combine(last + timedelta(days=1), datetime.min.time())
    body = b"".join(_pieces(shop.store.history_json((last - first).days + 2, now)))
    digits = Currency(shop.currency).digits
    lines = decode_sales(body, call="the file", minor_digits=digits).lines
    return Tables(shop_days_of(lines), with_returns(panel_of(lines), returns_of(lines)), first), digits, last


def _pieces(views: Sequence[memoryview]) -> Iterator[bytes]:
    yield b"["
    yield from (bytes(view) for view in views)
    yield b"]"


def _of_bucket(bucket: str, currency: Currency) -> tuple[Tables, int, date]:
    import botocore.session

    store = ObjectStore(botocore.session.get_session().create_client("s3"), bucket)
    covered = read_coverage(store, "shop")
    if covered is None:
        raise ValueError(f"s3://{bucket} holds no history yet: fire sync_history once, then replay.")
    days, panel = ShopDays(store, currency), DailyPanel(store, currency)
    products = with_returns(panel.read(covered.first, covered.last), days.read_returns(covered.first, covered.last))
    shop = days.read(covered.first, covered.last)
    known_from = covered.first if shop.empty else shop["date"].min().date()
    return Tables(shop, products, known_from), currency.digits, covered.last
