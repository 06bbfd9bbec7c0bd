"""Hostile input: events, answers of the API, and secrets, made up by hypothesis; thousands of cases of each kind.

Whatever comes in, there is a good outcome or one of the system's own errors; the secret is nowhere to be read; nothing in
a file or a mail is a formula, a tag or a header that somebody put into a product's name; and every key lies below the
contract's prefixes.
"""

import contextlib
import csv
import io
import json
import logging
import re
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default as default_policy
from functools import cache
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import openpyxl
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

import salesflow
from ops.salesflow_api import SalesFlowServer, SalesStore
from salesflow.analytics.results import Provenance, ReportContent
from salesflow.analytics.sales import analyse_sales
from salesflow.analytics.stock import analyse_stock
from salesflow.delivery.mail import Attachment, Mail, Mailer
from salesflow.delivery.store import report_key
from salesflow.errors import SalesFlowError
from salesflow.job_events import JobRequest
from salesflow.jobs.catalogue import CATALOGUE
from salesflow.reports.formats import Format, ReportType
from salesflow.reports.mail import compose_report_mail
from salesflow.reports.render import render
from salesflow.source.decode import decode_inventory, decode_products, decode_sales, stock_batch
from salesflow.source.token import SystemToken
from salesflow.windows import Period
from tests.reliability.findings import Finding, Kind

ZONES = [ZoneInfo(key) for key in ("Asia/Shanghai", "Europe/Paris", "America/New_York", "Pacific/Apia")]
DAY = date(2026, 11, 20)
_HOSTILE = [
    "=SUM(A1:A9)",
    '=HYPERLINK("http://evil.example","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "＝1+1",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table><h1>x",
    "javascript:alert(1)",
    "{{7*7}}{% for x in y %}",
    "x\r\nBcc: thief@evil.example",
    "x\nSubject: other",
    "\x00\x01\x1f",
    "\u202egpj.exe",
    "../../../etc/passwd",
    "..%2f..%2f",
    "a/b\\c",
    "\ud83c\udf4e",
    "'; DROP TABLE sales; --",
    "ﷺ" * 40,
    "x" * 5_000,
    "]]>",
    "&lt;b&gt;",
    "=_boundary",
    "--=_boundary--",
]
hostile = (
    st.sampled_from(_HOSTILE) | st.builds("{}{}".format, st.sampled_from(_HOSTILE), st.text(max_size=8)) | st.text()
)
garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | hostile,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hostile, inner, max_size=4),
    max_leaves=10,
)


@dataclass
class Fuzzed:
    """What a kind of fuzzing came to. outcomes: how often each outcome came about."""

    kind: str
    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


type Case = Callable[[Any], str]
"""Takes one input, asserts what has to hold, and answers the name of the outcome."""


def _drive(kind: str, strategy: st.SearchStrategy[Any], case: Case, cases: int, number: int) -> Fuzzed:
    fuzzed = Fuzzed(kind)

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(strategy)
    def examine(value: Any) -> None:
        fuzzed.cases += 1
        fuzzed.outcomes[case(value)] += 1

    try:
        examine()
    except Exception as error:  # noqa: BLE001 - whatever comes out of a case is the finding
        notes = " ".join(getattr(error, "__notes__", ()))
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {str(error)[:800]} ({place.filename}:{place.lineno}) {notes[:1_500]}"
        fuzzed.findings.append(Finding(Kind.SILENT, f"fuzzing of {kind}", what))
    return fuzzed


# -- events -----------------------------------------------------------------------------------------------------------

_KNOWN = {
    "report_type": st.sampled_from(["sales", "stock", "combined"]),
    "formats": st.lists(st.sampled_from(["pdf", "excel", "html", "csv", "parquet", "json", "docx"]), max_size=4),
    "format": st.sampled_from(["pdf", "csv", "xls"]),
    "period": st.sampled_from(["daily", "weekly", "monthly", "quarterly", "yearly"]),
    "scope": st.sampled_from(["GLOBAL", "PRODUCT", "global"]),
    "sku": hostile,
    "name": hostile,
    "business_date": st.dates().map(str) | st.sampled_from(["2026-11-20", "2026-02-30", "20261120", "today"]),
    "force": st.booleans() | st.sampled_from(["true", 1]),
    "notify": st.sampled_from(["all", "owner", "none", "everybody"]),
    "rebuild": st.booleans(),
    "schedule": hostile,
    "scheduled_time": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
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
events = st.tuples(st.sampled_from(sorted(CATALOGUE)), _own | _rules | garbage, st.sampled_from(ZONES))
NOW = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
_SAFE_KEY = re.compile(r"(reports|anomalies|forecasts)/[^\x00-\x1f]*")


def _an_event(value: tuple[str, Any, ZoneInfo]) -> str:
    job, event, zone = value
    kind = CATALOGUE[job]
    event = json.loads(json.dumps(event))
    try:
        request = JobRequest.from_event(event, kind.fields, now=NOW, zone=zone)
    except SalesFlowError as refused:
        return _refusal(refused)
    assert request.business_date <= request.asked_on(zone)
    identity = kind.identity(request)
    assert "#" not in identity or job == "anomaly_check", "an identity must not pass for another row's key"
    for key in _keys(job, request):
        assert _SAFE_KEY.fullmatch(key), key
        assert ".." not in key.split("/"), key
        assert "//" not in key, key
        assert len(key.encode()) <= 1024, key
    return "taken"


def _refusal(error: SalesFlowError) -> str:
    """The outcome of an input that was refused: the error says what to do, in words that somebody may read."""
    assert error.action
    assert len(str(error)) < 20_000
    return "refused"


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
    return _drive("events", events, _an_event, cases, number)


# -- answers of the API -----------------------------------------------------------------------------------------------

_odd_amounts = st.sampled_from([0, 1e300, -1e15, "12.50", 2**63])


@st.composite
def _usually(draw: st.DrawFn, good: st.SearchStrategy[Any], bad: st.SearchStrategy[Any]) -> Any:
    """Mostly good values: one bad record among a few makes the whole answer be refused, and hides what others would do."""
    return draw(bad if draw(st.integers(0, 49)) == 49 else good)


_amounts = _usually(st.floats(-1e7, 1e7).map(lambda amount: round(amount, 2)), _odd_amounts)
_skus = _usually(hostile.filter(lambda text: bool(text.strip())), hostile)
_items = st.fixed_dictionaries(
    {
        "productId": st.integers(0, 9),
        "sku": _skus,
        "quantity": st.integers(-9, 99),
        "unitPrice": _amounts,
        "subtotal": _amounts,
    },
    optional={"productName": st.none() | hostile, "extra": garbage},
)
_sales = st.fixed_dictionaries(
    {
        "id": st.integers(1, 50),
        "saleDate": st.datetimes(datetime(2026, 11, 18), datetime(2026, 11, 21)).map(datetime.isoformat),
        "totalAmount": _amounts,
        "items": st.lists(_items, max_size=3),
    },
    optional={"extra": garbage},
)
_products = st.fixed_dictionaries(
    {
        "id": st.integers(1, 9),
        "sku": _skus,
        "name": hostile,
        "price": _amounts,
        "stockQuantity": st.integers(-5, 99),
        "lowStockThreshold": st.integers(0, 9),
    },
    optional={"description": hostile},
)
_stock = st.fixed_dictionaries(
    {"id": st.integers(1, 9), "sku": _skus, "quantity": st.integers(0, 99), "cost": _amounts, "price": _amounts},
    optional={"name": hostile, "category": st.none() | hostile},
)


def _bodies(records: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    lists = st.lists(records, max_size=5)
    good = lists.map(lambda value: json.dumps(value).encode())
    mixed = st.lists(records | garbage, max_size=5).map(lambda value: json.dumps(value).encode())
    broken = st.tuples(good, st.integers(0, 400)).map(lambda both: both[0][: both[1]])
    return _usually(good, st.one_of(mixed, broken, garbage.map(lambda value: json.dumps(value).encode()), st.binary()))


bodies = st.tuples(_bodies(_sales), _bodies(_products), _bodies(_stock), st.sampled_from(ReportType), st.integers(0, 9))
_NUMBER = re.compile(r"[+-]?[\d.,\s%]*(?:e[+-]?\d+)?")
HEADERS = {
    "from", "to", "reply-to", "subject", "message-id", "auto-submitted", "list-unsubscribe", "mime-version",
    "content-type", "x-salesflow-reference", "x-salesflow-run-id", "date", "content-transfer-encoding",
}  # fmt: skip


class _Tags(HTMLParser):
    """The tags of a page, their attributes, and its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.scripts: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attributes]
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a script."""
        self._in_script = self._in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        """Note a script's text."""
        if self._in_script:
            self.scripts[-1] += data


_FOREIGN_TAGS = {"iframe", "object", "embed", "form", "input", "base", "applet", "video", "audio"}


@cache
def _own_scripts() -> frozenset[str]:
    """The scripts of reports without any data: no other may ever be in one."""
    scripts: list[str] = []
    for report_type in ReportType:
        page = _Tags()
        page.feed(render(_content(*_nothing(), report_type, ()), Format.HTML).decode())
        scripts += page.scripts
    return frozenset(scripts)


def _nothing() -> tuple[Any, Any]:
    """No sale and no product."""
    lines = decode_sales(b"[]", call="GET /sales/history", minor_digits=2).lines
    return lines, stock_batch(decode_products(b"[]", "x"), decode_inventory(b"[]", "x"), minor_digits=2).items


def _without_foreign_html(text: str) -> None:
    page = _Tags()
    page.feed(text)
    assert set(page.scripts) <= _own_scripts(), page.scripts
    assert not page.tags & _FOREIGN_TAGS, page.tags & _FOREIGN_TAGS
    for name, value in page.attributes:
        assert not name.startswith("on"), (name, value)
        assert not value.strip().lower().startswith(("javascript:", "vbscript:")), (name, value)
        assert not (name in {"src", "href"} and value.strip().lower().startswith(("http:", "//"))), (name, value)
        assert not (name == "src" and not value.startswith(("data:image/", "cid:"))), (name, value)


def _without_formula(cell: str) -> None:
    """A cell of text that a sheet would take for a formula."""
    assert not (cell[:1] in set("=+-@\t\r") and not _NUMBER.fullmatch(cell)), cell


def _a_body(value: tuple[bytes, bytes, bytes, ReportType, int]) -> str:
    sold, listed, counted, report_type, dice = value
    try:
        sales = decode_sales(sold, call="GET /sales/history", minor_digits=2)
        stock = stock_batch(
            decode_products(listed, "GET /products"), decode_inventory(counted, "GET /inventory"), minor_digits=2
        )
    except SalesFlowError as refused:
        return _refusal(refused)
    content = _content(sales.lines, stock.items, report_type, sales.rejected)
    for fmt in (Format.CSV, Format.HTML, Format.JSON):
        _check_file(fmt, render(content, fmt))
    if dice == 0:
        for fmt in (Format.EXCEL, Format.PDF, Format.PARQUET):
            _check_file(fmt, render(content, fmt))
    _check_mail(content)
    return "rendered"


def _content(lines: Any, items: Any, report_type: ReportType, rejected: Any) -> ReportContent:
    sales = (
        None
        if report_type is ReportType.STOCK
        else analyse_sales(lines, Period.DAILY, DAY, known_from=DAY - timedelta(days=200))
    )
    stock = None
    if report_type is not ReportType.SALES:
        stock = analyse_stock(
            items, lines, DAY, known_from=DAY - timedelta(days=200), counted_at=datetime(2026, 11, 21, 7)
        )
    reasons = tuple(f"{r.call}, record {r.record}, {r.field}: {r.reason}" for r in rejected)
    return ReportContent(
        report_type=report_type,
        period=Period.DAILY,
        currency="CNY",
        sales=sales,
        stock=stock,
        provenance=Provenance(
            business_date=DAY,
            timezone="Asia/Shanghai",
            data_as_of=None,
            sales_rows=len(lines),
            stock_rows=len(items),
            set_aside=len(reasons),
            set_aside_reasons=reasons[:10],
            notes=(),
            version=salesflow.__version__,
        ),
    )


def _check_file(fmt: Format, data: bytes) -> None:
    match fmt:
        case Format.CSV:
            for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
                for cell in row:
                    _without_formula(cell)
        case Format.HTML:
            _without_foreign_html(data.decode())
        case Format.JSON:
            json.loads(data)
        case Format.EXCEL:
            book = openpyxl.load_workbook(io.BytesIO(data))
            for sheet in book:
                for row in sheet.iter_rows():
                    assert not [cell.coordinate for cell in row if cell.data_type == "f"]
                    assert not [cell.hyperlink for cell in row if cell.hyperlink and cell.hyperlink.target]
        case _:
            assert data


def _check_mail(content: ReportContent) -> None:
    text = compose_report_mail(
        content,
        mode="full",
        attached=["sales-daily-2026-11-20.csv"],
        left_out=(),
        locations=["s3://bucket/reports/x"],
        reference="SF-AAAAAAAA",
        run_id="run",
        reply_to="owner@shop.example.com",
    )
    _without_foreign_html(text.html)
    mailer = Mailer(None, sender="reports@shop.example.com", reply_to="owner@shop.example.com", configuration_set=None)
    mail = Mail(
        text.subject, text.text, text.html, (Attachment("x.csv", "text/csv", b"1"),), {"X-SalesFlow-Run-Id": "r"}
    )
    raw = mailer.build(mail, "reader@shop.example.com")
    message = message_from_bytes(raw, policy=default_policy)
    assert {name.lower() for name in message.keys()} <= HEADERS, message.keys()  # noqa: SIM118 - a message's headers repeat
    assert len(message.keys()) == len(set(message.keys()))
    assert message["To"] == "reader@shop.example.com"
    assert "\n" not in str(message["Subject"])
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/csv",
    ]


def fuzz_bodies(cases: int, number: int = 1) -> Fuzzed:
    """The API's answers, rendered in every format and mailed where they can be read at all."""
    return _drive("API bodies", bodies, _a_body, cases, number)


# -- secrets ----------------------------------------------------------------------------------------------------------

_tokens = st.text("ABCDEFabcdef0123456789._-", min_size=12, max_size=60)
_wild = st.text(st.characters(exclude_categories=["Cs"]), min_size=12, max_size=60) | _tokens
secrets = st.one_of(
    _wild,
    _wild.map(lambda token: json.dumps({"token": token})),
    st.tuples(_wild, _wild).map(lambda both: json.dumps({"phoneNumber": both[0], "password": both[1]})),
    _wild.map(lambda token: f"Bearer {token}"),
    _wild.map(lambda token: f'{{"token": "{token}'),
    st.dictionaries(st.sampled_from(["token", "phoneNumber", "password", "user"]), garbage, max_size=3).map(json.dumps),
    st.tuples(_tokens, _tokens, _tokens).map(".".join),
)


def fuzz_secrets(cases: int, number: int = 1) -> Fuzzed:
    """What an operator may have stored as the secret."""
    heard = io.StringIO()
    listener = logging.StreamHandler(heard)
    root = logging.getLogger()
    powertools = logging.getLogger("salesflow")
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with SalesFlowServer(SalesStore([], []), clock=lambda: datetime(2026, 11, 21, 7)) as api:
        client = boto3.client(
            "secretsmanager",
            endpoint_url=f"http://{host}:{port}",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        name = f"fuzzed-{uuid.uuid4().hex[:8]}"
        client.create_secret(Name=name, SecretString="first")

        def case(text: str) -> str:
            client.put_secret_value(SecretId=name, SecretString=text)
            heard.seek(0)
            heard.truncate()
            token = SystemToken(client, name, api_url=api.url)
            try:
                access = token.current()
            except SalesFlowError as refused:
                outcome, said = type(refused).__name__, "".join(traceback.format_exception(refused)) + repr(refused)
                _refusal(refused)
            else:
                outcome, said = "token", repr(access) + repr(token)
            for part in _secret_parts(text):
                assert part not in said, "the secret is in an error or a repr"
                assert part not in heard.getvalue(), "the secret is in a log"
            return outcome

        root.addHandler(listener)
        powertools.addHandler(listener)
        try:
            return _drive("secrets", secrets, case, cases, number)
        finally:
            moto.stop()
            root.removeHandler(listener)
            powertools.removeHandler(listener)


def _secret_parts(text: str) -> list[str]:
    """The pieces of a secret that must be nowhere: its words of some length."""
    pieces = {text}
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, dict):
            pieces = {str(part) for part in value.values()}
    return [piece for piece in pieces if len(piece) >= 12]


KINDS: dict[str, Callable[[int, int], Fuzzed]] = {
    "events": fuzz_events,
    "API bodies": fuzz_bodies,
    "secrets": fuzz_secrets,
}
