"""A SalesFlow server, a secret and a client, each over its real socket; pauses are noted instead of waited."""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import botocore.session
import pytest
from botocore.config import Config

from local.api import SalesFlowServer, sample_sales
from salesflow.source.client import SalesFlowClient
from salesflow.source.token import SystemToken
from salesflow.source.transport import Transport
from tests.stand_ins.aws import Cloud, Wire

NOW = datetime(2026, 11, 22, 21)
"""The server's, in Shanghai."""
EVENING = NOW.replace(tzinfo=ZoneInfo("Asia/Shanghai"))
STORE = sample_sales(7, date(2026, 11, 22), 60)
_numbers = itertools.count(1)


@pytest.fixture
def server() -> Iterator[SalesFlowServer]:
    """A shop of 60 days, in the evening of its last."""
    with SalesFlowServer(STORE, clock=lambda: NOW, dates=lambda: EVENING) as running:
        yield running


class SecretBox:
    """One secret in Secrets Manager, under a name of its own."""

    def __init__(self, secrets: Any) -> None:
        self.secrets = secrets
        self.name = f"salesflow/system-token-{next(_numbers)}"
        self.exists = False

    def store(self, value: Any) -> None:
        """Put a text as it is, anything else as JSON."""
        text = value if isinstance(value, str) else json.dumps(value)
        if self.exists:
            self.secrets.put_secret_value(SecretId=self.name, SecretString=text)
        else:
            self.secrets.create_secret(Name=self.name, SecretString=text)
            self.exists = True


@pytest.fixture(scope="session")
def secrets_manager(cloud: Cloud) -> Any:
    """A Secrets Manager client that tries once; making one takes longer than most tests here."""
    return botocore.session.get_session().create_client(
        "secretsmanager",
        region_name="ap-southeast-1",
        endpoint_url=cloud.endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def secret(secrets_manager: Any, wire: Wire) -> SecretBox:
    """A secret that does not exist yet."""
    return SecretBox(secrets_manager)


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that the client waited between tries, or would have."""
    return []


MakeToken = Callable[..., SystemToken]
MakeClient = Callable[..., SalesFlowClient]


@pytest.fixture
def make_token(server: SalesFlowServer, secret: SecretBox, pauses: list[float]) -> MakeToken:
    """Makes the provider of the secret's token."""

    def make(**changes: Any) -> SystemToken:
        url = changes.pop("api_url", server.url)
        transport = Transport(url, pause=pauses.append)
        return SystemToken(secret.secrets, secret.name, api_url=url, transport=transport, **changes)

    return make


@pytest.fixture
def make_client(server: SalesFlowServer, secret: SecretBox, make_token: MakeToken, pauses: list[float]) -> MakeClient:
    """Makes a client whose secret holds a good token, unless one was stored before."""

    def make(**changes: Any) -> SalesFlowClient:
        if not secret.exists:
            secret.store(server.issue_token())
        url = changes.pop("base_url", server.url)
        token = changes.pop("token", None) or make_token()
        usual = {"minor_digits": 2, "zone": ZoneInfo("Asia/Shanghai"), "pause": pauses.append, "now": lambda: EVENING}
        return SalesFlowClient(url, token, **{**usual, **changes})

    return make
