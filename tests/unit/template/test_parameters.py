"""Does every knob say what it does, and refuse what cannot work before anything is deployed?"""

import re
from typing import Any
from zoneinfo import available_timezones

import pytest
from samcli.yamlhelper import yaml_parse

from salesflow.settings import Settings
from salesflow.shops.book import as_stored, checked
from tests.unit.template.stack import TEMPLATE, functions, parameters, text
from tests.unit.test_settings import GOOD

RECIPIENTS = {
    "ReportRecipients": "report_recipients",
    "AlertRecipients": "alert_recipients",
    "OwnerRecipients": "owner_recipients",
}


def template() -> dict[str, Any]:
    found: dict[str, Any] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    return found


def accepts(parameter: str, value: str) -> bool:
    return re.fullmatch(parameters()[parameter]["AllowedPattern"], value, re.ASCII) is not None


def takes(parameter: str, value: str) -> bool:
    """Whether CloudFormation takes the value."""
    rule = parameters()[parameter]
    fits = accepts(parameter, value) if "AllowedPattern" in rule else value in rule["AllowedValues"]
    return fits and len(value) <= rule.get("MaxLength", len(value))


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


GOOD_AND_BAD: list[tuple[str, str, str, bool]] = [
    *(
        ("SalesFlowApiUrl", "salesflow_api_url", url, True)
        for url in (
            "https://shop.example/api/v1",
            "https://shop.example:8443/api/v1",
            "http://127.0.0.1:40123/api/v1",
            "http://localhost:8080/api/v1",
            "http://host.docker.internal:8080/api/v1",
            "http://172.17.0.1:8080/api/v1",  # how a container reaches this machine
        )
    ),
    *(
        ("SalesFlowApiUrl", "salesflow_api_url", url, False)
        for url in (
            "http://shop.example/api/v1",  # would send the token in the clear
            "http://127.0.0.1.shop.example/api/v1",
            "http://172.15.0.1/api/v1",
            "http://172.17.0.1.shop.example/api/v1",
            "http://localhost@shop.example/api/v1",
            "https://name:password@shop.example/api/v1",
            "https://shop.example/api/v1?token=x",
            "https://shop.example/api/v1\n",
            "https://bäckerei.example/api/v1",
            "ftp://shop.example",
            "shop.example/api/v1",
            "",
        )
    ),
    *(
        ("TimeZone", "timezone", zone, True)
        for zone in ("Asia/Shanghai", "America/Argentina/Ushuaia", "Etc/GMT+8", "UTC")
    ),
    *(("TimeZone", "timezone", zone, False) for zone in ("", "Asia/", "../etc/passwd", "Asia/Shang hai", "+08:00")),
    *(("Currency", "currency", code, True) for code in ("CNY", "EUR", "JPY", "CDF")),
    *(("Currency", "currency", code, False) for code in ("", "cny", "EURO", "¥", "E R")),
    *(("Language", "language_code", code, True) for code in ("en", "fr", "zh", "ln", "sw")),
    *(("Language", "language_code", code, False) for code in ("", "de", "EN", "zh-CN")),
    *(
        (parameter, field, addresses, True)
        for parameter, field in RECIPIENTS.items()
        for addresses in ("a@shop.example", "a@shop.example,b.c+d@mail.shop.example", "A@shop.example,a@shop.example")
    ),
    *((parameter, field, "", field != "owner_recipients") for parameter, field in RECIPIENTS.items()),
    *(
        (parameter, field, addresses, False)
        for parameter, field in RECIPIENTS.items()
        for addresses in (
            "a",
            "a@shop",
            "a@shop.example;b@shop.example",
            "@shop.example",
            "chef@bäckerei.example",  # the desk writes it in punycode before it comes here
            "Boss <boss@shop.example>",
            "a@shop.example,b",
        )
    ),
]
"""Parameter, setting, value, and whether both take it. Of a zone and a currency the template knows the form alone, the model each one."""


@pytest.mark.parametrize(("parameter", "field", "value", "is_good"), GOOD_AND_BAD)
def test_parameters_settings_and_code_accept_the_same_values(
    parameter: str, field: str, value: str, is_good: bool
) -> None:
    assert takes(parameter, value) == is_good
    if is_good:
        checked(field, value)
        environment = GOOD | {field.upper(): value}
        assert as_stored(getattr(Settings.from_environment(environment), field)) == checked(field, value)
    else:
        with pytest.raises(ValueError, match=r"."):
            checked(field, value)


def test_every_time_zone_is_accepted() -> None:
    assert not {zone for zone in available_timezones() if not accepts("TimeZone", zone)}
    assert not any(accepts("TimeZone", bad) for bad in ("", "Asia/", "../etc/passwd", "Asia/Shang hai", "+08:00"))


@pytest.mark.parametrize("parameter", RECIPIENTS)
def test_lists_have_commas_and_no_spaces(parameter: str) -> None:
    """The stack's parts that read them (the topic's first owner) split at the comma alone."""
    for bad in ("a@shop.example,", "a@shop.example, b@shop.example"):
        assert not takes(parameter, bad), bad


@pytest.mark.parametrize("name", [name for name in parameters() if name.endswith("Cron")])
def test_a_cron_expression_has_six_fields_or_is_empty(name: str) -> None:
    for good in ("", "0 7 * * ? *", "40 8-21 ? * MON-FRI *", "0 6 L * ? *", "0 7 ? * 6#3 2026,2027", "0/15 * * * ? *"):
        assert takes(name, good), good
    for bad in ("0 7 * * *", "cron(0 7 * * ? *)", "rate(1 day)", "0 7 * * ? * *", " ", "07:00"):
        assert not takes(name, bad), bad


def test_there_are_few_parameters() -> None:
    """What a first shop cannot do without, and infrastructure; everything else is a setting of the shop's row."""
    assert len(parameters()) <= 30
    assert len(TEMPLATE.read_text(encoding="utf-8").splitlines()) < 1500


def test_the_environment_holds_what_the_parameters_may_be_at_their_longest() -> None:
    """Lambda takes 4 KB of variables in all, names included."""
    for function in functions().values():
        variables = function["Environment"]["Variables"]
        assert sum(len(name) + _longest(value) for name, value in variables.items()) < 4096


RESOURCE = 130
"""The longest that a resource is referred to by: the secret's ARN, in the longest partition and region, of a stack of 37 letters."""


def _longest(value: Any) -> int:
    """How many bytes a variable may have: a Parameter's bound, or a resource's name."""
    if isinstance(value, str):
        return len(value)
    if "Fn::If" in value:
        return max(map(_longest, value["Fn::If"][1:]))
    declared = parameters().get(value.get("Ref", ""))
    if declared is None:
        return RESOURCE
    most = declared.get("MaxLength") or max(len(str(one)) for one in declared["AllowedValues"])
    return int(most)
