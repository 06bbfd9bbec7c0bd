"""Are the chats, programs and WhatsApp numbers that are to be told set up?"""

from __future__ import annotations

from collections.abc import Iterator

from ops.doctor.findings import Finding, Look, Patient, fail, ok
from salesflow.delivery.ways import UnusableWay, Ways
from salesflow.jobs.recipients import everybody
from salesflow.readers import MAIL, kind_of


def channels(patient: Patient) -> Iterator[Finding]:
    """Whether every reader who is not mailed has a channel that can be used. Nothing is sent: `recipients test` does."""
    settings, stack = patient.stack.settings, patient.stack
    readers = [one for one in everybody(settings) if kind_of(one) != MAIL and one not in settings.unusable_addresses]
    if not readers:
        return
    ways = Ways(stack.kept_ways)
    for reader in readers:
        try:
            ways.of(reader)
        except UnusableWay as unusable:
            yield fail("channels", unusable.message, fix=unusable.action or "")
        else:
            yield ok(
                "channels", f"{reader} is set up; to see that messages come: salesflow-ops recipients test {reader}"
            )


LOOKS = (Look("channels", ("secretsmanager:GetSecretValue", "kms:Decrypt"), channels),)
