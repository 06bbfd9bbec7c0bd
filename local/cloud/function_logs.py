"""CloudWatch Logs of a local cloud's functions: what they write, as it comes, and Lambda's own records of each run."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

BATCH = 1_000


class FunctionLogs:
    """Writes lines to log streams, making groups and streams as they are needed. Safe to share between threads."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._known: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def write(self, group: str, stream: str, lines: Sequence[str]) -> None:
        """Append lines to a stream. A function must not fail for its log: where it cannot be kept, that is said once."""
        moment = int(time.time() * 1000)
        events = [{"timestamp": moment, "message": line} for line in lines if line.strip()]
        try:
            with self._lock:  # a stream takes its lines in order
                self._prepare(group, stream)
                for first in range(0, len(events), BATCH):
                    self._client.put_log_events(
                        logGroupName=group, logStreamName=stream, logEvents=events[first : first + BATCH]
                    )
        except (ClientError, BotoCoreError) as error:
            sys.stderr.write(f"the log of {group} is not kept: {error}\n")

    def _prepare(self, group: str, stream: str) -> None:
        if (group, stream) in self._known:
            return
        for make, names in (
            (self._client.create_log_group, {"logGroupName": group}),
            (self._client.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
        ):
            try:
                make(**names)
            except self._client.exceptions.ResourceAlreadyExistsException:
                continue
        self._known.add((group, stream))


def start_record(request_id: str) -> str:
    """Lambda's record of a run's beginning, as it writes it in the JSON log format."""
    return _record("platform.start", {"requestId": request_id, "version": "$LATEST"})


def report_record(
    request_id: str, *, succeeded: bool, duration: float, init_duration: float | None, memory_mb: int, peak_bytes: int
) -> str:
    """Lambda's record of a run's end: `duration` and `init_duration` in seconds, memory set and used."""
    metrics: dict[str, float] = {
        "durationMs": round(duration * 1000, 3),
        "billedDurationMs": math.ceil((duration + (init_duration or 0)) * 1000),
        "memorySizeMB": memory_mb,
        "maxMemoryUsedMB": peak_bytes >> 20,
    }
    if init_duration is not None:
        metrics["initDurationMs"] = round(init_duration * 1000, 3)
    status = "success" if succeeded else "error"
    return _record("platform.report", {"requestId": request_id, "metrics": metrics, "status": status})


def _record(kind: str, record: dict[str, Any]) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": now, "type": kind, "record": record})
