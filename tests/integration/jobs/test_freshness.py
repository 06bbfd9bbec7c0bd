"""A till that has stopped sending its sales: the report waits or says so, and a quiet day is something else."""

from datetime import date, datetime, timedelta

import pytest

from tests.integration.jobs.conftest import BUSINESS_DATE, READERS, System

DAILY = {"business_date": BUSINESS_DATE.isoformat(), "formats": ["json", "html"]}


def silent_since(system: System, moment: datetime) -> None:
    """Take every sale from that moment on out of the source."""
    store = system.api.store
    store.remove_sale(*[sale.id for sale in store.sales if sale.sold_at >= moment])


def closed_on(system: System, *days: date) -> None:
    """Take the sales of some days out of the source."""
    store = system.api.store
    store.remove_sale(*[sale.id for sale in store.sales if sale.sold_at.date() in days])


@pytest.fixture(autouse=True)
def sales_come_back(system: System) -> object:
    """The shop is the session's: what a test takes out is put back."""
    everything = tuple(system.api.store.sales)
    yield
    system.api.store.foresee(*everything)


def test_stale_figures_are_sent_with_a_banner_and_the_run_is_partial(system: System) -> None:
    silent_since(system, datetime(2026, 11, 16))
    answer = system.fire("report", {**DAILY, "period": "weekly"})
    assert answer["status"] == "PARTIAL"
    assert answer["reason"].startswith("No sale has arrived since 2026-11-15")
    assert "No sale has arrived since 2026-11-15" in system.body(answer["artifacts"][1]["key"]).decode()
    assert sorted(mail["To"] for mail in system.mails()) == sorted(READERS)
    assert "No sale has arrived" in system.mails()[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_stale_figures_are_held_back_where_the_operator_wants_that(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STALE_REPORTS", "skip")
    silent_since(system, datetime(2026, 11, 16))
    answer = system.fire("report", {**DAILY, "period": "weekly"})
    assert answer["status"] == "SKIPPED_STALE"
    assert (system.mails(), system.keys(), answer["artifacts"]) == ([], [], [])


def test_a_day_without_sales_after_days_without_sales_is_stale_and_not_just_empty(system: System) -> None:
    silent_since(system, datetime(2026, 11, 16))
    answer = system.fire("report", DAILY)
    assert answer["status"] == "SKIPPED_STALE"
    assert "No report was made" in answer["reason"]


def test_a_source_that_has_been_silent_for_months_is_stale(system: System) -> None:
    silent_since(system, datetime(2026, 9, 1))
    answer = system.fire("report", DAILY)
    assert answer["status"] == "SKIPPED_STALE"
    assert "since 2026-08-31" in answer["reason"]


def test_one_quiet_day_is_empty(system: System) -> None:
    silent_since(system, datetime.combine(BUSINESS_DATE, datetime.min.time()))
    assert system.fire("report", DAILY)["status"] == "SKIPPED_EMPTY"


def test_a_closed_week_with_sales_after_it_is_empty(system: System) -> None:
    closed_on(system, *[BUSINESS_DATE - timedelta(days=n) for n in range(5, 15)])
    quiet = (BUSINESS_DATE - timedelta(days=5)).isoformat()
    assert system.fire("report", {**DAILY, "business_date": quiet})["status"] == "SKIPPED_EMPTY"


def test_the_check_can_be_switched_off(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STALE_AFTER_HOURS", "0")
    silent_since(system, datetime(2026, 11, 16))
    assert system.fire("report", {**DAILY, "period": "weekly"})["status"] == "SUCCEEDED"


def test_a_shop_that_never_sold_anything_is_empty(system: System) -> None:
    silent_since(system, datetime(2000, 1, 1))
    assert system.fire("report", DAILY)["status"] == "SKIPPED_EMPTY"
