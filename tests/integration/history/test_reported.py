"""What a report says of a past day that an earlier one had otherwise, told once and the same each time it is made."""

from datetime import date, time

import pytest

from salesflow.analytics.results import DaySales
from salesflow.aws import AwsClients
from salesflow.history.reported import DayChange, ReportedDays
from salesflow.history.terms import Terms
from salesflow.money import Currency
from salesflow.s3 import ObjectStore

DAY, NEXT, LATER = date(2026, 11, 14), date(2026, 11, 15), date(2026, 11, 20)
TERMS = Terms(Currency("CNY"), "Asia/Shanghai", time(0))


@pytest.fixture
def reported(clients: AwsClients, bucket: str) -> ReportedDays:
    return ReportedDays(ObjectStore(clients.s3, bucket), TERMS)


def figures(revenue: int, sales: int) -> list[DaySales]:
    return [DaySales(DAY, revenue, sales, sales)]


def test_a_change_is_told_by_the_next_report_and_by_no_later_one(reported: ReportedDays) -> None:
    assert reported.changes(figures(98000, 12), DAY) == ()
    reported.remember(figures(98000, 12), DAY)
    assert reported.changes(figures(98000, 12), NEXT) == ()
    changed = (DayChange(DAY, 98000, 112000, 12, 14),)
    assert reported.changes(figures(112000, 14), NEXT) == changed
    reported.remember(figures(112000, 14), NEXT)
    assert reported.changes(figures(112000, 14), NEXT) == changed, "the same report made again says the same"
    assert reported.changes(figures(112000, 14), LATER) == ()


def test_a_report_made_again_for_its_own_date_corrects_what_it_said(reported: ReportedDays) -> None:
    reported.remember(figures(98000, 12), DAY)
    reported.remember(figures(99000, 13), DAY)
    assert reported.changes(figures(99000, 13), NEXT) == ()


def test_nothing_new_writes_nothing(reported: ReportedDays, clients: AwsClients, bucket: str) -> None:
    for day in (DAY, NEXT, LATER):
        reported.remember(figures(98000, 12), day)
    assert len(clients.s3.list_object_versions(Bucket=bucket)["Versions"]) == 1


def test_what_was_said_in_another_currency_or_cannot_be_read_is_no_news(
    reported: ReportedDays, clients: AwsClients, bucket: str
) -> None:
    reported.remember(figures(98000, 12), DAY)
    in_yen = ReportedDays(ObjectStore(clients.s3, bucket), Terms(Currency("JPY"), "Asia/Shanghai", time(0)))
    assert in_yen.changes(figures(980, 12), NEXT) == ()
    for body in (b"", b"[]", b'{"days": {"x": 1}}'):
        clients.s3.put_object(Bucket=bucket, Key="history/reported-days.json", Body=body)
        assert reported.changes(figures(1, 1), NEXT) == ()
        reported.remember(figures(98000, 12), DAY)
    assert reported.changes(figures(1, 1), NEXT) == (DayChange(DAY, 98000, 1, 12, 1),)
