"""The alert book's rows: a day on which hundreds of products change at once fits into one, and no run writes over another's."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from salesflow.alerts.book import AlertBook
from salesflow.alerts.lifecycle import Alert, Rules, Step, advance
from salesflow.aws import AwsClients
from salesflow.rows import Rows
from tests.stand_ins.clocks import HandClock
from tests.unit.alerts.events import START, day, event

CHANCE = random.Random(20261120)


def in_chinese(length: int) -> str:
    return "".join(chr(CHANCE.randrange(0x4E00, 0x9FFF)) for _ in range(length))


def dropping(length: int, top: int, changed: int = 600) -> Callable[[date, tuple[Alert, ...] | None], Step]:
    """Every day other products drop, each with a name of its own."""

    def judge(on: date, before: tuple[Alert, ...] | None) -> Step:
        events = [
            replace(event(-0.6, sku=f"SKU-{on}-{n:05d}", name=in_chinese(length)), since=on) for n in range(changed)
        ]
        return advance(before or (), day((on - START).days, *events), Rules(top=top))

    return judge


@pytest.mark.parametrize(("length", "top"), [(20, 10), (100, 100), (2000, 10)])
def test_hundreds_of_changes_fit(clients: AwsClients, state_table: str, length: int, top: int) -> None:
    book = AlertBook(Rows(clients.dynamodb, state_table))
    turn = {"teller": "check|final", "run_id": "r1", "judge": dropping(length, top), "afresh": False, "catch_up": True}
    told = book.turn_to("products/daily", START, **turn)  # type: ignore[arg-type]
    again = book.turn_to("products/daily", START, **turn)  # type: ignore[arg-type]
    assert [entry.key for entry in again.entries] == [entry.key for entry in told.entries]
    assert len(told.entries) == top
    assert [alert.id for alert in again.open] == [alert.id for alert in told.open]
    kept = again.entries[0].name
    assert kept is not None
    assert len(kept) == min(length, 100), "a name longer than the source's own limit is cut"


def test_two_weeks_without_a_check_fit_and_what_is_left_out_is_counted(clients: AwsClients, state_table: str) -> None:
    book = AlertBook(Rows(clients.dynamodb, state_table))
    judge = dropping(100, 100, changed=200)
    first = {"teller": "check|final", "run_id": "r1", "judge": judge, "afresh": False, "catch_up": True}
    book.turn_to("products/daily", START, **first)  # type: ignore[arg-type]
    told = book.turn_to("products/daily", START + timedelta(days=14), **(first | {"run_id": "r2"}))  # type: ignore[arg-type]
    assert len(told.entries) == 500
    assert told.left_out > 500


def test_a_page_that_another_run_amended_meanwhile_is_amended_and_not_written_over(
    clients: AwsClients, state_table: str
) -> None:
    book = AlertBook(Rows(clients.dynamodb, state_table))

    def look(run: str, judge: Callable[[date, tuple[Alert, ...] | None], Step]) -> None:
        again = run != "r1"
        book.turn_to("shop/daily", START, teller=run, run_id=run, judge=judge, afresh=again, catch_up=False)

    def found(_: date, before: tuple[Alert, ...] | None) -> Step:
        return advance(before or (), day(0, event(-0.6)), Rules())

    def overtaken(on: date, before: tuple[Alert, ...] | None) -> Step:
        if not book.has_untold("shop/daily", START, "r3"):
            look("r3", found)
        return found(on, before)

    look("r1", lambda *_: Step((), (), 0))  # nothing yet: sales that came later change that
    look("r2", overtaken)
    assert book.has_untold("shop/daily", START, "r3"), "what the third run told is still written down"


def test_a_mute_stays_until_it_ends_however_far_off_that_is(
    clients: AwsClients, state_table: str, hand_clock: HandClock
) -> None:
    """Rows leave the table after 400 days; this one not before its last day."""
    AlertBook(Rows(clients.dynamodb, state_table)).mute("shop", date(2029, 1, 1))
    (row,) = clients.dynamodb.scan(TableName=state_table)["Items"]
    assert int(row["expires_at"]["N"]) >= datetime(2029, 1, 1, tzinfo=UTC).timestamp()


def test_a_date_that_a_later_one_followed_is_not_judged_again(clients: AwsClients, state_table: str) -> None:
    book = AlertBook(Rows(clients.dynamodb, state_table))
    quiet = {"run_id": "r1", "judge": lambda *_: Step((), (), 0), "afresh": True, "catch_up": False}
    for number in range(2):
        book.turn_to("shop/daily", START + timedelta(days=number), teller="first", **quiet)  # type: ignore[arg-type]
    again = quiet | {"judge": lambda *_: pytest.fail("judged again")}
    assert book.turn_to("shop/daily", START, teller="second", **again).entries == ()  # type: ignore[arg-type]
