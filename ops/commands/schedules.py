"""`schedules`: when what runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ops import completion
from ops.complaints import ExitCode, Misused
from ops.desk import Desk
from ops.groups import Group
from ops.options import DryRunOption, FormatOption, PeriodOption, RecipientOption, YesOption
from ops.terminal import Cell, Facts, Lines, Table, status
from salesflow import clock
from salesflow.formats import Format, ReportType
from salesflow.job_events import AnomalyCheckFields, ReportFields, Scope
from salesflow.shops.registry import ShopState
from salesflow.windows import Period

if TYPE_CHECKING:
    from ops.schedules import MailingFields, Standing, WantedSchedule

app = Group(
    "When what runs: the template's schedules, and those put by hand.",
    examples=[
        "schedules list",
        "schedules put --type sales --format excel --at 18:30",
        "schedules fire scheduled-sales-pdf",
        "schedules pause scheduled-sales-excel",
        "schedules next --count 20",
    ],
)

ScheduleId = Annotated[
    str, typer.Argument(metavar="ID", help="As `schedules list` names it.", autocompletion=completion.seen("schedule"))
]
Deploy = Annotated[
    bool, typer.Option("--deploy", help="For one of the template's: set the stack's parameter now, by CloudFormation.")
]


@app.command("list", examples=["schedules list", "schedules list --json --local"])
def list_schedules(desk: Desk) -> None:
    """Every schedule of the stack: whose it is, whether it fires, when it is due next."""
    from ops.schedules import NEVER, every

    now = clock.now()
    data, rows = [], []
    for standing in every(desk.stack):
        row = _as_data(standing, now, desk.stack.name)
        data.append(row)
        due, off = row["next_due"], standing.schedule.expression == NEVER
        rows.append(
            (
                standing.id,
                row["origin"],
                row["job"],
                "-" if off else standing.schedule.expression.removeprefix("cron(").removesuffix(")"),
                standing.schedule.zone,
                status("ENABLED" if standing.schedule.enabled else "DISABLED"),
                "-" if due is None else due.astimezone(ZoneInfo(standing.schedule.zone)),
            )
        )
    completion.remember("schedule", [row[0] for row in rows])
    columns = ("id", "whose", "job", "cron", "zone", "state", "due next")
    desk.out.show(
        data,
        Table(f"{len(rows)} schedules of {desk.stack.name}", columns, rows, minor=("zone", "job", "whose", "cron")),
    )


@app.command(
    "put",
    words=("--type", "--format"),
    examples=[
        "schedules put --type sales --format excel --at 18:30",
        "schedules put --type stock --format pdf --at 07:00 --on MON-FRI --zone Europe/Paris",
        "schedules put --type stock --format excel --at 06:30 --to stock@shop.example.com --id stock-keeper",
        "schedules put --check GLOBAL --period weekly --at 07:30 --on MON --to owner@shop.example.com",
        "schedules put --type combined --format pdf --format excel --period monthly --cron '0 6 L * ? *' --dry-run",
    ],
)
def put(
    desk: Desk,
    *,
    report_type: Annotated[ReportType | None, typer.Option("--type", "-t", help="The report.")] = None,
    formats: FormatOption = None,
    check: Annotated[
        Scope | None,
        typer.Option("--check", case_sensitive=False, help="Instead of a report: a check of the shop, or of products."),
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="HH:MM", help="Time of day.")] = None,
    on: Annotated[
        str | None, typer.Option(metavar="DAYS", help="With --at: weekdays (MON-FRI, SAT) or days of the month (1, L).")
    ] = None,
    cron: Annotated[
        str | None,
        typer.Option(help="Instead of --at: minute hour day-of-month month day-of-week year, one day a '?'."),
    ] = None,
    zone: Annotated[str | None, typer.Option(help="IANA time zone (default: the stack's).")] = None,
    period: PeriodOption = Period.DAILY,
    recipients: RecipientOption = None,
    schedule_id: Annotated[
        str | None, typer.Option("--id", help="Another id than scheduled-TYPE-FORMAT (-PERIOD, where it is not daily).")
    ] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Put it, and do not let it fire yet.")] = False,
    deploy: Deploy = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Register a schedule of a report or of a check, or replace the one of the same id.

    It lies beside the template's schedules, survives every deployment, and the watchdog watches it. Whom --to names gets what it makes, and
    nobody else; without it, who got it before, or else everybody.
    """
    from ops import schedules

    fields = _fields(report_type, formats, check, period)
    wanted = schedules.WantedSchedule(
        fields=fields,
        expression=_expression(at, on, cron),
        zone=zone or desk.stack.zone.key,
        id=schedule_id or schedules.usual_id(fields),
        enabled=not paused,
    )
    due = schedules.check(desk.stack, wanted, clock.now())
    rivals = schedules.same_work(desk.stack, wanted)
    changes = schedules.time_parameters(desk.stack, wanted)
    if dry_run:
        done = "would be put"
    elif deploy and changes:
        _set_parameters(desk, changes, yes=yes)
        done = "set on the stack"
    else:
        if recipients:  # before it can fire
            _set_readers(desk, wanted.id, recipients)
        done = "replaced" if schedules.put(desk.stack, wanted) else "registered"
    data = {
        "id": wanted.id,
        "done": done,
        "expression": wanted.expression,
        "zone": wanted.zone,
        "input": wanted.input,
        "recipients": list(recipients or ()),
        "next_due": due,
        "same_work": list(rivals),
    }
    facts = Facts(f"{wanted.id} {done}", [("schedule", wanted.id), ("done", done), ("expression", wanted.expression)])
    desk.out.show(data, facts, _due_table(wanted, due))
    if wanted.enabled:
        _note_a_pause(desk)
    for rival, is_whole in rivals.items():
        then = "whichever comes second on a date answers DUPLICATE"
        if not is_whole:
            then = "its formats differ, so both run, and who reads both is mailed twice"
        desk.out.note(f"{rival} makes the same report: {then}.")
    for day in schedules.skipped(wanted.expression, wanted.zone, clock.now()):
        desk.out.note(
            f"On {day} clocks skip that time, and the watchdog fires it late. An hour from 4 to 21 comes every day.",
            style="yellow",
        )
    if wanted.zone != desk.stack.zone.key:
        desk.out.note(f"The report's days stay those of {desk.stack.zone.key}, the stack's own zone.")


@app.command("pause", examples=["schedules pause scheduled-sales-excel", "schedules pause forecast --deploy"])
def pause(desk: Desk, schedule_id: ScheduleId, *, deploy: Deploy = False, yes: YesOption = False) -> None:
    """Let a schedule fire no more, until it is resumed."""
    _switch(desk, schedule_id, enabled=False, deploy=deploy, yes=yes)


@app.command("resume", examples=["schedules resume scheduled-sales-excel"])
def resume(desk: Desk, schedule_id: ScheduleId, *, deploy: Deploy = False, yes: YesOption = False) -> None:
    """Let a paused schedule fire again; what it missed is not made up for (see `backfill`)."""
    _switch(desk, schedule_id, enabled=True, deploy=deploy, yes=yes)


@app.command("fire", examples=["schedules fire scheduled-sales-pdf", "schedules fire anomaly-check --dry-run"])
def fire_now(desk: Desk, schedule_id: ScheduleId, *, dry_run: DryRunOption = False) -> None:
    """Fire a schedule now, paused or not, as if this were its hour; a date that is done answers DUPLICATE."""
    from ops import schedules
    from ops.commands.run import run_now

    schedule = schedules.find(desk.stack, schedule_id).schedule
    run_now(desk, _job(schedule.function, desk.stack.name), schedule.event(clock.now()), dry_run=dry_run)


@app.command("remove", examples=["schedules remove scheduled-sales-excel"])
def remove(desk: Desk, schedule_id: ScheduleId) -> None:
    """Remove a schedule that was put by hand."""
    from ops import schedules

    standing = schedules.find(desk.stack, schedule_id)
    schedules.remove(desk.stack, standing)
    if standing.id in desk.stack.settings.schedule_recipients:
        _set_readers(desk, standing.id, None)
    data = _as_data(standing, clock.now(), desk.stack.name) | {"done": "removed"}
    was = f"{standing.schedule.expression} in {standing.schedule.zone}, {standing.schedule.input}"
    desk.out.show(data, Lines([f"{standing.id} removed (it was {was})."]))


@app.command(
    "next", examples=["schedules next --count 20", "schedules next --parameter 'SalesPdfCron=0 8 * * ? *' --json"]
)
def schedules_next(
    desk: Desk,
    *,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many due times to show.")] = 10,
    parameter: Annotated[
        list[str] | None,
        typer.Option(help="Instead of the stack's: the template's, with this Parameter (Name=Value); repeat for more."),
    ] = None,
    template: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Instead of the stack's: this template's.")
    ] = None,
) -> None:
    """When the schedules are due next, in their zone and in UTC: the stack's, or a template's before it is deployed."""
    wants_template = bool(parameter or template)
    due = _due_of_template(template, parameter or [], count) if wants_template else _due_of_stack(desk, count)
    data = [{"schedule": name, "due": moment, "zone": zone, "expression": text} for moment, name, zone, text in due]
    rows = [(name, _local(moment, zone), zone, f"{moment:%Y-%m-%d %H:%M}") for moment, name, zone, _ in due]
    desk.out.show(data, Table(f"The next {len(due)} due times", ("schedule", "local time", "zone", "UTC"), rows))


type Due = tuple[datetime, str, str, str]
"""A due time in UTC, the schedule's name, its zone, its expression."""


def _due_of_stack(desk: Desk, count: int) -> list[Due]:
    from ops.schedules import every, next_times

    now = clock.now()
    found = [
        (moment.astimezone(UTC), standing.id, standing.schedule.zone, standing.schedule.expression)
        for standing in every(desk.stack)
        for moment in next_times(standing.schedule, now, count)
    ]
    return sorted(found)[:count]


def _due_of_template(template: Path | None, parameters: list[str], count: int) -> list[Due]:
    """Those of a template that is deployed for it in a local cloud of its own."""
    from ops.local_cloud import told

    words = [word for item in parameters for word in ("--parameter", item)]
    words += ["--template", str(template)] if template else []
    return [
        (datetime.fromisoformat(one["due"]), one["schedule"], one["zone"], one["expression"])
        for one in told("due", "--count", str(count), *words)
    ]


def _switch(desk: Desk, schedule_id: str, *, enabled: bool, deploy: bool, yes: bool) -> None:
    from ops import schedules

    standing = schedules.find(desk.stack, schedule_id)
    changes = schedules.state_parameter(desk.stack, standing, enabled=enabled)
    if deploy and changes:
        _set_parameters(desk, changes, yes=yes)
    else:
        schedules.set_enabled(desk.stack, standing, enabled=enabled)
    done = "resumed" if enabled else "paused"
    now = schedules.find(desk.stack, standing.id)
    due = schedules.next_times(now.schedule, clock.now(), 1)
    when = f"; due next {_local(due[0], now.schedule.zone)}" if due else ""
    desk.out.show(_as_data(now, clock.now(), desk.stack.name) | {"done": done}, Lines([f"{standing.id} {done}{when}."]))
    if enabled:
        _note_a_pause(desk)


def _note_a_pause(desk: Desk) -> None:
    """Say of a schedule that is to fire that its shop stands still."""
    shop = desk.stack.shop
    if desk.stack.registry.get(shop).state is ShopState.PAUSED:
        desk.out.note(
            f"The shop {shop} is paused: it fires once that is resumed (salesflow-ops shops resume {shop}).",
            style="yellow",
        )


def _set_parameters(desk: Desk, changes: Mapping[str, str], *, yes: bool) -> None:
    from ops import stack_parameters

    settings = ", ".join(f"{name}={value}" for name, value in changes.items())
    if not desk.out.confirm(f"Set {settings} on the stack {desk.stack.name} now?", yes=yes):
        raise typer.Exit(ExitCode.FAILED)
    with desk.out.progress(f"Setting {settings}"):
        stack_parameters.set_parameters(desk.stack, changes)
    for name in stack_parameters.overridden_at_deployment(desk.stack, changes):
        desk.out.note(f"samconfig.toml sets {name} too: change it there, or the next deployment undoes this.")


def _as_data(standing: Standing, now: datetime, stack_name: str) -> dict[str, Any]:
    """A schedule for programs."""
    from ops.schedules import next_times
    from salesflow.errors import SalesFlowError

    schedule = standing.schedule
    try:
        due = next_times(schedule, now, 1)
        problem = ""
    except SalesFlowError as error:  # made by other means, with a rate or an expression that nobody understands
        due, problem = [], str(error)
    return {
        "id": standing.id,
        "name": schedule.name,
        "origin": "by hand" if standing.by_hand else "template",
        "description": standing.description,
        "job": _job(schedule.function, stack_name),
        "expression": schedule.expression,
        "zone": schedule.zone,
        "enabled": schedule.enabled,
        "next_due": due[0] if due else None,
        "input": schedule.input,
        "problem": problem,
    }


def _job(function: str, stack_name: str) -> str:
    """The job of a function's name."""
    return function.removeprefix(f"{stack_name}-").replace("-", "_")


def _fields(
    report_type: ReportType | None, formats: Sequence[Format] | None, check: Scope | None, period: Period
) -> MailingFields:
    """What the schedule is to fire. Raises Misused."""
    if (check is None) == (report_type is None) or (check is not None and formats):
        raise Misused("A report or a check?", action="Say --type and --format, or --check GLOBAL or PRODUCT.")
    if report_type is not None:
        if not formats:
            raise Misused("In which format?", action="Say --format, such as pdf; repeat it for more.")
        return ReportFields(report_type=report_type, formats=tuple(dict.fromkeys(formats)), period=period)
    if period is Period.QUARTERLY:
        raise Misused("There is no quarterly check.", action="Say --period daily, weekly or monthly.")
    return AnomalyCheckFields(scope=check or Scope.GLOBAL, period=period)


def _set_readers(desk: Desk, schedule_id: str, readers: Sequence[str] | None) -> None:
    """Give a schedule readers of its own (None: everybody's again). Raises Misused."""
    from ops.shop_settings import wanted, write, written_readers

    said = None if readers is None else list(wanted("report_recipients", list(readers)))
    write(desk.stack, {"schedule_recipients": written_readers(desk.stack, schedule_id, said)})


def _due_table(wanted: WantedSchedule, due: list[datetime]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (_local(moment, wanted.zone), wanted.zone, f"{moment:%Y-%m-%d %H:%M}") for moment in due
    ]
    return Table("Due next", ("local time", "zone", "UTC"), rows)


def _expression(at: str | None, on: str | None, cron: str | None) -> str:
    """The schedule expression that the options amount to. Raises Misused."""
    if (at is None) == (cron is None):
        raise Misused(
            "Say --at HH:MM or --cron, one of them.", action="For example --at 07:30, or --cron '30 7 ? * MON-FRI *'."
        )
    if cron is not None:
        if on is not None:
            raise Misused("--on goes with --at.", action="Write the days into the cron expression.")
        fields = cron.strip().removeprefix("cron(").removesuffix(")").split()
        if len(fields) == 5:
            raise Misused(
                f"{cron!r} has five fields; EventBridge's cron has six: minute hour day-of-month month day-of-week year.",
                action="One of the two days is a '?': every day at 07:30 is '30 7 * * ? *'.",
            )
        return f"cron({' '.join(fields)})"
    try:
        time = datetime.strptime(at or "", "%H:%M")  # noqa: DTZ007 - a time of day, read in the schedule's zone
    except ValueError:
        raise Misused(f"{at!r} is no time of day.", action="Write it as 07:30.") from None
    of_month, of_week = "*", "?"
    if on is not None:
        of_month, of_week = (on.upper(), "?") if on[0].isdigit() or on.upper() in {"L", "LW"} else ("?", on.upper())
    return f"cron({time.minute} {time.hour} {of_month} * {of_week} *)"


def _local(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"
