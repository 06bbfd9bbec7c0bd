"""`reports`: what has been made, and getting at it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ops.desk import Desk
from ops.groups import Group
from ops.terminal import Facts, Table

if TYPE_CHECKING:
    from salesflow.formats import Format

app = Group(
    "The reports that were made.",
    examples=["reports list --since 2026-11-01", "reports latest sales", "reports download combined 2026-11-22"],
)

Kind = Literal["sales", "stock", "combined"]
KindArgument = Annotated[Kind, typer.Argument(metavar="TYPE", help="sales, stock or combined.")]
DayArgument = Annotated[
    datetime | None,
    typer.Argument(formats=["%Y-%m-%d"], metavar="[DATE]", help="The business date [default: the newest]."),
]
Periods = Literal["daily", "weekly", "monthly", "quarterly"]
PeriodOption = Annotated[Periods, typer.Option(help="The period.")]
FormatOption = Annotated[
    list[str] | None,
    typer.Option("--format", help="pdf, excel, html, csv, parquet, json; repeat for more [default: all]."),
]


@app.command("list", examples=["reports list", "reports list --type sales --since 2026-11-01 --json"])
def list_reports(
    desk: Desk,
    *,
    kind: Annotated[Kind | None, typer.Option("--type", help="Only this type.")] = None,
    period: Annotated[Periods | None, typer.Option(help="Only this period.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this business date on.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Up to this business date.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show, the newest dates first.")] = 50,
) -> None:
    """What there is, the newest date first."""
    from ops.reports import stored_reports
    from salesflow.formats import ReportType
    from salesflow.windows import Period

    reports = stored_reports(
        desk.stack,
        report_type=ReportType(kind) if kind else None,
        period=Period(period) if period else None,
        since=since.date() if since else None,
        until=until.date() if until else None,
    )
    rows = [
        (
            r.business_date.isoformat(),
            r.report_type,
            r.period,
            ", ".join(r.formats),
            f"{r.bytes / 1024:,.0f} KB",
            f"{r.saved.astimezone(desk.stack.zone):%Y-%m-%d %H:%M}",
        )
        for r in reports[:limit]
    ]
    columns = ("business date", "type", "period", "formats", "size", "saved")
    title = f"{len(rows)} of {len(reports)} reports"
    desk.out.show(reports[:limit], Table(title, columns, rows, empty="No report has been made yet."))
    if len(reports) > limit:
        desk.out.note(f"{len(reports) - limit} more; --limit shows them.")


@app.command("latest", examples=["reports latest sales", "reports latest combined --period monthly --json"])
def latest(desk: Desk, kind: KindArgument, *, period: PeriodOption = "daily") -> None:
    """Links to the newest report, good for an hour."""
    _links(desk, kind, None, period, None)


@app.command("open", examples=["reports open sales 2026-11-22 --format pdf", "reports open sales --print"])
def open_report(
    desk: Desk,
    kind: KindArgument,
    business_date: DayArgument = None,
    *,
    period: PeriodOption = "daily",
    formats: FormatOption = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the links, open nothing.")] = False,
) -> None:
    """Open a report in the browser, by a link that is good for an hour."""
    links = _links(desk, kind, business_date, period, formats)
    if not only_print and desk.out.is_terminal:
        typer.launch(links[0])


@app.command("download", examples=["reports download sales 2026-11-22 --to reports", "reports download stock"])
def download_reports(
    desk: Desk,
    kind: KindArgument,
    business_date: DayArgument = None,
    *,
    period: PeriodOption = "daily",
    formats: FormatOption = None,
    to: Annotated[Path, typer.Option(file_okay=False, help="The folder to put them into.")] = Path(),
) -> None:
    """Fetch a report's files, each checked against its manifest."""
    from ops.reports import download, report_keys
    from salesflow.formats import ReportType
    from salesflow.windows import Period

    day = business_date.date() if business_date else None
    keys = report_keys(desk.stack, ReportType(kind), Period(period), day, _formats(formats))
    files = []
    with desk.out.progress("Downloading", total=len(keys)) as working:
        for file in download(desk.stack, keys, to):
            files.append(file)
            working.advance()
    rows = [(str(file.path), f"{file.bytes / 1024:,.0f} KB", file.sha256[:12]) for file in files]
    desk.out.show(files, Table("Downloaded", ("file", "size", "sha256"), rows))


def _links(
    desk: Desk, kind: Kind, business_date: datetime | None, period: Periods, formats: list[str] | None
) -> list[str]:
    from ops.reports import link, report_keys
    from salesflow.formats import ReportType
    from salesflow.windows import Period

    day = business_date.date() if business_date else None
    keys = [key for key, _ in report_keys(desk.stack, ReportType(kind), Period(period), day, _formats(formats))]
    links = {key: link(desk.stack, key) for key in keys}
    data = [{"key": key, "link": address} for key, address in links.items()]
    desk.out.show(data, Facts("Links for an hour", list(links.items())))
    return list(links.values())


def _formats(said: list[str] | None) -> tuple[Format, ...]:
    from ops.complaints import Misused
    from salesflow.formats import Format

    for name in said or ():
        if name not in Format:
            raise Misused(f"{name} is no format of reports.", action=f"Say one of {', '.join(Format)}.")
    return tuple(Format(name) for name in said or ())
