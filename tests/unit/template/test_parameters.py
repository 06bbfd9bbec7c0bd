"""Does every knob say what it does, and refuse what cannot work before anything is deployed?"""

import re
from typing import Any
from zoneinfo import available_timezones

import pytest
from annotated_types import Ge, Le
from samcli.yamlhelper import yaml_parse

from salesflow.language import Language
from salesflow.settings import EmptyReports, MailContent, MediumAlerts, Paper, Settings, StaleReports
from tests.unit.template.stack import TEMPLATE, parameters, text


def template() -> dict[str, Any]:
    found: dict[str, Any] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    return found


def accepts(parameter: str, value: str) -> bool:
    return re.fullmatch(parameters()[parameter]["AllowedPattern"], value, re.ASCII) is not None


@pytest.mark.parametrize("name", parameters())
def test_every_parameter_is_described_and_bounded(name: str) -> None:
    parameter = parameters()[name]
    assert parameter["Description"].endswith(".")
    if parameter["Type"] == "Number":
        assert "AllowedValues" in parameter or parameter["MinValue"] < parameter["MaxValue"]
    else:
        assert "AllowedValues" in parameter or "AllowedPattern" in parameter
    if "AllowedPattern" in parameter:
        assert parameter["ConstraintDescription"], "CloudFormation would show the bare pattern"


def test_only_what_no_default_can_know_has_to_be_given() -> None:
    assert {n for n, p in parameters().items() if "Default" not in p} == {
        "SalesFlowApiUrl",
        "MailSender",
        "OwnerRecipients",
    }


@pytest.mark.parametrize("name", [n for n, p in parameters().items() if "Default" in p])
def test_every_default_is_allowed(name: str) -> None:
    parameter = parameters()[name]
    default = parameter["Default"]
    assert default in parameter.get("AllowedValues", [default])
    assert accepts(name, default) if "AllowedPattern" in parameter else True
    if "MinValue" in parameter:
        assert parameter["MinValue"] <= default <= parameter["MaxValue"]


def test_every_parameter_is_used_and_stands_in_one_group() -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(parameters())
    rest = text({key: value for key, value in template().items() if key not in {"Parameters", "Metadata"}})
    for name in parameters():
        assert f'"Ref": "{name}"' in rest or f"${{{name}}}" in rest, name


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/api/v1",
        "https://shop.example:8443/api/v1",
        "http://127.0.0.1:40123/api/v1",
        "http://localhost:8080/api/v1",
        "http://host.docker.internal:8080/api/v1",
    ],
)
def test_urls_that_work(url: str) -> None:
    assert accepts("SalesFlowApiUrl", url)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/api/v1",
        "http://127.0.0.1.shop.example/api/v1",
        "http://localhost@shop.example/api/v1",
        "https://name:password@shop.example/api/v1",
        "https://shop.example/api/v1?token=x",
        "ftp://shop.example",
        "shop.example/api/v1",
        "",
    ],
)
def test_urls_that_would_send_the_token_in_the_clear_or_nowhere(url: str) -> None:
    assert not accepts("SalesFlowApiUrl", url)


def test_every_time_zone_is_accepted() -> None:
    assert not {zone for zone in available_timezones() if not accepts("TimeZone", zone)}
    assert not any(accepts("TimeZone", bad) for bad in ("", "Asia/", "../etc/passwd", "Asia/Shang hai", "+08:00"))


@pytest.mark.parametrize("parameter", ["ReportRecipients", "AlertRecipients", "OwnerRecipients"])
def test_lists_of_addresses(parameter: str) -> None:
    assert accepts(parameter, "a@shop.example")
    assert accepts(parameter, "a@shop.example,b.c+d@mail.shop.example")
    assert accepts(parameter, "") == (parameter != "OwnerRecipients"), "somebody must hear of failures"
    for bad in (
        "a",
        "a@shop",
        "a@shop.example,",
        "a@shop.example, b@shop.example",
        "a@shop.example;b@shop.example",
        "@shop.example",
    ):
        assert not accepts(parameter, bad), bad


def test_holidays_are_countries_and_days() -> None:
    for good in (
        "",
        "CN",
        "GB-SCT",
        "2026-12-24",
        "2026-12-24=Christmas Eve",
        "CN,GB-SCT,2026-12-24=Fête d'été,2026-12-31",
    ):
        assert accepts("Holidays", good), good
    for bad in ("China", "cn", "CN;GB", "24.12.2026", "2026-12-24=", "CN,", ",CN", "2026-12-24=a=b", "2026-1-4"):
        assert not accepts("Holidays", bad), bad


@pytest.mark.parametrize(
    ("value", "is_good"),
    [
        ("00:00", True),
        ("04:00", True),
        ("11:59", True),
        ("12:00", False),
        ("4:00", False),
        ("04:60", False),
        ("", False),
    ],
)
def test_days_end_before_noon(value: str, is_good: bool) -> None:
    assert bool(accepts("DayEndsAt", value)) is is_good


def test_muted_skus_are_a_list() -> None:
    for good in ("", "A1", "A1,红色-2,B 3"):
        assert accepts("MutedSkus", good), good
    for bad in ("A1,", ",A1", "A1,,B2"):
        assert not accepts("MutedSkus", bad), bad


@pytest.mark.parametrize(
    ("parameter", "field"),
    [
        ("HistoryDays", "history_days"),
        ("HistoryOverlapDays", "history_overlap_days"),
        ("DeepOverlapDays", "deep_overlap_days"),
        ("StaleAfterHours", "stale_after_hours"),
        ("WatchGraceMinutes", "watch_grace_minutes"),
        ("WatchLookbackHours", "watch_lookback_hours"),
        ("AlertsPerMonth", "alerts_per_month"),
        ("AlertMinDeviationPercent", "alert_min_deviation_percent"),
        ("AlertMinImpact", "alert_min_impact"),
        ("AlertTopProducts", "alert_top_products"),
    ],
)
def test_bounds_are_those_of_the_settings(parameter: str, field: str) -> None:
    limits = Settings.model_fields[field].metadata
    assert parameters()[parameter]["MinValue"] == next(m.ge for m in limits if isinstance(m, Ge))
    assert parameters()[parameter]["MaxValue"] == next(m.le for m in limits if isinstance(m, Le))
    assert parameters()[parameter]["Default"] == Settings.model_fields[field].default


@pytest.mark.parametrize(
    ("parameter", "values", "field"),
    [
        ("MailContent", MailContent, "mail_content"),
        ("EmptyReports", EmptyReports, "empty_reports"),
        ("Language", Language, "language_code"),
        ("Paper", Paper, "paper"),
        ("StaleReports", StaleReports, "stale_reports"),
        ("AlertMedium", MediumAlerts, "alert_medium"),
    ],
)
def test_choices_are_those_of_the_settings(parameter: str, values: Any, field: str) -> None:
    assert parameters()[parameter]["AllowedValues"] == [value.value for value in values]
    assert parameters()[parameter]["Default"] == Settings.model_fields[field].default
