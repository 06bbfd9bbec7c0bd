"""The `watchdog` function: parse the event, run the job, return its outcome."""

from typing import Any

from salesflow.jobs.runtime import Runtime
from salesflow.jobs.watchdog import watchdog

runtime = Runtime.from_environment()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check what every schedule did, and tell the owner. See the README for the events it takes and the answer it gives."""
    return watchdog(event, context, runtime)
