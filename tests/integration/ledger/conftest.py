"""Ledgers and claims to test with."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from salesflow.aws import AwsClients
from salesflow.ledger import Claim, Ledger, RunRecord
from tests.stand_ins.records import TICK

IDENTITY = "report/sales/daily/excel+pdf"
DATE = date(2026, 11, 22)


@pytest.fixture
def ledger(clients: AwsClients, state_table: str) -> Ledger:
    """A ledger on an empty table."""
    return Ledger(clients.dynamodb, state_table)


@pytest.fixture
def fire(ledger: Ledger) -> Callable[..., Claim | RunRecord]:
    """Claims the same date as a schedule's tick would; keyword arguments change the tick."""

    def claim(of: Ledger | None = None, **changes: Any) -> Claim | RunRecord:
        tick: dict[str, Any] = {"identity": IDENTITY, "business_date": DATE} | TICK | changes
        return (of or ledger).claim(tick.pop("identity"), tick.pop("business_date"), **tick)

    return claim
