"""The questions before the first deployment: validated at once, written beside what is in samconfig.toml; the token stored and never shown."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
import tomlkit
from samcli.cli.types import CfnParameterOverridesType

from local.shop import LocalShop
from local.state import PLACE
from ops.complaints import ExitCode
from ops.doctor.mail import is_offered
from ops.samconfig import read_parameters
from tests.integration.ops.running import Desk

REPOSITORY = Path(__file__).resolve().parents[3]
NEEDED = (
    *("--api-url", "https://shop.example/api/v1/"),
    *("--sender", "reports@shop.example"),
    *("--owners", "owner@shop.example, second@shop.example"),
)
WRITTEN_BEFORE = """# ours
version = 0.1

[default.build.parameters]
cached = true  # faster

[default.deploy.parameters]
capabilities = "CAPABILITY_IAM"
parameter_overrides = "Currency=\\"EUR\\" SesConfigurationSet=\\"ours, and a space\\""
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "samconfig.toml"
    path.write_text(WRITTEN_BEFORE)
    return path


def stored(shop: LocalShop) -> str:
    """The secret's text."""
    secret = shop.cloud.stack.of_type("AWS::SecretsManager::Secret")[0].physical_id
    found: str = shop.cloud.aws.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    return found


def test_options_are_written_and_the_rest_of_the_file_stays(desk: Desk, config: Path) -> None:
    said = desk("init", *NEEDED, "--zone", "Europe/Paris", "--sales-at", "06:05", "--config-file", config, "--json")
    assert said.code == ExitCode.DONE, said.err
    text = config.read_text()
    assert text.startswith("# ours\nversion = 0.1\n")
    assert "cached = true  # faster" in text
    assert 'capabilities = "CAPABILITY_IAM"' in text
    assert read_parameters(config) == {
        "SalesFlowApiUrl": "https://shop.example/api/v1",
        "TimeZone": "Europe/Paris",
        "Currency": "EUR",
        "Language": "en",
        "MailSender": "reports@shop.example",
        "CreateMailIdentity": "yes",
        "OwnerRecipients": "owner@shop.example,second@shop.example",
        "ReportRecipients": "",
        "AlertRecipients": "",
        "SalesPdfCron": "5 6 * * ? *",
        "StockExcelCron": "10 7 * * ? *",
        "LinksState": "DISABLED",
        "SesConfigurationSet": "ours, and a space",
    }
    assert said.data["token"] == "kept"
    assert {one["check"] for one in said.data["doctor"]} >= {"stack", "system token", "sender"}


@pytest.mark.parametrize(
    ("sender", "known", "made"),
    [
        ("sales@known.example", "sales@known.example", "no"),
        ("sales@known.example", "known.example", "no"),
        ("sales@known.example", "other.example", "yes"),
    ],
)
def test_a_sender_that_ses_knows_is_left_alone_by_a_new_stack(
    desk: Desk, config: Path, sender: str, known: str, made: str
) -> None:
    """A second registration of the same identity fails the whole deployment."""
    client = desk.shop.cloud.aws.client("sesv2")
    client.create_email_identity(EmailIdentity=known)
    try:
        said = desk("init", *NEEDED, "--sender", sender, "--stack", "not-yet", "--config-file", config)
    finally:
        client.delete_email_identity(EmailIdentity=known)
    assert read_parameters(config, "not-yet")["CreateMailIdentity"] == made
    assert (f"SES knows {known} already" in said.err.replace("\n", " ")) is (made == "no")


@pytest.mark.parametrize("region", ["cn-north-1", "cn-northwest-1", "ap-east-1", "mars-1"])
def test_no_region_is_taken_for_one_that_has_ses(region: str) -> None:
    """China's accounts reach no SES at all, and Hong Kong has none; the stack's region is asked for with that known."""
    assert not is_offered(region)
    assert all(map(is_offered, ("ap-southeast-1", "ap-northeast-1", "ap-northeast-2")))


def test_an_answer_that_the_shop_s_row_says_otherwise_is_said(desk: Desk, config: Path) -> None:
    assert desk("settings", "set", "language_code", "sw").code == 0
    said = desk("init", *NEEDED, "--language", "fr", "--config-file", config)
    assert "language_code stays sw" in said.err
    assert desk("settings", "unset", "language_code").code == 0
    assert "language_code stays" not in desk("init", *NEEDED, "--language", "fr", "--config-file", config).err


def test_sam_reads_what_was_written(config: Path, desk: Desk) -> None:
    desk("init", *NEEDED, "--config-file", config)
    written = tomlkit.parse(config.read_text())["default"]["deploy"]["parameters"]["parameter_overrides"]
    assert CfnParameterOverridesType().convert((str(written),), None, None) == read_parameters(config)


def test_an_answer_that_will_not_do_is_refused_and_nothing_is_written(desk: Desk, config: Path) -> None:
    done = desk("init", *NEEDED, "--zone", "Mars/Olympus", "--config-file", config)
    assert done.code == ExitCode.MISUSED
    assert "--zone" in done.err
    assert "is no IANA time zone" in done.err.replace("\n", " ")
    assert config.read_text() == WRITTEN_BEFORE


def test_in_a_pipe_what_is_lacking_is_named(desk: Desk, config: Path) -> None:
    done = desk("init", "--config-file", config)
    assert done.code == ExitCode.MISUSED
    for option in ("--api-url", "--sender", "--owners"):
        assert f"{option} is needed" in done.err
    assert "--zone" not in done.err


def test_a_token_from_a_file_is_tried_stored_and_not_shown(desk: Desk, shop: LocalShop, tmp_path: Path) -> None:
    token, before = shop.api.issue_token(timedelta(days=40)), stored(shop)
    file = tmp_path / "token"
    file.write_text("Bearer " + token)
    refused = desk("init", "--token-only", "--token-file", file)
    assert refused.code == ExitCode.MISUSED
    assert "without a word such as Bearer" in refused.err
    assert stored(shop) == before
    file.write_text(token + "\n")
    done = desk("init", "--token-only", "--token-file", file)
    assert done.code == ExitCode.DONE, done.out
    assert stored(shop) == token
    assert "good for 39 days" in done.out
    assert token not in done.out + done.err + refused.out + refused.err


def test_before_the_deployment_it_says_what_comes_next(desk: Desk, config: Path) -> None:
    done = desk("init", *NEEDED, "--stack", "not-yet", "--config-file", config, "--json")
    assert done.code == ExitCode.DONE
    assert done.data["token"] == "later"
    assert done.data["next"] == "salesflow-ops deploy, or sam build && sam deploy"
    assert 'stack_name = "not-yet"' in config.read_text()


def test_on_a_terminal_it_asks_again_until_the_answer_will_do(shop: LocalShop, desk: Desk, config: Path) -> None:
    token = shop.api.issue_token(timedelta(days=50))
    asked = [
        ("SalesFlow API", "https://shop.example/api/v1"),
        ("time zone is the shop", "Paris"),
        ("time zone is the shop", "Europe/Paris"),
        ("currency", ""),
        ("language", "fr"),
        ("mails come from", "reports@shop.example"),
        ("hears of failures", "owner@shop.example"),
        ("gets the reports", ""),
        ("gets the alerts", ""),
        ("daily sales report", "6"),
        ("daily sales report", "06:30"),
        ("daily stock report", ""),
        ("signed links", "perhaps"),
        ("signed links", "yes"),
        ("System token", "two words"),
        ("System token", token),
    ]
    shown, status = at_a_terminal(["--local", "init", "--config-file", str(config)], asked)
    assert status == ExitCode.DONE, shown
    parameters = read_parameters(config)
    assert (parameters["TimeZone"], parameters["Currency"], parameters["Language"]) == ("Europe/Paris", "EUR", "fr")
    assert parameters["SalesPdfCron"] == "30 6 * * ? *"
    assert parameters["LinksState"] == "ENABLED"
    assert stored(shop) == token
    assert "malformed" in shown
    assert "how it stands" in shown
    assert token not in shown
    assert "two words" not in shown


def at_a_terminal(arguments: list[str], typed: list[tuple[str, str]]) -> tuple[str, int]:
    """Run a command on a terminal of its own: after each first text comes, type the second. Answers all that was shown, and the status."""
    master, slave = pty.openpty()
    environment = {**os.environ, PLACE: os.environ[PLACE], "COLUMNS": "200", "TERM": "dumb"}
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=REPOSITORY,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    shown, seen, end = "", 0, monotonic() + 120
    waiting = list(typed)
    while monotonic() < end:
        ready, _, _ = select.select([master], [], [], 1)
        try:
            new = os.read(master, 65536).decode(errors="replace") if ready else None
        except OSError:  # the other side is closed
            break
        if new == "":
            break
        shown += new or ""
        asked = re.search(rf"{re.escape(waiting[0][0])}[^\n]*: $", shown[seen:]) if waiting else None
        if asked:
            seen = len(shown)
            os.write(master, waiting.pop(0)[1].encode() + b"\n")
    os.close(master)
    assert not waiting, f"never asked: {waiting}; shown: {shown}"
    return shown, process.wait(60)
