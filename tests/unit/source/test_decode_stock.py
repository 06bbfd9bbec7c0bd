"""What the API's products and inventory become."""

from typing import Any

import pytest

from salesflow.errors import SourceContractBroken
from tests.unit.source.records import counted, product, stock


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
    assert (batch.items["stock_quantity"].tolist(), batch.items["cost"].tolist(), batch.duplicates) == ([2], [100], 0)
    told = "Another record has this SKU, and stands"
    assert [(r.call, r.record, r.field, r.reason) for r in batch.rejected] == [
        ("GET /products", "SKU A", "sku", told),
        ("GET /inventory", "SKU A", "sku", told),
    ]


def test_a_product_that_is_listed_twice_stands_once_in_silence() -> None:
    batch = stock([product("A"), product("B"), product("A")], [counted("A"), counted("A")])
    assert (batch.items["sku"].tolist(), batch.duplicates, batch.rejected) == (["A", "B"], 2, ())


@pytest.mark.parametrize(
    "bad",
    [product(""), product(" "), product("\u200b"), {**product("A"), "sku": None}, product("A", stockQuantity=None)],
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
