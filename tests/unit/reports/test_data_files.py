"""CSV, Parquet and JSON for the programs that read on."""

import csv
import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.delivery.integrity import check_opens
from salesflow.formats import Format
from salesflow.money import Currency
from salesflow.reports.as_csv import harmless
from salesflow.reports.render import render
from salesflow.windows import Period
from tests.unit.reports.samples import HOSTILE_NAMES, all_samples, make_content, make_sales, rendered


def csv_rows(name: str) -> list[dict[str, str]]:
    data = rendered(name, Format.CSV)
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [("sales-daily", "revenue", "stock"), ("stock-daily", "stock", "revenue"), ("combined-daily", "stock", "nothing")],
)
def test_columns_follow_the_type(name: str, has: str, lacks: str) -> None:
    row = csv_rows(name)[0]
    assert list(row)[:2] == ["sku", "name"]
    assert has in row
    assert lacks not in row


def test_excel_is_told_the_encoding() -> None:
    assert rendered("sales-daily", Format.CSV).startswith(b"\xef\xbb\xbfsku,name,")


@given(st.text(max_size=20))
def test_no_text_cell_starts_a_formula(text: str) -> None:
    safe = harmless(text)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert safe in (text, "'" + text)


def test_hostile_names_are_harmless_and_negative_numbers_stay_numbers() -> None:
    names = {row["name"] for row in csv_rows("combined-weekly-40-scripts")}
    assert {"'=SUM(A1)", "'+1+1", "'-2+3", "'@cmd"} <= names
    assert HOSTILE_NAMES[8] in names
    assert "Tab\tand\r\nnew line" in names
    returned = csv_rows("sales-returns-above")
    assert returned[1]["revenue"] == "-900.00"
    assert returned[1]["quantity"] == "-9"


def test_one_row_a_product_with_both_sides() -> None:
    content = all_samples()["combined-daily"]
    assert content.sales is not None
    assert content.stock is not None
    rows = csv_rows("combined-daily")
    assert len(rows) == len({row["sku"] for row in rows}) == len(content.stock.items)
    sold = [row for row in rows if row["revenue"]]
    assert len(sold) == len(content.sales.products)
    assert all(row["stock"] for row in rows)


def test_products_that_share_a_sku_are_not_lost() -> None:
    content = all_samples()["combined-daily"]
    assert content.stock is not None
    twice = replace(content, stock=replace(content.stock, items=content.stock.items + content.stock.items[:1]))
    rows = list(csv.DictReader(io.StringIO(render(twice, Format.CSV).decode("utf-8-sig"), newline="")))
    assert len(rows) == len(content.stock.items) + 1


def test_parquet_is_typed_and_knows_where_it_comes_from() -> None:
    content = all_samples()["combined-yen"]
    table = pq.read_table(pa.BufferReader(render(content, Format.PARQUET)))
    assert table.schema.field("revenue").type == pa.decimal128(18, 0)
    assert table.schema.field("last_sold").type == pa.date32()
    assert table.schema.field("urgent").type == pa.bool_()
    metadata = table.schema.metadata
    assert metadata[b"salesflow.business_date"] == b"2026-11-22"
    assert metadata[b"salesflow.timezone"] == b"Asia/Shanghai"
    assert metadata[b"salesflow.currency"] == b"JPY"
    assert isinstance(table["last_sold"].drop_null()[0].as_py(), date)


def test_parquet_names_are_as_the_merchant_wrote_them() -> None:
    table = pq.read_table(pa.BufferReader(rendered("combined-weekly-40-scripts", Format.PARQUET)))
    assert set(HOSTILE_NAMES) <= set(table["name"].to_pylist())


def test_json_money_is_exact_to_the_digit() -> None:
    content = all_samples()["combined-10-digits"]
    assert content.sales is not None
    data = render(content, Format.JSON)
    parsed = json.loads(data, parse_float=Decimal)
    to_major = Currency("CNY").to_major
    assert [p["revenue"] for p in parsed["sales"]["products"]] == [to_major(p.revenue) for p in content.sales.products]
    assert b'"revenue":1632593769.83' in data
    assert sum(parsed["sales"]["by_hour"]) == to_major(content.sales.kpis.revenue)


def test_json_holds_everything_with_sorted_keys() -> None:
    parsed = json.loads(rendered("combined-daily", Format.JSON))
    assert list(parsed) == sorted(parsed)
    assert list(parsed["sales"]["kpis"]) == sorted(parsed["sales"]["kpis"])
    assert parsed["schema"] == "salesflow-report/1"
    assert parsed["sales"]["window"] == {"first": "2026-11-22", "last": "2026-11-22"}
    assert parsed["provenance"]["set_aside_reasons"] == ["sale 1042: totalAmount is missing"]
    assert len(parsed["sales"]["context"]) == 90
    assert json.loads(rendered("sales-daily", Format.JSON))["stock"] is None


@pytest.mark.parametrize("fmt", Format)
def test_half_of_a_surrogate_pair_or_a_false_seal_breaks_no_format(fmt: Format) -> None:
    content = make_content(
        "sales",
        sales=make_sales(
            Period.DAILY, ["broken \ud83d name", "salesflow-sha256:" + "0" * 64, "salesflow-sha256:" + "1" * 64]
        ),
    )
    check_opens(fmt, render(content, fmt))
