"""The alert budget end to end: as many alerts a month as were asked for, in shops in which nothing happens."""

import numpy as np
import pytest

from salesflow.detection import Policy
from salesflow.findings.event import Severity
from tests.benchmarks.detection.calibration import Kind, alerts_a_month

NOISY = Kind("closed on Sundays, prices vary", price_spread=0.15, sundays=False)


def test_alerts_of_the_whole_pipeline_are_within_30_percent_of_what_was_asked() -> None:
    """Two shops, four months in all, end to end: shop, products and rules. The benchmark measures it with many more."""
    policies = [
        Policy(alerts_per_month=8),
        Policy(alerts_per_month=30),
        Policy(alerts_per_month=16, alert_severity=Severity.HIGH),
    ]
    shops = [(40, 3, NOISY), (70, 1, Kind("ordinary"))]
    raised = [alerts_a_month(products=n, days=60, seed=seed, policies=policies, kind=kind) for n, seed, kind in shops]
    for place, policy in enumerate(policies):
        assert np.mean([r[place]["all"] for r in raised]) == pytest.approx(policy.alerts_per_month, rel=0.3)
