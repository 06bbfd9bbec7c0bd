"""A run as the operator's desk shows it: how it stands, who was told in which edition, how it can be named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ops.logs import LogLine, _line
from ops.runs import Run, job_of
from salesflow import clock
from salesflow.ledger import RunStatus, SendOutcome, SentRecord
from tests.stand_ins.records import BEGAN, run_record

RECORD = run_record()


def sent(recipient: str, edition: str, outcome: SendOutcome) -> SentRecord:
    return SentRecord(recipient, edition, outcome, "m", "", BEGAN, RECORD.run_id)


@pytest.mark.parametrize(("after", "status"), [(30, "RUNNING"), (60, "ABANDONED")])
def test_a_run_whose_lease_is_over_is_not_shown_as_running(
    after: int, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: BEGAN + timedelta(seconds=after))
    assert Run(RECORD, ()).status == status


def test_a_run_s_end_is_its_own_word() -> None:
    ended = replace(RECORD, status=RunStatus.PARTIAL, lease_until=None, finished_at=BEGAN + timedelta(seconds=9))
    assert Run(ended, ()).status == "PARTIAL"
    assert Run(ended, ()).took == timedelta(seconds=9)
    assert Run(RECORD, ()).took is None


def test_who_was_told_is_counted_in_the_run_s_own_edition() -> None:
    run = Run(
        replace(RECORD, edition="force-1"),
        (
            sent("a@x.example", "final", SendOutcome.SENT),
            sent("b@x.example", "force-1", SendOutcome.SENT),
            sent("c@x.example", "force-1", SendOutcome.REFUSED),
        ),
    )
    assert [mail.recipient for mail in run.told] == ["b@x.example"]
    assert [mail.recipient for mail in run.refused] == ["c@x.example"]
    assert run.reference == "SF-73W7Y6GE"  # as version 1.0.0 had it


def test_a_reference_is_of_one_shop_alone() -> None:
    """Who has two shops reads it under the mails of both."""
    mains, hers = (Run(RECORD, (), shop) for shop in ("main", "corner"))
    assert mains.reference != hers.reference == hers.reference_in(RECORD.edition)


def test_the_job_is_read_from_the_identity() -> None:
    assert [job_of(text) for text in ("report/sales/daily/pdf", "sync_history@2026-11-23T00:40Z", "forecast")] == [
        "report",
        "sync_history",
        "forecast",
    ]


def test_a_log_line_shows_its_own_fields_alone() -> None:
    fields = {"level": "INFO", "run_id": "x", "job": "report", "message": "finished", "status": "SUCCEEDED", "rows": 3}
    line = LogLine("1", BEGAN, "report", "INFO", "finished", fields)
    assert (line.more, line.run_id) == ("status=SUCCEEDED rows=3", "x")


def test_a_line_of_a_failure_says_the_sentence_that_explains_it() -> None:
    raised = "salesflow.errors.SystemTokenRejected: The token has expired. Store a new one."
    trace = f'Traceback (most recent call last):\n  File "frame.py", line 1\n{raised}'
    fields = {"error": "SystemTokenRejected", "exception": trace, "details": {"report_type": "sales"}}
    line = LogLine("1", datetime(2026, 11, 22, tzinfo=UTC), "report", "ERROR", "failed", fields)
    assert line.more == "error=SystemTokenRejected The token has expired. Store a new one."


def test_log_events_without_an_id_are_told_apart_by_their_moment_and_their_words() -> None:
    """The model of the API promises none, and an emulator gives none."""
    at = int(BEGAN.timestamp() * 1000)
    events = [
        {"timestamp": at, "message": "one"},
        {"timestamp": at, "message": "two"},
        {"timestamp": at + 1, "message": "one"},
    ]
    assert len({line.id for event in events if (line := _line("report", event))}) == 3
    kept = _line("report", {"timestamp": at, "message": "one", "eventId": "37"})
    assert kept is not None
    assert kept.id == "37"
