"""The book of alerts on a real table: runs that both hold a date tell it once between them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from salesflow.alerts.book import AlertBook, Told
from salesflow.alerts.lifecycle import Alert, JudgedDay, Rules, Step, advance
from salesflow.aws import AwsClients
from salesflow.findings.event import DayState
from salesflow.findings.subjects import findings_of
from salesflow.rows import Rows
from tests.stand_ins.aws import Wire, calls
from tests.unit.alerts.events import event

DAY = date(2026, 11, 18)


def told(book: AlertBook, number: int = 1) -> Told:
    """What a run of this number has to tell of the day, on which sales were down."""

    def judged(on: date, before: tuple[Alert, ...] | None) -> Step:
        return advance(before, JudgedDay(on, DayState.OPEN, findings_of([event(-0.6, on=on)]), {}), Rules())

    return book.turn_to(
        "shop/daily",
        DAY,
        teller=f"check|{number}",
        run_id=f"run-{number}",
        judge=judged,
        afresh=False,
        catch_up=True,
    )


def test_two_runs_that_both_hold_a_date_tell_it_once_between_them(clients: AwsClients, state_table: str) -> None:
    """A lease that ended under a run that still lives: both write the date's page, whichever comes first."""
    book = AlertBook(Rows(clients.dynamodb, state_table))

    def turn(number: int) -> int:
        page = told(book, number)
        assert [alert.id for alert in page.open] == ["down|shop"]
        return len(page.entries)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(turn, range(8))) == [0] * 7 + [1]
    assert sorted(map(turn, range(8))) == [0] * 7 + [1]  # and each of them, repeated, has the same to tell


def test_a_page_whose_write_was_done_and_not_answered_is_ones_own(
    clients: AwsClients, state_table: str, wire: Wire
) -> None:
    wire.cut_after(calls("PutItem"))
    assert len(told(AlertBook(Rows(clients.dynamodb, state_table))).entries) == 1
