"""What is unusual and not over, in words, for the pages that are no alert: reports and the library."""

from salesflow.alerts.lifecycle import Alert
from salesflow.analytics.results import UnusualFinding
from salesflow.figures import Figures
from salesflow.findings.wording import sentence


def unusual(alert: Alert, figures: Figures) -> UnusualFinding:
    """An open alert, said in the language of `figures`."""
    text = sentence(alert.statement, figures)
    return UnusualFinding(alert.since, alert.type.value, text, is_high=alert.severity == "HIGH")
