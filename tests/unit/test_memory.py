"""Memory goes back to the system once it is not used any more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_PIECES = """
from pathlib import Path
from salesflow.memory import give_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

held = [bytearray(60_000) for _ in range(2_000)]
held = held[::20]  # what is freed lies between what is still used
before = resident()
give_back()
print(before - resident(), len(held))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="counts resident memory as Linux does")
def test_what_was_freed_between_what_is_used_goes_back() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "layers" / "pipeline")}
    done = subprocess.run([sys.executable, "-c", _PIECES], env=environment, capture_output=True, text=True, check=True)
    given_back, held = map(int, done.stdout.split())
    assert held == 100
    assert given_back > 60_000_000
