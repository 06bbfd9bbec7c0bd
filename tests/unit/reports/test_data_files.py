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
from salesflow.language import Language
from salesflow.money import Currency
from salesflow.reports import render
from salesflow.reports.data import harmless
from salesflow.windows import Period
from tests.stand_ins.memory import peak_of_memory
from tests.unit.reports.names import HOSTILE_NAMES
from tests.unit.reports.samples import all_samples, make_content, make_sales, rendered


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


@given(
    st.text(max_size=20)
    | st.text(alphabet="=+-@\uff1d\uff0b\uff0d\uff20;,\t\r\n\x00 \u200b\ufeff\u2028a1", max_size=12)
)
def test_no_text_cell_starts_a_formula(text: str) -> None:
    safe = harmless(text)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert safe.replace("'", "") == text.replace("'", "").replace("\x00", "\ufffd")


@pytest.mark.parametrize(
    "name", ["x;=1+1;y", "x\t=1+1", "\ufeff=1+1", "\u200b=1", "\uff1d1+1", "a;\u200b\uff20SUM(1)", 'q"\r\n=1+1']
)
@pytest.mark.parametrize("language", [Language.EN, Language.FR])
def test_no_cell_is_a_formula_to_a_sheet_of_another_country(name: str, language: Language) -> None:
    sales = make_sales(Period.DAILY, [name, "plain"])
    text = render(make_content("sales", sales=sales), Format.CSV, language=language).decode("utf-8-sig")
    for delimiter in ",;\t":
        for cell in (cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in row):
            seen = cell.lstrip("\ufeff\u200b\x00\u2028 \u00a0")
            assert seen[:1] not in tuple("=+@\uff1d\uff0b\uff0d\uff20"), cell
            assert seen[:1] != "-" or float(seen.partition(",")[0]), cell


def test_the_delimiter_is_what_a_sheet_of_the_language_expects() -> None:
    content = all_samples()["sales-daily"]
    first = {
        language: render(content, Format.CSV, language=language).decode("utf-8-sig").splitlines()[:2]
        for language in Language
    }
    assert first[Language.FR][0].startswith("sku;name;revenue")
    for language, mark in ((Language.FR, ","), (Language.LN, ","), (Language.EN, ".")):
        row = next(csv.DictReader(first[language], delimiter=";" if mark == "," else ","))
        assert row["revenue"] == f"553{mark}61"
        assert "," not in row["share"].replace(mark, "")
        assert float(row["share"].replace(mark, ".")) == pytest.approx(0.3, abs=0.3)
    assert {first[language][0][:9] for language in (Language.EN, Language.ZH, Language.SW)} == {"sku,name,"}
    assert first[Language.EN][0].endswith(",date,period")
    assert first[Language.EN][1].endswith(",2026-11-22,daily")


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


def test_the_data_files_of_many_products_are_made_and_checked_in_a_few_times_their_bytes() -> None:
    sales = make_sales(Period.DAILY, [f"Article {n} 大豆" for n in range(3_000)])
    content = make_content("sales", sales=sales)
    for fmt, made, checked in ((Format.JSON, 5, 1), (Format.CSV, 3, 1)):
        with peak_of_memory() as making:
            data = render(content, fmt)
        with peak_of_memory() as checking:
            check_opens(fmt, data)
        assert making() < made * len(data) + 2**18, fmt
        assert checking() < checked * len(data) + 2**22, fmt
    assert [one["name"] for one in json.loads(render(content, Format.JSON))["sales"]["products"]] == [
        product.name for product in sales.products
    ]


@pytest.mark.parametrize("fmt", Format)
def test_half_of_a_surrogate_pair_and_what_xml_has_no_place_for_break_no_format(fmt: Format) -> None:
    content = make_content(
        "sales",
        sales=make_sales(Period.DAILY, ["broken \ud83d name", "back to front \ufffe", "nul \x00 in it", "\uffff"]),
    )
    check_opens(fmt, render(content, fmt))
