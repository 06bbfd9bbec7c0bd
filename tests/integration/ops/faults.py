"""What can be wrong with a stack, planted in a running local cloud and taken away again; what `doctor` has to say of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

from local.shop import LocalShop
from salesflow import clock
from salesflow.delivery.addresses import Mark, MarkedAddresses
from salesflow.rows import Rows

type Fault = Callable[[LocalShop], AbstractContextManager[object]]

TOKEN = "token"
GOOD_TOKEN_DAYS = 30


@contextmanager
def planted(plant: Callable[[], object], undo: Callable[[], object]) -> Iterator[None]:
    """What `plant` makes, for a while."""
    plant()
    try:
        yield
    finally:
        undo()


def calls(client: Any, plant: str, undo: str, given: dict[str, Any], **same: Any) -> AbstractContextManager[object]:
    """One call of an API that plants a fault, and one that takes it away."""
    return planted(lambda: getattr(client, plant)(**same, **given), lambda: getattr(client, undo)(**same))


def month_gone(shop: LocalShop) -> AbstractContextManager[object]:
    """An index that knows of a file which is not there."""
    index = {"first": "2026-10-01", "last": "2026-10-31", "months": {"2026-10": {"daily.csv.gz": '"0"'}}}
    place = {"Bucket": shop.cloud.stack.physical_id("ReportsBucket"), "Key": "history/coverage/daily.json"}
    body = {"Body": json.dumps(index).encode()}
    return calls(shop.cloud.aws.client("s3"), "put_object", "delete_object", body, **place)


def secret(shop: LocalShop, value: str | dict[str, str]) -> AbstractContextManager[object]:
    """The system token's secret holds something else."""
    return planted(lambda: shop.cloud.write_secret(value), lambda: good_token(shop))


def good_token(shop: LocalShop) -> None:
    """The secret holds a token that is good for a month."""
    shop.cloud.write_secret({TOKEN: shop.api.issue_token(timedelta(days=GOOD_TOKEN_DAYS))})


@contextmanager
def variable(shop: LocalShop, name: str, value: str) -> Iterator[None]:
    """One variable of every function set as a wrong parameter would set it."""
    client = shop.cloud.aws.client("lambda")
    functions = [resource.physical_id for resource in shop.cloud.stack.of_type("AWS::Lambda::Function")]
    before = {one: client.get_function_configuration(FunctionName=one)["Environment"]["Variables"] for one in functions}
    for function, variables in before.items():
        changed = {"Variables": variables | {name: value}}
        client.update_function_configuration(FunctionName=function, Environment=changed)
    try:
        yield
    finally:
        for function, variables in before.items():
            client.update_function_configuration(FunctionName=function, Environment={"Variables": variables})


def answering(shop: LocalShop, answer: Any, *, status: int = 200, **rule: Any) -> AbstractContextManager[object]:
    """AWS answers these requests so."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return shop.cloud.aws.hold(status=status, answer=text, times=100, **rule)


def account(shop: LocalShop, **differing: Any) -> AbstractContextManager[object]:
    """SES says this of the account."""
    found = shop.cloud.aws.client("sesv2").get_account()
    del found["ResponseMetadata"]
    return answering(shop, found | differing, method="GET", path="/v2/email/account")


def sending_paused(shop: LocalShop) -> AbstractContextManager[object]:
    """Nobody can be mailed."""
    put = shop.cloud.aws.client("sesv2").put_account_sending_attributes
    return planted(lambda: put(SendingEnabled=False), lambda: put(SendingEnabled=True))


def set_paused(shop: LocalShop) -> AbstractContextManager[object]:
    """Nobody can be mailed through the stack's configuration set."""
    put = shop.cloud.aws.client("sesv2").put_configuration_set_sending_options
    name = shop.cloud.stack.physical_id("MailConfigurationSet")
    return planted(
        lambda: put(ConfigurationSetName=name, SendingEnabled=False),
        lambda: put(ConfigurationSetName=name, SendingEnabled=True),
    )


def suppressed(shop: LocalShop) -> AbstractContextManager[object]:
    """A reader complained."""
    ses, address = shop.cloud.aws.client("sesv2"), shop.shop.report_recipients[0]
    why = {"Reason": "COMPLAINT"}
    return calls(ses, "put_suppressed_destination", "delete_suppressed_destination", why, EmailAddress=address)


def marked(shop: LocalShop) -> AbstractContextManager[object]:
    """An owner's address bounced."""
    dynamodb, table = shop.cloud.aws.client("dynamodb"), shop.cloud.stack.physical_id("StateTable")
    address = shop.shop.owners[0]
    marks = MarkedAddresses(Rows(dynamodb, table))
    return planted(
        lambda: marks.mark(address, Mark.BOUNCED, said="550 unknown", message_id="m-1"),
        lambda: dynamodb.delete_item(TableName=table, Key={"pk": {"S": "address"}, "sk": {"S": address}}),
    )


@contextmanager
def schedule(shop: LocalShop, *, gone: bool) -> Iterator[None]:
    """The forecast's schedule is paused, or gone."""
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
def failed_run(shop: LocalShop) -> Iterator[None]:
    """Yesterday's report failed for want of a token; in the end it is made."""
    event = {"report_type": "sales", "formats": ["csv"], "notify": "none"}
    with secret(shop, "no token at all"):
        assert not shop.cloud.invoke("ReportFunction", event).succeeded
    try:
        yield
    finally:
        shop.cloud.function("ReportFunction").kill()
        assert shop.cloud.invoke("ReportFunction", event).succeeded


def alarm(shop: LocalShop) -> AbstractContextManager[object]:
    """An alarm is on."""
    put = shop.cloud.aws.client("cloudwatch").set_alarm_state
    name = shop.cloud.stack.of_type("AWS::CloudWatch::Alarm")[0].physical_id
    return planted(
        lambda: put(AlarmName=name, StateValue="ALARM", StateReason="1 datapoint was greater"),
        lambda: put(AlarmName=name, StateValue="OK", StateReason="over"),
    )


def waiting(shop: LocalShop) -> AbstractContextManager[object]:
    """A failed event waits in its queue."""
    url = shop.cloud.stack.physical_id("FailedRuns")
    return calls(shop.cloud.aws.client("sqs"), "send_message", "purge_queue", {"MessageBody": "{}"}, QueueUrl=url)


def switched_off(shop: LocalShop) -> AbstractContextManager[object]:
    """The report's function may not run."""
    client, none = shop.cloud.aws.client("lambda"), {"ReservedConcurrentExecutions": 0}
    plant, undo = "put_function_concurrency", "delete_function_concurrency"
    return calls(client, plant, undo, none, FunctionName="salesflow-report")


def pending(shop: LocalShop) -> AbstractContextManager[object]:
    """The owner has not confirmed the topic's subscription."""
    answer = f"""<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
      <ListSubscriptionsByTopicResult><Subscriptions><member>
        <TopicArn>{shop.cloud.stack.physical_id("OwnerTopic")}</TopicArn><Protocol>email</Protocol>
        <SubscriptionArn>PendingConfirmation</SubscriptionArn><Owner>123456789012</Owner>
        <Endpoint>owner@shop.example.com</Endpoint>
      </member></Subscriptions></ListSubscriptionsByTopicResult>
      <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListSubscriptionsByTopicResponse>"""
    return answering(shop, answer, body="Action=ListSubscriptionsByTopic", content_type="text/xml")


def jwt(**claims: object) -> str:
    """A token that says this of itself, signed by nobody."""
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "c2ln"])


def broken(shop: LocalShop, **rule: Any) -> AbstractContextManager[object]:
    """What is asked for is not there."""
    error = {"__type": "ResourceNotFoundException", "message": "Requested resource not found"}
    return answering(shop, error, status=400, content_type="application/x-amz-json-1.0", **rule)


FAULTS: dict[str, tuple[Fault, list[tuple[str, str]], str, str]] = {
    # what is planted, what is not OK then, a part of what is said, a part of the cure
    "the token has ended": (
        lambda shop: secret(shop, shop.api.issue_token(timedelta(days=-1))),
        [("FAIL", "system token")],
        "it ended on",
        "salesflow-ops init --token-only",
    ),
    "the token ends soon": (
        lambda shop: secret(shop, {TOKEN: shop.api.issue_token(timedelta(days=3))}),
        [("WARN", "system token")],
        "it ends in 3.0 days",
        "issue a new one",
    ),
    "the token is not of this API": (
        lambda shop: secret(shop, jwt(exp=(clock.now() + timedelta(days=365)).timestamp())),
        [("FAIL", "system token")],
        "refused the system token",
        "Issue a new system token",
    ),
    "the secret holds something else": (
        lambda shop: secret(shop, "Bearer abc"),
        [("FAIL", "system token")],
        "malformed",
        "without a word such as Bearer",
    ),
    "the system account's password is wrong": (
        lambda shop: secret(shop, {"phoneNumber": "+8613800000000", "password": "wrong"}),
        [("FAIL", "system token")],
        "refused the system account",
        "store its present phone number and password",
    ),
    "nothing answers at the API's URL": (
        lambda shop: variable(shop, "SALESFLOW_API_URL", "http://127.0.0.1:9/api/v1"),
        [("FAIL", "SalesFlow API")],
        "nothing can be read at http://127.0.0.1:9/api/v1: it takes no connection",
        "SalesFlowApiUrl",
    ),
    "the settings lack an owner": (
        lambda shop: variable(shop, "OWNER_RECIPIENTS", ""),
        [("FAIL", "settings")],
        "OWNER_RECIPIENTS",
        "deploy again",
    ),
    "the zone is none": (
        lambda shop: variable(shop, "TIMEZONE", "Mars/Olympus"),
        [("FAIL", "settings"), ("FAIL", "time zone")],
        "'Mars/Olympus' is no time zone",
        "Asia/Shanghai",
    ),
    "the region has no SES": (
        lambda shop: variable(shop, "SES_REGION", "ap-east-1"),
        [("FAIL", "SES region")],
        "not offered in ap-east-1",
        "set SesRegion",
    ),
    "the account is in the sandbox": (
        lambda shop: account(shop, ProductionAccessEnabled=False),
        [("FAIL", "SES sandbox")],
        "manager@shop.example.com",
        "production access",
    ),
    "sending is paused": (
        sending_paused,
        [("FAIL", "SES sending")],
        "paused for the whole account",
        "put-account-sending-attributes --sending-enabled",
    ),
    "today's mails are used up": (
        lambda shop: account(shop, SendQuota={"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 200.0}),
        [("FAIL", "SES quota")],
        "all 200 mails",
        "Service Quotas",
    ),
    "the sender is not verified": (
        lambda shop: answering(
            shop, {"IdentityType": "EMAIL_ADDRESS", "VerifiedForSendingStatus": False}, path="/identities/reports"
        ),
        [("FAIL", "sender")],
        "reports@shop.example.com is not verified yet",
        "click the link",
    ),
    "the configuration set is paused": (
        set_paused,
        [("FAIL", "configuration set")],
        "salesflow is paused",
        "put-configuration-set-sending-options --configuration-set-name salesflow --sending-enabled",
    ),
    "SES suppresses a reader": (
        suppressed,
        [("FAIL", "suppression list")],
        "manager@shop.example.com no more (complaint)",
        "delete-suppressed-destination --email-address manager@shop.example.com",
    ),
    "an owner bounced": (
        marked,
        [("FAIL", "marked addresses")],
        "owner@shop.example.com bounced for good",
        "aws dynamodb delete-item",
    ),
    "the bucket is gone": (
        lambda shop: answering(
            shop, "", status=404, method="HEAD", path="/" + shop.cloud.stack.physical_id("ReportsBucket")
        ),
        [("FAIL", "bucket")],
        "is gone",
        "--stack-name",
    ),
    "a month of the history is gone": (
        month_gone,
        [("WARN", "history")],
        "daily: 2026-10 not as written: deleted, rolled back or changed by hand",
        "salesflow-ops run sync-history",
    ),
    "the table is gone": (
        lambda shop: broken(shop, target=".DescribeTable"),
        [("FAIL", "state table")],
        "is gone",
        "restore-table-to-point-in-time",
    ),
    "a schedule is paused": (
        lambda shop: schedule(shop, gone=False),
        [("WARN", "schedules")],
        "forecast will not fire: paused",
        "schedules resume forecast",
    ),
    "a schedule is gone": (
        lambda shop: schedule(shop, gone=True),
        [("FAIL", "schedules")],
        "salesflow-forecast gone",
        "deploy",
    ),
    "the last run failed": (failed_run, [("FAIL", "last runs")], "report/sales/daily/csv", "salesflow-ops redrive"),
    "an alarm is on": (alarm, [("FAIL", "alarms")], "is on: 1 datapoint was greater", ""),
    "a failed event waits": (waiting, [("WARN", "queues")], "1 events wait", "salesflow-ops redrive --dry-run"),
    "the owner has not confirmed": (
        pending,
        [("FAIL", "owner's topic")],
        "owner@shop.example.com has not confirmed",
        "Subscription Confirmation",
    ),
    "a function is switched off": (
        switched_off,
        [("FAIL", "concurrency")],
        "salesflow-report is switched off",
        "delete-function-concurrency --function-name salesflow-report",
    ),
    "a new account's quota": (
        lambda shop: answering(
            shop,
            {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}},
            path="/account-settings",
        ),
        [("WARN", "Lambda quota")],
        "10 functions at once",
        "Service Quotas",
    ),
}
