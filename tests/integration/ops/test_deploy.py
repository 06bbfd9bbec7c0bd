"""The road into an account: what is checked before anything is made, what the SAM CLI is told, and going on after an interruption."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from local.shop import LocalShop
from ops.complaints import ExitCode
from ops.samconfig import read_parameters, write_parameters
from tests.integration.ops.faults import answering
from tests.integration.ops.running import Desk, Said, ops

SAM = """#!/bin/sh
echo "$@" >> {log}
exit $(cat {status})
"""
ANSWERS = (
    *("--api-url", "https://shop.example/api/v1"),
    *("--sender", "reports@shop.example.com"),
    *("--owners", "owner@shop.example.com"),
    *("--readers", "first@shop.example.com"),
)


class Road:
    """A stand-in for the SAM CLI, and the command in a shell whose AWS is the local cloud."""

    def __init__(self, folder: Path) -> None:
        self.log, self.status, self.config = folder / "log", folder / "status", folder / "samconfig.toml"
        self.status.write_text("0")
        (folder / "sam").write_text(SAM.format(log=self.log, status=self.status))
        (folder / "sam").chmod(0o755)

    def deploy(self, *words: str, piped: str | None = None) -> Said:
        return ops("deploy", "--yes", "--no-wait", "--config-file", self.config, *words, piped=piped)

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def road(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Road:
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))  # the SAM CLI is looked for beside it
    return Road(tmp_path)


def test_a_name_that_schedules_cannot_carry_is_refused_before_anything_is_made(road: Road) -> None:
    said = road.deploy("--stack", "s" * 38)
    assert said.code == ExitCode.MISUSED
    assert "37 characters" in said.err
    assert road.calls == []


def test_nothing_of_the_local_cloud_is_deployed_to_aws(road: Road) -> None:
    """The SAM CLI knows nothing of --local: it would take the shell's own account."""
    said = road.deploy("--local")
    assert (said.code, road.calls) == (ExitCode.MISUSED, [])
    assert "`up`" in said.err


def test_it_builds_deploys_and_looks(road: Road) -> None:
    assert ops("init", *ANSWERS, "--config-file", road.config).code in {ExitCode.DONE, ExitCode.FAILED}
    said = road.deploy("--json")
    assert road.calls, said.err
    assert road.calls == [
        "build",
        f"deploy --config-file {road.config} --config-env default --no-fail-on-empty-changeset --no-confirm-changeset "
        "--stack-name salesflow --region ap-southeast-1",
    ]
    assert said.code == 0, said.err
    assert {one["check"]: one["verdict"] for one in said.data}["system token"] == "OK"
    assert [line.partition("  ")[0] for line in said.err.splitlines() if line[1:3] == "/7"] == [
        f"{n}/7" for n in range(1, 8)
    ]


def test_the_shop_s_name_is_asked_for_until_there_is_one(
    road: Road, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ops("init", *ANSWERS, "--config-file", road.config)
    assert "no name on its reports" in road.deploy().err
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda _: True)
    assert road.deploy(piped="\n" + "x" * 61 + "\nCorner Store\n").code == 0
    assert desk("settings", "get", "shop_name", "--json").data["value"] == "Corner Store"
    assert "no name on its reports" not in road.deploy().err
    desk("settings", "unset", "shop_name")


def test_links_wait_for_an_account_that_has_room_for_them(road: Road, shop: LocalShop) -> None:
    """A new account may run ten functions at once; Lambda lets nobody reserve those, and the template reserves two."""
    new = ("--stack", "not-yet")
    init = ("init", *ANSWERS, *new, "--config-file", road.config)
    with account_settings(shop, unreserved=11):
        refused = ops(*init, "--links", "yes")
        assert refused.code == ExitCode.MISUSED
        assert "Links need 12 concurrent executions" in refused.err.replace("\n", " ")
        said = ops(*init)
        assert "No links in mails" in said.err
        assert "the account has 11" in said.err.replace("\n", " ")
        assert read_parameters(road.config, "not-yet")["LinksState"] == "DISABLED"
        write_parameters(road.config, {"LinksState": "ENABLED"}, stack="not-yet")
        stopped = road.deploy(*new)
        assert (stopped.code, road.calls) == (ExitCode.FAILED, [])
        assert "L-B99A9384" in stopped.err.replace("\n", " ")
        assert "init --links no" in stopped.err.replace("\n", " ")
    with account_settings(shop, unreserved=12):
        road.deploy(*new)
    assert road.calls


def account_settings(shop: LocalShop, *, unreserved: int) -> AbstractContextManager[object]:
    limit = {"ConcurrentExecutions": unreserved, "UnreservedConcurrentExecutions": unreserved}
    return answering(shop, {"AccountLimit": limit}, path="/account-settings")


def test_what_fails_is_gone_on_with(road: Road) -> None:
    ops("init", *ANSWERS, "--config-file", road.config)
    road.status.write_text("3")
    stopped = road.deploy()
    assert (stopped.code, road.calls) == (1, ["build"])
    assert "goes on from here" in stopped.err
    road.status.write_text("0")
    assert road.deploy().code == 0
    assert len(road.calls) == 3


def test_before_anything_is_built_the_answers_have_to_be_there(road: Road) -> None:
    said = road.deploy()
    assert (said.code, road.calls) == (2, [])
    assert "--api-url is needed" in said.err


def test_without_credentials_it_says_how_to_get_them(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    said = road.deploy()
    assert (said.code, road.calls) == (4, [])
    assert "Create access key" in said.err
    assert "docs/deployer-policy.json" in said.err


def test_a_second_shop_has_an_environment_of_its_own_and_inherits_nobody(road: Road) -> None:
    ops("init", *ANSWERS, "--stack", "salesflow", "--config-file", road.config)
    first = read_parameters(road.config)
    second = (
        "--api-url",
        "https://two.example/api/v1",
        "--sender",
        "two@shop2.example",
        "--owners",
        "two@shop2.example",
    )
    assert ops("init", *second, "--stack", "shop2", "--config-file", road.config).code == 0
    assert read_parameters(road.config, "salesflow") == read_parameters(road.config) == first
    of_second = read_parameters(road.config, "shop2")
    assert (of_second["MailSender"], of_second["ReportRecipients"]) == ("two@shop2.example", "")
    text = road.config.read_text()
    assert text.count("first@shop.example.com") == 1
    assert '[shop2.global.parameters]\nstack_name = "shop2"' in text


def test_a_problem_is_told_without_secrets(desk: Desk, tmp_path: Path) -> None:
    desk("run", "report", "--type", "sales", "--format", "json", "--notify", "none")
    file = tmp_path / "problem.json"
    said = desk("report-a-problem", "--into", file)
    assert said.code == 0, said.err
    text = file.read_text()
    found = json.loads(text)
    assert found["stack"]["environment"]["TIMEZONE"] == "Asia/Shanghai"
    assert found["last_run"]["log"]
    assert {one["check"] for one in found["doctor"]} >= {"stack", "queues"}
    assert "manager@" not in text
    assert "***@shop.example.com" in text


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("a token eyJhbGciOi.eyJzdWIiOi.c2lnbmF0 in a line", "c2lnbmF0"),
        ('{"phoneNumber": "1", "password": "very secret"}', "very secret"),
        ("mail for li.wei+shop@example.com", "li.wei"),
    ],
)
def test_what_is_secret_goes(text: str, gone: str) -> None:
    from ops.commands.report_a_problem import without_secrets

    told: Callable[[str], str] = without_secrets
    assert gone not in told(text)
    assert "***" in told(text)
