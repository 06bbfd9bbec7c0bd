"""Who may be mailed: the shop's settings name them, an event only chooses among them."""

from typing import Any

from salesflow.errors import InvalidJobEvent
from salesflow.job_events import JobFields, JobRequest, MailingFields, Notify, ReportFields
from salesflow.mail_address import mailbox, masked, unique_mailboxes
from salesflow.settings import Settings


def recipients_of(fields: JobFields, settings: Settings) -> tuple[str, ...]:
    """Whom a firing is to mail, by address; nobody, for the jobs that mail no reader."""
    if not isinstance(fields, MailingFields):
        return ()
    if not fields.to:
        return recipients_for(fields.notify, settings, _readers(fields, settings))
    chosen = set(map(mailbox, fields.to))
    return tuple(address for address in _nameable(fields, settings) if mailbox(address) in chosen)


def everybody(settings: Settings) -> tuple[str, ...]:
    """Whoever the shop mails at all, each mailbox once."""
    own = (address for addresses in settings.schedule_recipients.values() for address in addresses)
    return unique_mailboxes((*settings.report_recipients, *settings.alert_recipients, *settings.owner_recipients, *own))


def refuse_strangers(request: JobRequest[Any], settings: Settings) -> None:
    """An event may narrow the recipients that the settings name, never add to them. Raises InvalidJobEvent."""
    fields = request.fields
    known = set(map(mailbox, _nameable(fields, settings)))
    strangers = [address for address in fields.to if mailbox(address) not in known]
    if strangers:
        raise InvalidJobEvent(
            f"The event was refused and nothing was run: to names {masked(', '.join(strangers))[:200]}, "
            f"which notify {fields.notify.value!r} does not mail.",
            action="Name recipients that the shop's settings name, or add them there: salesflow-ops recipients add.",
        )


def _readers(fields: MailingFields, settings: Settings) -> tuple[str, ...]:
    return settings.report_recipients if isinstance(fields, ReportFields) else settings.alert_recipients


def _nameable(fields: MailingFields, settings: Settings) -> tuple[str, ...]:
    """Whom `to` may name: those whom `notify` means, and those of any schedule."""
    meant = recipients_for(fields.notify, settings, _readers(fields, settings))
    if fields.notify is Notify.ALL:
        meant += tuple(address for own in settings.schedule_recipients.values() for address in own)
    return unique_mailboxes(meant)


def recipients_for(notify: Notify, settings: Settings, readers: tuple[str, ...]) -> tuple[str, ...]:
    """Whom an event's `notify` means: everybody (`readers`), the owners alone, or nobody."""
    match notify:
        case Notify.ALL:
            return readers
        case Notify.OWNER:
            return settings.owner_recipients
        case Notify.NONE:
            return ()
