"""A bar, open from 18:00 to 02:30, whose days end at 04:00: its night is one day, and a till that dies in it is noticed."""

import random
from datetime import date, datetime, time, timedelta

import pandas as pd
import pytest

from salesflow.analytics.lines import SaleLines
from salesflow.detection.calendar import classify_days
from salesflow.findings.event import DayState
from salesflow.history.shop_days import shop_days_of
from tests.unit.analytics.tables import Item, Sale, lines_of

SATURDAY = date(2026, 11, 21)


def bar(dead_from: datetime | None = None) -> pd.DataFrame:
    """Sixteen weeks of nights, closed on Mondays, the shop's days of them."""
    dice = random.Random(3)
    sales = []
    for back in range(16 * 7):
        day = SATURDAY - timedelta(days=back)
        evening = datetime.combine(day, time(18))
        for _ in range(0 if day.weekday() == 0 else 40):
            moment = evening + timedelta(minutes=dice.randrange(8 * 60 + 30))
            if dead_from is None or moment < dead_from:
                sales.append(Sale(moment, (Item("B1", "Beer", 1, 500),)))
    return shop_days_of(SaleLines.from_table(lines_of(sales), time(4)))


def test_a_whole_night_is_an_open_day_and_the_monday_after_it_a_closed_one() -> None:
    shop = bar()
    saturday, monday = classify_days(shop, [SATURDAY, date(2026, 11, 16)])
    assert saturday.state is DayState.OPEN
    assert monday.state is DayState.CLOSED
    assert shop.set_index("date").loc["2026-11-21", "transactions"] == 40


@pytest.mark.parametrize("hour", [22, 24])
def test_a_till_that_dies_in_the_night_makes_a_partial_day(hour: int) -> None:
    dead_from = datetime.combine(SATURDAY, time()) + timedelta(hours=hour)
    (found,) = classify_days(bar(dead_from), [SATURDAY])
    assert found.state is DayState.PARTIAL
    assert found.usual_edge.startswith("02:")
