"""A shop's settings in the table: each version once, nothing of an older one lost, and no shop reads another's."""

from datetime import UTC, datetime
from typing import Any

import pytest

from salesflow.aws import AwsClients
from salesflow.rows import Rows
from salesflow.shops.book import SettingsBook, SettingsChanged, Version, checked
from salesflow.stored import UnreadableRow
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.clocks import HandClock

OPERATOR = "arn:aws:iam::123456789012:user/operator"


@pytest.fixture
def book(clients: AwsClients, state_table: str, hand_clock: HandClock) -> SettingsBook:
    hand_clock.moment = datetime(2026, 11, 20, 9, tzinfo=UTC)
    return SettingsBook(Rows(clients.dynamodb, state_table))


def test_a_shop_that_was_never_set_has_version_nought(book: SettingsBook) -> None:
    assert book.newest() == Version()
    assert book.history(10) == []


def test_each_change_is_a_version_with_who_when_and_what(book: SettingsBook, hand_clock: HandClock) -> None:
    first = book.write({"shop_name": "Corner Store"}, over=Version(), by=OPERATOR)
    hand_clock.moment = datetime(2026, 11, 21, 9, tzinfo=UTC)
    second = book.write({"shop_name": "Corner Store", "muted_skus": ["A,1", "B"]}, over=first, by="another")
    assert book.newest() == second
    assert [(v.number, v.changed, v.by, v.at) for v in book.history(10)] == [
        (2, ("muted_skus",), "another", datetime(2026, 11, 21, 9, tzinfo=UTC)),
        (1, ("shop_name",), OPERATOR, datetime(2026, 11, 20, 9, tzinfo=UTC)),
    ]
    assert second.values == {"shop_name": "Corner Store", "muted_skus": ["A,1", "B"]}


def test_what_changes_nothing_is_no_version(book: SettingsBook) -> None:
    first = book.write({"shop_name": "Corner Store"}, over=Version(), by=OPERATOR)
    assert book.write({"shop_name": "Corner Store"}, over=first, by=OPERATOR) is first
    assert len(book.history(10)) == 1


def test_of_two_who_change_what_they_both_saw_one_is_refused(book: SettingsBook) -> None:
    seen = book.newest()
    book.write({"paper": "Letter"}, over=seen, by="one")
    with pytest.raises(SettingsChanged, match="version 1"):
        book.write({"lead_days": "5"}, over=seen, by="two")
    assert book.newest().values == {"paper": "Letter"}


def test_a_write_whose_answer_was_lost_is_not_taken_for_another_s(book: SettingsBook, wire: Wire) -> None:
    wire.cut_after(calls("PutItem"))
    assert book.write({"paper": "Letter"}, over=Version(), by=OPERATOR).number == 1
    assert len(book.history(10)) == 1


@pytest.mark.parametrize(
    "row",
    [
        {"sk": "0000000001", "values": "shop_name=x", "changed_at": "2026-11-20T09:00:00+00:00"},
        {"sk": "0000000001", "changed_at": "2026-11-20T09:00:00+00:00"},
        {"sk": "0000000001", "values": {}, "changed_at": "yesterday"},
        {"sk": "by hand", "values": {}, "changed_at": "2026-11-20T09:00:00+00:00"},
    ],
)
def test_a_row_that_is_no_version_is_said_by_name(
    clients: AwsClients, state_table: str, book: SettingsBook, row: dict[str, Any]
) -> None:
    Rows(clients.dynamodb, state_table).put({"pk": "settings", **row})
    with pytest.raises(UnreadableRow, match="settings, "):
        book.newest()


def test_shops_share_a_table_and_no_row(clients: AwsClients, state_table: str, book: SettingsBook) -> None:
    other = SettingsBook(Rows(clients.dynamodb, state_table, "corner"))
    book.write({"shop_name": "The first"}, over=Version(), by=OPERATOR)
    other.write({"shop_name": "Corner"}, over=Version(), by=OPERATOR)
    assert book.newest().values == {"shop_name": "The first"}
    assert other.newest().values == {"shop_name": "Corner"}
    stored = clients.dynamodb.scan(TableName=state_table)["Items"]
    assert sorted(item["pk"]["S"] for item in stored) == ["corner|settings", "settings"]


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("alerts_per_month", "4.0", "4"),
        ("alerts_per_month", "0.5", "0.5"),
        ("day_ends_at", "04:00", "04:00"),
        ("muted_skus", "A, B,A", ["A", "B"]),
        ("muted_skus", ["A,1"], ["A,1"]),
        ("report_recipients", "A@shop.example,a@shop.example", ["A@shop.example"]),
        ("report_recipients", ["A@shop.example", "a@shop.example"], ["A@shop.example"]),
        ("language_code", "fr", "fr"),
        ("schedule_recipients", {"weekly": ["a@shop.example"]}, {"weekly": ["a@shop.example"]}),
    ],
)
def test_a_value_is_stored_in_one_form(name: str, value: Any, stored: Any) -> None:
    assert checked(name, value) == stored


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("alerts_per_month", "many", "number"),
        ("alerts_per_month", "61", "60"),
        ("lead_days", "2.5", "integer"),
        ("report_recipients", "chef@bäckerei.example", "punycode"),
        ("owner_recipients", "", "nobody"),
        ("owner_recipients", "owner@shop.example,boss", "no mail address"),
        ("schedule_recipients", {"weekly": ["boss"]}, "no mail address"),
        ("shop_name", "two\nlines", "one line"),
        ("salesflow_api_url", "http://shop.example/api/v1", "must be https"),
    ],
)
def test_what_cannot_be_used_is_not_stored(name: str, value: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        checked(name, value)
