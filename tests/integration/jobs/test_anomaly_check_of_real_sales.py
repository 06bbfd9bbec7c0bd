"""The real shop through the function's own handler: its Christmas, its cut-off last day, its order of 80,995 pieces.

The holidays in between are judged in `tests/integration/detection/test_detection.py`.
"""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.api import online_retail_store
from tests.integration.jobs.conftest import System, text_of
from tests.stand_ins.clocks import HandClock
from tests.stand_ins.shops import REAL_SALES, real_sales


@pytest.fixture
def real_shop(system: System, monkeypatch: pytest.MonkeyPatch, hand_clock: HandClock) -> System:
    """A stack whose source is Online Retail; each run reads what came since the one before, in the shop's own time."""
    system.api.clock = lambda: hand_clock.now().replace(tzinfo=None)
    if not REAL_SALES.exists():
        pytest.skip("Online Retail is not beside the project")
    for name, value in {
        "TIMEZONE": "Europe/London",
        "CURRENCY": "GBP",
        "HISTORY_OVERLAP_DAYS": "1",
        "HISTORY_DAYS": "180",
    }.items():
        monkeypatch.setenv(name, value)
    return system


def check(system: System, clock: HandClock, day: date) -> dict[str, Any]:
    """The check on the morning after a date, by its schedule; the file of its findings is under `document`."""
    morning = datetime.combine(day + timedelta(days=1), time(6, 40))
    clock.moment = morning.replace(tzinfo=UTC)
    answer = system.fire("anomaly_check", {"schedule": "anomaly-check", "scheduled_time": f"{morning.isoformat()}Z"})
    (artifact,) = answer["artifacts"]
    return answer | {"document": json.loads(system.body(artifact["key"]))}


def test_the_real_shop_s_christmas_is_told_at_its_beginning_and_its_end(
    real_shop: System, hand_clock: HandClock, tmp_path: Path
) -> None:
    real_shop.api.store = online_retail_store(real_sales(tmp_path, date(2010, 12, 1), date(2011, 1, 6)))
    told = []
    for number in (0, 1, 2, 3, 11, 12, 13):  # from 23 December to 5 January, closed from the 24th to the 3rd
        day = date(2010, 12, 23) + timedelta(days=number)
        told += [(day, entry["change"], entry["alert"]) for entry in check(real_shop, hand_clock, day)["told"]]
    assert told == [(date(2010, 12, 24), "opened", "day|shop"), (date(2011, 1, 4), "resolved", "day|shop")]
    opened, over = map(text_of, real_shop.mails())
    assert opened.startswith("No sale at all on Friday, 24 December")
    assert over.startswith("Sales are coming in again")


def test_the_real_shop_s_last_day_is_cut_off_and_holds_a_giant_order(
    real_shop: System, hand_clock: HandClock, tmp_path: Path
) -> None:
    real_shop.api.store = online_retail_store(real_sales(tmp_path, date(2011, 6, 13)))
    answer = check(real_shop, hand_clock, date(2011, 12, 9))
    findings = {finding["alert"]: finding["event"] for finding in answer["document"]["findings"]}
    assert answer["state"] == "partial"
    assert findings["day|shop"]["type"] == "PARTIAL_DAY"
    assert not [alert for alert in findings if alert.startswith("down|")]  # what is not in yet is no drop
    assert "23843" in findings["up|shop"]["causes"]["products"][0]["name"]
    assert [entry["alert"] for entry in answer["told"]] == ["up|shop"]  # one cause, one finding: the order is under it
    said = text_of(real_shop.mails()[-1])
    assert "One sale of £168,469.60 at 09:15 made it." in said
    assert "PAPER CRAFT , LITTLE BIRDIE (23843): +£168,469.60" in said
    assert findings["up|sku:23843"]["value"] == 80995  # the order itself is in the file
