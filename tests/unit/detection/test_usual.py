"""The usual day, for those who compare a day with it."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from salesflow.detection.usual import usual_days
from tests.unit.detection.shops import day_table, made_up

SATURDAY, SUNDAY = date(2025, 8, 2), date(2025, 8, 3)


def shop() -> pd.DataFrame:
    return day_table(made_up(n_products=16))


def test_the_usual_saturday_is_what_saturdays_were_and_its_hours_add_up() -> None:
    table = shop()
    (found,) = usual_days(table, SATURDAY, SATURDAY).values()
    before = table[(table["date"] < pd.Timestamp(SATURDAY)) & (table["date"].dt.day_of_week == 5)].tail(8)
    assert found is not None
    for metric in ("revenue", "quantity", "transactions"):
        usual = getattr(found, metric)
        assert usual.value == pytest.approx(before[metric].mean(), rel=0.12)
        assert usual.lower < usual.value < usual.upper
    assert found.per_sale == pytest.approx(before["revenue"].sum() / before["transactions"].sum(), rel=0.12)
    assert sum(found.hours) == pytest.approx(found.revenue.value)
    assert {hour for hour, amount in enumerate(found.hours) if amount} == set(range(9, 18))


def test_nine_of_ten_ordinary_days_lie_between_the_bounds() -> None:
    table = shop()
    found = usual_days(table, date(2025, 5, 1), date(2025, 8, 3))
    actual = dict(zip(table["date"].dt.date, table["revenue"], strict=True))
    inside = [u.revenue.lower <= actual[day] <= u.revenue.upper for day, u in found.items() if u and day in actual]
    assert len(inside) > 70
    assert 0.8 <= np.mean(inside) <= 0.99


def test_a_closed_weekday_is_zero_and_a_young_shop_is_unknown() -> None:
    table = shop()
    sunday = usual_days(table, SUNDAY, SUNDAY)[SUNDAY]
    assert sunday is not None
    assert (sunday.revenue.value, sum(sunday.hours)) == (0, 0)
    young = usual_days(table, date(2025, 1, 10), date(2025, 3, 1))
    assert set(young.values()) == {None}
    assert usual_days(table.iloc[:0], SATURDAY, SUNDAY) == {SATURDAY: None, SUNDAY: None}


def test_the_day_itself_and_what_comes_after_it_say_nothing() -> None:
    table = shop()
    cut = table[table["date"] < pd.Timestamp(SATURDAY - timedelta(days=3))]
    days = (SATURDAY - timedelta(days=3), SATURDAY - timedelta(days=3))
    assert usual_days(table, *days) == usual_days(cut, *days)


def test_what_usually_comes_back_is_taken_off_the_usual_and_one_giant_refund_is_not() -> None:
    table = shop()
    (before,) = usual_days(table, SATURDAY, SATURDAY).values()

    def with_back(amounts: "pd.Series[int]") -> float:
        back = table.assign(returned_revenue=amounts, returned_quantity=0, revenue=table["revenue"] - amounts)
        (found,) = usual_days(back, SATURDAY, SATURDAY).values()
        assert before is not None
        assert found is not None
        assert found.transactions.value == pytest.approx(before.transactions.value, rel=0.001)
        return found.revenue.value / before.revenue.value

    assert with_back(table["revenue"] // 10) == pytest.approx(0.9, abs=0.001)
    giant = table["revenue"].where(table.index == 100, 0) * 12
    assert with_back(giant) == pytest.approx(1, abs=0.005)
