"""The alert budget end to end: a healthy shop gets no more than was asked for, and a busier one more where more is asked for."""

from salesflow.detection import Policy
from salesflow.findings.event import Severity
from tests.benchmarks.detection.calibration import Kind, alerts_a_month

NOISY = Kind("prices vary widely", price_spread=0.6, sundays=False)


def test_a_healthy_shop_gets_no_more_than_the_month_has_room_for_and_the_knob_is_not_idle() -> None:
    """Nothing happens in these shops, so that every alert is one too many: what is not needed stays unspent."""
    policies = [Policy(alerts_per_month=n, alert_severity=Severity.MEDIUM, min_deviation=0) for n in (1, 4, 30)]
    ordinary, noisy = (
        alerts_a_month(products=40, days=45, seed=3, policies=policies, kind=kind) for kind in (Kind("ordinary"), NOISY)
    )
    for told in (ordinary, noisy):
        of_products = [one.get("products", 0) + one.get("rules", 0) for one in told]
        assert of_products == sorted(of_products)
        assert of_products[0] <= 1 + 2
        assert of_products[1] <= 4 * 2  # eleven in 45 days are within chance of six
    assert noisy[2].get("products", 0) + noisy[2].get("rules", 0) > noisy[0].get("products", 0) + noisy[0].get(
        "rules", 0
    )
