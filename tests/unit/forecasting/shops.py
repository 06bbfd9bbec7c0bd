"""Small shops with known daily sales."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesflow.forecasting import DailyHistory, Forecast, forecast_sales

LAST = date(2026, 11, 22)  # a Sunday
WEEK = np.array([90_000, 80_000, 90_000, 100_000, 140_000, 180_000, 70_000], dtype=float)


def days_to(last: date, count: int) -> list[date]:
    return [last - timedelta(days=count - 1 - n) for n in range(count)]


def shop_table(
    revenue: Sequence[float] | np.ndarray, last: date = LAST, quantity: np.ndarray | None = None
) -> pd.DataFrame:
    """A shop's table that ends on `last`; by default a piece for every 1,000 minor units."""
    amounts = np.rint(np.asarray(revenue, dtype=float)).astype(np.int64)
    pieces = amounts // 1000 if quantity is None else quantity
    days = pd.to_datetime(days_to(last, len(amounts)))
    return pd.DataFrame({"date": days, "revenue": amounts, "quantity": pieces})


def product_rows(sku: str, quantity: np.ndarray, price: int, last: date = LAST) -> pd.DataFrame:
    """The panel's rows of one product: none on days on which it did not sell."""
    days = pd.to_datetime(days_to(last, len(quantity)))
    rows = pd.DataFrame(
        {"date": days, "sku": sku, "name": f"Name of {sku}", "quantity": quantity, "revenue": quantity * price}
    )
    return rows[rows["quantity"] != 0]


def no_products() -> pd.DataFrame:
    return pd.DataFrame({column: [] for column in ("date", "sku", "name", "quantity", "revenue")})


def weekly(count: int, last: date = LAST) -> np.ndarray:
    """The same week again and again."""
    return WEEK[[day.weekday() for day in days_to(last, count)]]


def noisy(count: int, seed: int = 0, noise: float = 0.1, last: date = LAST) -> np.ndarray:
    """That week with log-normal noise."""
    return weekly(count, last) * np.exp(np.random.default_rng(seed).normal(0, noise, count))


def forecast_of(revenue: Sequence[float] | np.ndarray, last: date = LAST, **options: object) -> Forecast:
    """The forecast of a shop without products."""
    history = DailyHistory(shop_table(revenue, last), no_products())
    return forecast_sales(history, business_date=last, **options)  # type: ignore[arg-type]  # options of several types


def values(series: object) -> np.ndarray:
    return np.array([entry.value for entry in series.daily], dtype=float)  # type: ignore[attr-defined]  # a SeriesForecast
