"""`reports`: what has been made, and getting at it.

The reports that a stack has made: what there is, and getting at it.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ops.complaints import Failed, NotFound
from ops.desk import Desk
from ops.groups import Group
from ops.options import FromOption, PeriodOption, ToOption, TypeOption
from ops.target import Stack
from ops.terminal import Facts, Table
from salesflow.delivery.store import manifest_key, report_file_of, report_key
from salesflow.formats import Format, ReportType
from salesflow.windows import Period

ROOT = "reports/"
OUT = Path("out") / "downloads"
"""Beside the other things that are made here, and never in a checkout's own folders."""
LINK_SECONDS = 3600


type Report = tuple[ReportType, Period, date]


def stored_reports(
    stack: Stack,
    *,
    report_type: ReportType | None = None,
    period: Period | None = None,
    since: date | None = None,
    until: date | None = None,
) -> dict[Report, list[tuple[Format, int, datetime]]]:
    """The files of each report in the bucket (format, bytes, when it was saved, UTC), the newest date first.

    Manifests, `latest/` and the library page are not reports.
    """
    found: dict[Report, list[tuple[Format, int, datetime]]] = defaultdict(list)
    for prefix in _prefixes(report_type, period):
        for key, size, saved in _objects(stack, prefix):
            file = report_file_of(key)
            if file is not None and (since or date.min) <= file[2] <= (until or date.max):
                found[file[:3]].append((file[3], size, saved))
    return {one: sorted(found[one]) for one in sorted(found, key=lambda one: (-one[2].toordinal(), *one[:2]))}


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file of a report: its key, the business date that it is of, and the SHA-256 that its manifest has for it."""

    key: str
    business_date: date
    sha256: str


def report_keys(
    stack: Stack, report_type: ReportType, period: Period, day: date | None, formats: tuple[Format, ...]
) -> list[ReportFile]:
    """A report's files; without a day those of the newest business date that has been made.

    Raises NotFound where there is no such report, or not in a format that was asked for.
    """
    if day is None:
        made = stored_reports(stack, report_type=report_type, period=period)
        day = next((one[2] for one, files in made.items() if {*formats} <= {fmt for fmt, *_ in files}), None)
    listed = _manifest(stack, manifest_key(report_type, period, day)) if day else {}
    known = {
        Format(name): ReportFile(report_key(report_type, period, day, Format(name)), day, file["sha256"])
        for name, file in listed.items()
        if day is not None
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


def download(stack: Stack, files: list[ReportFile], folder: Path) -> Iterator[dict[str, Any]]:
    """Fetch files into a folder: key, path, bytes and SHA-256 of each.

    Raises Failed where a file is not what its manifest says; nothing of it is kept then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for key, expected in ((file.key, file.sha256) for file in files):
        body = stack.client("s3").get_object(Bucket=stack.bucket, Key=stack.files.full(key))["Body"].read()
        digest = hashlib.sha256(body).hexdigest()
        if digest != expected:
            raise Failed(
                f"{key} is not what its run saved: its SHA-256 is {digest}, the manifest has {expected}.",
                action="Somebody has replaced it. The bucket keeps versions; or make it anew with `run report --force`.",
            )
        path = folder / key.rpartition("/")[2]
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(body)
        part.replace(path)
        yield {"key": key, "path": path, "bytes": len(body), "sha256": digest}


def link(stack: Stack, key: str) -> str:
    """An address that shows a file for an hour to whoever has it."""
    address: str = stack.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": stack.bucket, "Key": stack.files.full(key)}, ExpiresIn=LINK_SECONDS
    )
    return address


def _prefixes(report_type: ReportType | None, period: Period | None) -> list[str]:
    types = [report_type] if report_type else list(ReportType)
    return [f"{ROOT}{kind}/{period}/" if period else f"{ROOT}{kind}/" for kind in types]


def _objects(stack: Stack, prefix: str) -> Iterator[tuple[str, int, datetime]]:
    files = stack.files
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=files.name, Prefix=files.full(prefix))
    for page in pages:
        for entry in page.get("Contents", ()):
            yield files.own(entry["Key"]), entry["Size"], entry["LastModified"]


def _manifest(stack: Stack, key: str) -> dict[str, Any]:
    """The files that a manifest lists, by format; none where there is no manifest."""
    found = stack.files.read(key)
    files: dict[str, Any] = json.loads(found.body)["files"] if found else {}
    return files


app = Group(
    "The reports that were made.",
    examples=[
        "reports list --from 2026-11-01",
        "reports latest --type sales",
        "reports download --type combined --date 2026-11-22",
    ],
)

WORDS = ("--type", "--date")


@dataclass(frozen=True, slots=True)
class Which:
    """The options that say which report, and which of its files."""

    report_type: TypeOption = ReportType.SALES
    day: Annotated[str | None, typer.Option("--date", metavar="DATE", help="The business date [the newest].")] = None
    period: PeriodOption = Period.DAILY
    formats: Annotated[list[Format] | None, typer.Option("--format", "-f", help="Repeat for more [all].")] = None

    def files(self, desk: Desk) -> list[ReportFile]:
        """The files. Raises NotFound where there is no such report."""
        return report_keys(desk.stack, self.report_type, self.period, desk.day(self.day), tuple(self.formats or ()))


@app.command(
    "list",
    renamed={"--since": "--from", "--until": "--to"},
    examples=["reports list", "reports list --type sales --from 2026-11-01 --json"],
)
def list_reports(
    desk: Desk,
    *,
    report_type: Annotated[ReportType | None, typer.Option("--type", "-t", help="Only this type.")] = None,
    period: Annotated[Period | None, typer.Option("--period", "-p", help="Only this period.")] = None,
    first: FromOption = None,
    last: ToOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show, the newest dates first.")] = 50,
) -> None:
    """What there is, the newest date first."""
    since, until = desk.span(first, last)
    reports = stored_reports(desk.stack, report_type=report_type, period=period, since=since, until=until)
    data: list[dict[str, Any]] = [
        {
            "report_type": report[0],
            "period": report[1],
            "business_date": report[2],
            "formats": [fmt for fmt, *_ in files],
            "bytes": sum(size for _, size, _ in files),
            "saved": max(saved for *_, saved in files),
        }
        for report, files in list(reports.items())[:limit]
    ]
    rows = [
        (
            r["business_date"].isoformat(),
            r["report_type"],
            r["period"],
            ", ".join(r["formats"]),
            f"{r['bytes'] / 1024:,.0f} KB",
            r["saved"].astimezone(desk.stack.zone),
        )
        for r in data
    ]
    columns = ("business date", "type", "period", "formats", "size", "saved")
    title = f"{len(rows)} of {len(reports)} reports"
    desk.out.show(data, Table(title, columns, rows, empty="No report has been made yet.", minor=("size", "saved")))
    if len(reports) > limit:
        desk.out.note(f"{len(reports) - limit} more; --limit shows them.")


@app.command(
    "latest", words=WORDS, examples=["reports latest --type sales", "reports latest --type combined --period monthly"]
)
def latest(desk: Desk, *, report_type: TypeOption = ReportType.SALES, period: PeriodOption = Period.DAILY) -> None:
    """Links to the newest report, good for an hour; what is left of an older date is not among them."""
    _links(desk, Which(report_type, period=period))


@app.command(
    "open",
    words=WORDS,
    examples=["reports open --type sales --date 2026-11-22 --format pdf", "reports open --type sales --print"],
)
def open_report(
    desk: Desk,
    *,
    which: Which,
    only_print: Annotated[bool, typer.Option("--print", help="Print the links, open nothing.")] = False,
) -> None:
    """Open a report in the browser, by a link that is good for an hour."""
    links = _links(desk, which)
    if not only_print and desk.out.is_terminal:
        typer.launch(links[0])


@app.command(
    "download",
    words=WORDS,
    renamed={"--to": "--into"},
    examples=["reports download --type sales --date 2026-11-22 --into reports", "reports download --type stock"],
)
def download_reports(
    desk: Desk,
    *,
    which: Which,
    into: Annotated[Path, typer.Option("--into", "-o", file_okay=False, help="The folder to put them into.")] = OUT,
) -> None:
    """Fetch a report's files, each checked against its manifest."""
    keys = which.files(desk)
    files = []
    with desk.out.progress("Downloading", total=len(keys)) as working:
        for file in download(desk.stack, keys, into):
            files.append(file)
            working.advance()
    rows = [(str(one["path"].resolve()), f"{one['bytes'] / 1024:,.0f} KB", one["sha256"][:12]) for one in files]
    desk.out.show(files, Table("Downloaded", ("file", "size", "sha256"), rows))


def _links(desk: Desk, which: Which) -> list[str]:
    keys = which.files(desk)
    links = [link(desk.stack, one.key) for one in keys]
    data = [
        {"key": one.key, "business_date": one.business_date, "link": address}
        for one, address in zip(keys, links, strict=True)
    ]
    pairs = [
        (f"{one.business_date} {one.key.rpartition('.')[2]}", address) for one, address in zip(keys, links, strict=True)
    ]
    desk.out.show(data, Facts("Links for an hour", pairs))
    return links
