"""What the API's JSON becomes, oddity by oddity."""

import json
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from salesflow.source.decode import decode_sales
from tests.unit.source.records import CALL, counted, decode, good, item, product, sale, stock


def test_lines_have_the_schema_and_are_sorted() -> None:
    lines = decode(
        sale(
            9, item(sku="B"), item(sku="A", quantity=-1, subtotal=-1.25), saleDate="2026-11-22T09:00", totalAmount=84.0
        ),
        sale(3, saleDate="2026-11-22T09:00"),
        sale(4, saleDate="2026-11-21T23:59:59.999"),
    ).lines
    assert lines.dtypes.astype(str).to_dict() == {
        "sale_id": "int64",
        "line": "int32",
        "sold_at": "datetime64[us]",
        "sale_total": "int64",
        "product_id": "int64",
        "sku": "category",
        "name": "category",
        "quantity": "int64",
        "unit_price": "float64",
        "subtotal": "int64",
    }
    assert str(lines["sku"].cat.categories.dtype) == "str"
    assert lines["sale_id"].tolist() == [4, 3, 9, 9]
    assert lines["line"].tolist() == [0, 0, 0, 1]
    assert lines["sku"].tolist() == ["RIZ-005", "RIZ-005", "B", "A"]
    assert lines["sale_total"].tolist() == [8500, 8500, 8400, 8400]
    assert lines["subtotal"].tolist() == [8500, 8500, 8500, -125]
    assert lines["quantity"].tolist() == [2, 2, 2, -1]
    assert lines["sku"].cat.categories.tolist() == ["A", "B", "RIZ-005"]


def test_no_sales_are_an_empty_table_of_the_same_schema() -> None:
    batch = decode()
    assert (len(batch.lines), batch.records, batch.rejected) == (0, 0, ())
    assert batch.lines.dtypes.astype(str).to_dict() == decode(sale()).lines.dtypes.astype(str).to_dict()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T18:04", datetime(2026, 11, 22, 18, 4)),
        ("2026-11-22T18:04:11", datetime(2026, 11, 22, 18, 4, 11)),
        ("2026-11-22T18:04:11.120", datetime(2026, 11, 22, 18, 4, 11, 120_000)),
        ("2026-11-22T18:04:11.123456", datetime(2026, 11, 22, 18, 4, 11, 123_456)),
        ("2026-11-22T18:04:11.123456789", datetime(2026, 11, 22, 18, 4, 11, 123_456)),
        ("2026-11-22T18:04:11.1", datetime(2026, 11, 22, 18, 4, 11, 100_000)),
        ("2024-02-29T00:00", datetime(2024, 2, 29)),
    ],
)
def test_a_local_date_time_of_any_precision(text: str, moment: datetime) -> None:
    lines = decode(sale(saleDate=text), sale(2, saleDate="2026-11-22T18:04")).lines
    assert moment in lines["sold_at"].dt.to_pydatetime().tolist()


@pytest.mark.parametrize("key", ["data", "content", "items", "sales", "result"])
def test_a_wrapped_list_is_unwrapped(key: str) -> None:
    body = json.dumps({"success": True, key: [sale(), sale(2)], "meta": {"items": [1]}}).encode()
    assert decode_sales(body, call=CALL, minor_digits=2).records == 2
    assert decode_sales(b'\xef\xbb\xbf \n{"%s": []}' % key.encode(), call=CALL, minor_digits=2).records == 0


def test_unknown_fields_are_ignored() -> None:
    batch = decode(sale(1, item(discount={"percent": 5}), channel="till", cashier=None))
    assert (batch.records, batch.rejected) == (1, ())


@pytest.mark.parametrize("name", [None, "", "  ", "\u200b\ufeff", "\u00a0\u3000", "\u202e\u2060"])
def test_a_product_without_a_name_is_called_by_its_sku(name: str | None) -> None:
    assert decode(sale(1, item(productName=name), item(sku="B"))).lines["name"].tolist() == ["RIZ-005", "Riz parfumé"]


def test_a_missing_name_too() -> None:
    nameless = item()
    del nameless["productName"]
    assert decode(sale(1, nameless)).lines["name"].tolist() == ["RIZ-005"]


def test_what_may_be_null_may_be_absent() -> None:
    bare = {key: value for key, value in sale(1).items() if key != "items"}
    gone = {key: value for key, value in item().items() if key not in {"productId", "sku", "productName"}}
    batch = decode(bare, sale(2, gone))
    assert batch.rejected == ()
    assert batch.lines[["sku", "product_id", "sale_total"]].values.tolist() == [["", 0, 8500], ["", 0, 8500]]


@pytest.mark.parametrize(
    "name", ["方便面", "Maharage mekundu", "Конфеты", "🍬", "=SUM(A1)", "<script>", 'a"\\\n\tb', "\ufeff\u200b\ue000"]
)
def test_names_and_skus_are_kept_as_they_are(name: str) -> None:
    lines = decode(sale(1, item(productName=name, sku=name))).lines
    assert (lines["name"][0], lines["sku"][0]) == (name, name)


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x9b", "\ufdd0", "\ufffe", "\uffff"])
def test_what_no_file_format_holds_becomes_visible(character: str) -> None:
    text = f"a{character}b"
    lines = decode(sale(1, item(productName=text, sku=text), item(productName="a\x01b", sku=" \t"))).lines
    assert lines["name"].tolist() == ["a\ufffdb", "a\ufffdb"]
    assert lines["sku"].tolist() == ["a\ufffdb", ""]
    items = stock([product(text, name=text)], [counted(text, category=text)]).items
    assert items[["sku", "name", "category"]].values.tolist() == [["a\ufffdb"] * 3]
    assert items["cost"].notna().all()


@pytest.mark.parametrize("sku", [None, "", " ", "\u200b", "\u2800"])
def test_an_item_whose_product_is_gone_counts_for_the_shop(sku: str | None) -> None:
    lines = decode(sale(1, item(sku=sku, productId=None, productName=None), item())).lines
    assert lines["sku"].tolist() == ["", "RIZ-005"]
    assert lines["product_id"].tolist() == [0, 7]
    assert lines["subtotal"].tolist() == [8500, 8500]


@pytest.mark.parametrize("items", [[], None])
def test_a_sale_without_items_is_one_line_without_a_product(items: list[Any] | None) -> None:
    (line,) = decode(sale(1, items=items)).lines.to_dict("records")
    assert (line["sku"], line["quantity"], line["subtotal"], line["line"]) == ("", 0, 0, 0)
    assert line["sale_total"] == 8500


def test_a_discounted_total_stands_beside_its_subtotals() -> None:
    lines = decode(sale(1, item(), item(subtotal=15.0), totalAmount=95.0)).lines
    assert (lines["sale_total"].tolist(), lines["subtotal"].sum()) == ([9500, 9500], 10_000)


def test_a_price_of_zero_is_a_price() -> None:
    lines = decode(sale(1, item(unitPrice=0, subtotal=0), totalAmount=0)).lines
    assert (lines["unit_price"][0], lines["subtotal"][0], lines["sale_total"][0]) == (0.0, 0, 0)


def test_integral_floats_are_integers() -> None:
    batch = decode(sale(5.0, item(quantity=3.0, productId=8.0), items=[item(quantity=3.0, productId=8.0)]))  # type: ignore[arg-type]
    assert batch.lines[["sale_id", "product_id", "quantity"]].values.tolist() == [[5, 8, 3]]
    assert batch.rejected == ()


@pytest.mark.parametrize(("digits", "minor"), [(2, 123_456), (3, 1_234_560)])
def test_amounts_are_minor_units_of_the_currency(digits: int, minor: int) -> None:
    lines = decode(sale(1, item(subtotal=1234.56), totalAmount=1234.56), minor_digits=digits).lines
    assert (lines["sale_total"][0], lines["subtotal"][0]) == (minor, minor)


def test_the_noise_of_a_servers_sums_is_no_further_decimal() -> None:
    total = sum([0.1] * 3)
    assert total != 0.3
    assert decode(sale(1, totalAmount=total), sale(2, totalAmount=-8.0e11 + 0.07)).lines["sale_total"].tolist() == [
        30,
        -79_999_999_999_993,
    ]


@pytest.mark.parametrize("cents", [1, 29, 57, 115, 435, 99_999_999_999])
def test_no_double_costs_a_cent(cents: int) -> None:
    assert decode(sale(1, totalAmount=cents / 100)).lines["sale_total"][0] == cents


def test_since_leaves_earlier_days_out() -> None:
    bad_before, bad_after = sale(1, saleDate="2026-11-19T10:00", totalAmount=None), sale(2, totalAmount=None)
    batch = decode(
        *good(300),
        sale(3, saleDate="2026-11-19T23:59:59.999999"),
        sale(4, saleDate="2026-11-20T00:00"),
        bad_before,
        bad_after,
        since=date(2026, 11, 20),
    )
    assert batch.lines["sold_at"].min() == pd.Timestamp(2026, 11, 20)
    assert [record.record for record in batch.rejected] == ["id 2"]
    assert batch.records == 302


def test_reading_in_any_order_gives_the_same_table() -> None:
    sales = [sale(n, item(sku=f"S{n % 7}"), saleDate=f"2026-11-{1 + n % 20:02d}T08:00") for n in range(60)]
    shuffled = [sales[n] for n in np.random.default_rng(1).permutation(60)]
    pd.testing.assert_frame_equal(decode(*sales).lines, decode(*shuffled).lines)


@pytest.mark.parametrize("numbers", [[1, 1], [1, 1, 2], [2, 1, 1], [1, 2, 1]])
def test_a_sale_that_is_listed_twice_counts_once_wherever_it_stands(numbers: list[int]) -> None:
    batch = decode(*map(sale, numbers))
    assert batch.lines["sale_id"].tolist() == sorted(set(numbers))
    assert batch.rejected == ()
