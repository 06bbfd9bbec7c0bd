"""The `sync_history` function: parse the event, run the job, return its outcome."""

from typing import Any

from salesflow.jobs.runtime import Runtime
from salesflow.jobs.sync_history import sync_history

runtime = Runtime.from_environment()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Bring the sales history and the stock snapshot up to date. See the README for the events it takes and the answer it gives."""
    return sync_history(event, context, runtime)
