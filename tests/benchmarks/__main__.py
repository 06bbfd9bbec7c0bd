"""Every measurement, one after the other: `make bench`, or `python -m tests.benchmarks [--data FILE]`.

The ones that need what is not here (built layers, real sales, Chromium) say so and are left out.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.measuring import REAL_SALES, ROOT


def main(data: Path) -> None:
    """Run each benchmark in a process of its own, so that none warms or fattens another."""
    real = ["--data", str(data)]
    benchmarks = [
        ("pipeline", real, data.exists(), f"no real sales at {data}"),
        ("reports", [], True, ""),
        ("many_lines", ["50000"], True, ""),
        ("desk", [], True, ""),
        ("fleet", ["wave", "machine"], True, ""),
        ("cold_start", [], (ROOT / ".aws-sam" / "build" / "template.yaml").exists(), "no built layers: make build"),
        ("forecasting", [*real, "--quick"], data.exists(), f"no real sales at {data}"),
        ("detection", [*real, "--quick"], data.exists(), f"no real sales at {data}"),
        ("detection.mix", real, data.exists(), f"no real sales at {data}"),
        ("detection.calibration", ["--days", "120", "--products", "80"], True, ""),
    ]
    for name, arguments, possible, why_not in benchmarks:
        print(f"\n=== {name}", flush=True)
        if not possible:
            print(f"left out: {why_not}")
            continue
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}", *arguments], check=True, cwd=ROOT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=REAL_SALES)
    main(parser.parse_args().data)
