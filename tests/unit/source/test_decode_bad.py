"""What of the API's JSON cannot be used: damaged, doubled or of the future; and answers that are none."""

import json
from datetime import date, datetime
from typing import Any

import pytest

from salesflow.errors import SourceContractBroken
from salesflow.source.decode import UnreadableAnswer, decode_sales
from salesflow.source.records import RejectedRecord, SalesBatch
from tests.stand_ins.memory import peak_of_memory
from tests.unit.source.records import CALL, decode, good, item, sale


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


def test_a_bad_record_as_large_as_an_answer_does_not_fill_the_memory() -> None:
    """Lists in lists: as objects they are fifty times what they are as text. (Records of up to 2 MiB are made into objects.)"""
    body = b'[{"id": "x", "note": [%b0]}]' % (b"[]," * 700_000)
    with (
        peak_of_memory() as peak,
        pytest.raises(SourceContractBroken, match=r"\(position 0, id: Expected `int`, got `str`\)"),
    ):
        decode_sales(body, call=CALL, minor_digits=2)
    assert peak() < 5 * len(body)


def test_an_amount_that_the_currency_cannot_hold_is_set_aside_and_not_rounded() -> None:
    yen = [sale(1000 + n, item(subtotal=85.0), item(subtotal=20.0), totalAmount=105) for n in range(300)]
    batch = decode(
        *yen,
        sale(1, totalAmount=1234.56),
        sale(2, item(subtotal=100.0), item(subtotal=10.5), totalAmount=110),
        minor_digits=0,
    )
    assert [(record.record, record.field, record.moment) for record in batch.rejected] == [
        ("id 1", "totalAmount", datetime(2026, 11, 22, 18, 4, 11)),
        ("id 2", "items[1].subtotal", datetime(2026, 11, 22, 18, 4, 11)),
    ]
    assert "More decimals than the currency has (0)" in batch.rejected[0].reason
    assert set(batch.lines["sale_total"]) == {105}
    with pytest.raises(
        SourceContractBroken, match=r"100 records of which 2 are bad \(id 1, totalAmount: More decimals"
    ):
        decode(*good(98), sale(1, totalAmount=0.005), sale(2, totalAmount=0.015))


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
    assert rejected.moment == datetime(2026, 11, 22, 18, 4, 11)
    assert rejected.reason
    assert (batch.records, len(batch.lines)) == (100, 99)


@pytest.mark.parametrize("bad", [7, None, "sale", [], {}, sale("x")])  # type: ignore[arg-type]
def test_a_record_without_an_id_is_named_by_its_position(bad: Any) -> None:
    (rejected,) = decode(*good(100), bad, *good(100)).rejected
    assert rejected.record == "position 100"


def test_a_bad_id_leaves_the_day_known() -> None:
    (rejected,) = decode(*good(100), sale(2**63)).rejected
    assert (rejected.field, rejected.moment) == ("id", datetime(2026, 11, 22, 18, 4, 11))


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
    assert [record.moment for record in allowed.rejected] == [datetime(2026, 11, 22, 18, 4, 11)] * 2
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
    assert (told.record, told.field, told.moment) == ("id 1", "id", datetime(2026, 11, 22, 18, 4, 11))
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


def test_the_same_sale_with_its_items_in_another_order_is_the_same() -> None:
    items = [item(sku="A"), item(sku="B", subtotal=3.0), item(sku="B")]
    batch = decode(sale(1, items=items), sale(1, items=items[::-1]), sale(1, items=items[1:]))
    assert (batch.duplicates, batch.records, len(batch.rejected)) == (1, 3, 1)


def future(*sales: Any, since: date | None = None) -> SalesBatch:
    noon = datetime(2026, 11, 22, 18, 10)
    return decode_sales(json.dumps(sales).encode(), call=CALL, minor_digits=2, since=since, not_after=noon)


@pytest.mark.parametrize(
    "moment", ["2026-11-22T18:10:00.000001", "2026-11-26T09:00", "2036-11-14T12:00", "2199-12-31T23:59:59.999999999"]
)
def test_a_sale_dated_in_the_future_is_set_aside_without_a_day(moment: str) -> None:
    batch = future(sale(1, saleDate="2026-11-22T18:10"), sale(2), sale(9, saleDate=moment), since=date(2026, 11, 20))
    (told,) = batch.rejected
    assert (told.record, told.field, told.moment) == ("id 9", "saleDate", None)
    assert told.reason == f"Dated in the future: {moment[:10]} {moment[11:16]}, and read at 2026-11-22 18:10"
    assert (batch.records, batch.lines["sale_id"].tolist()) == (3, [2, 1])


@pytest.mark.parametrize(
    "moment", ["1926-11-22T12:00", "1900-01-01T00:00:00", "1970-01-01T00:00", "1989-12-31T23:59:59.9"]
)
@pytest.mark.parametrize("since", [None, date(2026, 11, 20)])
def test_a_sale_dated_before_there_were_such_sales_is_set_aside_without_a_day(moment: str, since: date | None) -> None:
    batch = future(sale(1), sale(2, saleDate="1990-01-01T00:00"), *good(100), sale(9, saleDate=moment), since=since)
    (told,) = batch.rejected
    assert (told.record, told.field, told.moment) == ("id 9", "saleDate", None)
    assert told.reason == f"Dated before 1990: {moment[:10]} {moment[11:16]}"
    assert (2 in batch.lines["sale_id"].tolist()) == (since is None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T18:04:11Z", datetime(2026, 11, 21, 18, 4, 11)),
        ("2026-11-21", datetime(2026, 11, 21, 12)),
        ("0001-01-01T00:00:00", None),  # .NET's default
        ("0000-00-00T00:00:00", None),  # MySQL's
        ("1970-01-01T00:00:00Z", None),
        ("2199-11-22T18:04:11Z", None),
    ],
)
def test_a_bad_record_has_a_day_that_was_asked_for_or_none(text: str, moment: datetime | None) -> None:
    (told,) = future(*good(100), sale(9, saleDate=text), since=date(2026, 11, 20)).rejected
    assert (told.record, told.field, told.moment) == ("id 9", "saleDate", moment)


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
