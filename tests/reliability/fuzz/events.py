"""Events of all jobs, as schedules, rules and people may send them."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from salesflow.delivery.store import report_key
from salesflow.errors import SalesFlowError
from salesflow.identity import CATALOGUE
from salesflow.job_events import JobRequest, MailingFields, Notify, ReportFields
from salesflow.jobs.recipients import recipients_for, refuse_strangers
from salesflow.rows import Rows
from salesflow.s3 import Bucket
from salesflow.settings import Settings
from salesflow.windows import previous_window, window_of
from tests.reliability.fuzz.cases import Fuzzed, drive, garbage, hostile, refusal

READERS, OWNER, STRANGER = (
    ("reader@shop.example.com", "accountant@shop.example.com"),
    "owner@shop.example.com",
    "thief@evil.example",
)
SETTINGS = Settings.from_environment(
    {
        "SALESFLOW_API_URL": "https://shop.example.com/api/v1",
        "SYSTEM_TOKEN_SECRET_ID": "secret",
        "REPORTS_BUCKET": "bucket",
        "STATE_TABLE": "table",
        "TIMEZONE": "Asia/Shanghai",
        "MAIL_SENDER": "reports@shop.example.com",
        "REPORT_RECIPIENTS": ",".join(READERS),
        "ALERT_RECIPIENTS": OWNER,
        "OWNER_RECIPIENTS": OWNER,
        "SES_REGION": "ap-southeast-1",
        "CURRENCY": "CNY",
    }
)
ZONES = [ZoneInfo(key) for key in ("Asia/Shanghai", "Europe/Paris", "America/New_York", "Pacific/Apia")]
_KNOWN = {
    "report_type": st.sampled_from(["sales", "stock", "combined"]),
    "formats": st.lists(st.sampled_from(["pdf", "excel", "html", "csv", "parquet", "json", "docx"]), max_size=4),
    "format": st.sampled_from(["pdf", "csv", "xls"]),
    "period": st.sampled_from(["daily", "weekly", "monthly", "quarterly", "yearly"]),
    "scope": st.sampled_from(["GLOBAL", "PRODUCT", "global"]),
    "sku": hostile,
    "name": hostile,
    "business_date": st.dates(date(2016, 1, 1), date(2026, 11, 20)).map(str)
    | st.dates().map(str)
    | st.sampled_from(["2026-11-20", "2026-02-30", "20261120", "today"]),
    "force": st.booleans() | st.sampled_from(["true", 1]),
    "notify": st.sampled_from(["all", "owner", "none", "everybody"]),
    "rebuild": st.booleans(),
    "resend": st.booleans(),
    "to": st.lists(st.sampled_from([*READERS, OWNER, STRANGER]) | hostile, max_size=3),
    "shop": st.sampled_from(["main", "corner", "corner-2", "corn"])
    | st.sampled_from(
        [
            "",
            "*",
            "Corner",
            "corner|run#x",
            "corner/../main",
            "main/",
            "shops/corner",
            " corner",
            "corner\n",
            "-",
            "ｃorner",
        ]
    )
    | hostile,
    "schedule": hostile,
    "scheduled_time": st.datetimes(datetime(2016, 1, 1), datetime(2026, 11, 20), timezones=st.just(UTC)).map(
        datetime.isoformat
    )
    | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
    | st.just("<aws.scheduler.scheduled-time>"),
}
_fields = st.fixed_dictionaries({}, optional={name: good | garbage for name, good in _KNOWN.items()})
_own = _fields | st.tuples(_fields, st.dictionaries(hostile, garbage, max_size=2)).map(lambda both: both[0] | both[1])
_rules = st.fixed_dictionaries(
    {"source": st.just("aws.events")},
    optional={
        "detail-type": st.just("Scheduled Event"),
        "time": _KNOWN["scheduled_time"] | garbage,
        "resources": st.lists(hostile, max_size=2) | garbage,
        "detail": _own | _own.map(json.dumps) | garbage,
    },
)


def _of(job: str) -> st.SearchStrategy[Any]:
    """Events of a job: half of them have its own fields alone, with values that may be good, or few would get past the first check."""
    names = (CATALOGUE[job].fields.model_fields.keys() & _KNOWN.keys()) | {"schedule", "scheduled_time"}
    its_own = st.fixed_dictionaries({}, optional={name: _KNOWN[name] for name in sorted(names)})
    return its_own | st.one_of(_own, _rules, garbage)


events = st.sampled_from(sorted(CATALOGUE)).flatmap(
    lambda job: st.tuples(st.just(job), _of(job), st.sampled_from(ZONES))
)
NOW = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
_SAFE_KEY = re.compile(r"(reports|anomalies|forecasts)/[^\x00-\x1f]*")


def _an_event(value: tuple[str, Any, ZoneInfo]) -> str:
    job, event, zone = value
    kind = CATALOGUE[job]
    event = json.loads(json.dumps(event))
    try:
        request = JobRequest.from_event(event, kind.fields, now=NOW, zone=zone)
        if isinstance(request.fields, MailingFields):
            refuse_strangers(request, SETTINGS)
    except SalesFlowError as refused:
        return refusal(refused)
    assert set(_mailed(job, request)) <= {*READERS, OWNER}
    assert request.business_date <= request.asked_on(zone)
    if isinstance(request.fields, ReportFields):  # dates at the ends of the calendar have windows too
        window = window_of(request.fields.period, request.business_date)
        assert previous_window(request.fields.period, window).last < window.first <= window.last
    _reaches_its_own_shop_alone(request, job)
    identity = kind.identity(request)
    assert "#" not in identity or job == "anomaly_check", "an identity must not pass for another row's key"
    for key in _keys(job, request):
        assert _SAFE_KEY.fullmatch(key), key
        assert ".." not in key.split("/"), key
        assert "//" not in key, key
        assert len(key.encode()) <= 1024, key
    return "taken"


class _Aws:
    """Takes every call, and keeps under which keys and partitions it came."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    def put_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        self.reached.append(Key)
        return {"ETag": "x"}

    def list_objects_v2(self, *, Prefix: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.reached.append(Prefix)
        return {}

    def put_item(self, *, Item: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        self.reached.append(Item["pk"]["S"])
        return {}

    def query(self, *, ExpressionAttributeValues: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        self.reached.append(ExpressionAttributeValues[":pk"]["S"])
        return {"Items": []}


_OF_A_SHOP = re.compile(r"(?:shops/([^/]*)/|([^|#/]*)\|)")
"""Whose a key of the bucket or of the table is, by what stands before it; nobody's else: main's."""


def _reaches_its_own_shop_alone(request: JobRequest[Any], job: str) -> None:
    """What the request's keys and partitions come to in bucket and table is the shop's that it names, and looks like no other's."""
    aws, shop = _Aws(), request.fields.shop
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", shop), shop
    rows, bucket = Rows(aws, "table", shop), Bucket(aws, "bucket", shop=shop)
    identity = CATALOGUE[job].identity(request)
    for partition in (f"run#{identity}", f"edition#{identity}", "settings", "token", "library", "address"):
        rows.put({"pk": partition, "sk": request.schedule})
        rows.beginning_with(partition, "")
    for key in (*_keys(job, request), "reports/", "history/daily/"):
        bucket.write(key, b"", "text/plain", {}, over=None)
        bucket.page(key)
    assert aws.reached
    for name in aws.reached:
        found = _OF_A_SHOP.match(name)
        assert (found[1] or found[2] if found else "main") == shop, name


def _mailed(job: str, request: JobRequest[Any]) -> tuple[str, ...]:
    """Whom a request that was taken mails."""
    known = recipients_for(getattr(request.fields, "notify", Notify.NONE), SETTINGS, SETTINGS.report_recipients)
    return getattr(request.fields, "to", ()) or known


def _keys(job: str, request: JobRequest[Any]) -> Iterator[str]:
    """The keys that a request would write to."""
    fields = request.fields
    if job == "report":
        for fmt in fields.formats:
            yield report_key(fields.report_type, fields.period, request.business_date, fmt)
    elif job == "anomaly_check":
        from salesflow.alerts.result import result_key

        yield result_key(fields.scope, fields.sku or fields.name, fields.period, request.business_date)


def fuzz_events(cases: int, number: int = 1) -> Fuzzed:
    """Events of all jobs."""
    return drive("events", events, _an_event, cases, number)
