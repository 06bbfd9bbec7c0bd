"""Are the chats, programs and WhatsApp numbers that are to be told set up?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ops.doctor.findings import Finding, Look, Patient, fail, ok, warn
from salesflow.delivery.ways import UnusableWay, Ways, WhatsAppWay
from salesflow.jobs.recipients import everybody
from salesflow.readers import MAIL, kind_of


def channels(patient: Patient) -> Iterator[Finding]:
    """Whether every reader who is not mailed has a channel that can be used. Nothing is sent: `recipients test` does."""
    settings, stack = patient.stack.settings, patient.stack
    readers = [one for one in everybody(settings) if kind_of(one) != MAIL and one not in settings.unusable_addresses]
    if not readers:
        return
    ways, whatsapp = Ways(stack.kept_ways), None
    for reader in readers:
        try:
            way = ways.of(reader)
        except UnusableWay as unusable:
            yield fail("channels", unusable.message, fix=unusable.action or "")
        else:
            whatsapp = way if isinstance(way, WhatsAppWay) else whatsapp
            yield ok(
                "channels", f"{reader} is set up; to see that messages come: salesflow-ops recipients test {reader}"
            )
    if whatsapp is not None:
        yield from _whatsapp(patient, whatsapp)


def _whatsapp(patient: Patient, way: WhatsAppWay) -> Iterator[Finding]:
    """Whether Meta has approved the templates, and whether it is heard what becomes of messages."""
    client = patient.stack.client("socialmessaging")
    account = client.get_linked_whatsapp_business_account_phone_number(id=way.phone)["linkedWhatsAppBusinessAccountId"]
    pages = client.get_paginator("list_whatsapp_message_templates").paginate(id=account)
    known = {
        (one["templateName"], one["templateLanguage"]): one["templateStatus"]
        for page in pages
        for one in page["templates"]
    }
    for name in filter(None, (way.template, way.document_template)):
        status = known.get((name, way.language))
        template = f"the WhatsApp template {name} in {way.language}"
        if status == "APPROVED":
            yield ok("channels", f"{template} is approved")
        elif status is None:
            languages = sorted(language for other, language in known if other == name)
            there = f"; there is {', '.join(languages)}" if languages else ""
            yield fail("channels", f"{template} is not there{there}", fix="docs/channels.md says how it is registered")
        else:
            yield fail(
                "channels",
                f"{template} is {status.lower()}: Meta has not approved it, and no message goes out",
                fix="wait for it, or mend it in the console of AWS End User Messaging Social",
            )
    yield _heard(patient, client, account)


def _heard(patient: Patient, client: Any, account: str) -> Finding:
    pages = client.get_paginator("list_linked_whatsapp_business_accounts").paginate()
    accounts = [one for page in pages for one in page["linkedAccounts"] if one["id"] == account]
    now = [destination["eventDestinationArn"] for one in accounts for destination in one.get("eventDestinations", ())]
    topic = patient.stack.physical_id("WhatsAppReports")
    if topic in now:
        return ok("channels", "what WhatsApp could not deliver is heard, and numbers without WhatsApp are left out")
    instead = f" (they go to {', '.join(now)})" if now else ""
    return warn(
        "channels",
        f"the events of the WhatsApp account do not come to this stack{instead}: what could not be delivered is not heard",
        fix=f"aws socialmessaging put-whatsapp-business-account-event-destinations --id {account} "
        f"--event-destinations eventDestinationArn={topic}",
    )


LOOKS = (
    Look(
        "channels",
        (
            "dynamodb:Query",
            "kms:Decrypt",
            "social-messaging:GetLinkedWhatsAppBusinessAccountPhoneNumber",
            "social-messaging:ListWhatsAppMessageTemplates",
            "social-messaging:ListLinkedWhatsAppBusinessAccounts",
        ),
        channels,
        of_shop=True,
    ),
)
