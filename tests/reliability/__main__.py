"""Run the experiments and print the table: `python -m tests.reliability [--quick | --wide] [--only SECTION,SECTION]`.

Exits with 1 if anything was lost, doubled or silent.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.reliability.experiments import Experiment, experiments, run
from tests.reliability.hosts import SHARED_HOST, host
from tests.reliability.table import Row, as_document, as_markdown, printed

SECTIONS = (
    "sweep",
    "faults",
    "fuzz",
    "soak",
    "alerts",
    "field",
    "walks",
    "clicks",
    "settings",
    "night",
    "shops",
    "proofs",
)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few points, faults, cases and days of each kind")
    parser.add_argument(
        "--wide", action="store_true", help="also the reports and first runs that differ little from others"
    )
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections: " + ", ".join(SECTIONS))
    parser.add_argument("--named", default="", help="only experiments whose name holds this text")
    parser.add_argument("--seed", type=int, default=1, help="of the fuzzing and of the year's troubles")
    parser.add_argument("--write", type=Path, help="also write what came of it to this file, as .json and as .md")
    parser.add_argument(
        "--jobs", type=int, default=max(2, (os.cpu_count() or 2) * 3 // 2), help="experiments at the same time"
    )
    chosen = parser.parse_args()
    sections = chosen.only.split(",")
    if unknown := set(sections) - set(SECTIONS):
        parser.error(f"no section is called {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    wanted = [
        each
        for each in experiments(quick=chosen.quick, wide=chosen.wide, seed=chosen.seed)
        if each.section in sections and chosen.named in each.name
    ]
    began = time.perf_counter()
    rows = _run_all(wanted, chosen.jobs)
    seconds = time.perf_counter() - began
    sys.stdout.write("\n" + printed(rows, seconds=seconds) + "\n")
    if chosen.write:
        chosen.write.with_suffix(".json").write_text(json.dumps(as_document(rows, seconds=seconds), indent=1))
        chosen.write.with_suffix(".md").write_text(as_markdown(rows, seconds=seconds))
    return int(any(row.findings for row in rows))


def _run_all(wanted: list[Experiment], jobs: int) -> list[Row]:
    """Every experiment in a process of its own, so many at a time; in the order in which they were given."""
    rows: dict[str, Row] = {}
    os.environ[SHARED_HOST] = str(host().parent)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.reliability.experiments"])
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        waiting = {pool.submit(run, each): each for each in wanted}
        for done in as_completed(waiting):
            row = done.result()
            rows[row.name] = row
            sys.stdout.write(f"{row.name}: {row.seconds:.0f} s, {len(row.findings)} findings\n")
            sys.stdout.writelines(f"  {str(finding)[:600]}\n" for finding in row.findings)
            sys.stdout.flush()
    return [rows[each.name] for each in wanted]


if __name__ == "__main__":
    sys.exit(main())
