"""Claims to send under, a mailer that does not wait, and what SES was given."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import pytest
from moto.ses.models import ses_backends
from werkzeug.serving import make_server
from werkzeug.wrappers import Request

from local.cloud.channels import ChannelServices
from salesflow.aws import AwsClients
from salesflow.delivery.addresses import Mark, MarkedAddress
from salesflow.delivery.channel import Channels
from salesflow.delivery.mail import Mailer
from salesflow.delivery.ways import SealedWays
from salesflow.ledger import Claim, Ledger
from salesflow.rows import Rows
from tests.integration.conftest import REGION
from tests.stand_ins.records import TICK

ACCOUNT = "123456789012"
DATE = date(2026, 11, 22)


@dataclass(frozen=True)
class Delivered:
    """A mail that SES accepted."""

    recipient: str
    message_id: str
    message: EmailMessage


class Marked:
    """Marks that are kept for the length of a test."""

    def __init__(self, *marks: MarkedAddress) -> None:
        self.kept = {mark.address: mark for mark in marks}

    def all(self) -> dict[str, MarkedAddress]:
        """Every marked reader."""
        return dict(self.kept)

    def mark(self, address: str, mark: Mark, *, said: str, message_id: str) -> None:
        """Mark one."""
        self.kept[address] = MarkedAddress(address, mark, datetime(2026, 11, 22, tzinfo=UTC), said)


def by_mail(mailer: Mailer, *marks: MarkedAddress) -> Channels:
    """A mailer as the only way to readers."""
    return Channels(lambda _kind: mailer, Marked(*marks))


@pytest.fixture
def outbox(verified_sender: str) -> Callable[[], list[Delivered]]:
    """What SES has accepted during the test, in order."""
    sent = ses_backends[ACCOUNT][REGION].sent_messages
    sent.clear()

    def delivered() -> list[Delivered]:
        return [
            Delivered(mail.destinations[0], mail.id, message_from_string(mail.raw_data, policy=policy.default))
            for mail in sent
        ]

    return delivered


@pytest.fixture
def pauses() -> list[float]:
    """How long the mailer would have waited, in seconds."""
    return []


@pytest.fixture
def mailer(clients: AwsClients, verified_sender: str, pauses: list[float]) -> Mailer:
    """A mailer that notes its pauses instead of waiting."""
    return Mailer(
        clients.sesv2,
        sender=verified_sender,
        reply_to="owner@shop.example.com",
        configuration_set=None,
        pause=pauses.append,
    )


@pytest.fixture
def key(clients: AwsClients) -> str:
    """The stack's key."""
    found: str = clients.kms.create_key()["KeyMetadata"]["KeyId"]
    return found


@pytest.fixture
def kept(clients: AwsClients, state_table: str, key: str) -> SealedWays:
    """What is kept of the channels of `main`."""
    return SealedWays(Rows(clients.dynamodb, state_table), clients.kms, key)


@pytest.fixture
def ledger(clients: AwsClients, state_table: str) -> Ledger:
    """A ledger on an empty table."""
    return Ledger(Rows(clients.dynamodb, state_table))


@pytest.fixture
def take(ledger: Ledger) -> Callable[..., Claim]:
    """Claims a date, which must be free."""

    def claim(identity: str = "report/sales/daily/pdf", **changes: Any) -> Claim:
        answer = ledger.claim(identity, DATE, **TICK | changes)
        assert isinstance(answer, Claim)
        return answer

    return claim


@pytest.fixture(scope="session")
def services() -> Iterator[str]:
    """The address of chats and programs."""
    answers = ChannelServices()
    server = make_server("127.0.0.1", 0, Request.application(answers.answer), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
