"""Who may be mailed: the parameters name them, an event only chooses among them."""

from salesflow.job_events import AnomalyCheckFields, JobFields, Notify, ReportFields
from salesflow.mail_address import mailbox
from salesflow.settings import Settings


def recipients_of(fields: JobFields, settings: Settings) -> tuple[str, ...]:
    """Whom a firing is to mail, by address; nobody, for the jobs that mail no reader."""
    match fields:
        case ReportFields():
            meant = recipients_for(fields.notify, settings, settings.report_recipients)
            chosen = set(map(mailbox, fields.to))
            return tuple(address for address in meant if mailbox(address) in chosen) if chosen else meant
        case AnomalyCheckFields():
            return recipients_for(fields.notify, settings, settings.alert_recipients)
        case _:
            return ()


def recipients_for(notify: Notify, settings: Settings, readers: tuple[str, ...]) -> tuple[str, ...]:
    """Whom an event's `notify` means: everybody (`readers`), the owners alone, or nobody."""
    match notify:
        case Notify.ALL:
            return readers
        case Notify.OWNER:
            return settings.owner_recipients
        case Notify.NONE:
            return ()
