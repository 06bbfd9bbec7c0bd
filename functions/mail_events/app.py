"""The `mail_events` function: what SES reports of sent mails."""

from typing import Any

from salesflow.jobs.mail_events import take_mail_event
from salesflow.jobs.runtime import Runtime

runtime = Runtime.from_environment()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Mark the addresses that bounced for good or complained, so that mailings leave them out."""
    del context
    return take_mail_event(event, runtime)
