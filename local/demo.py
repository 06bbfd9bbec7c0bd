"""The demo: a whole shop, its schedules of the last days fired through the real handlers, and what came of it in a folder."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from local.api import Surprise
from local.cloud import Firing, Mail, Scheduler
from local.cloud.cloud import STACK
from local.errors import LocalCloudError
from local.shop import SAMPLE_CURRENCY, SAMPLE_ZONE, LocalShop, Shop, retail_shop, sample_shop, zone_named
from salesflow import clock

DONE = {"SUCCEEDED", "SKIPPED_EMPTY", "DUPLICATE"}
SUMMARY = "demo.json"
PARTS = ("reports", "mails", "anomalies", "forecasts", "logs", SUMMARY)
"""What a demo writes; the next one replaces it, when all of its own is there."""
UNFINISHED = ".demo"
NOT_DOWNLOADED = ("history/",)
LEFT_BY_UP = {"env-vars.json", "local-cloud.json"}
MORNING_IS_OVER = time_of_day(8)
"""By then the schedules of the morning have fired, in the shop's zone."""
_LONGEST_PAUSE = timedelta(days=366)
"""A sale so much later than all others has a wrong date, which would be the demo's."""
BAD_DAY = 0.35
"""What is left of the sales of the made-up shop's last day, so that there is an alert to look at."""


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
    """Everything that a demo made: the runs in order, the last business date, the files, and how long each part took, in seconds.

    `headline` is what the mail of the last daily sales report says in its subject, `alert` that of the last alert; "" where there is none.
    """

    runs: tuple[Run, ...]
    last_day: date
    out: Path
    reports: tuple[Path, ...]
    mails: tuple[Path, ...]
    headline: str
    alert: str
    took: dict[str, float]

    @property
    def failures(self) -> list[Run]:
        """The runs that did not do all that they were asked."""
        return [run for run in self.runs if not run.done]

    @property
    def told(self) -> list[tuple[str, str]]:
        """What came of it and where to look, as names and values."""
        folder = self.out / "reports"
        files = [p for p in self.reports if "latest" not in p.parts and p.name not in {"manifest.json", "index.html"}]
        kinds = Counter(path.suffix.removeprefix(".") for path in files)
        made = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "none"
        statuses = Counter(run.status for run in self.runs)
        facts = [
            (f"{self.last_day:%a %d %b}", self.headline),
            ("unusual", self.alert),
            ("all reports", str(folder / "index.html")),
            ("newest", str(folder / "latest")),
            ("mails", f"{len(self.mails)} as .eml in {self.out / 'mails'}"),
            ("files", f"{len(files)} ({made}) with their manifests in {folder}"),
            (
                "runs",
                f"{', '.join(f'{n} {word}' for word, n in sorted(statuses.items()))}; {self.out / SUMMARY} has them",
            ),
            ("logs", str(self.out / "logs")),
            ("it took", f"{sum(self.took.values()):.0f} s"),
        ]
        return [(name, value) for name, value in facts if value]


def last_morning(now: datetime, zone: ZoneInfo) -> datetime:
    """The end of the last morning before `now`: a shop's reports of the day before are out."""
    there = now.astimezone(zone)
    day = there.date() if there.time() >= MORNING_IS_OVER else there.date() - timedelta(days=1)
    return datetime.combine(day, MORNING_IS_OVER, zone)


def demonstrate(
    *,
    data: Path | None,
    days: int,
    out: Path,
    seed: int = 7,
    zone: str | None = None,
    currency: str | None = None,
    last_day: date | None = None,
    step: Callable[[str], None] = lambda _: None,
    ran: Callable[[Run], None] = lambda _: None,
) -> Demonstration:
    """Run the demo and write its files to `out`.

    It is the last `days` days up to the morning after `last_day`: of a file of sales its own last day, of the made-up shop yesterday.
    Reports of which no schedule is due in them are run by hand for the last day. `step` is told what is being done, `ran` of each run.
    Raises LocalCloudError where the file cannot be read or has no sale then, the shop cannot be started, or `out` holds something else.
    """
    _check(out)
    began = time.monotonic()
    took: dict[str, float] = {}

    def done(part: str) -> None:
        nonlocal began
        took[part], began = time.monotonic() - began, time.monotonic()

    step(f"Reading the sales of {data}" if data else "Making up a shop's sales")
    shop, end = _of_file(data, zone, currency, last_day, days) if data else _made_up(zone, currency, last_day, seed)
    first, last = end.date() - timedelta(days=days), end.date() - timedelta(days=1)
    if data and all(len(sale.items) == 1 for sale in shop.store.sales):
        step(
            "Each row is a sale of its own: rows of one sale are told by its number, in a column such as InvoiceNo or Receipt"
        )
    done("sales")
    step("Starting the local cloud and deploying template.yaml")
    # A watchdog on a simulated day has nothing to see: to it, the schedules were made just now.
    parameters = {**shop.parameters, "WatchdogCron": ""}
    start = end - timedelta(days=days)
    with LocalShop.open(replace(shop, parameters=parameters), start) as running:
        done("deployment")
        step(
            f"Firing the schedules for the reports of {first:%a %d %b %Y} to {last:%a %d %b} ({shop.zone.key}, {shop.currency})"
        )
        runs = _fire(running, start, end, ran)
        done("runs")
        step(f"Writing reports and mails to {out}")
        new = out / UNFINISHED
        shutil.rmtree(new, ignore_errors=True)
        reports = download(running, new)
        mails = running.cloud.aws.mails()
        written = write_mails(mails, new)
        done("files")
    demonstration = Demonstration(
        runs=tuple(runs),
        last_day=last,
        out=out,
        reports=tuple(out / path.relative_to(new) for path in reports),
        mails=tuple(out / path.relative_to(new) for path in written),
        headline=_subject(mails, f"sales-daily-{last}."),
        alert=_subject(mails, None),
        took=took,
    )
    _write_summary(demonstration, new)
    _replace(out, new)
    return demonstration


def _of_file(
    data: Path, zone: str | None, currency: str | None, last_day: date | None, days: int
) -> tuple[Shop, datetime]:
    """The file's shop, and the morning after the last day. Raises LocalCloudError where it has no sale on the days."""
    shop = retail_shop(data, zone=zone, currency=currency)
    first_sale, last_sale = shop.days
    before = max((day for sale in shop.store.sales if (day := sale.sold_at.date()) < last_sale), default=last_sale)
    if last_day is None and last_sale - before > _LONGEST_PAUSE:
        raise LocalCloudError(
            f"{data}: its last sale is of {last_sale}, more than a year after the one before, of {before}. Mend its date, or say --date."
        )
    last = last_day or last_sale
    first = last - timedelta(days=days - 1)
    if not any(first <= sale.sold_at.date() <= last for sale in reversed(shop.store.sales)):
        raise LocalCloudError(
            f"{data} has no sale from {first} to {last}; its sales are of {first_sale} to {last_sale}. Say another --date."
        )
    return shop, datetime.combine(last + timedelta(days=1), MORNING_IS_OVER, shop.zone)


def _made_up(zone: str | None, currency: str | None, last_day: date | None, seed: int) -> tuple[Shop, datetime]:
    """The made-up shop with a bad last day, and the morning after it. Raises LocalCloudError for a day that is not over."""
    place = zone_named(zone or SAMPLE_ZONE)
    end = last_morning(clock.now(), place)
    if last_day is not None:
        if last_day >= end.date():
            raise LocalCloudError(
                f"{last_day} is not over, or its reports are not out yet. Say --date {end.date() - timedelta(days=1)}."
            )
        end = datetime.combine(last_day + timedelta(days=1), MORNING_IS_OVER, place)
    bad = Surprise(end.date() - timedelta(days=1), factor=BAD_DAY)
    shop = sample_shop(end.date(), seed=seed, zone=place.key, currency=currency or SAMPLE_CURRENCY, surprises=(bad,))
    return shop, end


def _fire(running: LocalShop, start: datetime, end: datetime, ran: Callable[[Run], None]) -> list[Run]:
    """Fire what is due in the span; then, by hand and for its last day, the reports that no schedule was due for."""
    scheduler = Scheduler(running.cloud)
    due_names = {schedule.name for _, schedule in scheduler.due(start, end)}
    runs: list[Run] = []

    def note(run: Run) -> None:
        runs.append(run)
        ran(run)

    scheduler.run(start, end, running.clock, fired=lambda firing: note(_run(firing)))
    for schedule in scheduler.schedules():
        if not schedule.enabled or schedule.name in due_names or "report_type" not in (schedule.input or ""):
            continue
        # As an operator does: the job's own fields and a date. The time is the simulation's, not this machine's.
        event = {key: value for key, value in schedule.event(end).items() if key != "schedule"}
        event["business_date"] = (end.date() - timedelta(days=1)).isoformat()
        result = running.cloud.invoke_async(schedule.function, event)
        note(_run(Firing(schedule, end, event, result), by_hand=True))
    return runs


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
        schedule=firing.schedule.name.removeprefix(f"{STACK}-"),
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


def _check(out: Path) -> None:
    """Refuse (LocalCloudError) a folder that holds what no demo made."""
    if out.exists() and not out.is_dir():
        raise LocalCloudError(f"{out} is a file; choose another --out.")
    is_a_demo_s = (out / SUMMARY).exists() or (out / UNFINISHED).exists()
    if out.is_dir() and not is_a_demo_s and any(path.name not in LEFT_BY_UP for path in out.iterdir()):
        raise LocalCloudError(f"{out} holds something that no demo made; choose another --out.")
    out.mkdir(parents=True, exist_ok=True)


def _replace(out: Path, new: Path) -> None:
    """Put what is new in the place of what an earlier demo left."""
    for name in PARTS:
        old = out / name
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink(missing_ok=True)
        if (new / name).exists():
            (new / name).rename(old)
    shutil.rmtree(new)


def _subject(mails: Sequence[Mail], attached: str | None) -> str:
    """The subject of the last mail with a file whose name holds that; with None, of the last without a file that is for its readers."""
    for mail in reversed(mails):
        names = [part.get_filename() or "" for part in mail.message.iter_attachments()]
        if any(attached in name for name in names) if attached else not names:
            return mail.subject
    return ""


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


def _write_summary(demonstration: Demonstration, folder: Path) -> None:
    """`demo.json`: the runs for other programs; and the log of each function run that wrote one."""
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    texts = [f"=== {run.schedule} {run.due:%Y-%m-%dT%H:%MZ} {run.status}\n{run.log}" for run in demonstration.runs]
    (logs / "functions.log").write_text("\n".join(texts))
    summary = {
        "finished": True,
        "last_day": demonstration.last_day.isoformat(),
        "headline": demonstration.headline,
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
    (folder / SUMMARY).write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
