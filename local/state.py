"""What `up` leaves in a file about the local cloud that it keeps running, for whoever wants to talk to it.

The file is out/local-cloud.json, or where SALESFLOW_LOCAL_CLOUD says, readable by its owner alone. It is one JSON object: `endpoint_url` where
the AWS APIs answer, `region` and `stack` what is deployed there, `access_keys` (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN)
that it takes, `api_url` of its SalesFlow API, `pid` of the process that keeps it, `since` when (ISO, UTC). A cloud that runs answers
`GET {endpoint_url}/_local/warnings` with a JSON list. It goes when the cloud ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import urllib3

PLACE = "SALESFLOW_LOCAL_CLOUD"
"""The environment variable that names another file."""
USUAL_PLACE = Path(__file__).resolve().parents[1] / "out" / "local-cloud.json"
ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class LocalState:
    """A running local cloud: where its APIs answer and with which keys, its stack, its SalesFlow API, and the process that keeps it."""

    endpoint_url: str
    region: str
    stack: str
    access_keys: Mapping[str, str]
    api_url: str
    pid: int
    since: datetime

    def write(self, path: Path) -> None:
        """Write it, for this user's eyes alone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{self.pid}")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(json.dumps(asdict(self) | {"since": self.since.isoformat()}, indent=1) + "\n")
        new.replace(path)

    def remove(self, path: Path) -> None:
        """Take the file away, unless another cloud has written its own meanwhile."""
        kept = self.read(path)
        if kept is not None and kept.pid == self.pid:
            path.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What the file says; None where there is none, or where it is not such a file."""
        try:
            kept = json.loads(path.read_text())
            return cls(**kept | {"since": datetime.fromisoformat(kept["since"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    @classmethod
    def running(cls, path: Path) -> Self | None:
        """The cloud of the file, if it runs."""
        state = cls.read(path)
        return state if state is not None and state.answers() else None

    def answers(self) -> bool:
        """Whether a local cloud, and not something else on its port, answers there."""
        url = f"{self.endpoint_url}/_local/warnings"
        try:
            answer = urllib3.PoolManager(retries=False).request("GET", url, timeout=ANSWER_SECONDS)
            return answer.status == 200 and isinstance(answer.json(), list)
        except (urllib3.exceptions.HTTPError, ValueError):
            return False


def state_file() -> Path:
    """Where the file is: named by SALESFLOW_LOCAL_CLOUD, or in out/."""
    return Path(os.environ.get(PLACE) or USUAL_PLACE)
