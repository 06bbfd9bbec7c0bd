"""Telling recipients: who they are, and what it means where some of them could not be told.

Imported when there is something to mail: mail has imports that a cold start need not pay for before.
"""

from typing import Any

from salesflow.delivery.mail import Attachment, Mail, send_to_all
from salesflow.errors import DeliveryIncomplete
from salesflow.jobs.frame import Run
from salesflow.mail_address import masked
from salesflow.reports.mail import MailText


def mail_of(run: Run[Any], text: MailText, attachments: tuple[Attachment, ...] = ()) -> Mail:
    """The mail of a run: its words and files, and the headers that tell its language and which run it came from."""
    headers = {
        "Content-Language": text.language.tag,
        "X-SalesFlow-Run-Id": run.claim.run_id,
        "X-SalesFlow-Reference": run.claim.reference,
    }
    return Mail(text.subject, text.text, text.html, attachments, headers)


def tell(run: Run[Any], mail: Mail, recipients: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """Mail whoever has not been told; who is told now, and a sentence on each who is refused for good.

    Raises DeliveryIncomplete where some could not be reached for a reason that a retry may cure.
    """
    result = send_to_all(run.runtime.mailer, run.claim, mail, recipients)
    if result.unreached:
        raise DeliveryIncomplete(
            f"{len(result.unreached)} of {len(recipients)} recipients could not be told: "
            + "; ".join(f"{masked(address)}: {why.removesuffix('.')}" for address, why in result.unreached.items())
            + ".",
            action="Lambda runs the job again and mails only them; nobody is told twice.",
        )
    return result.notified, [
        f"{masked(address)} was refused: {why.removesuffix('.')}." for address, why in result.refused.items()
    ]
