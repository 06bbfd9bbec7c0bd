"""Stock that disappeared between two counts, against sums made by hand."""

from datetime import date, datetime

import pandas as pd
import pytest

from salesflow.analytics.merchant import VanishedStock
from salesflow.analytics.vanished import vanished_between
from tests.unit.analytics.tables import Item, Sale, arrays_of

FRIDAY, SATURDAY, SUNDAY = (date(2026, 11, day) for day in (20, 21, 22))
SALES = [
    Sale(datetime(2026, 11, 20, 17), (Item("A1", "Tea", 9, 9000),)),
    Sale(datetime(2026, 11, 21, 10), (Item("A1", "Tea", 3, 3000), Item("B2", "Cup", 1, 500))),
    Sale(datetime(2026, 11, 21, 18), (Item("A1", "Tea", -1, -1000),)),
    Sale(datetime(2026, 11, 22, 11), (Item("A1", "Tea", 2, 2000),)),
]


def count(day: date, hour: int = 2, **left: int) -> tuple[date, datetime, pd.DataFrame]:
    """A count in the night after a day: pieces left by SKU."""
    rows = [(sku, f"Product {sku}", 1000, None if sku == "B2" else 600, pieces) for sku, pieces in left.items()]
    table = pd.DataFrame(rows, columns=["sku", "name", "price", "cost", "stock_quantity"])
    return day, datetime(day.year, day.month, day.day + 1, hour), table


def found(*counts: tuple[date, datetime, pd.DataFrame]) -> VanishedStock | None:
    return vanished_between(counts, arrays_of(SALES))


def test_what_was_counted_not_sold_and_not_found_again_is_missing() -> None:
    vanished = found(count(FRIDAY, A1=20, B2=10), count(SATURDAY, A1=15, B2=5))
    assert vanished is not None
    assert [(one.sku, one.pieces, one.value) for one in vanished.products] == [("B2", 4, 4000), ("A1", 2, 1200)]
    assert (vanished.since, vanished.pieces, vanished.value) == (FRIDAY, 6, 5200)


def test_deliveries_and_returned_pieces_are_not_missing() -> None:
    vanished = found(count(FRIDAY, A1=20, B2=10), count(SATURDAY, A1=17, B2=60))
    assert vanished is not None
    assert (vanished.products, vanished.pieces) == ((), 0)


def test_days_add_up_and_a_delivery_of_one_day_hides_nothing_of_another() -> None:
    vanished = found(count(FRIDAY, A1=20), count(SATURDAY, A1=10), count(SUNDAY, A1=50))
    assert vanished is not None
    assert [(one.sku, one.pieces) for one in vanished.products] == [("A1", 7)]


def test_a_product_that_left_the_list_is_not_called_missing() -> None:
    vanished = found(count(FRIDAY, A1=20, B2=10), count(SATURDAY, A1=17))
    assert vanished is not None
    assert vanished.products == ()


@pytest.mark.parametrize(
    "counts",
    [
        (),
        (count(FRIDAY, A1=20),),
        (count(FRIDAY, A1=20), count(SUNDAY, A1=1)),
        (count(FRIDAY, A1=20), count(SATURDAY, 11, A1=1)),
    ],
    ids=["none", "one", "a day between them", "counted while the shop was open"],
)
def test_counts_that_cannot_be_compared_say_nothing(counts: tuple[tuple[date, datetime, pd.DataFrame], ...]) -> None:
    assert found(*counts) is None
