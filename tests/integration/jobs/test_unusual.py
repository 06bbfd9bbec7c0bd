"""What the anomaly check found stands in the reports that come after it."""

import json
import re
from datetime import date, datetime, timedelta

import pytest
from msgspec import structs

from local.api import SalesStore, Surprise, sample_sales
from tests.integration.jobs.conftest import System, text_of

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


def test_the_alert_and_the_report_say_the_same_figures_of_a_day_on_which_much_came_back(slow_day: System) -> None:
    store = SalesStore(list(slow_day.api.store.sales), slow_day.api.store.products)
    of_the_day = [sale for sale in store.sales if sale.sold_at.date() == DAY]
    for number, sale in enumerate(of_the_day[::4]):  # a quarter of what was sold is given back an hour later
        items = tuple(structs.replace(i, quantity=-i.quantity, subtotal=-i.subtotal) for i in sale.items)
        later = sale.sold_at + timedelta(hours=1)
        store.put_sale(
            structs.replace(sale, id=9_000_000 + number, sold_at=later, total_amount=-sale.total_amount, items=items)
        )
    slow_day.api.store = store
    slow_day.fire("anomaly_check", {"schedule": "anomaly-check", "scheduled_time": f"{DAY}T22:40:00Z"})
    slow_day.fire("report", REPORT)
    alert = " ".join(text_of(slow_day.mails()[0]).split())
    told = re.search(r"sales were (\d+)% below a usual Wednesday: \D*([\d,]+) instead of about", alert)
    assert told is not None
    key = "reports/sales/daily/2026-11-18/sales-daily-2026-11-18"
    page = slow_day.body(f"{key}.html").decode()
    assert f"{told[1]}% below a usual Wednesday" in re.sub(r"<[^>]+>", "", page)
    paid = sum(sale.total_amount for sale in store.sales if sale.sold_at.date() == DAY)
    assert float(told[2].replace(",", "")) == pytest.approx(paid, abs=0.51)
