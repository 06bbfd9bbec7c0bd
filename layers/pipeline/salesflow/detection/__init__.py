"""Unusual days in daily sales: found from the past alone, explained, and said once.

`score_panel` scores many series at once; `detect` judges one business date of a shop and answers what it found as data, which
`salesflow.findings.wording` says in a language.
"""

from salesflow.detection.calendar import DayFinding, classify_day, missing_days
from salesflow.detection.calibration import threshold_for
from salesflow.detection.detection import detect, detect_days
from salesflow.detection.lookup import UnknownProduct, find_product
from salesflow.detection.model import (
    Causes,
    Contribution,
    DayState,
    DetectionResult,
    Event,
    EventType,
    HourSpan,
    Note,
    NoteKind,
    Policy,
    Severity,
    Statement,
)
from salesflow.detection.panel import PanelScores, score_panel

__all__ = [
    "Causes",
    "Contribution",
    "DayFinding",
    "DayState",
    "DetectionResult",
    "Event",
    "EventType",
    "HourSpan",
    "Note",
    "NoteKind",
    "PanelScores",
    "Policy",
    "Severity",
    "Statement",
    "UnknownProduct",
    "classify_day",
    "detect",
    "detect_days",
    "find_product",
    "missing_days",
    "score_panel",
    "threshold_for",
]
