"""Does `doctor` find what is wrong, nothing else, and say what to do? Faults are planted in the running local cloud and taken away again."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from local.cloud.aws import LocalAws
from local.shop import LocalShop
from ops.complaints import ExitCode
from ops.doctor import Finding, Verdict, examine
from ops.errors import explained
from ops.target import Stack, Target
from salesflow import clock
from salesflow.delivery.addresses import Mark, MarkedAddresses
from tests.integration.ops.running import Desk, Said

type Fault = Callable[[LocalShop], AbstractContextManager[None]]

TOKEN = "token"


@pytest.fixture(scope="module", autouse=True)
def ran(shop: LocalShop) -> None:
    """A stack whose first work is done."""
    shop.cloud.write_secret({TOKEN: shop.api.issue_token(timedelta(days=30))})
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
        *("stack", "functions", "Lambda quota", "time zone"),
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
    assert "sam deploy" in said.data[0]["fix"]


@contextmanager
def _month_gone(shop: LocalShop) -> Iterator[None]:
    """An index that knows of a file which is not there."""
    s3, bucket, key = (
        shop.cloud.aws.client("s3"),
        shop.cloud.stack.physical_id("ReportsBucket"),
        "history/coverage/daily.json",
    )
    index = {"first": "2026-10-01", "last": "2026-10-31", "months": {"2026-10": {"daily.csv.gz": '"0"'}}}
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(index).encode())
    try:
        yield
    finally:
        s3.delete_object(Bucket=bucket, Key=key)


@contextmanager
def _secret(shop: LocalShop, value: str | dict[str, str]) -> Iterator[None]:
    shop.cloud.write_secret(value)
    try:
        yield
    finally:
        shop.cloud.write_secret({TOKEN: shop.api.issue_token(timedelta(days=30))})


@contextmanager
def _variable(shop: LocalShop, name: str, value: str) -> Iterator[None]:
    """One variable of every function set as a wrong parameter would set it."""
    client = shop.cloud.aws.client("lambda")
    before = {
        resource.physical_id: client.get_function_configuration(FunctionName=resource.physical_id)["Environment"]
        for resource in shop.cloud.stack.of_type("AWS::Lambda::Function")
    }
    for function, environment in before.items():
        changed = {"Variables": environment["Variables"] | {name: value}}
        client.update_function_configuration(FunctionName=function, Environment=changed)
    try:
        yield
    finally:
        for function, environment in before.items():
            client.update_function_configuration(FunctionName=function, Environment=environment)


@contextmanager
def _answering(shop: LocalShop, answer: Any, *, status: int = 200, **rule: Any) -> Iterator[None]:
    """AWS answers these requests so."""
    aws: LocalAws = shop.cloud.aws
    text = answer if isinstance(answer, str) else json.dumps(answer)
    with aws.hold(status=status, answer=text, times=100, **rule):
        yield


def _account(shop: LocalShop, **differing: Any) -> AbstractContextManager[None]:
    found = shop.cloud.aws.client("sesv2").get_account()
    del found["ResponseMetadata"]
    return _answering(shop, found | differing, method="GET", path="/v2/email/account")


@contextmanager
def _sending_paused(shop: LocalShop) -> Iterator[None]:
    ses = shop.cloud.aws.client("sesv2")
    ses.put_account_sending_attributes(SendingEnabled=False)
    try:
        yield
    finally:
        ses.put_account_sending_attributes(SendingEnabled=True)


@contextmanager
def _set_paused(shop: LocalShop) -> Iterator[None]:
    ses, name = shop.cloud.aws.client("sesv2"), shop.cloud.stack.physical_id("MailConfigurationSet")
    ses.put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=False)
    try:
        yield
    finally:
        ses.put_configuration_set_sending_options(ConfigurationSetName=name, SendingEnabled=True)


@contextmanager
def _suppressed(shop: LocalShop) -> Iterator[None]:
    ses, address = shop.cloud.aws.client("sesv2"), shop.shop.report_recipients[0]
    ses.put_suppressed_destination(EmailAddress=address, Reason="COMPLAINT")
    try:
        yield
    finally:
        ses.delete_suppressed_destination(EmailAddress=address)


@contextmanager
def _marked(shop: LocalShop) -> Iterator[None]:
    dynamodb, table = shop.cloud.aws.client("dynamodb"), shop.cloud.stack.physical_id("StateTable")
    address = shop.shop.owners[0]
    MarkedAddresses(dynamodb, table).mark(address, Mark.BOUNCED, said="550 unknown", message_id="m-1")
    try:
        yield
    finally:
        dynamodb.delete_item(TableName=table, Key={"pk": {"S": "address"}, "sk": {"S": address}})


@contextmanager
def _schedule(shop: LocalShop, *, gone: bool) -> Iterator[None]:
    scheduler, name = shop.cloud.aws.client("scheduler"), "salesflow-forecast"
    full = scheduler.get_schedule(Name=name, GroupName="salesflow")
    wanted = ("Name", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
    kept = {key: full[key] for key in wanted}
    scheduler.delete_schedule(Name=name, GroupName="salesflow")
    if not gone:
        scheduler.create_schedule(**kept, State="DISABLED")
    try:
        yield
    finally:
        if not gone:
            scheduler.delete_schedule(Name=name, GroupName="salesflow")
        scheduler.create_schedule(**kept, State="ENABLED")


@contextmanager
def _failed_run(shop: LocalShop) -> Iterator[None]:
    """Yesterday's report failed for want of a token; in the end it is made."""
    event = {"report_type": "sales", "formats": ["csv"], "notify": "none"}
    with _secret(shop, "no token at all"):
        assert not shop.cloud.invoke("ReportFunction", event).succeeded
    try:
        yield
    finally:
        shop.cloud.function("ReportFunction").kill()
        assert shop.cloud.invoke("ReportFunction", event).succeeded


@contextmanager
def _alarm(shop: LocalShop) -> Iterator[None]:
    cloudwatch = shop.cloud.aws.client("cloudwatch")
    name = shop.cloud.stack.of_type("AWS::CloudWatch::Alarm")[0].physical_id
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="1 datapoint was greater")
    try:
        yield
    finally:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="over")


@contextmanager
def _waiting(shop: LocalShop) -> Iterator[None]:
    sqs, url = shop.cloud.aws.client("sqs"), shop.cloud.stack.physical_id("FailedRuns")
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        yield
    finally:
        sqs.purge_queue(QueueUrl=url)


@contextmanager
def _switched_off(shop: LocalShop) -> Iterator[None]:
    client, name = shop.cloud.aws.client("lambda"), "salesflow-report"
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        client.delete_function_concurrency(FunctionName=name)


def _pending(shop: LocalShop) -> AbstractContextManager[None]:
    answer = f"""<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
      <ListSubscriptionsByTopicResult><Subscriptions><member>
        <TopicArn>{shop.cloud.stack.physical_id("OwnerTopic")}</TopicArn><Protocol>email</Protocol>
        <SubscriptionArn>PendingConfirmation</SubscriptionArn><Owner>123456789012</Owner>
        <Endpoint>owner@shop.example.com</Endpoint>
      </member></Subscriptions></ListSubscriptionsByTopicResult>
      <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListSubscriptionsByTopicResponse>"""
    return _answering(shop, answer, body="Action=ListSubscriptionsByTopic", content_type="text/xml")


def _jwt(**claims: object) -> str:
    """A token that says this of itself, signed by nobody."""
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "c2ln"])


def _in_a_year() -> float:
    return (clock.now() + timedelta(days=365)).timestamp()


def _broken(shop: LocalShop, **rule: Any) -> AbstractContextManager[None]:
    error = {"__type": "ResourceNotFoundException", "message": "Requested resource not found"}
    return _answering(shop, error, status=400, content_type="application/x-amz-json-1.0", **rule)


FAULTS: dict[str, tuple[Fault, list[tuple[str, str]], str, str]] = {
    # what is planted, what is not OK then, a part of what is said, a part of the cure
    "the token has ended": (
        lambda shop: _secret(shop, shop.api.issue_token(timedelta(days=-1))),
        [("FAIL", "system token")],
        "it ended on",
        "salesflow-ops init --token-only",
    ),
    "the token ends soon": (
        lambda shop: _secret(shop, {TOKEN: shop.api.issue_token(timedelta(days=3))}),
        [("WARN", "system token")],
        "it ends in 3.0 days",
        "issue a new one",
    ),
    "the token is not of this API": (
        lambda shop: _secret(shop, _jwt(exp=_in_a_year())),
        [("FAIL", "system token")],
        "refused the system token",
        "Issue a new system token",
    ),
    "the secret holds something else": (
        lambda shop: _secret(shop, "Bearer abc"),
        [("FAIL", "system token")],
        "malformed",
        "without a word such as Bearer",
    ),
    "the system account's password is wrong": (
        lambda shop: _secret(shop, {"phoneNumber": "+8613800000000", "password": "wrong"}),
        [("FAIL", "system token")],
        "refused the system account",
        "store its present phone number and password",
    ),
    "nothing answers at the API's URL": (
        lambda shop: _variable(shop, "SALESFLOW_API_URL", "http://127.0.0.1:9/api/v1"),
        [("FAIL", "SalesFlow API")],
        "nothing answers at http://127.0.0.1:9/api/v1",
        "SalesFlowApiUrl",
    ),
    "the settings lack an owner": (
        lambda shop: _variable(shop, "OWNER_RECIPIENTS", ""),
        [("FAIL", "settings")],
        "OWNER_RECIPIENTS",
        "deploy again",
    ),
    "the zone is none": (
        lambda shop: _variable(shop, "TIMEZONE", "Mars/Olympus"),
        [("FAIL", "settings"), ("FAIL", "time zone")],
        "'Mars/Olympus' is no time zone",
        "Asia/Shanghai",
    ),
    "the region has no SES": (
        lambda shop: _variable(shop, "SES_REGION", "ap-east-1"),
        [("FAIL", "SES region")],
        "not offered in ap-east-1",
        "set SesRegion",
    ),
    "the account is in the sandbox": (
        lambda shop: _account(shop, ProductionAccessEnabled=False),
        [("FAIL", "SES sandbox")],
        "manager@shop.example.com",
        "production access",
    ),
    "sending is paused": (
        _sending_paused,
        [("FAIL", "SES sending")],
        "paused for the whole account",
        "put-account-sending-attributes --sending-enabled",
    ),
    "today's mails are used up": (
        lambda shop: _account(shop, SendQuota={"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 200.0}),
        [("FAIL", "SES quota")],
        "all 200 mails",
        "Service Quotas",
    ),
    "the sender is not verified": (
        lambda shop: _answering(
            shop, {"IdentityType": "EMAIL_ADDRESS", "VerifiedForSendingStatus": False}, path="/identities/reports"
        ),
        [("FAIL", "sender")],
        "reports@shop.example.com is not verified yet",
        "click the link",
    ),
    "the configuration set is paused": (
        _set_paused,
        [("FAIL", "configuration set")],
        "salesflow is paused",
        "put-configuration-set-sending-options --configuration-set-name salesflow --sending-enabled",
    ),
    "SES suppresses a reader": (
        _suppressed,
        [("FAIL", "suppression list")],
        "manager@shop.example.com no more (complaint)",
        "delete-suppressed-destination --email-address manager@shop.example.com",
    ),
    "an owner bounced": (
        _marked,
        [("FAIL", "marked addresses")],
        "owner@shop.example.com bounced for good",
        "aws dynamodb delete-item",
    ),
    "the bucket is gone": (
        lambda shop: _answering(
            shop, "", status=404, method="HEAD", path="/" + shop.cloud.stack.physical_id("ReportsBucket")
        ),
        [("FAIL", "bucket")],
        "is gone",
        "--stack-name",
    ),
    "a month of the history is gone": (
        _month_gone,
        [("WARN", "history")],
        "daily: 2026-10 not as written: deleted, rolled back or changed by hand",
        "salesflow-ops run sync-history",
    ),
    "the table is gone": (
        lambda shop: _broken(shop, target=".DescribeTable"),
        [("FAIL", "state table")],
        "is gone",
        "restore-table-to-point-in-time",
    ),
    "a schedule is paused": (
        lambda shop: _schedule(shop, gone=False),
        [("WARN", "schedules")],
        "forecast will not fire: paused",
        "schedules resume forecast",
    ),
    "a schedule is gone": (
        lambda shop: _schedule(shop, gone=True),
        [("FAIL", "schedules")],
        "salesflow-forecast gone",
        "deploy",
    ),
    "the last run failed": (_failed_run, [("FAIL", "last runs")], "report/sales/daily/csv", "salesflow-ops redrive"),
    "an alarm is on": (_alarm, [("FAIL", "alarms")], "is on: 1 datapoint was greater", ""),
    "a failed event waits": (_waiting, [("WARN", "queues")], "1 events wait", "salesflow-ops redrive --dry-run"),
    "the owner has not confirmed": (
        _pending,
        [("FAIL", "owner's topic")],
        "owner@shop.example.com has not confirmed",
        "Subscription Confirmation",
    ),
    "a function is switched off": (
        _switched_off,
        [("FAIL", "concurrency")],
        "salesflow-report is switched off",
        "delete-function-concurrency --function-name salesflow-report",
    ),
    "a new account's quota": (
        lambda shop: _answering(
            shop,
            {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}},
            path="/account-settings",
        ),
        [("WARN", "Lambda quota")],
        "10 functions at once",
        "Service Quotas",
    ),
}


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
        not_ok = [one for one in examined(clients) if one.verdict not in {Verdict.OK, Verdict.UNKNOWN}]
    assert sorted({(one.verdict.value, one.check) for one in not_ok}) == sorted(wanted), not_ok
    assert any(says in one.says and fix in one.fix for one in not_ok), not_ok
    assert all(one.fix for one in not_ok)


def test_a_failure_is_the_exit_status(desk: Desk, shop: LocalShop) -> None:
    with _alarm(shop):
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
    with _answering(shop, denied, status=400 if "target" in rule else 403, **rule):
        (one,) = [one for one in examined(clients) if one.verdict is not Verdict.OK]
    assert (one.verdict, one.check) == (Verdict.UNKNOWN, check)
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
        with _secret(shop, form):
            found = examined(clients)
        (one,) = [one for one in found if one.check == "system token"]
        assert one.verdict is Verdict.OK
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
    off = {one.check: one for one in examined(clients) if one.verdict is Verdict.FAIL}
    assert set(off) == {"clock", "clock of the API"}
    assert "NTP" in off["clock"].fix
