"""The alert budget end to end: a healthy shop gets no more than was asked for, and an eventful one more where more is asked for."""

from salesflow.detection import Policy
from salesflow.findings.event import Severity
from tests.benchmarks.detection.calibration import Kind, alerts_a_month

EVENTFUL = Kind("rushes", rushes=0.02)


def test_a_healthy_shop_gets_no_more_than_the_month_has_room_for_and_the_knob_is_not_idle() -> None:
    """In the first shop nothing happens, so that every alert is one too many; in the other a product is rushed for almost every day."""
    policies = [Policy(alerts_per_month=n, alert_severity=Severity.MEDIUM, min_deviation=0) for n in (1, 4, 30)]
    ordinary, eventful = (
        [
            told.get("products", 0) + told.get("rules", 0)
            for told in alerts_a_month(products=40, days=45, seed=3, policies=policies, kind=kind)
        ]
        for kind in (Kind("ordinary"), EVENTFUL)
    )
    for of_products in (ordinary, eventful):
        assert of_products == sorted(of_products)
        assert of_products[0] <= 1 + 2
        assert of_products[1] <= 4 * 2  # eleven in 45 days are within chance of six
    assert eventful[2] > eventful[0] > 0
