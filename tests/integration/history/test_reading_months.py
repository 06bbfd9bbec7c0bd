"""Months of the daily panel read from the bucket, without what a large history would fill the memory with."""

from datetime import UTC, date, datetime, time
from threading import get_ident

import pytest

from salesflow.aws import AwsClients
from salesflow.history.months import MonthlyTable
from salesflow.history.panel import DailyPanel, panel_of
from salesflow.history.reading import Reading
from salesflow.history.terms import Terms
from salesflow.money import Currency
from salesflow.s3 import ObjectStore
from tests.unit.analytics.tables import Item, Sale, lines_of

FIRST, LAST = date(2026, 9, 1), date(2026, 10, 31)
TERMS = Terms(Currency("CNY"), "Asia/Shanghai", time(0))
SOLD = {
    "2026-09": Sale(datetime(2026, 9, 3, 12), (Item("B2", "Thé 茶", 1, 100), Item("A1", "Pot", 2, 900))),
    "2026-10": Sale(datetime(2026, 10, 3, 12), (Item("C3", "Cup", 1, 50), Item("A1", "Pot, new", 1, 900))),
}


@pytest.fixture
def store(clients: AwsClients, bucket: str) -> ObjectStore:
    return ObjectStore(clients.s3, bucket)


def stored(store: ObjectStore) -> MonthlyTable:
    """The panel's two months, written as a sync does."""
    table = DailyPanel(store, TERMS).table
    for month, sale in SOLD.items():
        rows = panel_of(lines_of([sale]))
        table.replace_month(month, [rows], Reading(FIRST, datetime(2026, 11, 1, tzinfo=UTC)))
    return table


def test_months_are_fetched_side_by_side_and_taken_apart_by_one_thread(store: ObjectStore) -> None:
    """Each thread keeps what it has freed: eight of them held a history several times over."""
    table = stored(store)
    assert table.sums(FIRST, LAST, lambda _: get_ident()) == [get_ident()] * 2


def test_the_texts_of_a_panel_are_in_memory_once(store: ObjectStore) -> None:
    stored(store)
    panel = DailyPanel(store, TERMS)
    back = panel.read(FIRST, LAST)
    assert list(zip(back["sku"], back["name"], back["quantity"], strict=True)) == [
        ("A1", "Pot", 2), ("B2", "Thé 茶", 1), ("A1", "Pot, new", 1), ("C3", "Cup", 1)
    ]  # fmt: skip
    assert [list(back[name].cat.categories) for name in ("sku", "name")] == [
        ["A1", "B2", "C3"], ["Cup", "Pot", "Pot, new", "Thé 茶"]
    ]  # fmt: skip
    empty = panel.read(date(2025, 1, 1), date(2025, 1, 2))
    assert empty.empty
    assert list(empty.columns) == list(back.columns)
    assert (empty.dtypes.map(str) == back.dtypes.map(str)).all()
