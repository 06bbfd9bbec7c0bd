"""Unusual days in daily sales: found from the past alone, explained, and said once."""

from salesflow.anomalies.panel import PanelScores, score_panel

__all__ = ["PanelScores", "score_panel"]
