"""All looks in turn: one that cannot be taken says so and does not keep the others from being taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ops.complaints import Complaint, NoAccess
from ops.doctor import channels, deployment, mail, source, work
from ops.doctor.findings import Finding, Look, Patient, unknown
from ops.target import Stack
from salesflow.errors import SalesFlowError
from salesflow.shop_id import MAIN_SHOP

LOOKS: tuple[Look, ...] = (*deployment.LOOKS, *source.LOOKS, *mail.LOOKS, *channels.LOOKS, *work.LOOKS)

type Explain = Callable[[BaseException], Complaint | None]


def examine(
    stack: Stack, now: datetime, *, explain: Explain, at: Callable[[str], None] = lambda _: None
) -> Iterator[Finding]:
    """Every finding: of the stack and its own shop, or of another shop. `explain` says what an error amounts to, `at` is told what is looked at.

    Where there is no such stack, that is the only finding. Raises the SDK's errors where CloudFormation itself cannot be asked: then nothing
    can be looked at.
    """
    patient = Patient(stack, now)
    at("stack")
    found = list(deployment.stack(patient))
    yield from found
    if any(finding.check == "stack" and finding.verdict == "FAIL" for finding in found):
        return
    for look in LOOKS if stack.shop == MAIN_SHOP else [look for look in LOOKS if look.of_shop]:
        at(look.check)
        try:
            yield from list(look.take(patient))
        except (ClientError, BotoCoreError, ResponseParserError, SalesFlowError, Complaint) as error:
            yield _not_seen(look, error, explain)


def _not_seen(look: Look, error: Exception, explain: Explain) -> Finding:
    """What is said of a look that could not be taken."""
    complaint = explain(error)
    if isinstance(complaint, NoAccess):
        needed = _needed(look, error)
        fix = f"ask for {needed}, or say another --profile" if needed else complaint.action
        return unknown(look.check, f"not allowed to look: needs {needed}" if needed else complaint.message, fix=fix)
    if complaint is None:
        return unknown(look.check, f"could not look: {type(error).__name__}: {error}", fix="try again")
    return unknown(look.check, f"could not look: {complaint.message}", fix=complaint.action or "try again")


def _needed(look: Look, error: Exception) -> str:
    """The IAM action that was refused: by the call's name where the look knows it, else all that the look takes."""
    operation = getattr(error, "operation_name", "")
    return next((action for action in look.needs if action.endswith(f":{operation}")), ", ".join(look.needs))
