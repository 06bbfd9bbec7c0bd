"""Unusual days in daily sales: found from the past alone, and explained.

`score_panel` scores many series at once; `detect` judges one business date of a shop and answers events, which
`salesflow.findings.wording` says in a language.
"""

from salesflow.detection.calibration import threshold_for
from salesflow.detection.detection import detect, detect_days
from salesflow.detection.lookup import UnknownProduct, find_product
from salesflow.detection.model import DetectionResult, Policy
from salesflow.detection.panel import PanelScores, score_panel
from salesflow.findings.event import Event, EventType, Severity

__all__ = [
    "DetectionResult",
    "Event",
    "EventType",
    "PanelScores",
    "Policy",
    "Severity",
    "UnknownProduct",
    "detect",
    "detect_days",
    "find_product",
    "score_panel",
    "threshold_for",
]
