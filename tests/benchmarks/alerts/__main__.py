"""`python -m tests.benchmarks.alerts [--seeds 101 102] [--budgets 1 4 10] [--kinds WORD ...] [--read]`."""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "layers" / "pipeline"))

from tests.benchmarks.alerts.replay import first_and_last, marks, tables_of, tellings
from tests.benchmarks.alerts.shops import DAYS, KINDS, day_of, make


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102])
    parser.add_argument("--budgets", type=float, nargs="+", default=[1, 4, 10])
    parser.add_argument("--kinds", nargs="+", default=[""])
    parser.add_argument("--read", action="store_true", help="print what was told")
    said = parser.parse_args()
    first, last = first_and_last(DAYS)
    days = (last - first).days + 1
    for kind in KINDS:
        if not any(word in kind.name for word in said.kinds):
            continue
        for seed in said.seeds:
            shop = make(kind, seed)
            tables = tables_of(shop.lines)
            for budget in said.budgets:
                began = time.process_time()
                told = tellings(tables, first, last, budget, shop.stock)
                m = marks(shop, told, days)
                row = (
                    f"{kind.name:26} {seed} {budget:4g}: products {m.a_month:4.1f}, shop {m.of_shop:4.1f} a month; "
                    f"true {m.true}/{m.openings}; told {m.told}/{m.planted}, in time {m.in_time}; "
                    f"ends {m.ends}, untrue {m.untrue_ends}; mails {m.mails:.1f}; missed {', '.join(m.missed) or '-'}; "
                )
                print(row + f"{time.process_time() - began:.0f} s", flush=True)
                if said.read:
                    for p in shop.planted:
                        print(f"    planted {p.what} {day_of(p.first)} to {day_of(p.last)} {sorted(p.skus)}")
                    for t in told:
                        print(f"    {day_of(t.day)} {t.text}")


if __name__ == "__main__":
    main()
