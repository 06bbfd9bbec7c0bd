"""What the API's JSON becomes, oddity by oddity."""

import json
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from salesflow.errors import SourceContractBroken
from salesflow.source.decode import UnreadableAnswer, decode_inventory, decode_products, decode_sales, stock_batch
from salesflow.source.records import RejectedRecord, SalesBatch, StockBatch

CALL = "GET /sales/history?days=90"


def item(**changes: Any) -> dict[str, Any]:
    return {
        "productId": 7,
        "productName": "Riz parfumé",
        "sku": "RIZ-005",
        "quantity": 2,
        "unitPrice": 42.5,
        "subtotal": 85.0,
        **changes,
    }


def sale(number: int = 1, *items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "saleDate": "2026-11-22T18:04:11.123456",
        "totalAmount": 85.0,
        "items": list(items) or [item()],
        **changes,
    }


def good(count: int) -> list[dict[str, Any]]:
    return [sale(1000 + n) for n in range(count)]


def decode(*sales: Any, minor_digits: int = 2, since: date | None = None) -> SalesBatch:
    return decode_sales(json.dumps(sales).encode(), call=CALL, minor_digits=minor_digits, since=since)


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


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T18:04:11Z", "2026-11-22T18:04+08:00", "2026-11-22", "22/11/2026 18:04", "", "now", "NaT", "today"],
)
def test_a_date_that_is_no_local_date_time_is_bad(text: str) -> None:
    batch = decode(*good(100), sale(1, saleDate=text))
    assert [(record.record, record.field) for record in batch.rejected] == [("id 1", "saleDate")]
    assert batch.rejected[0].reason == "Expected a local date and time without a zone"


@pytest.mark.parametrize("text", ["2026-02-30T18:04", "2026-13-01T00:00", "2026-11-22T24:00", "2026-11-22T23:59:60"])
def test_a_date_that_does_not_exist_is_bad(text: str) -> None:
    batch = decode(*good(150), sale(1, saleDate=text), *[sale(5000 + n) for n in range(20)])
    assert batch.rejected == (RejectedRecord(CALL, "id 1", "saleDate", "No such date or time"),)
    assert (batch.records, len(batch.lines)) == (171, 170)
    assert not batch.lines["sold_at"].isna().any()


@pytest.mark.parametrize("key", ["data", "content", "items", "sales", "result"])
def test_a_wrapped_list_is_unwrapped(key: str) -> None:
    body = json.dumps({"success": True, key: [sale(), sale(2)], "meta": {"items": [1]}}).encode()
    assert decode_sales(body, call=CALL, minor_digits=2).records == 2
    assert decode_sales(b'\xef\xbb\xbf \n{"%s": []}' % key.encode(), call=CALL, minor_digits=2).records == 0


def test_unknown_fields_are_ignored() -> None:
    batch = decode(sale(1, item(discount={"percent": 5}), channel="till", cashier=None))
    assert (batch.records, batch.rejected) == (1, ())


@pytest.mark.parametrize("name", [None, "", "  "])
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


@pytest.mark.parametrize("sku", [None, "", " "])
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


def test_an_amount_that_the_currency_cannot_hold_is_set_aside_and_not_rounded() -> None:
    yen = [sale(1000 + n, item(subtotal=85.0), item(subtotal=20.0), totalAmount=105) for n in range(300)]
    batch = decode(
        *yen,
        sale(1, totalAmount=1234.56),
        sale(2, item(subtotal=100.0), item(subtotal=10.5), totalAmount=110),
        minor_digits=0,
    )
    assert [(record.record, record.field, record.day) for record in batch.rejected] == [
        ("id 1", "totalAmount", date(2026, 11, 22)),
        ("id 2", "items[1].subtotal", date(2026, 11, 22)),
    ]
    assert "More decimals than the currency has (0)" in batch.rejected[0].reason
    assert set(batch.lines["sale_total"]) == {105}
    with pytest.raises(
        SourceContractBroken, match=r"100 records of which 2 are bad \(id 1, totalAmount: More decimals"
    ):
        decode(*good(98), sale(1, totalAmount=0.005), sale(2, totalAmount=0.015))


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


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (sale(1, totalAmount="85.0"), "totalAmount"),
        (sale(1, totalAmount=None), "totalAmount"),
        (sale(1, totalAmount=True), "totalAmount"),
        (sale(1, totalAmount=1e15), "totalAmount"),
        (sale(1, totalAmount="NaN"), "totalAmount"),
        (sale(1, item(), item(quantity="2")), "items[1].quantity"),
        (sale(1, item(quantity=2.5)), "items[0].quantity"),
        (sale(1, item(quantity=2**31)), "items[0].quantity"),
        (sale(1, item(quantity=10**30)), "items[0].quantity"),
        (sale(1, item(subtotal=-1e12)), "items[0].subtotal"),
        (sale(1, item(unitPrice=None)), "items[0].unitPrice"),
        (sale(1, item(sku=12)), "items[0].sku"),
        (sale(1, items={}), "items"),
        ({k: v for k, v in sale(1).items() if k != "totalAmount"}, "totalAmount"),
        (sale(1, {k: v for k, v in item().items() if k != "subtotal"}), "items[0].subtotal"),
    ],
)
def test_a_bad_record_is_set_aside_with_its_field(bad: dict[str, Any], field: str) -> None:
    batch = decode(*good(99), bad)
    (rejected,) = batch.rejected
    assert (rejected.call, rejected.record, rejected.field) == (CALL, "id 1", field)
    assert rejected.day == date(2026, 11, 22)
    assert rejected.reason
    assert (batch.records, len(batch.lines)) == (100, 99)


@pytest.mark.parametrize("bad", [7, None, "sale", [], {}, sale("x")])  # type: ignore[arg-type]
def test_a_record_without_an_id_is_named_by_its_position(bad: Any) -> None:
    (rejected,) = decode(*good(100), bad, *good(100)).rejected
    assert rejected.record == "position 100"


def test_a_bad_id_leaves_the_day_known() -> None:
    (rejected,) = decode(*good(100), sale(2**63)).rejected
    assert (rejected.field, rejected.day) == ("id", date(2026, 11, 22))


@pytest.mark.parametrize(
    ("field", "damage", "told"),
    [
        ("productName", b'"Riz \xff"', ("items[0].productName", "Text that is not UTF-8 (the byte 0xff)")),
        ("totalAmount", b"1e999", ("totalAmount", "No finite number (NaN, Infinity or out of range)")),
        ("totalAmount", b"NaN", ("totalAmount", "No finite number (NaN, Infinity or out of range)")),
        ("subtotal", b"-Infinity", ("items[0].subtotal", "No finite number (NaN, Infinity or out of range)")),
        ("quantity", b"9" * 5000, ("items[0].quantity", "No finite number (NaN, Infinity or out of range)")),
    ],
)
@pytest.mark.parametrize("wrapping", [b"[%s]", b'{"data": [%s]}'])
def test_a_damaged_text_or_number_costs_its_own_record_only_and_is_named(
    wrapping: bytes, field: str, damage: bytes, told: tuple[str, str]
) -> None:
    records = [json.dumps(sale(1000 + n, item(productName='say "NaN": Infinity'))).encode() for n in range(200)]
    good_value = json.dumps({**sale(), **item(productName='say "NaN": Infinity')}[field]).encode()
    written = b'"%s": %s' % (field.encode(), good_value)
    assert written in records[50]
    records[50] = records[50].replace(written, b'"%s": %s' % (field.encode(), damage))
    batch = decode_sales(wrapping % b",".join(records), call=CALL, minor_digits=2)
    (rejected,) = batch.rejected
    assert (rejected.record, rejected.field, rejected.reason) == ("id 1050", *told)
    assert len(batch.lines) == 199
    assert set(batch.lines["name"]) == {'say "NaN": Infinity'}


def test_half_an_emoji_in_a_wrapped_list_costs_one_character() -> None:
    body = json.dumps({"content": [sale(1, item(productName="NAME"))]}).encode().replace(b"NAME", rb"\ud83c")
    assert decode_sales(body, call=CALL, minor_digits=2).lines["name"].tolist() == ["\ufffd"]


@pytest.mark.parametrize(
    ("escaped", "name"),
    [
        (rb"\ud83c\udf6c \ud83c", "🍬 �"),
        (rb"\uDF6C!", "�!"),
        (rb"\ud83c\ud83c\udf6c", "�🍬"),
        (rb"\\\ud83c\\ud83c", "\\�\\ud83c"),
    ],
)
def test_an_emoji_cut_in_two_costs_one_character(escaped: bytes, name: str) -> None:
    body = json.dumps([sale(1, item(productName="NAME")), sale(2)]).encode().replace(b"NAME", escaped)
    batch = decode_sales(body, call=CALL, minor_digits=2)
    assert batch.lines["name"].tolist() == [name, "Riz parfumé"]


def test_more_than_one_percent_of_bad_records_is_no_answer_to_report_on() -> None:
    allowed = decode(*good(198), sale(1, totalAmount="x"), sale(2, totalAmount="x"))
    assert len(allowed.rejected) == 2
    with pytest.raises(SourceContractBroken, match="199 records of which 2 are bad"):
        decode(*good(197), sale(1, totalAmount="x"), sale(2, totalAmount="x"))
    with pytest.raises(SourceContractBroken) as broken:
        decode(
            *good(197), sale(1, totalAmount="x"), sale(2, saleDate="2026-02-30T00:00"), sale(3, item(quantity="many"))
        )
    message = str(broken.value)
    assert CALL in message
    assert "200 records of which 3 are bad" in message
    assert "id 1, totalAmount: Expected `float`, got `str`" in message
    assert "many" not in message  # what the server sent stays out of messages


def test_of_two_different_sales_with_one_id_the_later_stands_and_the_other_is_told() -> None:
    batch = decode(sale(1, totalAmount=1.0), sale(2), sale(1, totalAmount=3.0, saleDate="2026-11-20T08:00"))
    assert (batch.duplicates, batch.records) == (0, 3)
    assert batch.lines["sale_id"].tolist() == [1, 2]
    assert batch.lines["sale_total"].tolist() == [300, 8500]
    (told,) = batch.rejected
    assert (told.record, told.field, told.day) == ("id 1", "id", date(2026, 11, 22))
    assert "2026-11-22 18:04 is left out" in told.reason
    assert "2026-11-20 08:00 stands" in told.reason


@pytest.mark.parametrize(
    "change", [{"totalAmount": 2.0}, {"saleDate": "2026-11-22T18:05"}, {"items": [item(quantity=1)]}]
)
def test_each_of_several_tills_that_number_alike_is_told_once(change: dict[str, Any]) -> None:
    batch = decode(*[sale(7, **change)] * 2, *good(3), sale(7, totalAmount=99.0), sale(7), sale(7))
    assert (batch.duplicates, batch.records) == (2, 8)
    assert [record.record for record in batch.rejected] == ["id 7", "id 7"]
    assert batch.lines["sale_total"].tolist() == [8500] * 4


def test_the_same_sale_twice_stands_once_in_silence() -> None:
    batch = decode(
        sale(1, saleDate="2026-11-22T18:04"),
        sale(2, items=None),
        sale(1, saleDate="2026-11-22T18:04:00.000"),
        sale(2, items=[]),
    )
    assert (batch.duplicates, batch.records, batch.rejected) == (2, 4, ())
    assert batch.lines["sale_id"].tolist() == [1, 2]


def future(*sales: Any, since: date | None = None) -> SalesBatch:
    noon = datetime(2026, 11, 22, 18, 10)
    return decode_sales(json.dumps(sales).encode(), call=CALL, minor_digits=2, since=since, not_after=noon)


@pytest.mark.parametrize(
    "moment", ["2026-11-22T18:10:00.000001", "2026-11-26T09:00", "2036-11-14T12:00", "2199-12-31T23:59:59.999999999"]
)
def test_a_sale_dated_in_the_future_is_set_aside_without_a_day(moment: str) -> None:
    batch = future(sale(1, saleDate="2026-11-22T18:10"), sale(2), sale(9, saleDate=moment), since=date(2026, 11, 20))
    (told,) = batch.rejected
    assert (told.record, told.field, told.day) == ("id 9", "saleDate", None)
    assert told.reason == f"Dated in the future: {moment[:10]} {moment[11:16]}, and read at 2026-11-22 18:10"
    assert (batch.records, batch.lines["sale_id"].tolist()) == (3, [2, 1])


def test_sales_of_the_future_do_not_count_against_the_one_percent_nor_oust_a_sale_of_today() -> None:
    batch = future(*good(20), *[sale(1000 + n, saleDate="2036-11-14T12:00") for n in range(15)])
    assert (len(batch.rejected), len(batch.lines)) == (15, 20)
    assert decode(sale(1, saleDate="2036-11-14T12:00")).records == 1


def test_a_server_that_lives_in_the_future_is_refused() -> None:
    assert len(future(sale(1, saleDate="2036-11-14T12:00")).rejected) == 1
    with pytest.raises(
        SourceContractBroken, match=r"5 sales of which 3 are dated later than now.*clock.*setting timezone"
    ):
        future(*good(2), *[sale(n, saleDate="2026-11-23T02:04") for n in range(3)])


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


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "an empty body"),
        (b"  \n", "an empty body"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b'[{"id": 1, "saleDa', "JSON that breaks off"),
        (b'{"data": [', "JSON that breaks off"),
        (b'[{"id": 1} {"id": 2}]', "JSON that cannot be read .from byte 11 on."),
        (b"\xff\xfe[\x00]\x00", "text that is not UTF-8"),
        (b"OK", "neither a list nor an object"),
        (b'"text"', "neither a list nor an object"),
        (b"null", "neither a list nor an object"),
        (b"[" * 100_000, "JSON that cannot be read"),
        (b'{"data":' * 100_000, "JSON that cannot be read"),
        (b"[] trailing", "JSON that cannot be read"),
    ],
)
def test_a_body_that_is_no_list_is_named(body: bytes, what: str) -> None:
    with pytest.raises(UnreadableAnswer, match=what) as unreadable:
        decode_sales(body, call=CALL, minor_digits=2)
    assert CALL in unreadable.value.message
    assert unreadable.value.__cause__ is None
    assert unreadable.value.__context__ is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"code": "NOT_FOUND", "message": "?"}',
        b'{"data": null}',
        b'{"data": {"content": []}}',
        b'{"data":[],"items":[]}',
    ],
)
def test_an_object_without_one_list_breaks_the_contract(body: bytes) -> None:
    with pytest.raises(SourceContractBroken, match="does not hold one list"):
        decode_sales(body, call=CALL, minor_digits=2)


def product(sku: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "sku": sku,
        "name": f"Product {sku}",
        "price": 42.5,
        "stockQuantity": 5,
        "lowStockThreshold": 3,
        "description": None,
        "imageUrl": None,
        **changes,
    }


def counted(sku: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "sku": sku,
        "name": f"Item {sku}",
        "quantity": 9,
        "price": 40.0,
        "cost": 30.05,
        "category": "Dry",
        **changes,
    }


def stock(products: list[Any], inventory: list[Any] | None, minor_digits: int = 2) -> StockBatch:
    return stock_batch(
        decode_products(json.dumps(products).encode(), "GET /products"),
        None if inventory is None else decode_inventory(json.dumps(inventory).encode(), "GET /inventory"),
        minor_digits=minor_digits,
    )


def test_stock_joins_cost_and_category_by_sku() -> None:
    batch = stock(
        [product("B", name=None), product("A", id=3, stockQuantity=-2, price=0.29)],
        [counted("A", category=None), counted("C", name=" "), counted("B", cost=None)],
    )
    assert batch.items.dtypes.astype(str).to_dict() == {
        "product_id": "int64",
        "sku": "str",
        "name": "str",
        "price": "int64",
        "stock_quantity": "int64",
        "low_stock_threshold": "int64",
        "cost": "Int64",
        "category": "str",
    }
    rows = batch.items.astype(object).where(batch.items.notna(), None).values.tolist()
    assert rows == [
        [3, "A", "Product A", 29, -2, 3, 3005, None],
        [7, "B", "B", 4250, 5, 3, None, "Dry"],
        [0, "C", "C", 4000, 9, 0, 3005, "Dry"],
    ]
    assert (batch.records, batch.duplicates, batch.costs_known) == (5, 0, True)


def test_stock_without_an_inventory_has_no_costs() -> None:
    batch = stock([product("A")], None)
    assert not batch.costs_known
    assert batch.items[["cost", "category"]].isna().all(axis=None)


def test_no_products_are_an_empty_table_of_the_same_schema() -> None:
    assert stock([], []).items.dtypes.equals(stock([product("A")], [counted("A")]).items.dtypes)


def test_of_two_products_with_one_sku_the_later_stands() -> None:
    batch = stock([product("A", stockQuantity=1), product("A", stockQuantity=2)], [counted("A"), counted("A", cost=1)])
    assert (batch.items["stock_quantity"].tolist(), batch.items["cost"].tolist(), batch.duplicates) == ([2], [100], 2)


@pytest.mark.parametrize(
    "bad", [product(""), product(" "), {**product("A"), "sku": None}, product("A", stockQuantity=None)]
)
def test_a_bad_product_is_set_aside(bad: dict[str, Any]) -> None:
    batch = stock([*[product(f"S{n}") for n in range(99)], bad], [])
    assert [(record.call, record.record) for record in batch.rejected] == [("GET /products", "id 7")]
    assert len(batch.items) == 99


def test_a_price_that_the_currency_cannot_have_is_told_and_a_finer_one_rounded() -> None:
    yen = [product(f"S{n}", price=120.0) for n in range(150)]
    batch = stock(
        [*yen, product("A", price=12.5)],
        [counted(f"S{n}", price=120, cost=33.3333) for n in range(150)],
        minor_digits=0,
    )
    assert [(r.call, r.record, r.field) for r in batch.rejected] == [("GET /products", "SKU A", "price")]
    assert set(batch.items["price"]) == {120}
    assert set(batch.items["cost"]) == {33}
    with pytest.raises(
        SourceContractBroken, match=r"GET /products answered 2 records of which 2 are bad \(SKU A, price"
    ):
        stock([product("A", price=12.5), product("B", price=0.5)], None, minor_digits=0)
    assert stock([product("A", price=0.335)], None).items["price"].tolist() == [34]


def test_reading_in_any_order_gives_the_same_table() -> None:
    sales = [sale(n, item(sku=f"S{n % 7}"), saleDate=f"2026-11-{1 + n % 20:02d}T08:00") for n in range(60)]
    shuffled = [sales[n] for n in np.random.default_rng(1).permutation(60)]
    pd.testing.assert_frame_equal(decode(*sales).lines, decode(*shuffled).lines)
