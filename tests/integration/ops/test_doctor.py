"""Does `doctor` find what is wrong, nothing else, and say what to do? Faults are planted in the running local cloud and taken away again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.shop import LocalShop
from ops.complaints import ExitCode
from ops.doctor import Finding, examine
from ops.errors import explained
from ops.target import Stack, Target
from salesflow import clock
from tests.integration.ops.faults import FAULTS, TOKEN, alarm, answering, good_token, secret
from tests.integration.ops.running import Desk, Said


@pytest.fixture(scope="module", autouse=True)
def ran(shop: LocalShop) -> None:
    """A stack whose first work is done."""
    good_token(shop)
    assert shop.cloud.invoke("WatchdogFunction", {"notify": "none"}).succeeded


def findings(said: Said) -> list[tuple[str, str]]:
    """What is not OK: the verdict and what it is about."""
    return [(one["verdict"], one["check"]) for one in said.data if one["verdict"] != "OK"]


def test_a_stack_that_is_well_is_well_throughout(desk: Desk) -> None:
    said = desk("doctor", "--json")
    assert findings(said) == []
    assert said.code == ExitCode.DONE
    looked_at = {one["check"] for one in said.data}
    assert looked_at == {
        *("stack", "functions", "settings", "Lambda quota", "time zone"),
        *("clock", "SalesFlow API", "clock of the API", "system token", "sales can be read"),
        *("SES region", "SES sending", "SES quota", "SES sandbox", "sender", "configuration set"),
        *("suppression list", "marked addresses"),
        *("bucket", "history", "state table", "schedules", "last runs", "alarms", "queues", "owner's topic"),
    }


def test_in_a_pipe_it_is_lines(desk: Desk) -> None:
    said = desk("doctor")
    assert said.code == ExitCode.DONE
    assert {row["what"]: row[""] for row in said.rows}["sender"] == "OK"
    assert "ok" in said.err


def test_without_a_stack_it_says_so_and_no_more(desk: Desk) -> None:
    said = desk("doctor", "--stack", "nowhere", "--json")
    assert said.code == ExitCode.FAILED
    assert findings(said) == [("FAIL", "stack")]
    assert "there is no stack nowhere" in said.data[0]["says"]
    assert "salesflow-ops deploy" in said.data[0]["fix"]


@pytest.fixture(scope="module")
def clients(shop: LocalShop) -> Stack:
    """The stack once, for its clients: making them anew for each fault takes longer than looking."""
    return Target(local=True).resolve()


def examined(clients: Stack) -> list[Finding]:
    """What a fresh look finds."""
    stack = Target(local=True).resolve()
    stack._clients = clients._clients
    return list(examine(stack, clock.now(), explain=explained))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_its_cure_and_nothing_else_is(name: str, shop: LocalShop, clients: Stack) -> None:
    plant, wanted, says, fix = FAULTS[name]
    with plant(shop):
        not_ok = [one for one in examined(clients) if one.verdict not in {"OK", "UNKNOWN"}]
    assert sorted({(one.verdict, one.check) for one in not_ok}) == sorted(wanted), not_ok
    assert any(says in one.says and fix in one.fix for one in not_ok), not_ok
    assert all(one.fix for one in not_ok)


def test_a_failure_is_the_exit_status(desk: Desk, shop: LocalShop) -> None:
    with alarm(shop):
        said = desk("doctor")
    assert said.code == ExitCode.FAILED
    assert {row["what"]: row[""] for row in said.rows}["alarms"] == "FAIL"
    assert "1 fail" in said.err


@pytest.mark.parametrize(
    ("rule", "check", "needs"),
    [
        ({"path": "/v2/email/account"}, "SES account", "ses:GetAccount"),
        ({"target": ".GetSecretValue"}, "SalesFlow API and token", "secretsmanager:GetSecretValue"),
        ({"target": ".DescribeTable"}, "state table", "dynamodb:DescribeTable"),
    ],
)
def test_what_one_may_not_look_at_is_unknown_and_no_failure(
    rule: dict[str, Any], check: str, needs: str, shop: LocalShop, clients: Stack
) -> None:
    denied = {"__type": "AccessDeniedException", "message": "User: arn:aws:iam::1:user/me is not authorized"}
    with answering(shop, denied, status=400 if "target" in rule else 403, **rule):
        (one,) = [one for one in examined(clients) if one.verdict != "OK"]
    assert (one.verdict, one.check) == ("UNKNOWN", check)
    assert one.says == f"not allowed to look: needs {needs}"
    assert needs in one.fix


def test_every_form_of_the_secret_is_understood_and_none_shown(shop: LocalShop, clients: Stack) -> None:
    account = shop.api.accounts.account
    forms: list[str | dict[str, str]] = [
        shop.api.issue_token(timedelta(days=20)),
        {TOKEN: shop.api.issue_token(timedelta(days=20))},
        {"phoneNumber": account.phone_number, "password": account.password},
    ]
    told = []
    for form in forms:
        with secret(shop, form):
            found = examined(clients)
        (one,) = [one for one in found if one.check == "system token"]
        assert one.verdict == "OK"
        told.append(one.says)
        for hidden in form.values() if isinstance(form, dict) else (form,):
            assert hidden not in repr(found)
    assert "good for 19 days" in told[0]
    assert "good for 19 days" in told[1]
    assert "a system account, which logs in" in told[2]


def test_a_clock_that_is_off_is_named(shop: LocalShop, clients: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(minutes=7))
    monkeypatch.setattr(shop.api, "dates", real)  # the API's machine is another one
    off = {one.check: one for one in examined(clients) if one.verdict == "FAIL"}
    assert set(off) == {"clock", "clock of the API"}
    assert "NTP" in off["clock"].fix
