"""The watchdog through its function's own handler: schedules in the real Scheduler API, runs in the real ledger, mails in SES."""

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from moto.backends import get_backend

from salesflow.errors import DeliveryIncomplete
from salesflow.job_events import JobRequest, ReportFields
from salesflow.ledger import Ledger, RunStatus
from salesflow.ledger.claim import Claim
from salesflow.rows import Rows
from salesflow.watch.logbook import LogbookHeld
from tests.integration.jobs.conftest import OWNER, System
from tests.stand_ins.aws import Answer, Request, Wire, calls
from tests.stand_ins.clocks import HandClock
from tests.stand_ins.lambda_context import Context

SALES_INPUT = {
    "schedule": "scheduled-sales-pdf",
    "scheduled_time": "<aws.scheduler.scheduled-time>",
    "report_type": "sales",
    "formats": ["pdf"],
    "period": "daily",
}
SALES = "report/sales/daily/pdf"
SYNC_INPUT = {"schedule": "sync-history-hourly", "scheduled_time": "<aws.scheduler.scheduled-time>"}
MADE = datetime(2026, 11, 21, 6, tzinfo=UTC)
"""When the schedules of most tests were made; nothing before is anybody's business."""


def utc(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


class Watched:
    """A stack with schedules of its own, on a clock that the test moves; 07:00 in Shanghai is 23:00 UTC of the day before."""

    def __init__(self, system: System, clock: HandClock, stack: str) -> None:
        self.system, self.clock, self.stack = system, clock, stack
        self.scheduler = system.clients.scheduler
        self.scheduler.create_schedule_group(Name=stack)
        self.ledger = Ledger(Rows(system.clients.dynamodb, system.table))
        self.handler: Callable[[Any, Any], dict[str, Any]] | None = None

    def put(
        self,
        name: str,
        expression: str,
        fields: dict[str, Any],
        *,
        function: str = "report",
        zone: str = "Asia/Shanghai",
        state: str = "ENABLED",
        changed: datetime = MADE,
    ) -> None:
        """Create a schedule, or change it; `changed` is when that happened."""
        full: dict[str, Any] = {
            "Name": f"{self.stack}-{name}",
            "GroupName": self.stack,
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": zone,
            "State": state,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": f"arn:aws:lambda:ap-southeast-1:123456789012:function:{self.stack}-{function}",
                "RoleArn": "arn:aws:iam::123456789012:role/fires",
                "Input": json.dumps(fields),
            },
        }
        there = self.scheduler.list_schedules(GroupName=self.stack)["Schedules"]
        known = full["Name"] in (schedule["Name"] for schedule in there)
        (self.scheduler.update_schedule if known else self.scheduler.create_schedule)(**full)
        groups = get_backend("scheduler")["123456789012"]["ap-southeast-1"].schedule_groups
        groups[self.stack].schedules[full["Name"]].last_modified_date = changed.timestamp()

    def sales(self, **how: Any) -> None:
        self.put("scheduled-sales-pdf", "cron(0 7 * * ? *)", SALES_INPUT, **how)

    def claim(self, due: datetime, identity: str = SALES, business_date: date | None = None) -> Claim:
        """What the job does first when it is fired at `due`."""
        claim = self.ledger.claim(
            identity,
            business_date or (due + timedelta(hours=8)).date() - timedelta(days=1),
            request_id=str(uuid.uuid4()),
            schedule="scheduled",
            scheduled_time=due,
            force=False,
            day_is_over=True,
        )
        assert isinstance(claim, Claim)
        return claim

    def ran(
        self, due: datetime, status: RunStatus = RunStatus.SUCCEEDED, reason: str = "ok", *, identity: str = SALES
    ) -> None:
        """A run that began when it was due and ended a minute later."""
        now, self.clock.moment = self.clock.moment, due
        with self.claim(due, identity) as claim:
            self.clock.advance(minutes=1)
            claim.finish(status, reason=reason)
        self.clock.moment = now

    def look(self, moment: datetime, **fields: Any) -> dict[str, Any]:
        """Fire the watchdog at a moment, in a container that is warm after the first time."""
        self.handler = self.handler or self.system.load("watchdog")
        self.clock.moment = moment
        event = {"schedule": "watchdog-hourly", "scheduled_time": moment.isoformat(), **fields}
        answer: dict[str, Any] = json.loads(json.dumps(self.handler(event, Context())))
        assert answer["job"] == "watchdog"
        return answer

    def told(self) -> list[str]:
        """Subjects of all mails so far, without their references."""
        return [re.sub(r" \[SF-\w+\]$", "", mail["Subject"]) for mail in self.system.mails()]

    def text(self, number: int = -1) -> str:
        return self.system.mails()[number].get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.fixture
def watched(system: System, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Watched:
    stack = f"shop{uuid.uuid4().hex[:6]}"
    monkeypatch.setenv("STACK_NAME", stack)
    monkeypatch.setenv("SCHEDULE_GROUP", stack)
    return Watched(system, hand_clock, stack)


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
    for hour in range(1, 20):
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


class Lambda:
    """Lambda's Invoke, which moto has with Docker only: what was invoked, and the runs that came of it."""

    def __init__(self, watched: Watched, wire: Wire) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._watched = watched
        wire.stand_in(calls("POST functions/"), self._invoked)

    def _invoked(self, request: Request) -> Answer:
        assert request.headers["x-amz-invocation-type"] == "Event", "the watchdog waits for nobody"
        event = json.loads(request.body)
        self.events.append((request.path.split("/")[3], event))
        due = datetime.fromisoformat(event["scheduled_time"])
        with self._watched.claim(due, business_date=date(2026, 3, 28)) as claim:
            claim.finish(RunStatus.SUCCEEDED, reason="ok")
        return Answer(202, [], b"")


@pytest.fixture
def functions(watched: Watched, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Lambda:
    """02:30 in Paris on 29 March 2026, where clocks go from 02:00 to 03:00 at 01:00 UTC."""
    monkeypatch.setenv("TIMEZONE", "Europe/Paris")
    watched.put(
        "scheduled-sales-pdf", "cron(30 2 * * ? *)", SALES_INPUT, zone="Europe/Paris", changed=utc(20, 0, month=3)
    )
    watched.ran(utc(28, 1, 30, month=3))
    watched.look(utc(28, 23, 50, month=3))
    return Lambda(watched, wire)


def test_what_clocks_went_over_is_fired_late_once_and_told(watched: Watched, functions: Lambda) -> None:
    watched.look(utc(29, 0, 50, 3))
    assert functions.events == []
    looks = [watched.look(utc(29, hour, 50, 3)) for hour in range(1, 8)]
    assert [look["skipped_by_clocks"] for look in looks] == [[f"{watched.stack}-scheduled-sales-pdf"], *[[]] * 6]
    assert looks[-1]["in_trouble"] == []
    ((function, event),) = functions.events
    assert function == f"{watched.stack}-report"
    request = JobRequest.from_event(event, ReportFields, now=utc(29, 1, 50, 3), zone=ZoneInfo("Europe/Paris"))
    assert request.business_date == date(2026, 3, 28)
    assert request.fields.formats == ("pdf",)
    assert watched.told() == ["scheduled-sales-pdf: there was no 02:30"]
    assert "fired late instead, for business date 2026-03-28" in watched.text()


def test_what_could_not_be_fired_late_is_told_and_then_missing(watched: Watched, functions: Lambda, wire: Wire) -> None:
    wire.reset()
    wire.refuse(calls("POST functions/"), 403, "AccessDeniedException", "no", times=9)
    for hour in range(1, 4):
        watched.look(utc(29, hour, 50, 3))
    assert functions.events == []
    assert watched.told() == ["scheduled-sales-pdf: there was no 02:30", "scheduled-sales-pdf: missing"]
    assert "fire it by hand, with business_date 2026-03-28" in watched.text(0)
    assert "did not exist on that day" in watched.text(1)


def test_what_ran_by_hand_before_the_look_is_not_fired_again(watched: Watched, functions: Lambda) -> None:
    watched.ran(utc(29, 1, 0, 3))
    watched.clock.moment = utc(29, 1, 20, 3)
    assert watched.look(utc(29, 1, 50, 3))["skipped_by_clocks"] == []
    assert functions.events == []
    assert watched.told() == []


def test_a_look_that_tells_nobody_fires_nothing(watched: Watched, functions: Lambda) -> None:
    assert watched.look(utc(29, 1, 50, 3), notify="none")["skipped_by_clocks"] != []
    assert functions.events == []


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


def bounce(address: str, kind: str = "Permanent") -> dict[str, Any]:
    return {
        "source": "aws.ses",
        "detail-type": "Email Bounced",
        "detail": {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bounceSubType": "General",
                "bouncedRecipients": [{"emailAddress": address, "diagnosticCode": "smtp; 550 5.1.1 user unknown"}],
            },
            "mail": {"messageId": "m-1", "destination": [address]},
        },
    }


def test_a_bounced_address_is_marked_left_out_and_the_owner_told_once(watched: Watched) -> None:
    bad, good = "Reader@shop.example.com", "accountant@shop.example.com"
    watched.system.environment["REPORT_RECIPIENTS"] = f"{bad.lower()},{good}"
    assert watched.system.fire("mail_events", bounce(bad))["marked"] == [bad]
    (row,) = [row for row in watched.system.rows() if row["pk"] == {"S": "address"}]
    assert "expires_at" not in row, "it stands until an operator deletes it"
    for hour in range(3):
        watched.look(utc(22, hour, 50))
    assert watched.told() == ["reader@shop.example.com gets no more mail"]
    assert "550 5.1.1 user unknown" in watched.text()


def test_addresses_that_cannot_be_mailed_stop_nobody_and_the_owner_is_told_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign, framed = "chef@bäckerei-müller.example", "Boss<boss@shop.example.com>"
    monkeypatch.setenv("OWNER_RECIPIENTS", f"{framed},{OWNER}")
    monkeypatch.setenv("REPORT_RECIPIENTS", f"{foreign},reader@shop.example.com")
    answer = watched.system.fire("report", {"business_date": "2026-11-20", "formats": ["json"]})
    assert answer["status"] == "PARTIAL"
    assert "c…@bäckerei-müller.example was refused" in answer["reason"]
    assert "punycode" in answer["reason"]
    assert answer["notified"] == ["reader@shop.example.com"]
    assert watched.look(utc(22, 0, 50))["status"] == "PARTIAL", "one owner of two cannot be told"
    for hour in range(1, 4):
        assert watched.look(utc(22, hour, 50))["status"] == "SUCCEEDED"
    assert [mail["To"] for mail in watched.system.mails()] == ["reader@shop.example.com", OWNER]
    assert watched.told()[1:] == ["2 things need you"]
    assert f"{foreign} cannot be mailed" in watched.text()
    assert f"{framed} cannot be mailed" in watched.text()


@pytest.mark.parametrize(
    "event",
    [
        bounce("reader@shop.example.com", "Transient"),
        {
            "source": "aws.ses",
            "detail": {
                "eventType": "Complaint",
                "complaint": {
                    "complainedRecipients": [{"emailAddress": "a@b.example"}],
                    "complaintFeedbackType": "abuse",
                },
                "mail": {"messageId": "m", "destination": ["somebody@else.example"]},
            },
        },
        {
            "source": "aws.ses",
            "detail": {
                "eventType": "Complaint",
                "complaint": {
                    "complainedRecipients": [{"emailAddress": "a@b.example"}],
                    "complaintFeedbackType": "not-spam",
                },
                "mail": {"messageId": "m", "destination": ["a@b.example"]},
            },
        },
        {
            "source": "aws.ses",
            "detail": {"eventType": "Reject", "mail": {"messageId": "m", "destination": ["a@b.example"]}},
        },
    ],
    ids=[
        "a full mailbox",
        "a complaint that names one who was not written to",
        "a reader who says that it is no spam",
        "a rejected mail",
    ],
)
def test_what_marks_nobody(system: System, event: dict[str, Any]) -> None:
    assert system.fire("mail_events", event)["marked"] == []


@pytest.mark.parametrize("spelling", ["reader@shop.example.com", "Reader@Shop.example.com"])
def test_a_marked_reader_is_left_out_of_a_report_that_says_so(
    system: System, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_RECIPIENTS", f"{spelling},accountant@shop.example.com")
    system.fire("mail_events", bounce("reader@shop.example.com"))
    answer = system.fire("report", {"business_date": "2026-11-20", "formats": ["json"]})
    assert answer["status"] == "PARTIAL"
    assert f"{spelling[0]}…@{spelling.partition('@')[2]} was refused" in answer["reason"]
    assert "bounced for good" in answer["reason"]
    assert [mail["To"] for mail in system.mails()] == ["accountant@shop.example.com"]
