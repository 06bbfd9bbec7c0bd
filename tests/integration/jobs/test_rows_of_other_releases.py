"""Rows of another release, or of a hand, in the state table: read, or told by name; never the end of every run."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

import salesflow
from salesflow.ledger import RunStatus
from salesflow.stored import UnreadableRow
from salesflow.watch.logbook import Logbook
from tests.integration.jobs.conftest import READERS, TEN_DAYS_AGO, System
from tests.integration.jobs.watched import SALES, SALES_INPUT, Watched, utc
from tests.stand_ins.clocks import HandClock

SHOP_OPENED = TEN_DAYS_AGO

Item = dict[str, Any]
EVENT = {"business_date": "2026-11-20", "formats": ["json"]}
IDENTITY = "run#report/sales/daily/json"


@pytest.fixture
def watched(system: System, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setenv("STACK_NAME", stack := f"shop{system.table[-6:]}")
    monkeypatch.setenv("SCHEDULE_GROUP", stack)
    return Watched(system, hand_clock, stack)


def edit(system: System, pk: str, sk: str, change: Callable[[Item], Any]) -> None:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    item = system.clients.dynamodb.get_item(TableName=system.table, Key=key)["Item"]
    change(item)
    system.clients.dynamodb.put_item(TableName=system.table, Item=item)


READ = {
    "an artefact with a new field": lambda row: row["artifacts"]["L"][0]["M"].update(etag={"S": "x"}),
    "no `interim`": lambda row: row.pop("interim"),
    "a set of text": lambda row: row.update(extra={"SS": ["a", "b"]}),
    "bytes": lambda row: row.update(extra={"B": b"x"}),
    "a decimal": lambda row: row.update(extra={"N": "1.5"}),
    "a decimal count": lambda row: row.update(attempt={"N": "1.5"}),
}
SAID = {
    "an unknown status": lambda row: row.update(status={"S": "CANCELLED"}),
    "a status that is no text": lambda row: row.update(status={"N": "7"}),
    "details that are no JSON": lambda row: row.update(details={"S": "{"}),
    "no times": lambda row: row.pop("started_at"),
}


def test_a_finished_run_of_another_release_is_known_as_finished(system: System) -> None:
    assert system.fire("report", EVENT)["status"] == "SUCCEEDED"
    for change in READ.values():
        edit(system, IDENTITY, "2026-11-20", change)
        assert system.fire("report", EVENT)["status"] == "DUPLICATE"
    assert system.fire("report", {**EVENT, "force": True})["status"] == "SUCCEEDED"


@pytest.mark.parametrize("change", SAID.values(), ids=SAID)
def test_a_run_that_cannot_be_read_is_said_by_its_row(system: System, change: Callable[[Item], Any]) -> None:
    system.fire("report", EVENT)
    edit(system, IDENTITY, "2026-11-20", lambda row: (row.update(release={"S": "9.9.9"}), change(row)))
    with pytest.raises(UnreadableRow, match=rf"{IDENTITY}, 2026-11-20.*9\.9\.9.*{salesflow.__version__}"):
        system.fire("report", EVENT)


def test_a_later_releases_word_for_a_sent_mail_counts_as_sent(system: System) -> None:
    system.fire("report", EVENT)
    edit(system, IDENTITY, f"2026-11-20#sent#final#{READERS[0]}", lambda row: row.update(outcome={"S": "DELIVERED"}))
    edit(system, IDENTITY, "2026-11-20", lambda row: row.update(status={"S": "FAILED"}))
    assert system.fire("report", EVENT)["status"] == "SUCCEEDED"
    assert [mail["To"] for mail in system.mails()] == list(READERS)


def test_an_unreadable_row_is_told_and_hides_no_other_schedule(watched: Watched) -> None:
    watched.sales()
    stock = {**SALES_INPUT, "report_type": "stock"}
    watched.put("scheduled-stock-pdf", "cron(10 7 * * ? *)", stock)
    watched.ran(utc(21, 23))
    edit(watched.system, f"run#{SALES}", "2026-11-21", lambda row: row.update(status={"S": "CANCELLED"}))
    answer = watched.look(utc(22, 0, 50))
    assert {finding["trouble"] for finding in answer["findings"]} == {"unreadable", "missing"}
    for hour in range(1, 5):
        watched.look(utc(22, hour, 50))
    assert watched.told() == ["2 things need you"]
    assert f"The row run#{SALES}, 2026-11-21" in watched.text()
    edit(watched.system, f"run#{SALES}", "2026-11-21", lambda row: row.update(status={"S": "SUCCEEDED"}))
    watched.ran(utc(21, 23, 10), identity="report/stock/daily/pdf")
    watched.look(utc(22, 5, 50))
    assert watched.told()[1:] == ["2 schedules work again"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: row.update(page={"S": "{"}),
        lambda row: row.update(page={"S": json.dumps(json.loads(row["page"]["S"]) | {"form": 2})}),
        lambda row: row.update(page={"S": json.dumps(json.loads(row["page"]["S"]) | {"memory": {}})}),
    ],
    ids=["no JSON", "a later form", "no memory"],
)
def test_a_logbook_that_cannot_be_read_begins_anew_and_the_owner_knows(
    watched: Watched, spoil: Callable[[Item], Any]
) -> None:
    watched.sales()
    watched.ran(utc(21, 23))
    watched.look(utc(22, 0, 50))
    edit(watched.system, "watch", "logbook", spoil)
    assert watched.look(utc(22, 1, 50))["status"] == "SUCCEEDED"
    watched.look(utc(22, 2, 50))
    assert watched.told() == ["The watchdog begins anew"]


def test_a_hold_that_no_look_can_have_made_holds_nobody_up(watched: Watched) -> None:
    """A clock that was years ahead, or a hand: until then nobody would hear of anything."""
    watched.sales()
    watched.look(utc(21, 23, 50))
    held = {"S": "2036-01-01T00:00:00.000000+00:00"}
    edit(watched.system, "watch", "logbook", lambda row: row.update(held_until=held, holder={"S": "somebody"}))
    watched.look(utc(22, 0, 50))
    assert watched.told() == ["scheduled-sales-pdf: missing"]


def test_what_a_later_release_adds_to_the_logbook_is_passed_over(watched: Watched) -> None:
    watched.sales()
    watched.look(utc(22, 0, 50))

    def add(row: Item) -> None:
        page = json.loads(row["page"]["S"])
        page["memory"]["moods"] = page["moods"] = 1
        for kept in (*page["memory"]["schedules"].values(), *page["memory"]["ticks"]):
            kept["mood"] = 1
        row["page"] = {"S": json.dumps(page)}

    edit(watched.system, "watch", "logbook", add)
    watched.look(utc(22, 1, 50))
    assert watched.told() == ["scheduled-sales-pdf: missing"]


def test_a_marked_address_of_another_release_stays_marked(system: System) -> None:
    row = {"pk": {"S": "address"}, "sk": {"S": READERS[0]}, "mark": {"S": "unsubscribed"}}
    system.clients.dynamodb.put_item(TableName=system.table, Item=row)
    answer = system.fire("report", EVENT)
    assert answer["status"] == "PARTIAL"
    assert answer["notified"] == [READERS[1]]


def test_a_line_of_the_library_that_cannot_be_read_is_left_out(system: System) -> None:
    system.fire("report", EVENT)
    key = {"pk": {"S": "library"}, "sk": {"S": "2026-11-20#report/sales/daily/json"}}
    odd = json.dumps(
        {
            "job": "report",
            "identity": "report/tax/hourly/json",
            "status": "CANCELLED",
            "reason": "x",
            "finished_at": "2026-11-21T00:00:00+00:00",
        }
    )
    for text in ("{", odd):
        system.clients.dynamodb.put_item(TableName=system.table, Item={**key, "run": {"S": text}})
        system.fire("sync_history", {"business_date": "2026-11-20", "force": True})
        assert b"sales-daily-2026-11-20.json" in system.body("reports/index.html")


ONE_0_0 = {
    "tick": {"schedule", "due", "job", "identity", "business_date", "wants_final", "window_minutes", "doubt", "told"},
    "schedule": {
        "name", "arn", "expression", "zone", "enabled", "function", "input", "window_minutes", "modified", "begins", "ends",
    },
    "trouble": {"since", "kinds", "told_at"},
    "notice": {"reference", "bad", "findings", "headline", "paragraphs", "footer"},
    "artifact": {"format", "bucket", "key", "bytes", "sha256"},
}  # fmt: skip
"""The fields of which version 1.0.0 takes neither more nor fewer."""


def test_version_1_0_0_can_read_what_this_one_writes(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rolled back by one version, with trouble open and a notice on its way: the parts that it reads strictly are as it knows them."""
    watched.sales()
    watched.ran(utc(21, 23), RunStatus.FAILED, "the API is down")
    written: list[Item] = []
    write = Logbook.write

    def noting(self: Logbook, *arguments: Any, **named: Any) -> None:
        write(self, *arguments, **named)
        (row,) = (row for row in watched.system.rows() if row["sk"]["S"] == "logbook")
        written.append(json.loads(row["page"]["S"]))

    monkeypatch.setattr(Logbook, "write", noting)
    watched.look(utc(22, 0, 50))
    page = written[0]
    assert page["form"] == 1
    assert {frozenset(tick) for tick in page["memory"]["ticks"]} == {frozenset(ONE_0_0["tick"])}
    assert {frozenset(s) for s in page["memory"]["schedules"].values()} == {frozenset(ONE_0_0["schedule"])}
    assert {frozenset(t) for t in page["memory"]["troubles"].values()} >= {frozenset(ONE_0_0["trouble"])}
    assert {frozenset(notice) for notice in page["outbox"]} == {frozenset(ONE_0_0["notice"])}
    watched.system.fire("report", EVENT)
    (run,) = (row for row in watched.system.rows() if (row["pk"]["S"], row["sk"]["S"]) == (IDENTITY, "2026-11-20"))
    assert set(run["artifacts"]["L"][0]["M"]) == ONE_0_0["artifact"]
    assert run["release"] == {"S": salesflow.__version__}
    needed = {
        "run_id",
        "status",
        "reason",
        "attempt",
        "schedule",
        "scheduled_time",
        "started_at",
        "edition",
        "interim",
        "request_id",
    }
    assert needed <= run.keys()
    assert date.fromisoformat(run["sk"]["S"]) is not None
    assert datetime.fromisoformat(run["started_at"]["S"]).tzinfo == UTC
