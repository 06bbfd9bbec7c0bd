"""A function whose work is not on tables loads none of what makes them: it is most of a cold start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PIPELINE = Path(__file__).parents[2] / "layers" / "pipeline"


@pytest.mark.parametrize("job", ["watchdog", "mail_events", "links"])
def test_who_reads_no_tables_loads_neither_numpy_nor_pandas(job: str) -> None:
    program = f"import salesflow.jobs.{job}, sys; print(*{{'numpy', 'pandas'}} & {{*sys.modules}})"
    environment = {**os.environ, "PYTHONPATH": str(PIPELINE)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
