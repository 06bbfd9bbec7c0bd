"""Options that several commands have: one word for one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from ops import completion
from salesflow.formats import Format, ReportType
from salesflow.job_events import Notify
from salesflow.windows import Period

DateOption = Annotated[
    str | None,
    typer.Option(
        "--date", metavar="DATE", help="The business date [the last complete one].", autocompletion=completion.dates
    ),
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="The first business date.", autocompletion=completion.dates)
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="The last business date.", autocompletion=completion.dates)
]
TypeOption = Annotated[ReportType, typer.Option("--type", "-t", help="The report.")]
FormatOption = Annotated[list[Format] | None, typer.Option("--format", "-f", help="Repeat for more.")]
PeriodOption = Annotated[Period, typer.Option("--period", "-p", help="The days that it looks at.")]
NotifyOption = Annotated[Notify, typer.Option("--notify", help="Who is mailed.")]
RecipientOption = Annotated[
    list[str] | None, typer.Option("--recipient", "--to", metavar="ADDRESS", help="Only this one; repeat for more.")
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's id or an end of it, or the reference of its mail (SF-...).",
        autocompletion=completion.seen("run"),
    ),
]
AllShopsOption = Annotated[bool, typer.Option("--all-shops", help="Of every shop of the stack; not with --shop.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what it would do; change and send nothing.")]

Answer = str | None
"""The answer to a question of `init`; None is not asked for, or asked."""


@dataclass(frozen=True, slots=True)
class ShopAnswers:
    """What has to be known of a shop before its first report."""

    api_url: Annotated[Answer, typer.Option(help="Base URL of its SalesFlow API, ending in /api/v1.")] = None
    zone: Annotated[Answer, typer.Option(help="The shop's time zone, such as Asia/Shanghai.")] = None
    currency: Annotated[Answer, typer.Option(help="ISO 4217 code, such as CNY.")] = None
    language: Annotated[Answer, typer.Option(help="Language of reports and mails [en].")] = None
    owners: Annotated[Answer, typer.Option(help="Who hears of failures; commas between.")] = None
    readers: Annotated[Answer, typer.Option(help="Who gets the reports; commas between.")] = None
    alerts: Annotated[Answer, typer.Option(help="Who gets the alerts; commas between.")] = None
    sales_at: Annotated[Answer, typer.Option(metavar="HH:MM", help="When the daily sales report comes.")] = None
    stock_at: Annotated[Answer, typer.Option(metavar="HH:MM", help="When the daily stock report comes.")] = None
