"""Can a function do what its job needs, and nothing else?"""

import json
import re

import pytest
from samcli.yamlhelper import yaml_parse

from tests.unit.template.stack import (
    TEMPLATE,
    Statement,
    as_list,
    functions,
    of_type,
    parameters,
    referred,
    resources,
    statements,
    text,
)

JOB_ROLES = ["ReportRole", "SyncHistoryRole", "ForecastRole", "AnomalyCheckRole"]
ROLES = [*JOB_ROLES, "WatchdogRole", "MailEventsRole", "LinksRole", "SchedulerRole", "FleetRole"]

SHOP_ROLES = ["ShopRole", "ShopReadersRole"]
"""What runs of other shops than `main` take on."""

WRITERS = ("ReportRole", "AnomalyCheckRole", "WatchdogRole")
"""The roles that may mail."""

WHOLE_PREFIX = re.compile(r"\$\{ReportsBucket\.Arn\}/(history|reports|anomalies|forecasts|fleet)/\*")
"""All keys below a named prefix of a named bucket."""


def prefixes(role: str, action: str) -> set[str]:
    """The prefixes of the bucket on which a role may do something."""
    resources = [r for s in statements(role) if action in as_list(s["Action"]) for r in as_list(s["Resource"])]
    return {resource["Fn::Sub"].removeprefix("${ReportsBucket.Arn}/") for resource in resources}


def everything(role: str) -> list[tuple[Statement, str]]:
    return [(s, text(resource)) for s in statements(role) for resource in as_list(s["Resource"])]


def test_these_are_all_the_roles() -> None:
    assert set(of_type("AWS::IAM::Role")) == {*ROLES, *SHOP_ROLES}
    assert not of_type("AWS::IAM::Policy")
    assert not any("ManagedPolicyArns" in role for role in of_type("AWS::IAM::Role").values())


@pytest.mark.parametrize("role", [*ROLES, *SHOP_ROLES])
def test_every_action_is_named(role: str) -> None:
    for statement in statements(role):
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            assert "*" not in action, statement


@pytest.mark.parametrize("role", ROLES)
def test_every_resource_is_named(role: str) -> None:
    for statement, resource in everything(role):
        if "*" not in WHOLE_PREFIX.sub("", resource):
            assert referred(statement["Resource"]), statement
        elif statement["Sid"] == "ListSchedules":  # listing takes no resource either
            assert statement["Action"] == "scheduler:ListSchedules"
        elif statement["Sid"] == "ReadOwnSchedules":
            assert "schedule/${ScheduleGroup}/*" in resource
        elif statement["Sid"] == "MindItems":  # executions of the machine, which have names of their own
            assert resource.endswith(':execution:${AWS::StackName}-fleet/*"}')
        elif statement["Sid"] == "TellByWhatsApp":  # the number is the shop's to say, in its channels
            assert resource.endswith(':phone-number-id/*"}')
        else:  # SES, in its sandbox, asks about the recipients' identities too: so the condition names the sender
            assert statement["Sid"] == "Mail", statement
            assert statement["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "MailSender"}}}


LIBRARY = "reports/index.html"
"""The one file of the reports that every job makes anew after its runs."""


@pytest.mark.parametrize(
    ("role", "action", "needs"),
    [
        ("ReportRole", "s3:GetObject", {"history/*", "reports/*", "forecasts/*"}),
        ("ReportRole", "s3:PutObject", {"history/*", "reports/*"}),
        ("SyncHistoryRole", "s3:GetObject", {"history/*", LIBRARY}),
        ("SyncHistoryRole", "s3:PutObject", {"history/*", LIBRARY}),
        ("ForecastRole", "s3:GetObject", {"history/*", "forecasts/*", LIBRARY}),
        ("ForecastRole", "s3:PutObject", {"history/*", "forecasts/*", LIBRARY}),
        ("AnomalyCheckRole", "s3:GetObject", {"history/*", "anomalies/*", LIBRARY}),
        ("AnomalyCheckRole", "s3:PutObject", {"history/*", "anomalies/*", LIBRARY}),
    ],
)
def test_each_job_reads_and_writes_its_own_prefixes(role: str, action: str, needs: set[str]) -> None:
    assert prefixes(role, action) == needs


@pytest.mark.parametrize("role", JOB_ROLES)
def test_a_missing_key_is_told_from_a_forbidden_one(role: str) -> None:
    """Without ListBucket, S3 answers 403 for a key that does not exist, and a fresh stack would look broken."""
    (listing,) = (s for s in statements(role) if s["Action"] == "s3:ListBucket")
    read = prefixes(role, "s3:GetObject")
    listed = {"reports/*" if prefix == LIBRARY else prefix for prefix in read}  # the library page names all reports
    assert set(listing["Condition"]["StringLike"]["s3:prefix"]) == listed


@pytest.mark.parametrize("role", JOB_ROLES)
def test_only_those_who_have_something_to_tell_can_mail(role: str) -> None:
    actions = {action for s in statements(role) for action in as_list(s["Action"])}
    assert any(action.startswith("ses:") for action in actions) == (role in WRITERS)


def test_only_the_stack_s_own_secret_can_be_read() -> None:
    token, keys, links = {"Ref": "SystemTokenSecret"}, {"Ref": "LinkKeys"}, {"ReportRole", "AnomalyCheckRole"}
    for role in (*JOB_ROLES, "WatchdogRole"):
        secrets = [s["Resource"] for s in statements(role) if s["Action"] == "secretsmanager:GetSecretValue"]
        reads_source = [] if role == "WatchdogRole" else [token]
        assert secrets == [*reads_source, *([keys] if role in links else [])]
    secrets = [s["Resource"] for s in statements("LinksRole") if s["Action"] == "secretsmanager:GetSecretValue"]
    assert secrets == [keys], "what can be reached from outside knows no token"


def test_who_tells_readers_opens_what_was_sealed_for_main_and_a_run_of_another_shop_what_was_for_it() -> None:
    sealed_for = {
        role: [s["Condition"]["StringEquals"] for s in statements(role) if s["Action"] == "kms:Decrypt"]
        for role in (*ROLES, *SHOP_ROLES)
    }
    main, tagged = ([{"kms:EncryptionContext:shop": shop}] for shop in ("main", "${aws:PrincipalTag/shop}"))
    opens = dict.fromkeys(WRITERS, main) | {"ShopRole": tagged}
    assert {role: found for role, found in sealed_for.items() if found} == opens
    assert {role for role in ROLES if "channel" in partitions(role, "dynamodb:Query")} == set(WRITERS)


def test_the_function_that_can_be_reached_from_outside_is_there_only_when_asked_for() -> None:
    urls = {name: r for name, r in resources().items() if r["Type"] == "AWS::Lambda::Url"}
    assert set(urls) == {"LinksFunctionUrl"}
    names = [
        "LinksFunction",
        "LinksFunctionUrl",
        "LinksRole",
        "LinkKeys",
        "LinksLogs",
        "LinksErrorsAlarm",
        "LinksFloodAlarm",
    ]
    for name in [
        *names,
        *(n for n, r in resources().items() if "Links" in n and r["Type"] == "AWS::Lambda::Permission"),
    ]:
        assert resources()[name]["Condition"] == "HasLinks", name
    assert parameters()["LinksState"]["Default"] == "DISABLED"
    assert functions()["LinksFunction"]["ReservedConcurrentExecutions"] <= 2


def test_what_can_be_reached_from_outside_writes_choices_and_uses_alone() -> None:
    actions = {action for s in statements("LinksRole") for action in as_list(s["Action"])}
    assert not actions & {"s3:PutObject", "s3:DeleteObject", "dynamodb:DeleteItem"}
    assert not any(action.startswith("ses:") for action in actions)
    assert partitions("LinksRole", "dynamodb:PutItem") == {"alert#mute", "link"}
    assert partitions("LinksRole", "dynamodb:UpdateItem") == {"address"}
    assert partitions("LinksRole", "dynamodb:Query") == {"alert#mute", "address", "settings"}
    assert prefixes("LinksRole", "s3:GetObject") == {"anomalies/*", "reports/*"}


def test_the_watchdog_and_the_mail_events_read_no_token_and_no_sales() -> None:
    for role in ("WatchdogRole", "MailEventsRole"):
        actions = {action for s in statements(role) for action in as_list(s["Action"])}
        assert not any(action.startswith("s3:") for action in actions)
        read = [s["Resource"] for s in statements(role) if s["Action"] == "secretsmanager:GetSecretValue"]
        assert {"Ref": "SystemTokenSecret"} not in read
    table = [s["Action"] for s in statements("MailEventsRole") if "StateTable" in referred(s["Resource"])]
    assert table == ["dynamodb:UpdateItem"], "it marks addresses and reads nothing"
    assert partitions("MailEventsRole", "dynamodb:UpdateItem") == {"address"}


@pytest.mark.parametrize("role", SHOP_ROLES)
def test_what_another_shop_s_run_takes_on_reaches_the_shop_of_its_tag_alone(role: str) -> None:
    """Every grant is on that shop's part, and on nothing where the session names no shop."""
    for statement, resource in everything(role):
        condition = json.dumps(statement["Condition"])
        assert statement["Condition"]["StringLike"]["aws:PrincipalTag/shop"] == "?*", statement
        scoped = "/shops/${!aws:PrincipalTag/shop}/" in resource
        assert scoped or '"${aws:PrincipalTag/shop}' in condition or '"shops/${aws:PrincipalTag/shop}/' in condition
        for key in statement["Condition"].get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ()):
            assert key.startswith("${aws:PrincipalTag/shop}|")


def test_what_comes_from_outside_gets_no_further_for_another_shop_than_for_main() -> None:
    def of_shop(action: str) -> set[str]:
        return {key.removeprefix("${aws:PrincipalTag/shop}|") for key in shop_partitions("ShopReadersRole", action)}

    for action in ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"):
        own = partitions("LinksRole", action) | partitions("MailEventsRole", action)
        assert of_shop(action) == own


def test_no_run_of_another_shop_writes_its_settings_or_its_token_and_of_readers_it_only_marks() -> None:
    for action in ("dynamodb:PutItem", "dynamodb:UpdateItem"):
        for key in shop_partitions("ShopRole", action):
            marks = {"address"} if action == "dynamodb:UpdateItem" else set()
            assert key.partition("|")[2] in {"run#*", "edition#*", "alert#*", "library", "watch"} | marks


def shop_partitions(role: str, action: str) -> list[str]:
    """The partitions of the state table on which a role of other shops may do something, as patterns."""
    return [
        key
        for statement in statements(role)
        if action in as_list(statement["Action"])
        for operator, keys in statement["Condition"].items()
        if operator.startswith("ForAllValues")
        for key in keys["dynamodb:LeadingKeys"]
    ]


def test_no_partition_is_written_out() -> None:
    assert "arn:aws" not in TEMPLATE.read_text(encoding="utf-8"), "use ${AWS::Partition}"


def test_everything_stored_refuses_plain_http() -> None:
    for kind in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
        (policy,) = of_type(kind).values()
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert referred(of_type("AWS::SQS::QueuePolicy")["QueuesTlsOnly"]["Queues"]) == set(of_type("AWS::SQS::Queue"))


def test_the_bucket_is_private_encrypted_and_versioned() -> None:
    (bucket,) = of_type("AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_reports_are_kept_unless_told_otherwise() -> None:
    (bucket,) = of_type("AWS::S3::Bucket").values()
    always, fleet, expiry = bucket["LifecycleConfiguration"]["Rules"]
    assert "ExpirationInDays" not in always
    assert fleet["Prefix"] == "fleet/", "lists of firings, and nothing of a shop's"
    condition, rule, otherwise = expiry["Fn::If"]
    assert condition == "ReportsExpire"
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert rule["Prefix"] == "reports/", "the sales history never expires"


def test_the_table_forgets_recovers_and_costs_nothing_idle() -> None:
    (table,) = of_type("AWS::DynamoDB::Table").values()
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert {k["AttributeName"]: k["KeyType"] for k in table["KeySchema"]} == {"pk": "HASH", "sk": "RANGE"}


def test_no_token_is_in_the_template_or_generated() -> None:
    secret = of_type("AWS::SecretsManager::Secret")["SystemTokenSecret"]
    assert not {"SecretString", "GenerateSecretString"} & secret.keys()


def partitions(role: str, action: str) -> set[str]:
    """The partitions of the state table on which a role may do something, as patterns."""
    found: set[str] = set()
    for statement in statements(role):
        if action in as_list(statement["Action"]):
            (keys,) = statement["Condition"].values()
            found |= set(keys["dynamodb:LeadingKeys"])
    return found


@pytest.mark.parametrize("role", [*JOB_ROLES, "WatchdogRole", "MailEventsRole"])
def test_every_grant_on_the_state_table_names_its_partitions(role: str) -> None:
    for statement in statements(role):
        if "StateTable" in referred(statement["Resource"]):
            ((operator, keys),) = statement["Condition"].items()
            assert operator.startswith("ForAllValues:String")
            assert "*" not in keys["dynamodb:LeadingKeys"]


def test_every_job_reads_the_shop_s_settings_and_none_writes_them() -> None:
    for role in (*JOB_ROLES, "WatchdogRole"):
        assert "settings" in partitions(role, "dynamodb:Query")
        assert "settings" not in partitions(role, "dynamodb:PutItem") | partitions(role, "dynamodb:UpdateItem")


def test_no_job_writes_another_ones_records() -> None:
    owners: dict[str, set[str]] = {}
    for role in (*JOB_ROLES, "WatchdogRole", "MailEventsRole"):
        for pattern in partitions(role, "dynamodb:PutItem") | partitions(role, "dynamodb:UpdateItem"):
            owners.setdefault(pattern, set()).add(role)
    shared = {pattern for pattern, roles in owners.items() if len(roles) > 1}
    assert shared == {"library", "address"}, "what each job notes of its runs, and of readers whose channel is gone"
    assert owners["address"] == {*WRITERS, "MailEventsRole"}, "who tells nobody marks nobody"


def test_the_token_is_typed_where_no_history_keeps_it() -> None:
    outputs = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))["Outputs"]
    command = outputs["WriteTheToken"]["Value"]["Fn::Sub"]
    assert command.startswith("read -rs TOKEN"), "silent, and no word of a command line"
    assert "--secret-string file:///dev/stdin" in command
