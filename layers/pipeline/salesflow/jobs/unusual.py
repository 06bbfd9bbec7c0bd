"""What is unusual and not over, for a report: the open alerts of the newest checks up to its business date."""

from datetime import date
from typing import TYPE_CHECKING

from salesflow.analytics.results import UnusualSummary
from salesflow.figures import Figures
from salesflow.observability import logger

if TYPE_CHECKING:
    from salesflow.alerts.book import AlertBook

_CHAINS = ("shop/daily", "products/daily")
_NOT_TOLD = "LOW"


def read_unusual(book: "AlertBook", business_date: date, figures: Figures) -> UnusualSummary | None:
    """The open alerts, said in the language of `figures`; None where no check was made yet."""
    try:
        pages = [page for chain in _CHAINS if (page := book.newest(chain, business_date)) is not None]
    except (KeyError, TypeError, ValueError) as error:  # pages of another version: a report can do without them
        logger.warning("the open alerts cannot be read", why=repr(error))
        return None
    if not pages:
        return None
    from salesflow.alerts.unusual import unusual  # only who has something to say needs it

    alerts = [alert for _, open_alerts in pages for alert in open_alerts if alert.severity != _NOT_TOLD]
    return UnusualSummary(max(day for day, _ in pages), tuple(unusual(alert, figures) for alert in alerts))
