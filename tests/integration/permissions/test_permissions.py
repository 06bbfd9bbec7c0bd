"""Least privilege, proven: each function does its work under its own role alone, and with any piece of that role less it fails.

The roles are those that CloudFormation makes of `template.yaml`; IAM's answers come from an evaluator that is not ours.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.cloud.containers import Invocation
from local.shop import TEMPLATE
from salesflow.links.things import MailList, file_thing, finding_thing, mails_thing
from tests.integration.permissions import services
from tests.integration.permissions.evaluator import Asked, Question
from tests.integration.permissions.grants import Grant, grants, refused_without, unused
from tests.integration.permissions.stack import (
    EARLIER_CHECK,
    OWNER,
    TOLD,
    GuardedStack,
    followed,
    guarded_stack,
    resource_policies,
    role_policy,
)
from tests.unit.template.test_permissions import ROLES

TICK = {"scheduled_time": "2026-06-30T23:00:00Z"}
REPORT = TICK | {"report_type": "combined", "formats": ["pdf", "csv"]}
EARLIER = TICK | {"report_type": "sales", "formats": ["csv"], "business_date": "2026-06-10"}
BOUNCE = json.loads((TEMPLATE.parent / "events" / "mail_events" / "bounce.json").read_text())

WORK: dict[str, list[dict[str, Any]]] = {
    "SyncHistoryFunction": [TICK],
    "AnomalyCheckFunction": [
        TICK | {"scope": "GLOBAL", "notify": "owner", "business_date": "2026-06-18"},
        TICK | {"scope": "GLOBAL"},
        TICK | {"scope": "PRODUCT"},
    ],
    "ForecastFunction": [TICK],
    "ReportFunction": [REPORT | {"notify": "owner"}, REPORT | {"force": True}],
    "MailEventsFunction": [BOUNCE],
    "WatchdogFunction": [TICK],
    "LinksFunction": [
        followed("GET", file_thing("reports/sales/daily/2026-06-01/sales-daily-2026-06-01.csv")),
        followed("GET", file_thing("reports/sales/daily/2026-06-02/not-there.csv")),
        followed("POST", finding_thing(EARLIER_CHECK, TOLD.key), "do=quiet"),
        followed("GET", finding_thing("anomalies/GLOBAL/2026-06-01.json", TOLD.key)),
        followed("POST", mails_thing(MailList.REPORTS), "do=stop"),
        followed("POST", mails_thing(MailList.REPORTS), "do=take-up-reports"),
    ],
}
"""Each function's events: together they take every path that calls AWS, as an alert to the owner and one to the readers."""

CHECKED = ("AnomalyCheckFunction", TICK | {"scope": "GLOBAL", "notify": "none", "business_date": "2026-06-10"})
BEFORE = {
    "SyncHistoryFunction": [CHECKED],
    "ForecastFunction": [CHECKED],
    "ReportFunction": [("ForecastFunction", TICK)],
}
"""What is there for a function to find: a check whose alerts the library page asks for, a forecast to show."""

MISSING_PAGE = "the library page could not be made"
LINK_FAILED = '"message":"failed"'
"""A link that fails is shown to its reader, and said in the log."""
PAGE_ALONE = (
    "reports/index.html",
    "s3:prefix is reports/*",
    "dynamodb:LeadingKeys is library",
    "dynamodb:Query where dynamodb:LeadingKeys is alert#*",
)
"""Without these the page alone is missing, and the run succeeds."""
MAILS = (
    "ses:",
    "social-messaging:",
    "kms:",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "s3:GetObjectVersion",
)


@pytest.fixture(scope="module")
def stack() -> Iterator[GuardedStack]:
    with guarded_stack() as running:
        assert (
            running.run("ReportFunction", EARLIER).error is None
        )  # before there is a report, there is no library page
        yield running


def in_order(grant: Grant) -> tuple[bool, ...]:
    """Each while it is needed: the token while no container knows it, history while there is none, reading it once there is
    one, mails, their records and what a run goes on with after alerts and files (an edition is saved once), and last the
    library page."""
    action = grant.actions[0]
    return (
        grant.what.endswith(PAGE_ALONE),
        (action.startswith(MAILS) or signs_links(grant))
        and not (action == "dynamodb:PutItem" and grant.what.endswith(" alert#*")),
        reads_history(grant),
        not action.startswith("secretsmanager"),
        not grant.what.endswith("history/*"),
        not grant.what.endswith("edition#report/*"),
    )


def reads_history(grant: Grant) -> bool:
    """Whether it lets a function read the history, which one that wrote it itself still knows."""
    return grant.actions == ("s3:GetObject",) and grant.what.endswith("history/*")


def signs_links(grant: Grant) -> bool:
    """Whether it lets a function read the links' keys, which one that has read them still knows."""
    return "LinkKeys" in grant.what


@pytest.mark.parametrize("function", WORK)
def test_a_function_does_its_work_under_its_own_role_and_not_with_any_piece_of_it_less(
    stack: GuardedStack, function: str
) -> None:
    """With a piece less it fails and says in its error and in the ledger what was refused; the library page, which is made
    after a run is over, may only be missing, and then the log says so. Of pieces without which the very same calls are refused, one is tried."""
    own = [each for each in grants(stack.gate.policies[function]) if not is_of_other_times(stack, function, each)]
    assert own
    for other, event in BEFORE.get(function, ()):
        assert stack.run(other, event).error is None
    stack.functions[function].kill()  # a new container knows no token
    stack.empty_bucket(but=("forecasts/", "reports/sales/"))  # the history is brought there by whoever comes first
    stack.put_earlier_report()
    tried: list[Grant] = []
    for grant in sorted(own, key=in_order):
        calls = refused_without(stack.gate, stack.evaluator, function, grant)
        if calls and any(calls == refused_without(stack.gate, stack.evaluator, function, other) for other in tried):
            continue
        tried.append(grant)
        if reads_history(grant) or signs_links(grant):
            stack.functions[function].kill()
        stack.forget_who_was_told()
        with stack.gate.with_policy(function, grant.rest):
            runs = []
            for event in WORK[function]:
                runs.append(stack.run(function, event))
                if stack.gate.denied:
                    break
            refused = list(stack.gate.denied)
        assert refused, f"{function} does without {grant}"
        said = told_of(runs)
        assert said, f"{function} is silent about what was refused without {grant}"
        assert any(names(each, said) for each in refused), f"without {grant}: {said[:2_000]}"
        if runs[-1].error is not None and has_row(function) and not refused[0].action.startswith("dynamodb"):
            assert said_in_ledger(stack, said), f"without {grant}: {said} is not in the ledger"
    stack.forget_who_was_told()
    for event in WORK[function]:
        run = stack.run(function, event)
        assert run.error is None, run.error
        assert MISSING_PAGE not in run.log, run.log
        assert LINK_FAILED not in run.log or function != "LinksFunction", run.log
        assert run.answer.get("status", "SUCCEEDED") in {"SUCCEEDED", "DUPLICATE", "PARTIAL"}, "a channel is gone"
    asked = asked_at_other_times(stack, function)
    assert all(stack.evaluator.allow([stack.gate.question(function, each) for each in asked])), (
        "Lambda itself, and the watchdog once a year"
    )
    assert unused(stack.gate, stack.evaluator, function, asked | stack.gate.asked[function]) == []


def told_of(runs: list[Invocation]) -> str:
    """What the runs say of a failure: the last one's error, or the warnings that the library page is missing."""
    error = runs[-1].error
    if error is not None:
        return str(error["errorMessage"])
    return "\n".join(
        line for run in runs for line in run.log.splitlines() if MISSING_PAGE in line or LINK_FAILED in line
    )


def names(refused: Asked, said: str) -> bool:
    """Whether a text says what was refused: the action, or (S3's answer to a HEAD has no words) what it was about."""
    return refused.action in said or (
        refused.resource.rpartition(":")[2] in said and ("403" in said or "Denied" in said)
    )


def has_row(function: str) -> bool:
    """Whether the ledger has rows of a function's runs."""
    return function not in {"MailEventsFunction", "LinksFunction"}


def asked_at_other_times(stack: GuardedStack, function: str) -> set[Asked]:
    """What Lambda itself asks for with the function's role, and the watchdog when clocks go forward and of other shops."""
    found = services.asked_by_lambda(stack.shop.cloud, function)
    if function == "WatchdogFunction":
        found |= services.asked_when_clocks_go_forward(stack.shop.cloud)
        found |= services.asked_for_other_shops(stack.shop.cloud)
    return found


def is_of_other_times(stack: GuardedStack, function: str, grant: Grant) -> bool:
    """Whether none of the function's work here uses a grant."""
    asked = {asked.action for asked in asked_at_other_times(stack, function)} - {"dynamodb:Query"}
    return grant.actions[0] in asked or grant.what.endswith(("/index/late", " late#*"))


def said_in_ledger(stack: GuardedStack, message: str) -> bool:
    """Whether a run is on record as FAILED for this reason."""
    reasons = [row["reason"]["S"] for row in stack.rows() if row.get("status", {}).get("S") == "FAILED"]
    return any(reason and reason[:200] in message for reason in reasons)


@pytest.mark.parametrize(
    "more",
    [
        {"Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::a-bucket/reports/*"},
        {"Action": ["dynamodb:UpdateItem", "dynamodb:DeleteItem"], "Resource": "*"},
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::a-bucket/*"},
    ],
    ids=["an action", "an action and any resource", "a resource"],
)
def test_a_grant_too_many_is_found(stack: GuardedStack, more: dict[str, Any]) -> None:
    function = "SyncHistoryFunction"
    assert stack.run(function, TICK).error is None
    asked = stack.gate.asked[function] | services.asked_by_lambda(stack.shop.cloud, function)
    policy = stack.gate.policies[function]
    surplus = {"Effect": "Allow", **more}
    with stack.gate.with_policy(function, {**policy, "Statement": [*policy["Statement"], surplus]}):
        assert unused(stack.gate, stack.evaluator, function, asked) != []


@pytest.mark.parametrize("function", WORK)
def test_a_function_can_do_nothing_in_another_ones_place(stack: GuardedStack, function: str) -> None:
    """Mails to strangers or from another sender, other prefixes, other stacks' secrets, tables and logs."""
    foreign = {
        Asked("s3:GetObject", f"{bucket(stack)}/elsewhere/x"),
        Asked("s3:PutObject", f"{bucket(stack)}/elsewhere/x"),
        Asked("s3:DeleteObject", f"{bucket(stack)}/reports/x"),
        Asked("s3:GetObject", "arn:aws:s3:::another-bucket/reports/x"),
        Asked("s3:ListBucket", bucket(stack), (("s3:prefix", ("",)),)),
        Asked("dynamodb:DeleteItem", "arn:aws:dynamodb:ap-southeast-1:123456789012:table/another"),
        Asked("dynamodb:UpdateItem", "arn:aws:dynamodb:ap-southeast-1:123456789012:table/another"),
        Asked(
            "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:other-AbCdEf"
        ),
        Asked("logs:PutLogEvents", "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/lambda/other:log-stream:x"),
        Asked("ses:SendRawEmail", IDENTITY, mail(OWNER, sender="somebody@shop.example.com")),
    }
    answers = stack.evaluator.allow([stack.gate.question(function, each) for each in foreign])
    assert [str(each) for each, allowed in zip(foreign, answers, strict=True) if allowed] == []


def test_the_scheduler_reaches_the_functions_and_its_queue_and_nothing_else(stack: GuardedStack) -> None:
    cloud = stack.shop.cloud
    policy = role_policy(cloud.aws, cloud.stack.physical_id("SchedulerRole"))
    asked = sorted(services.asked_by_scheduler(cloud), key=str)
    assert len(asked) == 6, "five functions and a queue"

    def allowed(by: dict[str, Any]) -> bool:
        return all(stack.evaluator.allow([stack.gate.question("SchedulerRole", each, by) for each in asked]))

    assert allowed(policy)
    assert [str(grant) for grant in grants(policy) if allowed(grant.rest)] == []
    mail_events = Asked("lambda:InvokeFunction", cloud.stack.functions["MailEventsFunction"].arn)
    assert not stack.evaluator.allows(stack.gate.question("SchedulerRole", mail_events, policy))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_taken_on_by_its_own_service_alone(stack: GuardedStack, role: str) -> None:
    cloud = stack.shop.cloud
    group = f"arn:aws:scheduler:{cloud.aws.region}:123456789012:schedule-group/{cloud.stack.stack}"
    machine = cloud.stack.physical_id("FleetMachine")
    service, source = {
        "SchedulerRole": ("scheduler.amazonaws.com", group),
        "FleetRole": ("states.amazonaws.com", machine),
    }.get(role, ("lambda.amazonaws.com", ""))
    own = {"SourceAccount": "123456789012", "SourceArn": source or group}
    taken_on = {
        name: stack.evaluator.allows(services.assumed(cloud, role, name, **own))
        for name in ("lambda.amazonaws.com", "scheduler.amazonaws.com", "events.amazonaws.com", "states.amazonaws.com")
    }
    assert [name for name, allowed in taken_on.items() if allowed] == [service]
    if source:
        for other in ({"SourceAccount": "999999999999"}, {"SourceArn": f"{source}-other"}):
            assert not stack.evaluator.allows(services.assumed(cloud, role, service, **own | other))


def test_the_machine_of_all_shops_fires_the_jobs_reads_its_lists_and_keeps_failures(stack: GuardedStack) -> None:
    cloud = stack.shop.cloud
    policy = role_policy(cloud.aws, cloud.stack.physical_id("FleetRole"))
    asked = sorted(services.asked_by_fleet(cloud), key=str)

    def allowed(by: dict[str, Any]) -> bool:
        return all(stack.evaluator.allow([stack.gate.question("FleetRole", each, by) for each in asked]))

    assert allowed(policy)
    assert [str(grant) for grant in grants(policy) if allowed(grant.rest)] == []
    machine = cloud.stack.physical_id("FleetMachine")
    foreign = [
        Asked("lambda:InvokeFunction", cloud.stack.functions["WatchdogFunction"].arn),
        Asked("s3:GetObject", f"{bucket(stack)}/reports/x"),
        Asked("s3:PutObject", f"{bucket(stack)}/fleet/x"),
        Asked("states:StartExecution", f"{machine}-other"),
        Asked("states:StopExecution", f"{machine.replace(':stateMachine:', ':execution:')}-other:x"),
    ]
    answers = stack.evaluator.allow([stack.gate.question("FleetRole", each, policy) for each in foreign])
    assert answers == [False] * len(foreign)


def test_every_alarm_reaches_the_owner_and_nobody_else_s_alarm_does(stack: GuardedStack) -> None:
    cloud = stack.shop.cloud
    policy = resource_policies(cloud)[cloud.stack.physical_id("OwnerTopic")]
    own = list(services.published_by_alarms(cloud, policy))
    assert len(own) >= 10
    assert all(stack.evaluator.allow(own))
    foreign = list(services.published_by_alarms(cloud, policy, account="999999999999"))
    assert not any(stack.evaluator.allow(foreign))


def test_only_the_stack_s_own_rule_and_topic_hand_reports_of_messages_over(stack: GuardedStack) -> None:
    cloud = stack.shop.cloud
    rule, topic = services.own_rule(cloud), cloud.stack.physical_id("WhatsAppReports")
    assert stack.evaluator.allows(services.handed_over(cloud, rule, "events.amazonaws.com"))
    assert stack.evaluator.allows(services.handed_over(cloud, topic, "sns.amazonaws.com"))
    for source, service in (
        ("arn:aws:events:ap-southeast-1:123456789012:rule/another", "events.amazonaws.com"),
        ("arn:aws:sns:ap-southeast-1:123456789012:another", "sns.amazonaws.com"),
        (topic, "events.amazonaws.com"),
        (rule, "sns.amazonaws.com"),
    ):
        assert not stack.evaluator.allows(services.handed_over(cloud, source, service)), (source, service)


def test_whatsapp_of_this_account_alone_reports_to_the_stack(stack: GuardedStack) -> None:
    topic = stack.shop.cloud.stack.physical_id("WhatsAppReports")
    policy = resource_policies(stack.shop.cloud)[topic]

    def may(service: str = "social-messaging.amazonaws.com", account: str = "123456789012", tls: str = "true") -> bool:
        context = (("aws:SecureTransport", (tls,)), ("aws:SourceAccount", (account,)))
        return stack.evaluator.allows(Question(Asked("sns:Publish", topic, context), service, resource_policy=policy))

    assert may()
    assert not any((may(account="999999999999"), may(service="cloudwatch.amazonaws.com"), may(tls="false")))


def test_nothing_stored_or_queued_goes_over_plain_http(stack: GuardedStack) -> None:
    queues = [each for each in services.asked_by_scheduler(stack.shop.cloud) if each.action.startswith("sqs:")]
    asked = [*queues, Asked("s3:GetObject", f"{bucket(stack)}/x"), Asked("s3:PutObject", f"{bucket(stack)}/x")]
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

    def allowed(secure: str) -> list[bool]:
        context = (("aws:SecureTransport", (secure,)),)
        questions = [Asked(each.action, each.resource, context) for each in asked]
        return stack.evaluator.allow([stack.gate.question("ReportFunction", each, anything) for each in questions])

    assert allowed("true") == [True, True, True]
    assert allowed("false") == [False, False, False]


IDENTITY = "arn:aws:ses:ap-southeast-1:123456789012:identity/reports@shop.example.com"


def mail(*recipients: str, sender: str = "reports@shop.example.com") -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What IAM is told of a mail."""
    return ("ses:FromAddress", (sender,)), ("ses:Recipients", recipients)


def bucket(stack: GuardedStack) -> str:
    return f"arn:aws:s3:::{stack.shop.cloud.stack.physical_id('ReportsBucket')}"
