"""The `anomaly_check` function: parse the event, run the job, return its outcome."""

from typing import Any

from salesflow.jobs.anomaly_check import anomaly_check
from salesflow.jobs.runtime import Runtime

runtime = Runtime.from_environment()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check one day for anomalies, and alert. See the README for the events it takes and the answer it gives."""
    return anomaly_check(event, context, runtime)
