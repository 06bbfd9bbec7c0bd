"""The lists of firings that are given to the machine of all shops: everyone once, few first, and how many may fail."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.fleet import LONGEST_LIST, first_ones, in_lists

SHOPS = [f"shop-{n}" for n in range(250)]
DAYS = [{"business_date": str(date(2026, 11, day))} for day in (1, 2, 3)]


@given(
    count=st.integers(1, 400), dates=st.integers(1, 3), canaries=st.floats(0, 100), tolerance=st.floats(0, 100),
    name=st.text(max_size=5),
)  # fmt: skip
def test_every_shop_is_fired_once_a_date_and_few_come_first(
    count: int, dates: int, canaries: float, tolerance: float, name: str
) -> None:
    shops = [f"s{n}" for n in range(count)]
    lists = in_lists(name, shops, DAYS[:dates], canaries, tolerance)
    fired = [(event["shop"], event["business_date"]) for one in lists for event in one.events]
    assert len(fired) == len(set(fired)) == count * dates
    first = {event["shop"] for event in lists[0].events}
    assert 1 <= len(first) <= max(1, count * canaries / 100 + 1)
    so_far = 0
    for one in lists:
        assert 0 < len(one.events) <= LONGEST_LIST
        so_far += len(one.events)
        assert one.tolerated <= so_far * tolerance / 100 < one.tolerated + 1


def test_one_shop_in_a_hundred_comes_first_and_not_always_the_same() -> None:
    first = [{event["shop"] for event in in_lists(name, SHOPS, DAYS, 1, 5)[0].events} for name in ("a", "b")]
    assert [len(some) for some in first] == [3, 3]
    assert first[0] != first[1]


def test_canaries_alone_are_all_of_them_also_where_one_list_cannot_hold_them() -> None:
    shops = [f"s{n}" for n in range(50_000)]
    lists = in_lists("x", shops, [{}], 50, 5, rest=False)
    assert [len(one.events) for one in lists] == [10_000, 10_000, 5_000]
    assert len({event["shop"] for one in lists for event in one.events}) == first_ones(50_000, 50) == 25_000


def test_of_few_shops_none_may_fail() -> None:
    assert [(len(one.events), one.tolerated) for one in in_lists("x", SHOPS, [{}], 1, 5)] == [(3, 0), (247, 12)]


def test_a_list_is_short_enough_for_what_the_machine_hears_of_it() -> None:
    """A state of Step Functions carries 256 KiB: {"failed": 1} of each, and a comma."""
    lists = in_lists("x", [f"s{n}" for n in range(50_000)], [{}], 1, 5)
    assert [len(one.events) for one in lists] == [500, 10_000, 10_000, 10_000, 10_000, 9_500]
    assert LONGEST_LIST * len('{"failed": 1}, ') < 256 * 1024


def test_the_lists_of_a_stack_without_shops_are_refused() -> None:
    with pytest.raises(ValueError, match="no shops"):
        in_lists("x", [], [{}], 1, 5)
