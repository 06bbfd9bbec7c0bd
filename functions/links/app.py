"""The `links` function: what the links in mails lead to."""

from typing import Any

from salesflow.jobs.links import answer_link
from salesflow.jobs.runtime import Runtime

runtime = Runtime.from_environment()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request to the function URL."""
    del context
    return answer_link(event, runtime)
