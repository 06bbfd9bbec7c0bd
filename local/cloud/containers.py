"""Functions that run as in Lambda: each in warm processes of its own, with its own environment, memory limit and time-out."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.cloud.function_logs import report_record, start_record
from local.errors import LocalCloudError

RUNTIME = Path(__file__).with_name("runtime.py")
INIT_TIMEOUT = 60.0  # Lambda allows 10 s on machines of its own; a busy laptop gets more
MEMORY_CHECK_SECONDS = 0.1

type KeepLog = Callable[[str, str, Sequence[str]], None]
"""Keeps lines of a log group's stream."""


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """What is deployed of one function.

    `path` are the folders that its modules are imported from: its code, then its layers. `timeout` is in seconds, `memory_mb` in MiB.
    """

    name: str
    arn: str
    handler: str
    path: tuple[Path, ...]
    environment: Mapping[str, str]
    timeout: float
    memory_mb: int
    log_group: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one try of a function gave.

    `payload` is the answer's JSON text, or None where it failed; `error` is then Lambda's error object. `duration` and `init_duration` are
    in seconds (the latter None on a warm start), `peak_bytes` is the most memory resident during the try.
    """

    function: str
    request_id: str
    payload: str | None
    error: Mapping[str, Any] | None
    log: str
    duration: float
    init_duration: float | None
    peak_bytes: int

    @property
    def succeeded(self) -> bool:
        """Whether the handler returned."""
        return self.error is None

    @property
    def answer(self) -> Any:
        """The answer, as data; None where it failed."""
        return None if self.payload is None else json.loads(self.payload)


class _Died(Exception):
    """The process ended, or was ended, before it answered."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass
class _Process:
    """One container: a process, its pipes and its log."""

    settings: FunctionSettings
    variables: Mapping[str, str]
    keep_log: KeepLog | None = None
    log_stream: str = field(
        default_factory=lambda: f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"  # as Lambda names them
    )

    def __post_init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        requests_read, requests_write = os.pipe()
        answers_read, answers_write = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603 - our own runtime, with the template's handler
            [sys.executable, "-P", "-u", str(RUNTIME), self.settings.handler, str(requests_read), str(answers_write)],
            env={**self.variables, "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream},
            cwd=self.settings.path[0],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            pass_fds=(requests_read, answers_write),
        )
        os.close(requests_read)
        os.close(answers_write)
        self._requests = requests_write
        self._answers = answers_read
        self._unread = b""
        self._log_read = 0
        self._log_kept = 0
        self.peak_bytes = 0
        self.usable = True

    def ask(self, request: Mapping[str, Any] | None, timeout: float) -> dict[str, Any]:
        """Send a request (None: only wait for the init message) and return the answer; raises _Died."""
        if request is not None:
            left = json.dumps(request).encode() + b"\n"
            try:
                while left:
                    left = left[os.write(self._requests, left) :]
            except BrokenPipeError:
                raise _Died("Runtime.ExitError", self._exit_message()) from None
        answer: dict[str, Any] = json.loads(self._line(timeout))
        self.peak_bytes = max(self.peak_bytes, answer["peak_bytes"])
        return answer

    def _line(self, timeout: float) -> bytes:
        """One line from the process, watching the clock and the memory limit meanwhile."""
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                left = deadline - time.monotonic()
                if left <= 0:
                    self.kill()
                    raise _Died("Sandbox.Timedout", f"Task timed out after {timeout:.2f} seconds")
                if not selector.select(min(left, MEMORY_CHECK_SECONDS)):
                    self._check_memory()
                    self.keep_new_log()
                    continue
                data = os.read(self._answers, 1 << 20)
                if not data:
                    raise _Died("Runtime.ExitError", self._exit_message())
                self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _check_memory(self) -> None:
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return  # gone, or not Linux
        resident = next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:")), 0)
        self.peak_bytes = max(self.peak_bytes, resident)
        if resident > self.settings.memory_mb * 1024 * 1024:
            self.kill()
            raise _Died(
                "Runtime.OutOfMemory", f"Runtime exited: {resident >> 20} MB of {self.settings.memory_mb} MB used"
            )

    def _exit_message(self) -> str:
        status = self._process.wait()
        why = f"signal: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return f"Runtime exited with error: {why}"

    def new_log(self) -> str:
        """What the process has written since the last call."""
        self._log.flush()
        size = os.fstat(self._log.fileno()).st_size
        data = os.pread(self._log.fileno(), size - self._log_read, self._log_read)
        self._log_read = size
        return data.decode("utf-8", "replace")

    def keep_new_log(self, *, last: str | None = None) -> None:
        """Give what was written since the last call to who keeps the log; with `last`, Lambda's own record after it.

        A line that is not ended yet waits for its end, or for `last`.
        """
        if self.keep_log is None:
            return
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), size - self._log_kept, self._log_kept)
        if last is None:
            text = text[: text.rfind(b"\n") + 1]
        self._log_kept += len(text)
        lines = text.decode("utf-8", "replace").splitlines() + ([] if last is None else [last])
        if lines:
            self.keep_log(self.settings.log_group, self.log_stream, lines)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        self._process.kill()

    def close(self) -> None:
        """End the process and let go of its pipes and log."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._requests)
        os.close(self._answers)
        self._log.close()


class Function:
    """One deployed function: keeps its containers warm, and starts another where all are busy, as Lambda does."""

    def __init__(
        self, settings: FunctionSettings, variables: Mapping[str, str], keep_log: KeepLog | None = None
    ) -> None:
        """`variables` are those that Lambda itself sets (region, credentials, endpoint); the template's own join them."""
        self.settings = settings
        self._keep_log = keep_log
        self._variables = {
            **variables,
            **settings.environment,
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": os.pathsep.join(map(str, settings.path)),
            "AWS_LAMBDA_FUNCTION_NAME": settings.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": settings.log_group,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
        }
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._busy: list[_Process] = []
        self._stopped = False

    def invoke(self, event: object, *, request_id: str | None = None) -> Invocation:
        """Run the handler once on `event` (as JSON) and wait for its answer; a failure is in the answer, not raised."""
        event = json.loads(json.dumps(event))
        request_id = request_id or str(uuid.uuid4())
        begun = time.monotonic()
        process, is_new = self._take()
        process.keep_new_log(last=start_record(request_id))
        init_duration = None
        try:
            if is_new:
                failure = process.ask(None, INIT_TIMEOUT)["init"]
                init_duration = time.monotonic() - begun
                if failure is not None:
                    process.usable = False  # Lambda, too, starts the next try in a new one
                    return self._result(process, request_id, None, failure, begun, init_duration)
            begun = time.monotonic()  # Lambda counts the handler's time alone
            request = {
                "request_id": request_id,
                "event": event,
                "arn": self.settings.arn,
                "timeout": self.settings.timeout,
                "log_group": self.settings.log_group,
                "log_stream": process.log_stream,
            }
            answer = process.ask(request, self.settings.timeout)
            peak = answer["peak_bytes"]
            return self._result(
                process, request_id, answer.get("payload"), answer.get("error"), begun, init_duration, peak
            )
        except _Died as death:
            error = {"errorType": death.kind, "errorMessage": f"RequestId: {request_id} Error: {death}"}
            process.usable = False
            process.kill()
            return self._result(process, request_id, None, error, begun, init_duration)
        finally:
            self._give_back(process)

    def _take(self) -> tuple[_Process, bool]:
        with self._lock:
            if self._stopped:
                raise LocalCloudError(f"The function {self.settings.name} is stopped.")
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    self._busy.append(process)
                    return process, False
                process.close()
            process = _Process(self.settings, self._variables, self._keep_log)
            self._busy.append(process)
            return process, True

    def _give_back(self, process: _Process) -> None:
        with self._lock:
            self._busy.remove(process)
            if process.usable and process.alive and not self._stopped:
                self._idle.append(process)
            else:
                process.close()

    def _result(
        self,
        process: _Process,
        request_id: str,
        payload: str | None,
        error: Mapping[str, Any] | None,
        begun: float,
        init_duration: float | None,
        peak_bytes: int | None = None,
    ) -> Invocation:
        done = Invocation(
            function=self.settings.name,
            request_id=request_id,
            payload=payload,
            error=error,
            log=process.new_log(),
            duration=time.monotonic() - begun,
            init_duration=init_duration,
            peak_bytes=process.peak_bytes if peak_bytes is None else peak_bytes,
        )
        record = report_record(
            request_id,
            succeeded=done.succeeded,
            duration=done.duration,
            init_duration=init_duration,
            memory_mb=self.settings.memory_mb,
            peak_bytes=done.peak_bytes,
        )
        process.keep_new_log(last=record)
        return done

    def kill(self) -> None:
        """End every container at once, busy or idle, as a crash would; the next invocation starts cold."""
        with self._lock:
            for process in self._busy:
                process.usable = False
                process.kill()
            while self._idle:
                self._idle.pop().close()

    def stop(self) -> None:
        """End every container and take no more invocations."""
        with self._lock:
            self._stopped = True
            for process in self._busy:
                process.kill()
            while self._idle:
                self._idle.pop().close()
