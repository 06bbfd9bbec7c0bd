"""Reads that jobs of one hour share, and syncs that run side by side."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from salesflow.errors import (
    HistoryUnavailable,
)
from salesflow.history.plan import Demand
from tests.integration.history.stack import FRIDAY, JPY, Source, Stack, daily, lines_deleted, put_by_hand, true_revenue
from tests.stand_ins.aws import Wire, calls
from tests.unit.analytics.tables import Item, Sale

HOUR = timedelta(hours=1)


def test_a_read_that_is_young_enough_is_shared(stack: Stack, source: Source) -> None:
    first = stack.sync(source)
    source.sales = [*source.sales, *daily(FRIDAY, FRIDAY, a_day=5)[3:]]
    moment = datetime.combine(FRIDAY, time(16, 20), UTC) + timedelta(minutes=30)
    outcome = stack.sync(source, at=moment, shared_for=HOUR)
    assert (len(source.asked), outcome.sales) == (1, 0)
    assert (outcome.coverage, outcome.newest_sale) == (first.coverage, first.newest_sale)
    assert stack.sync(source, at=moment, shared_for=timedelta(minutes=29)).newest_sale == datetime(2026, 11, 20, 12, 4)
    assert len(source.asked) == 2
    assert stack.revenue() == true_revenue(source.sales)


@pytest.mark.parametrize(
    ("since_then", "more"),
    [
        (timedelta(minutes=-5), {}),  # a clock that was put back
        (timedelta(minutes=5), {"rebuild": True}),
        (timedelta(minutes=5), {"fresh_from": FRIDAY - timedelta(days=70)}),
        (timedelta(minutes=5), {"first_day": date(2026, 1, 1)}),
        (timedelta(days=1), {"day": FRIDAY + timedelta(days=1)}),
    ],
)
def test_a_read_that_does_not_tell_what_a_job_wants_is_not_shared(
    stack: Stack, source: Source, since_then: timedelta, more: dict[str, Any]
) -> None:
    stack.stands(source)
    stack.sync(source)  # the second one reads the last days alone
    moment = datetime.combine(FRIDAY, time(16, 20), UTC) + since_then
    stack.sync(source, at=moment, shared_for=48 * HOUR, **more)
    assert len(source.asked) == 3


@pytest.mark.parametrize("deed", [lines_deleted, put_by_hand])
def test_a_read_whose_months_are_gone_is_not_shared(
    stack: Stack, source: Source, deed: Callable[[Stack], None]
) -> None:
    stack.stands(source)
    deed(stack)
    stack.sync(source, shared_for=HOUR)
    assert len(source.asked) == 2
    assert stack.revenue() == true_revenue(source.sales)


def test_a_read_that_ended_in_the_middle_or_was_doubted_is_not_shared(stack: Stack, source: Source, wire: Wire) -> None:
    wire.refuse(calls("PUT history/shop/month=2026-11"), 403, "AccessDenied")
    with pytest.raises(HistoryUnavailable):
        stack.sync(source)
    stack.sync(source, shared_for=HOUR)
    assert len(source.asked) == 2
    source.sales = source.sales[:-30]  # gone for good: two reads say so, and each job tells
    stack.sync(source)
    asked = len(source.asked)
    stack.sync(source, shared_for=HOUR)
    assert len(source.asked) == asked + 1


def test_a_shared_read_still_tells_what_was_set_aside(stack: Stack, source: Source) -> None:
    bad = Sale(datetime.combine(FRIDAY, time(9)), (Item("A1", "Tea", 1, 1250),))
    in_yen = Source([*source.sales, *source.sales, bad], minor=100)
    first = stack.sync(in_yen, terms=JPY)
    assert [record.day for record in first.set_aside if record.field != "id"] == ["2026-11-20"]
    again = stack.sync(in_yen, terms=JPY, shared_for=HOUR)
    assert len(in_yen.asked) == 1
    assert set(again.set_aside) == set(first.set_aside)


@pytest.mark.parametrize(("ends", "day"), [(time(0), "2026-11-20"), (time(4), "2026-11-19")])
def test_what_is_set_aside_of_the_night_is_told_with_its_business_date(
    stack: Stack, source: Source, ends: time, day: str
) -> None:
    night = Sale(datetime.combine(FRIDAY, time(2, 30)), (Item("A1", "Tea", 1, 1250),))
    in_yen, terms = Source([*8 * list(source.sales), night], minor=100), replace(JPY, day_ends_at=ends)
    for synced in (stack.sync(in_yen, terms=terms), stack.sync(in_yen, terms=terms)):  # and not twice
        assert [record.day for record in synced.set_aside if record.field != "id"] == [day]


def test_a_warm_container_asks_for_nothing_that_has_not_changed(stack: Stack, source: Source, wire: Wire) -> None:
    stack.stands(source)
    history = stack.history()
    demand = Demand(FRIDAY, True, FRIDAY - timedelta(days=89), FRIDAY + timedelta(days=1))
    for _ in range(2):
        wire.reset()
        history.sync(source, demand, read_at=datetime(2026, 11, 21, 1, tzinfo=UTC))  # type: ignore[arg-type]  # a stand-in
        history.read_lines(demand.first_day, FRIDAY)
        history.read_shop_days(demand.first_day, FRIDAY)
    assert [request.method for request in wire.seen] == ["GET"], "one list of the keys, and nothing else"


def test_syncs_at_once_leave_the_newest_read_and_an_index_that_the_next_one_believes(
    stack: Stack, source: Source
) -> None:
    stack.stands(source, FRIDAY - timedelta(days=1))
    demand = Demand(FRIDAY, True, FRIDAY - timedelta(days=30), FRIDAY + timedelta(days=1))

    def sync(n: int) -> None:
        extra = [Sale(datetime(2026, 11, 20, 15, minute), (Item("C3", "Pot", 1, 500),)) for minute in range(n)]
        moment = datetime(2026, 11, 20, 16, 20 + n, tzinfo=UTC)
        stack.history().sync(Source([*source.sales, *extra]), demand, read_at=moment)  # type: ignore[arg-type]  # a stand-in

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(sync, range(5)))
    assert stack.revenue()[FRIDAY] == true_revenue(source.sales)[FRIDAY] + 4 * 500
    history = stack.history()
    plan = history.plan(replace(demand, complete=False), read_at=datetime(2026, 11, 21, 1, tzinfo=UTC))
    assert plan.since >= date(2026, 11, 1), "at most the month that they fought for is read again"
