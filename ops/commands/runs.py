"""`runs`: what ran, what came of it, who was told."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ops import completion
from ops.complaints import Misused, NotFound
from ops.desk import Desk
from ops.groups import Group
from ops.options import AllShopsOption, RunArgument
from ops.terminal import Cell, Facts, Lines, Table, status
from salesflow import clock

if TYPE_CHECKING:
    from ops.logs import LogLine
    from ops.runs import Run

app = Group(
    "What ran, what came of it, and who was told.",
    examples=[
        "runs list",
        "runs list --date 2026-11-22 --job report",
        "runs sent --date 2026-11-22",
        "runs show 8e5f22c3",
        "runs tail --follow",
    ],
)

USUAL_DAYS = 3
POLL_SECONDS = 2.0
JOBS = "report, sync_history, forecast, anomaly_check, watchdog"
STATUSES = "RUNNING, SUCCEEDED, PARTIAL, SKIPPED_EMPTY, SKIPPED_STALE, FAILED, ABANDONED"

JobOption = Annotated[str | None, typer.Option("--job", help=f"Of one job: {JOBS}.")]
OneDateOption = Annotated[
    str | None, typer.Option("--date", metavar="DATE", help="Of one business date.", autocompletion=completion.dates)
]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="DATE", help=f"The first business date [the last {USUAL_DAYS} days]."),
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DATE", help="The last business date [today].")]

RENAMED = {"--since": "--from", "--until": "--to"}


@app.command(
    "list",
    renamed=RENAMED,
    examples=[
        "runs list --status FAILED --from 2026-11-01",
        "runs list --date 2026-11-22 --json",
        "runs list --all-shops --status FAILED",
    ],
)
def list_runs(
    desk: Desk,
    *,
    job: JobOption = None,
    day: OneDateOption = None,
    first: FromOption = None,
    last: ToOption = None,
    state: Annotated[list[str] | None, typer.Option("--status", help=f"{STATUSES}; repeat for more.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the latest first.")] = 50,
    all_shops: AllShopsOption = False,
) -> None:
    """The runs of some business dates, the latest first: how each ended, why, what was made, and how many were told."""
    found = _between(desk, job, day, first, last, {word.upper() for word in state or ()}, all_shops=all_shops)
    rows = [(*((run.shop,) if all_shops else ()), *_row(run, desk.stack.zone)) for run in found[:limit]]
    completion.remember("run", [run.short_id for run in found[:limit]])
    columns = (
        *(("shop",) if all_shops else ()),
        "run",
        "what",
        "business date",
        "status",
        "began",
        "took",
        "files",
        "told",
        "why",
    )
    empty = "No run is on record for these dates; --from goes further back."
    data = [({"shop": run.shop} if all_shops else {}) | _as_data(run) for run in found[:limit]]
    desk.out.show(data, runs_table(columns, rows, empty))
    if len(found) > limit:
        desk.out.note(f"{len(found) - limit} more: say --limit.")


@app.command(
    "sent",
    renamed=RENAMED,
    examples=["runs sent --date 2026-11-22", "runs sent --recipient manager@shop.example.com --from 2026-11-01"],
)
def sent(
    desk: Desk,
    *,
    recipient: Annotated[str | None, typer.Option("--recipient", metavar="ADDRESS", help="To this one alone.")] = None,
    job: JobOption = None,
    day: OneDateOption = None,
    first: FromOption = None,
    last: ToOption = None,
) -> None:
    """Was it sent? Every mail of some business dates: to whom, when, under which reference, or why not."""
    data: list[dict[str, Any]] = []
    for run in _between(desk, job, day, first, last, set()):
        record = run.record
        data.extend(
            {
                "business_date": record.business_date,
                "what": record.identity,
                "recipient": mail.recipient,
                "outcome": mail.outcome,
                "at": mail.recorded_at,
                "edition": mail.edition,
                "reference": run.reference_in(mail.edition),
                "message_id": mail.message_id,
                "reason": mail.reason,
                "run_id": mail.run_id,
            }
            for mail in run.sends
            if recipient is None or mail.recipient.lower() == recipient.lower()
        )
    rows: list[tuple[Cell, ...]] = [
        (
            one["business_date"].isoformat(),
            one["what"],
            one["recipient"],
            status(one["outcome"].value),
            one["at"].astimezone(desk.stack.zone),
            one["reference"],
            one["reason"],
        )
        for one in data
    ]
    columns = ("business date", "what", "recipient", "outcome", "when", "reference", "why not")
    empty = "Nobody was mailed for these dates."
    desk.out.show(
        data, Table("Mails", columns, rows, empty=empty, prose={"why not"}, minor=("why not", "reference", "when"))
    )


@app.command("show", examples=["runs show 8e5f22c3", "runs show SF-K4ZT7QWA --json"])
def show(desk: Desk, name: RunArgument) -> None:
    """One run: how it ended and why, its times, rows and files, who was told, and what it logged."""
    from ops.logs import of_run
    from ops.runs import find

    run, zone = find(desk.stack, name), desk.stack.zone
    lines = of_run(desk.stack, run)
    record = run.record
    files = [(a.format, f"s3://{a.bucket}/{a.key}", f"{a.bytes:,}", a.sha256[:12]) for a in record.artifacts]
    mails: list[tuple[Cell, ...]] = [
        (m.recipient, status(m.outcome.value), _moment(m.recorded_at, zone), m.edition, m.reason or m.message_id)
        for m in run.sends
    ]
    data = _as_data(run) | {"details": record.details, "log": [_line_data(line) for line in lines]}
    desk.out.show(
        data,
        Facts(f"Run {record.run_id}", _facts(run, zone)),
        Table("Files", ("format", "where", "bytes", "sha256"), files, empty="It made no file."),
        Table(
            "Mails",
            ("recipient", "outcome", "when", "edition", "message, or why not"),
            mails,
            empty="Nobody was mailed.",
            prose={"message, or why not"},
            minor=("edition",),
        ),
        Table(
            "Log",
            ("time", "level", "message", "more"),
            [_line_row(line, zone)[:1] + _line_row(line, zone)[2:] for line in lines],
            prose={"message", "more"},
        ),
    )


@app.command("tail", examples=["runs tail --since 2h", "runs tail --job report --follow", "runs tail 8e5f22c3"])
def tail(
    desk: Desk,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Only what this run logged.", autocompletion=completion.seen("run")),
    ] = None,
    *,
    job: JobOption = None,
    since: Annotated[str, typer.Option(help="How far back: 90s, 15m, 2h, 1d.")] = "15m",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl+C.")] = False,
) -> None:
    """What the functions log: of all jobs or of one, of one run, as it comes."""
    from ops import logs, runs

    zone = desk.stack.zone
    if name is not None:
        _print(desk, logs.of_run(desk.stack, runs.find(desk.stack, name)), zone)
        return
    if job is not None and job not in logs.JOBS:
        raise NotFound(f"There is no job {job}.", action=f"There are {', '.join(logs.JOBS)}.")
    present = tuple(one for one in logs.JOBS if logs.ONLY_WITH.get(one, "ReportFunction") in desk.stack.resources)
    follower = logs.Follower(desk.stack, (job,) if job else present, clock.now() - _span(since))
    while True:
        _print(desk, list(follower.new()), zone)
        if not follow:
            return
        time.sleep(POLL_SECONDS)


def _between(
    desk: Desk,
    job: str | None,
    day: str | None,
    first: str | None,
    last: str | None,
    statuses: set[str],
    *,
    all_shops: bool = False,
) -> list[Run]:
    from ops.runs import between

    if all_shops:
        desk.ensure_no_single_shop()
    if day is not None and (first is not None or last is not None):
        raise Misused("--date is one date; --from and --to are a span.", action="Say one of the two.")
    unknown = statuses - set(STATUSES.split(", "))
    if unknown:
        raise Misused(f"{', '.join(sorted(unknown))} is no status of a run.", action=f"There are {STATUSES}.")
    known = JOBS.split(", ")
    if job is not None and (job := job.replace("-", "_")) not in known:
        raise Misused(f"There is no job {job} in the ledger.", action=f"There are {JOBS}.")
    since, until = desk.span(day or first, day or last)
    until = until or max(desk.today, since or desk.today)
    since = since or until - timedelta(days=USUAL_DAYS)
    return between(desk.stack, since, until, job=job, statuses=statuses, all_shops=all_shops)


def runs_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], empty: str) -> Table:
    """Runs, one a row: of what is in `columns` the reason may wrap, and the counts are left out first."""
    minor = ("files", "took", "told", "began", "why")
    return Table("Runs, the latest first", columns, rows, empty=empty, prose={"why"}, minor=minor)


def _row(run: Run, zone: ZoneInfo) -> tuple[Cell, ...]:
    record = run.record
    told = f"{len(run.told)}" + (f", {len(run.refused)} refused" if run.refused else "")
    return (
        run.short_id,
        record.identity,
        record.business_date.isoformat(),
        status(run.status),
        record.started_at.astimezone(zone),
        _took(run.took),
        str(len(record.artifacts)),
        told,
        record.reason,
    )


def _as_data(run: Run) -> dict[str, Any]:
    """A run for programs."""
    record = run.record
    return {
        "run_id": record.run_id,
        "job": run.job,
        "identity": record.identity,
        "business_date": record.business_date,
        "status": run.status,
        "reason": record.reason,
        "attempt": record.attempt,
        "settings_version": record.settings.version,
        "schedule": record.schedule,
        "scheduled_time": record.scheduled_time,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "seconds": None if run.took is None else run.took.total_seconds(),
        "interim": record.interim,
        "reference": run.reference,
        "artifacts": record.artifacts,
        "told": [mail.recipient for mail in run.told],
        "refused": {mail.recipient: mail.reason for mail in run.refused},
        "mails": run.sends,
    }


def _facts(run: Run, zone: ZoneInfo) -> list[tuple[str, Cell]]:
    record = run.record
    finished = _moment(record.finished_at, zone) if record.finished_at else "not yet"
    counts = {
        name: record.details[name]
        for name in ("sales_rows", "stock_rows", "sales_read", "set_aside")
        if name in record.details
    }
    facts: list[tuple[str, Cell]] = [
        ("what", record.identity),
        ("business date", record.business_date.isoformat() + (" (before it was over)" if record.interim else "")),
        ("status", status(run.status)),
        ("why", record.reason or "-"),
        ("fired by", f"{record.schedule}, for {_moment(record.scheduled_time, zone)}"),
        ("attempt", str(record.attempt)),
        ("settings", f"version {record.settings.version}"),
        ("began", _moment(record.started_at, zone)),
        ("ended", f"{finished} ({_took(run.took)})"),
        ("rows", ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in counts.items()) or "-"),
        ("data as of", str(record.details.get("data_as_of") or "-")),
        ("told", ", ".join(mail.recipient for mail in run.told) or "nobody"),
        ("reference", run.reference),
    ]
    return facts


def _line_row(line: LogLine, zone: ZoneInfo) -> tuple[Cell, ...]:
    return (f"{line.moment.astimezone(zone):%H:%M:%S.%f}"[:-3], line.job, line.level, line.message, line.more)


def _line_data(line: LogLine) -> dict[str, Any]:
    return {
        "time": line.moment,
        "job": line.job,
        "level": line.level,
        "message": line.message,
        "fields": line.fields,
    }


def _print(desk: Desk, lines: list[LogLine], zone: ZoneInfo) -> None:
    """Log lines as they come: with --json one JSON object a line."""
    import json

    for line in lines:
        if desk.out.as_json:
            desk.out.line(
                json.dumps(_line_data(line) | {"time": line.moment.isoformat()}, ensure_ascii=False, default=str)
            )
        else:
            desk.out.show(None, Lines(["  ".join(str(cell) for cell in _line_row(line, zone) if str(cell))]))


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _took(length: timedelta | None) -> str:
    return "-" if length is None else f"{length.total_seconds():.1f} s"


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _span(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+)([smhd])", text.strip())
    if match is None:
        raise Misused(f"{text!r} is no span of time.", action="Write it as 90s, 15m, 2h or 1d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
