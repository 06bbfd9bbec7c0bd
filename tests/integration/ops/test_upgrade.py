"""A stack of version 1.0.0, with the Parameters that it had: upgraded with all that it was told, and taken back."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.shop import LocalShop
from ops.samconfig import read_parameters
from ops.upgrade import carried
from tests.integration.ops.running import Desk, ops
from tests.integration.ops.test_deploy import Road, road  # noqa: F401 - a fixture
from tests.unit.template.stack import TEMPLATE

PYTHON = sys.executable
OLD: dict[str, Any] = json.loads(Path(__file__).with_name("parameters-1.0.0.json").read_text())
"""The Parameters of 1.0.0 and their defaults, as its template had them; None: none."""
SAID = {
    "LeadDays": "5",  # of a later one: what was never there is not asked for
    "StaleAfterHours": "48",
    "Holidays": "CN,2026-12-24=Christmas Eve",
    "MutedSkus": "",
    "AlertMedium": "mail",
    "SalesPdfHour": "8",
    "SalesPdfMinute": "5",
    "SyncHourlyFirstHour": "9",
    "CombinedWeeklyDay": "TUE",
    "CombinedMonthlyDay": "3",
    "ForecastState": "DISABLED",
    "WatchdogMinute": "45",
    "SyncMemory": "4096",
}
CARRIED = {
    "stale_after_hours": "48",
    "holidays": ["CN", "2026-12-24=Christmas Eve"],
    "alert_medium": "mail",
}
CRONS = {
    "SyncNightlyCron": "20 0 * * ? *",
    "SyncHourlyCron": "40 9-22 * * ? *",
    "SalesPdfCron": "5 8 * * ? *",
    "StockExcelCron": "10 7 * * ? *",
    "CombinedWeeklyCron": "20 7 ? * TUE *",
    "CombinedMonthlyCron": "30 7 3 * ? *",
    "ForecastCron": "",
    "AnomalyCheckCron": "40 6 * * ? *",
    "AnomalyProductsCron": "",
    "WatchdogCron": "45 * * * ? *",
}


def old_parameters(shop: LocalShop) -> dict[str, str]:
    """What a stack of 1.0.0 was deployed with."""
    defaults = {name: "" if value is None else str(value) for name, value in OLD.items()}
    own = {name: value for name, value in shop.shop.stack_parameters(shop.api.url).items() if name in OLD}
    return {**defaults, **own, **{name: value for name, value in SAID.items() if name in OLD}}


def deploy_older(shop: LocalShop, parameters: dict[str, str]) -> None:
    """Give the running stack the older version's Parameters, as CloudFormation has them."""
    client = shop.cloud.aws.client("cloudformation")
    name = shop.cloud.stack.stack
    body: Any = client.get_template(StackName=name)["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else json.loads(json.dumps(body))
    older = {one: {"Type": "String"} for one in parameters.keys() - template["Parameters"].keys()}
    template["Parameters"] |= older
    client.update_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )


def deployed(shop: LocalShop) -> dict[str, str]:
    (stack,) = shop.cloud.aws.client("cloudformation").describe_stacks(StackName=shop.cloud.stack.stack)["Stacks"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}


@pytest.fixture
def older(shop: LocalShop) -> Iterator[dict[str, str]]:
    parameters = old_parameters(shop)
    deploy_older(shop, parameters)
    yield parameters
    shop.cloud.deploy(TEMPLATE, shop.shop.stack_parameters(shop.api.url))


def test_every_parameter_of_1_0_0_goes_somewhere() -> None:
    said = {name: "" if value is None else str(value) for name, value in OLD.items()}
    as_it_was = carried(said)
    assert (as_it_was.settings, as_it_was.lost) == ({}, {}), "the defaults are the same"
    assert as_it_was.crons["SalesPdfCron"] == "0 7 * * ? *"
    changed = carried(said | {name: value for name, value in SAID.items() if name in OLD})
    assert (changed.settings, changed.crons, changed.lost) == (CARRIED, CRONS, {"SyncMemory": "4096"})


def test_of_this_version_s_stack_there_is_nothing_to_carry(desk: Desk, road: Road) -> None:  # noqa: F811
    del desk
    again = ops("upgrade", "--dry-run", "--config-file", road.config, "--json")
    assert (again.code, again.data["carried"]) == (0, {})
    missing = ops("upgrade", "--back", "--config-file", road.config)
    assert missing.code == 3


def test_a_stack_of_1_0_0_is_upgraded_and_taken_back(
    desk: Desk,
    shop: LocalShop,
    older: dict[str, str],
    road: Road,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = road.deploy()
    assert (refused.code, "salesflow-ops upgrade" in refused.err, road.calls) == (2, True, [])
    would = ops("upgrade", "--dry-run", "--config-file", road.config, "--json").data["carried"]
    assert (would["settings"], would["parameters"], would["lost"]) == (CARRIED, CRONS, {"SyncMemory": "4096"})
    assert desk("settings", "history", "--json").data == []
    assert not road.config.exists()

    done = ops("upgrade", "--yes", "--no-wait", "--config-file", road.config)
    assert done.code == 0, done.err
    assert road.calls[0] == "build"
    (version,) = desk("settings", "history", "--json").data
    assert version["values"] == CARRIED
    new = read_parameters(road.config)
    assert new.items() >= CRONS.items()
    assert new["ReportRecipients"] == older["ReportRecipients"]
    assert not new.keys() & {"SalesPdfHour", "StaleAfterHours", "SyncMemory"}

    monkeypatch.setattr(sys, "executable", PYTHON)
    shop.cloud.deploy(TEMPLATE, new)  # what the SAM CLI would do
    rows = {row["id"]: row for row in desk("schedules", "list", "--json").data}
    assert rows["scheduled-sales-pdf"]["expression"] == "cron(5 8 * * ? *)"
    assert rows["forecast"]["enabled"] is False
    assert desk("settings", "get", "stale_after_hours", "--json").data["value"] == "48"
    assert desk("run", "sync-history").code == 0, "the functions go by it"

    back = ops("upgrade", "--back", "--config-file", road.config, "--json").data
    assert back["next"] == "sam deploy --config-env default-before"
    deploy_older(shop, read_parameters(road.config, environment="default-before"))
    assert deployed(shop).items() >= older.items()
