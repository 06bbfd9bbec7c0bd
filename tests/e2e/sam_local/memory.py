"""How much memory a function takes in its container, while it works.

SAM's own "Max Memory Used" is the limit, whatever was used. The kernel keeps what each process had at most; the container's processes are
this machine's too, unless the engine runs in a virtual machine: then nothing is known, and 0 is shown.
"""

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import docker
from docker.errors import NotFound

from tests.e2e.sam_local.engine import OF_SAM

PROC = Path("/proc")
LOOK_SECONDS = 0.1
FORGET_PEAK = "5"  # proc(5), clear_refs


@dataclass
class Watch:
    """Looks at the container of a function, often, in a thread of its own. `but` are containers of no interest."""

    client: docker.DockerClient
    function: str
    but: frozenset[str] = frozenset()
    peak_bytes: int = 0
    limit_bytes: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _pid: int = 0

    def __enter__(self) -> Self:
        self._find()
        for pid in _family(self._pid):
            with suppress(OSError):
                (PROC / str(pid) / "clear_refs").write_text(FORGET_PEAK)
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        while True:
            if not self._pid:
                self._find()
            self.peak_bytes = max(self.peak_bytes, *(_peak(pid) for pid in _family(self._pid)), 0)
            if self._over.wait(LOOK_SECONDS):
                return

    def _find(self) -> None:
        for container in set(containers(self.client)) - self.but:
            with suppress(NotFound):
                found: dict[str, Any] = self.client.api.inspect_container(container)
                if f"AWS_LAMBDA_FUNCTION_NAME={self.function}" in found["Config"]["Env"]:
                    self._pid = found["State"]["Pid"]
                    self.limit_bytes = found["HostConfig"]["Memory"]


def containers(client: docker.DockerClient) -> frozenset[str]:
    """The containers that SAM runs functions in now."""
    return frozenset(found["Id"] for found in client.api.containers() if found["Image"].startswith(OF_SAM))


def _family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    if not pid:
        return
    yield pid
    with suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _peak(pid: int) -> int:
    """The most memory that was resident in a process."""
    with suppress(OSError):
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
