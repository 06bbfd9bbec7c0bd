"""An answer that comes in pieces is the same as one that comes at once, wherever it is cut."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.errors import SourceContractBroken
from salesflow.source import stream
from salesflow.source.decode import decode_sales
from salesflow.source.listing import read_whole
from salesflow.source.records import RejectedRecord, SalesBatch
from salesflow.source.sales import SalesReader
from salesflow.source.stream import ListText
from tests.unit.source.records import CALL, good, item, sale

NOON = datetime(2026, 11, 22, 10, 10)
SINCE = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PIECE", 700)


def cut(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def read(body: bytes, size: int, **more: Any) -> SalesBatch:
    reader = SalesReader(CALL, minor_digits=2, **more)
    envelope = reader.read(cut(body, size), {})
    assert envelope.more(envelope.records) is None
    return reader.batch()


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def hostile() -> list[dict[str, Any]]:
    """Three hundred sales with what is hard about each rule: texts that look like ends, bad ones, repeated and conflicting ids."""
    names = ['}]},{"id":', "]", "\\", '\\"', "大豆 🍬", "],", '"', "{[", ""]
    sales = [
        sale(
            1000 + n,
            item(productName=names[n % len(names)], sku=f"A{n % 7}", quantity=n % 5 - 1),
            saleDate=(datetime(2026, 11, 18, 9) + timedelta(minutes=20 * n)).isoformat(),
        )
        for n in range(300)
    ]
    sales[20]["items"] = None
    sales[40] |= {"note": {"a": [{"b": []}]}}
    sales[250] = sales[150] | {"id": 1150}
    sales[251] = sales[151] | {"totalAmount": 1.0}
    sales[252] = sales[150] | {"totalAmount": 2.0}
    sales[199]["totalAmount"] = "12,50"
    sales[299]["saleDate"] = "2026-02-30T00:00"
    return sales


def told(batch: SalesBatch) -> set[RejectedRecord]:
    return set(batch.rejected)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 699, 700, 5000, 10**6])
@pytest.mark.parametrize("spaces", [None, 1])
@pytest.mark.parametrize("wrapped", [False, True])
def test_every_rule_holds_across_pieces(size: int, spaces: int | None, wrapped: bool) -> None:
    document: Any = hostile()
    if wrapped:
        document = {"success": True, "meta": {"data": [1]}, "content": document, "page": {"number": 0, "totalPages": 1}}
    body = compact(document) if spaces is None else json.dumps(document, indent=spaces).encode()
    batch = read(body, size, since=SINCE, not_after=NOON)
    assert (batch.duplicates, batch.future) == (1, sum(s["saleDate"] > NOON.isoformat() for s in hostile()))
    by_field = sorted((record.record, record.field) for record in told(batch) if record.field != "saleDate")
    assert by_field == [("id 1150", "id"), ("id 1151", "id"), ("id 1199", "totalAmount")]
    ids = [s["id"] for s in hostile()]
    last = {number: place for place, number in enumerate(ids)}
    stands = {
        s["id"]
        for place, s in enumerate(hostile())
        if last[s["id"]] == place and place not in {199, 299} and SINCE.isoformat() <= s["saleDate"] <= NOON.isoformat()
    }
    assert set(batch.lines["sale_id"]) == stands
    assert not batch.lines.duplicated(["sale_id", "line"]).any()
    assert batch.lines["sold_at"].is_monotonic_increasing


def test_a_month_of_an_answer_is_its_part_of_the_whole() -> None:
    batch = read(compact(hostile()), 100)
    for first, end in ((datetime(2026, 11, 19), datetime(2026, 11, 20)), (datetime(2026, 12, 1), datetime(2027, 1, 1))):
        inside = batch.lines["sold_at"].between(first, end, inclusive="left")
        part = batch.sales.lines(first, end).astype({"sku": "str", "name": "str"})
        whole = batch.lines[inside].reset_index(drop=True).astype({"sku": "str", "name": "str"})
        pd.testing.assert_frame_equal(part, whole)


def test_of_one_id_in_far_pieces_the_later_stands_in_any_order_of_days() -> None:
    sales = [sale(n, saleDate=f"2026-11-{28 - n % 28:02d}T10:00") for n in range(200)]
    batch = read(compact([*sales, sale(3, totalAmount=1.0), *sales[:3]]), 50)
    assert batch.duplicates == 3
    assert [record.record for record in batch.rejected] == ["id 3"]
    assert batch.lines.loc[batch.lines["sale_id"] == 3, "sale_total"].tolist() == [100]
    assert len(batch.lines) == 200


def test_one_percent_is_of_the_whole_answer() -> None:
    bad = [sale(n, totalAmount="x") for n in range(3)]
    assert len(read(compact([*bad, *good(297)]), 500).rejected) == 3
    with pytest.raises(SourceContractBroken, match="299 records of which 3 are bad"):
        read(compact([*good(296), *bad]), 500)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"[%s" % compact(good(40))[1:-1], "JSON that breaks off after {size} bytes"),
        (b"[%s,]" % compact(good(40))[1:-1], "JSON that cannot be read .from byte"),
        (b"[,%s]" % compact(good(40))[1:-1], "JSON that cannot be read .from byte 1 on"),
        (b"[%s,,%s]" % (compact(good(40))[1:-1], compact(good(40))[1:-1]), "JSON that cannot be read .from byte"),
        (b"[%s] x" % compact(good(40))[1:-1], "JSON that cannot be read .from byte {last} on"),
        (b'{"data":[%s],"page":' % compact(good(40))[1:-1], "JSON that breaks off after {size} bytes"),
        (b'{"data":[%s}' % compact(good(40))[1:-1], "JSON that"),
        (b'{"data":[%s],"data":[%s]}' % ((compact(good(40))[1:-1],) * 2), "holds its list twice"),
        (b'{"data":[%s],"success":false}' % compact(good(40))[1:-1], "failed or is incomplete"),
        (b'{"data":[%s],"items":[]}' % compact(good(40))[1:-1], "does not hold one list"),
    ],
)
@pytest.mark.parametrize("size", [10, 900])
def test_what_is_wrong_far_behind_is_refused_with_its_place(body: bytes, what: str, size: int) -> None:
    expected = what.format(size=f"{len(body):,}", last=f"{len(body):,}")
    with pytest.raises(SourceContractBroken, match=expected):
        read(body, size)


def test_a_page_that_breaks_off_leaves_nothing() -> None:
    reader = SalesReader(CALL, minor_digits=2)
    reader.read([compact(good(50))], {})

    def broken_off() -> Iterator[bytes]:
        yield from cut(compact([sale(n, totalAmount=7.0) for n in range(100, 200)]), 300)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        reader.read(broken_off(), {})
    reader.read([compact([sale(n, totalAmount=9.0) for n in range(100, 150)])], {})
    batch = reader.batch()
    assert batch.records == 100
    assert set(batch.lines["sale_total"]) == {8500, 900}


def test_only_a_piece_is_held() -> None:
    held: list[int] = []
    body = compact([sale(n) for n in range(2000)])
    reader = SalesReader(CALL, minor_digits=2)
    text = ListText(cut(body, 100), CALL, held.append)
    assert text.open()
    while text.take(text.likely_end()):
        pass
    assert max(held) < 2000 < len(body) / 100
    assert text.around == b"[]"
    read_whole(reader, body)
    assert reader.batch().records == 2000


@given(st.lists(st.integers(0, 10), max_size=6), st.integers(1, 40), st.binary(max_size=4))
def test_any_cut_gives_what_the_whole_gives(numbers: list[int], size: int, noise: bytes) -> None:
    body = compact([sale(n, item(productName=noise.decode("latin-1"))) for n in numbers])
    whole, pieces = decode_sales(body, call=CALL, minor_digits=2), read(body, size)
    pd.testing.assert_frame_equal(whole.lines, pieces.lines)
    assert (whole.records, whole.duplicates, whole.rejected) == (pieces.records, pieces.duplicates, pieces.rejected)
