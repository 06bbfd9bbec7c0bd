"""Containers that can be killed: processes that run a function's own handler, forked from one that has the modules loaded.

A real container takes a second or two to start; thousands of them are needed here. What is forked is what Lambda starts:
a process without clients, settings or threads, which then loads `functions/<job>/app.py` in its own environment.
"""

import contextlib
import gc
import importlib.util
import json
import os
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.reliability.hosts import HELD, HOLDING, LISTENING, PATIENCE, ROOT, host
from tests.reliability.warmth import warm_up
from tests.stand_ins.clocks import SharedClock, TimeOfProcess
from tests.stand_ins.gateway import HarnessError
from tests.stand_ins.lambda_context import Context

COMMAND_LINE = "command line"
"""The operator's, on a machine of its own, as a function among the others."""
LAMBDA_SECONDS = 300.0
"""The functions' time-out in template.yaml."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a handler raised: the class, all classes that it derives from, its text, and the whole traceback as text."""

    kind: str
    bases: tuple[str, ...]
    message: str
    trace: str

    @property
    def is_named(self) -> bool:
        """Whether it is one of the system's own errors, which say what to do."""
        return "SalesFlowError" in self.bases


@dataclass(frozen=True, slots=True)
class Result:
    """How one invocation ended: with an answer, with a failure, or (neither) with the process killed."""

    answer: dict[str, Any] | None
    failure: Failure | None
    resident_bytes: int = 0

    @property
    def killed(self) -> bool:
        """Whether the process was gone before it could answer."""
        return self.answer is None and self.failure is None

    def __str__(self) -> str:
        if self.answer is not None:
            said = self.answer
            return f"{said['status']} ({said['reason']})" if "status" in said else str(said)
        return "killed" if self.failure is None else f"{self.failure.kind}: {self.failure.message}"


@dataclass
class Container:
    """One process of one function. Warm containers take several invocations, one after another."""

    pid: int
    log: Path
    clock: SharedClock
    _stream: socket.socket
    _unread: bytes = b""

    def begin(self, event: object, request_id: str, *, seconds: float = LAMBDA_SECONDS) -> datetime:
        """Start an invocation; answers the moment (of the clock) at which Lambda would end it."""
        ends = self.clock() + timedelta(seconds=seconds)
        _send(self._stream, {"event": event, "request_id": request_id, "ends": ends.isoformat()})
        return ends

    def end(self, ends: datetime) -> Result:
        """Wait for the answer of the invocation that `begin` started, and end the process when its time is over."""
        patience = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._receive(0.05)
            except TimeoutError:
                if self.clock() >= ends:
                    self.kill()
                elif time.monotonic() > patience:
                    raise HarnessError(
                        f"Container {self.pid} neither answers nor ends; its log is {self.log}."
                    ) from None
                continue
            if answer is None:
                return Result(None, None)
            failure = answer.get("failure")
            return Result(answer.get("answer"), Failure(**failure) if failure else None, answer["resident"])

    def invoke(self, event: object, request_id: str, *, seconds: float = LAMBDA_SECONDS) -> Result:
        """Run the handler once."""
        return self.end(self.begin(event, request_id, seconds=seconds))

    def kill(self) -> None:
        """End the process at once: no handler, no `finally`, no exit hook runs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the process where it stands, until it is thawed."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the process and wait until it is gone."""
        self.kill()
        with contextlib.suppress(OSError):
            while self._stream.recv(1 << 16):
                pass
        self._stream.close()

    def _receive(self, timeout: float) -> dict[str, Any] | None:
        self._stream.settimeout(timeout)
        while b"\n" not in self._unread:
            try:
                data = self._stream.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)


@dataclass
class ContainerHost:
    """Starts the containers of a world, whose logs lie in a folder."""

    folder: Path
    _logs: list[Path] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> "Iterator[ContainerHost]":
        """One whose folder is gone with the block."""
        with tempfile.TemporaryDirectory(prefix="reliability-") as name:
            yield cls(Path(name))

    def start(
        self,
        function: str,
        environment: Mapping[str, str],
        clock: SharedClock,
        *,
        broken: str = "",
        seconds_ahead: float = 0,
    ) -> Container:
        """A cold container of `functions/<function>/app.py`.

        broken: the name of a fault in the code to build in (see `tests.reliability.broken`), for tests of the harness.
        seconds_ahead: how far the container's clock is off.
        """
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(PATIENCE)
        stream.connect(str(host()))
        log = self.folder / f"{len(self._logs)}.log"
        self._logs.append(log)
        order = {
            "function": function,
            "environment": dict(environment),
            "clock": str(clock.path),
            "log": str(log),
            "broken": broken,
            "ahead": seconds_ahead,
        }
        _send(stream, order)
        container = Container(0, log, clock, stream)
        hello = container._receive(PATIENCE)
        if hello is None or hello.get("failure"):
            raise HarnessError(f"{function} did not start: {hello}")
        container.pid = hello["pid"]
        return container

    def logs(self) -> str:
        """Everything that containers wrote since the last call."""
        text = "".join(log.read_text(errors="replace") for log in self._logs if log.exists())
        for log in self._logs:
            if log.exists():
                os.truncate(log, 0)  # what is still warm goes on writing to it
        return text


def _send(stream: socket.socket, message: object) -> None:
    stream.settimeout(None)  # a container waits for its next invocation as long as it takes
    with contextlib.suppress(BrokenPipeError):
        stream.sendall(json.dumps(message).encode() + b"\n")


# -- the other side: the host's process and the containers forked from it ---------------------------------------------


def _serve(folder: Path) -> None:
    """The host: import everything, then fork a container for each connection, until nobody holds it any more."""
    own_time = TimeOfProcess()
    own_time.install()
    with tempfile.TemporaryDirectory(dir=folder, prefix="memory-", ignore_cleanup_errors=True) as memory:
        warm_up(Path(memory))
        gc.collect()
        gc.freeze()  # what is loaded stays shared with the containers
        gc.set_threshold(20_000)  # most live for one run
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the containers
        server, holding = _listening(folder / LISTENING), _listening(folder / HOLDING)
        holders: set[Any] = {sys.stdin}  # of whoever started it
        while holders:
            ready, _, _ = select.select([server, holding, *holders], [], [])
            if holding in ready:
                stream, _ = holding.accept()
                stream.sendall(HELD)
                holders.add(stream)
            holders.difference_update(ready)  # they say nothing: they are gone
            if server in ready:
                _fork(server, holding, own_time)


def _listening(path: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{path}.new")
    server.listen(64)
    Path(f"{path}.new").rename(path)  # whoever finds it can connect
    return server


def _fork(server: socket.socket, holding: socket.socket, own_time: TimeOfProcess) -> None:
    stream, _ = server.accept()
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        server.close()
        holding.close()  # else whoever comes when the host is gone would wait for this container
        try:
            _contain(stream, own_time)
        finally:
            os._exit(0)
    stream.close()


def _contain(stream: socket.socket, own_time: TimeOfProcess) -> None:
    """A container: load the function, then answer invocations until killed."""
    lines = stream.makefile("rb")
    order = json.loads(lines.readline())
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(order["environment"])
    clock = SharedClock(Path(order["clock"]))
    own_time.clock = clock
    own_time.ahead = timedelta(seconds=order["ahead"])
    try:
        if order["broken"]:
            from tests.reliability.broken import break_on_purpose

            break_on_purpose(order["broken"])
        handler = _load(order["function"])
    except Exception:  # noqa: BLE001 - whatever it is, the harness wants to see it
        _send(stream, {"failure": traceback.format_exc()})
        return
    _send(stream, {"pid": os.getpid()})
    for line in lines:
        request = json.loads(line)
        context = _context(request["request_id"], datetime.fromisoformat(request["ends"]), clock)
        reply: dict[str, Any] = {}
        try:
            reply["answer"] = json.loads(json.dumps(handler(request["event"], context)))
        except Exception as error:  # noqa: BLE001 - as Lambda does: whatever was raised is the invocation's error
            reply["failure"] = {
                "kind": type(error).__name__,
                "bases": [base.__name__ for base in type(error).__mro__],
                "message": getattr(error, "message", str(error)),
                "trace": traceback.format_exc(),
            }
        reply["resident"] = _resident_bytes()
        sys.stdout.flush()
        _send(stream, reply)


def _context(request_id: str, ends: datetime, clock: SharedClock) -> Context:
    def left() -> float:
        return (ends - clock()).total_seconds()

    return Context(request_id, remaining_seconds=left)


def _load(function: str) -> Any:
    path = ROOT / "functions" / function / "app.py"
    if function == COMMAND_LINE:
        path = Path(__file__).with_name("command_line.py")
    spec = importlib.util.spec_from_file_location(f"app_{function}", path)
    if spec is None or spec.loader is None:
        raise HarnessError(f"{path} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lambda_handler


def _resident_bytes() -> int:
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
