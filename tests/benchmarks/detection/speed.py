"""Speed and memory of scoring one day of a large shop, measured in a process of its own: `python -m tests.benchmarks.detection.speed`."""

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

N_SERIES, N_DAYS = 10_000, 182


@dataclass(frozen=True)
class Speed:
    """CPU seconds for one day of all series, peak resident MB of the process, and the z-score's CPU seconds for the same."""

    cpu_s: float
    peak_mb: float
    z_score_cpu_s: float


def large_panel() -> tuple[np.ndarray, np.ndarray]:
    """10,000 SKUs x 182 days of negative-binomial sales, means 0.1 to 200."""
    rng = np.random.default_rng(11)
    mean = np.exp(rng.uniform(np.log(0.1), np.log(200), (N_SERIES, 1)))
    values = rng.negative_binomial(5, 5 / (5 + mean), (N_SERIES, N_DAYS)).astype(float)
    return values, np.datetime64("2025-01-01") + np.arange(N_DAYS)


def measure_speed() -> Speed:
    """Run this module in a fresh process on one core and read what it measured."""
    root = Path(__file__).resolve().parents[3]
    environment = {
        "PYTHONPATH": f"{root / 'layers' / 'pipeline'}:{root}",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.detection.speed"],
        env=environment,
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return Speed(**json.loads(answer.stdout))


def _main() -> None:
    from salesflow.detection import score_panel
    from tests.benchmarks.detection.methods import z_score_90

    values, dates = large_panel()
    start = time.process_time()
    score_panel(values, dates, evaluate_last=1)
    ours = time.process_time() - start
    start = time.process_time()
    z_score_90(values, dates, evaluate_last=1, rows=np.arange(N_SERIES))
    z = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"cpu_s": ours, "peak_mb": peak, "z_score_cpu_s": z}))


if __name__ == "__main__":
    _main()
