"""What is written down of a run: its outcome, and who was told."""

import json
import re
import uuid
from datetime import date, timedelta

import pytest

from salesflow.aws import AwsClients
from salesflow.errors import ClaimLost, SourceUnavailable
from salesflow.ledger import Artifact, Ledger, LedgerUnavailable, RunStatus
from salesflow.rows import Rows
from tests.integration.ledger.conftest import DATE, IDENTITY, Fire, lease_threads, lost, run_to_the_end, won
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.clocks import HandClock

PDF = Artifact("pdf", "reports", "reports/sales/daily/2026-11-22/sales-daily-2026-11-22.pdf", 5, "ab" * 32)


def test_an_exception_is_recorded_as_failed_and_frees_the_date(fire: Fire, ledger: Ledger) -> None:
    with pytest.raises(SourceUnavailable), won(fire()):
        raise SourceUnavailable("The SalesFlow API answered 502 five times.", action="Look at the server.")
    record = ledger.find(IDENTITY, DATE)
    assert record is not None
    assert (record.status, record.reason) == (RunStatus.FAILED, "The SalesFlow API answered 502 five times.")
    with pytest.raises(ZeroDivisionError), won(fire()):
        raise ZeroDivisionError("x" * 5_000 + "\ud800")
    record = ledger.find(IDENTITY, DATE)
    assert record is not None
    assert record.reason.startswith("ZeroDivisionError: xxx")
    assert len(record.reason) == 1_000
    assert record.attempt == 2
    assert not lease_threads()


def test_an_error_after_the_end_does_not_change_the_outcome(fire: Fire, ledger: Ledger) -> None:
    claim = won(fire())
    claim.finish(RunStatus.PARTIAL, reason="one recipient refused")
    with pytest.raises(ValueError, match="afterwards"), claim:
        raise ValueError("afterwards")
    assert ledger.find(IDENTITY, DATE).status is RunStatus.PARTIAL  # type: ignore[union-attr]


def test_a_failure_that_cannot_be_recorded_does_not_hide_its_cause(fire: Fire, wire: Wire) -> None:
    claim = won(fire())
    wire.refuse(calls("UpdateItem"), 400, "AccessDeniedException")
    with pytest.raises(ZeroDivisionError) as caught, claim:
        raise ZeroDivisionError
    assert "could not be recorded" in caught.value.__notes__[0]


def test_an_outcome_whose_answer_was_lost_is_still_written(fire: Fire, wire: Wire) -> None:
    with won(fire()) as claim:
        wire.cut_after(calls("UpdateItem"))
        claim.finish(RunStatus.SUCCEEDED, reason="")
    assert lost(fire()).status is RunStatus.SUCCEEDED


def test_an_answer_without_a_body_is_not_taken_for_nobody_told(fire: Fire, wire: Wire) -> None:
    claim = won(fire())
    claim.record_sent("anne@example.com", message_id="m-1")

    def empty(answer: object) -> None:
        answer.body = b"{}"  # type: ignore[attr-defined]
        answer.headers = [("Content-Type", "application/x-amz-json-1.0")]  # type: ignore[attr-defined]

    wire.alter(calls("Query"), empty, times=9)
    with pytest.raises(LedgerUnavailable):
        claim.told()


def test_recipients_are_recorded_one_by_one(fire: Fire, ledger: Ledger) -> None:
    claim = won(fire())
    claim.record_sent("anne@example.com", message_id="m-1")
    claim.record_refused("bob@example.com", reason="not verified")
    claim.record_refused("anne@example.com", reason="must not hide that she was mailed")
    assert {r: s.message_id for r, s in claim.told().items()} == {"anne@example.com": "m-1"}
    assert {(s.recipient, s.outcome, s.reason) for s in ledger.sends(IDENTITY, DATE)} == {
        ("anne@example.com", "SENT", ""),
        ("bob@example.com", "REFUSED", "not verified"),
    }
    claim.record_sent("bob@example.com", message_id="m-2")
    assert set(claim.told()) == {"anne@example.com", "bob@example.com"}


def test_runs_of_a_span_of_dates_come_without_the_recipients_rows(fire: Fire, ledger: Ledger) -> None:
    for day in range(1, 6):
        claim = won(fire(business_date=date(2026, 11, day)))
        claim.record_sent("anne@example.com", message_id="m-1")
        run_to_the_end(claim)
    found = ledger.runs(IDENTITY, date(2026, 11, 2), date(2026, 11, 4))
    assert [run.business_date.day for run in found] == [2, 3, 4]
    assert ledger.find("report/stock/daily/excel", DATE) is None


def test_rows_leave_the_table_by_its_ttl(
    clients: AwsClients, state_table: str, fire: Fire, hand_clock: HandClock
) -> None:
    claim = won(fire(Ledger(Rows(clients.dynamodb, state_table))))
    claim.record_sent("anne@example.com", message_id="m-1")
    claim.finish(RunStatus.SUCCEEDED, reason="")
    rows = clients.dynamodb.scan(TableName=state_table)["Items"]
    assert len(rows) == 2
    expected = str(int((hand_clock.now() + timedelta(days=400)).timestamp()))
    assert {row["expires_at"]["N"] for row in rows} == {expected}


def test_details_too_large_for_a_row_do_not_cost_the_outcome(fire: Fire, ledger: Ledger) -> None:
    won(fire()).finish(RunStatus.SUCCEEDED, reason="", details={"all": "x" * 500_000})
    record = ledger.find(IDENTITY, DATE)
    assert record is not None
    assert record.status is RunStatus.SUCCEEDED
    assert "500," in record.details["omitted"]


def test_run_ids_are_uuids_that_sort_by_time(fire: Fire, hand_clock: HandClock) -> None:
    ids = []
    for day in range(1, 6):
        ids.append(won(fire(business_date=date(2026, 11, day))).run_id)
        hand_clock.advance(milliseconds=1)
    assert ids == sorted(ids)
    assert all(uuid.UUID(run_id).version == 7 for run_id in ids)


def test_a_run_that_is_at_work_shows_nothing_of_the_run_before_it(fire: Fire, ledger: Ledger) -> None:
    won(fire()).finish(
        RunStatus.PARTIAL, reason="", artifacts=[PDF], notified=["anne@example.com"], details={"rows": 7}
    )
    won(fire())
    record = ledger.find(IDENTITY, DATE)
    assert record is not None
    assert (record.artifacts, record.notified, record.details, record.finished_at) == ((), (), {}, None)


def test_an_outcome_is_written_once(fire: Fire, ledger: Ledger, hand_clock: HandClock) -> None:
    claim = won(fire())
    claim.finish(RunStatus.PARTIAL, reason="the first")
    hand_clock.advance(seconds=1)
    with pytest.raises(ClaimLost):
        claim.finish(RunStatus.SUCCEEDED, reason="the second")
    assert ledger.find(IDENTITY, DATE).reason == "the first"  # type: ignore[union-attr]


def test_half_a_character_in_a_reason_or_a_name_reaches_no_row(fire: Fire, wire: Wire, ledger: Ledger) -> None:
    """DynamoDB refuses a row for it; the stand-in for it does not, so what is sent is looked at."""
    claim = won(fire())
    claim.record_refused("anne@example.com", reason="no mailbox for \ud83d\x00")
    claim.finish(RunStatus.PARTIAL, reason="\udc00 went out", details={"name": "half \ud800"})
    sent = [repr(json.loads(request.body)) for request in wire.seen if request.service == "dynamodb"]
    assert not [text for text in sent if re.search(r"(?<!\\)\\ud[89a-f]", text)]
    assert ledger.find(IDENTITY, DATE).reason == "? went out"  # type: ignore[union-attr]
