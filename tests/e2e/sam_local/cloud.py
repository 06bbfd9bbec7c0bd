"""The local cloud as an operator keeps it for `sam local`: `python -m ops up --host 0.0.0.0`, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.state import PLACE, LocalState
from ops.local_cloud import RunningCloud as Found
from ops.target import Stack, local_stack
from tests.e2e.layers.built_stack import ROOT

LAST_LINE = "Ctrl+C ends it"


@dataclass(frozen=True)
class RunningCloud:
    """`env_vars` is the file that it wrote for SAM, `endpoint_url` where it answers; `stack` talks to what is deployed in it."""

    env_vars: Path
    endpoint_url: str
    stack: Stack


@contextmanager
def running_cloud(folder: Path, variables: Mapping[str, str]) -> Iterator[RunningCloud]:
    """Keep a cloud running for the block; `folder` takes its files, `variables` say which Docker engine is asked for its bridge."""
    state, env_vars = folder / "local-cloud.json", folder / "env-vars.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", "up", "--host", "0.0.0.0", "--no-fire", "--no-fill", "--env-vars", env_vars],
        cwd=ROOT,
        env={**os.environ, **variables, PLACE: str(state)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if LAST_LINE in line:
                break
        else:
            raise AssertionError(f"ops up ended with status {process.wait()} after saying {''.join(told)!r}")
        kept = LocalState.read(state)
        assert kept is not None
        found = Found(kept.endpoint_url, kept.region, kept.stack, kept.access_keys)
        yield RunningCloud(env_vars, found.endpoint_url, local_stack(found))
    finally:
        process.terminate()
        process.wait(30)
