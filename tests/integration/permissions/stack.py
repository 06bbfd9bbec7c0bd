"""The stack of `template.yaml` in the local cloud, its functions behind the gate, and the policies that CloudFormation made of it."""

import ast
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from local.api import Surprise
from local.cloud.aws import ACCESS_KEYS, LocalAws
from local.cloud.cloud import LocalCloud
from local.cloud.containers import Function, Invocation
from local.cloud.whatsapp import PHONE
from local.shop import LocalShop, sample_shop
from salesflow.delivery.ways import SealedWays
from salesflow.links.grant import LinkKeys
from salesflow.rows import Rows
from tests.integration.permissions.evaluator import Evaluator, Policy
from tests.integration.permissions.gate import Gate
from tests.unit.alerts.events import entries_of, event

LAST_DAY = date(2026, 6, 30)
MORNING = datetime(2026, 6, 30, 23, tzinfo=UTC)
"""07:00 on the 1st of July in Shanghai."""

A_DAY_LATER = Path(__file__).parent / "a_day_later"
"""Sets the watchdog's clock on: it has to find firings that were due."""

SURPRISES = (Surprise(LAST_DAY - timedelta(days=12), 0.2), Surprise(LAST_DAY, 0.2))
"""Two bad days, so that there is something to alert of, and when that is over again."""

OWNER = "owner@shop.example.com"
CHANNEL, GONE, NUMBER = "slack:shop", "slack:gone", "whatsapp:+243812345678"
"""A channel that takes messages, one that is revoked, and a WhatsApp number."""
(TOLD,) = entries_of(event(-0.38))
EARLIER_CHECK = "anomalies/GLOBAL/2026-05-31.json"
LINK_KEY = "a key of these tests, which signs links for them"


def followed(method: str, thing: str, body: str = "") -> dict[str, Any]:
    """The event of a link that the owner follows."""
    token = LinkKeys(LINK_KEY).signed("main", OWNER, date(2100, 1, 1), thing)
    return {"rawPath": f"/{token}", "requestContext": {"http": {"method": method}}, "body": body}


@dataclass
class GuardedStack:
    """A deployed stack whose functions run under their roles' policies, one container each."""

    shop: LocalShop
    gate: Gate
    evaluator: Evaluator
    functions: dict[str, Function]

    @property
    def aws(self) -> LocalAws:
        """The AWS behind the gate, for the test itself."""
        return self.shop.cloud.aws

    def run(self, function: str, event: Mapping[str, Any]) -> Invocation:
        """One invocation."""
        return self.functions[function].invoke(dict(event))

    def empty_bucket(self, *, but: tuple[str, ...]) -> None:
        """Of the reports bucket nothing is left but what lies below these prefixes, no old version either."""
        s3, bucket = self.aws.client("s3"), self.shop.cloud.stack.physical_id("ReportsBucket")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", ()):
                if not version["Key"].startswith(but):
                    s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])

    def put_earlier_report(self) -> None:
        """A report of an earlier day, so that there is something for the library page to list (before the first there is no page), and a
        check of that day that told something."""
        key = "reports/sales/daily/2026-06-01/sales-daily-2026-06-01.csv"
        bucket = self.shop.cloud.stack.physical_id("ReportsBucket")
        self.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=b"sku,name\r\n")
        check = {"currency": "CNY", "period": "daily", "told": [TOLD.as_dict()]}
        self.aws.client("s3").put_object(Bucket=bucket, Key=EARLIER_CHECK, Body=json.dumps(check).encode())

    def forget_who_was_told(self) -> None:
        """Nobody has been told of anything, and nobody is marked."""
        table = self.shop.cloud.stack.physical_id("StateTable")
        for row in self.rows():
            if "sent#" in row["sk"]["S"] or row["pk"]["S"] == "address":
                key = {name: row[name] for name in ("pk", "sk")}
                self.aws.client("dynamodb").delete_item(TableName=table, Key=key)

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the state table."""
        return list(
            self.aws.client("dynamodb").scan(TableName=self.shop.cloud.stack.physical_id("StateTable"))["Items"]
        )


@contextmanager
def guarded_stack() -> Iterator[GuardedStack]:
    """The stack with links and every other Parameter at its default, a small shop's four months, a token and keys in the secrets."""
    made_up = sample_shop(LAST_DAY, days=120, surprises=SURPRISES)
    shop = replace(
        made_up,
        parameters={"LinksState": "ENABLED"},
        settings={"history_days": "190", "owner_recipients": [GONE, CHANNEL, NUMBER, OWNER]},
    )
    with LocalShop.open(shop, MORNING) as running, Evaluator.started() as evaluator:
        cloud = running.cloud
        keep_versions(cloud)
        cloud.write_secret({"current": LINK_KEY}, logical_id="LinkKeys")
        ways = {each: cloud.aws.local("PUT", f"channels/{each.replace(':', '/')}") for each in (CHANNEL, GONE)}
        cloud.aws.local("PATCH", f"channels/{GONE.replace(':', '/')}", {"revoked": True})
        number = {"phone": PHONE, "template": "salesflow_message", "document_template": "salesflow_report"}
        rows, key = (
            Rows(cloud.aws.client("dynamodb"), cloud.stack.physical_id("StateTable")),
            cloud.stack.physical_id("ShopsKey"),
        )
        kept = SealedWays(rows, cloud.aws.client("kms"), key)
        for name, said in {**ways, "whatsapp": number}.items():
            kept.keep(name, said)
        gate = Gate((cloud.aws.host, cloud.aws.port), evaluator, role_policies(cloud), resource_policies(cloud))
        settings_of = dict(cloud.stack.functions)
        watchdog = settings_of["WatchdogFunction"]
        settings_of["WatchdogFunction"] = replace(watchdog, path=(A_DAY_LATER, *watchdog.path))
        functions = {
            logical_id: Function(
                settings,
                {
                    **ACCESS_KEYS,
                    "AWS_ACCESS_KEY_ID": logical_id,
                    "AWS_REGION": cloud.aws.region,
                    "AWS_DEFAULT_REGION": cloud.aws.region,
                    "AWS_ENDPOINT_URL": gate.endpoint,
                },
            )
            for logical_id, settings in settings_of.items()
        }
        try:
            yield GuardedStack(running, gate, evaluator, functions)
        finally:
            for function in functions.values():
                function.stop()
            gate.stop()


def keep_versions(cloud: LocalCloud) -> None:
    """Have the bucket keep versions as the template says: moto's CloudFormation passes that over."""
    versioning = cloud.stack.template["Resources"]["ReportsBucket"]["Properties"]["VersioningConfiguration"]
    bucket = cloud.stack.physical_id("ReportsBucket")
    cloud.aws.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)


def role_policies(cloud: LocalCloud) -> dict[str, Policy]:
    """The policy of each function's role, by the function's logical id, with the deployed names in it."""
    found = {}
    for resource in cloud.stack.of_type("AWS::Lambda::Function"):
        configuration = cloud.aws.client("lambda").get_function_configuration(FunctionName=resource.physical_id)
        found[resource.logical_id] = role_policy(cloud.aws, configuration["Role"].rpartition("/")[2])
    return found


def role_policy(aws: LocalAws, role: str) -> Policy:
    """Everything that a role allows, as one document; a role with managed policies is refused."""
    iam = aws.client("iam")
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    statements: list[dict[str, Any]] = []
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        statements += ast.literal_eval(document)["Statement"]  # moto keeps what CloudFormation made as Python writes it
    for statement in statements:
        if statement.get("Sid") == "Log":
            statement["Resource"] += ":*"  # CloudFormation's ARN of a log group ends so, and moto's does not
    return {"Version": "2012-10-17", "Statement": statements}


def resource_policies(cloud: LocalCloud) -> dict[str, Policy]:
    """The policies of the bucket, the key, the queues and the topics, by ARN."""
    stack, aws = cloud.stack, cloud.aws
    found = {}
    for queue in stack.of_type("AWS::SQS::Queue"):
        attributes = aws.client("sqs").get_queue_attributes(
            QueueUrl=queue.physical_id, AttributeNames=["QueueArn", "Policy"]
        )["Attributes"]
        found[attributes["QueueArn"]] = attributes["Policy"]
    for topic in stack.of_type("AWS::SNS::Topic"):
        attributes = aws.client("sns").get_topic_attributes(TopicArn=topic.physical_id)["Attributes"]
        found[topic.physical_id] = attributes["Policy"]
    kms = aws.client("kms")
    key: str = kms.describe_key(KeyId=stack.physical_id("ShopsKey"))["KeyMetadata"]["Arn"]
    found[key] = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    # moto would enforce the bucket's and refuse plain HTTP, so the local cloud does not make it: it comes from the template.
    bucket = f"arn:aws:s3:::{stack.physical_id('ReportsBucket')}"
    written = json.dumps(stack.template["Resources"]["ReportsBucketPolicy"]["Properties"]["PolicyDocument"])
    found[bucket] = written.replace('{"Fn::GetAtt": ["ReportsBucket", "Arn"]}', f'"{bucket}"').replace(
        '{"Fn::Sub": "${ReportsBucket.Arn}/*"}', f'"{bucket}/*"'
    )
    assert "Fn::" not in found[bucket], "an intrinsic that is not resolved here"
    return {arn: json.loads(policy) for arn, policy in found.items()}
