"""`fleet`: what is done to all shops of a stack at once, and how far it is."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Annotated, Any

import typer

from ops import fleet
from ops.complaints import ExitCode, Misused
from ops.desk import Desk
from ops.groups import Group
from ops.options import DryRunOption, FormatOption, NotifyOption, PeriodOption, TypeOption, YesOption
from ops.terminal import Cell, Facts, Table, status
from salesflow import clock
from salesflow.formats import ReportType
from salesflow.job_events import Notify, ReportFields
from salesflow.shops.registry import ShopState
from salesflow.windows import Period

app = Group("Do something to all shops of a stack at once, and see how far it is.")

POLL_SECONDS = 2.0

_HOW: Mapping[str, tuple[Any, object]] = {
    "canaries": (
        Annotated[
            float,
            typer.Option("--canaries", min=0, max=100, help="Percent of the shops that come first, at least one."),
        ],
        1,
    ),
    "tolerance": (
        Annotated[
            float,
            typer.Option("--tolerate", min=0, max=100, help="Percent of the firings that may fail before it stops."),
        ],
        5,
    ),
    "at_once": (
        Annotated[int, typer.Option("--at-once", min=1, max=1000, help="How many functions at the same time.")],
        20,
    ),
    "yes": (YesOption, False),
    "dry_run": (DryRunOption, False),
}
"""The options of each command that begins something, and what they are if nothing is said."""
NameArgument = Annotated[str | None, typer.Argument(metavar="[NAME]", help="As `fleet list` shows it [the newest].")]


@dataclass(frozen=True, slots=True)
class How:
    """How something is done to all shops: percent of canaries and of tolerated failures, functions at once, asked first, or shown alone."""

    canaries: float
    tolerance: float
    at_once: int
    yes: bool
    dry_run: bool


def beginning(function: Callable[..., None]) -> Callable[..., None]:
    """The function with the options of all that begin something, each with what is usual where it is not given; it gets them as `how`."""

    @functools.wraps(function)
    def command(**given: Any) -> None:
        how = How(**{name: given.pop(name, usual) for name, (_, usual) in _HOW.items()})
        function(**given, how=how)

    own = inspect.signature(function, eval_str=True)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=usual, annotation=option)
        for name, (option, usual) in _HOW.items()
    ]
    kept = [parameter for parameter in own.parameters.values() if parameter.name != "how"]
    command.__signature__ = own.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]  # as inspect documents it
    return command


@app.command("rebuild", of_shop=False, examples=["fleet rebuild --dry-run", "fleet rebuild --canaries 5 --at-once 50"])
@beginning
def rebuild(desk: Desk, *, how: How) -> None:
    """Read every shop's whole history anew from its source."""
    _do(desk, "rebuild", "sync_history", [{"rebuild": True}], how)


@app.command("backfill", of_shop=False, examples=["fleet backfill --from 2026-11-01 --to 2026-11-20 --dry-run"])
@beginning
def backfill(
    desk: Desk,
    *,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first business date.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last business date.")],
    report_type: TypeOption = ReportType.SALES,
    formats: FormatOption = None,
    period: PeriodOption = Period.DAILY,
    notify: NotifyOption = Notify.NONE,
    max_days: Annotated[int, typer.Option(min=1, max=1000, help="Refuse a longer period.")] = 31,
    how: How,
) -> None:
    """Make a report for each date in each shop; what is done is not done twice. Nobody is mailed unless --notify says so."""
    dates = desk.dates(first, last, most=max_days, everywhere=True)
    fields = _report(report_type, formats, period)
    events = [{**fields, "business_date": day.isoformat(), "notify": notify.value} for day in dates]
    _do(desk, "backfill", "report", events, how)


@app.command("resend", of_shop=False, examples=["fleet resend --date 2026-11-22 --dry-run"])
@beginning
def resend(
    desk: Desk,
    *,
    day: Annotated[str, typer.Option("--date", metavar="DATE", help="The business date.")],
    report_type: TypeOption = ReportType.SALES,
    formats: FormatOption = None,
    period: PeriodOption = Period.DAILY,
    how: How,
) -> None:
    """Mail each shop's report of a date to those of its readers who were not told of it, as after a failure of SES."""
    (wanted,) = desk.dates(day, day, most=1, everywhere=True)
    events = [{**_report(report_type, formats, period), "business_date": wanted.isoformat(), "resend": True}]
    _do(desk, "resend", "report", events, how)


@app.command("canary", of_shop=False, examples=["fleet canary", "fleet canary --canaries 5"])
@beginning
def canary(desk: Desk, *, how: How) -> None:
    """Try a new version: make yesterday's sales report of some shops anew, the rest stay as they are. Nobody is mailed."""
    events = [{**_report(ReportType.SALES, None, Period.DAILY), "force": True, "notify": Notify.NONE.value}]
    _do(desk, "canary", "report", events, how, rest=False)


@app.command("list", of_shop=False, examples=["fleet list"])
def list_all(desk: Desk) -> None:
    """List what was done to all shops in the last 90 days, the newest first."""
    rows = [(name, status(how), at) for name, how, at in fleet.executions(desk.stack)]
    data = [{"name": name, "status": how.plain, "started_at": at} for name, how, at in rows]
    desk.out.show(data, Table("", ("name", "status", "started"), rows))


@app.command("watch", of_shop=False, examples=["fleet watch", "fleet watch rebuild-20261122T081500-3f2a91c0 --once"])
def watch(
    desk: Desk,
    name: NameArgument = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Say how far it is, and end.")] = False,
) -> None:
    """Wait until it is over, and say what came of it; ends with status 1 where it was stopped, or something failed."""
    name = name or fleet.newest(desk.stack)
    found = fleet.progress(desk.stack, name)
    with desk.out.progress(name, total=found.firings) as working:
        working.advance(found.fired)
        while not (found.is_over or once):
            threading.Event().wait(POLL_SECONDS)
            before, found = found, fleet.progress(desk.stack, name)
            working.advance(found.fired - before.fired)
    facts: list[tuple[str, Cell]] = [
        ("status", status(found.status)),
        ("started", found.started_at),
        ("fired", f"{found.fired:,} of {found.firings:,}"),
        ("failed", "not counted yet" if found.failed is None else f"{found.failed:,}"),
    ]
    if found.ended_at is not None:
        facts.insert(2, ("ended", found.ended_at))
    if found.reason:
        facts.append(("why", found.reason))
    desk.out.show(asdict(found), Facts(name, facts))
    if found.is_over and (found.failed is None or found.failed):
        desk.out.note("What failed lies with its reason in the queue of failed runs: salesflow-ops redrive --dry-run")
        raise typer.Exit(ExitCode.FAILED)


@app.command("stop", of_shop=False, examples=["fleet stop rebuild-20261122T081500-3f2a91c0"])
def stop(desk: Desk, name: NameArgument = None) -> None:
    """Fire nothing more; what was fired already runs to its end."""
    name = name or fleet.newest(desk.stack)
    found = fleet.progress(desk.stack, name)
    if found.is_over:
        raise Misused(f"{name} is over already: {found.status}.", action="salesflow-ops fleet list shows what is not.")
    desk.stack.client("stepfunctions").stop_execution(
        executionArn=fleet.arn_of(desk.stack, name), cause="Stopped by an operator."
    )
    desk.out.show({"name": name, "stopped": True}, Facts("", [("stopped", name)]))


def _report(report_type: ReportType, formats: Sequence[Any] | None, period: Period) -> dict[str, Any]:
    said = {"report_type": report_type, "period": period} | ({"formats": formats} if formats else {})
    return ReportFields.model_validate(said).model_dump(mode="json", include={"report_type", "formats", "period"})


def _do(
    desk: Desk,
    what: str,
    job: str,
    events: Sequence[fleet.Event],
    how: How,
    *,
    rest: bool = True,
) -> None:
    by_state: dict[str, list[str]] = {}
    for member in desk.members():
        by_state.setdefault(member.state.value, []).append(member.id)
    shops = by_state.pop(ShopState.ACTIVE.value)
    begun = clock.now().astimezone(UTC)
    name = fleet.name_of(what, begun, [job, shops, *events, how.canaries, how.tolerance, how.at_once, rest])
    lists = fleet.in_lists(name, shops, events, how.canaries, how.tolerance, rest=rest)
    few = fleet.first_ones(len(shops), how.canaries)
    count, firings = len(shops) if rest else few, sum(len(one.events) for one in lists)
    data = {"name": name, "job": job, "shops": count, "canaries": few} | {
        "lists": [{"firings": len(one.events), "tolerated": one.tolerated} for one in lists],
        "first": dict(lists[0].events[0]),
        "left_out": by_state,
    }
    facts = [
        ("name", name),
        ("shops", f"{count:,}, {few:,} of them first"),
        ("left out", ", ".join(f"{len(ids):,} {state}" for state, ids in by_state.items()) or "none"),
        ("firings", f"{firings:,}, {how.at_once:,} at once"),
        ("stops", "; ".join(f"at more than {one.tolerated:,} failures by list {n}" for n, one in enumerate(lists, 1))),
    ]
    told = events[0].get("notify", Notify.ALL) if job == "report" else Notify.NONE
    mailing = {Notify.NONE: "", Notify.OWNER: " and mail their owners"}.get(told, " and mail their readers")
    if not how.dry_run:
        question = f"Fire {job} {firings:,} time{'s'[: firings > 1]} in {count:,} shop{'s'[: count > 1]}{mailing}?"
        if not desk.out.confirm(question, yes=how.yes):
            raise typer.Exit(ExitCode.FAILED)
        fleet.start(desk.stack, name, job, lists, at_once=how.at_once)
    desk.out.show(data, Facts("Dry run: nothing is fired" if how.dry_run else "", facts))
    if not how.dry_run:
        desk.out.note(f"salesflow-ops fleet watch {name} says how far it is; fleet stop {name} ends it.")
