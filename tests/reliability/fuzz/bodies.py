"""The API's answers: refused, or rendered in every format and mailed without anything that somebody put into them coming alive."""

import csv
import io
import json
import re
from datetime import date, datetime, timedelta
from email import message_from_bytes
from email.policy import default as default_policy
from functools import cache
from html.parser import HTMLParser
from typing import Any

import openpyxl
from hypothesis import strategies as st

import salesflow
from salesflow.analytics.lines import SaleLines
from salesflow.analytics.results import Provenance, ReportContent
from salesflow.analytics.sales import analyse_sales
from salesflow.analytics.stock import analyse_stock
from salesflow.delivery.mail import Mailer
from salesflow.delivery.message import Attachment, Message
from salesflow.errors import SalesFlowError
from salesflow.formats import Format, ReportType
from salesflow.reports import render
from salesflow.reports.mail import compose_report_mail
from salesflow.source.decode import decode_inventory, decode_products, decode_sales, stock_batch
from salesflow.windows import Period
from tests.reliability.fuzz.cases import Fuzzed, drive, garbage, hostile, refusal

DAY = date(2026, 11, 20)
READ_AT = datetime(2026, 11, 21, 7)
_odd_amounts = st.sampled_from([0, 1e300, -1e15, "12.50", 2**63, 12.345, float("nan"), float("-inf")])
_PARTS = [
    {"totalPages": 2},
    {"page": {"number": 0, "totalPages": 335}},
    {"last": False},
    {"has_more": True},
    {"totalElements": 10_000},
    {"_links": {"next": {"href": "/sales/history?page=1"}}},
    {"next_cursor": "x"},
    {"success": False},
    {"errors": ["x"]},
    {"status": "ERROR"},
]
"""What an answer may say beside its list so that no figure may be made of it."""


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
        "saleDate": _usually(
            st.datetimes(datetime(2026, 11, 18), datetime(2026, 11, 21)), st.datetimes(READ_AT, datetime(2199, 1, 1))
        ).map(datetime.isoformat),
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


bodies = st.tuples(
    st.tuples(_bodies(_sales), _usually(st.none(), st.sampled_from(_PARTS))),
    _bodies(_products),
    _bodies(_stock),
    st.sampled_from(ReportType),
    st.integers(0, 24),
)
_LIGHT = (Format.CSV, Format.HTML, Format.JSON)
_HEAVY = 17
"""The throw that makes the formats that take longer; not 0, which comes up far more often than its share."""

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
    lines = SaleLines.from_table(decode_sales(b"[]", call="GET /sales/history", minor_digits=2).lines)
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


def _a_body(value: tuple[tuple[bytes, Any], bytes, bytes, ReportType, int]) -> str:
    (sold, beside), listed, counted, report_type, dice = value
    if beside is not None:
        sold = b'{"content": %s, %s' % (sold, json.dumps(beside)[1:].encode())
    try:
        sales = decode_sales(sold, call="GET /sales/history", minor_digits=2, not_after=READ_AT)
        assert beside is None, f"what says {beside} was taken for the whole"
        assert not (sales.lines["sold_at"] > READ_AT).any()
        stock = stock_batch(
            decode_products(listed, "GET /products"), decode_inventory(counted, "GET /inventory"), minor_digits=2
        )
    except SalesFlowError as refused:
        return refusal(refused)
    content = _content(SaleLines.from_table(sales.lines), stock.items, report_type, sales.rejected)
    for fmt in (Format.EXCEL, Format.PDF, Format.PARQUET) if dice == _HEAVY else (_LIGHT[dice % len(_LIGHT)],):
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
    mail = Message(
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
    return drive("API bodies", bodies, _a_body, cases, number)
