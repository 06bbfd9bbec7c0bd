"""Three kinds of event make the same request; anything else is refused by name."""

import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.errors import InvalidJobEvent
from salesflow.formats import Format, ReportType
from salesflow.identity import CATALOGUE
from salesflow.job_events import JobRequest, Notify, ReportFields, SyncHistoryFields
from salesflow.windows import Period

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # 07:30 on the 23rd in Shanghai
EVENTS = Path(__file__).parents[2] / "events"


def read(event: object, zone: ZoneInfo = SHANGHAI) -> JobRequest[ReportFields]:
    return JobRequest.from_event(event, ReportFields, now=NOW, zone=zone)


def rule(detail: object, **more: object) -> dict[str, object]:
    return {
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "time": "2026-11-22T23:00:00Z",
        "resources": ["arn:aws:events:ap-southeast-1:123456789012:rule/nightly"],
        "detail": detail,
        **more,
    }


def test_the_defaults_are_a_daily_sales_report_of_the_last_complete_day() -> None:
    request = read({})
    assert request.fields.report_type is ReportType.SALES
    assert request.fields.period is Period.DAILY
    assert request.fields.notify is Notify.ALL
    assert request.business_date == date(2026, 11, 22)
    assert request.trigger == "manual"


@pytest.mark.parametrize("detail", [{}, "{}", None, ""])
def test_a_rules_empty_detail_means_the_defaults(detail: object) -> None:
    assert read(rule(detail)).fields == read({}).fields


def test_a_rule_without_detail_means_the_defaults() -> None:
    event = rule({})
    del event["detail"]
    assert read(event).fields == read({}).fields


def test_the_three_ways_of_firing_make_the_same_request() -> None:
    own = {"report_type": "stock", "formats": ["excel"], "period": "weekly"}
    by_schedule = read({"schedule": "nightly", "scheduled_time": "2026-11-22T23:00:00Z", **own})
    by_rule = read(rule(own))
    by_hand = read(own)
    assert by_schedule.fields == by_rule.fields == by_hand.fields
    assert by_schedule.business_date == by_rule.business_date == by_hand.business_date
    assert by_schedule.schedule == by_rule.schedule == "nightly"
    assert read(rule(json.dumps(own))).fields == by_hand.fields


def test_the_scheduled_time_decides_not_the_clock() -> None:
    late = read({"schedule": "s", "scheduled_time": "2026-11-20T15:59:00Z"})  # fired three days late
    assert late.business_date == date(2026, 11, 19)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_job_takes_the_shop(name: str) -> None:
    fields = CATALOGUE[name].fields
    assert JobRequest.from_event({}, fields, now=NOW, zone=SHANGHAI).fields.shop == "main"
    assert JobRequest.from_event({"shop": "main"}, fields, now=NOW, zone=SHANGHAI).fields.shop == "main"


@pytest.mark.parametrize(
    ("scheduled_time", "last_complete", "asked_on"),
    [
        (
            "2026-11-22T19:59:00Z",
            date(2026, 11, 21),
            date(2026, 11, 22),
        ),  # 03:59 in Shanghai: the night is still the 22nd's
        ("2026-11-22T20:00:00Z", date(2026, 11, 22), date(2026, 11, 23)),
    ],
)
def test_a_day_ends_when_the_shop_says(scheduled_time: str, last_complete: date, asked_on: date) -> None:
    request = JobRequest.from_event(
        {"schedule": "s", "scheduled_time": scheduled_time}, ReportFields, now=NOW, zone=SHANGHAI, day_ends_at=time(4)
    )
    assert (request.business_date, request.asked_on(SHANGHAI)) == (last_complete, asked_on)
    assert request.day_is_over(SHANGHAI)


def test_the_night_after_midnight_is_no_future_date() -> None:
    with pytest.raises(InvalidJobEvent, match="today is 2026-11-22"):
        JobRequest.from_event(
            {"business_date": "2026-11-23"},
            ReportFields,
            now=datetime(2026, 11, 22, 19, 0, tzinfo=UTC),
            zone=SHANGHAI,
            day_ends_at=time(4),
        )


def test_a_rebuild_is_the_cure_and_is_not_refused_because_the_date_is_done() -> None:
    fields = JobRequest.from_event({"rebuild": True}, SyncHistoryFields, now=NOW, zone=SHANGHAI).fields
    assert (fields.rebuild, fields.force) == (True, True)
    assert not JobRequest.from_event({"rebuild": False}, SyncHistoryFields, now=NOW, zone=SHANGHAI).fields.force


def test_a_single_format_is_accepted() -> None:
    assert read({"format": "csv"}).fields.formats == (Format.CSV,)


def test_a_format_named_twice_is_made_once() -> None:
    assert read({"formats": ["pdf", "excel", "pdf"]}).fields.formats == (Format.PDF, Format.EXCEL)


def test_the_order_of_formats_is_no_other_job() -> None:
    assert read({"formats": ["pdf", "excel"]}).fields.identity == read({"formats": ["excel", "pdf"]}).fields.identity


def test_today_is_taken_as_a_day_that_is_not_over() -> None:
    request = read({"business_date": "2026-11-23"})
    assert not request.day_is_over(SHANGHAI)
    assert read({"business_date": "2026-11-22"}).day_is_over(SHANGHAI)


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({"report_type": "profit"}, "report_type 'profit' is not allowed (allowed: 'sales', 'stock' or 'combined')"),
        ({"formats": ["doc"]}, "formats 'doc' is not allowed"),
        ({"formats": []}, "formats"),
        ({"formats": "pdf"}, "formats 'pdf': Input should be a list"),
        ({"format": "pdf", "formats": ["pdf"]}, "either format or formats"),
        ({"period": "hourly"}, "period 'hourly' is not allowed"),
        ({"business_date": "2026-11-24"}, "business_date 2026-11-24 lies in the future"),
        ({"business_date": "2026-02-30"}, "business_date '2026-02-30'"),
        ({"business_date": "22/11/2026"}, "business_date"),
        ({"business_date": 20261122}, "business_date"),
        ({"business_date": "2026-11-22T00:00:00"}, "business_date"),
        ({"business_date": "0001-01-01"}, "business_date '0001-01-01': it lies before 1970"),
        ({"business_date": "1926-11-22"}, "business_date '1926-11-22': it lies before 1970"),
        ({"force": "yes"}, "force"),
        (
            {"shop": "Branch 2"},
            "shop 'Branch 2': 'Branch 2' is no shop's id: 1 to 32 small letters and digits, single hyphens between them",
        ),
        ({"shop": "main/../branch-2"}, "shop 'main/../branch-2'"),
        ({"shop": ["main"]}, "shop ['main']"),
        ({"shop": ""}, "shop ''"),
        ({"shop": None}, "shop None"),
        ({"notify": "everyone"}, "notify 'everyone' is not allowed"),
        ({"request_id": "a#b"}, "request_id 'a#b' is no request's id"),
        (rule({}, request_id=7), "request_id '7'"),
        ({"colour": "red"}, "colour is no field of this job"),
        ({"schedule": "", "scheduled_time": "2026-11-22T23:00:00Z"}, "schedule"),
        ({"schedule": "s", "scheduled_time": "yesterday"}, "scheduled_time 'yesterday'"),
        ({"schedule": "s", "scheduled_time": "2026-11-22T23:00:00"}, "scheduled_time"),
        ({"schedule": "s", "scheduled_time": "<aws.scheduler.scheduled-time>"}, "scheduled_time"),
        (
            {"schedule": "s", "scheduled_time": "0001-01-01T00:00:00Z"},
            "scheduled_time '0001-01-01T00:00:00Z' lies outside the years 1970 to 9000",
        ),
        ({"scheduled_time": "9999-12-31T23:59:59-12:00"}, "lies outside the years 1970 to 9000"),
        (rule("not json"), "detail"),
        (rule(["list"]), "detail"),
        (rule({}, time="soon"), "time 'soon'"),
        (rule({}, time="0001-01-01T00:00:00Z"), "time '0001-01-01T00:00:00Z' lies outside the years 1970 to 9000"),
        (rule({}, resources="arn"), "resources"),
        ([], "list"),
        (None, "NoneType"),
        ("{}", "str"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(event: object, named: str) -> None:
    with pytest.raises(InvalidJobEvent) as caught:
        read(event)
    assert named in str(caught.value)
    assert "nothing was run" in str(caught.value)


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    [
        *ReportFields.model_fields,
        "format",
        "schedule",
        "scheduled_time",
        "source",
        "detail",
        "time",
        "resources",
        "request_id",
    ]
)


@given(st.dictionaries(_NAMES | st.text(max_size=8), _JSON | st.sampled_from(["aws.events", "pdf", "2026-11-22"])))
def test_any_event_is_understood_or_refused(event: dict[str, Any]) -> None:
    try:
        request = read(event)
    except InvalidJobEvent:
        return
    assert request.business_date <= request.asked_on(SHANGHAI)


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_the_sample_events_are_usable_as_they_are(path: Path) -> None:
    fields = CATALOGUE[path.stem.partition("-")[0]].fields
    request = JobRequest.from_event(json.loads(path.read_text()), fields, now=NOW, zone=SHANGHAI)
    kind = path.stem.partition("-")[2]
    assert request.trigger == {"schedule": "schedule", "rule": "rule", "": "manual"}[kind]
