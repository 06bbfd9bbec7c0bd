"""What is said of an alert that is not over, on reports and on the library's page."""

from dataclasses import replace

import pytest

from salesflow.alerts.unusual import unusual
from salesflow.figures import Figures
from salesflow.findings.event import EventType, Severity
from tests.unit.alerts.events import Story
from tests.unit.alerts.test_languages import ENGLISH, OTHERS, happened


@pytest.mark.parametrize(
    ("stock", "said"),
    [
        (None, "Riz parfumé 5 kg (A1) has not sold since Monday, 2 November; about 12 pieces a week are usual."),
        (0, "Riz parfumé 5 kg (A1) is out of stock and has not sold since Monday, 2 November; about 12 pieces a week are usual."),
        (7, "Riz parfumé 5 kg (A1) is in stock (7) and has not sold since Monday, 2 November; about 12 pieces a week are usual."),
    ],
)  # fmt: skip
def test_a_product_that_stopped_and_was_not_worth_a_mail_is_said_weeks_later_without_a_number_of_its_first_day(
    stock: int | None, said: str
) -> None:
    found = happened(EventType.STOPPED_SELLING, sku="A1")
    statement = replace(found.statement, stock=stock, pieces=5.0, amount=100)
    story, quiet = Story(), replace(found, statement=statement, severity=Severity.MEDIUM, within_budget=False)
    assert [story.next(quiet), *(story.next() for _ in range(20))] == [[]] * 21
    (alert,) = story.alerts or ()
    assert unusual(alert, Figures("EUR")).text == said
    for language in OTHERS:
        assert not ENGLISH.search(unusual(alert, Figures("EUR", language)).text)
