"""Options that several commands have: one word for one thing."""

from __future__ import annotations

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
