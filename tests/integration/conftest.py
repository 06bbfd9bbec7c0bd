"""The cloud that integration tests run against; every test gets a bucket and a table of its own."""

import contextlib
import functools
import itertools
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import botocore.endpoint
import botocore.session
import pytest

from salesflow import clock
from salesflow.aws import AwsClients
from tests.stand_ins.aws import Cloud, Wire
from tests.stand_ins.clocks import HandClock

REGION = "ap-southeast-1"
SENDER = "reports@shop.example.com"
_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def hurried_botocore() -> Iterator[None]:
    """botocore's descriptions of the services are read once, and not by every container anew: half of what a test would spend.

    And between its tries it waits for nothing.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: None))
        yield


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """One moto server for all tests."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    running = Cloud()
    yield running
    running.stop()


@pytest.fixture
def wire(cloud: Cloud) -> Iterator[Wire]:
    """The wire to the cloud, without faults."""
    cloud.wire.reset()
    yield cloud.wire
    cloud.wire.reset()


@pytest.fixture
def aws_environment(cloud: Cloud, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment that points every AWS client at the cloud; the endpoint."""
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return cloud.endpoint


@pytest.fixture(scope="session")
def made_once() -> AwsClients:
    """Clients take longer to be made than most tests to run."""
    return AwsClients(ses_region=REGION)


@pytest.fixture
def clients(aws_environment: str, made_once: AwsClients) -> AwsClients:
    """The system's own AWS clients. Who changes one (its events) makes one of its own."""
    return made_once


@pytest.fixture
def state_table(clients: AwsClients) -> str:
    """A fresh state table."""
    name = f"state-{next(_numbers)}"
    with contextlib.suppress(
        clients.dynamodb.exceptions.ResourceInUseException
    ):  # a busy machine answers late: asked twice
        clients.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", "late", "late_at")
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "late",
                    "KeySchema": [
                        {"AttributeName": "late", "KeyType": "HASH"},
                        {"AttributeName": "late_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    return name


@pytest.fixture
def bucket(clients: AwsClients) -> str:
    """A fresh, versioned reports bucket."""
    name = f"reports-{next(_numbers)}"
    clients.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    clients.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture
def verified_sender(clients: AwsClients) -> str:
    """A sender that SES accepts."""
    known = clients.sesv2.list_email_identities()["EmailIdentities"]
    if SENDER not in (identity["IdentityName"] for identity in known):
        clients.sesv2.create_email_identity(EmailIdentity=SENDER)
    return SENDER


@pytest.fixture
def hand_clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """Takes the place of the wall clock."""
    hand = HandClock()
    monkeypatch.setattr(clock, "now", hand.now)
    return hand
