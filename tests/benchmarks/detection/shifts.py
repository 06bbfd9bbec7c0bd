"""`python -m tests.benchmarks.detection.shifts`: how many downward shifts on low counts are found, and how many could be.

Each series of a simulated panel sells 20 to 50% of its mean for four to six days, drawn anew from that mean. A shift is found when one of
its days is flagged; thresholds give 0.5 flagged days a series and month where nothing happens. Beside ours: a likelihood ratio test of the
sold against the true mean and the true dispersion, which nobody has: no detector of single days, or of the last days together, can do
better (Neyman and Pearson 1933), but for knowing when a shift begins.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "layers" / "pipeline"))

import numpy as np

from salesflow.detection import score_panel
from tests.benchmarks.detection.injection import FACTORS, threshold_at
from tests.benchmarks.detection.panels import simulated_truth

SEEDS, SERIES, DAYS, LAST = (501, 502, 503), 200, 280, 35
MEANS = ((1.0, 3.0), (3.0, 8.0), (8.0, 20.0), (30.0, 1000.0))
FALSE_ALARMS = 0.5
LONGEST = 6
TESTED = 0.35
"""What the likelihood ratio test takes for the factor of a shift: the middle of what there is."""


def together(scores: np.ndarray) -> np.ndarray:
    """The largest sum over the last 1 to 6 days, [n_series, n_days]."""
    best = scores.copy()
    total = scores.copy()
    for days in range(2, LONGEST + 1):
        total = total[:, 1:] + scores[:, : scores.shape[1] - days + 1]
        best[:, days - 1 :] = np.maximum(best[:, days - 1 :], total)
    return best


def log_ratio(values: np.ndarray, mu: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Logarithm of how much likelier the values are at 35% of the mean, under the negative binomial that they were drawn from."""

    def log_p(mean: np.ndarray) -> np.ndarray:
        return values * np.log(mean / (mean + size)) - size * np.log1p(mean / size)

    return log_p(TESTED * mu) - log_p(mu)


def low(values: np.ndarray, dates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Our z of the last days, positive where little was sold: of each day, and the larger of it and of up to six days together."""
    scored = score_panel(values, dates, evaluate_last=LAST)
    day = -np.nan_to_num(scored.scores)
    return day, np.maximum(day, -np.nan_to_num(scored.low))


def main() -> None:
    """Print the table."""
    columns = "both sides, one day | both sides, low up to six days | low, one day | low, up to six days"
    print(f"| mean | ours: {columns} | truth, one day | truth, up to six days |")
    print("|---|---|---|---|---|---|---|")
    for mean in MEANS:
        found: list[list[float]] = []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            dates, mu, size = simulated_truth(rng, SERIES, DAYS, mean)
            clean = rng.negative_binomial(size, size / (size + mu)).astype(float)
            shifted, inside = clean.copy(), np.zeros((SERIES, LAST), dtype=bool)
            for row in range(SERIES):
                first, days = int(rng.integers(LONGEST, LAST - LONGEST)), int(rng.integers(4, 7))
                at = slice(DAYS - LAST + first, DAYS - LAST + first + days)
                less = rng.uniform(*FACTORS["shift_down"]) * mu[row, at]
                shifted[row, at] = rng.negative_binomial(size[row], size[row] / (size[row] + less))
                inside[row, first : first + days] = True
            ours = [low(values, dates) for values in (clean, shifted)]
            truth = [log_ratio(values, mu, size)[:, -LAST:] for values in (clean, shifted)]
            pairs = (
                [np.abs(day) for day, _ in ours],
                [np.maximum(np.abs(day), days) for day, days in ours],
                [np.maximum(day, 0) for day, _ in ours],
                [np.maximum(days, 0) for _, days in ours],
                [np.maximum(r, 0) for r in truth],
                [np.maximum(together(r), 0) for r in truth],
            )
            found.append([_recall(clean_scores, shifted_scores, inside) for clean_scores, shifted_scores in pairs])
        print(
            f"| {mean[0]:g}-{mean[1]:g} | " + " | ".join(f"{r:.2f}" for r in np.mean(found, axis=0)) + " |", flush=True
        )


def _recall(clean: np.ndarray, shifted: np.ndarray, inside: np.ndarray) -> float:
    least = threshold_at(clean, FALSE_ALARMS)
    return float(((shifted > least) & inside).any(axis=1).mean())


if __name__ == "__main__":
    main()
