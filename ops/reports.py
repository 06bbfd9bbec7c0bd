"""The reports that a stack has made: what there is, and getting at it."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ops.complaints import Failed, NotFound
from ops.target import Stack
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
