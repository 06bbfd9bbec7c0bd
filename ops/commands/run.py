"""`run`: fire a function now, as its schedule would, watch it, and see what came of it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ops.complaints import ExitCode
from ops.desk import Desk
from ops.groups import Group
from ops.options import DateOption, DryRunOption, NotifyOption, PeriodOption, TypeOption, YesOption
from ops.terminal import Cell, Facts, Table, status
from salesflow import clock
from salesflow.formats import Format, ReportType
from salesflow.job_events import Notify, Scope
from salesflow.shop_id import MAIN_SHOP
from salesflow.windows import Period

if TYPE_CHECKING:
    from ops.firing import Answer
    from ops.preview import Preview
    from ops.terminal import Working
    from salesflow.ledger import RunRecord

app = Group(
    "Fire a job's function now, wait, and see what came of it.",
    examples=[
        "run report --type sales --format pdf --dry-run",
        "run report --type combined --period weekly --notify owner",
        "run anomaly-check --sku 85123A --date 2026-11-22",
        "run sync-history",
    ],
)

POLL_SECONDS = 1.0
WELL = {"SUCCEEDED", "SKIPPED_EMPTY", "DUPLICATE"}
"""What ends with status 0: all that was asked is done, or there was rightly nothing to do."""

Force = Annotated[bool, typer.Option("--force", help="Run a date that is done again, and mail everybody again.")]
Anew = Annotated[bool, typer.Option("--force", help="Run a date that is done again.")]
Checked = Literal["daily", "weekly", "monthly"]


@dataclass(frozen=True, slots=True)
class QuietFiring:
    """The options of a job that mails nobody."""

    day: DateOption = None
    force: Anew = False
    dry_run: DryRunOption = False

    def fire(self, desk: Desk, job: str, own: Mapping[str, object]) -> None:
        """Fire the job, or show what it would do; `own`: its own fields."""
        run_now(desk, job, _event(desk, own, self.day, self.force, Notify.ALL), dry_run=self.dry_run)


@dataclass(frozen=True, slots=True)
class Firing:
    """The options of a job that mails."""

    day: DateOption = None
    force: Force = False
    notify: NotifyOption = Notify.ALL
    yes: YesOption = False
    dry_run: DryRunOption = False

    def fire(self, desk: Desk, job: str, own: Mapping[str, object]) -> None:
        """Fire the job, or show what it would do; `own`: its own fields."""
        event = _event(desk, own, self.day, self.force, self.notify)
        run_now(desk, job, event, dry_run=self.dry_run, yes=self.yes)


@app.command(
    "report", examples=["run report --type stock --format excel", "run report --date 2026-11-20 --force --notify none"]
)
def report(
    desk: Desk,
    *,
    report_type: TypeOption = ReportType.SALES,
    formats: Annotated[
        list[Format] | None, typer.Option("--format", "-f", help="Repeat for more [pdf and excel].")
    ] = None,
    period: PeriodOption = Period.DAILY,
    firing: Firing,
) -> None:
    """Make a report: save it, check it, mail it."""
    own = {"report_type": report_type, "period": period} | ({"formats": list(formats)} if formats else {})
    firing.fire(desk, "report", own)


@app.command("anomaly-check", examples=["run anomaly-check --dry-run", "run anomaly-check --products --notify none"])
def anomaly_check(
    desk: Desk,
    *,
    products: Annotated[bool, typer.Option("--products", help="All products, without the whole shop.")] = False,
    sku: Annotated[str | None, typer.Option(help="One product, by its SKU.")] = None,
    name: Annotated[str | None, typer.Option(help="One product, by its name.")] = None,
    period: Annotated[Checked, typer.Option("--period", "-p", help="The days that it looks at.")] = "daily",
    firing: Firing,
) -> None:
    """Compare a day with what such a day usually is; mail what is new, worse or over."""
    scope = Scope.PRODUCT if products or sku is not None or name is not None else Scope.GLOBAL
    own = {"scope": scope, "sku": sku, "name": name, "period": period}
    firing.fire(desk, "anomaly_check", own)


@app.command("forecast", examples=["run forecast"])
def forecast(desk: Desk, *, firing: QuietFiring) -> None:
    """Forecast the next 90 days; mails nobody."""
    firing.fire(desk, "forecast", {})


@app.command("sync-history", examples=["run sync-history", "run sync-history --rebuild --force"])
def sync_history(
    desk: Desk,
    *,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Read the whole history again.")] = False,
    firing: QuietFiring,
) -> None:
    """Bring sales history, daily panel and stock snapshot up to date; mails nobody."""
    firing.fire(desk, "sync_history", {"rebuild": True} if rebuild else {})


@app.command("watchdog", examples=["run watchdog --notify none"])
def watchdog(
    desk: Desk, *, force: Anew = False, notify: NotifyOption = Notify.ALL, dry_run: DryRunOption = False
) -> None:
    """Look whether every schedule did its work; tell the owner what is new. --notify none only looks."""
    run_now(desk, "watchdog", _event(desk, {}, None, force, notify), dry_run=dry_run)


def _event(desk: Desk, own: Mapping[str, object], day: str | None, force: bool, notify: Notify) -> dict[str, Any]:
    """The event: what was said, and nothing that is the job's own default."""
    event: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
    if (date := desk.day(day)) is not None:
        event["business_date"] = date.isoformat()
    if force:
        event["force"] = True
    if notify is not Notify.ALL:
        event["notify"] = notify
    return event


def run_now(desk: Desk, job: str, event: Mapping[str, Any], *, dry_run: bool, yes: bool = True) -> None:
    """Fire a job's function with an event, wait, and show what came of it. Raises InvalidJobEvent, and Exit where it did not do its work."""
    from ops.preview import preview, request_of

    now = clock.now()
    if dry_run:
        _show_preview(desk, preview(desk.stack, job, event, now))
        return
    kind, request = request_of(desk.stack, job, event, now)  # what the function would refuse is refused here
    if event.get("force") and event.get("notify", Notify.ALL) is Notify.ALL:
        readers = preview(desk.stack, job, event, now).recipients
        if readers and not desk.out.confirm(f"Mail {', '.join(readers)} again, for {request.business_date}?", yes=yes):
            raise typer.Exit(ExitCode.FAILED)
    with desk.out.progress(f"{job} for {request.business_date}") as working:
        answer = _fired(desk, job, event, kind.identity(request), working)
    record = desk.stack.ledger.find(kind.identity(request), request.business_date) if answer.error_type else None
    _show_answer(desk, job, event, answer, record)
    if answer.status == "DUPLICATE":
        desk.out.note("Nothing was done: --force runs it again.")
    elif event.get("notify", Notify.ALL) is not Notify.ALL and job in {"report", "anomaly_check"}:
        desk.out.note("Its readers were not told: the schedule of this date still mails them when it is due.")
    if answer.status not in WELL:
        raise typer.Exit(ExitCode.FAILED)


def _fired(desk: Desk, job: str, event: Mapping[str, Any], identity: str, working: Working) -> Answer:
    """Fire, and tell what the run logs until it answers. An interruption leaves the function running."""
    from botocore.exceptions import BotoCoreError, ClientError

    from ops.firing import fire
    from ops.logs import Follower

    came: queue.Queue[Answer | BaseException] = queue.Queue()

    def wait_for_it() -> None:
        try:
            came.put(fire(desk.stack, job, event))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the command can be told of it
            came.put(error)

    desk.stack.function(job)  # looked up before, so that two threads do not
    follower: Follower | None = Follower(desk.stack, (job,), clock.now() - timedelta(seconds=2))
    threading.Thread(target=wait_for_it, name=job, daemon=True).start()
    answer: Answer | BaseException | None = None
    try:
        while answer is None:
            try:
                answer = came.get(timeout=POLL_SECONDS)
            except queue.Empty:
                answer = None
            try:
                for line in follower.new() if follower is not None else ():
                    if (line.fields.get("identity"), line.fields.get("shop", MAIN_SHOP)) == (identity, desk.stack.shop):
                        working.at(f"{line.message} {line.more}"[:200])
                        there = line.moment.astimezone(desk.stack.zone)
                        desk.out.note(f"{there:%H:%M:%S} {line.level} {line.message} {line.more}".rstrip())
            except (ClientError, BotoCoreError) as error:
                follower = None  # who may fire it need not be allowed to read its log
                desk.out.note(f"Its log cannot be followed: {error}.")
    except KeyboardInterrupt:
        desk.out.note("The function goes on without you: `salesflow-ops runs list` shows what comes of it.")
        raise
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _show_preview(desk: Desk, would: Preview) -> None:
    """What a firing would do."""
    window, before = would.window, would.compared_with
    facts: list[tuple[str, Cell]] = [
        ("what", would.identity),
        ("business date", f"{would.business_date}" + ("" if would.day_is_over else " (not over yet)")),
        (
            "window",
            "-"
            if window is None
            else f"{window.first} to {window.last}, {window.days} day{'' if window.days == 1 else 's'}",
        ),
    ]
    if before is not None:
        facts.append(("compared with", f"{before.first} to {before.last}"))
    facts += [("reads", text) for text in would.reads]
    facts += [("mails", address) for address in would.recipients] or [("mails", "nobody")]
    facts += [("leaves out", f"{address}: {why}") for address, why in would.left_out.items()]
    facts += [("writes", f"s3://{would.bucket}/{key}") for key in would.keys]
    facts.append(("outcome", would.outcome))
    desk.out.show(would, Facts("Dry run: nothing is fired, nothing is sent", facts))


def _show_answer(desk: Desk, job: str, event: Mapping[str, Any], answer: Answer, record: RunRecord | None) -> None:
    """What the function answered; of a run that failed what the ledger has on record."""
    said = answer.answer
    if record is not None:
        said = {"business_date": record.business_date.isoformat(), "run_id": record.run_id}
    data = {"event": event, "request_id": answer.request_id, **said, "job": job, "status": answer.status}
    data["reason"] = answer.reason
    if answer.error_type:
        data["error_type"] = answer.error_type
    reason = f"{answer.error_type}: {answer.reason}" if answer.error_type else answer.reason
    facts: list[tuple[str, Cell]] = [
        ("job", job),
        ("business date", str(said.get("business_date", "-"))),
        ("status", status(answer.status)),
        ("why", reason),
        ("told", ", ".join(said.get("notified", ())) or "nobody"),
        ("run", str(said.get("run_id", "-"))),
    ]
    known = {"job", "business_date", "status", "reason", "notified", "run_id", "artifacts", "attempt", "schedule"}
    facts += [
        (name.replace("_", " "), str(value)) for name, value in said.items() if name not in known and _is_plain(value)
    ]
    files = [
        (file["format"], f"s3://{file['bucket']}/{file['key']}", f"{file['bytes']:,}", file["sha256"][:12])
        for file in said.get("artifacts", ())
    ]
    tables = [Table("Files", ("format", "where", "bytes", "sha256"), files)] if files else []
    desk.out.show(data, Facts("", facts), *tables)


def _is_plain(value: object) -> bool:
    return value is not None and isinstance(value, str | int | float)
