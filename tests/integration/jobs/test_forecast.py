"""The forecast job: what it writes, and what it says when there is nothing to forecast from or the models fail."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

import salesflow.history.sync as history_sync
from local.api import SalesFlowServer, SalesStore
from salesflow.errors import InvalidSettings
from salesflow.forecasting import Forecast
from tests.integration.jobs.conftest import BUSINESS_DATE, System

TICK = {"schedule": "forecast", "scheduled_time": "2026-11-20T18:00:00Z"}  # 02:00 on the 21st in Shanghai
KEY = f"forecasts/{BUSINESS_DATE}.json"


def stored(system: System, day: date = BUSINESS_DATE) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(system.body(f"forecasts/{day}.json"))
    return document


def at(day: date) -> dict[str, Any]:
    """A firing of the night after a business date."""
    return {**TICK, "scheduled_time": f"{day}T18:00:00Z"}


@pytest.fixture
def api(shop_sales: Any, request: pytest.FixtureRequest) -> Iterator[SalesFlowServer]:
    """The shop's API; with a parameter, a shop that opened that many days before the business date."""
    days = getattr(request, "param", None)
    opened = BUSINESS_DATE - timedelta(days=(days or 10_000) - 1)
    store = SalesStore([sale for sale in shop_sales.sales if sale.sold_at.date() >= opened], shop_sales.products)
    with SalesFlowServer(store, clock=lambda: datetime(2026, 11, 21, 7)) as server:
        yield server


def test_a_fresh_stack_gets_the_next_90_days(system: System) -> None:
    answer = system.fire("forecast", TICK)
    assert (answer["job"], answer["business_date"]) == ("forecast", BUSINESS_DATE.isoformat())
    assert (answer["status"], answer["state"]) == ("SUCCEEDED", "fresh"), answer["reason"]
    assert [artifact["key"] for artifact in answer["artifacts"]] == [KEY]
    assert answer["notified"] == []
    document = stored(system)
    assert (document["state"], document["made_after"]) == ("fresh", BUSINESS_DATE.isoformat())
    assert (document["currency"], document["minor_digits"]) == ("CNY", 2)
    forecast = Forecast.from_document(document["forecast"])
    assert [day.day for day in forecast.revenue.daily] == [BUSINESS_DATE + timedelta(days=n) for n in range(1, 91)]
    assert forecast.products
    assert answer["expected_revenue"]["30"] == forecast.revenue.horizon(30).total
    assert system.mails() == []
    (run,) = [row for row in system.rows() if "status" in row]
    assert run["status"] == {"S": "SUCCEEDED"}


def test_the_forecast_is_near_what_the_shop_sells(system: System) -> None:
    system.fire("forecast", TICK)
    sold: dict[date, int] = {}
    for sale in system.api.store.sales:
        day = sale.sold_at.date()
        if BUSINESS_DATE - timedelta(days=27) <= day <= BUSINESS_DATE:
            sold[day] = sold.get(day, 0) + round(sum(float(item.subtotal) for item in sale.items) * 100)
    usual = sum(sold.values()) / 4
    (week,) = [h for h in stored(system)["forecast"]["shop"]["revenue"]["horizons"] if h["days"] == 7]
    assert 0.7 * usual < week["total"] < 1.4 * usual
    assert week["lower80"] < week["total"] < week["upper80"]


@pytest.mark.parametrize("api", [70], indirect=True)
def test_the_same_history_gives_the_same_bytes(system: System) -> None:
    first = system.fire("forecast", TICK)
    again = system.fire("forecast", {**TICK, "force": True})
    assert again["status"] == "SUCCEEDED"
    assert again["artifacts"] == first["artifacts"]
    versions = system.clients.s3.list_object_versions(Bucket=system.bucket, Prefix="forecasts/")["Versions"]
    assert len(versions) == 1


@pytest.mark.parametrize("api", [40], indirect=True)
def test_a_firing_that_comes_twice_does_its_work_once(system: System) -> None:
    system.fire("forecast", TICK)
    assert system.fire("forecast", TICK)["status"] == "DUPLICATE"


@pytest.mark.parametrize("api", [20], indirect=True)
def test_a_new_shop_hears_that_there_is_too_little_history(system: System) -> None:
    answer = system.fire("forecast", TICK)
    assert (answer["status"], answer["state"]) == ("SKIPPED_EMPTY", "none"), "no news for the owner"
    assert "28 days" in answer["reason"]
    document = stored(system)
    assert (document["state"], document["forecast"]) == ("none", None)
    assert document["reason"] in answer["reason"]


@pytest.mark.parametrize("api", [20], indirect=True)
def test_a_new_shop_s_unfinished_day_is_tried_again_when_it_is_over(system: System) -> None:
    at_noon = {**TICK, "scheduled_time": "2026-11-20T04:00:00Z", "business_date": str(BUSINESS_DATE)}
    assert system.fire("forecast", at_noon)["status"] == "PARTIAL"
    assert system.fire("forecast", TICK)["status"] == "SKIPPED_EMPTY"


@pytest.mark.parametrize("api", [40], indirect=True)
def test_models_that_fail_leave_the_last_good_forecast_standing_and_say_so(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is in the data that reaches the models: the panel's SKUs are gone."""
    good, night, next_night = (BUSINESS_DATE - timedelta(days=n) for n in (2, 1, 0))
    system.fire("forecast", at(good))
    read = history_sync.History.read_panel

    def without_skus(self: Any, first: date, last: date) -> pd.DataFrame:
        return read(self, first, last).drop(columns="sku")

    monkeypatch.setattr(history_sync.History, "read_panel", without_skus)
    for day in (night, next_night):
        answer = system.fire("forecast", at(day))
        assert (answer["status"], answer["state"], answer["made_after"]) == ("PARTIAL", "fallback", good.isoformat())
        assert "sku" in answer["reason"]
        assert f"made after {good}" in answer["reason"]
        document = stored(system, day)
        assert document["forecast"] == stored(system, good)["forecast"]
        assert document["reason"]
        assert str(good) in document["notes"][0]
    monkeypatch.undo()


@pytest.mark.parametrize("api", [40], indirect=True)
def test_a_day_that_is_not_over_is_not_learnt_from(system: System) -> None:
    yesterday = system.fire("forecast", at(BUSINESS_DATE - timedelta(days=1)))
    answer = system.fire(
        "forecast", {**TICK, "scheduled_time": "2026-11-20T04:00:00Z", "business_date": str(BUSINESS_DATE)}
    )
    assert answer["status"] == "PARTIAL"
    assert "not over" in answer["reason"]
    first_night, second_night = (stored(system, BUSINESS_DATE - timedelta(days=n))["forecast"] for n in (1, 0))
    assert first_night["open_days"] == second_night["open_days"] == Forecast.from_document(first_night).open_days
    assert yesterday["status"] == "SUCCEEDED"


@pytest.mark.parametrize("api", [40], indirect=True)
def test_the_shop_s_own_holidays_reach_the_forecast(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLIDAYS", "2026-12-24=Stocktaking,CN")
    system.fire("forecast", TICK)
    daily = stored(system)["forecast"]["shop"]["revenue"]["daily"]
    named = {day: name for day, name in zip(daily["day"], daily["holiday"], strict=True) if name}
    assert named["2026-12-24"] == "Stocktaking"
    assert named["2027-01-01"] == "New Year's Day"


def test_a_country_that_nobody_knows_is_named(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLIDAYS", "XX")
    with pytest.raises(InvalidSettings, match="XX"):
        system.fire("forecast", TICK)


def test_an_unusable_holiday_is_refused_before_anything_runs(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLIDAYS", "2026-02-30")
    with pytest.raises(InvalidSettings, match="HOLIDAYS"):
        system.fire("forecast", TICK)


@pytest.mark.parametrize("api", [40], indirect=True)
def test_a_damaged_forecast_is_no_last_good_one(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    good, damaged = BUSINESS_DATE - timedelta(days=2), BUSINESS_DATE - timedelta(days=1)
    system.fire("forecast", at(good))
    system.clients.s3.put_object(Bucket=system.bucket, Key=f"forecasts/{damaged}.json", Body=b'{"state": "fre')
    monkeypatch.setattr(history_sync.History, "read_panel", lambda *_: pd.DataFrame())
    answer = system.fire("forecast", TICK)
    assert (answer["status"], answer["made_after"]) == ("PARTIAL", good.isoformat())


def report(system: System, **fields: Any) -> dict[str, Any]:
    answer = system.fire(
        "report", {"business_date": str(BUSINESS_DATE), "formats": ["json"], "notify": "none", "force": True, **fields}
    )
    manifest = json.loads(system.body(f"reports/sales/daily/{BUSINESS_DATE}/manifest.json"))
    content = json.loads(system.body(answer["artifacts"][0]["key"]))
    return {"answer": answer, "manifest": manifest, "forecast": content["forecast"]}


@pytest.mark.parametrize("api", [40], indirect=True)
def test_the_report_shows_the_forecast_of_its_date_or_the_newest_before_it(system: System) -> None:
    before, after = BUSINESS_DATE - timedelta(days=1), BUSINESS_DATE + timedelta(days=1)
    assert report(system)["forecast"] is None
    system.api.clock = lambda: datetime(2026, 11, 22, 7)
    system.fire("forecast", at(after))
    assert report(system)["forecast"] is None, "what was made later is not shown"
    system.fire("forecast", at(before))
    old = report(system)
    assert old["forecast"]["made_after"] == before.isoformat()
    assert str(before) in old["forecast"]["stale"]
    assert old["manifest"]["forecast"] == f"forecasts/{before}.json"
    system.fire("forecast", at(BUSINESS_DATE))
    own = report(system)
    assert (own["forecast"]["made_after"], own["forecast"]["stale"]) == (BUSINESS_DATE.isoformat(), "")
    week = stored(system)["forecast"]["shop"]["revenue"]["horizons"][0]
    assert round(own["forecast"]["horizons"][0]["total"] * 100) == week["total"]
    assert report(system)["answer"]["artifacts"] == own["answer"]["artifacts"], "the same inputs, the same bytes"
