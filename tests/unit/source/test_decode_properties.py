"""Whatever a server sends: a batch with what was set aside, or SourceContractBroken, and never anything else."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from salesflow.errors import SourceContractBroken
from salesflow.source.decode import decode_inventory, decode_products, decode_sales, stock_batch

CALL = "GET /sales/history?days=90"

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["2026-11-22T18:04", "2026-02-30T00:00", "1e400", "NaT", 2**63, -(2**63), 1e300, 5.0, "\x00"])
)
garbage = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
amounts = st.floats(-1e6, 1e6).map(lambda amount: round(amount, 2))
texts = st.text(st.characters(exclude_categories=["Cs"]))
storable = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]))


def fields(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of which every field may be good, garbage or missing."""
    return st.fixed_dictionaries({}, optional={name: strategy | garbage for name, strategy in strategies.items()})


items = fields(
    productId=st.integers(0, 99),
    productName=st.none() | texts,
    sku=texts,
    quantity=st.integers(-9, 9),
    unitPrice=amounts,
    subtotal=amounts,
)
sales = fields(
    id=st.integers(0, 5),
    saleDate=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(datetime.isoformat),
    totalAmount=amounts,
    items=st.lists(items, max_size=3),
)
products = fields(
    id=st.integers(), sku=texts, price=amounts, stockQuantity=st.integers(-9, 9), lowStockThreshold=st.integers(0, 9)
)
keys = st.sampled_from(
    [
        "data",
        "content",
        "items",
        "sales",
        "result",
        "totalPages",
        "page",
        "_links",
        "next",
        "error",
        "success",
        "last",
        "other",
    ]
)


def answers(records: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """A list of records and garbage, wrapped or not, perhaps cut short or with a byte changed."""
    lists = st.lists(records | garbage, max_size=6)
    whole = (lists | st.dictionaries(keys, lists | garbage, max_size=3) | garbage).map(lambda v: json.dumps(v).encode())
    cut = st.tuples(whole, st.integers(0, 200)).map(lambda pair: pair[0][: pair[1]])
    changed = st.tuples(whole, st.integers(0, 200), st.binary(max_size=2)).map(
        lambda triple: triple[0][: triple[1]] + triple[2] + triple[0][triple[1] + 1 :]
    )
    not_finite = st.sampled_from([b"[NaN]", b'[{"id": Infinity}]'])
    return whole | cut | changed | not_finite | st.binary()


def outcome[Batch](decode: Callable[[], Batch]) -> Batch | None:
    """The batch, None where the contract is broken; any other error is the test's."""
    try:
        return decode()
    except SourceContractBroken:
        return None


@given(answers(sales))
def test_sales(body: bytes) -> None:
    batch = outcome(lambda: decode_sales(body, call=CALL, minor_digits=2))
    if batch is not None:
        assert batch.lines["sale_id"].nunique() + batch.duplicates + len(batch.rejected) == batch.records
        assert not batch.lines.isna().any(axis=None)
        assert batch.lines["sold_at"].is_monotonic_increasing


@given(st.lists(sales | garbage, max_size=3), st.integers(0, 300))
def test_up_to_one_percent_of_anything_is_set_aside(strange: list[Any], place: int) -> None:
    known = [{"id": 10 + n, "saleDate": "2026-11-22T18:04", "totalAmount": 1, "items": []} for n in range(300)]
    batch = decode_sales(json.dumps(known[:place] + strange + known[place:]).encode(), call=CALL, minor_digits=2)
    assert set(range(10, 310)) <= set(batch.lines["sale_id"])
    assert batch.lines["sale_id"].nunique() + batch.duplicates + len(batch.rejected) == 300 + len(strange)
    assert all(record.reason and record.field for record in batch.rejected)


@given(answers(products), answers(products) | st.none())
def test_stock(body: bytes, inventory: bytes | None) -> None:
    batch = outcome(
        lambda: stock_batch(
            decode_products(body, "GET /products"),
            None if inventory is None else decode_inventory(inventory, "GET /inventory"),
            minor_digits=2,
        )
    )
    if batch is not None:
        assert batch.items["sku"].is_unique
        assert batch.items["sku"].str.strip().ne("").all()


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(-(10**11), 10**11), storable, st.integers(-99, 99)), max_size=20)
)
def test_what_is_good_arrives_unchanged(rows: list[tuple[int, int, str, int]]) -> None:
    body = [
        {
            "id": number,
            "saleDate": f"2026-11-{number + 1:02d}T10:00",
            "totalAmount": cents / 100,
            "items": [
                {
                    "productId": 1,
                    "productName": name,
                    "sku": f"S{name}",
                    "quantity": n,
                    "unitPrice": 1,
                    "subtotal": cents / 100,
                }
            ],
        }
        for number, cents, name, n in rows
    ]
    batch = decode_sales(json.dumps(body).encode(), call=CALL, minor_digits=2)
    expected = {number: (cents, cents, f"S{name}", n) for number, cents, name, n in rows}
    columns = ("sale_total", "subtotal", "sku", "quantity")
    actual = {row["sale_id"]: tuple(row[column] for column in columns) for row in batch.lines.to_dict("records")}
    assert actual == expected
    assert {record.field for record in batch.rejected} <= {"id"}  # different sales of one id
