"""Who gets a business date, for how long, and what is written down."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from salesflow.aws import AwsClients
from salesflow.errors import ClaimLost, OutOfTime
from salesflow.job_events import Audience
from salesflow.ledger import Artifact, Claim, Ledger, LedgerUnavailable, RunRecord, RunStatus
from salesflow.rows import Rows
from tests.integration.ledger.conftest import DATE, IDENTITY, Fire, lease_threads, lost, run_to_the_end, won
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.clocks import HandClock

PDF = Artifact("pdf", "reports", "reports/sales/daily/2026-11-22/sales-daily-2026-11-22.pdf", 5, "ab" * 32)


class Killed(BaseException):
    """A time-out of the function: no code of the run may act on it."""


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
    ledgers = [Ledger(Rows(clients.dynamodb, state_table)) for _ in range(10)]

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


@pytest.fixture
def beats(wire: Wire) -> Callable[[int], None]:
    """Waits until heartbeats have renewed the lease so many times from now on."""

    def wait(times: int) -> None:
        done = threading.Semaphore(0)
        wire.alter(calls("UpdateItem"), lambda _: done.release(), times=times)
        for _ in range(times):
            done.acquire()

    return wait


def test_a_live_run_keeps_its_date_past_the_first_lease(
    hasty: Ledger, fire: Fire, hand_clock: HandClock, beats: Callable[[int], None]
) -> None:
    with won(fire(hasty)) as claim:
        hand_clock.advance(seconds=0.2)
        beats(2)  # the first may have begun before
        hand_clock.advance(seconds=0.2)
        assert lost(fire(hasty)).run_id == claim.run_id
        claim.ensure_held()
        claim.finish(RunStatus.SUCCEEDED, reason="")
    assert not lease_threads()


def test_a_heartbeat_that_finds_the_date_taken_makes_the_run_stop(
    hasty: Ledger, fire: Fire, hand_clock: HandClock
) -> None:
    claim = won(fire(hasty))
    hand_clock.advance(seconds=0.35)  # not entered: no heartbeat
    thief = won(fire(hasty))
    with claim:
        claim._heartbeat.join()
        with pytest.raises(ClaimLost):
            claim.ensure_held()
    assert hasty.find(IDENTITY, DATE).run_id == thief.run_id  # type: ignore[union-attr]


def test_a_heartbeat_survives_a_dynamodb_that_fails_for_a_while(
    hasty: Ledger, fire: Fire, wire: Wire, beats: Callable[[int], None]
) -> None:
    with won(fire(hasty)) as claim:
        wire.refuse(calls("UpdateItem"), 400, "AccessDeniedException", times=1)
        beats(1)
        claim.ensure_held()
        claim.finish(RunStatus.SUCCEEDED, reason="")
    assert lost(fire(hasty)).status is RunStatus.SUCCEEDED


def test_without_dynamodb_a_claim_holds_for_as_long_as_its_lease(fire: Fire, wire: Wire, hand_clock: HandClock) -> None:
    claim = won(fire())
    wire.refuse(calls("UpdateItem"), 400, "AccessDeniedException", times=2)
    hand_clock.advance(seconds=40)
    claim.ensure_held()
    hand_clock.advance(seconds=6)
    with pytest.raises(ClaimLost, match="could not be renewed"):
        claim.ensure_held()


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


def test_what_dynamodb_refuses_is_said_with_what_to_do(fire: Fire, wire: Wire) -> None:
    wire.refuse(calls("UpdateItem"), 400, "AccessDeniedException", "not authorized to perform dynamodb:UpdateItem")
    with pytest.raises(LedgerUnavailable, match=r"dynamodb:UpdateItem.*role"):
        fire()


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


def test_a_lease_that_is_renewed_too_late_to_matter_does_no_harm(fire: Fire, ledger: Ledger) -> None:
    """The heartbeat's last renewal may meet the row that `finish` has just written: the run has not lost its date."""
    with won(fire()) as claim:
        claim.finish(RunStatus.SUCCEEDED, reason="")
        claim._renew()
        claim.ensure_held()
    assert lost(fire()).status is RunStatus.SUCCEEDED


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
