"""What runs inside a function's process: loads the handler, calls it for each request, and answers as Lambda's Python runtime does.

Started by `local.cloud.containers` as `python -P -u runtime.py HANDLER REQUESTS_FD ANSWERS_FD` with the function's own environment and
nothing else. It imports only the standard library, so that it neither needs nor shadows anything of the function's. One line of JSON is one
message; the function's own output goes to the log that is standard output and error.
"""

from __future__ import annotations

import decimal
import importlib
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

SELF_STATUS = Path("/proc/self/status")
CLEAR_PEAK = Path("/proc/self/clear_refs")


class LambdaContext:
    """The context object that a handler gets; the names are Lambda's."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id: str = request["request_id"]
        self.invoked_function_arn: str = request["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name: str = request["log_group"]
        self.log_stream_name: str = request["log_stream"]
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = None
        self.tenant_id = None
        self._deadline = time.monotonic() + request["timeout"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        """Write a line to the log."""
        sys.stdout.write(f"{message}\n")


def _json_default(value: object) -> object:
    if isinstance(value, decimal.Decimal):
        return float(value)  # as Lambda's runtime does
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _failure(error: BaseException, *, error_type: str | None = None) -> dict[str, Any]:
    """The error in Lambda's own words; the frames of this file are left out of the stack trace."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return {
        "errorMessage": str(error),
        "errorType": error_type or type(error).__name__,
        "stackTrace": traceback.format_list(frames),
    }


def _load(handler: str) -> Any:
    """The handler function of `module.function`."""
    module_name, _, function_name = handler.rpartition(".")
    module = importlib.import_module(module_name.replace("/", "."))
    try:
        return getattr(module, function_name)
    except AttributeError as error:
        raise _HandlerMissing(f"Handler '{function_name}' missing on module '{module_name}'") from error


class _HandlerMissing(Exception):
    """The module has no such function."""


def _init(handler: str) -> tuple[Any, dict[str, Any] | None]:
    """The handler, or why it could not be loaded."""
    module = handler.rpartition(".")[0]
    try:
        return _load(handler), None
    except _HandlerMissing as error:
        return None, _failure(error, error_type="Runtime.HandlerNotFound")
    except ImportError as error:
        failure = _failure(error, error_type="Runtime.ImportModuleError")
        return None, failure | {"errorMessage": f"Unable to import module '{module}': {error}"}
    except SyntaxError as error:
        failure = _failure(error, error_type="Runtime.UserCodeSyntaxError")
        return None, failure | {"errorMessage": f"Syntax error in module '{module}': {error}"}
    except Exception as error:  # noqa: BLE001 - whatever the function's own code raises is its answer
        return None, _failure(error)


def _call(handler: Any, request: dict[str, Any]) -> dict[str, Any]:
    """One invocation's answer: `{"payload": JSON text}` or `{"error": ...}`."""
    try:
        answer = handler(request["event"], LambdaContext(request))
    except Exception as error:  # noqa: BLE001 - whatever the function's own code raises is its answer
        return {"error": _failure(error) | {"requestId": request["request_id"]}}
    try:
        payload = json.dumps(answer, ensure_ascii=False, allow_nan=False, default=_json_default)
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return {
            "error": {
                "errorMessage": message,
                "errorType": "Runtime.MarshalError",
                "requestId": request["request_id"],
                "stackTrace": [],
            }
        }
    return {"payload": payload}


def _forget_peak() -> None:
    """Start measuring the peak memory anew, where the kernel lets us; elsewhere it is the process's own peak so far."""
    try:
        CLEAR_PEAK.write_text("5")
    except OSError:
        return


def _peak_bytes() -> int:
    """The most memory that was resident since `_forget_peak`."""
    try:
        for line in SELF_STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux: the process's own record below
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _say(answers: TextIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def main(handler_name: str, requests: TextIO, answers: TextIO) -> None:
    """Load the handler, say so, and serve until the requests end."""
    handler, failure = _init(handler_name)
    _say(answers, {"init": failure, "peak_bytes": _peak_bytes()})
    if failure is not None:
        return
    for line in requests:
        _forget_peak()
        answer = _call(handler, json.loads(line))
        sys.stdout.flush()
        sys.stderr.flush()
        _say(answers, answer | {"peak_bytes": _peak_bytes()})


if __name__ == "__main__":
    main(sys.argv[1], os.fdopen(int(sys.argv[2]), "r"), os.fdopen(int(sys.argv[3]), "w"))
