"""What is unusual and not over, in words, for the pages that are no alert: reports and the library."""

from salesflow.alerts.lifecycle import Alert
from salesflow.alerts.wording import open_sentence
from salesflow.analytics.results import UnusualFinding
from salesflow.figures import Figures


def unusual(alert: Alert, figures: Figures) -> UnusualFinding:
    """An open alert, said in the language of `figures`."""
    text = open_sentence(alert.statement, figures)
    return UnusualFinding(alert.since, alert.type.value, text, is_high=alert.severity == "HIGH")
