"""The functions' environment: what is missing or bad is named, all at once."""

from datetime import time

import pytest

from salesflow.errors import InvalidSettings
from salesflow.settings import Settings

GOOD = {
    "SALESFLOW_API_URL": "https://shop.example/api/v1/",
    "SYSTEM_TOKEN_SECRET_ID": "salesflow/system-token",
    "REPORTS_BUCKET": "salesflow-reports",
    "STATE_TABLE": "salesflow-state",
    "TIMEZONE": "Asia/Shanghai",
    "MAIL_SENDER": "reports@shop.example",
    "REPORT_RECIPIENTS": "one@shop.example, two@shop.example,one@shop.example",
    "ALERT_RECIPIENTS": "",
    "OWNER_RECIPIENTS": "owner@shop.example",
    "SES_REGION": "ap-southeast-1",
    "CURRENCY": "CNY",
}


def test_a_good_environment_is_read() -> None:
    settings = Settings.from_environment(GOOD | {"MAIL_CONTENT": "", "PATH": "/bin"})
    assert settings.api_url == "https://shop.example/api/v1"
    assert settings.report_recipients == ("one@shop.example", "two@shop.example")
    assert settings.alert_recipients == ()
    assert settings.zone.key == "Asia/Shanghai"
    assert settings.money.digits == 2
    assert settings.mail_content == "full"


@pytest.mark.parametrize(
    ("value", "expected"), [("", time(0)), ("00:00", time(0)), ("04:00", time(4)), ("11:59", time(11, 59))]
)
def test_days_end_where_the_shop_says(value: str, expected: time) -> None:
    assert Settings.from_environment(GOOD | {"DAY_ENDS_AT": value}).day_ends_at == expected


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(InvalidSettings, match=f"{name}: is not set"):
        Settings.from_environment({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SALESFLOW_API_URL", "ftp://shop.example"),
        ("SALESFLOW_API_URL", "shop.example/api/v1"),
        ("SYSTEM_TOKEN_SECRET_ID", " "),
        ("TIMEZONE", "Asia/Peking"),
        ("TIMEZONE", "../etc/passwd"),
        ("TIMEZONE", "localtime"),
        ("TIMEZONE", "Factory"),
        ("MAIL_SENDER", "reports"),
        ("MAIL_SENDER", "reports@"),
        ("MAIL_SENDER", "@shop.example"),
        ("MAIL_SENDER", "Reports <reports@shop.example>"),
        ("OWNER_RECIPIENTS", "one,two@shop"),
        ("OWNER_RECIPIENTS", ""),
        ("SES_REGION", "Singapore"),
        ("CURRENCY", "RMB"),
        ("MAIL_CONTENT", "everything"),
        ("HISTORY_DAYS", "30"),
        ("HISTORY_OVERLAP_DAYS", "a week"),
        ("DEEP_OVERLAP_DAYS", "1"),
        ("DAY_ENDS_AT", "12:00"),
        ("DAY_ENDS_AT", "4:00"),
        ("DAY_ENDS_AT", "04:60"),
        ("DAY_ENDS_AT", "0"),
    ],
)
def test_a_bad_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings, match=f"{name}: "):
        Settings.from_environment(GOOD | {name: value})


def test_all_problems_are_told_in_one_message() -> None:
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_environment({"CURRENCY": "RMB"})
    assert all(name in str(caught.value) for name in GOOD)
    assert "deploy again" in caught.value.action
