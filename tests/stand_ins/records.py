"""Rows of the ledger as tests need them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from salesflow.ledger import RunRecord, RunStatus

BEGAN = datetime(2026, 11, 23, 1, tzinfo=UTC)
_RUN = RunRecord(
    identity="report/sales/daily/pdf",
    business_date=date(2026, 11, 22),
    run_id="01a20791-64ca-7158-a9b3-81784d016c44",
    status=RunStatus.RUNNING,
    reason="because",
    attempt=1,
    schedule="scheduled-sales-pdf",
    scheduled_time=BEGAN,
    started_at=BEGAN,
    finished_at=None,
    lease_until=BEGAN + timedelta(seconds=45),
    artifacts=(),
    notified=(),
    details={},
    edition="final",
    interim=False,
    request_id="r",
)
TICK: dict[str, Any] = {
    "request_id": "request-1",
    "schedule": "shop-sales-pdf",
    "scheduled_time": BEGAN,
    "force": False,
    "day_is_over": True,
}
"""What a schedule's firing claims a date with, beside the identity and the date."""


def run_record(**changes: Any) -> RunRecord:
    """A run of the daily sales report, at work since its tick of 2026-11-23 unless `changes` say otherwise."""
    return replace(_RUN, **changes)
