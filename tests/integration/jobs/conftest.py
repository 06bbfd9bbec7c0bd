"""The whole system on one machine: the functions' own handlers, the local cloud, and the API over a small shop."""

import importlib.util
import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email import message_from_string
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session
from moto.backends import get_backend

from local.api import SalesFlowServer, SalesStore, sample_sales
from salesflow import aws
from salesflow.aws import AwsClients
from tests.integration.jobs.outside import Outside, listening
from tests.integration.jobs.watched import Watched
from tests.integration.kept import Kept, kept, put_back
from tests.stand_ins.clocks import HandClock
from tests.stand_ins.lambda_context import Context
from tests.stand_ins.shops import with_hostile_names

ROOT = Path(__file__).parents[3]
ZONE = "Asia/Shanghai"
BUSINESS_DATE = date(2026, 11, 20)
READERS = ("reader@shop.example.com", "accountant@shop.example.com")
OWNER = "owner@shop.example.com"
TEN_DAYS_AGO = BUSINESS_DATE - timedelta(days=9)
SHOP_ROLE = "arn:aws:iam::123456789012:role/shop-ShopRole-1"


@pytest.fixture(scope="module", autouse=True)
def clients_made_once() -> Iterator[None]:
    """Every container asks for clients of its own; who asks for the same gets the one that was made: a tenth of what a test would spend."""
    session, made, make = Session(), dict[object, Any](), Session.client

    def client(_: Session, service: str, **how: Any) -> Any:
        asked = (service, os.environ["AWS_ENDPOINT_URL"], *((name, how[name]) for name in sorted(how)))
        if asked not in made:
            made[asked] = make(session, service, **how)  # type: ignore[call-overload]  # any service
        return made[asked]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "client", client)
        patch.setattr(aws, "Session", lambda: session)
        yield


@pytest.fixture(scope="session")
def shop_sales() -> Any:
    """100 days of a small shop, up to the 22nd of November, some of whose products have hostile names."""
    return with_hostile_names(sample_sales(seed=11, end_date=date(2026, 11, 22), days=100))


@pytest.fixture
def api(request: pytest.FixtureRequest, shop_sales: SalesStore) -> Iterator[SalesFlowServer]:
    """The SalesFlow API on the morning after the business date.

    Where a module says so (`SHOP_OPENED`), of a shop that is young: for who is told and what is recorded a few days are as good.
    """
    opened = getattr(request.module, "SHOP_OPENED", date.min)
    store = shop_sales
    if opened > date.min:
        store = SalesStore([sale for sale in store.sales if sale.sold_at.date() >= opened], store.products)
    with SalesFlowServer(store, clock=lambda: datetime(2026, 11, 21, 7)) as server:
        yield server


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


HURRIED = 14
"""Seconds left of a function's time that make it give up on a source that stays down soon, and not after a minute."""


@dataclass
class System:
    """The deployed system, as an operator sees it."""

    clients: AwsClients
    api: SalesFlowServer
    bucket: str
    table: str
    secret: str
    environment: dict[str, str]
    load: Callable[[str], Callable[[Any, Any], dict[str, Any]]]

    def fire(self, function: str, event: Any, context: Context | None = None) -> dict[str, Any]:
        """Invoke a function's handler in a fresh container; the answer, through JSON as Lambda sends it."""
        answer = self.load(function)(json.loads(json.dumps(event)), context or Context())
        return json.loads(json.dumps(answer))

    def set_secret(self, value: str) -> None:
        """Store the system token, or whatever the operator put there."""
        self.clients.secretsmanager.put_secret_value(SecretId=self.secret, SecretString=value)

    def keys(self, prefix: str = "reports/") -> list[str]:
        """The keys below a prefix."""
        listed = self.clients.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def body(self, key: str) -> bytes:
        """The bytes of an object."""
        return bytes(self.clients.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def mails(self) -> list[EmailMessage]:
        """Every mail that SES took for this system, oldest first."""
        sent = get_backend("ses")["123456789012"]["ap-southeast-1"].sent_messages
        sender = self.environment["MAIL_SENDER"]
        return [message_from_string(m.raw_data, policy=default_policy) for m in sent if sender in m.source]

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the state table."""
        return list(self.clients.dynamodb.scan(TableName=self.table)["Items"])


@pytest.fixture
def system(
    clients: AwsClients, bucket: str, state_table: str, api: SalesFlowServer, monkeypatch: pytest.MonkeyPatch
) -> System:
    """A stack with a good token, two readers and an owner; a sender of its own tells its mails from other tests'."""
    tag = uuid.uuid4().hex[:8]
    secret = f"salesflow-{tag}/system-token"
    sender = f"reports-{tag}@shop.example.com"
    clients.sesv2.create_email_identity(EmailIdentity=sender)
    clients.secretsmanager.create_secret(Name=secret, SecretString=api.issue_token(timedelta(days=3650)))
    environment = {
        "SALESFLOW_API_URL": api.url,
        "SYSTEM_TOKEN_SECRET_ID": secret,
        "REPORTS_BUCKET": bucket,
        "STATE_TABLE": state_table,
        "TIMEZONE": ZONE,
        "MAIL_SENDER": sender,
        "REPORT_RECIPIENTS": ",".join(READERS),
        "ALERT_RECIPIENTS": OWNER,
        "OWNER_RECIPIENTS": OWNER,
        "SES_REGION": "ap-southeast-1",
        "CURRENCY": "CNY",
        "HISTORY_DAYS": "180",
        "SHOP_ROLE_ARN": SHOP_ROLE,
        "POWERTOOLS_SERVICE_NAME": "salesflow",
        "POWERTOOLS_METRICS_NAMESPACE": "SalesFlow",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def load(function: str) -> Callable[[Any, Any], dict[str, Any]]:
        spec = importlib.util.spec_from_file_location(f"app_{function}", ROOT / "functions" / function / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.lambda_handler

    return System(clients, api, bucket, state_table, secret, environment, load)


Histories = dict[object, list[Kept]]


@pytest.fixture(scope="session")
def histories() -> Histories:
    """The objects of shops' histories, as the first test that wants one has made it."""
    return {}


def settle(system: System, made: Histories, shop: object, day: date) -> None:
    """The shop's history as the sync of a business date leaves it, and nothing else: made once for each `shop`, then put back."""
    if (shop, day) not in made:
        answer = system.fire("sync_history", {"business_date": day.isoformat(), "notify": "none"})
        assert answer["status"] == "SUCCEEDED", answer
        # A count of the products is of a day, and not of a test's.
        made[shop, day] = [one for one in kept(system.bucket, "history/") if not one.key.startswith("history/stock/")]
        for row in system.rows():
            system.clients.dynamodb.delete_item(TableName=system.table, Key={name: row[name] for name in ("pk", "sk")})
        for key in system.keys(""):
            system.clients.s3.delete_object(Bucket=system.bucket, Key=key)
    put_back(system.bucket, made[shop, day])


@pytest.fixture
def settled(system: System, histories: Histories) -> System:
    """A stack whose history stands, as on any day but its first."""
    settle(system, histories, "sample", BUSINESS_DATE)
    return system


@pytest.fixture
def watched(system: System, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """A stack that the watchdog watches."""
    stack = f"shop{uuid.uuid4().hex[:6]}"
    monkeypatch.setenv("STACK_NAME", stack)
    monkeypatch.setenv("SCHEDULE_GROUP", stack)
    return Watched(system, hand_clock, stack)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """A service that expects a sign of life of `main`."""
    with listening(tmp_path) as (found, pem):
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        monkeypatch.setenv("HEARTBEAT_URL", found.url)
        yield found
