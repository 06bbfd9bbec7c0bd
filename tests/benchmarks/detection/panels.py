"""The panels that are scored: real sales (Online Retail) and simulated negative-binomial counts.

Tuning used `TUNING_SEEDS` and the real data up to 2011-09-14. What the benchmark reports uses `TEST_SEEDS` and the days from 2011-09-15 on.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

TUNING_SEEDS = (1, 2, 3)
TEST_SEEDS = (101, 102, 103)
TEST_END = np.datetime64("2011-12-08")  # 2011-12-09 is cut off at noon


@dataclass(frozen=True)
class Panel:
    """`values` [n_series, n_days] with the days `dates`; the last `evaluate_last` days are scored, of the series `scored`."""

    name: str
    values: np.ndarray
    dates: np.ndarray
    evaluate_last: int
    scored: np.ndarray


def _sales(path: Path) -> pd.DataFrame:
    """The shop's sale lines (cancellations, write-offs and give-aways left out), with `date` and `revenue`."""
    lines = pd.read_parquet(path, columns=["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice"])
    lines = lines[(lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)]
    return lines.assign(date=lines["InvoiceDate"].dt.normalize(), revenue=lines["Quantity"] * lines["UnitPrice"])


def real_panels(path: Path, *, end: np.datetime64, evaluate_last: int, scored: int) -> list[Panel]:
    """Shop totals (revenue, quantity, transactions), the 100 best sellers, and 100 SKUs that sell on 10-50% of the open days.

    Selection and the eight weeks before `end` use only days up to `end`. Days without a row are zeros, as a till's export has them.
    """
    lines = _sales(path)
    lines = lines[lines["date"] <= pd.Timestamp(end)]
    days = pd.date_range(lines["date"].min(), pd.Timestamp(end))
    dates = days.to_numpy().astype("datetime64[D]")
    by_day = lines.groupby("date")
    totals = pd.DataFrame(
        {"revenue": by_day["revenue"].sum(), "quantity": by_day["Quantity"].sum(), "n": by_day["InvoiceNo"].nunique()}
    ).reindex(days, fill_value=0)
    products = lines.pivot_table(
        index="StockCode", columns="date", values="Quantity", aggfunc="sum", fill_value=0, observed=True
    ).reindex(columns=days, fill_value=0)
    share = (products.iloc[:, -182:] > 0).mean(axis=1)
    early = (products.iloc[:, :-182] > 0).any(axis=1)
    top = products.loc[products.iloc[:, -182:].sum(axis=1).sort_values(ascending=False).index[:100]]
    sparse = products[(share >= 0.1) & (share <= 0.5) & early & ~products.index.isin(top.index)]
    sparse = sparse.sample(100, random_state=0)

    def panel(name: str, frame: pd.DataFrame) -> Panel:
        values = frame.to_numpy(dtype=float)
        return Panel(name, values, dates, evaluate_last, np.arange(min(scored, len(values))))

    return [
        panel("shop totals", totals.T),
        panel("top 100 products", top),
        panel("100 intermittent SKUs", sparse),
    ]


def simulated_panel(
    name: str, *, seed: int, n_series: int, n_days: int, mean: tuple[float, float], evaluate_last: int, scored: int
) -> Panel:
    """Negative-binomial sales with a weekday profile, a wandering level and a day factor shared by the whole shop.

    `mean` is the range of the series' mean (log-uniform); dispersion (variance = m + a m^2) is log-uniform in 0.01-0.1.
    """
    rng = np.random.default_rng(seed)
    dates, mu, size = simulated_truth(rng, n_series, n_days, mean)
    values = rng.negative_binomial(size, size / (size + mu)).astype(float)
    return Panel(name, values, dates, evaluate_last, np.arange(min(scored, n_series)))


def simulated_truth(
    rng: np.random.Generator, n_series: int, n_days: int, mean: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dates [n_days], means [n_series, n_days] and sizes (1 / dispersion) [n_series, 1] of a simulated panel."""
    dates = np.datetime64("2025-01-01") + np.arange(n_days)
    weekday = (dates.astype(int) + 3) % 7
    base = np.exp(rng.uniform(np.log(mean[0]), np.log(mean[1]), n_series))
    shop = np.array([0.8, 0.85, 0.9, 1.0, 1.2, 1.4, 0.85])
    profile = shop * np.exp(rng.normal(0, 0.15, (n_series, 7)))
    profile /= profile.mean(axis=1, keepdims=True)
    level = np.exp(np.cumsum(rng.normal(0, 0.012, (n_series, n_days)), axis=1))
    day = np.exp(rng.normal(0, 0.08, n_days))
    mu = base[:, None] * profile[:, weekday] * level * day
    return dates, mu, 1 / np.exp(rng.uniform(np.log(0.01), np.log(0.1), n_series))[:, None]
