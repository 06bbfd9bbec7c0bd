"""Who gets a business date, for how long, and what is written down."""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from salesflow.aws import AwsClients
from salesflow.errors import ClaimLost, OutOfTime, SourceUnavailable
from salesflow.job_events import Audience
from salesflow.ledger import Artifact, Claim, Ledger, LedgerUnavailable, RunRecord, RunStatus
from tests.integration.ledger.conftest import DATE, IDENTITY
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.clocks import HandClock

type Fire = Callable[..., Claim | RunRecord]

PDF = Artifact("pdf", "reports", "reports/sales/daily/2026-11-22/sales-daily-2026-11-22.pdf", 5, "ab" * 32)


class Killed(BaseException):
    """A time-out of the function: no code of the run may act on it."""


def won(answer: Claim | RunRecord) -> Claim:
    assert isinstance(answer, Claim), answer
    return answer


def lost(answer: Claim | RunRecord) -> RunRecord:
    assert isinstance(answer, RunRecord), answer
    return answer


def run_to_the_end(claim: Claim, status: RunStatus = RunStatus.SUCCEEDED) -> None:
    with claim:
        claim.finish(status, reason="")


def lease_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("lease-")]


def test_fired_twice_does_the_work_once(fire: Fire, ledger: Ledger) -> None:
    with won(fire()) as claim:
        again = lost(fire(request_id="request-2"))
        assert (again.run_id, again.status) == (claim.run_id, RunStatus.RUNNING)
        claim.finish(
            RunStatus.SUCCEEDED, reason="", artifacts=[PDF], notified=["anne@example.com"], details={"rows": 7}
        )
    finished = lost(fire(request_id="request-3"))
    assert finished == ledger.find(IDENTITY, DATE)
    assert finished.run_id == claim.run_id
    assert finished.status is RunStatus.SUCCEEDED
    assert finished.artifacts == (PDF,)
    assert finished.notified == ("anne@example.com",)
    assert finished.details == {"rows": 7}
    assert finished.schedule == "shop-sales-pdf"
    assert finished.scheduled_time == datetime(2026, 11, 23, 1, tzinfo=UTC)
    assert finished.finished_at is not None
    assert finished.lease_until is None


@pytest.mark.parametrize("status", [RunStatus.SKIPPED_EMPTY, RunStatus.SKIPPED_STALE])
def test_a_rightly_skipped_date_is_done(fire: Fire, status: RunStatus) -> None:
    run_to_the_end(won(fire()), status)
    assert lost(fire()).status is status


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.PARTIAL])
def test_a_failed_or_partial_date_is_taken_up(fire: Fire, status: RunStatus) -> None:
    first = won(fire())
    run_to_the_end(first, status)
    second = won(fire())
    assert (second.attempt, second.edition, second.reference) == (2, first.edition, first.reference)
    assert second.run_id > first.run_id
    run_to_the_end(second)
    assert lost(fire()).attempt == 2


def test_of_ten_runs_at_the_same_moment_one_wins(clients: AwsClients, state_table: str, fire: Fire) -> None:
    start = threading.Barrier(10)
    ledgers = [Ledger(clients.dynamodb, state_table) for _ in range(10)]

    def tick(ledger: Ledger) -> Claim | RunRecord:
        start.wait()
        return fire(ledger)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(tick, ledgers))
    winners = [answer for answer in answers if isinstance(answer, Claim)]
    assert len(winners) == 1
    assert {answer.run_id for answer in answers if isinstance(answer, RunRecord)} == {winners[0].run_id}


def test_dates_and_identities_do_not_meet(fire: Fire) -> None:
    claims = [
        won(fire()),
        won(fire(business_date=DATE - timedelta(days=1))),
        won(fire(identity="report/stock/daily/excel")),
    ]
    assert len({claim.reference for claim in claims}) == 3


def test_a_killed_runs_date_is_taken_up_when_its_lease_is_over(
    fire: Fire, ledger: Ledger, hand_clock: HandClock
) -> None:
    first = won(fire())
    with pytest.raises(Killed), first:
        raise Killed
    assert not lease_threads()
    assert ledger.find(IDENTITY, DATE).status is RunStatus.RUNNING  # type: ignore[union-attr]
    hand_clock.advance(seconds=44)
    assert lost(fire()).run_id == first.run_id
    hand_clock.advance(seconds=16)  # Lambda's retry comes a minute after the kill
    second = won(fire())
    assert second.attempt == 2
    with pytest.raises(ClaimLost):
        first.finish(RunStatus.SUCCEEDED, reason="")
    assert ledger.find(IDENTITY, DATE).run_id == second.run_id  # type: ignore[union-attr]


def test_the_old_holder_learns_of_a_takeover_before_it_mails(fire: Fire, hand_clock: HandClock) -> None:
    first = won(fire())
    first.ensure_held()
    hand_clock.advance(seconds=50)
    second = won(fire())
    with pytest.raises(ClaimLost, match=first.run_id):
        first.ensure_held()
    second.ensure_held()


def test_a_lease_that_ended_unnoticed_is_renewed_if_nobody_took_it(fire: Fire, hand_clock: HandClock) -> None:
    claim = won(fire())
    hand_clock.advance(minutes=5)
    claim.ensure_held()
    assert lost(fire()).run_id == claim.run_id


def test_a_live_run_keeps_its_date_past_the_first_lease(clients: AwsClients, state_table: str, fire: Fire) -> None:
    ledger = Ledger(clients.dynamodb, state_table, lease_seconds=0.3)
    with won(fire(ledger)) as claim:
        time.sleep(0.8)
        assert lost(fire(ledger)).run_id == claim.run_id
        claim.ensure_held()
        claim.finish(RunStatus.SUCCEEDED, reason="")
    assert not lease_threads()


def test_a_heartbeat_that_finds_the_date_taken_makes_the_run_stop(
    clients: AwsClients, state_table: str, fire: Fire
) -> None:
    ledger = Ledger(clients.dynamodb, state_table, lease_seconds=0.3)
    claim = won(fire(ledger))
    time.sleep(0.35)  # not entered: no heartbeat
    thief = won(fire(ledger))
    with claim:
        time.sleep(0.15)
        with pytest.raises(ClaimLost):
            claim.ensure_held()
    assert ledger.find(IDENTITY, DATE).run_id == thief.run_id  # type: ignore[union-attr]


def test_a_heartbeat_survives_a_dynamodb_that_fails_for_a_while(
    clients: AwsClients, state_table: str, fire: Fire, wire: Wire
) -> None:
    ledger = Ledger(clients.dynamodb, state_table, lease_seconds=0.9)
    with won(fire(ledger)) as claim:
        wire.refuse(calls("UpdateItem"), 400, "AccessDeniedException", times=1)
        time.sleep(0.4)
        claim.ensure_held()
        claim.finish(RunStatus.SUCCEEDED, reason="")
    assert lost(fire(ledger)).status is RunStatus.SUCCEEDED


def test_without_dynamodb_a_claim_holds_for_as_long_as_its_lease(fire: Fire, wire: Wire, hand_clock: HandClock) -> None:
    claim = won(fire())
    wire.refuse(calls("UpdateItem"), 400, "AccessDeniedException", times=2)
    hand_clock.advance(seconds=40)
    claim.ensure_held()
    hand_clock.advance(seconds=6)
    with pytest.raises(ClaimLost, match="could not be renewed"):
        claim.ensure_held()


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


def test_force_runs_a_finished_date_again_but_not_a_live_one(fire: Fire) -> None:
    first = won(fire())
    assert lost(fire(force=True)).run_id == first.run_id
    run_to_the_end(first)
    forced = won(fire(force=True, request_id="by-hand"))
    assert forced.edition == "force-by-hand"
    assert forced.reference != first.reference
    assert forced.told() == {}


def test_a_forced_events_own_retry_is_the_same_edition_and_ends_once(fire: Fire) -> None:
    run_to_the_end(won(fire()))
    forced = won(fire(force=True, request_id="by-hand"))
    forced.record_sent("anne@example.com", message_id="m-1")
    run_to_the_end(forced, RunStatus.FAILED)
    retried = won(fire(force=True, request_id="by-hand"))
    assert retried.reference == forced.reference
    assert set(retried.told()) == {"anne@example.com"}
    run_to_the_end(retried)
    assert lost(fire(force=True, request_id="by-hand")).run_id == retried.run_id
    assert won(fire(force=True, request_id="by-hand-again")).told() == {}


def test_an_interim_run_gives_way_to_the_final_one_and_never_replaces_it(fire: Fire) -> None:
    interim = won(fire(day_is_over=False))
    interim.record_sent("anne@example.com", message_id="m-1")
    run_to_the_end(interim)
    assert lost(fire(day_is_over=False)).interim
    final = won(fire(day_is_over=True))
    assert (interim.edition, final.edition) == ("interim", "final")
    assert final.told() == {}
    run_to_the_end(final, RunStatus.FAILED)
    assert lost(fire(day_is_over=False)).edition == "final"
    assert lost(fire(day_is_over=False, force=True)).edition == "final"
    run_to_the_end(won(fire()))
    assert not lost(fire()).interim


def test_a_claim_whose_answer_was_lost_is_still_ours(fire: Fire, wire: Wire) -> None:
    wire.cut_after(calls("UpdateItem"))
    claim = won(fire())
    assert wire.operations().count("UpdateItem") == 2
    assert claim.attempt == 1
    run_to_the_end(claim)
    assert lost(fire()).run_id == claim.run_id


def test_an_outcome_whose_answer_was_lost_is_still_written(fire: Fire, wire: Wire) -> None:
    with won(fire()) as claim:
        wire.cut_after(calls("UpdateItem"))
        claim.finish(RunStatus.SUCCEEDED, reason="")
    assert lost(fire()).status is RunStatus.SUCCEEDED


def test_what_dynamodb_refuses_is_said_with_what_to_do(fire: Fire, wire: Wire) -> None:
    wire.refuse(calls("UpdateItem"), 400, "AccessDeniedException", "not authorized to perform dynamodb:UpdateItem")
    with pytest.raises(LedgerUnavailable, match=r"dynamodb:UpdateItem.*role"):
        fire()


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
    claim = won(fire(Ledger(clients.dynamodb, state_table)))
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


def test_a_run_whose_time_is_over_stops_itself_and_the_next_finds_the_date_free(
    fire: Fire, ledger: Ledger, hand_clock: HandClock
) -> None:
    claim = won(fire())
    claim.deadline = hand_clock.now() + timedelta(seconds=290)
    hand_clock.advance(seconds=289)
    claim.ensure_held()
    hand_clock.advance(seconds=1)
    with pytest.raises(OutOfTime), claim:
        claim.ensure_held()
    found = ledger.find(IDENTITY, DATE)
    assert found is not None
    assert found.status is RunStatus.FAILED
    assert "time is nearly over" in found.reason
    assert won(fire()).attempt == 2


def test_an_answer_that_is_no_text_is_a_ledger_that_is_unavailable(fire: Fire, wire: Wire) -> None:
    wire.alter(calls("UpdateItem"), lambda answer: setattr(answer, "body", b"\xff\xfe"), times=9)
    with pytest.raises(LedgerUnavailable, match="garbled"):
        fire()


def test_a_lease_is_over_at_its_very_end(fire: Fire, hand_clock: HandClock) -> None:
    won(fire())
    hand_clock.advance(seconds=45)
    assert won(fire()).attempt == 2


def test_a_lease_that_no_run_can_have_holds_no_date(
    fire: Fire, clients: AwsClients, state_table: str, hand_clock: HandClock
) -> None:
    """A clock that was days ahead when the run was killed, or a wrong hand."""
    first = won(fire())
    hand_clock.advance(days=30)
    first._renew()
    hand_clock.advance(days=-30)
    assert won(fire(request_id="request-2")).attempt == 2


def test_a_narrower_run_does_not_make_a_partial_one_whole(fire: Fire) -> None:
    """One reader of two was refused; a run for the other one ends well; the schedule's firing still has the first to tell."""
    everybody: dict[str, Any] = {"audience": Audience.EVERYBODY, "readers": ("anne@example.com", "bob@example.com")}
    first = won(fire(**everybody))
    first.record_sent("anne@example.com", message_id="m-1")
    run_to_the_end(first, RunStatus.PARTIAL)
    run_to_the_end(won(fire(audience=Audience(("anne@example.com",)), readers=("anne@example.com",))))
    rest = won(fire(**everybody))
    assert (rest.edition, set(rest.told())) == (first.edition, {"anne@example.com"})
    rest.record_sent("bob@example.com", message_id="m-2")
    run_to_the_end(rest)
    assert lost(fire(**everybody)).status is RunStatus.SUCCEEDED


def test_who_was_told_before_the_day_was_over_is_still_to_be_told_how_it_ended(fire: Fire) -> None:
    everybody: dict[str, Any] = {"audience": Audience.EVERYBODY, "readers": ("anne@example.com",)}
    interim = won(fire(day_is_over=False, **everybody))
    interim.record_sent("anne@example.com", message_id="m-1")
    run_to_the_end(interim)
    run_to_the_end(won(fire(audience=Audience.NOBODY, readers=())))
    assert won(fire(**everybody)).edition == "final"


def test_a_run_that_is_at_work_shows_nothing_of_the_run_before_it(fire: Fire, ledger: Ledger) -> None:
    won(fire()).finish(
        RunStatus.PARTIAL, reason="", artifacts=[PDF], notified=["anne@example.com"], details={"rows": 7}
    )
    won(fire())
    record = ledger.find(IDENTITY, DATE)
    assert record is not None
    assert (record.artifacts, record.notified, record.details, record.finished_at) == ((), (), {}, None)


def test_a_lease_that_is_renewed_too_late_to_matter_does_no_harm(fire: Fire, ledger: Ledger) -> None:
    """The heartbeat's last renewal may meet the row that `finish` has just written: the run has not lost its date."""
    with won(fire()) as claim:
        claim.finish(RunStatus.SUCCEEDED, reason="")
        claim._renew()
        claim.ensure_held()
    assert lost(fire()).status is RunStatus.SUCCEEDED


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


def test_a_machine_whose_clock_is_ahead_takes_no_date_from_a_run_that_goes_on(
    fire: Fire, hand_clock: HandClock
) -> None:
    """The other machine is 25 seconds ahead: for it the lease is over 20 seconds after it was last renewed."""
    first = won(fire())
    hand_clock.advance(seconds=21)
    first.ensure_held()  # asks, and renews, well before its own clock says that the lease is near its end
    hand_clock.advance(seconds=25)
    assert lost(fire(request_id="request-2")).run_id == first.run_id
    hand_clock.advance(seconds=-25)
    first.ensure_held()
