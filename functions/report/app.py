"""The `report` function: parse the event, run the job, return its outcome."""

from typing import Any

from salesflow.jobs.report import report
from salesflow.jobs.runtime import Runtime

runtime = Runtime.from_environment()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Make, save and mail one report. See the README for the events it takes and the answer it gives."""
    return report(event, context, runtime)
