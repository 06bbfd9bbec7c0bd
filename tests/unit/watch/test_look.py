"""Looks in a row, over any history of runs: nothing wrong stays untold, nothing is told twice, and every trouble ends once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from salesflow.ledger import RunRecord, RunStatus
from salesflow.watch.look import Memory, Watch, take_look
from salesflow.watch.schedules import Schedule
from salesflow.watch.ticks import Tick, Trouble, judge
from tests.stand_ins.records import run_record

WATCH = Watch("shop", ZoneInfo("Asia/Shanghai"), timedelta(hours=26), timedelta(minutes=90))
START = datetime(2026, 11, 16, 0, 50, tzinfo=UTC)
INPUT = '{"schedule": "scheduled-sales-pdf", "scheduled_time": "<aws.scheduler.scheduled-time>"}'


def schedule(expression: str = "cron(0 7 * * ? *)") -> Schedule:
    return Schedule(
        name="shop-scheduled-sales-pdf",
        arn="arn",
        expression=expression,
        zone="Asia/Shanghai",
        enabled=True,
        function="shop-report",
        input=INPUT,
        window_minutes=0,
        modified=START - timedelta(hours=1),
        begins=None,
        ends=None,
    )


def run_of(tick: Tick, status: RunStatus, began: datetime, ended: datetime | None) -> RunRecord:
    return run_record(
        identity=tick.identity,
        business_date=tick.business_date,
        status=status,
        scheduled_time=tick.due,
        started_at=began,
        finished_at=ended,
        lease_until=None if ended else began + timedelta(seconds=45),
    )


FATES = st.sampled_from([None, *(s for s in RunStatus if s is not RunStatus.RUNNING)])


@settings(max_examples=30)
@example(
    fates=[
        (None, None, 1),
        (RunStatus.PARTIAL, RunStatus.SUCCEEDED, 25),  # made up for, just when the next day's has the same trouble
        (None, RunStatus.PARTIAL, 1),
        (None, None, 1),
        (None, None, 1),
        (None, None, 1),
    ]
)
@given(fates=st.lists(st.tuples(FATES, FATES, st.integers(1, 60)), min_size=6, max_size=6))
def test_all_trouble_is_told_once_and_ends_once(fates: list[tuple[RunStatus | None, RunStatus | None, int]]) -> None:
    """Each day's run has one fate at first and another one, by a redrive, some hours later."""
    memory, now = Memory(), START

    def find(tick: Tick) -> RunRecord | None:
        first, second, hours = fates[(tick.due - START).days % len(fates)]
        again = tick.due + timedelta(hours=hours)
        if second is not None and again <= now and (first is None or not first.is_done):
            return run_of(tick, second, again, again)
        return None if first is None else run_of(tick, first, tick.due, tick.due + timedelta(minutes=1))

    told: list[tuple[str, datetime]] = []
    while now < START + timedelta(days=7):
        look = take_look(memory, [schedule()], find, WATCH, now=now)
        told += [("over" if trouble.over else "trouble", now) for trouble in look.troubles]
        told += [("recovered", now) for _ in look.recoveries]
        memory = msgspec.json.decode(msgspec.json.encode(look.memory), type=Memory)
        assert memory == look.memory
        for tick in memory.ticks:
            verdict = judge(tick, find(tick), now=now, grace=WATCH.grace)
            if verdict is not None and verdict.trouble:
                assert memory.troubles, "a firing that lacks its work belongs to trouble that the owner knows of"
        now += timedelta(hours=1)

    kinds = [kind for kind, _ in told if kind != "over"]
    assert "recovered recovered" not in " ".join(kinds), "each trouble ends once"
    assert kinds[:1] != ["recovered"]
    assert len(told) == len(set(told)), "a look tells of a schedule once"
    assert len(told) <= 7 * 4, "a day's run is told of when it goes wrong, changes, and ends; not at every look"


def test_a_quiet_week_tells_nothing() -> None:
    memory = Memory()
    for hour in range(7 * 24):
        now = START + timedelta(hours=hour)
        look = take_look(
            memory,
            [schedule()],
            lambda tick: run_of(tick, RunStatus.SUCCEEDED, tick.due, tick.due + timedelta(minutes=2)),
            WATCH,
            now=now,
        )
        memory = look.memory
        assert (look.troubles, look.recoveries, look.open) == ((), (), [])


@pytest.mark.parametrize(
    ("status", "ended_after", "looked_after", "trouble"),
    [
        (RunStatus.SUCCEEDED, 5, 200, None),
        (RunStatus.SUCCEEDED, 91, 200, Trouble.LATE),
        (RunStatus.SKIPPED_EMPTY, 5, 200, None),
        (RunStatus.SKIPPED_STALE, 5, 6, Trouble.STALE),
        (RunStatus.PARTIAL, 5, 6, Trouble.PARTIAL),
        (RunStatus.FAILED, 5, 16, Trouble.FAILED),
    ],
)
def test_how_a_run_that_ended_stands(
    status: RunStatus, ended_after: int, looked_after: int, trouble: Trouble | None
) -> None:
    due = datetime(2026, 11, 16, 23, tzinfo=UTC)
    tick = Tick("s", due, "report", "report/sales/daily/pdf", date(2026, 11, 16), True, 0)
    run = run_of(tick, status, due, due + timedelta(minutes=ended_after))
    verdict = judge(tick, run, now=due + timedelta(minutes=looked_after), grace=WATCH.grace)
    assert verdict is not None
    assert verdict.trouble == trouble


def test_a_run_fired_again_by_hand_days_later_is_not_late() -> None:
    due = datetime(2026, 11, 16, 23, tzinfo=UTC)
    tick = Tick("s", due, "report", "report/sales/daily/pdf", date(2026, 11, 16), True, 0)
    later = due + timedelta(days=2)
    by_hand = run_of(Tick("s", later, "report", "", date(2026, 11, 16), True, 0), RunStatus.SUCCEEDED, later, later)
    verdict = judge(tick, by_hand, now=later, grace=WATCH.grace)
    assert verdict is not None
    assert (verdict.done, verdict.trouble) == (True, None)


def test_an_interim_run_is_not_the_final_one_that_is_wanted() -> None:
    """A report of today so far, fired by hand in the evening, does not stand for the night's."""
    due = datetime(2026, 11, 16, 23, tzinfo=UTC)
    tick = Tick("s", due, "report", "report/sales/daily/pdf", date(2026, 11, 16), True, 0)
    run = replace(run_of(tick, RunStatus.SUCCEEDED, tick.due, tick.due + timedelta(minutes=1)), interim=True)
    late = tick.due + timedelta(hours=3)
    verdict = judge(tick, run, now=late, grace=WATCH.grace)
    assert verdict is not None
    assert verdict.trouble is Trouble.MISSING
    wanted_interim = replace(tick, wants_final=False)
    verdict = judge(wanted_interim, run, now=late, grace=WATCH.grace)
    assert verdict is not None
    assert verdict.done


def test_a_firing_whose_work_was_never_done_is_asked_about_for_a_month() -> None:
    tick_due = datetime(2026, 11, 16, 23, tzinfo=UTC)
    one_time = replace(schedule("at(2026-11-17T07:00:00)"))
    memory, asked = Memory(), []

    def find(tick: Tick) -> None:
        asked.append(tick.due)

    for days in (1, 29, 31):
        asked.clear()
        memory = take_look(memory, [one_time], find, WATCH, now=tick_due + timedelta(days=days)).memory
        assert asked == ([tick_due] if days < 30 else [])
        assert bool(memory.troubles) == (days < 30)
