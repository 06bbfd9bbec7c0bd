"""The report job on 57,494 real sale lines: every printed total against an independent computation, to the cent.

All 541,909 of them are read by `tests.benchmarks.pipeline`.
"""

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import openpyxl
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from local.api import SalesFlowServer, online_retail_store
from tests.integration.jobs.conftest import System
from tests.stand_ins.clocks import HandClock
from tests.stand_ins.lambda_context import Context
from tests.stand_ins.shops import REAL_SALES, real_sales

BUSINESS_DATE = date(2011, 11, 15)
BEGIN, MORNING_AFTER = date(2011, 10, 24), datetime(2011, 11, 16, 7)
FIRST_DAY = {"daily": BUSINESS_DATE, "weekly": date(2011, 11, 9), "monthly": date(2011, 11, 1)}

pytestmark = pytest.mark.skipif(not REAL_SALES.exists(), reason=f"the real sales are not at {REAL_SALES}")


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file's rows of three weeks and of the morning after."""
    return real_sales(tmp_path_factory.mktemp("real"), BEGIN, date(2011, 11, 17))


@pytest.fixture(scope="module")
def api(weeks: Path) -> Iterator[SalesFlowServer]:
    """The SalesFlow API over the real sales, on the morning after the business date."""
    with SalesFlowServer(online_retail_store(weeks), clock=lambda: MORNING_AFTER) as server:
        yield server


@pytest.fixture(autouse=True)
def london(monkeypatch: pytest.MonkeyPatch, system: System, hand_clock: HandClock) -> None:
    """The shop's zone and currency, in its own time: a sync goes through every month until now."""
    hand_clock.moment = MORNING_AFTER.replace(tzinfo=UTC)
    monkeypatch.setenv("TIMEZONE", "Europe/London")
    monkeypatch.setenv("CURRENCY", "GBP")
    monkeypatch.setenv("HISTORY_DAYS", "180")


def independent_totals(path: Path, first: date, last: date) -> tuple[Decimal, int, int]:
    """Revenue, pieces and invoices by plain decimals over the file's own rows; a line is rounded half up to the cent."""
    table = pq.read_table(path, columns=["InvoiceNo", "Quantity", "InvoiceDate", "UnitPrice"])
    moments = table["InvoiceDate"]
    begin, end = datetime.combine(first, datetime.min.time()), datetime.combine(last, datetime.min.time())
    inside = pc.and_(pc.greater_equal(moments, begin), pc.less(moments, end + timedelta(days=1)))
    revenue, pieces, invoices = Decimal(0), 0, set()
    for row in table.filter(inside).to_pylist():
        line = Decimal(str(row["UnitPrice"])) * row["Quantity"]
        revenue += line.copy_abs().quantize(Decimal("0.01"), ROUND_HALF_UP).copy_sign(line)
        pieces += row["Quantity"]
        invoices.add(row["InvoiceNo"])
    return revenue, pieces, len(invoices)


def test_the_history_holds_every_line_of_three_weeks_and_the_reports_of_15_november_2011_add_up(
    system: System, weeks: Path
) -> None:
    answer = system.fire("sync_history", {"business_date": BUSINESS_DATE.isoformat()}, Context(remaining_seconds=600))
    assert answer["status"] == "SUCCEEDED"
    lines = subtotals = 0
    for key in system.keys("history/sales/"):
        table = pq.read_table(io.BytesIO(system.body(key)), columns=["subtotal"])
        lines += table.num_rows
        subtotals += pc.sum(table["subtotal"]).as_py()
    source = pq.read_table(weeks, columns=["InvoiceDate"])["InvoiceDate"]
    known = pc.sum(pc.less(source, MORNING_AFTER).cast("int64")).as_py()
    assert lines == known
    expected, _, _ = independent_totals(weeks, BEGIN, BUSINESS_DATE)
    assert Decimal(subtotals).scaleb(-2) == expected

    for period, first in FIRST_DAY.items():
        revenue, pieces, invoices = independent_totals(weeks, first, BUSINESS_DATE)
        event = {
            "business_date": BUSINESS_DATE.isoformat(),
            "period": period,
            "formats": ["pdf", "excel", "json"],
            "notify": "none",
        }
        answer = system.fire("report", event, Context(remaining_seconds=600))
        assert answer["status"] == "SUCCEEDED", answer["reason"]
        files = {artifact["format"]: system.body(artifact["key"]) for artifact in answer["artifacts"]}

        text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(files["pdf"])).pages)
        assert f"{revenue:,.2f}" in text
        assert f"{invoices:,}" in text

        overview = openpyxl.load_workbook(io.BytesIO(files["excel"]), read_only=True)["Summary"]
        figures = {row[0].value: row[1].value for row in overview.iter_rows(max_col=2) if row[0].value}
        assert Decimal(str(figures["Sales, £"])) == revenue
        assert figures["Number of sales"] == invoices

        kpis = json.loads(files["json"], parse_float=Decimal)["sales"]["kpis"]
        assert (kpis["revenue"], kpis["quantity"], kpis["transactions"]) == (revenue, pieces, invoices)
