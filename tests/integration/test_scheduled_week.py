"""The real template, simulated days, the real handlers: every report exactly once, of the right business date, to each recipient once.

Three days of which the second is the first of a month and begins an hour late (Australia/Sydney, 1 October 2023, 02:00 to 03:00), and the
third is a Monday.
"""

import calendar
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from local.cloud import Firing, Mail, Scheduler
from local.shop import LocalShop, sample_shop
from salesflow.library.keeper import INDEX_KEY
from tests.stand_ins.shops import with_hostile_names

FEWER_FIRINGS = {
    "SyncHourlyCron": "40 12-13 * * ? *",  # two of fifteen a day: they make no report
    "WatchdogCron": "",  # 168 times; to it, the schedules of a simulated week were made just now
}
EXTENSIONS = {"pdf": "pdf", "excel": "xlsx"}


@dataclass(frozen=True)
class Week:
    """A part of a simulated week: its local days, and everything that came of them."""

    zone: ZoneInfo
    days: list[date]
    shop: LocalShop
    firings: list[Firing]
    mails: list[Mail]
    keys: dict[str, int]

    @property
    def reports(self) -> list[Firing]:
        """The firings of report schedules."""
        return [firing for firing in self.firings if "report_type" in firing.event]

    @property
    def report_mails(self) -> list[Mail]:
        """The mails that bring a report; those of alerts bring no file."""
        return [mail for mail in self.mails if any(True for _ in mail.message.iter_attachments())]

    def files(self) -> list[str]:
        """Keys of the dated reports, without manifests, pointers and the library page."""
        return sorted(
            key
            for key in self.keys
            if key.startswith("reports/")
            and not key.startswith("reports/latest/")
            and not key.endswith("manifest.json")
            and key != INDEX_KEY
        )


ZONE, FIRST, LENGTH = ZoneInfo("Australia/Sydney"), date(2023, 9, 30), 3
HISTORY_DAYS = 120


@pytest.fixture(scope="module")
def week() -> Iterator[Week]:
    days = [FIRST + timedelta(days=n) for n in range(LENGTH + 1)]
    start, end = (datetime.combine(day, datetime.min.time(), ZONE) for day in (days[0], days[-1]))
    shop = sample_shop(days[-1] + timedelta(days=2), zone=ZONE.key, days=HISTORY_DAYS)
    shop = replace(shop, store=with_hostile_names(shop.store), parameters=FEWER_FIRINGS)
    with LocalShop.open(shop, start) as running:
        firings = Scheduler(running.cloud).run(start, end, running.clock)
        s3, bucket = running.cloud.aws.client("s3"), running.cloud.stack.outputs["ReportsBucketName"]
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        keys = Counter(version["Key"] for page in pages for version in page.get("Versions", ()))
        yield Week(ZONE, days[:-1], running, firings, running.cloud.aws.mails(), dict(keys))


def business_date(firing: Firing) -> date:
    """The local day before the one on which the schedule fired."""
    return firing.due.astimezone(ZoneInfo(firing.schedule.zone)).date() - timedelta(days=1)


def test_every_firing_did_its_work(week: Week) -> None:
    failed = [
        (f.schedule.name, f.due, f.problem or (f.result and f.result.last.error))
        for f in week.firings
        if not f.succeeded
    ]
    assert failed == []
    assert {f.result.last.answer["status"] for f in week.reports if f.result} == {"SUCCEEDED"}
    assert all(len(f.result.tries) == 1 for f in week.firings if f.result)
    assert week.shop.cloud.messages("FailedRuns") == []
    assert week.shop.cloud.messages("UndeliveredSchedules") == []


def test_each_schedule_was_due_once_a_local_day_or_week_or_month(week: Week) -> None:
    fired = Counter(
        (f.schedule.name.removeprefix("salesflow-"), f.due.astimezone(week.zone).date()) for f in week.reports
    )
    expected = Counter(
        {
            **{("scheduled-sales-pdf", day): 1 for day in week.days},
            **{("scheduled-stock-excel", day): 1 for day in week.days},
            **{("scheduled-combined-weekly", day): 1 for day in week.days if day.weekday() == calendar.MONDAY},
            **{("scheduled-combined-monthly", day): 1 for day in week.days if day.day == 1},
        }
    )
    assert fired == expected
    assert {f.due.astimezone(week.zone).strftime("%H:%M") for f in week.reports} == {"07:00", "07:10", "07:20", "07:30"}


def test_every_report_is_there_exactly_once_under_its_business_date(week: Week) -> None:
    expected = sorted(
        f"reports/{f.event['report_type']}/{f.event['period']}/{business_date(f)}/"
        f"{f.event['report_type']}-{f.event['period']}-{business_date(f)}.{EXTENSIONS[fmt]}"
        for f in week.reports
        for fmt in f.event["formats"]
    )
    assert week.files() == expected
    assert [week.keys[key] for key in week.files()] == [1] * len(expected), "no report was written twice"
    for firing in week.reports:
        assert firing.result is not None
        answer = firing.result.last.answer
        assert answer["business_date"] == business_date(firing).isoformat()
        assert {a["key"] for a in answer["artifacts"]} <= set(expected)


def test_each_recipient_was_mailed_exactly_once_per_report(week: Week) -> None:
    told = Counter((mail.recipients, mail.message["X-SalesFlow-Reference"]) for mail in week.report_mails)
    assert set(told.values()) == {1}
    references = {reference for _, reference in told}
    assert len(references) == len(week.reports)
    for reference in references:
        recipients = {address for (addresses, r) in told if r == reference for address in addresses}
        assert recipients == set(week.shop.shop.report_recipients)
    assert all(len(mail.recipients) == 1 for mail in week.mails), "nobody sees who else is told"
    assert len(week.report_mails) == len(week.reports) * len(week.shop.shop.report_recipients)


def test_the_sales_in_a_report_are_those_of_the_local_day(week: Week) -> None:
    """The manifest's newest sale lies on the business date, as the shop's own books have it."""
    s3, bucket = week.shop.cloud.aws.client("s3"), week.shop.cloud.stack.outputs["ReportsBucketName"]
    for firing in week.reports:
        if firing.event["report_type"] != "sales":
            continue
        day = business_date(firing)
        manifest = json.loads(
            s3.get_object(Bucket=bucket, Key=f"reports/sales/daily/{day}/manifest.json")["Body"].read()
        )
        sold = [sale for sale in week.shop.shop.store.sales if sale.sold_at.date() == day]
        assert sold, "the sample shop is open every day of these weeks"
        assert datetime.fromisoformat(manifest["data_as_of"]) == max(sale.sold_at for sale in sold)
        assert manifest["timezone"] == week.zone.key


def test_firing_the_week_again_changes_and_mails_nothing(week: Week) -> None:
    """EventBridge delivers at least once: the same firing again is a duplicate."""
    scheduler = Scheduler(week.shop.cloud)
    again = [scheduler.fire(firing.schedule, firing.due) for firing in week.reports[-3:]]
    assert [f.result.last.answer["status"] for f in again if f.result] == ["DUPLICATE"] * 3
    assert len(week.shop.cloud.aws.mails()) == len(week.mails)


def test_the_morning_s_reports_are_out_at_the_same_hour_by_the_shop_s_clock_when_it_has_changed(week: Week) -> None:
    """07:00 local is another hour in UTC then."""
    hours = [f.due.astimezone(UTC).hour for f in week.reports if f.event["report_type"] == "sales"]
    assert hours == [21, 20, 20]
