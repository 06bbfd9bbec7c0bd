"""When products were out of stock, count by count."""

from datetime import date, timedelta

import pandas as pd
import pytest

from salesflow.analytics.stockouts import KEPT_DAYS, none_known, out_of_stock, with_count

MONDAY = date(2026, 11, 16)


def spells(counts: dict[int, list[str]]) -> pd.DataFrame:
    """The table after counts on these days since Monday, in this order."""
    table = none_known()
    for day, gone in counts.items():
        table = with_count(table, MONDAY + timedelta(days=day), gone)
    return table


def said(table: pd.DataFrame) -> list[tuple[str, int, int]]:
    return [
        (row.sku, (row.first.date() - MONDAY).days, (row.last.date() - MONDAY).days)
        for row in table.rename(columns=str).itertuples(name="Row")
    ]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({0: ["A"], 1: ["A"], 2: ["A"]}, [("A", 0, 2)]),
        ({0: ["A"], 1: [], 2: ["A"]}, [("A", 0, 0), ("A", 2, 2)]),
        ({0: ["A"], 2: ["A"]}, [("A", 0, 0), ("A", 2, 2)]),  # Tuesday was not counted: nobody knows
        ({1: ["A"], 0: ["A"]}, [("A", 0, 1)]),
        ({0: ["A"], 1: ["B", "A"]}, [("A", 0, 1), ("B", 1, 1)]),
    ],
)
def test_days_in_a_row_are_one_spell(counts: dict[int, list[str]], expected: list[tuple[str, int, int]]) -> None:
    assert said(spells(counts)) == expected


def test_the_same_count_twice_changes_nothing_and_old_spells_are_forgotten() -> None:
    table = spells({0: ["A"], 1: ["A"]})
    assert said(with_count(table, MONDAY, ["A"])) == [("A", 0, 1)]
    assert said(with_count(table, MONDAY + timedelta(days=KEPT_DAYS + 2), [])) == []


def test_the_days_are_laid_out_by_product() -> None:
    table = spells({0: ["A"], 1: ["A"], 3: ["B"]})
    assert out_of_stock(table, ["B", "A", "C"], MONDAY + timedelta(days=1), 3).astype(int).tolist() == [
        [0, 0, 1],
        [1, 0, 0],
        [0, 0, 0],
    ]
