"""The `forecast` function: parse the event, run the job, return its outcome."""

from typing import Any

from salesflow.jobs.forecast import forecast
from salesflow.jobs.runtime import Runtime

runtime = Runtime.from_environment()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Forecast the next 90 days. See the README for the events it takes and the answer it gives."""
    return forecast(event, context, runtime)
