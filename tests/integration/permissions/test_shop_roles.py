"""What a run of another shop than `main` may do, by an evaluator that is not ours: everything in its own shop, nothing elsewhere.

The credentials are those of a role with a session tag; the policies are those that CloudFormation made of `template.yaml`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from local.cloud.cloud import LocalCloud
from local.shop import TEMPLATE
from tests.integration.permissions import services
from tests.integration.permissions.evaluator import ACCOUNT, CONTEXT_OF_SHOP, Asked, Evaluator, Policy, Question
from tests.integration.permissions.stack import role_policy
from tests.unit.template.test_permissions import JOB_ROLES, ROLES, SHOP_ROLES

SHOP = "corner"
REGION = "ap-southeast-1"
GIVEN = {
    "SalesFlowApiUrl": "https://shop.example/api/v1",
    "MailSender": "reports@shop.example",
    "OwnerRecipients": "owner@shop.example",
    "LinksState": "ENABLED",
}


@dataclass
class Roles:
    """The deployed stack's roles, and what IAM says of them."""

    cloud: LocalCloud
    evaluator: Evaluator
    policies: dict[str, Policy]

    @property
    def bucket(self) -> str:
        return f"arn:aws:s3:::{self.cloud.stack.physical_id('ReportsBucket')}"

    @property
    def table(self) -> str:
        return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{self.cloud.stack.physical_id('StateTable')}"

    @property
    def key(self) -> str:
        return str(
            self.cloud.aws.client("kms").describe_key(KeyId=self.cloud.stack.physical_id("ShopsKey"))["KeyMetadata"][
                "Arn"
            ]
        )

    def may(self, role: str, asked: Asked, *tag: str) -> bool:
        """Whether a session of a role may, with this tag (none: without one)."""
        tagged = replace(asked, context=(*asked.context, *((("aws:PrincipalTag/shop", tag),) if tag else ())))
        key = self.key_policy if asked.action.startswith("kms:") else None  # KMS asks a key's own policy first
        principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/shop-x"
        return self.evaluator.allows(Question(tagged, principal, self.policies[role], key))

    @property
    def key_policy(self) -> Policy:
        found: Policy = json.loads(
            self.cloud.aws.client("kms").get_key_policy(KeyId=self.key, PolicyName="default")["Policy"]
        )
        return found

    def asked(self, shop: str) -> list[Asked]:
        """Everything that a run asks for in a shop's part of the stack."""
        objects, rows = f"{self.bucket}/shops/{shop}", f"{shop}|"
        return [
            *(
                Asked(f"s3:{deed}Object", f"{objects}/{key}")
                for deed in ("Get", "Put")
                for key in ("reports/index.html", "history/x")
            ),
            Asked("s3:GetObjectVersion", f"{objects}/reports/x"),
            *(
                Asked("s3:ListBucket", self.bucket, (("s3:prefix", (f"shops/{shop}/{key}",)),))
                for key in ("reports/", "history/x")
            ),
            *(
                self.on_row(action, rows + key)
                for action in ("GetItem", "Query")
                for key in ("token", "channel", "settings", "run#report/x")
            ),
            *(
                self.on_row(action, rows + key)
                for action in ("PutItem", "UpdateItem")
                for key in ("run#report/x", "alert#mute", "library")
            ),
            self.on_row("UpdateItem", f"{rows}address"),
            Asked("kms:Decrypt", self.key, ((CONTEXT_OF_SHOP, (shop,)),)),
        ]

    def on_row(self, action: str, *partitions: str) -> Asked:
        """A call on rows of the state table."""
        return Asked(f"dynamodb:{action}", self.table, (("dynamodb:LeadingKeys", partitions),))


@pytest.fixture(scope="module")
def roles() -> Iterator[Roles]:
    with LocalCloud.start() as cloud, Evaluator.started() as evaluator:
        cloud.deploy(TEMPLATE, GIVEN)
        found = {name: role_policy(cloud.aws, cloud.stack.physical_id(name)) for name in (*ROLES, *SHOP_ROLES)}
        yield Roles(cloud, evaluator, found)


def test_a_run_may_do_everything_in_its_own_shop(roles: Roles) -> None:
    refused = [str(asked) for asked in roles.asked(SHOP) if not roles.may("ShopRole", asked, SHOP)]
    assert refused == []


@pytest.mark.parametrize("other", ["other", "corner-2", "corne", "main", ""])
def test_a_run_may_do_nothing_in_another_shop(roles: Roles, other: str) -> None:
    """Nor in one whose id begins like its own."""
    found = roles.asked(other)
    assert [str(asked) for asked in found for role in SHOP_ROLES if roles.may(role, asked, SHOP)] == []


@pytest.mark.parametrize("tag", [(), ("",), ("*",), ("?orner",)], ids=["no tag", "empty tag", "any", "look-alike"])
@pytest.mark.parametrize("role", SHOP_ROLES)
def test_a_session_that_names_no_shop_reaches_nothing(roles: Roles, role: str, tag: tuple[str, ...]) -> None:
    found = [asked for shop in (SHOP, "", "main", "${aws:PrincipalTag/shop}") for asked in roles.asked(shop)]
    found += [roles.on_row(action, key) for action in ("GetItem", "Query") for key in ("settings", "run#report/x")]
    assert [str(asked) for asked in found if roles.may(role, asked, *tag)] == []


@pytest.mark.parametrize("role", SHOP_ROLES)
def test_no_shop_s_run_reaches_main_the_registry_or_the_table_as_a_whole(roles: Roles, role: str) -> None:
    found = [
        *(roles.on_row(action, key) for action in ("GetItem", "Query", "PutItem", "UpdateItem")
          for key in ("shops", "settings", "address", "channel", "run#x")),
        roles.on_row("Query", f"{SHOP}|run#x", "other|run#x"),
        roles.on_row("PutItem", f"{SHOP}|library", "library"),
        Asked("dynamodb:Scan", roles.table),
        Asked("dynamodb:Scan", roles.table, (("dynamodb:LeadingKeys", (f"{SHOP}|run#x",)),)),
        *(roles.on_row(action, f"{SHOP}|run#x") for action in ("DeleteItem", "BatchGetItem", "BatchWriteItem", "ConditionCheckItem")),
        *(roles.on_row(action, f"{SHOP}|{key}") for action in ("PutItem", "UpdateItem") for key in ("settings", "token", "channel")),
        *(Asked("s3:ListBucket", roles.bucket, (("s3:prefix", (prefix,)),)) for prefix in ("", "shops/", "reports/", f"shops/{SHOP}")),
        Asked("s3:ListBucket", roles.bucket),
        *(Asked(f"s3:{deed}Object", f"{roles.bucket}/{key}") for deed in ("Get", "Put") for key in ("reports/x", f"shops/{SHOP}x/y")),
        Asked("s3:DeleteObject", f"{roles.bucket}/shops/{SHOP}/reports/x"),
        Asked("s3:GetObjectVersion", f"{roles.bucket}/shops/{SHOP}/history/x"),
        *(Asked("kms:Decrypt", roles.key, context) for context in ((), ((CONTEXT_OF_SHOP, ("main",)),))),
        *(Asked(f"kms:{deed}", roles.key, ((CONTEXT_OF_SHOP, (SHOP,)),)) for deed in ("Encrypt", "GenerateDataKey")),
        Asked("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:x-AbCdEf"),
        Asked("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/{roles.cloud.stack.physical_id('ShopRole')}"),
    ]  # fmt: skip
    assert [str(asked) for asked in found if roles.may(role, asked, SHOP)] == []


def test_what_comes_from_outside_makes_a_reader_s_choices_and_nothing_else(roles: Roles) -> None:
    own = [
        *(roles.on_row("Query", f"{SHOP}|{key}") for key in ("alert#mute", "address", "settings")),
        *(roles.on_row("PutItem", f"{SHOP}|{key}") for key in ("alert#mute", "link")),
        roles.on_row("UpdateItem", f"{SHOP}|address"),
        Asked("s3:GetObject", f"{roles.bucket}/shops/{SHOP}/reports/x"),
        Asked("s3:GetObject", f"{roles.bucket}/shops/{SHOP}/anomalies/x"),
        Asked("s3:ListBucket", roles.bucket, (("s3:prefix", (f"shops/{SHOP}/reports/x",)),)),
    ]
    assert [str(asked) for asked in own if not roles.may("ShopReadersRole", asked, SHOP)] == []
    beyond = {"s3:GetObject", "s3:ListBucket", "dynamodb:Query"}
    found = [
        a for a in roles.asked(SHOP) if a.action not in beyond and a not in own and "alert#mute" not in str(a.context)
    ]
    found += [
        *(roles.on_row("Query", f"{SHOP}|{key}") for key in ("token", "channel")),
        Asked("s3:GetObject", f"{roles.bucket}/shops/{SHOP}/history/x"),
    ]
    assert [str(asked) for asked in found if roles.may("ShopReadersRole", asked, SHOP)] == []


@pytest.mark.parametrize("role", ROLES)
def test_main_s_own_roles_reach_no_other_shop_s_objects_rows_or_token(roles: Roles, role: str) -> None:
    found = roles.asked(SHOP)
    assert [str(asked) for asked in found if roles.may(role, asked)] == []
    assert [str(asked) for asked in found if roles.may(role, asked, SHOP)] == []


TAKEN_ON = {"ShopRole": {*JOB_ROLES, "WatchdogRole"}, "ShopReadersRole": {"LinksRole", "MailEventsRole"}}


def taking_on(roles: Roles, shop_role: str, caller: str, context: dict[str, Any]) -> bool:
    """Whether a function's role may take a shop's role on and tag the session."""
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/{roles.cloud.stack.physical_id(caller)}/run"
    taken = services.assumed(roles.cloud, shop_role, principal)
    keys = tuple((key, (value,) if isinstance(value, str) else tuple(value)) for key, value in context.items())
    return all(
        roles.evaluator.allows(
            replace(taken, asked=Asked(action, taken.asked.resource, keys), policy=roles.policies[caller])
        )
        for action in ("sts:AssumeRole", "sts:TagSession")
    )


@pytest.mark.parametrize("shop_role", SHOP_ROLES)
def test_a_shop_s_role_is_taken_on_by_its_functions_alone_and_for_one_shop(roles: Roles, shop_role: str) -> None:
    good = {"aws:RequestTag/shop": SHOP, "aws:TagKeys": ["shop"]}
    assert {role for role in ROLES if taking_on(roles, shop_role, role, good)} == TAKEN_ON[shop_role]
    bad: list[dict[str, Any]] = [
        {},
        {"aws:RequestTag/shop": "", "aws:TagKeys": ["shop"]},
        {"aws:RequestTag/shop": "*", "aws:TagKeys": ["shop"]},
        {"aws:RequestTag/shop": "corn?r", "aws:TagKeys": ["shop"]},
        {"aws:RequestTag/shop": "main", "aws:TagKeys": ["shop"]},
        {"aws:RequestTag/Shop2": SHOP, "aws:TagKeys": ["Shop2"]},
        {"aws:RequestTag/shop": SHOP, "aws:RequestTag/more": "x", "aws:TagKeys": ["shop", "more"]},
    ]
    for context in bad:
        assert [r for r in ROLES if taking_on(roles, shop_role, r, context)] == [], json.dumps(context)
