"""The sync_history job: what it stores, and that anything can be fired alone on a fresh stack."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from local.api import SalesFlowServer, SalesStore, sample_sales
from local.api.records import Sale, SaleItem
from salesflow import clock
from salesflow.errors import SystemTokenMissing
from salesflow.history.panel import DailyPanel
from salesflow.history.terms import Terms
from salesflow.money import Currency
from salesflow.s3 import ObjectStore
from tests.integration.jobs.conftest import BUSINESS_DATE, ZONE, System
from tests.integration.jobs.test_freshness import silent_since

EVENTS = Path(__file__).parents[3] / "events"
TICK = {"schedule": "sync-history-nightly", "scheduled_time": "2026-11-20T16:20:00Z"}


def test_a_fresh_stack_gets_lines_panel_snapshot_and_coverage(system: System) -> None:
    answer = system.fire("sync_history", TICK)
    assert answer["status"] == "SUCCEEDED"
    assert answer["covered_to"] == BUSINESS_DATE.isoformat()
    keys = system.keys("history/")
    assert "history/sales/month=2026-11/lines.parquet" in keys
    assert "history/daily/month=2026-11/daily.csv.gz" in keys
    assert f"history/stock/{BUSINESS_DATE}.csv.gz" in keys
    assert json.loads(system.body("history/coverage/daily.json"))["last"] == BUSINESS_DATE.isoformat()


def test_the_panel_is_the_shop(system: System) -> None:
    system.fire("sync_history", TICK)
    panel = DailyPanel(ObjectStore(system.clients.s3, system.bucket), Terms(Currency("CNY"), ZONE, time(0))).read(
        BUSINESS_DATE, BUSINESS_DATE
    )
    items = [i for s in system.api.store.sales if s.sold_at.date() == BUSINESS_DATE for i in s.items]
    assert panel["quantity"].sum() == sum(item.quantity for item in items)
    assert set(panel["sku"]) == {item.sku for item in items}


def test_each_tick_of_the_day_runs_once(system: System) -> None:
    hourly = {"schedule": "sync-history-hourly", "scheduled_time": "2026-11-20T17:40:00Z"}
    assert system.fire("sync_history", TICK)["status"] == "SUCCEEDED"
    assert system.fire("sync_history", hourly)["status"] == "SUCCEEDED"
    assert system.fire("sync_history", hourly)["status"] == "DUPLICATE"


def test_a_server_whose_clock_is_wrong_is_told(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system.api, "dates", lambda: clock.now() + timedelta(hours=5, seconds=20))
    answer = system.fire("sync_history", TICK)
    assert "clock of the SalesFlow API's server is 300 minutes ahead" in answer["source_clock"]
    assert answer["source_clock"] in answer["reason"]


def test_a_rebuild_reads_everything_again(system: System) -> None:
    first = system.fire("sync_history", {"business_date": BUSINESS_DATE.isoformat()})
    again = system.fire("sync_history", {"business_date": BUSINESS_DATE.isoformat(), "rebuild": True, "force": True})
    assert again["read_from"] == first["read_from"] == (BUSINESS_DATE - timedelta(days=180)).isoformat()


@pytest.mark.parametrize("wrapping", ["none", "data", "content", "items", "sales", "result"])
def test_any_wrapping_of_lists_gives_the_same_history(system: System, wrapping: str) -> None:
    from local.api import Wrapping

    system.api.wrapping = Wrapping(wrapping)
    assert system.fire("sync_history", TICK)["sales_read"] > 2000


@pytest.fixture(scope="module")
def today_s_shop() -> tuple[SalesStore, datetime]:
    """A shop that sold until today, and this moment in its zone: an event from the console names no date, and means today."""
    now = datetime.now(ZoneInfo(ZONE)).replace(tzinfo=None)
    return sample_sales(seed=7, end_date=now.date(), days=100), now


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_event_runs_as_it_is(
    system: System, today_s_shop: tuple[SalesStore, datetime], monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    store, now = today_s_shop
    with SalesFlowServer(store, clock=lambda: now) as api:
        monkeypatch.setenv("SALESFLOW_API_URL", api.url)
        system.set_secret(api.issue_token(timedelta(days=3650)))
        answer = system.fire(path.stem.partition("-")[0], json.loads(path.read_text()))
    assert answer["status"] in {"SUCCEEDED", "SKIPPED_EMPTY"}


@pytest.fixture
def sales_come_back(system: System) -> Iterator[None]:
    """The shop is the session's: it is as before after a test that changes its sales."""
    everything = tuple(system.api.store.sales)
    yield
    system.api.store.remove_sale(*[sale.id for sale in system.api.store.sales])
    system.api.store.foresee(*everything)


def test_the_read_is_as_old_as_its_beginning(system: System) -> None:
    """Dated later, it would overrule what another job read meanwhile."""
    before = clock.now()
    system.fire("sync_history", TICK)
    key = "history/sales/month=2026-11/lines.parquet"
    metadata = system.clients.s3.head_object(Bucket=system.bucket, Key=key)["Metadata"]
    assert before <= datetime.fromisoformat(metadata["read-at"]) <= clock.now()


def test_a_sale_that_comes_late_is_in_the_next_report_of_its_days_and_told(
    system: System, sales_come_back: None
) -> None:
    system.fire("report", {"formats": ["json"], "business_date": "2026-11-18"})
    late = Sale(9_000_001, datetime(2026, 11, 3, 10), 140.0, (SaleItem(1, "Late", "LATE", 2, 70.0, 140.0),))
    system.api.store.put_sale(late)
    day = [sale for sale in system.api.store.sales if sale.sold_at.date() == late.sold_at.date()]
    now = sum((Decimal(str(sale.total_amount)) for sale in day), Decimal(0))
    monthly = {"formats": ["json"], "business_date": "2026-11-19", "period": "monthly"}
    key = "reports/sales/monthly/2026-11-19/sales-monthly-2026-11-19.json"
    system.fire("report", monthly)
    first = system.body(key)
    assert f"2026-11-03 is now {now:,.2f}, was {now - 140:,.2f}: 1 sale came later." in first.decode()
    system.fire("report", {**monthly, "force": True})
    assert system.body(key) == first, "made again it says the same"
    assert "came later" not in _told(system, "2026-11-20"), "and no later report says it again"


def _told(system: System, day: str) -> str:
    system.fire("report", {"formats": ["json"], "business_date": day})
    return system.body(f"reports/sales/daily/{day}/sales-daily-{day}.json").decode()


def test_another_currency_is_in_no_report_mixed_with_the_old_one(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = {"formats": ["json"], "business_date": "2026-11-20", "period": "quarterly"}
    system.fire("sync_history", TICK)
    monkeypatch.setenv("CURRENCY", "KWD")
    answer = system.fire("report", day)
    assert answer["history_read_again"] == ["digits after the point 2 instead of 3"]
    found = json.loads(system.body("reports/sales/quarterly/2026-11-20/sales-quarterly-2026-11-20.json"))
    first, last = date(2026, 8, 23), date(2026, 11, 20)
    sales = [sale for sale in system.api.store.sales if first <= sale.sold_at.date() <= last]
    assert Decimal(str(found["sales"]["kpis"]["revenue"])) == sum(
        (Decimal(str(sale.total_amount)) for sale in sales), Decimal(0)
    )


def test_sales_that_are_gone_at_the_source_are_told_to_the_owner(system: System, sales_come_back: None) -> None:
    system.fire("sync_history", TICK)
    silent_since(system, datetime(2026, 11, 18))
    answer = system.fire("sync_history", {**TICK, "scheduled_time": "2026-11-20T23:40:00Z"})
    assert answer["status"] == "PARTIAL"
    assert "The source no longer has" in answer["sales_gone"]


def test_a_fresh_stack_without_a_token_says_what_to_do(system: System) -> None:
    system.set_secret('{"token": ""}')
    with pytest.raises(SystemTokenMissing) as caught:
        system.fire("sync_history", TICK)
    assert "Store the system token" in caught.value.action
