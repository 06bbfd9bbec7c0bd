"""The watchdog through its function's own handler: schedules in the real Scheduler API, runs in the real ledger, mails in SES."""

from datetime import UTC, datetime, timedelta

import pytest

from salesflow.errors import DeliveryIncomplete
from salesflow.ledger import RunStatus
from salesflow.watch.logbook import LogbookHeld
from tests.integration.jobs.conftest import OWNER
from tests.integration.jobs.watched import SALES_INPUT, SYNC_INPUT, Watched, utc
from tests.stand_ins.aws import Wire, calls


def test_all_is_well_and_nobody_is_mailed(watched: Watched) -> None:
    watched.sales()
    watched.ran(utc(21, 23))
    answer = watched.look(utc(22, 0, 50))
    assert answer["status"] == "SUCCEEDED"
    assert (answer["schedules"], answer["firings"], answer["done"], answer["in_trouble"]) == (1, 1, 1, [])
    assert watched.told() == []


def test_a_missing_run_is_told_once_though_the_watchdog_looks_hourly_and_its_recovery_once(watched: Watched) -> None:
    watched.sales()
    assert watched.look(utc(21, 23, 50))["findings"] == [], "within the grace it is too early to tell"
    assert watched.look(utc(22, 0, 50))["findings"][0]["trouble"] == "missing"
    for hour in (1, 2, 3, 11, 19):
        watched.look(utc(22, hour, 50))
    assert watched.told() == ["scheduled-sales-pdf: missing"]
    assert "business date 2026-11-21" in watched.text()
    assert "Sun 22 Nov 2026 07:00 (Asia/Shanghai)" in watched.text()
    assert "`salesflow-ops redrive --stack" in watched.text()
    watched.ran(utc(21, 23))  # fired again, for its own date
    for hour in range(20, 23):
        watched.look(utc(22, hour, 50))
    assert watched.told() == ["scheduled-sales-pdf: missing", "scheduled-sales-pdf works again"]
    assert "nothing left to do" in watched.text()
    assert {mail["To"] for mail in watched.system.mails()} == {OWNER}


def test_a_later_run_ends_the_trouble_and_the_date_that_lacks_its_report_is_named(watched: Watched) -> None:
    watched.sales()
    watched.look(utc(22, 0, 50))
    watched.ran(utc(22, 23))
    answer = watched.look(utc(22, 23, 50))
    assert answer["recovered"] == [f"{watched.stack}-scheduled-sales-pdf"]
    assert "Still lacking: 2026-11-21" in watched.text()
    watched.look(utc(23, 0, 50))
    assert len(watched.told()) == 2


def test_everything_wrong_at_one_look_is_one_mail(watched: Watched) -> None:
    watched.sales()
    stock = {**SALES_INPUT, "report_type": "stock", "formats": ["excel"]}
    watched.put("scheduled-stock-excel", "cron(10 7 * * ? *)", stock)
    weekly = {**SALES_INPUT, "report_type": "combined", "period": "weekly"}
    watched.put("scheduled-combined-weekly", "cron(20 7 * * ? *)", weekly)
    watched.put("sync-history-nightly", "cron(20 0 * * ? *)", SYNC_INPUT, function="sync-history")
    watched.ran(utc(21, 23), RunStatus.FAILED, "GET /sales answered 503 five times.")
    watched.ran(utc(21, 23, 10), RunStatus.PARTIAL, "x@y.example was refused.", identity="report/stock/daily/excel")
    watched.ran(utc(21, 23, 20), RunStatus.SKIPPED_STALE, "No sale has arrived.", identity="report/combined/weekly/pdf")
    answer = watched.look(utc(22, 0, 50))
    assert {finding["trouble"] for finding in answer["findings"]} == {"missing", "failed", "partial", "stale"}
    assert watched.told() == ["4 things need you"]
    for word in ("503 five times", "x@y.example was refused", "No sale has arrived", "No run of it is on record"):
        assert word in watched.text()


def test_a_failed_run_is_told_when_lambdas_retries_are_over_and_not_before(watched: Watched) -> None:
    watched.sales()
    watched.ran(utc(21, 23), RunStatus.FAILED, "the API is down")
    assert watched.look(utc(21, 23, 5))["findings"] == []
    assert watched.look(utc(21, 23, 15))["findings"][0]["trouble"] == "failed"


def test_a_run_that_was_killed_is_told(watched: Watched) -> None:
    watched.sales()
    watched.clock.moment = utc(21, 23)
    watched.claim(utc(21, 23))  # and then the process ends: nothing renews the lease
    assert watched.look(utc(21, 23, 3))["findings"] == []
    assert "ended from outside" in watched.look(utc(21, 23, 50))["findings"][0]["reason"]


def test_a_run_at_work_past_its_grace_is_late_and_its_end_is_told(watched: Watched) -> None:
    watched.sales()
    watched.clock.moment = utc(22, 0, 49)
    with watched.claim(utc(21, 23)) as claim:
        assert watched.look(utc(22, 0, 49))["findings"][0]["trouble"] == "late"
        claim.finish(RunStatus.SUCCEEDED, reason="ok")
    watched.look(utc(22, 1, 50))
    assert watched.told() == ["scheduled-sales-pdf: late", "scheduled-sales-pdf works again"]


def test_a_run_that_was_done_late_is_told_once_and_is_over(watched: Watched) -> None:
    watched.sales()
    watched.clock.moment = utc(22, 2)
    with watched.claim(utc(21, 23)) as claim:
        claim.finish(RunStatus.SUCCEEDED, reason="ok")
    answer = watched.look(utc(22, 2, 50))
    assert "3 hours after it was due" in answer["findings"][0]["reason"]
    assert answer["in_trouble"] == []
    watched.look(utc(22, 3, 50))
    assert watched.told() == ["scheduled-sales-pdf: late"]


def test_trouble_that_goes_on_is_reminded_of_once_a_day(watched: Watched) -> None:
    watched.put("sync-history-hourly", "cron(40 * * * ? *)", SYNC_INPUT, function="sync-history", changed=utc(20, 0))
    for hour in range(0, 60, 3):
        watched.look(utc(20, 0, 50) + timedelta(hours=hour))
    assert watched.told() == ["sync-history-hourly: missing"] * 3
    assert "In trouble since" in watched.text()
    watched.ran(utc(22, 12, 40), identity="sync_history@2026-11-22T12:40Z")
    watched.look(utc(22, 12, 50))
    assert watched.told()[3:] == ["sync-history-hourly works again"]
    assert "nothing left to do" in watched.text(), "a sync catches up with what was missed"


def test_a_run_that_is_partial_for_the_same_reason_every_day_is_told_once(watched: Watched) -> None:
    watched.sales(changed=utc(17, 6))
    for day, reason in (
        (17, "24 of 28 days are known"),
        (18, "25 of 28 days are known"),
        (19, "26 of 28 days are known"),
    ):
        watched.ran(utc(day, 23), RunStatus.PARTIAL, reason)
        watched.look(utc(day, 23, 50))
        watched.look(utc(day + 1, 12, 50))
    assert watched.told() == ["scheduled-sales-pdf: partial"]
    watched.ran(utc(20, 23), RunStatus.PARTIAL, "x@y.example was refused")
    watched.look(utc(20, 23, 50))
    watched.ran(utc(21, 23))
    watched.look(utc(21, 23, 50))
    assert watched.told()[1:] == ["scheduled-sales-pdf: partial", "scheduled-sales-pdf works again"]


def test_a_disabled_schedule_is_not_missed(watched: Watched) -> None:
    watched.sales(state="DISABLED")
    for hour in range(1, 6):
        assert watched.look(utc(22, hour, 50))["firings"] == 0
    assert watched.told() == []


def test_a_schedule_that_was_paused_and_resumed_is_missed_only_while_it_was_on(watched: Watched) -> None:
    watched.sales(changed=utc(19, 6))
    watched.ran(utc(19, 23))
    watched.look(utc(20, 1, 50))
    watched.sales(state="DISABLED", changed=utc(20, 5))
    for day in (20, 21, 22):
        watched.look(utc(day, 6, 50))
    watched.sales(changed=utc(22, 9))
    for hour in range(9, 23):
        assert watched.look(utc(22, hour, 50))["firings"] == 0
    watched.look(utc(23, 0, 50))
    assert watched.told() == ["scheduled-sales-pdf: missing"], "the one after it was resumed"
    assert "2026-11-22" in watched.text()
    assert "2026-11-21" not in watched.text()


def test_a_firing_due_before_a_change_that_no_look_saw_is_told_with_its_doubt(watched: Watched) -> None:
    watched.sales()
    watched.look(utc(21, 22, 50))
    watched.sales(changed=utc(21, 23, 30))
    watched.look(utc(22, 0, 50))
    assert "The schedule was changed at 2026-11-21 23:30 UTC" in watched.text()


def test_a_new_schedule_is_not_missed_for_the_time_before_it_was_there(watched: Watched) -> None:
    watched.sales(changed=utc(22, 0, 30))
    assert watched.look(utc(22, 3, 50))["firings"] == 0


def test_no_look_for_longer_than_the_lookback_is_said(watched: Watched) -> None:
    watched.sales(changed=utc(17, 6))
    watched.ran(utc(17, 23))
    watched.look(utc(18, 0, 50))
    watched.ran(utc(20, 23))
    watched.ran(utc(21, 23))
    watched.look(utc(22, 0, 50))
    assert "The watchdog itself did not run" in watched.text()


def test_a_time_that_comes_twice_is_due_once(watched: Watched) -> None:
    """02:30 in Paris on 25 October, when an hour comes again: it fires the first time only."""
    start = datetime(2026, 10, 25, tzinfo=UTC)
    changed = start - timedelta(hours=2)
    watched.put("scheduled-sales-pdf", "cron(30 2 * * ? *)", SALES_INPUT, zone="Europe/Paris", changed=changed)
    watched.ran(utc(25, 0, 30, 10))
    looks = [watched.look(start + timedelta(hours=hour, minutes=50)) for hour in range(0, 22, 5)]
    assert [look["findings"] for look in looks] == [[]] * len(looks)
    assert sum(look["done"] for look in looks) == 1


def test_the_same_tick_again_is_a_duplicate_and_mails_nothing(watched: Watched) -> None:
    watched.sales()
    assert watched.look(utc(22, 0, 50))["status"] == "SUCCEEDED"
    assert watched.look(utc(22, 0, 50))["status"] == "DUPLICATE"
    assert len(watched.told()) == 1


def test_a_notice_that_ses_did_not_take_is_sent_by_the_next_look_and_only_once(watched: Watched, wire: Wire) -> None:
    watched.sales()
    wire.refuse(calls("SendEmail"), 400, "AccountSuspendedException", times=1)
    with pytest.raises(DeliveryIncomplete):
        watched.look(utc(22, 0, 50))
    assert watched.told() == []
    watched.look(utc(22, 1, 50))
    watched.look(utc(22, 2, 50))
    assert watched.told() == ["scheduled-sales-pdf: missing"]


def test_a_notice_whose_acceptance_is_unknown_is_repeated_under_the_same_reference(
    watched: Watched, wire: Wire
) -> None:
    watched.sales()
    wire.cut_after(calls("SendEmail"))
    with pytest.raises(DeliveryIncomplete):
        watched.look(utc(22, 0, 50))
    watched.look(utc(22, 1, 50))
    watched.look(utc(22, 2, 50))
    assert len({mail["X-SalesFlow-Reference"] for mail in watched.system.mails()}) == 1
    assert len(watched.told()) == 2


def test_while_one_look_is_at_work_another_leaves_the_telling_to_it(watched: Watched, wire: Wire) -> None:
    watched.sales()
    seen: list[str] = []

    def meanwhile() -> None:
        try:
            watched.system.fire("watchdog", {"force": True})
        except LogbookHeld as held:
            seen.append(held.message)

    wire.meanwhile(calls("SendEmail"), meanwhile)
    watched.look(utc(22, 0, 50))
    assert len(seen) == 1
    assert watched.told() == ["scheduled-sales-pdf: missing"]


def test_of_two_owners_only_the_one_who_lacks_the_notice_is_mailed_again(
    watched: Watched, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "second@shop.example.com"
    monkeypatch.setenv("OWNER_RECIPIENTS", f"{OWNER},{other}")
    watched.sales()
    wire.cut_before(calls("SendEmail", recipient=other))
    with pytest.raises(DeliveryIncomplete):
        watched.look(utc(22, 0, 50))
    watched.look(utc(22, 0, 50))  # Lambda's retry
    assert [mail["To"] for mail in watched.system.mails()] == [OWNER, other]
    first, second = watched.system.mails()
    assert first["X-SalesFlow-Reference"] == second["X-SalesFlow-Reference"]


def test_a_schedule_that_cannot_be_watched_is_told_once(watched: Watched) -> None:
    watched.put("strange", "cron(0 7 * * ? *)", {}, function="somebody-elses")
    watched.put("typo", "cron(0 7 * * ? *)", {**SALES_INPUT, "formats": ["docx"]})
    watched.put("drifting", "rate(1 day)", SALES_INPUT)
    for hour in range(3):
        watched.look(utc(22, hour, 50))
    assert watched.told() == ["3 things need you"]
    for word in ("no job of this stack", "docx", "a rate drifts"):
        assert word in watched.text()


def test_a_look_that_tells_nobody_changes_nothing(watched: Watched) -> None:
    watched.sales()
    quiet = watched.look(utc(22, 0, 50), notify="none", force=True)
    assert quiet["findings"][0]["trouble"] == "missing"
    assert watched.told() == []
    assert watched.look(utc(22, 1, 50))["findings"][0]["trouble"] == "missing"
    assert len(watched.told()) == 1


def test_the_watchdog_watches_its_own_schedule(watched: Watched) -> None:
    fields = {"schedule": "watchdog-hourly", "scheduled_time": "<aws.scheduler.scheduled-time>"}
    watched.put("watchdog-hourly", "cron(50 * * * ? *)", fields, function="watchdog")
    watched.ran(utc(21, 23, 50), RunStatus.FAILED, "no schedule could be read", identity="watchdog@2026-11-21T23:50Z")
    watched.look(utc(22, 0, 50))
    assert any("no schedule could be read" in watched.text(n) for n in range(len(watched.told())))
