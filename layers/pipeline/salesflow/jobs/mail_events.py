"""What SES and WhatsApp report of messages that they had accepted: bounces, complaints, rejections, failures. Bad addresses are marked."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from salesflow.delivery.addresses import Mark
from salesflow.errors import InvalidJobEvent
from salesflow.jobs.reported import Reported
from salesflow.jobs.runtime import Runtime
from salesflow.jobs.whatsapp_events import whatsapp_reports
from salesflow.mail_address import mail_address, mailbox, masked
from salesflow.observability import MetricUnit, logger, metrics
from salesflow.shop_id import MAIN_SHOP, SHOP_TAG


class _Recipient(BaseModel):
    email_address: str = Field(alias="emailAddress")
    diagnostic_code: str = Field("", alias="diagnosticCode")


class _Bounce(BaseModel):
    bounce_type: str = Field(alias="bounceType")
    bounce_sub_type: str = Field("", alias="bounceSubType")
    recipients: list[_Recipient] = Field(alias="bouncedRecipients")


class _Complaint(BaseModel):
    recipients: list[_Recipient] = Field(alias="complainedRecipients")
    feedback_type: str | None = Field(None, alias="complaintFeedbackType")


class _Mail(BaseModel):
    message_id: str = Field("", alias="messageId")
    destination: list[str] = []
    tags: Mapping[str, list[str]] = {}

    @property
    def shop(self) -> str:
        """The shop whose mail it was; mails of `main` say nothing."""
        return next(iter(self.tags.get(SHOP_TAG, ())), MAIN_SHOP)


class _Detail(BaseModel):
    """An event as SES publishes it (docs.aws.amazon.com/ses, "Contents of event data"), as far as it is read."""

    event_type: str = Field(alias="eventType")
    mail: _Mail
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None


_NO_COMPLAINT = "not-spam"


def take_mail_event(event: object, runtime: Runtime) -> dict[str, Any]:
    """Mark the readers who are bad for good, for the shop whose message it was; answers the event's type and who was marked.

    A complaint that names several readers of one domain marks only those to whom the mail went: each mail goes to one. A
    bounce that may pass (a full mailbox) marks nobody. Raises InvalidJobEvent for anything but an event of SES, or a report of WhatsApp.
    """
    if isinstance(event, Mapping) and "Records" in event:
        reports, kind = list(whatsapp_reports(event["Records"])), "WhatsApp"
    else:
        reports = [_reported(_detail(event))]
        kind = reports[0].event_type
    metrics.add_dimension(name="stack", value=runtime.settings.stack_name)
    try:
        for report in reports:
            _take(report, runtime)
    finally:
        if reports:
            metrics.flush_metrics()
    return {"event_type": kind, "marked": sorted(address for report in reports for address in report.bad)}


def _take(report: Reported, runtime: Runtime) -> None:
    logger.append_keys(shop=report.shop)
    if report.shop != MAIN_SHOP and report.bad:
        runtime = runtime.for_run(report.shop)
    for address, (mark, said) in report.bad.items():
        runtime.marked_addresses.mark(address, mark, said=said, message_id=report.message_id)
    logger.warning(
        "mail event",
        event_type=report.event_type,
        message_id=report.message_id,
        destination=[masked(address) for address in report.destination],
        marked=sorted(map(masked, report.bad)),
    )
    metrics.add_metric(name="MailProblems", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="AddressesMarked", unit=MetricUnit.Count, value=len(report.bad))


def _reported(detail: _Detail) -> Reported:
    mail = detail.mail
    return Reported(detail.event_type, mail.message_id, mail.shop, mail.destination, _bad(detail))


def _detail(event: object) -> _Detail:
    detail = event.get("detail") if isinstance(event, Mapping) and event.get("source") == "aws.ses" else None
    try:
        return _Detail.model_validate(detail)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in problem["loc"]) or "detail" for problem in error.errors())
    raise InvalidJobEvent(
        f"The event was refused: it is no event of SES ({fields}).", action="This function takes SES's events alone."
    )


def _bad(detail: _Detail) -> dict[str, tuple[Mark, str]]:
    """The addresses to mark, each with the mark and what was said."""
    found = {}
    if detail.bounce is not None and detail.bounce.bounce_type == "Permanent":
        for recipient in detail.bounce.recipients:
            said = recipient.diagnostic_code or detail.bounce.bounce_sub_type
            found[recipient.email_address] = (Mark.BOUNCED, said)
    elif detail.complaint is not None and detail.complaint.feedback_type != _NO_COMPLAINT:
        for recipient in detail.complaint.recipients:
            found[recipient.email_address] = (Mark.COMPLAINED, detail.complaint.feedback_type or "")
    sent_to = set(map(mailbox, detail.mail.destination))
    return {
        address: why
        for address, why in found.items()
        if _is_address(address) and (not sent_to or mailbox(address) in sent_to)
    }


def _is_address(text: str) -> bool:
    try:
        mail_address(text)
    except ValueError:
        logger.warning("an event names what is no address")
        return False
    return True
