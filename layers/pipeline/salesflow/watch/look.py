"""One look at all schedules: which firings were due since the last one, how each stands, and what the owner is to be told. Pure.

Told is a schedule's trouble, not each of its firings: one entry when it begins, another when it becomes something else,
a reminder a day while it goes on, and one entry when it is over. What the owner was told is in the `Memory` that a look
hands to the next.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from salesflow.errors import SalesFlowError
from salesflow.identity import CATALOGUE, WATCHDOG
from salesflow.job_events import NOBODY_S_OWN
from salesflow.ledger import RunRecord
from salesflow.stored import UnreadableRow
from salesflow.watch.schedules import Schedule
from salesflow.watch.ticks import Tick, Trouble, Verdict, audience_of, judge, tick_of
from salesflow.windows import MIDNIGHT, business_date_at, business_date_of

REMIND_AFTER = timedelta(hours=24)
FORGET_AFTER = timedelta(days=30)
"""A firing whose work was never done is not asked about for longer than this."""

type FindRun = Callable[[Tick], RunRecord | UnreadableRow | None]
"""The ledger's latest run of a tick's identity and business date, or what is wrong with the row that should tell it."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the watchdog was told: whose schedules, how far back it looks at most, and how late a run may be."""

    stack: str
    zone: ZoneInfo
    lookback: timedelta
    grace: timedelta
    day_ends_at: time = MIDNIGHT
    readers: Mapping[str, tuple[str, ...]] = NOBODY_S_OWN
    """The recipients of the schedules that have their own."""


@dataclass(frozen=True, slots=True)
class Ongoing:
    """A schedule's trouble that the owner knows of: since when, what it has been, and when it was last told."""

    since: datetime
    kinds: tuple[str, ...]
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """What one look hands to the next.

    ticks: firings that are not done yet. last_done: the newest firing of each schedule whose work is done. unwatchable:
    schedules that cannot be watched and why, as told.
    """

    looked_at: datetime | None = None
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    ticks: tuple[Tick, ...] = ()
    troubles: Mapping[str, Ongoing] = field(default_factory=dict)
    last_done: Mapping[str, datetime] = field(default_factory=dict)
    unwatchable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InTrouble:
    """What the owner is told of one schedule: the firings that lack their work, oldest first.

    over: whether it is over already (done late, or caught up by a later run), so that nothing more will be told of it.
    since: when the trouble began, for one that had been told before.
    """

    schedule: str
    judged: tuple[Verdict, ...]
    over: bool
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Recovered:
    """A schedule that works again: since when it had not, and the firings whose own work is still lacking."""

    schedule: str
    since: datetime
    done: datetime
    lacking: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A firing that never came, because clocks went over its time (`wall`, naive): what it should have left."""

    schedule: Schedule
    wall: datetime
    tick: Tick


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found. due: the firings that it judged or waits for; open: the schedules in trouble after it.

    unwatchable: the schedules that cannot be watched, and why, where that is news.
    skipped: firings that clocks went over since the last look, and whose work nobody has done.
    unseen: the span that no look has covered, because the watchdog itself did not run for longer than its lookback.
    """

    memory: Memory
    troubles: tuple[InTrouble, ...]
    recoveries: tuple[Recovered, ...]
    unwatchable: Mapping[str, str]
    skipped: tuple[Skipped, ...]
    due: int
    done: int
    unseen: tuple[datetime, datetime] | None

    @property
    def open(self) -> list[str]:
        """The schedules that are in trouble."""
        return sorted(self.memory.troubles)


def take_look(memory: Memory, schedules: Sequence[Schedule], find_run: FindRun, watch: Watch, *, now: datetime) -> Look:
    """Look at every schedule at `now`."""
    now_there = {schedule.name: schedule for schedule in schedules}
    expected, unwatchable = _expected(memory, now_there, watch, now)
    skipped = _skipped(memory, [one for name, one in now_there.items() if name not in unwatchable], watch, now)
    expected += [one.tick for one in skipped]
    kept = [tick for tick in memory.ticks if tick.schedule in now_there and now - tick.due < FORGET_AFTER]
    known = {(tick.schedule, tick.due) for tick in kept}
    ticks = kept + [tick for tick in expected if (tick.schedule, tick.due) not in known]

    waiting: list[Tick] = []
    judged: dict[str, list[Verdict]] = {}
    for tick in sorted(ticks, key=lambda tick: (tick.due, tick.schedule)):
        audience = audience_of(now_there[tick.schedule], stack=watch.stack, zone=watch.zone, readers=watch.readers)
        verdict = judge(tick, find_run(tick), now=now, grace=watch.grace, audience=audience)
        if verdict is None:
            waiting.append(tick)
            continue
        if tick.job == WATCHDOG.name and verdict.trouble is Trouble.PARTIAL:
            verdict = Verdict(
                tick, True
            )  # an owner who could not be told: telling of it again each time would never end
        judged.setdefault(tick.schedule, []).append(verdict)

    last_done = {name: due for name, due in memory.last_done.items() if name in now_there}
    open_troubles = {name: trouble for name, trouble in memory.troubles.items() if name in now_there}
    troubles: list[InTrouble] = []
    recoveries: list[Recovered] = []
    for name in now_there:
        found = _Schedule(name, judged.get(name, []), open_troubles.get(name), last_done.get(name), now)
        troubles += found.told
        recoveries += found.recovered
        waiting += found.unfinished
        if found.last_done:
            last_done[name] = found.last_done
        open_troubles.pop(name, None)
        goes_on = found.unfinished or any(tick.schedule == name and tick.told for tick in waiting)
        if found.ongoing and goes_on:
            open_troubles[name] = found.ongoing  # and not where its firings are too old to be asked about
    earliest = now - watch.lookback
    return Look(
        memory=Memory(now, now_there, tuple(waiting), open_troubles, last_done, unwatchable),
        troubles=tuple(troubles),
        recoveries=tuple(recoveries),
        unwatchable={name: why for name, why in unwatchable.items() if memory.unwatchable.get(name) != why},
        skipped=tuple(one for one in skipped if find_run(one.tick) is None),
        due=len(ticks),
        done=sum(one.done for several in judged.values() for one in several),
        unseen=(memory.looked_at, earliest) if memory.looked_at and memory.looked_at < earliest else None,
    )


class _Schedule:
    """What a look means for one schedule: what is told, what is over, and what is kept for the next look."""

    def __init__(
        self, name: str, judged: Sequence[Verdict], ongoing: Ongoing | None, last_done: datetime | None, now: datetime
    ) -> None:
        done = [one for one in judged if one.done]
        self.last_done = max([one.tick.due for one in done] + ([last_done] if last_done else []), default=None)
        lacking = [one for one in judged if not one.done]
        passed = [one for one in lacking if self.last_done and one.tick.due < self.last_done]
        current = [one for one in lacking if one not in passed]
        late = [one for one in done if one.trouble and not one.tick.told]
        # Of a schedule in trouble, the recovery says it.
        over = [] if ongoing else [one for one in passed if not one.tick.told] + late
        self.told: list[InTrouble] = []
        self.recovered: list[Recovered] = []
        self.ongoing = ongoing
        self.unfinished = [one.tick for one in current]
        if over:
            over.sort(key=lambda one: one.tick.due)
            self.told.append(InTrouble(name, tuple(over), over=True, since=None))
        if current:
            self._go_on(name, current, now)
        elif ongoing and self.last_done and self.last_done >= ongoing.since:
            self._recover(name, passed, ongoing, self.last_done)

    def _go_on(self, name: str, current: Sequence[Verdict], now: datetime) -> None:
        before = self.ongoing
        kinds = {_signature(one) for one in current}
        if before is not None:
            news = kinds - set(before.kinds)
            reminds = now - before.told_at >= REMIND_AFTER and any(
                not one.tick.told and one.trouble is not Trouble.PARTIAL for one in current
            )
            if not news and not reminds:
                return
        since = before.since if before else current[0].tick.due
        self.told.append(InTrouble(name, tuple(current), over=False, since=before.since if before else None))
        self.ongoing = Ongoing(since, tuple(sorted(kinds | set(before.kinds if before else ()))), now)
        self.unfinished = [replace(one.tick, told=True) for one in current]

    def _recover(self, name: str, passed: Sequence[Verdict], ongoing: Ongoing, done: datetime) -> None:
        lacking = tuple(one.tick for one in passed if not CATALOGUE[one.tick.job].catches_up)
        self.recovered.append(Recovered(name, ongoing.since, done, lacking))
        self.ongoing = None


def _signature(one: Verdict) -> str:
    """What makes trouble news: its kind; for a partial run also what was lacking, for that may be the same for weeks.

    Its dates and counts are left out: they change from day to day, and say nothing new.
    """
    trouble = one.trouble
    if trouble is not Trouble.PARTIAL:
        return str(trouble)
    return f"{trouble}: {re.sub(r'[0-9]+', '#', one.reason)}"[:200]


def _expected(
    memory: Memory, schedules: Mapping[str, Schedule], watch: Watch, now: datetime
) -> tuple[list[Tick], dict[str, str]]:
    """The firings that were due since the last look, and the schedules of which that cannot be told."""
    since = _since(memory, watch, now)
    ticks: list[Tick] = []
    unwatchable: dict[str, str] = {}
    for name, schedule in schedules.items():
        if not schedule.enabled and name not in memory.schedules:
            continue
        try:
            tick_of(schedule, now, stack=watch.stack, zone=watch.zone, day_ends_at=watch.day_ends_at)
            for due, as_it_was, doubt in _due(schedule, memory.schedules.get(name), since, memory.looked_at, now):
                ticks.append(
                    tick_of(
                        as_it_was, due, stack=watch.stack, zone=watch.zone, day_ends_at=watch.day_ends_at, doubt=doubt
                    )
                )
        except SalesFlowError as error:
            if schedule.enabled:
                unwatchable[name] = str(error)
    return ticks, unwatchable


def _since(memory: Memory, watch: Watch, now: datetime) -> datetime:
    """From when on a look looks."""
    earliest = now - watch.lookback
    return max(memory.looked_at, earliest) if memory.looked_at else earliest


def _skipped(memory: Memory, schedules: Iterable[Schedule], watch: Watch, now: datetime) -> list[Skipped]:
    """The firings that clocks went over since the last look. (The watchdog need not make up for itself: it is at work.)"""
    found = []
    for schedule in schedules:
        for gap in schedule.skipped_between(_since(memory, watch, now), now):
            date = business_date_of(gap.wall, watch.day_ends_at)
            # The moment on whose business date the lost time was: the last before the clocks went forward, or the first after.
            last = gap.resumed - timedelta(seconds=1)
            due = (
                gap.resumed
                if business_date_at(gap.resumed, ZoneInfo(schedule.zone), watch.day_ends_at) == date
                else last
            )
            tick = tick_of(
                schedule,
                due,
                stack=watch.stack,
                zone=watch.zone,
                day_ends_at=watch.day_ends_at,
                doubt=f"Its time, {gap.wall:%H:%M}, did not exist on that day: clocks went forward.",
            )
            if tick.job != WATCHDOG.name:
                found.append(Skipped(schedule, gap.wall, tick))
    return found


def _due(
    schedule: Schedule, before: Schedule | None, since: datetime, looked_at: datetime | None, now: datetime
) -> Iterator[tuple[datetime, Schedule, str]]:
    """When a schedule was due in (since, now], as what, and any doubt.

    Certain is what it said from its last change on. Between the last look and a change, it may have said what it said at
    that look, or may have been changed, or paused, more than once: there is doubt, and it is told with the firing.
    Before the first look that knows a schedule, only its own last change is known.
    """
    changed = schedule.modified
    if before is not None and looked_at is not None and changed > looked_at:
        doubt = f"The schedule was changed at {changed.astimezone(UTC):%Y-%m-%d %H:%M} UTC; if it was paused then, nothing is wrong."
        for due in before.due_between(since, min(changed - timedelta(microseconds=1), now)):
            yield due, before, doubt
    for due in schedule.due_between(max(since, changed - timedelta(microseconds=1)), now):
        yield due, schedule, ""
