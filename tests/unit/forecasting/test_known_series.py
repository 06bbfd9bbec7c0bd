"""Series whose future is known: the forecast must find it."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from salesflow.forecasting import DailyHistory, Direction, forecast_sales
from tests.unit.forecasting.shops import (
    LAST,
    WEEK,
    days_to,
    forecast_of,
    no_products,
    noisy,
    product_rows,
    shop_table,
    values,
    weekly,
)


def ahead(count: int = 90, last: date = LAST) -> list[date]:
    return [last + timedelta(days=n + 1) for n in range(count)]


@pytest.mark.parametrize("history_days", [56, 130, 300, 800])
def test_a_pure_weekday_rhythm_is_forecast_exactly(history_days: int) -> None:
    forecast = forecast_of(weekly(history_days))
    expected = np.array([WEEK[day.weekday()] for day in ahead()])
    assert values(forecast.revenue) == pytest.approx(expected, rel=0.01)
    week = forecast.revenue.horizon(7)
    assert week.total == pytest.approx(WEEK.sum(), rel=0.005)
    assert week.peak_day.weekday() == 5
    assert {horizon.direction for horizon in forecast.revenue.horizons} == {Direction.STABLE}


def test_a_closed_weekday_is_forecast_as_zero_and_the_others_are_not_lowered_by_it() -> None:
    revenue = np.where([day.weekday() == 6 for day in days_to(LAST, 200)], 0, noisy(200))
    forecast = forecast_of(revenue)
    assert forecast.closed_weekdays == (6,)
    for entry in forecast.revenue.daily:
        if entry.day.weekday() == 6:
            assert (entry.value, entry.interval.upper95, entry.open) == (0, 0, False)
        else:
            assert entry.value == pytest.approx(WEEK[entry.day.weekday()], rel=0.2)


def test_two_closed_weeks_are_not_learnt_as_zero_sales_nor_as_closed_weekdays() -> None:
    revenue = noisy(200)
    revenue[-20:-6] = 0
    forecast = forecast_of(revenue)
    assert forecast.closed_weekdays == ()
    assert forecast.revenue.horizon(30).total == pytest.approx(WEEK.sum() * 30 / 7, rel=0.08)


def test_days_without_a_row_are_the_same_as_days_with_a_row_of_zeros() -> None:
    revenue = noisy(150)
    revenue[[40, 90, 91, 120]] = 0
    table = shop_table(revenue)
    gaps = DailyHistory(table[table["revenue"] != 0], no_products())
    assert forecast_sales(gaps, business_date=LAST) == forecast_of(revenue)


def test_growth_is_carried_on_and_called_upward() -> None:
    growth = 1.008 ** np.arange(200)
    forecast = forecast_of(noisy(200, noise=0.03) * growth)
    now = growth[-7:].mean() * WEEK.sum()
    assert forecast.revenue.horizon(30).direction is Direction.UPWARD
    assert forecast.revenue.horizon(7).total > 0.97 * now
    assert forecast.revenue.horizon(30).total / 30 > forecast.revenue.horizon(7).total / 7


def test_decline_is_called_downward() -> None:
    forecast = forecast_of(noisy(200, noise=0.03) * 0.99 ** np.arange(200))
    assert forecast.revenue.horizon(30).direction is Direction.DOWNWARD


def test_the_yearly_rhythm_is_found_in_two_years_and_better_than_without_it() -> None:
    last = date(2026, 10, 31)
    days = np.array([day.toordinal() for day in days_to(last, 820)])

    def season(n: np.ndarray) -> np.ndarray:
        return 1 + 0.4 * np.cos(2 * np.pi * (n - date(2026, 12, 20).toordinal()) / 365.25)

    forecast = forecast_of(noisy(820, noise=0.05, last=last) * season(days), last)
    future = ahead(90, last)
    truth = np.array([WEEK[day.weekday()] for day in future]) * season(np.array([day.toordinal() for day in future]))
    assert forecast.revenue.horizon(90).total == pytest.approx(truth.sum(), rel=0.06)
    flat = np.array([WEEK[day.weekday()] for day in future]) * season(days)[-14:].mean()
    assert np.abs(values(forecast.revenue) - truth).sum() < 0.6 * np.abs(flat - truth).sum()


def test_one_wholesale_order_does_not_move_the_forecast() -> None:
    usual = noisy(200)
    spiked = usual.copy()
    spiked[-10] *= 60
    plain, robust = forecast_of(usual).revenue, forecast_of(spiked).revenue
    assert robust.horizon(30).total == pytest.approx(plain.horizon(30).total, rel=0.05)


def test_a_holiday_on_which_the_shop_was_shut_before_is_forecast_as_closed() -> None:
    holidays = {date(2025, 12, 25): "Christmas", date(2026, 12, 25): "Christmas", date(2027, 1, 1): "New Year"}
    revenue = np.where([day in holidays for day in days_to(LAST, 420)], 0, noisy(420))
    forecast = forecast_of(revenue, holidays=holidays)
    by_day = {entry.day: entry for entry in forecast.revenue.daily}
    christmas = by_day[date(2026, 12, 25)]
    assert (christmas.value, christmas.open, christmas.holiday) == (0, False, "Christmas")
    assert by_day[date(2026, 12, 24)].value > 0


def test_a_holiday_with_good_sales_lifts_the_next_one_and_widens_its_interval() -> None:
    holidays = {date(2026, 9, 7): "Fair", date(2026, 10, 5): "Fair", date(2026, 12, 7): "Fair"}
    revenue = noisy(300, noise=0.05) * np.where([day in holidays for day in days_to(LAST, 300)], 2.0, 1.0)
    by_day = {entry.day: entry for entry in forecast_of(revenue, holidays=holidays).revenue.daily}
    fair, monday = by_day[date(2026, 12, 7)], by_day[date(2026, 12, 14)]
    assert fair.value > 1.3 * monday.value
    assert fair.interval.upper95 - fair.interval.lower95 > 1.3 * (monday.interval.upper95 - monday.interval.lower95)


def test_a_date_shut_in_two_years_is_closed_without_any_list_of_holidays() -> None:
    revenue = np.where([(day.month, day.day) == (1, 1) for day in days_to(LAST, 760)], 0, noisy(760))
    by_day = {entry.day: entry for entry in forecast_of(revenue).revenue.daily}
    assert not by_day[date(2027, 1, 1)].open
    assert by_day[date(2027, 1, 2)].open


def test_a_product_is_forecast_with_days_on_which_none_was_sold_as_zeros() -> None:
    shop = noisy(200)
    rng = np.random.default_rng(3)
    sparse, dense = rng.poisson(0.4, 200), rng.poisson(8, 200)
    panel = pd.concat([product_rows("RARE", sparse, 500), product_rows("OFTEN", dense, 300)])
    forecast = forecast_sales(DailyHistory(shop_table(shop), panel), business_date=LAST)
    assert [product.sku for product in forecast.products] == ["OFTEN", "RARE"]
    often, rare = forecast.products
    assert rare.quantity.horizon(30).total == pytest.approx(0.4 * 30, rel=0.4)
    assert often.quantity.horizon(30).total == pytest.approx(8 * 30, rel=0.1)
    assert often.revenue.horizon(30).total == pytest.approx(8 * 30 * 300, rel=0.1)


def test_a_product_that_stopped_selling_fades_out() -> None:
    quantity = np.random.default_rng(5).poisson(6, 300)
    quantity[-60:] = 0
    history = DailyHistory(shop_table(noisy(300)), product_rows("GONE", quantity, 400))
    product = forecast_sales(history, business_date=LAST).products[0]
    assert product.quantity.horizon(30).total < 0.1 * 6 * 30


def test_days_without_stock_are_unknown_and_teach_the_forecast_nothing() -> None:
    quantity = np.random.default_rng(5).poisson(6, 300)
    quantity[-25:-3] = 0
    quantity[-60] = 0  # in stock, and nobody bought
    panel = product_rows("BACK", quantity, 400)
    first, last = (pd.Timestamp(LAST) - pd.Timedelta(days=back) for back in (24, 3))
    gone = pd.DataFrame({"sku": ["BACK"], "first": [first], "last": [last]})
    with_stock, without = (
        forecast_sales(DailyHistory(shop_table(noisy(300)), panel, stockouts), business_date=LAST).products[0]
        for stockouts in (gone, None)
    )
    assert with_stock.quantity.horizon(30).total == pytest.approx(6 * 30, rel=0.15)
    assert without.quantity.horizon(30).total < 0.8 * 6 * 30


def test_products_too_young_or_too_rare_are_named_with_the_reason() -> None:
    young = np.r_[np.zeros(180, dtype=int), np.full(20, 5)]
    rare = np.zeros(200, dtype=int)
    rare[[150, 170, 190]] = 3
    panel = pd.concat([product_rows("YOUNG", young, 500), product_rows("RARE", rare, 500)])
    forecast = forecast_sales(DailyHistory(shop_table(noisy(200)), panel), business_date=LAST)
    assert forecast.products == ()
    assert dict(forecast.skipped) == {
        "YOUNG": "on sale for 20 days; 28 are needed",
        "RARE": "sold on 3 of the last 182 days; 8 are needed",
    }
