"""`python -m tests.benchmarks.forecasting [--data FILE] [--quick] [--tuning]`: the shop's forecast against three others, by rolling origin.

From each origin every method forecasts the shop's revenue and quantity for 7, 30 and 90 days with what was known that evening; ours chooses
its model anew each time. Tuning used `TUNING_SEEDS` and the real data up to 2011-08-31; the table is of `TEST_SEEDS` and of later
origins, whose days no tuning has seen (`--tuning` prints the other half), with one exception: how wide a first year's totals are (its unknown
season, the weight of new errors) was settled after these had shown intervals too narrow. Needs statsforecast for AutoETS.

Totals of the real shop's first year, revenue and quantity, share inside the 80% and the 95% interval: from April to August (tuning) 30 days 100%
and 100%, 90 days 100% and 100%; from September on, when sales rise by half to Christmas, 30 days 67% and 83%, 90 days (two evenings) 0% and
100%; together 87% and 93%, 80% and 100%. A first autumn cannot be known from a first summer: no width that is of use holds it.

WAPE = sum |actual - forecast| / sum |actual| over days; total = the same over horizon totals; in80/in95 = share of open days inside the
interval, T80/T95 = share of horizon totals inside theirs.
"""

import argparse
import os
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "layers" / "pipeline"))

import numpy as np
import pandas as pd

from local.api import sample_sales
from local.api.retail import subtotal_minor
from local.api.sales_file import read_sales_file
from salesflow.forecasting import DailyHistory, SeriesForecast, forecast_sales

HORIZONS = (7, 30, 90)
TUNING_SEEDS = (1, 2, 3)
TEST_SEEDS = (101, 102, 103)
REAL_LAST_DAY = date(2011, 12, 8)  # 2011-12-09 is cut off at noon
REAL_TUNING_END = date(2011, 8, 31)
SAMPLE_END = date(2026, 11, 22)
SAMPLE_DAYS = 1000
EMPTY_PANEL = pd.DataFrame({column: [] for column in ("date", "sku", "name", "quantity", "revenue")})

Bounds = np.ndarray
Answer = tuple[np.ndarray, Bounds | None, dict[int, tuple[float, ...]]]
"""Values [90]; day bounds [4, 90] (lower80, upper80, lower95, upper95); total bounds by horizon, in the same order."""


@dataclass(frozen=True)
class Shop:
    """A shop's daily totals: `table` with date, revenue (minor units), quantity; `origins` are the last known days."""

    name: str
    table: pd.DataFrame
    origins: list[date]


@dataclass
class Tally:
    """Sums of one method on one measure and horizon."""

    miss: float = 0.0
    size: float = 0.0
    total_miss: float = 0.0
    total_size: float = 0.0
    origins: int = 0
    inside: list[np.ndarray] = field(default_factory=list)
    totals_inside: list[tuple[bool, bool]] = field(default_factory=list)

    def row(self) -> str:
        inside = np.concatenate(self.inside, axis=1).mean(axis=1) if self.inside else None
        totals = np.mean(self.totals_inside, axis=0) if self.totals_inside else None
        shares = [*(inside if inside is not None else (None, None)), *(totals if totals is not None else (None, None))]
        cells = [f"{100 * self.miss / self.size:.1f}%", f"{100 * self.total_miss / self.total_size:.1f}%"]
        return " | ".join(cells + ["" if share is None else f"{100 * share:.0f}%" for share in shares])


def online_retail(path: Path, origins: list[date], last: date) -> Shop:
    """The shop's net sales up to `last`, cancellations and write-offs included, as the pipeline's panel would hold them."""
    rows = read_sales_file(path, minor_digits=2)
    lines = pd.DataFrame(
        {
            "date": pd.Series(rows.sold_at).dt.normalize(),
            "revenue": subtotal_minor(rows, 2),
            "quantity": rows.quantities,
        }
    )
    table = lines.groupby("date", as_index=False)[["revenue", "quantity"]].sum()
    return Shop("Online Retail", table[table["date"] <= pd.Timestamp(last)], origins)


def sample_shop(seed: int, origins: list[date]) -> Shop:
    """A simulated shop of 1,000 days."""
    sales = sample_sales(seed, SAMPLE_END, SAMPLE_DAYS).sales
    rows = [(sale.sold_at.date(), round(item.subtotal * 100), item.quantity) for sale in sales for item in sale.items]
    table = pd.DataFrame(rows, columns=["date", "revenue", "quantity"]).groupby("date", as_index=False).sum()
    return Shop("simulated", table.assign(date=pd.to_datetime(table["date"])), origins)


def every(first: date, last: date, step: int) -> list[date]:
    """Days from first to last."""
    return [first + timedelta(days=n) for n in range(0, (last - first).days + 1, step)]


def shops(data: Path | None, *, quick: bool, tuning: bool) -> list[Shop]:
    """The shops and origins of the table (or those of the tuning)."""
    made = []
    step = 9 if quick else 3
    if data is not None:
        if tuning:
            origins = every(date(2011, 4, 20), REAL_TUNING_END - timedelta(days=7), step)
            made.append(online_retail(data, origins, REAL_TUNING_END))
        else:
            origins = every(REAL_TUNING_END, REAL_LAST_DAY - timedelta(days=7), step)
            made.append(online_retail(data, origins, REAL_LAST_DAY))
    seeds = TUNING_SEEDS if tuning else TEST_SEEDS
    first = SAMPLE_END - timedelta(days=480)
    made += [
        sample_shop(seed, every(first + timedelta(days=n), SAMPLE_END - timedelta(days=90), 117 if quick else 39))
        for n, seed in enumerate(seeds[: 1 if quick else None])
    ]
    return made


def last_week(values: np.ndarray) -> Answer:
    """The last seven days, again and again."""
    return np.tile(values[-7:], 13)[:90], None, {}


def straight_line(values: np.ndarray) -> Answer:
    """Least squares over the last 90 days: what the old service did."""
    past = values[-90:]
    slope, intercept = np.polyfit(np.arange(len(past)), past, 1)
    return np.maximum(intercept + slope * (len(past) + np.arange(90)), 0.0), None, {}


def auto_ets(values: np.ndarray) -> Answer:
    """statsforecast's AutoETS with a season of seven days, cut at zero."""
    from statsforecast.models import AutoETS

    answer = AutoETS(season_length=7).forecast(values.astype(float), h=90, level=[80, 95])
    bounds = np.stack([answer[key] for key in ("lo-80", "hi-80", "lo-95", "hi-95")])
    return np.maximum(answer["mean"], 0.0), np.maximum(bounds, 0.0), {}


def auto_ets_filled(values: np.ndarray) -> Answer:
    """AutoETS helped: closed days outside the closed weekdays take the value of the week before; closed weekdays forecast 0."""
    filled = values.astype(float).copy()
    shut = [day for day in range(7) if not (filled[day - 7 :: -7][:12] > 0).any()]
    for n in range(7, len(filled)):
        if filled[n] == 0 and (n - len(filled)) % 7 not in shut:
            filled[n] = filled[n - 7]
    point, bounds, totals = auto_ets(filled)
    closed = np.isin(np.arange(90) % 7, shut)
    return np.where(closed, 0.0, point), None if bounds is None else np.where(closed, 0.0, bounds), totals


BASELINES: dict[str, Callable[[np.ndarray], Answer]] = {
    "last week": last_week,
    "straight line": straight_line,
    "AutoETS": auto_ets,
    "AutoETS, gaps filled": auto_ets_filled,
}


def ours(forecast: SeriesForecast) -> Answer:
    """A forecast of the package in the benchmark's form."""
    day_bounds = [
        [e.interval.lower80, e.interval.upper80, e.interval.lower95, e.interval.upper95] for e in forecast.daily
    ]
    totals: dict[int, tuple[float, ...]] = {
        h.days: (h.interval.lower80, h.interval.upper80, h.interval.lower95, h.interval.upper95)
        for h in forecast.horizons
    }
    return np.array([entry.value for entry in forecast.daily], dtype=float), np.array(day_bounds, dtype=float).T, totals


def count(tally: Tally, answer: Answer, actual: np.ndarray, days: int) -> None:
    """Add one forecast's first `days` days to the sums."""
    point, bounds, totals = answer
    truth, values = actual[:days], point[:days]
    tally.origins += 1
    tally.miss += float(np.abs(truth - values).sum())
    tally.size += float(np.abs(truth).sum())
    tally.total_miss += abs(float(truth.sum() - values.sum()))
    tally.total_size += abs(float(truth.sum()))
    if bounds is not None:
        opened = truth != 0
        inside = [(truth >= bounds[2 * n, :days]) & (truth <= bounds[2 * n + 1, :days]) for n in range(2)]
        tally.inside.append(np.stack(inside)[:, opened])
    if days in totals:
        low80, high80, low95, high95 = totals[days]
        total = float(truth.sum())
        tally.totals_inside.append((low80 <= total <= high80, low95 <= total <= high95))


def run(
    shop: Shop, tallies: dict[tuple[str, str, int, str], Tally], chosen: dict[tuple[str, str], int], methods: set[str]
) -> float:
    """Add a shop's origins to the sums; answers our CPU seconds."""
    dense = shop.table.set_index("date").sort_index()
    dense = dense.reindex(pd.date_range(dense.index[0], dense.index[-1]), fill_value=0)
    spent = 0.0
    for origin in shop.origins:
        known = (dense.index <= pd.Timestamp(origin)).sum()
        begin = time.process_time()
        forecast = forecast_sales(
            DailyHistory(shop.table, EMPTY_PANEL), business_date=origin, horizons=HORIZONS, top_products=0
        )
        spent += time.process_time() - begin
        for measure, series in (("revenue", forecast.revenue), ("quantity", forecast.quantity)):
            values = dense[measure].to_numpy(dtype=float)
            answers = {name: BASELINES[name](values[:known]) for name in BASELINES if name in methods}
            answers["ours"] = ours(series)
            chosen[shop.name, series.model.value] += 1
            for days in HORIZONS:
                if known + days <= len(values):
                    for name, answer in answers.items():
                        count(tallies[shop.name, measure, days, name], answer, values[known:], days)
    return spent


def speed() -> float:
    """CPU seconds for a whole night: a shop of 800 days and 50 products."""
    rng = np.random.default_rng(5)
    days = pd.date_range(end=pd.Timestamp(SAMPLE_END), periods=800)
    pieces = rng.poisson(
        np.exp(rng.uniform(0, 4, 50))[:, None] * (1 + 0.3 * np.isin(days.day_of_week, (4, 5))), (50, len(days))
    )
    panel = pd.concat(
        pd.DataFrame({"date": days, "sku": f"P{n}", "name": "", "quantity": row, "revenue": row * 100 * (n + 1)})
        for n, row in enumerate(pieces)
    )
    sold = panel[panel["quantity"] > 0]
    history = DailyHistory(sold.groupby("date", as_index=False)[["revenue", "quantity"]].sum(), sold)
    begin = time.process_time()
    forecast = forecast_sales(history, business_date=SAMPLE_END)
    assert len(forecast.products) == 50
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.forecasting", description="Measure the forecast.")
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data/online_retail.parquet"), help="Online Retail as Parquet"
    )
    parser.add_argument("--quick", action="store_true", help="every third origin, one simulated shop")
    parser.add_argument(
        "--tuning", action="store_true", help="the origins and seeds that tuning used, instead of the others"
    )
    parser.add_argument(
        "--methods", nargs="*", choices=list(BASELINES), default=list(BASELINES), help="to compare with"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the peers' own: convergence, deprecations
    data = options.data if options.data.exists() else None
    if data is None:
        print(f"no {options.data}: the real sales are skipped")
    tallies: dict[tuple[str, str, int, str], Tally] = defaultdict(Tally)
    chosen: dict[tuple[str, str], int] = defaultdict(int)
    runs, spent = 0, 0.0
    for shop in shops(data, quick=options.quick, tuning=options.tuning):
        spent += run(shop, tallies, chosen, set(options.methods))
        runs += len(shop.origins)
    print("| shop | measure | days | origins | method | WAPE | total | in80 | in95 | T80 | T95 |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for (shop_name, measure, days, method), tally in sorted(
        tallies.items(), key=lambda item: (item[0][0], item[0][1] != "revenue", item[0][2])
    ):
        print(f"| {shop_name} | {measure} | {days} | {tally.origins} | {method} | {tally.row()} |")
    print(
        "\nchosen by ours: " + ", ".join(f"{shop_name} {model} {n}" for (shop_name, model), n in sorted(chosen.items()))
    )
    print(f"ours: {spent / runs:.2f} s CPU a shop and evening; {speed():.1f} s CPU for 800 days and 50 products")


if __name__ == "__main__":
    main()
