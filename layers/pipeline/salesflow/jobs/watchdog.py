"""The `watchdog` job: did every enabled schedule really do its work? The owner is told what is wrong, once, and when it is over."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from salesflow import clock
from salesflow.delivery.channel import send_to_all
from salesflow.delivery.message import Message
from salesflow.errors import DeliveryIncomplete, SalesFlowError
from salesflow.identity import WATCHDOG
from salesflow.job_events import Notify, WatchdogFields
from salesflow.jobs.frame import Job, LambdaContext, Outcome, Run, run_job
from salesflow.jobs.runtime import Runtime
from salesflow.ledger import RunRecord, RunStatus
from salesflow.mail_address import mailbox, masked
from salesflow.observability import MetricUnit, logger, metrics
from salesflow.reports.mail import compose_owner_notice
from salesflow.shop_id import MAIN_SHOP
from salesflow.shops.registry import ShopRegistry, ShopState
from salesflow.stored import UnreadableRow
from salesflow.watch.expected import NEWS, Expectations, FleetTold, late_schedules
from salesflow.watch.fleet import fleet_notice
from salesflow.watch.heartbeat import beat
from salesflow.watch.logbook import Logbook, Notice, Page
from salesflow.watch.look import Look, Memory, Skipped, Watch, take_look
from salesflow.watch.notices import notices_of
from salesflow.watch.schedules import SchedulesUnreadable, list_schedules, name_prefix
from salesflow.watch.ticks import Tick

_SCHEDULE = "watchdog-hourly"
_INSTANT = timedelta(seconds=1)


def watchdog(event: object, context: LambdaContext | None, runtime: Runtime) -> dict[str, Any]:
    """Run the job for an event; see `salesflow.jobs.frame.run_job` for the answer and the errors."""
    return run_job(_JOB, event, context, runtime)


def _work(run: Run[WatchdogFields]) -> Outcome:
    if run.request.fields.notify is Notify.NONE:
        look = _look(run, Memory())
        return Outcome(RunStatus.SUCCEEDED, _summary(look), details=_details(look))
    runtime = run.runtime
    logbook = Logbook(runtime.rows, holder=run.claim.reference)
    page = logbook.take()
    try:
        look = _look(run, page.memory)
        settings = runtime.settings
        not_fired = _fire_late(run, look.skipped)
        fleet = _look_at_shops(run, page)
        marked, unusable = runtime.marked_addresses.all(), settings.unusable_addresses
        notices = notices_of(
            look,
            [address for name, address in marked.items() if name not in page.told_addresses],
            {address: why for address, why in unusable.items() if mailbox(address) not in page.told_addresses},
            lost=page.lost,
            not_fired=not_fired,
            stack=settings.stack_name,
            shop=runtime.shop,
            zone=settings.zone,
            now=clock.now(),
        )
        told = (*marked, *map(mailbox, unusable))
        page = Page(look.memory, told, page.outbox + notices + fleet.notices, fleet.told)
        # Written before anything is sent: from here on these notices are on their way, whatever becomes of this run.
        logbook.write(page)
        notified, refused = _send(run, logbook, page)
        logbook.write(replace(page, outbox=()), release=True)
        _expect_anew(runtime, look)
    except SalesFlowError:
        logbook.release()
        raise
    metrics.add_metric(name="OpenTroubles", unit=MetricUnit.Count, value=len(look.open))
    metrics.add_metric(name="NoticesSent", unit=MetricUnit.Count, value=len(page.outbox))
    if fleet.unseen is not None:  # what could be told of the stack's own shop has been
        raise fleet.unseen
    if (
        settings.heartbeat_url
        and runtime.shop == MAIN_SHOP
        and not (refused or look.open or look.memory.unwatchable or unusable)
    ):
        beat(settings.heartbeat_url)
    summary, details = _summary(look) + fleet.summary, _details(look)
    if refused:
        why = "; ".join(f"{masked(address)}: {reason}" for address, reason in refused.items())
        return Outcome(
            RunStatus.PARTIAL, f"{summary} Not all owners could be told: {why}.", (), notified, details=details
        )
    return Outcome(RunStatus.SUCCEEDED, summary, (), notified, details=details)


def _look(run: Run[WatchdogFields], memory: Memory) -> Look:
    runtime, settings = run.runtime, run.runtime.settings

    def find_run(tick: Tick) -> RunRecord | UnreadableRow | None:
        try:
            return runtime.ledger.find(tick.identity, tick.business_date)
        except UnreadableRow as unreadable:
            return unreadable

    watch = Watch(
        stack=settings.stack_name,
        zone=settings.zone,
        lookback=timedelta(hours=settings.watch_lookback_hours),
        grace=timedelta(minutes=settings.watch_grace_minutes),
        day_ends_at=settings.day_ends_at,
        readers=settings.schedule_recipients,
    )
    now = clock.now()
    is_alone = runtime.shop == MAIN_SHOP and ShopRegistry(runtime.rows).is_alone()
    prefix = "" if is_alone else name_prefix(settings.stack_name, runtime.shop)
    schedules = list_schedules(runtime.clients.scheduler, settings.schedule_group, shop=runtime.shop, prefix=prefix)
    if runtime.shop != MAIN_SHOP:  # which is looked at when something is late, and was well until then
        earliest = now - watch.lookback
        memory = replace(memory, looked_at=max(memory.looked_at or earliest, earliest))
    look = take_look(memory, schedules, find_run, watch, now=now)
    for trouble in look.troubles:
        for one in trouble.judged:
            logger.warning(
                "not done" if not one.done else "done late",
                watched=trouble.schedule,
                due=one.tick.due.isoformat(),
                watched_identity=one.tick.identity,
                watched_date=one.tick.business_date.isoformat(),
                trouble=one.trouble,
                why=one.reason,
            )
    return look


@dataclass(frozen=True, slots=True)
class _Fleet:
    """What the stack's other shops come to. unseen: why not all of them could be looked at."""

    notices: tuple[Notice, ...] = ()
    told: FleetTold | None = None
    summary: str = ""
    unseen: SalesFlowError | None = None


def _look_at_shops(run: Run[WatchdogFields], page: Page) -> _Fleet:
    """Have each other shop that is late, or has news, looked at by a run of its own, which tells its owner; what the operator is told."""
    runtime, settings, now = run.runtime, run.runtime.settings, clock.now()
    if runtime.shop != MAIN_SHOP:
        return _Fleet()
    registry = ShopRegistry(runtime.rows)
    if page.fleet is None and registry.is_alone():
        return _Fleet()
    try:
        late = late_schedules(runtime.clients.dynamodb, settings.state_table, now)
        members = registry.all() if late or page.fleet else []
    except SalesFlowError as error:
        return _Fleet(told=page.fleet, unseen=error)
    active = {one.id for one in members if one.state is ShopState.ACTIVE}
    wanted = [one for one in late if one.shop in active]
    late = [one for one in wanted if one.schedule != NEWS]
    unseen: SalesFlowError | None = next(
        (UnreadableRow(one.problem, action="The other shops were looked at.") for one in members if one.problem), None
    )
    for shop in dict.fromkeys(one.shop for one in wanted):
        event = {"shop": shop, "schedule": _SCHEDULE, "scheduled_time": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        try:
            runtime.clients.functions.invoke(
                FunctionName=f"{settings.stack_name}-{WATCHDOG.name}",
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except (ClientError, BotoCoreError) as error:
            unseen = SchedulesUnreadable(
                f"The shop {shop} could not be looked at: {error}.", action="The next look tries it again."
            )
    told, notice = fleet_notice(
        page.fleet,
        late,
        len(active - {MAIN_SHOP}),
        stack=settings.stack_name,
        zone=settings.zone,
        now=now,
    )
    count = len({one.shop for one in late})
    metrics.add_metric(name="ShopsLate", unit=MetricUnit.Count, value=count)
    summary = f" {count} other shop{' is' if count == 1 else 's are'} late." if count else ""
    return _Fleet((notice,) if notice else (), told, summary, unseen)


def _expect_anew(runtime: Runtime, look: Look) -> None:
    """Say when another shop is to be looked at again: while its trouble lasts with the next look, else when something is late."""
    if runtime.shop == MAIN_SHOP:
        return
    expected = Expectations(runtime.rows, timedelta(minutes=runtime.settings.watch_grace_minutes))
    now = look.memory.looked_at or clock.now()
    prefix = name_prefix(runtime.settings.stack_name, runtime.shop)
    there = {name.removeprefix(prefix): schedule for name, schedule in look.memory.schedules.items()}
    for name, schedule in there.items():
        waiting = [tick.due for tick in look.memory.ticks if tick.schedule == schedule.name]
        if not schedule.enabled or schedule.name in look.memory.unwatchable:
            expected.forget(name)
        elif schedule.name in look.memory.troubles:
            expected.look_again(name, now, is_open=True)
        else:
            expected.expect(name, schedule, min(waiting) - _INSTANT if waiting else now)
    for name in {*expected.known(), NEWS} - there.keys():
        expected.forget(name)


def _fire_late(run: Run[WatchdogFields], skipped: Iterable[Skipped]) -> dict[str, str]:
    """Fire what clocks went over, as its schedule would have; what could not be fired, by schedule, and why.

    Before the look is remembered: a run that ends in between fires again, which the job's own claim makes harmless.
    """
    failed = {}
    for one in skipped:
        event = json.dumps(one.schedule.event(one.tick.due)).encode()
        try:
            run.runtime.clients.functions.invoke(
                FunctionName=one.schedule.function, InvocationType="Event", Payload=event
            )
        except (ClientError, BotoCoreError) as error:
            failed[one.schedule.name] = str(error)
        logger.warning(
            "clocks went over a firing",
            watched=one.schedule.name,
            wall=one.wall.isoformat(),
            watched_date=one.tick.business_date.isoformat(),
            fired_late=one.schedule.name not in failed,
        )
    return failed


def _send(run: Run[WatchdogFields], logbook: Logbook, page: Page) -> tuple[tuple[str, ...], dict[str, str]]:
    """Mail every notice to the owners who lack it; who got any, and who cannot be mailed for good."""
    notified: dict[str, None] = {}
    refused: dict[str, str] = {}
    for notice in page.outbox:
        owners = run.runtime.settings.owner_recipients
        result = send_to_all(run.runtime.channels, logbook.recorder(notice, run.claim), _mail(run, notice), owners)
        lacking = result.unreached or (result.refused if not result.notified else {})
        if lacking:
            raise DeliveryIncomplete(
                "Of the owners could not be told: "
                + "; ".join(f"{masked(address)}: {why}" for address, why in lacking.items())
                + ".",
                action="Lambda runs the watchdog again, and so does its schedule: only they are mailed then.",
            )
        notified |= dict.fromkeys(result.notified)
        refused |= result.refused
    return tuple(notified), refused


def _mail(run: Run[WatchdogFields], notice: Notice) -> Message:
    text = compose_owner_notice(
        findings=notice.findings,
        headline=notice.headline,
        paragraphs=notice.paragraphs,
        footer=notice.footer,
        reference=notice.reference,
        run_id=run.claim.run_id,
        bad=notice.bad,
    )
    return Message(text.subject, text.text, text.html, gist=text.gist)


def _summary(look: Look) -> str:
    count = len(look.memory.schedules)
    seen = f"Looked at {count} schedule{'' if count == 1 else 's'}: {look.done} of {look.due} firings are done"
    if not look.open:
        return f"{seen}, none is in trouble."
    return f"{seen}; in trouble: {', '.join(look.open)}."


def _details(look: Look) -> dict[str, Any]:
    return {
        "schedules": len(look.memory.schedules),
        "firings": look.due,
        "done": look.done,
        "in_trouble": look.open,
        "findings": [
            {
                "schedule": trouble.schedule,
                "due": one.tick.due.isoformat(),
                "business_date": one.tick.business_date.isoformat(),
                "trouble": one.trouble,
                "reason": one.reason,
            }
            for trouble in look.troubles
            for one in trouble.judged
        ],
        "skipped_by_clocks": [one.schedule.name for one in look.skipped],
        "recovered": [recovered.schedule for recovered in look.recoveries],
        "unwatchable": dict(look.memory.unwatchable),
    }


_JOB = Job.of(WATCHDOG, _work)
