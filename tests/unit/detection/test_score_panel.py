"""What anyone who calls `score_panel` may rely on, whatever the panel."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesflow.detection import PanelScores, score_panel

MONDAY = np.datetime64("2025-01-06")


def days(n: int) -> np.ndarray:
    return MONDAY + np.arange(n)


def counts(*, n_series: int, n_days: int, mean: float = 60.0, seed: int = 7) -> np.ndarray:
    """Negative-binomial sales with a busy Saturday and a quiet Sunday."""
    rng = np.random.default_rng(seed)
    weekday = np.array([0.9, 0.9, 1.0, 1.0, 1.2, 1.6, 0.4])[np.arange(n_days) % 7]
    mu = mean * np.exp(rng.normal(0, 0.4, (n_series, 1))) * weekday
    return rng.negative_binomial(40, 40 / (40 + mu)).astype(float)


def score(values: np.ndarray, *, evaluate_last: int = 1) -> PanelScores:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return score_panel(values, days(values.shape[1]), evaluate_last=evaluate_last)


@pytest.mark.parametrize("n_series", [1, 3, 40])
@pytest.mark.parametrize(("factor", "sign"), [(3.0, 1), (0.15, -1), (0.0, -1)])
def test_a_clear_change_is_scored_beyond_three_and_in_its_direction(n_series: int, factor: float, sign: int) -> None:
    values = counts(n_series=n_series, n_days=200)
    values[0, -1] = np.rint(values[0, -1] * factor)
    answer = score(values)
    assert sign * answer.scores[0, 0] > 3
    assert (values[0, -1] > answer.upper[0, 0]) if sign > 0 else (values[0, -1] < answer.lower[0, 0])


def test_an_ordinary_sunday_is_no_drop_but_a_saturday_at_sundays_level_is() -> None:
    values = counts(n_series=1, n_days=210)  # ends on a Sunday
    answer = score(values, evaluate_last=1)
    assert abs(answer.scores[0, 0]) < 3
    saturday = values[:, :209].copy()
    saturday[0, -1] = values[0, -1]
    assert score(saturday).scores[0, 0] < -3


def test_healthy_series_are_seldom_flagged_and_their_interval_covers() -> None:
    values = counts(n_series=60, n_days=240)
    answer = score(values, evaluate_last=30)
    inside = (values[:, -30:] >= answer.lower) & (values[:, -30:] <= answer.upper)
    assert np.mean(np.abs(answer.scores) >= 3) < 0.01
    assert inside.mean() > 0.985
    assert abs(np.nanmean(values[:, -30:] / answer.expected) - 1) < 0.05


def test_two_pieces_instead_of_none_is_no_event() -> None:
    rng = np.random.default_rng(3)
    values = rng.poisson(0.2, (50, 200)).astype(float)
    values[:, -1] = 2.0
    values[25:, -1] = 0.0
    assert np.abs(score(values).scores).max() < 3


def test_a_slow_day_of_the_whole_shop_is_taken_out_of_every_product() -> None:
    values = counts(n_series=60, n_days=210)
    values[:, -1] = np.rint(values[:, -1] * 0.45)
    answer = score(values)
    assert answer.day_factor[0] == pytest.approx(0.45, abs=0.06)
    assert np.mean(answer.scores <= -3) < 0.05


def test_on_a_holiday_that_shuts_half_of_the_stores_the_open_ones_sold_as_always() -> None:
    values = counts(n_series=60, n_days=210)
    values[:35, -1] = 0
    answer = score(values)
    assert answer.day_factor[0] == pytest.approx(1, abs=0.1)
    assert np.mean(np.abs(answer.scores[35:]) < 3) > 0.95
    assert (answer.scores[:35] < -3).all()


def test_on_the_shops_best_day_what_sold_as_always_is_no_drop() -> None:
    values = counts(n_series=60, n_days=210)
    usual = values[:15, -1].copy()
    values[:, -1] *= 2.5
    values[:15, -1] = usual
    answer = score(values)
    assert answer.day_factor[0] > 1.8
    assert (answer.scores[:15] > -3).all()


@pytest.mark.parametrize("closures", [0.0, 0.1])
def test_an_outage_is_one_though_the_series_is_now_and_then_shut(closures: float) -> None:
    rng = np.random.default_rng(1)
    values = np.rint(3000 * np.exp(rng.normal(0, 0.1, (1, 210))))
    values[rng.random((1, 210)) < closures] = 0
    values[0, -1] = 0
    assert score(values).scores[0, 0] < -3


def test_on_a_weekday_that_is_open_now_and_then_a_day_without_sales_is_no_surprise() -> None:
    rng = np.random.default_rng(1)
    values = counts(n_series=1, n_days=211)  # ends on a Monday
    values[0, 0::7] *= rng.random(31) < 0.5
    values[0, -1] = 0
    assert score(values).scores[0, 0] > -2


def test_a_day_without_any_sale_in_the_shop_is_missing_and_not_sixty_drops() -> None:
    values = counts(n_series=60, n_days=210)
    values[:, -1] = 0
    assert np.isnan(score(values).scores).all()


def test_a_weekday_on_which_the_shop_is_closed_expects_nothing() -> None:
    values = counts(n_series=1, n_days=216)
    values[0, 5::7] = 0  # no Saturdays; the last day is one
    values = values[:, : 5 + 7 * 30 + 1]
    answer = score(values)
    assert answer.scores[0, 0] == 0
    assert answer.expected[0, 0] == 0
    values[0, -1] = 50
    assert score(values).scores[0, 0] > 3


def test_a_past_closure_and_a_past_giant_order_change_little() -> None:
    values = counts(n_series=1, n_days=210)
    damaged = values.copy()
    damaged[0, 150:160] = 0
    damaged[0, 185] *= 50
    assert score(damaged).expected[0, 0] == pytest.approx(score(values).expected[0, 0], rel=0.12)


def test_unknown_days_are_not_scored_and_less_than_twelve_weeks_neither() -> None:
    values = counts(n_series=2, n_days=200)
    values[0, -1] = np.nan
    values[1, :130] = np.nan
    assert np.isnan(score(values).scores).all()
    assert np.isnan(score(counts(n_series=3, n_days=60), evaluate_last=5).scores).all()


def test_days_that_are_not_in_the_dates_are_unknown_days() -> None:
    values = counts(n_series=1, n_days=210)
    holes = values.copy()
    holes[0, 100:110] = np.nan
    keep = np.r_[0:100, 110:210]
    dropped = score_panel(values[:, keep], days(210)[keep], evaluate_last=4)
    np.testing.assert_array_equal(dropped.scores, score(holes, evaluate_last=4).scores)


@pytest.mark.parametrize(
    ("dates", "evaluate_last", "says"),
    [
        (days(30)[::-1], 1, "not sorted: 2025-02-04 comes before 2025-02-03"),
        (np.r_[days(29), days(29)[-1:]], 1, "not unique: 2025-02-03 occurs twice"),
        (days(29), 1, "29"),
        (np.r_[days(29), np.datetime64("NaT", "D")], 1, "NaT"),
        (days(30), 0, "evaluate_last must be between 1 and"),
        (days(30), 31, "not 31"),
    ],
)
def test_bad_input_is_refused_by_name(dates: np.ndarray, evaluate_last: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        score_panel(np.zeros((2, 30)), dates, evaluate_last=evaluate_last)
    with pytest.raises(ValueError, match="two dimensions"):
        score_panel(np.zeros(30), days(30), evaluate_last=1)


@given(
    seed=st.integers(0, 10_000),
    n_series=st.sampled_from([1, 4, 15]),
    n_days=st.sampled_from([1, 20, 90, 130, 200]),
    kind=st.sampled_from(["nan", "zero", "negative", "huge", "constant", "infinite", "tiny", "rare"]),
)
def test_no_input_makes_a_warning_or_an_absurd_answer(seed: int, n_series: int, n_days: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    values = rng.poisson(rng.uniform(0, 30), (n_series, n_days)).astype(float)
    some = rng.random((n_series, n_days)) < 0.3
    if kind == "nan":
        values[rng.random(values.shape) < 0.5] = np.nan
        values[0] = np.nan
    elif kind == "zero":
        values[: n_series // 2 + 1] = 0
    elif kind == "negative":
        values[some] *= -3
    elif kind == "huge":
        values[some] *= 1e12
    elif kind == "constant":
        values[:] = 7
    elif kind == "infinite":
        values[some] = np.inf
    elif kind == "tiny":
        values = values * 1e-7
    elif kind == "rare":
        values[rng.random(values.shape) < 0.97] = 0
    answer = score(values, evaluate_last=min(3, n_days))
    known = np.isfinite(answer.scores)
    assert answer.scores.shape == answer.expected.shape == answer.lower.shape == answer.upper.shape
    assert np.all(np.abs(answer.scores[known]) <= 12)
    assert np.all(answer.lower[known] <= answer.expected[known] * (1 + 1e-9))
    assert np.all(answer.expected[known] <= answer.upper[known] * (1 + 1e-9))
    assert np.all(answer.lower[known] >= 0)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), day=st.integers(1, 6))
def test_a_later_day_never_changes_an_earlier_score(seed: int, day: int) -> None:
    rng = np.random.default_rng(seed)
    values = counts(n_series=12, n_days=150, seed=seed)
    before = score(values, evaluate_last=7)
    values[:, -7 + day :] = rng.poisson(rng.uniform(0, 500), (12, 7 - day))
    after = score(values, evaluate_last=7)
    np.testing.assert_array_equal(before.scores[:, :day], after.scores[:, :day])
    np.testing.assert_array_equal(before.upper[:, :day], after.upper[:, :day])


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), currency=st.sampled_from([0.01, 7.3, 100.0, 1e5]), sold=st.sampled_from([1.0, 0.4]))
def test_money_in_another_currency_has_the_same_scores(seed: int, currency: float, sold: float) -> None:
    rng = np.random.default_rng(seed)
    pieces = counts(n_series=12, n_days=150, seed=seed) * (rng.random((12, 150)) < sold)
    money = pieces * rng.uniform(1.11, 30.0, (12, 150))
    here = score(money, evaluate_last=3)
    there = score(money * currency, evaluate_last=3)
    np.testing.assert_allclose(here.scores, there.scores, atol=1e-6)
    np.testing.assert_allclose(here.upper * currency, there.upper, rtol=1e-6)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_series_does_not_matter(seed: int) -> None:
    values = counts(n_series=20, n_days=150, seed=seed)
    order = np.random.default_rng(seed).permutation(20)
    here, there = score(values, evaluate_last=2), score(values[order], evaluate_last=2)
    np.testing.assert_allclose(here.scores[order], there.scores, atol=1e-8)


def test_calling_it_does_not_change_the_callers_arrays() -> None:
    values = counts(n_series=12, n_days=150)
    values[3, 20] = -4
    copy = values.copy()
    score(values, evaluate_last=2)
    np.testing.assert_array_equal(values, copy)


def fallen(*, last: int, seed: int = 4) -> np.ndarray:
    """Forty products of 2 to 4 pieces a day, ten of which sold one on the first of the last days and one on the last, and none between."""
    rng = np.random.default_rng(seed)
    values = rng.poisson(rng.uniform(2, 4, (40, 1)), (40, 210)).astype(float)
    values[:10, -last:] = 0
    values[:10, [-last, -1]] = 1
    return values


def test_a_small_seller_that_sells_less_shows_in_its_last_days_together_and_in_no_single_one() -> None:
    answer = score(fallen(last=6))
    assert (answer.low[:10] < -2.5).all()
    assert (answer.scores[:10] > -2.5).all()
    assert np.mean(answer.low[10:] < -2.5) < 0.1


def test_days_that_are_not_known_say_nothing_of_a_level_that_fell() -> None:
    values = fallen(last=6)
    values[:10, -6:-1] = np.nan
    assert (score(values).low[:10] > -2.5).all()


def test_the_day_on_which_it_sells_again_is_not_low() -> None:
    values = fallen(last=6)
    values[:10, -1] = 5
    assert (score(values).low[:10] == 0).all()


def test_the_last_days_together_are_as_seldom_low_as_a_normal_z() -> None:
    rng = np.random.default_rng(8)
    values = rng.negative_binomial(10, 10 / (10 + rng.uniform(1, 8, (80, 1))), (80, 240)).astype(float)
    low = score(values, evaluate_last=30).low
    assert np.mean(low <= -2) < 0.04
    assert np.mean(low <= -3) < 0.004


def test_together_are_only_days_before_the_scored_one_and_large_sellers_have_none() -> None:
    assert (score(counts(n_series=20, n_days=210)).low == 0).all()
    values = fallen(last=6)
    later = np.concatenate([values, np.zeros((40, 3))], axis=1)
    np.testing.assert_array_equal(score(later, evaluate_last=4).low[:, 0], score(values).low[:, 0])
