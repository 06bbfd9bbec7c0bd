"""A stack without a history, and a source of a hundred days."""

from datetime import date

import pytest

from salesflow.aws import AwsClients
from tests.integration.history.stack import FRIDAY, Source, Stack, daily


@pytest.fixture
def stack(clients: AwsClients, bucket: str) -> Stack:
    return Stack(clients, bucket)


@pytest.fixture
def source() -> Source:
    return Source(daily(date(2026, 8, 12), FRIDAY))
