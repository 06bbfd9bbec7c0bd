"""What `python -m ops up` leaves in a file about the local cloud that it keeps running, for `--local` to find it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from salesflow.errors import SalesFlowError

PLACE = "SALESFLOW_LOCAL_CLOUD"
"""The environment variable that names another file."""
USUAL_PLACE = Path(__file__).resolve().parents[1] / "out" / "local-cloud.json"
ANSWER_SECONDS = 5.0


class NoLocalCloud(SalesFlowError):
    """No local cloud is running, or what is said of it is not true any more."""


@dataclass(frozen=True, slots=True)
class LocalState:
    """A running local cloud: where its APIs answer, its stack, its SalesFlow API, and the process that keeps it."""

    endpoint_url: str
    region: str
    stack: str
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
        try:
            if _read(path).pid == self.pid:
                path.unlink(missing_ok=True)
        except NoLocalCloud:
            return

    @classmethod
    def find(cls, path: Path | None = None) -> Self:
        """The cloud that is running now. Raises NoLocalCloud where there is none, or where the file is of one that ended."""
        place = path or state_file()
        state = _read(place)
        if not _answers(state.endpoint_url):
            raise NoLocalCloud(
                f"The local cloud of {place} has ended: nothing answers at {state.endpoint_url} "
                f"(process {state.pid}, started {state.since:%Y-%m-%d %H:%M}).",
                action="Start another with `python -m ops up`.",
            )
        return cls(**{name: getattr(state, name) for name in cls.__dataclass_fields__})


def state_file() -> Path:
    """Where the file is: named by SALESFLOW_LOCAL_CLOUD, or in out/."""
    return Path(os.environ.get(PLACE) or USUAL_PLACE)


def _read(place: Path) -> LocalState:
    try:
        kept = json.loads(place.read_text())
        return LocalState(**kept | {"since": datetime.fromisoformat(kept["since"])})
    except FileNotFoundError:
        raise NoLocalCloud(
            "No local cloud is running.", action="Start one with `python -m ops up` and leave it running."
        ) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NoLocalCloud(
            f"{place} cannot be read as what `ops up` writes: {error}.",
            action="Remove it and start `python -m ops up` again.",
        ) from None


def _answers(endpoint_url: str) -> bool:
    """Whether a local cloud, and not something else on its port, answers there."""
    import urllib3

    try:
        answer = urllib3.PoolManager(retries=False).request(
            "GET", f"{endpoint_url}/_local/warnings", timeout=ANSWER_SECONDS
        )
        return answer.status == 200 and isinstance(answer.json(), list)
    except (urllib3.exceptions.HTTPError, ValueError):
        return False
