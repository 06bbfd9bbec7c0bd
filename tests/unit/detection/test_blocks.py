"""Many products: worked on in blocks, kept as the days that hold a sale, and the same to the last bit as all at once."""

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from salesflow.detection.engine import DayModel, fit_each
from salesflow.detection.product_sales import History, ProductSales
from salesflow.detection.silence import silences
from salesflow.detection.timeline import Timeline

WEEKS, PRODUCTS = 26, 90
DAYS = 7 * WEEKS


def panel(seed: int = 3) -> np.ndarray:
    """Products of every kind on 26 weeks: many and few pieces, new ones, one that is shut on Sundays, two days that nobody knows."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.uniform(np.log(0.05), np.log(80), (PRODUCTS, 1)))
    weekday = np.array([0.9, 0.9, 1.0, 1.0, 1.2, 1.6, 0.4])[np.arange(DAYS) % 7]
    values = rng.poisson(mean * weekday * np.exp(rng.normal(0, 0.2, DAYS))).astype(float)
    values[::9, :120] = 0
    values[1::9, np.arange(DAYS) % 7 == 6] = 0
    values[:, [40, 41]] = np.nan
    values[:, 90] = 0
    values[5, 100:103] = -2
    return values


def bits(models: Iterator[DayModel]) -> list[bytes]:
    """Every number of some models, as it lies in memory."""
    return [np.asarray(getattr(model, field.name)).tobytes() for model in models for field in fields(model)]


@pytest.mark.parametrize("money", [False, True])
@pytest.mark.parametrize("block", [1, 7, 32, PRODUCTS - 1])
def test_blocks_of_any_size_give_the_same_models_to_the_last_bit(block: int, *, money: bool) -> None:
    values = panel() * (137 if money else 1)
    assert bits(fit_each([values], money=money, block=block)) == bits(fit_each([values], money=money))


def test_panels_fitted_together_give_what_each_gives_alone() -> None:
    panels = [panel()[:60], panel(8)[:3], panel(9)]
    assert bits(fit_each(panels)) == bits(model for one in panels for model in fit_each([one]))


def table(days: pd.DatetimeIndex, values: np.ndarray) -> pd.DataFrame:
    """The rows of a panel: one a product and day on which something was sold or came back, in no order; some of no SKU or of another day."""
    rng = np.random.default_rng(1)
    product, day = np.nonzero(np.nan_to_num(values))
    rows = pd.DataFrame(
        {
            "date": days[day],
            "sku": [f"P{p:02d}" for p in product],
            "name": "a name",
            "quantity": values[product, day],
            "revenue": values[product, day] * 250,
            "transactions": 1,
        }
    )
    others = rows.head(3).assign(sku="")
    before = rows.head(3).assign(date=days[0] - pd.Timedelta(days=1), sku="P99")
    return pd.concat([rows, others, before]).sample(frac=1, random_state=rng.integers(9)).reset_index(drop=True)


def test_products_kept_as_the_days_that_hold_a_sale_are_the_full_table() -> None:
    values = panel()
    days = pd.date_range("2026-01-05", periods=DAYS)
    unknown = np.isnan(values[0])
    sales = ProductSales(table(days, values), days, unknown)
    full = values[np.nan_to_num(values).any(axis=1)]
    assert len(sales) == len(full)
    every = np.arange(len(full))
    np.testing.assert_array_equal(sales.between("quantity", every, 0, DAYS), full)
    np.testing.assert_array_equal(sales.between("revenue", every[::-1], 30, 60), full[::-1, 30:60] * 250)
    assert np.isnan(sales.between("quantity", every, -5, 3)[:, :5]).all()
    np.testing.assert_array_equal(sales.sums("quantity", 10, 70), np.nansum(full[:, 10:70], axis=1))
    np.testing.assert_array_equal(sales.days_sold(10, 70), (np.nan_to_num(full[:, 10:70]) != 0).sum(axis=1))
    np.testing.assert_array_equal(sales.on("quantity", 50), full[:, 50])
    assert bits(fit_each([History(sales, "quantity", every, 0, DAYS)], block=16)) == bits(fit_each([full]))


def test_a_table_with_its_texts_as_categories_is_the_same() -> None:
    values, days = panel(), pd.date_range("2026-01-05", periods=DAYS)
    rows = table(days, values)
    plain, coded = (
        ProductSales(one, days, np.isnan(values[0]))
        for one in (rows, rows.astype({"sku": "category", "name": "category"}))
    )
    assert coded.skus == plain.skus
    for name in ("product", "day", "quantity", "revenue", "start"):
        np.testing.assert_array_equal(getattr(coded, name), getattr(plain, name))
    assert [coded.called(n, DAYS - 1) for n in range(5)] == [plain.called(n, DAYS - 1) for n in range(5)]


def test_silences_are_the_same_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products that were out of stock now and then, some of which stopped selling."""
    values, days = np.nan_to_num(panel()), pd.date_range("2026-01-05", periods=DAYS)
    values[10:40, -12:] = 0
    gone = [(f"P{p:02d}", days[130 + p], days[140 + p]) for p in range(10, 40)]
    for p in range(10, 40):
        values[p, 130 + p : 138 + p] = 0
    shop = pd.DataFrame(
        {
            "date": days,
            "revenue": values.sum(axis=0) * 250,
            "quantity": values.sum(axis=0),
            "transactions": values.sum(axis=0),
        }
    )
    found = []
    for block in (7, 2_000):
        monkeypatch.setattr("salesflow.detection.silence.BLOCK", block)
        stockouts = pd.DataFrame(gone, columns=["sku", "first", "last"])
        line = Timeline(shop, table(days, values), days[-1].date(), {}, stockouts=stockouts)
        found.append(silences(line, DAYS - 2))
    assert len(found[0].rows) > 5
    for name in ("rows", "now", "needed", "needed_out", "a_day"):
        np.testing.assert_array_equal(getattr(found[0], name), getattr(found[1], name))


def test_rows_of_one_product_and_day_count_together() -> None:
    days = pd.date_range("2026-01-05", periods=3)
    rows = table(days, np.array([[2.0, 0.0, 5.0]]))
    sales = ProductSales(pd.concat([rows, rows]), days, np.zeros(3, dtype=bool))
    assert sales.between("quantity", np.array([0]), 0, 3).tolist() == [[4, 0, 10]]
    assert sales.days_sold(0, 3).tolist() == [2]
