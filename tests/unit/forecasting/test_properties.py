"""What holds for every history, however odd."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesflow.forecasting import DailyHistory, Forecast, NotEnoughHistory, SeriesForecast, forecast_sales
from tests.unit.forecasting.shops import LAST, forecast_of, no_products, noisy, product_rows, shop_table, values

KINDS = ("noisy", "zeros and ones", "gaps", "returns", "huge", "constant", "steps")


def strange(kind: str, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    made: dict[str, Callable[[], np.ndarray]] = {
        "noisy": lambda: noisy(count, seed, 0.5),
        "zeros and ones": lambda: rng.integers(0, 2, count),
        "gaps": lambda: noisy(count, seed) * (rng.random(count) > 0.5),
        "returns": lambda: noisy(count, seed) * np.where(rng.random(count) < 0.2, -2, 1),
        "huge": lambda: noisy(count, seed) * np.where(rng.random(count) < 0.03, 1e6, 1),
        "constant": lambda: np.full(count, 5_000),
        "steps": lambda: noisy(count, seed) * np.repeat(rng.uniform(0, 3, count // 10 + 1), 10)[:count],
    }
    return np.asarray(made[kind](), dtype=float)


def assert_sound(series: SeriesForecast) -> None:
    for entry in series.daily:
        bounds = entry.interval
        ordered = [0, bounds.lower95, bounds.lower80, entry.value, bounds.upper80, bounds.upper95]
        assert all(np.isfinite(ordered))
        assert ordered == sorted(ordered)
        if not entry.open:
            assert ordered == [0] * 6
    for horizon in series.horizons:
        part = series.daily[: series.horizon(horizon.days).days]
        bounds = horizon.interval
        ordered = [0, bounds.lower95, bounds.lower80, horizon.total, bounds.upper80, bounds.upper95]
        assert ordered == sorted(ordered)
        assert horizon.total == pytest.approx(sum(entry.value for entry in part), abs=0.01)
        assert horizon.peak_value == max(entry.value for entry in part)
        assert (horizon.peak_day, horizon.peak_value) in {(entry.day, entry.value) for entry in part}
    assert all(later.day - earlier.day == timedelta(days=1) for earlier, later in pairwise(series.daily))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from(KINDS), count=st.integers(28, 200), seed=st.integers(0, 10_000))
def test_every_forecast_is_sound_and_survives_json(kind: str, count: int, seed: int) -> None:
    try:
        forecast = forecast_of(strange(kind, count, seed))
    except NotEnoughHistory:
        assert kind in {"zeros and ones", "gaps"} or count < 40
        return
    assert_sound(forecast.revenue)
    assert_sound(forecast.quantity)
    assert forecast.revenue.daily[0].day == LAST + timedelta(days=1)
    assert all(isinstance(entry.value, int) for entry in forecast.revenue.daily)
    document = json.loads(json.dumps(forecast.to_document(), allow_nan=False))
    assert Forecast.from_document(document) == forecast


def test_the_same_history_gives_the_same_forecast_in_any_order_of_rows() -> None:
    rng = np.random.default_rng(1)
    panel = pd.concat([product_rows(f"P{n}", rng.poisson(n + 1, 560), 250) for n in range(4)])
    shop = shop_table(noisy(560, seed=2))
    first = forecast_sales(DailyHistory(shop, panel), business_date=LAST)
    shuffled = DailyHistory(shop.sample(frac=1, random_state=3), panel.sample(frac=1, random_state=4))
    assert forecast_sales(shuffled, business_date=LAST).to_document() == first.to_document()


def test_what_comes_after_the_business_date_changes_nothing() -> None:
    earlier = LAST - timedelta(days=40)
    revenue = noisy(260)
    future = revenue.copy()
    future[-40:] *= 50
    panel = product_rows("P", np.random.default_rng(0).poisson(5, 260), 300)
    changed = panel.assign(quantity=panel["quantity"].where(panel["date"] <= pd.Timestamp(earlier), 999))
    answers = [
        forecast_sales(DailyHistory(shop_table(sales), rows), business_date=earlier)
        for sales, rows in (
            (revenue, panel),
            (future, changed),
            (revenue[:-40], panel[panel["date"] <= pd.Timestamp(earlier)]),
        )
        if len(sales) == 260
    ]
    cut = DailyHistory(shop_table(revenue[:-40], earlier), panel[panel["date"] <= pd.Timestamp(earlier)])
    assert answers[0] == answers[1] == forecast_sales(cut, business_date=earlier)


@pytest.mark.parametrize("factor", [10, 1000])
def test_another_currency_unit_gives_the_same_forecast_in_that_unit(factor: int) -> None:
    revenue = np.rint(noisy(180, noise=0.3)) * 10
    one, other = forecast_of(revenue).revenue, forecast_of(revenue * factor).revenue
    assert other.model == one.model
    assert values(other) == pytest.approx(values(one) * factor, rel=1e-4, abs=factor)
    for small, large in zip(one.daily, other.daily, strict=True):
        assert large.interval.upper95 == pytest.approx(small.interval.upper95 * factor, rel=1e-4, abs=factor)
    assert other.horizon(30).interval.lower80 == pytest.approx(one.horizon(30).interval.lower80 * factor, rel=1e-4)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    inside80, inside95, days = 0, 0, 0
    for seed in range(6):
        truth = noisy(330, seed=100 + seed, noise=0.25)
        forecast = forecast_of(truth[:300], LAST - timedelta(days=30), horizons=(30,))
        for entry, actual in zip(forecast.revenue.daily, truth[300:], strict=True):
            inside80 += entry.interval.lower80 <= actual <= entry.interval.upper80
            inside95 += entry.interval.lower95 <= actual <= entry.interval.upper95
            days += 1
    assert 0.72 <= inside80 / days <= 0.90
    assert 0.90 <= inside95 / days <= 0.99


def test_the_measured_coverage_of_steady_noise_is_near_the_nominal_one() -> None:
    coverage = forecast_of(noisy(365, seed=9, noise=0.25)).revenue.coverage
    assert coverage is not None
    assert coverage.days > 300
    assert coverage.within80 == pytest.approx(0.80, abs=0.08)
    assert coverage.within95 == pytest.approx(0.95, abs=0.04)


def test_a_shop_that_was_off_lately_has_wider_totals_than_one_that_was_off_long_ago() -> None:
    bumped = [noisy(300, seed=5, noise=0.15) for _ in range(2)]
    bumped[0][100:160] *= 1.6  # long ago
    bumped[1][200:260] *= 1.6
    long_ago, lately = (forecast_of(revenue).revenue.horizon(30) for revenue in bumped)
    width = [(one.interval.upper80 - one.interval.lower80) / one.total for one in (long_ago, lately)]
    assert width[1] > 1.25 * width[0]


def test_further_days_are_not_surer_than_nearer_ones() -> None:
    daily = forecast_of(noisy(300, noise=0.3)).revenue.daily
    width = [entry.interval.upper95 - entry.interval.lower95 for entry in daily if entry.day.weekday() == 2]
    assert width[-1] >= width[0]


def test_the_winner_has_the_smallest_backtest_error_or_is_the_blend() -> None:
    for seed in range(3):
        series = forecast_of(noisy(250, seed=seed, noise=0.3)).revenue
        assert next(iter(series.errors)) == series.model
        errors = {model.value: errors[0].wape for model, errors in series.errors.items()}
        assert errors[series.model.value] <= 1.02 * errors["blend"]
        assert errors[series.model.value] < errors["last_week"]


@pytest.mark.parametrize("days", [10, 27])
def test_less_than_four_weeks_is_refused_with_what_to_do(days: int) -> None:
    with pytest.raises(NotEnoughHistory, match=f"there are {days} up to 2026-11-22") as error:
        forecast_of(noisy(days))
    assert "sync_history" in error.value.action


def test_a_shop_that_never_sold_is_refused() -> None:
    with pytest.raises(NotEnoughHistory, match="there are 0"):
        forecast_of(np.zeros(200))


def test_a_short_history_is_marked_as_simplified() -> None:
    short, long = forecast_of(noisy(40)), forecast_of(noisy(120))
    assert short.simplified
    assert "Only 40 days" in short.notes[0]
    assert not long.simplified


def test_a_long_silence_is_said() -> None:
    revenue = noisy(150)
    revenue[-12:] = 0
    assert any("No sales in the last 12 days" in note for note in forecast_of(revenue).notes)


@pytest.mark.parametrize("horizons", [(), (30, 7), (0,), (91,), (7, 7)])
def test_bad_horizons_are_refused(horizons: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="horizons must be ascending"):
        forecast_of(noisy(100), horizons=horizons)


def test_bad_tables_are_refused_by_name() -> None:
    table = shop_table(noisy(60))
    with pytest.raises(ValueError, match="two rows for one day"):
        forecast_sales(DailyHistory(pd.concat([table, table.tail(1)]), no_products()), business_date=LAST)
    with pytest.raises(ValueError, match="shop table lacks the columns quantity"):
        forecast_sales(DailyHistory(table.drop(columns="quantity"), no_products()), business_date=LAST)


def test_other_horizons() -> None:
    panel = pd.concat([product_rows(sku, np.full(100, 4), 250) for sku in ("A", "B")])
    shop = panel.groupby("date", as_index=False)[["revenue", "quantity"]].sum()
    forecast = forecast_sales(DailyHistory(shop, panel), business_date=LAST, horizons=(14,), top_products=1)
    assert forecast.revenue.horizon(14).total == 14 * 2 * 4 * 250
    assert [product.sku for product in forecast.products] == ["A"]
    with pytest.raises(KeyError, match="no horizon of 7 days"):
        forecast.revenue.horizon(7)


def test_documents_of_another_version_or_damaged_ones_are_refused() -> None:
    document = forecast_of(noisy(60)).to_document()
    with pytest.raises(ValueError, match="version 99"):
        Forecast.from_document(document | {"version": 99})
    with pytest.raises(ValueError, match="damaged"):
        Forecast.from_document(document | {"shop": {}})


def test_the_document_has_the_keys_that_readers_rely_on() -> None:
    document = forecast_of(noisy(120)).to_document()
    assert list(document) == [
        "version",
        "business_date",
        "history_days",
        "open_days",
        "simplified",
        "closed_weekdays",
        "notes",
        "shop",
        "products",
        "skipped",
    ]
    revenue = document["shop"]["revenue"]
    assert list(revenue) == ["measure", "model", "errors", "coverage", "horizons", "daily"]
    assert revenue["daily"]["day"][0] == date(2026, 11, 23).isoformat()
    assert {len(column) for column in revenue["daily"].values()} == {90}
