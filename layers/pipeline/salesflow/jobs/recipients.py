"""Who may be mailed: the parameters name them, an event only chooses among them."""

from salesflow.job_events import Notify
from salesflow.settings import Settings


def recipients_for(notify: Notify, settings: Settings, readers: tuple[str, ...]) -> tuple[str, ...]:
    """Whom an event's `notify` means: everybody (`readers`), the owners alone, or nobody."""
    match notify:
        case Notify.ALL:
            return readers
        case Notify.OWNER:
            return settings.owner_recipients
        case Notify.NONE:
            return ()
