"""An unusual mix at an ordinary total: `python -m tests.benchmarks.detection.mix [--data FILE]`.

Days whose total is untouched get other hours, other product shares or other basket sizes; which method finds them at one false alarm in
30 days? The features are what the day tables hold: hourly revenue, revenue of the 30 best products, pieces per transaction. Each day is
scored with the 120 days before it; scikit-learn's models are refitted every seventh day.

What came of it (recall at one false alarm in 30 days of: hours, products, baskets; 30 days of each change a shop):

| model | simulated, 150 sales a day (3 shops) | Online Retail | ms a day |
|---|---|---|---|
| Ledoit-Wolf, hours alone (ours) | 1.00; .04; .04 | .47; .10; .10 | 6 |
| Ledoit-Wolf, each block | 1.00; .84; .76 | .47; .13; .07 | 12 |
| robust distance (numpy) | .98; .84; .99 | .13; .10; .57 | 1 |
| PCA + robust covariance | .04; .42; .56 | .60; .07; .10 | 5 |
| PCA + one Gaussian | .06; .53; .63 | .67; .07; .10 | 2 |
| IsolationForest | .01; .43; .11 | .27; .10; .07 | 24 |

Decided: hours alone, by Ledoit-Wolf covariance (`salesflow.detection.hours`). A day at other hours with its usual sum is seen by no other
score; this model finds it in both shops, IsolationForest in neither. Products with more or fewer sales than usual have their own scores,
and other basket sizes are pieces against transactions, which are scored; of the product mix, all models together find next to nothing in
real sales (.13 at most).
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "layers" / "pipeline"))

from typing import Any

import numpy as np
import pandas as pd

from salesflow.detection.hours import hour_mix

HISTORY, EVALUATE, PRODUCTS = 120, 60, 30
CHANGES = ("hours", "products", "baskets")
SEEDS = (101, 102, 103)


@dataclass(frozen=True)
class Days:
    """`hours` [n_days, 24], `products` [n_days, 31] (the last: all others), `basket` [n_days] pieces per transaction, `weekday`."""

    hours: np.ndarray
    products: np.ndarray
    basket: np.ndarray
    weekday: np.ndarray


def simulated(seed: int) -> Days:
    """A shop of about 150 transactions a day: multinomial hours and products, overdispersed from day to day."""
    rng = np.random.default_rng(seed)
    n = HISTORY + EVALUATE
    weekday = np.arange(n) % 7
    total = rng.negative_binomial(40, 40 / (40 + 150 * np.array([0.8, 0.8, 0.9, 1, 1.2, 1.6, 0.7])[weekday]))
    clock = np.arange(24)
    open_ = (clock >= 9) & (clock < 19)
    week = np.exp(-((clock - 12) ** 2) / 18) + 0.8 * np.exp(-((clock - 17) ** 2) / 4)
    weekend = np.exp(-((clock - 14) ** 2) / 14)
    hours, products = np.zeros((n, 24)), np.zeros((n, PRODUCTS + 1))
    usual = rng.dirichlet(np.r_[np.full(PRODUCTS, 1.0), 15.0])
    price = np.exp(rng.normal(2, 0.7, PRODUCTS + 1))
    for day in range(n):
        shape = np.where(open_, weekend if weekday[day] >= 5 else week, 0)
        shape = shape / shape.sum()
        hours[day] = rng.multinomial(total[day], rng.dirichlet(np.maximum(shape, 1e-9) * 150)) * rng.gamma(20, 1, 24)
        products[day] = rng.multinomial(3 * total[day], rng.dirichlet(usual * 200)) * price
    return Days(hours, products, np.exp(rng.normal(np.log(3), 0.08, n)), weekday)


def real(path: Path) -> Days:
    """The last 180 trading days of Online Retail before 2011-12-09."""
    lines = pd.read_parquet(path, columns=["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice"])
    lines = lines[(lines["Quantity"] > 0) & (lines["UnitPrice"] > 0) & (lines["InvoiceDate"] < "2011-12-09")]
    lines = lines.assign(
        date=lines["InvoiceDate"].dt.normalize(),
        hour=lines["InvoiceDate"].dt.hour,
        revenue=lines["Quantity"] * lines["UnitPrice"],
    )
    days = np.sort(lines["date"].unique())[-(HISTORY + EVALUATE) :]
    early = lines[lines["date"].isin(days[:HISTORY])]
    top = early.groupby("StockCode")["revenue"].sum().nlargest(PRODUCTS).index
    lines = lines[lines["date"].isin(days)]
    hours = lines.pivot_table(index="date", columns="hour", values="revenue", aggfunc="sum", fill_value=0)
    sold = lines[lines["StockCode"].isin(top)]
    products = sold.pivot_table(index="date", columns="StockCode", values="revenue", aggfunc="sum", fill_value=0)
    total = lines.groupby("date")["revenue"].sum()
    products = products.reindex(index=total.index, columns=top, fill_value=0)
    baskets = lines.groupby("date").agg(pieces=("Quantity", "sum"), sales=("InvoiceNo", "nunique"))
    return Days(
        hours.reindex(columns=range(24), fill_value=0).to_numpy(dtype=float),
        np.c_[products.to_numpy(dtype=float), (total - products.sum(axis=1)).to_numpy(dtype=float)],
        (baskets["pieces"] / baskets["sales"]).to_numpy(dtype=float),
        pd.DatetimeIndex(total.index).day_of_week.to_numpy(),
    )


def changed(days: Days, day: int, change: str, rng: np.random.Generator) -> Days:
    """The same days with one changed: the same total, other hours (a third moved by 3 hours), products or baskets (half or twice)."""
    hours, products, basket = days.hours.copy(), days.products.copy(), days.basket.copy()
    if change == "hours":
        hours[day] = 0.67 * hours[day] + 0.33 * np.roll(hours[day], int(rng.choice([-3, 3])))
    elif change == "products":
        share = products[:day].mean(axis=0)
        lifted = rng.choice(PRODUCTS, 5, replace=False, p=share[:-1] / share[:-1].sum())
        total = products[day].sum()
        products[day, lifted] = products[day, lifted] * 3 + share[lifted]
        products[day] *= total / products[day].sum()
    else:
        basket[day] *= float(rng.choice([0.5, 2.0]))
    return Days(hours, products, basket, days.weekday)


def features(days: Days) -> np.ndarray:
    """Square roots of shares (their variance does not depend on the share), and the logarithm of the basket; [n_days, 24 + 31 + 1]."""
    parts = [np.sqrt(part / np.maximum(part.sum(axis=1, keepdims=True), 1e-9)) for part in (days.hours, days.products)]
    return np.c_[parts[0], parts[1], np.log(days.basket)]


BLOCKS = (slice(0, 24), slice(24, 24 + PRODUCTS + 1), slice(24 + PRODUCTS + 1, None))


def less_weekday(x: np.ndarray, weekday: np.ndarray, past: slice) -> np.ndarray:
    """Deviations from the past mean of the weekday, which counts as much as ten days beside the mean of all days."""
    mean = x[past].mean(axis=0)
    out = x - mean
    for d in range(7):
        same = x[past][weekday[past] == d]
        out[weekday == d] -= (same - mean).sum(axis=0) / (len(same) + 5)
    return out


def worst_block(x: np.ndarray, weekday: np.ndarray, day: int, distances: Callable[[np.ndarray], np.ndarray]) -> float:
    """The largest, over the three blocks, of the day's distance as a robust z of the past.

    distances: of a block's deviations [HISTORY + 1, n], the day's last, the logarithm of each day's distance.
    """
    past = slice(day - HISTORY, day)
    r = less_weekday(x, weekday, past)
    worst = -np.inf
    for block in BLOCKS:
        d = distances(r[day - HISTORY : day + 1, block])
        centre = np.median(d[:-1])
        worst = max(worst, float((d[-1] - centre) / max(np.quantile(d[:-1], 0.95) - centre, 1e-9)))
    return worst


def robust_distance(x: np.ndarray, weekday: np.ndarray, day: int, kept: dict[int, Any]) -> float:
    """Plain numpy: the mean squared deviation in units of the past spread."""

    def distances(part: np.ndarray) -> np.ndarray:
        spread2 = (part[:-1] ** 2).mean(axis=0)
        spread2 = 0.5 * spread2 + 0.5 * spread2.mean()
        use = spread2 > 1e-12
        found: np.ndarray = np.log((part[:, use] ** 2 / spread2[use]).mean(axis=1) + 1e-3)
        return found

    return worst_block(x, weekday, day, distances)


def sklearn_method(make: Callable[[], Any]) -> Callable[..., float]:
    """A scikit-learn outlier model on the same deviations, scaled."""

    def score(x: np.ndarray, weekday: np.ndarray, day: int, kept: dict[int, Any]) -> float:
        first = day - (day - HISTORY) % 7
        if first not in kept:
            past = slice(first - HISTORY, first) if first >= HISTORY else slice(0, HISTORY)
            kept[first] = (make().fit(scaled(x, weekday, past)[past]), past)
        model, past = kept[first]
        return -float(model.score_samples(scaled(x, weekday, past)[day : day + 1])[0])

    def scaled(x: np.ndarray, weekday: np.ndarray, past: slice) -> np.ndarray:
        r = less_weekday(x, weekday, past)
        return r / np.maximum(r[past].std(axis=0), 1e-3)

    return score


def ledoit_wolf(x: np.ndarray, weekday: np.ndarray, day: int, kept: dict[int, Any]) -> float:
    """The largest, over the three blocks, of what `salesflow.detection.hours` does with one."""
    from sklearn.covariance import LedoitWolf

    def distances(part: np.ndarray) -> np.ndarray:
        variance = part[:-1].var(axis=0)
        z = part / np.sqrt(0.5 * variance + 0.5 * variance.mean())
        z[:-1] = np.clip(z[:-1], -3, 3)
        found: np.ndarray = np.log(np.maximum(LedoitWolf(assume_centered=True).fit(z[:-1]).mahalanobis(z), 1e-6))
        return found

    return worst_block(x, weekday, day, distances)


def hours_alone(x: np.ndarray, weekday: np.ndarray, day: int, kept: dict[int, Any]) -> float:
    """What the anomaly check does."""
    days = slice(day - HISTORY, day + 1)
    return hour_mix(x[days, :24] ** 2, weekday[days].astype(np.intp), np.full(HISTORY + 1, 100.0)).score


def methods() -> dict[str, Callable[..., float]]:
    """The methods by name."""
    from sklearn.covariance import MinCovDet
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest
    from sklearn.mixture import GaussianMixture
    from sklearn.pipeline import make_pipeline

    class RobustCovariance:
        """Robust Mahalanobis distance (minimum covariance determinant) on ten principal components."""

        def fit(self, x: np.ndarray) -> "RobustCovariance":
            self.pca = PCA(10, random_state=0).fit(x)
            self.mcd = MinCovDet(random_state=0).fit(self.pca.transform(x))
            return self

        def score_samples(self, x: np.ndarray) -> np.ndarray:
            return -self.mcd.mahalanobis(self.pca.transform(x))

    return {
        "ours: Ledoit-Wolf, hours alone": hours_alone,
        "Ledoit-Wolf, each block": ledoit_wolf,
        "robust distance (numpy)": robust_distance,
        "IsolationForest": sklearn_method(lambda: IsolationForest(n_estimators=100, random_state=0)),
        "PCA + robust covariance": sklearn_method(RobustCovariance),
        "PCA + one Gaussian": sklearn_method(
            lambda: make_pipeline(PCA(10, random_state=0), GaussianMixture(1, reg_covar=1e-2, random_state=0))
        ),
    }


def measure(panels: list[Days], method: Callable[..., float], *, seed: int) -> tuple[dict[str, float], float]:
    """Recall of each change at one false alarm in 30 days (threshold from the untouched days), and CPU ms a scored day."""
    start, calls = time.process_time(), 0
    found: dict[str, list[bool]] = {c: [] for c in CHANGES}
    for number, days in enumerate(panels):
        rng = np.random.default_rng(seed + number)
        kept: dict[int, Any] = {}
        x = features(days)
        clean = np.sort([method(x, days.weekday, day, kept) for day in range(HISTORY, HISTORY + EVALUATE)])
        threshold = clean[-1 - EVALUATE // 30]
        for change in CHANGES:
            for day in range(HISTORY, HISTORY + EVALUATE, 2):
                other = changed(days, day, change, rng)
                found[change].append(method(features(other), days.weekday, day, kept) > threshold)
                calls += 1
    return {c: float(np.mean(v)) for c, v in found.items()}, (time.process_time() - start) / calls * 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.detection.mix", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/online_retail.parquet"))
    options = parser.parse_args()
    panels = {"simulated": [simulated(seed) for seed in SEEDS]}
    if options.data.exists():
        panels["Online Retail"] = [real(options.data)]
    print("| panel | method | " + " | ".join(CHANGES) + " | ms a day |\n|---|---|---|---|---|---|")
    for name, days in panels.items():
        for method_name, method in methods().items():
            recall, ms = measure(days, method, seed=7)
            print(
                f"| {name} | {method_name} | {' | '.join(f'{recall[c]:.2f}' for c in CHANGES)} | {ms:.1f} |", flush=True
            )


if __name__ == "__main__":
    main()
