"""Ledgers and claims to test with."""

import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from salesflow.aws import AwsClients
from salesflow.ledger import Claim, Ledger, RunRecord, RunStatus
from salesflow.rows import Rows
from tests.stand_ins.records import TICK

IDENTITY = "report/sales/daily/excel+pdf"
DATE = date(2026, 11, 22)

type Fire = Callable[..., Claim | RunRecord]


def won(answer: Claim | RunRecord) -> Claim:
    """The claim that a firing got."""
    assert isinstance(answer, Claim), answer
    return answer


def lost(answer: Claim | RunRecord) -> RunRecord:
    """The run that a firing was answered."""
    assert isinstance(answer, RunRecord), answer
    return answer


def run_to_the_end(claim: Claim, status: RunStatus = RunStatus.SUCCEEDED) -> None:
    """Let a run end."""
    with claim:
        claim.finish(status, reason="")


def lease_threads() -> list[str]:
    """The heartbeats of this process."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("lease-")]


@pytest.fixture
def ledger(clients: AwsClients, state_table: str) -> Ledger:
    """A ledger on an empty table."""
    return Ledger(Rows(clients.dynamodb, state_table))


@pytest.fixture
def hasty(clients: AwsClients, state_table: str) -> Ledger:
    """A ledger whose leases are renewed ten times a second."""
    return Ledger(Rows(clients.dynamodb, state_table), lease_seconds=0.3)


@pytest.fixture
def fire(ledger: Ledger) -> Callable[..., Claim | RunRecord]:
    """Claims the same date as a schedule's tick would; keyword arguments change the tick."""

    def claim(of: Ledger | None = None, **changes: Any) -> Claim | RunRecord:
        tick: dict[str, Any] = {"identity": IDENTITY, "business_date": DATE} | TICK | changes
        return (of or ledger).claim(tick.pop("identity"), tick.pop("business_date"), **tick)

    return claim
