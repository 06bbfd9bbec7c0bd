"""What one date comes to, from the tables and the list of products."""

from datetime import date, timedelta

import pandas as pd
import pytest

from salesflow.alerts.judging import Tables, judge
from salesflow.detection import Policy
from salesflow.findings.event import EventType, Severity
from salesflow.job_events import Scope
from salesflow.windows import Period
from tests.unit.detection.shops import day_table, made_up

LAST, SILENT = date(2025, 8, 2), 5


@pytest.mark.parametrize("made_up_for", [0, 1])
def test_a_day_that_is_made_up_for_goes_by_the_product_list_too(made_up_for: int) -> None:
    sold = made_up()
    kept = sold[(sold["sku"] != "P09") | (sold["date"] < pd.Timestamp(LAST - timedelta(days=SILENT)))]
    day = LAST - timedelta(days=made_up_for)

    def severities(stock: dict[str, int]) -> set[Severity]:
        tables = Tables(day_table(sold), kept, sold["date"].min().date(), stock)
        judged = judge(tables, day, scope=Scope.GLOBAL, sku=None, period=Period.DAILY, policy=Policy())
        return {e.severity for e in judged.result.products if e.type is EventType.STOPPED_SELLING and e.sku == "P09"}

    listed = dict.fromkeys(sold["sku"].unique(), 50)
    assert severities(listed) == {Severity.HIGH}
    assert severities({sku: pieces for sku, pieces in listed.items() if sku != "P09"}) == {Severity.LOW}
