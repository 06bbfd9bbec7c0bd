"""What a month has room for: the dearest of what the shop's own last weeks would have told."""

from datetime import timedelta

import pandas as pd

from salesflow.detection import Policy
from tests.integration.detection.test_detection import SATURDAY, judge
from tests.unit.detection.shops import made_up


def test_what_began_before_the_weeks_that_the_budget_is_measured_on_takes_no_place_in_them() -> None:
    products = made_up()
    for sku, first, last in (("P15", 70, 58), ("P00", 45, 38), ("P10", 30, 23), ("P01", 2, 0)):  # the dearest first
        gone = pd.date_range(SATURDAY - timedelta(days=first), SATURDAY - timedelta(days=last)).date
        products = products[~((products["sku"] == sku) & products["date"].dt.date.isin(gone))]
    one, none = (
        {e.sku: e.within_budget for e in judge(products, policy=Policy(alerts_per_month=budget)).products}["P01"]
        for budget in (1, 0.5)
    )
    assert one  # in nine weeks two are dearer, and the third had been told before them
    assert not none
