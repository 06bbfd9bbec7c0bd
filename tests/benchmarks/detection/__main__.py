"""`python -m tests.benchmarks.detection [--data FILE] [--quick] [--methods NAME ...]`: the table of anomaly.md, measured again.

Every method scores the same series of each panel; Prophet with one seed of the three, and ours beside it with the same one.
P/R/F1 at |z| >= 3; FA = false alarms per series per 30 days without injections; R@.5 = recall at FA 0.5.
"""

import argparse
import dataclasses
import os
import sys
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "layers" / "pipeline"))

import numpy as np

from tests.benchmarks.detection.injection import KINDS, Metrics, inject, measure
from tests.benchmarks.detection.methods import METHODS, Method, auto_ets
from tests.benchmarks.detection.panels import TEST_END, TEST_SEEDS, Panel, real_panels, simulated_panel
from tests.benchmarks.detection.speed import N_SERIES, large_panel, measure_speed

THRESHOLD = 3.0
OURS_BESIDE_PROPHET = "ours, on Prophet's seed"


def test_panels(data: Path | None, *, rows: int, days: int) -> list[Panel]:
    """The panels of the report, none of which was used for tuning."""
    panels: list[Panel] = []
    if data is not None:
        panels = real_panels(data, end=TEST_END, evaluate_last=days, scored=rows)
        panels[0] = dataclasses.replace(panels[0], evaluate_last=2 * days)
    for number, (name, mean) in enumerate(
        [("NB, mean 0.3-300", (0.3, 300.0)), ("NB, mean above 30", (30.0, 1000.0)), ("NB, mean 1-20", (1.0, 20.0))]
    ):
        panels.append(
            simulated_panel(
                name, seed=TEST_SEEDS[number], n_series=100, n_days=280, mean=mean, evaluate_last=days, scored=rows
            )
        )
    return panels


def run(method: Method, panel: Panel, seeds: tuple[int, ...]) -> tuple[Metrics, float]:
    """Metrics of a method on a panel over the seeds, and its CPU seconds per 1,000 series-days."""
    start = time.process_time()
    clean = method(panel.values, panel.dates, evaluate_last=panel.evaluate_last, rows=panel.scored)
    all_rows = int(np.isfinite(clean).any(axis=1).sum())
    cpu = (time.process_time() - start) / max(all_rows * panel.evaluate_last, 1) * 1000
    copies = [seed * 10 + i for seed in seeds for i in range(4)] if len(panel.values) <= 3 else list(seeds)
    scored = []
    for copy in copies:
        values, events = inject(panel, seed=copy)
        scored.append((method(values, panel.dates, evaluate_last=panel.evaluate_last, rows=panel.scored), events))
    return measure(clean, scored, threshold=THRESHOLD, scored_rows=panel.scored), cpu


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.detection", description="Measure the anomaly detection."
    )
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data/online_retail.parquet"), help="Online Retail as Parquet"
    )
    parser.add_argument("--quick", action="store_true", help="one seed, 8 series, without Prophet and IsolationForest")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--rows", type=int, default=16, help="series scored in each panel")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the peers' own: convergence, deprecations
    data = options.data if options.data.exists() else None
    if data is None:
        print(f"no {options.data}: the panels of real sales are skipped")
    rows, days = (8, 21) if options.quick else (options.rows, 35)
    seeds = TEST_SEEDS[:1] if options.quick else TEST_SEEDS
    names = [n for n in options.methods if not (options.quick and n in {"Prophet", "IsolationForest"})]
    if "Prophet" in names and find_spec("prophet") is None:
        print("Prophet is not installed (pip install prophet, for this alone): left out")
        names.remove("Prophet")
    if "Prophet" in names:
        names.append(OURS_BESIDE_PROPHET)
    print("| panel | method | series | P | R | F1 | FA | R@.5 | CPU s / 1,000 | recall of " + ", ".join(KINDS) + " |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for panel in test_panels(data, rows=rows, days=days):
        for name in names:
            few = name in {"Prophet", OURS_BESIDE_PROPHET}
            m, cpu = run(METHODS["ours" if name == OURS_BESIDE_PROPHET else name], panel, seeds[:1] if few else seeds)
            kinds = " ".join(f"{m.by_kind[k]:.2f}" for k in KINDS)
            print(
                f"| {panel.name} | {name} | {len(panel.scored)} | {m.precision:.2f} | {m.recall:.2f} | {m.f1:.2f} | {m.false_alarms:.2f} "
                f"| {m.recall_half:.2f} | {cpu:.3f} | {kinds} |",
                flush=True,
            )
    speed = measure_speed()
    print(f"\n{N_SERIES:,} SKUs x 182 days, one day: {speed.cpu_s:.2f} s CPU, peak {speed.peak_mb:.0f} MB")
    if "AutoETS" in names:
        values, dates = large_panel()
        sample = np.arange(0, N_SERIES, N_SERIES // 40)
        auto_ets(values[:, :-1], dates[:-1], evaluate_last=1, rows=sample[:1])
        start = time.process_time()
        auto_ets(values, dates, evaluate_last=1, rows=sample)
        ets = (time.process_time() - start) / len(sample) * N_SERIES
        print(f"AutoETS for the same (from {len(sample)} of them): {ets:.0f} s CPU, {ets / speed.cpu_s:.0f} times ours")
    print(f"90-day z-score: {speed.z_score_cpu_s:.3f} s CPU, ours is {speed.cpu_s / speed.z_score_cpu_s:.0f} times it")


if __name__ == "__main__":
    main()
