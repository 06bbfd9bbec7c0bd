"""Alerts a month in simulated healthy shops, counted end to end: `python -m tests.benchmarks.detection.calibration [--days N] [--seeds ...]`.

What is counted is what an operator would be mailed: alerts that the lifecycle opens, day after day, whatever found them (score, stopped
selling, price, rare sale), with medium ones mailed and with high ones mailed alone (the setting alert_medium).
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "layers" / "pipeline"))

import numpy as np
import pandas as pd

from salesflow.alerts.judging import Tables, judgement_of
from salesflow.alerts.lifecycle import Alert, Change, JudgedDay, Rules, advance
from salesflow.detection import DetectionResult, Policy, detect_days
from salesflow.findings.event import EventType, Severity
from salesflow.job_events import Scope
from salesflow.windows import Period

LEARNT_DAYS = 280
RULES = {EventType.STOPPED_SELLING, EventType.PRICE_CHANGE}
SEVERITIES = (Severity.MEDIUM, Severity.HIGH)


@dataclass(frozen=True)
class Kind:
    """A kind of healthy shop: daily drift of each product's level, spread of the whole shop's day, of each sale's price, Sundays; the
    share of its products' days that sell six times the usual, for a shop in which things do happen."""

    name: str
    drift: float = 0.008
    day_spread: float = 0.06
    price_spread: float = 0.0
    sundays: bool = True
    rushes: float = 0.0


KINDS = (
    Kind("ordinary"),
    Kind("calm", drift=0.0, day_spread=0.0),
    Kind("closed on Sundays, 12% shop days", day_spread=0.12, sundays=False),
    Kind("prices vary by 15%", price_spread=0.15),
)


def healthy_shop(*, products: int, days: int, seed: int, kind: Kind = KINDS[0]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Day and product table of a shop in which nothing happens.

    Negative-binomial pieces, means 0.3 to 60 a day, dispersion 0.02 to 0.3, a weekday profile of each product, prices 1.50 to 30.00.
    """
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2024-01-01", periods=days)
    weekday = np.array([0.8, 0.85, 0.9, 1.0, 1.2, 1.4, 0.85 if kind.sundays else 0.0])
    base = np.exp(rng.uniform(np.log(0.3), np.log(60), (products, 1)))
    profile = weekday * np.exp(rng.normal(0, 0.15, (products, 7)))
    level = np.exp(np.cumsum(rng.normal(0, kind.drift, (products, days)), axis=1))
    mean = base * profile[:, dates.day_of_week] * level * np.exp(rng.normal(0, kind.day_spread, days))
    size = 1 / np.exp(rng.uniform(np.log(0.02), np.log(0.3), (products, 1)))
    quantity = rng.negative_binomial(size, size / (size + mean))
    if kind.rushes:
        quantity = np.where(rng.random(quantity.shape) < kind.rushes, 6 * quantity, quantity)
    price = rng.integers(150, 3000, (products, 1)) * np.exp(rng.normal(0, kind.price_spread, (products, days)))
    rows = pd.DataFrame(
        {
            "date": np.tile(dates, products),
            "sku": np.repeat([f"P{i:03d}" for i in range(products)], days),
            "name": "",
            "quantity": quantity.ravel(),
            "revenue": np.rint(quantity * price).astype("int64").ravel(),
        }
    )
    rows["transactions"] = np.ceil(rows["quantity"] / 2).astype("int64")
    rows = rows[rows["quantity"] > 0].reset_index(drop=True)
    shop = rows.groupby("date", as_index=False)[["revenue", "quantity"]].sum()
    shop["transactions"] = np.ceil(shop["quantity"] / 2.5).astype("int64")
    shop["first_sale"] = shop["date"] + pd.Timedelta(hours=9)
    shop["last_sale"] = shop["date"] + pd.Timedelta(hours=18)
    return shop, rows


def alerts_opened(tables: Tables, results: Sequence[DetectionResult], mail_from: Severity) -> Counter[str]:
    """How many alerts these consecutive days would have mailed as new: in all, of the shop, of products' scores, of the rules."""
    counts: Counter[str] = Counter()
    rules = Rules(mail_from, top=1_000_000)
    open_alerts: dict[str, tuple[Alert, ...] | None] = {"shop": None, "products": None}
    for result in results:
        judgement = judgement_of(tables, result, scope=Scope.GLOBAL, sku=None, period=Period.DAILY)
        days: dict[str, JudgedDay] = {"shop": judgement.shop_day, "products": judgement.products_day}
        for part, day in days.items():
            step = advance(open_alerts[part], day, rules)
            open_alerts[part] = step.alerts
            for entry in step.entries:
                if entry.change is Change.OPENED and entry.event is not None:
                    counts["rules" if entry.event.type in RULES else part] += 1
                    counts["all"] += 1
    return counts


def alerts_a_month(
    *, products: int, days: int, seed: int, policies: Sequence[Policy], kind: Kind = KINDS[0]
) -> list[dict[str, float]]:
    """Alerts per 30 days under each policy, in all and by where they came from."""
    shop, rows = healthy_shop(products=products, days=LEARNT_DAYS + days, seed=seed, kind=kind)
    nothing_back = {"returned_quantity": 0, "returned_revenue": 0}
    tables = Tables(shop.assign(**nothing_back), rows.assign(**nothing_back), shop["date"].min().date())
    dates = [d.date() for d in pd.date_range("2024-01-01", periods=LEARNT_DAYS + days)[-days:]]
    by_policy = list(zip(*detect_days(shop, rows, dates, policies), strict=True))
    return [
        {what: n / days * 30 for what, n in alerts_opened(tables, results, policy.alert_severity).items()}
        for policy, results in zip(policies, by_policy, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.detection.calibration", description=__doc__)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--products", type=int, nargs="+", default=[40, 80, 150, 300])
    parser.add_argument("--wanted", type=float, nargs="+", default=[1.0, 4.0, 10.0])
    options = parser.parse_args()
    policies = [Policy(alerts_per_month=a, alert_severity=s) for s in SEVERITIES for a in options.wanted]
    print("| shop | products | counted from | wanted | raised a month | ratio | shop, products, rules | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    ratios: dict[tuple[str, Severity, float], list[float]] = {}
    for kind in KINDS:
        for products in options.products:
            start = time.process_time()
            runs = [
                alerts_a_month(products=products, days=options.days, seed=seed, policies=policies, kind=kind)
                for seed in options.seeds
            ]
            cpu = time.process_time() - start
            for place, policy in enumerate(policies):
                wanted = policy.alerts_per_month
                mean = {w: np.mean([r[place].get(w, 0.0) for r in runs]) for w in ("all", "shop", "products", "rules")}
                ratios.setdefault((kind.name, policy.alert_severity, wanted), []).append(float(mean["all"]) / wanted)
                print(
                    f"| {kind.name} | {products} | {policy.alert_severity} | {wanted:g} | {mean['all']:.1f} | {mean['all'] / wanted:.2f} | "
                    f"{mean['shop']:.1f}, {mean['products']:.1f}, {mean['rules']:.1f} | {cpu:.0f} |",
                    flush=True,
                )
    print("\nRaised / wanted, mean over the sizes of shop:")
    for (name, severity, wanted), values in ratios.items():
        print(f"- {name}, {severity}, {wanted:g} a month: {np.mean(values):.2f}")


if __name__ == "__main__":
    main()
