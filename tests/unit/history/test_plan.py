"""How much of the source a sync asks for."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.history.coverage import Coverage
from salesflow.history.plan import Demand, SyncPlan, is_deep_read_due, plan_sync
from salesflow.history.reading import Reading

DAY = date(2026, 11, 22)


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


HALF_A_YEAR_AGO = ago(179)


def plan(demand: Demand, sales: Coverage | None, daily: Coverage | None) -> SyncPlan:
    return plan_sync(demand, {"sales": sales, "daily": daily}, history_days=800, overlap_days=7)


def demand(
    *, complete: bool = True, first_day: date = HALF_A_YEAR_AGO, rebuild: bool = False, day: date = DAY
) -> Demand:
    return Demand(day, complete, first_day, day + timedelta(days=1), rebuild)


def test_a_fresh_stack_reads_the_whole_history() -> None:
    assert plan(demand(), None, None) == SyncPlan(ago(800), Coverage(ago(800), DAY))


def test_the_next_day_reads_one_day_and_the_overlap() -> None:
    covered = Coverage(ago(800), ago(1))
    assert plan(demand(), covered, covered).since == ago(7)


def test_the_same_day_again_reads_the_same_days() -> None:
    """Else a re-run would see other set-aside records than the run it repeats."""
    before = plan(demand(), Coverage(ago(800), ago(1)), Coverage(ago(800), ago(1)))
    after = plan(demand(), Coverage(ago(800), DAY), Coverage(ago(800), DAY))
    assert before.since == after.since


def test_days_missed_are_caught_up() -> None:
    assert plan(demand(), Coverage(ago(800), ago(10)), Coverage(ago(800), ago(10))).since == ago(16)


def test_the_part_that_lags_decides() -> None:
    assert plan(demand(), Coverage(ago(800), ago(1)), Coverage(ago(800), ago(30))).since == ago(36)
    assert plan(demand(), Coverage(ago(800), ago(1)), None).since == ago(800)


def test_an_old_date_reads_from_that_date_on_and_forgets_nothing() -> None:
    covered = Coverage(ago(800), DAY)
    result = plan(demand(day=ago(60), first_day=ago(239)), covered, covered)
    assert result.since == ago(67)
    assert result.gained.joined(covered) == covered


def test_a_date_before_everything_stored_reads_from_its_own_first_day() -> None:
    covered = Coverage(ago(100), DAY)
    assert plan(demand(day=ago(60), first_day=ago(239)), covered, covered).since == ago(239)


def test_a_rebuild_reads_everything() -> None:
    covered = Coverage(ago(800), DAY)
    assert plan(demand(rebuild=True), covered, covered).since == ago(800)


def test_a_day_that_is_not_over_is_not_covered() -> None:
    covered = Coverage(ago(800), ago(1))
    assert plan(demand(complete=False), covered, covered).gained.last == ago(1)


@given(
    st.dates(date(2020, 1, 1), date(2026, 11, 22)),
    st.integers(0, 400),
    st.integers(0, 900),
    st.booleans(),
    st.integers(1, 200),
)
def test_after_a_sync_there_is_no_gap(day: date, back: int, length: int, complete: bool, looks_back: int) -> None:
    stored = Coverage(DAY - timedelta(days=back + length), DAY - timedelta(days=back))
    result = plan(demand(day=day, complete=complete, first_day=day - timedelta(days=looks_back)), stored, stored)
    assert result.since <= stored.last + timedelta(days=1)  # touches what is stored
    joined = result.gained.joined(stored)
    assert joined.first <= day - timedelta(days=looks_back)  # the job has all it looks at
    assert joined.last >= (day if complete else day - timedelta(days=1))


def at(minute: int) -> datetime:
    return datetime(2026, 11, 22, 8, minute, tzinfo=UTC)


def test_the_later_read_is_the_truth_whoever_writes_last() -> None:
    early, late = Reading(date(2026, 11, 1), at(0)), Reading(date(2026, 11, 15), at(5))
    assert late.days_over(early) == (date(2026, 11, 15), date.max)
    assert early.days_over(late) == (date(2026, 11, 1), date(2026, 11, 15))
    assert early.newest(late) == late.newest(early) == late


def test_of_two_reads_of_one_moment_the_one_that_writes_last_stands() -> None:
    """A run that writes again after a lost race must not yield to itself."""
    first, again = Reading(date(2026, 11, 1), at(5)), Reading(date(2026, 11, 1), at(5))
    assert again.days_over(first) == (date(2026, 11, 1), date.max)


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=3650)])
def test_a_read_that_nobody_can_have_begun_yet_is_not_believed(ahead: timedelta) -> None:
    own = Reading(date(2026, 11, 15), at(5))
    claimed = Reading(date(2026, 11, 1), at(5) + ahead)
    assert own.days_over(claimed) == (date(2026, 11, 15), date.max)
    assert own.newest(claimed) == own


@pytest.mark.parametrize(
    ("day", "last", "due"),
    [
        (date(2026, 11, 22), date(2026, 11, 21), True),  # a Sunday, and the Saturday before
        (date(2026, 11, 22), date(2026, 11, 22), False),
        (date(2026, 11, 27), date(2026, 11, 22), False),
        (date(2026, 11, 27), date(2026, 11, 20), True),  # Sunday's was missed
        (date(2026, 11, 27), date.min, True),
    ],
)
def test_the_first_sync_of_each_week_reads_deep(day: date, last: date, due: bool) -> None:
    assert is_deep_read_due(demand(day=day), last) is due
    assert not is_deep_read_due(demand(day=day, complete=False), last)


def test_a_report_reads_its_own_days_again() -> None:
    covered = Coverage(ago(800), DAY)
    own = replace(demand(), fresh_from=ago(30))
    assert plan(own, covered, covered).since == ago(30)


def test_a_lost_month_is_read_from_its_first_day() -> None:
    covered = {"sales": Coverage(ago(800), DAY)}
    lost = plan_sync(demand(), covered, history_days=800, overlap_days=7, lost=("2026-10", "2026-09"))
    assert lost.since == date(2026, 9, 1)


def test_an_early_read_of_fewer_days_overrules_nothing_of_a_later_one() -> None:
    early, late = Reading(date(2026, 11, 15), at(0)), Reading(date(2026, 11, 1), at(5))
    first, end = early.days_over(late)
    assert first == end


def test_a_reading_survives_the_metadata() -> None:
    reading = Reading(date(2026, 11, 1), at(7))
    assert Reading.from_metadata(reading.metadata()) == reading


def test_unknown_metadata_is_older_than_anything() -> None:
    reading = Reading(date(2026, 11, 1), at(7))
    assert reading.days_over(Reading.from_metadata({})) == (date(2026, 11, 1), date.max)
