"""A report and its source: hiccups, faults that stay, bad records, and the system token in each of its forms."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from local.api import HTML_PAGE, BadRecords, Reset, Status, Truncated, Unauthorized
from salesflow.errors import (
    SalesFlowError,
    SourceContractBroken,
    SourceUnavailable,
    SystemTokenMissing,
    SystemTokenRejected,
)
from tests.integration.jobs.conftest import HURRIED, READERS, TEN_DAYS_AGO, System
from tests.integration.jobs.test_report import DAILY
from tests.stand_ins.lambda_context import Context

SHOP_OPENED = TEN_DAYS_AGO


@pytest.mark.parametrize("fault", [Status(500), Status(502), Status(429), Reset(), Truncated(), HTML_PAGE])
def test_a_hiccup_of_the_source_is_survived(system: System, fault: Any) -> None:
    system.api.faults.inject("/sales/history", fault, times=1)
    assert system.fire("report", {**DAILY, "notify": "none"})["status"] == "SUCCEEDED"


def test_a_schedules_sales_report_waits_for_the_stock_once_and_then_says_that_it_goes_without(system: System) -> None:
    """Lambda's retry may well find it; a day without the report would be worse than one without the orders."""
    fired = {"schedule": "s", "scheduled_time": "2026-11-20T23:00:00Z", "formats": ["json"]}
    system.api.faults.inject("/products", HTML_PAGE, times=None)
    with pytest.raises(SourceContractBroken):
        system.fire("report", fired)
    assert system.mails() == []
    answer = system.fire("report", fired)
    assert (answer["status"], answer["notified"]) == ("SUCCEEDED", list(READERS))
    said = json.loads(system.body(answer["artifacts"][0]["key"]))["provenance"]["notes"]
    assert "The stock could not be read, so nothing is said of what to order and of costs." in said


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Status(503), SourceUnavailable),
        (HTML_PAGE, SourceContractBroken),
        (Unauthorized(), SystemTokenRejected),
    ],
)
def test_a_source_that_stays_down_fails_the_run_and_the_retry_makes_it_good(
    system: System, fault: Any, error: type[SalesFlowError]
) -> None:
    system.api.faults.inject("/sales/history", fault, times=None)
    with pytest.raises(error) as caught:
        system.fire("report", DAILY, Context(remaining_seconds=HURRIED))
    assert caught.value.action
    (run,) = [row for row in system.rows() if "status" in row]
    assert run["status"] == {"S": "FAILED"}
    assert run["reason"]["S"]
    assert system.keys() == []
    assert system.mails() == []
    system.api.faults.clear()
    assert system.fire("report", DAILY)["status"] == "SUCCEEDED"
    assert len(system.mails()) == len(READERS)


def test_one_bad_record_among_hundreds_is_counted_and_said(system: System) -> None:
    system.api.faults.inject("/sales/history", BadRecords([{"id": 1, "saleDate": "2026-11-20T10:00"}]), times=None)
    answer = system.fire("report", {**DAILY, "formats": ["json"], "period": "quarterly"})
    assert answer["set_aside"] == 1
    assert answer["status"] == "PARTIAL"
    assert "could not be used" in answer["reason"]
    body = system.mails()[0].get_body(("plain",))
    assert body is not None
    assert "Set aside: 1" in body.get_content()


@pytest.mark.parametrize("form", ["plain", "token", "login"])
def test_the_secret_may_have_three_forms(system: System, form: str) -> None:
    token = system.api.issue_token(timedelta(hours=1))
    account = system.api.accounts.account
    system.set_secret(
        {
            "plain": token,
            "token": json.dumps({"token": token}),
            "login": json.dumps({"phoneNumber": account.phone_number, "password": account.password}),
        }[form]
    )
    assert system.fire("report", {**DAILY, "notify": "none"})["status"] == "SUCCEEDED"


@pytest.mark.parametrize("value", ["", " ", "{}", '{"password": "p"}', '{"token": ""}', "[1]"])
def test_a_secret_without_a_token_is_named(system: System, value: str) -> None:
    system.set_secret(value or "{}")
    with pytest.raises(SystemTokenMissing) as caught:
        system.fire("report", DAILY)
    assert system.secret in str(caught.value)


def test_a_token_that_was_rotated_is_read_anew(system: System) -> None:
    """A warm container holds the old token; the first 401 makes it read the secret again, once."""
    old = system.api.issue_token(timedelta(hours=1))
    system.set_secret(old)
    handler = system.load("report")
    assert handler(dict(DAILY), Context())["status"] == "SUCCEEDED"
    system.api.revoke(old)
    system.set_secret(system.api.issue_token(timedelta(hours=1)))
    answer = handler({**DAILY, "force": True, "notify": "none"}, Context())
    assert answer["status"] == "SUCCEEDED"


def test_the_token_is_nowhere_to_be_found(system: System, capfd: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = system.api.issue_token(timedelta(hours=1))
    system.set_secret(token)
    answer = system.fire("report", DAILY)
    system.api.revoke(token)
    with pytest.raises(SystemTokenRejected) as caught:
        system.fire("report", {**DAILY, "force": True})
    out, err = capfd.readouterr()
    everything = [json.dumps(answer), repr(caught.value), str(caught.value.__context__), out, err]
    everything += [record.getMessage() for record in caplog.records if not record.name.startswith("botocore")]
    everything += [str(row) for row in system.rows()]
    everything += [mail.as_string() for mail in system.mails()]
    everything += [system.body(key).decode("latin-1") for key in system.keys("")]
    signature = token.rpartition(".")[2]
    assert not [text for text in everything if token in text or signature in text]
