"""The local cloud of this machine, as the desk knows it: by the file that it leaves (local/state.py), and by its own program.

`python -m local` is a program beside this one. `demo` and `up` are handed over to it; what only it can tell (a file of sales, the due times
of a template that is not deployed) it answers as JSON.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ops.complaints import ExitCode, Failed, Unreachable

PLACE = "SALESFLOW_LOCAL_CLOUD"
"""The environment variable that names another file."""
REPOSITORY = Path(__file__).resolve().parents[1]
USUAL_PLACE = REPOSITORY / "out" / "local-cloud.json"
ANSWER_SECONDS = 5.0
START = "Start one with `salesflow-ops up` and leave it running."


class RunningCloud(NamedTuple):
    """Where a running local cloud answers, what is deployed there, and the keys that it takes."""

    endpoint_url: str
    region: str
    stack: str
    access_keys: Mapping[str, str]


def running_cloud() -> RunningCloud:
    """The local cloud that runs now. Raises Unreachable where there is none, or where its file is of one that ended."""
    place = Path(os.environ.get(PLACE) or USUAL_PLACE)
    try:
        kept = json.loads(place.read_text())
        found = RunningCloud(*(kept[name] for name in ("endpoint_url", "region", "stack", "access_keys")))
        since = f"process {kept['pid']}, started {kept['since'][:16]}"
    except FileNotFoundError:
        raise Unreachable("No local cloud is running.", action=START) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Unreachable(
            f"{place} cannot be read as what `up` writes: {error}.", action=f"Remove it. {START}"
        ) from None
    if not _answers(found.endpoint_url):
        raise Unreachable(
            f"The local cloud of {place} has ended: nothing answers at {found.endpoint_url} ({since}).", action=START
        )
    return found


def hand_over(command: str, words: Sequence[str]) -> None:
    """Let `python -m local COMMAND WORDS` take this process over; it ends with its status (SystemExit)."""
    sys.argv = ["salesflow-ops", command, *words]
    runpy.run_module("local", run_name="__main__")


def told(*words: str) -> Any:
    """What `python -m local WORDS` answers, as JSON. Raises Failed with its own words, and its status, where it cannot."""
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "local", *words]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode:
        failure = Failed(done.stderr.strip() or f"`python -m local` ended with {done.returncode}.", action="")
        failure.code = ExitCode.MISUSED if done.returncode == ExitCode.MISUSED else ExitCode.FAILED
        raise failure
    return json.loads(done.stdout)


def _answers(endpoint_url: str) -> bool:
    """Whether a local cloud, and not something else on its port, answers there."""
    import urllib3

    url = f"{endpoint_url}/_local/warnings"
    try:
        answer = urllib3.PoolManager(retries=False).request("GET", url, timeout=ANSWER_SECONDS)
        return answer.status == 200 and isinstance(answer.json(), list)
    except (urllib3.exceptions.HTTPError, ValueError):
        return False
