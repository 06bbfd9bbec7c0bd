"""What the anomaly check found stands in the reports that come after it."""

import json
from datetime import date, datetime, timedelta

import pytest

from local.api import Surprise, sample_sales
from tests.integration.jobs.conftest import System

DAY = date(2026, 11, 18)
REPORT = {"report_type": "sales", "formats": ["json", "html"], "business_date": DAY.isoformat(), "force": True}


@pytest.fixture
def slow_day(system: System) -> System:
    """A shop on the morning after a slow day."""
    system.api.store = sample_sales(seed=11, end_date=DAY, days=120, surprises=(Surprise(DAY, 0.15),))
    system.api.clock = lambda: datetime.combine(DAY + timedelta(days=1), datetime.min.time()).replace(hour=7)
    return system


def test_a_report_after_the_check_says_what_is_unusual_and_one_before_it_nothing(slow_day: System) -> None:
    key = "reports/sales/daily/2026-11-18/sales-daily-2026-11-18"
    assert slow_day.fire("report", REPORT)["status"] == "SUCCEEDED"
    assert json.loads(slow_day.body(f"{key}.json"))["unusual"] is None
    slow_day.fire("anomaly_check", {"schedule": "anomaly-check", "scheduled_time": f"{DAY}T22:40:00Z"})
    assert slow_day.fire("report", REPORT)["status"] == "SUCCEEDED"
    unusual = json.loads(slow_day.body(f"{key}.json"))["unusual"]
    assert unusual["checked_on"] == DAY.isoformat()
    shop = next(finding for finding in unusual["findings"] if "below a usual Wednesday" in finding["text"])
    assert shop["since"] == DAY.isoformat()
    assert shop["text"] in slow_day.body(f"{key}.html").decode().replace("&#39;", "'")
