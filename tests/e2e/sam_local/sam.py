"""Functions run by the SAM CLI, each in a Lambda container: one at a time with `sam local invoke`, or kept warm by `sam local start-lambda`.

SAM exits with 0 also when a function failed: what it prints is read.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import urllib3

from tests.e2e.layers.built_stack import ROOT, BuiltStack
from tests.e2e.sam_local.engine import Engine
from tests.e2e.sam_local.memory import Watch, containers

SAM = Path(sys.executable).with_name("sam")
PATIENCE = 600
NO_CREDENTIALS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""With credentials of this machine SAM would ask AWS whose they are, and hand them to the functions."""


@dataclass(frozen=True)
class Answer:
    """What one event came to. `seconds` are the function's own, as the runtime emulator reports them; `peak_bytes` the most that its process had."""

    function: str
    event: str
    payload: Any
    seconds: float
    cold: bool
    peak_bytes: int
    limit_bytes: int

    @property
    def status(self) -> str:
        """The job's status, or the name of the error that it failed with."""
        return str(self.payload.get("status") or self.payload.get("errorType") or "")


@dataclass(frozen=True)
class SamLocal:
    """The SAM CLI on what `sam build` made, with the environment that `ops up` wrote for it."""

    engine: Engine
    env_vars: Path
    region: str
    folder: Path

    def _command(self, *words: str | Path) -> list[str | Path]:
        return [
            *(SAM, "local", *words),
            *("--template", BuiltStack("x86_64").folder / "template.yaml"),
            *("--env-vars", self.env_vars),
            *("--region", self.region),
            *("--layer-cache-basedir", self.folder),
            *(() if self.engine.pulls else ("--skip-pull-image",)),
        ]

    def _environment(self) -> dict[str, str]:
        usual = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**usual, **NO_CREDENTIALS, **self.engine.variables, "SAM_CLI_TELEMETRY": "0"}

    def invoke(self, function: str, event: Path) -> Answer:
        """`sam local invoke FUNCTION --event FILE`, in a container that is gone afterwards."""
        client = self.engine.client
        with Watch(client, function, but=containers(client)) as watch:
            done = subprocess.run(
                self._command("invoke", function, "--event", event),
                cwd=ROOT,
                env=self._environment(),
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        printed = done.stdout.strip().splitlines()
        assert printed, f"{function} answered nothing: {done.stderr}"
        seconds, cold = _reports(done.stderr)[-1]
        payload = json.loads(printed[-1])
        return Answer(function, event.name, payload, seconds, cold, watch.peak_bytes, watch.limit_bytes)

    @contextmanager
    def start_lambda(self) -> Iterator[WarmFunctions]:
        """`sam local start-lambda`: every function in a container that stays, from its first event until the block ends.

        Not `EAGER`: its threads can each make a set of containers of their own, and SAM then starts a second one of a function.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = self.folder / "start-lambda.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self._command("start-lambda", "--warm-containers", "LAZY", "--no-watch", "--port", str(port)),
                cwd=ROOT,
                env=self._environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until(lambda: b"Press CTRL+C" in log.read_bytes(), process, log)
            yield WarmFunctions(self.engine, f"http://127.0.0.1:{port}", log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@dataclass(frozen=True)
class WarmFunctions:
    """Lambda's API as `sam local start-lambda` serves it; `log` is what it printed, the functions' own lines among it."""

    engine: Engine
    url: str
    log: Path

    def invoke(self, function: str, event: Any, *, name: str) -> Answer:
        """Call a function as an SDK would. `name` is what the event is called in the table."""
        reported = len(_reports(self.log.read_text(errors="replace")))
        with Watch(self.engine.client, function) as watch:
            answer = urllib3.request(
                "POST",
                f"{self.url}/2015-03-31/functions/{function}/invocations",
                json=event,
                timeout=PATIENCE,
                retries=False,
            )
        assert answer.status == 200, answer.data
        seconds, cold = self._report_after(reported)
        return Answer(function, name, answer.json(), seconds, cold, watch.peak_bytes, watch.limit_bytes)

    def _report_after(self, reported: int) -> tuple[float, bool]:
        """The line that ends an invocation is printed a moment after its answer."""
        end = monotonic() + 10
        while len(found := _reports(self.log.read_text(errors="replace"))) <= reported and monotonic() < end:
            sleep(0.02)
        assert len(found) > reported, "SAM has printed no REPORT line"
        return found[-1]


def _reports(printed: str) -> list[tuple[float, bool]]:
    """Seconds of each invocation, and whether it had to start its function first, from the lines with which a Lambda log ends each."""
    found = re.findall(r"^REPORT RequestId: \S+\s(.*)", printed, flags=re.MULTILINE)
    times = [re.search(r"(?<!Init )(?<!Billed )Duration: ([\d.]+) ms", line) for line in found]
    return [(float(time[1]) / 1000, "Init Duration" in line) for time, line in zip(times, found, strict=True) if time]


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    end = monotonic() + PATIENCE
    while not ready():
        assert process.poll() is None, f"SAM ended: {log.read_text(errors='replace')}"
        assert monotonic() < end, f"SAM is not ready after {PATIENCE} s: {log.read_text(errors='replace')}"
        sleep(0.2)
