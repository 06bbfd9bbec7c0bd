"""`python -m tests.benchmarks.alerts [--seeds 101 102] [--budgets 1 4 10] [--kinds WORD ...] [--methods NAME ...] [--medium] [--read]`."""

import argparse
import os
import sys
import time
import warnings
from functools import reduce
from operator import add
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "layers" / "pipeline"))

from salesflow.detection import Policy
from salesflow.findings.event import Severity
from tests.benchmarks.alerts.competitors import COMPETITORS, scored
from tests.benchmarks.alerts.replay import Marks, Telling, first_and_last, marks, tables_of, tellings
from tests.benchmarks.alerts.shops import DAYS, KINDS, Shop, day_of, make

HEAD = "| shop | method | budget | of products, shop, mails a month | true | told | in time | days late, median | ends, untrue | missed, late |"


def main() -> None:
    """Print the table: each kind of shop, its seeds together; the competitors tell as often as ours does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102])
    parser.add_argument("--budgets", type=float, nargs="+", default=[1, 4, 10])
    parser.add_argument("--kinds", nargs="+", default=[""])
    parser.add_argument("--methods", nargs="*", choices=list(COMPETITORS), default=list(COMPETITORS))
    parser.add_argument("--medium", action="store_true", help="mail medium findings too")
    parser.add_argument("--read", action="store_true", help="print what was told")
    said = parser.parse_args()
    warnings.simplefilter("ignore")  # the peers' own: convergence, deprecations
    first, last = first_and_last(DAYS)
    days = (last - first).days + 1
    least = Severity.MEDIUM if said.medium else Severity.HIGH
    policies = [Policy(alerts_per_month=budget, alert_severity=least) for budget in said.budgets]
    print(HEAD, "|" + "---|" * (HEAD.count("|") - 1), sep="\n")
    total: dict[tuple[str, float], list[Marks]] = {}
    for kind in KINDS:
        if not any(word in kind.name for word in said.kinds):
            continue
        found: dict[tuple[str, float], list[Marks]] = {}
        for seed in said.seeds:
            shop = make(kind, seed)
            others = {name: scored(shop, COMPETITORS[name], days) for name in said.methods}
            for budget, told in zip(
                said.budgets, tellings(tables_of(shop.lines), first, last, policies, shop.stock), strict=True
            ):
                ours = marks(shop, told, days)
                found.setdefault(("ours", budget), []).append(ours)
                for name, other in others.items():
                    found.setdefault((name, budget), []).append(other.marks(ours.openings))
                if said.read:
                    _read(shop, told)
        for at, of_seeds in found.items():
            print(_row(kind.name, *at, reduce(add, of_seeds)), flush=True)
            total.setdefault(at, []).extend(of_seeds)
    for at, of_shops in total.items():
        print(_row("all", *at, reduce(add, of_shops)))
    print(f"{time.process_time():.0f} s of processor time")


def _row(shop: str, method: str, budget: float, m: Marks) -> str:
    rates = ", ".join(f"{m.a_month(number):.1f}" for number in (m.of_products, m.of_shop, m.mails))
    missed = ", ".join(f"{what} {m.missed.count(what)}" for what in sorted(set(m.missed))) if shop != "all" else ""
    return (
        f"| {shop} | {method} | {budget:g} | {rates} | {m.true}/{m.openings} | {m.told}/{m.planted} | {m.in_time} "
        f"| {median(m.delays or (0,)):g} | {m.ends}, {m.untrue_ends} | {missed} |"
    )


def _read(shop: Shop, told: list[Telling]) -> None:
    for p in shop.planted:
        print(f"    planted {p.what} {day_of(p.first)} to {day_of(p.last)} {sorted(p.skus)}")
    for t in told:
        print(f"    {day_of(t.day)} {t.text}")


if __name__ == "__main__":
    main()
