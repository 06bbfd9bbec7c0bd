"""Who is told of a report, in which edition and with which figures, when runs end early, tell fewer, or come twice."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.api import Sale, SaleItem, SalesFlowServer, sample_sales
from salesflow import clock
from salesflow.errors import DateHeld, DeliveryIncomplete, EditionLost, HistoryUnavailable
from salesflow.ledger import Ledger
from salesflow.rows import Rows
from tests.integration.jobs.conftest import BUSINESS_DATE, OWNER, READERS, System
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.clocks import HandClock
from tests.stand_ins.lambda_context import Context

DAILY = {"business_date": BUSINESS_DATE.isoformat(), "formats": ["json"]}
KEY = f"reports/sales/daily/{BUSINESS_DATE}/sales-daily-{BUSINESS_DATE}.json"
NOTED = "history/reported-days.json"
QUOTA = ("LimitExceededException", "Daily message quota exceeded.")


@pytest.fixture
def api() -> Iterator[SalesFlowServer]:
    """The API over a shop of its own, which may be corrected, on the morning after the business date."""
    store = sample_sales(seed=7, end_date=BUSINESS_DATE, days=10)
    with SalesFlowServer(store, clock=lambda: datetime(2026, 11, 21, 7)) as server:
        yield server


def correct(system: System, number: int = 10**6) -> None:
    """A sale of the business date reaches the source late."""
    moment = datetime.combine(BUSINESS_DATE, datetime.min.time()) + timedelta(hours=12)
    item = SaleItem(1, "Late till", "LATE", 1, 5000.0, 5000.0)
    system.api.store.put_sale(Sale(number, moment, 5000.0, (item,)))


def revenue(data: bytes) -> float:
    return float(json.loads(data)["sales"]["kpis"]["revenue"])


def mailed(system: System) -> list[tuple[str, str, float]]:
    """Recipient, reference and figure of every mail, oldest first."""
    found = []
    for mail in system.mails():
        (attached,) = mail.iter_attachments()
        found.append((str(mail["To"]), str(mail["X-SalesFlow-Reference"]), revenue(attached.get_payload(decode=True))))  # type: ignore[arg-type]
    return found


def recipients(system: System) -> list[str]:
    return [recipient for recipient, _, _ in mailed(system)]


# --- a firing that is to tell more than the finished run told --------------------------------------------------------


@pytest.mark.parametrize("narrower", [{"notify": "none"}, {"notify": "owner"}, {"to": [READERS[0]]}])
def test_a_narrower_run_does_not_eat_the_schedules_mailing(system: System, narrower: dict[str, Any]) -> None:
    first = system.fire("report", {**DAILY, **narrower})
    told = recipients(system)
    correct(system)
    answer = system.fire("report", DAILY)
    assert answer["status"] == "SUCCEEDED"
    assert answer["notified"] == [reader for reader in READERS if reader not in told]
    assert answer["artifacts"] == first["artifacts"]
    assert sorted(recipients(system)) == sorted({*told, *READERS})
    assert len({(reference, figure) for _, reference, figure in mailed(system)}) == 1
    assert system.fire("report", DAILY)["status"] == "DUPLICATE"


@pytest.mark.parametrize("later", [{"notify": "none"}, {"notify": "owner"}, {"to": [READERS[1]]}])
def test_a_firing_that_is_to_tell_fewer_is_a_duplicate(system: System, later: dict[str, Any]) -> None:
    system.fire("report", DAILY)
    assert system.fire("report", {**DAILY, **later})["status"] == "DUPLICATE"
    assert len(system.mails()) == len(READERS)


def test_who_was_told_one_by_one_makes_the_schedules_firing_a_duplicate(system: System) -> None:
    for reader in READERS:
        assert system.fire("report", {**DAILY, "to": [reader]})["notified"] == [reader]
    assert system.fire("report", DAILY)["status"] == "DUPLICATE"
    (run,) = [row for row in system.rows() if "status" in row]
    assert {"S": "all"} in run["told"]["L"]


def test_a_reader_who_is_added_is_no_reason_to_mail_and_a_resend_is(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.fire("report", {**DAILY, "notify": "none"})
    system.fire("report", DAILY)
    monkeypatch.setenv("REPORT_RECIPIENTS", ",".join([*READERS, "new@shop.example.com"]))
    assert system.fire("report", DAILY)["status"] == "DUPLICATE"
    correct(system)
    assert system.fire("report", {**DAILY, "resend": True})["status"] == "SUCCEEDED"
    assert recipients(system) == [*READERS, "new@shop.example.com"]
    assert len({(reference, figure) for _, reference, figure in mailed(system)}) == 1


def test_a_run_of_version_1_0_0_that_mailed_nobody_is_completed(system: System) -> None:
    system.fire("report", {**DAILY, "notify": "none"})
    for row in system.rows():
        key = {name: row[name] for name in ("pk", "sk")}
        if "status" not in row:
            system.clients.dynamodb.delete_item(TableName=system.table, Key=key)
            continue
        system.clients.dynamodb.update_item(TableName=system.table, Key=key, UpdateExpression="REMOVE told, owed")
    assert system.fire("report", DAILY)["notified"] == list(READERS)


def test_a_narrower_run_at_work_is_no_duplicate_of_the_schedules_firing(system: System, wire: Wire) -> None:
    tried: list[BaseException | None] = []
    hurried = Context(remaining_seconds=20)  # too short to wait for the run at work

    def two_fire() -> None:
        with pytest.raises(DateHeld, match="holds report/sales/daily/json"):
            system.fire("report", DAILY, hurried)
        assert system.fire("report", {**DAILY, "notify": "none"})["status"] == "DUPLICATE"

    with ThreadPoolExecutor(1) as pool:
        wire.meanwhile(calls(f"PUT {KEY}"), lambda: tried.append(pool.submit(two_fire).exception()))
        system.fire("report", {**DAILY, "notify": "none"})
    assert tried == [None]
    assert system.fire("report", DAILY)["notified"] == list(READERS)


# --- an edition that a part of its readers has -----------------------------------------------------------------------


def test_what_a_report_said_of_its_days_is_noted_by_the_retry_of_a_run_that_could_not(
    system: System, wire: Wire
) -> None:
    """Without it no later report says that these days have other figures now."""
    wire.refuse(calls(f"PUT {NOTED}"), 403, "AccessDenied")
    with pytest.raises(HistoryUnavailable):
        system.fire("report", DAILY)
    assert system.fire("report", DAILY)["status"] == "SUCCEEDED"
    assert BUSINESS_DATE.isoformat() in json.loads(system.body(NOTED))["days"]


@pytest.mark.parametrize("again", [{}, {"force": True}])
def test_a_corrected_report_that_reached_a_part_goes_on_to_the_rest(
    system: System, wire: Wire, again: dict[str, Any]
) -> None:
    """By a firing without force, and by the same event from the queue, which has another request."""
    system.fire("report", DAILY)
    correct(system)
    wire.refuse(calls("SendEmail", recipient=READERS[1]), 400, *QUOTA)
    with pytest.raises(DeliveryIncomplete):
        system.fire("report", {**DAILY, "force": True})
    correct(system, 10**6 + 1)  # what came later is no part of this edition
    answer = system.fire("report", {**DAILY, **again})
    first, corrected = mailed(system)[:2], mailed(system)[2:]
    assert [recipient for recipient, _, _ in corrected] == list(READERS)
    assert len({(reference, figure) for _, reference, figure in corrected}) == 1
    assert corrected[0][2] == pytest.approx(first[0][2] + 5000)
    assert (answer["status"], answer["notified"]) == ("SUCCEEDED", list(READERS))
    assert "2 recipients told" in answer["reason"]
    assert system.fire("report", DAILY)["status"] == "DUPLICATE"


@pytest.mark.parametrize("redriven", [False, True])
def test_a_forced_event_whose_edition_a_schedule_completed_mails_nobody_again(
    system: System, wire: Wire, redriven: bool
) -> None:
    """Lambda's own retry of it, and the event from the queue, which says which request it was."""
    first, event = Context(), {**DAILY, "force": True}
    wire.refuse(calls("SendEmail", recipient=READERS[1]), 400, *QUOTA)
    with pytest.raises(DeliveryIncomplete):
        system.fire("report", event, first)
    assert system.fire("report", DAILY)["notified"] == list(READERS)
    again = ({**event, "request_id": first.aws_request_id}, Context()) if redriven else (event, first)
    assert system.fire("report", *again)["status"] == "DUPLICATE"
    assert recipients(system) == list(READERS)
    assert system.fire("report", event)["notified"] == list(READERS), "forced anew it is mailed anew"


def test_a_trial_run_in_between_does_not_eat_what_a_forced_edition_owes(system: System, wire: Wire) -> None:
    system.fire("report", DAILY)
    correct(system)
    wire.refuse(calls("SendEmail", recipient=READERS[1]), 400, *QUOTA)
    with pytest.raises(DeliveryIncomplete):
        system.fire("report", {**DAILY, "force": True})
    assert system.fire("report", {**DAILY, "notify": "none"})["status"] == "SUCCEEDED"
    assert system.fire("report", DAILY)["notified"] == [READERS[1]]
    assert recipients(system) == [*READERS, *READERS]


def test_readers_of_one_edition_get_the_same_figures_though_the_source_was_corrected(
    system: System, wire: Wire
) -> None:
    wire.refuse(calls("SendEmail", recipient=READERS[1]), 400, *QUOTA)
    with pytest.raises(DeliveryIncomplete):
        system.fire("report", DAILY)
    correct(system)
    # Another report writes the same file meanwhile, with the new figures: the versions of the bucket keep the old one.
    system.fire("report", {**DAILY, "formats": ["csv", "json"], "notify": "none"})
    before = len(system.api.calls)
    answer = system.fire("report", DAILY)
    assert len(system.api.calls) == before, "what was saved is mailed, not what the source says now"
    (one, reference, figure), (other, other_reference, other_figure) = mailed(system)
    assert (one, other) == READERS
    assert (reference, figure) == (other_reference, other_figure)
    assert revenue(system.body(KEY)) == pytest.approx(figure + 5000)
    assert (answer["status"], answer["notified"]) == ("SUCCEEDED", list(READERS))


def test_files_that_are_gone_are_not_replaced_by_others_in_silence(system: System, wire: Wire) -> None:
    wire.refuse(calls("SendEmail", recipient=READERS[1]), 400, *QUOTA)
    with pytest.raises(DeliveryIncomplete):
        system.fire("report", DAILY)
    correct(system)
    for version in system.clients.s3.list_object_versions(Bucket=system.bucket, Prefix=KEY)["Versions"]:
        system.clients.s3.delete_object(Bucket=system.bucket, Key=KEY, VersionId=version["VersionId"])
    with pytest.raises(EditionLost, match="with force"):
        system.fire("report", DAILY)
    assert recipients(system) == [READERS[0]]
    assert system.fire("report", {**DAILY, "force": True})["notified"] in ([READERS[1]], list(READERS))


# --- a retry that comes while the killed run's lease stands ----------------------------------------------------------


@pytest.fixture
def killed(system: System, hand_clock: HandClock) -> Context:
    """The request of a run that was killed when it had claimed its date: nothing renews its lease."""
    request = Context()
    Ledger(Rows(system.clients.dynamodb, system.table)).claim(
        "report/sales/daily/json",
        BUSINESS_DATE,
        request_id=request.aws_request_id,
        schedule="manual",
        scheduled_time=hand_clock.now(),
        force=False,
        day_is_over=True,
    )
    return request


def test_a_retry_waits_for_the_dead_runs_lease_and_does_the_work(
    system: System, killed: Context, monkeypatch: pytest.MonkeyPatch, hand_clock: HandClock
) -> None:
    monkeypatch.setattr(clock, "wait", lambda seconds: hand_clock.advance(seconds=seconds))
    hand_clock.advance(seconds=20)
    answer = system.fire("report", DAILY, killed)
    assert (answer["status"], answer["notified"]) == ("SUCCEEDED", list(READERS))


def test_a_retry_that_has_no_time_to_wait_is_an_error_and_no_duplicate(
    system: System, killed: Context, monkeypatch: pytest.MonkeyPatch, hand_clock: HandClock
) -> None:
    monkeypatch.setattr(clock, "wait", lambda _: pytest.fail("there is no time to wait"))
    hand_clock.advance(seconds=20)
    killed.remaining_seconds = 15
    with pytest.raises(DateHeld, match="not to be answered"):
        system.fire("report", DAILY, killed)
    assert system.fire("report", DAILY)["status"] == "DUPLICATE", "another firing of the same work has nothing to do"
    assert OWNER not in recipients(system)
