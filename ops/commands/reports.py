"""`reports`: what has been made, and getting at it.

The reports that a stack has made: what there is, and getting at it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from botocore.exceptions import ClientError

from ops.complaints import Failed, NotFound
from ops.desk import Desk
from ops.groups import Group
from ops.target import Stack
from ops.terminal import Facts, Table
from salesflow.delivery.store import latest_key, manifest_key, report_key
from salesflow.formats import Format, ReportType
from salesflow.windows import Period

ROOT = "reports/"
LINK_SECONDS = 3600
_KEY = re.compile(r"reports/(?P<type>\w+)/(?P<period>\w+)/(?P<day>\d{4}-\d{2}-\d{2})/[^/]+\.(?P<ext>\w+)", re.ASCII)
_FORMATS = {fmt.extension: fmt for fmt in Format}


@dataclass(frozen=True, slots=True)
class StoredReport:
    """The report of one type, period and date: its formats, their bytes in all, and when the newest was saved (UTC)."""

    report_type: ReportType
    period: Period
    business_date: date
    formats: tuple[Format, ...]
    bytes: int
    saved: datetime


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was fetched and found to be what the run had saved."""

    key: str
    path: Path
    bytes: int
    sha256: str


def stored_reports(
    stack: Stack,
    *,
    report_type: ReportType | None = None,
    period: Period | None = None,
    since: date | None = None,
    until: date | None = None,
) -> list[StoredReport]:
    """What is in the bucket, the newest date first. Manifests, `latest/` and the library page are not reports."""
    found: dict[tuple[ReportType, Period, date], list[tuple[Format, int, datetime]]] = defaultdict(list)
    for prefix in _prefixes(report_type, period):
        for key, size, saved in _objects(stack, prefix):
            parts = _KEY.fullmatch(key)
            if not parts or parts["type"] not in ReportType or parts["period"] not in Period:
                continue
            fmt = _FORMATS.get(parts["ext"])
            what = (ReportType(parts["type"]), Period(parts["period"]), date.fromisoformat(parts["day"]))
            if (
                fmt is None
                or key != report_key(*what, fmt)
                or not (since or date.min) <= what[2] <= (until or date.max)
            ):
                continue
            found[what].append((fmt, size, saved))
    reports = [
        StoredReport(
            *what,
            tuple(sorted(fmt for fmt, _, _ in files)),
            sum(size for _, size, _ in files),
            max(saved for _, _, saved in files),
        )
        for what, files in found.items()
    ]
    return sorted(reports, key=lambda r: (-r.business_date.toordinal(), r.report_type, r.period))


def report_keys(
    stack: Stack, report_type: ReportType, period: Period, day: date | None, formats: tuple[Format, ...]
) -> list[tuple[str, str | None]]:
    """The keys of a report's files with the SHA-256 that their manifest has for them; without a day those of `latest/`.

    Raises NotFound where there is no such report, or not in a format that was asked for.
    """
    if day is None:
        present = {key for key, _, _ in _objects(stack, f"{ROOT}latest/{report_type}-{period}.")}
        known = {fmt: (latest_key(report_type, period, fmt), None) for fmt in Format}
        known = {fmt: found for fmt, found in known.items() if found[0] in present}
    else:
        listed = _manifest(stack, manifest_key(report_type, period, day))
        known = {
            Format(name): (report_key(report_type, period, day, Format(name)), file["sha256"])
            for name, file in listed.items()
        }
    missing = [fmt for fmt in formats if fmt not in known]
    if missing or not known:
        which = f" as {', '.join(missing)}" if missing else ""
        there = f" There is {', '.join(known)}." if known else ""
        raise NotFound(
            f"There is no {period} {report_type} report {f'of {day}' if day else 'yet'}{which}.{there}",
            action="`salesflow-ops reports list` shows what there is, `salesflow-ops run report` makes one.",
        )
    return [found for fmt, found in known.items() if not formats or fmt in formats]


def download(stack: Stack, keys: list[tuple[str, str | None]], folder: Path) -> Iterator[Download]:
    """Fetch files into a folder. Raises Failed where a file is not what its manifest says; nothing of it is kept then."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, expected in keys:
        body = stack.client("s3").get_object(Bucket=stack.bucket, Key=key)["Body"].read()
        digest = hashlib.sha256(body).hexdigest()
        if expected is not None and digest != expected:
            raise Failed(
                f"{key} is not what its run saved: its SHA-256 is {digest}, the manifest has {expected}.",
                action="Somebody has replaced it. The bucket keeps versions; or make it anew with `run report --force`.",
            )
        path = folder / key.rpartition("/")[2]
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(body)
        part.replace(path)
        yield Download(key, path, len(body), digest)


def link(stack: Stack, key: str) -> str:
    """An address that shows a file for an hour to whoever has it."""
    address: str = stack.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": stack.bucket, "Key": key}, ExpiresIn=LINK_SECONDS
    )
    return address


def _prefixes(report_type: ReportType | None, period: Period | None) -> list[str]:
    types = [report_type] if report_type else list(ReportType)
    return [f"{ROOT}{kind}/{period}/" if period else f"{ROOT}{kind}/" for kind in types]


def _objects(stack: Stack, prefix: str) -> Iterator[tuple[str, int, datetime]]:
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stack.bucket, Prefix=prefix)
    for page in pages:
        for entry in page.get("Contents", ()):
            yield entry["Key"], entry["Size"], entry["LastModified"]


def _manifest(stack: Stack, key: str) -> dict[str, Any]:
    """The files that a manifest lists, by format; none where there is no manifest."""
    try:
        body = stack.client("s3").get_object(Bucket=stack.bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return {}
        raise
    files: dict[str, Any] = json.loads(body)["files"]
    return files


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
