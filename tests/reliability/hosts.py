"""The process that all containers are forked from: started by whoever comes first, shared with whoever names its folder, ended with the last.

Before it forks it has loaded what each of thousands would load (`warmth`), which takes seconds.
"""

import atexit
import contextlib
import fcntl
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.stand_ins.gateway import HarnessError

ROOT = Path(__file__).resolve().parents[2]
SHARED_HOST = "RELIABILITY_CONTAINER_HOST"
"""The variable of the environment that names the folder of the host to use, where one runs for several processes."""

LISTENING, HOLDING = "host.sock", "held.sock"
"""The sockets of a host: each connection to the one starts a container; the host runs as long as somebody is connected to the other."""
HELD = b"held"

PATIENCE = 600.0
"""Real seconds after which a process that neither answers nor dies is a fault of the harness."""


@functools.cache
def host() -> Path:
    """The socket of a host that runs at least as long as this process."""
    named = os.environ.get(SHARED_HOST)
    folder = Path(named or tempfile.mkdtemp(prefix="reliability-host-"))
    if not named:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        let_go = _hold(folder) or _start(folder)
    atexit.register(let_go)
    return folder / LISTENING


def _hold(folder: Path) -> Callable[[], object] | None:
    """Hold the host that runs, if one does; what lets it go."""
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(PATIENCE)
    with contextlib.suppress(OSError):  # there is none, or it ends in this moment
        stream.connect(str(folder / HOLDING))
        if stream.recv(len(HELD)):
            return stream.close
    stream.close()
    return None


def _start(folder: Path) -> Callable[[], object]:
    """Hold a new host; what lets it go."""
    paths = [str(ROOT / "layers" / "pipeline"), str(ROOT / "layers"), str(ROOT)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST"))}
    environment |= {
        "PYTHONPATH": os.pathsep.join(paths),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "POWERTOOLS_SERVICE_NAME": "salesflow",
        "POWERTOOLS_METRICS_NAMESPACE": "SalesFlow",
        "TZ": "UTC",
        "AWS_DEFAULT_REGION": "eu-west-1",  # of the host's own clients; each container is told its own settings
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    for name in (LISTENING, HOLDING):
        (folder / name).unlink(missing_ok=True)
    command = [sys.executable, "-u", "-W", "ignore::DeprecationWarning", "-m", "tests.reliability.containers"]
    process = subprocess.Popen([*command, str(folder)], cwd=ROOT, env=environment, stdin=subprocess.PIPE)
    patience = time.monotonic() + PATIENCE
    while not (folder / HOLDING).exists():
        if process.poll() is not None or time.monotonic() > patience:
            raise HarnessError("The container host did not start.")
        time.sleep(0.02)
    return lambda: process.stdin and process.stdin.close()
