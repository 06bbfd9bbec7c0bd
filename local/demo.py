"""The demo: a whole shop, its schedules of the last days fired through the real handlers, and what came of it in a folder."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from local.api import Surprise
from local.cloud import Firing, LocalCloudError, Mail, ScheduleOnRecord, Scheduler
from local.shop import LocalShop, Shop, retail_shop, sample_shop
from salesflow import clock

SAMPLE_ZONE = ZoneInfo("Asia/Shanghai")
RETAIL_BUSINESS_DATE = date(2011, 11, 30)
DONE = {"SUCCEEDED", "SKIPPED_EMPTY", "DUPLICATE"}
SUMMARY = "demo.json"
NOT_DOWNLOADED = ("history/",)
LEFT_BY_UP = {"env-vars.json", "local-cloud.json"}


@dataclass(frozen=True, slots=True)
class Run:
    """One job that ran: by which schedule, for which day, and what came of it.

    `duration` in seconds, `peak_bytes` of memory; `made` are keys of the bucket, `mailed` addresses, `reason` the job's own word.
    """

    schedule: str
    by_hand: bool
    due: datetime
    business_date: str
    status: str
    reason: str
    duration: float
    peak_bytes: int
    made: tuple[str, ...]
    mailed: tuple[str, ...]
    log: str

    @property
    def done(self) -> bool:
        """Whether the job did all that it was asked."""
        return self.status in DONE


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Everything that a demo made: the runs in order, the files by what they are, and how long each part took, in seconds."""

    runs: tuple[Run, ...]
    out: Path
    reports: tuple[Path, ...]
    mails: tuple[Path, ...]
    took: dict[str, float]

    @property
    def failures(self) -> list[Run]:
        """The runs that did not do all that they were asked."""
        return [run for run in self.runs if not run.done]


class Progress(Protocol):
    """How a demo says where it is."""

    def step(self, what: str) -> None:
        """A new part begins."""

    def expect(self, runs: int) -> None:
        """So many runs will come."""

    def ran(self, run: Run) -> None:
        """One run is over."""


def demonstrate(*, data: Path | None, days: int | None, out: Path, seed: int, progress: Progress) -> Demonstration:
    """Run the demo and write its files to `out`.

    Without `data` it is the sample shop and its last `days` (3) days up to now; with a file of real invoice lines, the `days` (2) days that
    end with 1 December 2011, on which the reports of 30 November are due; periods of which no schedule is due in them are run by hand.
    Raises LocalCloudError where the shop cannot be started or `out` holds something else.
    """
    prepare(out)
    began = time.monotonic()
    took: dict[str, float] = {}
    progress.step(f"Reading the sales of {data}" if data else "Making up a shop's sales")
    shop, start, end = _span(data, days, seed)
    took["sales"] = time.monotonic() - began
    progress.step("Starting the local cloud and deploying template.yaml")
    began = time.monotonic()
    # A watchdog on a simulated day has nothing to see: to it, the schedules were made just now.
    parameters = {**shop.parameters, "WatchdogState": "DISABLED"}
    with LocalShop.open(replace(shop, parameters=parameters), start) as running:
        took["deployment"] = time.monotonic() - began
        began = time.monotonic()
        runs = _fire(running, start, end, only_date=RETAIL_BUSINESS_DATE if data else None, progress=progress)
        took["runs"] = time.monotonic() - began
        progress.step(f"Writing reports and mails to {out}")
        began = time.monotonic()
        reports = download(running, out)
        mails = write_mails(running.cloud.aws.mails(), out)
        took["files"] = time.monotonic() - began
    demonstration = Demonstration(tuple(runs), out, tuple(reports), tuple(mails), took)
    _write_summary(demonstration)
    return demonstration


def _span(data: Path | None, days: int | None, seed: int) -> tuple[Shop, datetime, datetime]:
    if data is not None:
        try:
            shop = retail_shop(data)
        except (OSError, ValueError) as error:
            raise LocalCloudError(f"{data} cannot be read as invoice lines: {error}") from error
        after = RETAIL_BUSINESS_DATE + timedelta(days=2)
        end = datetime.combine(after, datetime.min.time(), shop.zone)
        return shop, end - timedelta(days=days or 2), end
    end = clock.now().astimezone(SAMPLE_ZONE)
    # A bad day yesterday, so that there is an alert to look at.
    bad_day = Surprise(end.date() - timedelta(days=1), factor=0.35)
    shop = sample_shop(end.date(), seed=seed, zone=SAMPLE_ZONE.key, surprises=(bad_day,))
    first = end.date() - timedelta(days=days or 3)
    return shop, datetime.combine(first, end.time(), shop.zone), end


def _fire(
    running: LocalShop, start: datetime, end: datetime, *, only_date: date | None, progress: Progress
) -> list[Run]:
    """Fire what is due in the span; then, by hand, the reports that no schedule was due for.

    With `only_date` that is each report of this date; without, each kind of report that the span did not have, for its last day.
    """
    scheduler = Scheduler(running.cloud)
    due = scheduler.due(start, end)
    fired = {
        schedule.name for moment, schedule in due if only_date is None or _reports_on(schedule, moment) == only_date
    }
    by_hand = [
        s for s in scheduler.schedules() if s.enabled and s.name not in fired and "report_type" in (s.input or "")
    ]
    by_hand_date = only_date or end.date() - timedelta(days=1)
    zone = running.shop.zone.key
    progress.step(f"Firing the schedules from {start:%a %d %b %Y %H:%M} to {end:%a %d %b %Y %H:%M} ({zone})")
    progress.expect(len(due) + len(by_hand))
    runs: list[Run] = []

    def note(run: Run) -> None:
        runs.append(run)
        progress.ran(run)

    scheduler.run(start, end, running.clock, fired=lambda firing: note(_run(firing)))
    for schedule in by_hand:
        # As an operator does: the job's own fields and a date. The time is the simulation's, not this machine's.
        event = {key: value for key, value in schedule.event(end).items() if key != "schedule"}
        event["business_date"] = by_hand_date.isoformat()
        result = running.cloud.invoke_async(schedule.target, event)
        note(_run(Firing(schedule, end, event, result), by_hand=True))
    return runs


def _reports_on(schedule: ScheduleOnRecord, due: datetime) -> date:
    """The last complete day when a schedule is due."""
    return due.astimezone(ZoneInfo(schedule.zone)).date() - timedelta(days=1)


def _run(firing: Firing, *, by_hand: bool = False) -> Run:
    result = firing.result
    answer: dict[str, Any] = {}
    status, reason = "FAILED", firing.problem or ""
    if result is not None and result.succeeded:
        answer = result.last.answer
        status, reason = answer["status"], answer.get("reason") or ""
    elif result is not None:
        error = result.last.error or {}
        reason = f"{error.get('errorType')}: {error.get('errorMessage')} (tried {len(result.tries)} times)"
    tries = result.tries if result is not None else ()
    return Run(
        schedule=firing.schedule.name,
        by_hand=by_hand,
        due=firing.due,
        business_date=answer.get("business_date", firing.event.get("business_date", "")),
        status=status,
        reason=reason,
        duration=sum(t.duration for t in tries),
        peak_bytes=max((t.peak_bytes for t in tries), default=0),
        made=tuple(artifact["key"] for artifact in answer.get("artifacts", ())),
        mailed=tuple(answer.get("notified", ())),
        log="".join(t.log for t in tries),
    )


def prepare(out: Path) -> None:
    """Make `out` an empty folder: what an earlier demo left is removed, anything else is refused with LocalCloudError."""
    if out.exists() and not out.is_dir():
        raise LocalCloudError(f"{out} is a file; choose another --out.")
    if (out / SUMMARY).exists():
        for name in ("reports", "mails", "anomalies", "forecasts", "logs"):
            shutil.rmtree(out / name, ignore_errors=True)
        (out / SUMMARY).unlink()
    elif out.is_dir() and any(path.name not in LEFT_BY_UP for path in out.iterdir()):
        raise LocalCloudError(f"{out} holds something that no demo made; choose another --out.")
    out.mkdir(parents=True, exist_ok=True)
    # Written first, so that a demo that is interrupted leaves a folder that the next one may clear.
    (out / SUMMARY).write_text(json.dumps({"finished": False}) + "\n")


def download(running: LocalShop, out: Path) -> list[Path]:
    """Every object of the reports bucket but the history, under `out` by its key; the paths, sorted."""
    cloud = running.cloud
    s3, bucket = cloud.aws.client("s3"), cloud.stack.outputs["ReportsBucketName"]
    written = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", ()):
            if found["Key"].startswith(NOT_DOWNLOADED):
                continue
            path = out / found["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
            written.append(path)
    return sorted(written)


def write_mails(mails: Sequence[Mail], out: Path) -> list[Path]:
    """Each mail as `mails/NNN-recipient-subject.eml`, in the order of sending; the paths."""
    folder = out / "mails"
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, mail in enumerate(mails, 1):
        recipient = mail.recipients[0].partition("@")[0] if mail.recipients else "nobody"
        subject = re.sub(r"[^\w]+", "-", mail.subject).strip("-")[:60]
        path = folder / f"{number:03}-{re.sub(r'[^a-zA-Z0-9._-]', '_', recipient)}-{subject}.eml"
        path.write_bytes(mail.content)
        written.append(path)
    return written


def _write_summary(demonstration: Demonstration) -> None:
    """`demo.json`: the runs for other programs; and the log of each function run that wrote one."""
    logs = demonstration.out / "logs"
    logs.mkdir(exist_ok=True)
    texts = [f"=== {run.schedule} {run.due:%Y-%m-%dT%H:%MZ} {run.status}\n{run.log}" for run in demonstration.runs]
    (logs / "functions.log").write_text("\n".join(texts))
    summary = {
        "finished": True,
        "took_seconds": {name: round(seconds, 1) for name, seconds in demonstration.took.items()},
        "runs": [
            {
                "schedule": run.schedule,
                "by_hand": run.by_hand,
                "due": run.due.isoformat(),
                "business_date": run.business_date,
                "status": run.status,
                "reason": run.reason,
                "seconds": round(run.duration, 3),
                "peak_mb": run.peak_bytes >> 20,
                "made": run.made,
                "mailed": run.mailed,
            }
            for run in demonstration.runs
        ],
    }
    (demonstration.out / SUMMARY).write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
