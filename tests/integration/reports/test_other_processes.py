"""What another process makes of the same inputs: the same object on S3, whatever container wrote it."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from salesflow.formats import Format
from salesflow.reports import render
from tests.unit.reports.samples import all_samples

ROOT = Path(__file__).parents[3]

PRINT_HASHES = """
import hashlib
from salesflow.formats import Format
from salesflow.reports import render
from tests.unit.reports.samples import all_samples, rendered
for fmt in Format:
    print(fmt, hashlib.sha256(render(all_samples()["combined-weekly-40-scripts"], fmt)).hexdigest())
"""


def test_processes_with_other_hash_seeds_and_zones_write_the_same_bytes() -> None:
    outputs = []
    for seed, zone in (("1", "UTC"), ("2", "America/New_York")):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "TZ": zone,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/pipeline'}",
        }
        done = subprocess.run(
            [sys.executable, "-c", PRINT_HASHES], env=environment, capture_output=True, text=True, check=True
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].count("\n") == len(Format)
    here = hashlib.sha256(render(all_samples()["combined-weekly-40-scripts"], Format.PDF)).hexdigest()
    assert here in outputs[0]
