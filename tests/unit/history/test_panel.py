"""The daily panel: what it sums, and that it comes back from its file as it went in."""

import gzip
from collections import defaultdict
from datetime import date, datetime

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from salesflow.history.panel import COLUMNS, panel_form, panel_of
from tests.unit.analytics.tables import Item, Sale, arrays_of, sales_between


@given(sales_between(datetime(2026, 10, 28), datetime(2026, 11, 5)))
def test_one_row_a_day_and_sku_with_its_sums(sales: list[Sale]) -> None:
    panel = panel_of(arrays_of(sales))
    quantity: dict[tuple[date, str], int] = defaultdict(int)
    revenue: dict[tuple[date, str], int] = defaultdict(int)
    transactions: dict[tuple[date, str], int] = defaultdict(int)
    for sale in sales:
        for item in sale.items:
            quantity[sale.sold_at.date(), item.sku] += item.quantity
            revenue[sale.sold_at.date(), item.sku] += item.subtotal
        for sku in {item.sku for item in sale.items}:
            transactions[sale.sold_at.date(), sku] += 1
    keys = list(zip(panel["date"].dt.date, panel["sku"], strict=True))
    assert keys == sorted(quantity)
    assert dict(zip(keys, panel["quantity"], strict=True)) == quantity
    assert dict(zip(keys, panel["revenue"], strict=True)) == revenue
    assert dict(zip(keys, panel["transactions"], strict=True)) == transactions


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@given(
    st.lists(st.tuples(_TEXT, _TEXT, st.integers(-(10**6), 10**6), st.integers(-(10**11), 10**11)), max_size=6),
    st.sampled_from([0, 2, 3]),
)
def test_the_file_gives_back_every_name_and_every_cent(rows: list[tuple[str, str, int, int]], digits: int) -> None:
    panel = panel_of(arrays_of([]))
    if rows:
        panel = pd.DataFrame(
            {
                "date": pd.Series([pd.Timestamp("2026-11-22")] * len(rows)).astype("datetime64[s]"),
                "sku": [row[0] for row in rows],
                "name": [row[1] for row in rows],
                "quantity": [row[2] for row in rows],
                "revenue": [row[3] for row in rows],
                "transactions": 1,
                "largest_quantity": [row[2] for row in rows],
                "largest_revenue": [row[3] for row in rows],
                "largest_at": 3600,
            }
        )
    back = panel_form(digits).decode(panel_form(digits).encode(panel))
    assert list(back.columns) == list(COLUMNS)
    for column in COLUMNS:
        assert back[column].tolist() == panel[column].tolist(), column


def test_amounts_in_the_file_are_decimals_that_a_person_can_read() -> None:
    sales = [Sale(datetime(2026, 11, 22, 9), (Item("A1", "Thé, vert", 2, 1234), Item("B2", "Cup", -1, -5)))]
    text = gzip.decompress(panel_form(2).encode(panel_of(arrays_of(sales)))).decode()
    assert text.splitlines() == [
        "date,sku,name,quantity,revenue,transactions,largest_quantity,largest_revenue,largest_at",
        '2026-11-22,A1,"Thé, vert",2,12.34,1,2,12.34,32400',
        "2026-11-22,B2,Cup,-1,-0.05,1,-1,-0.05,32400",
    ]


def test_the_same_rows_give_the_same_bytes() -> None:
    sales = [Sale(datetime(2026, 11, 22, 9), (Item("A1", "Tea", 2, 1234),))]
    assert panel_form(2).encode(panel_of(arrays_of(sales))) == panel_form(2).encode(panel_of(arrays_of(list(sales))))


def test_the_one_sale_that_holds_most_of_a_product_is_known() -> None:
    panel = panel_of(
        arrays_of(
            [
                Sale(datetime(2026, 11, 22, 9), (Item("A1", "Tea", 3, 300),)),
                Sale(datetime(2026, 11, 22, 14, 12), (Item("A1", "Tea", 600, 60000), Item("A1", "Tea", 400, 40000))),
                Sale(datetime(2026, 11, 22, 17), (Item("A1", "Tea", 5, 500), Item("B2", "Cup", 1, 200))),
            ]
        )
    ).set_index("sku")
    assert panel.loc["A1", ["largest_quantity", "largest_revenue", "largest_at"]].tolist() == [1000, 100000, 51120]
    assert panel.loc["B2", ["largest_quantity", "largest_revenue", "largest_at"]].tolist() == [1, 200, 61200]


def test_a_name_is_that_of_a_paid_line_not_of_a_write_off() -> None:
    sales = [
        Sale(datetime(2026, 11, 22, 9), (Item("A1", "Green tea", 2, 1234),)),
        Sale(datetime(2026, 11, 22, 18), (Item("A1", "wet, thrown away", -3, 0),)),
    ]
    assert panel_of(arrays_of(sales))["name"].tolist() == ["Green tea"]


def test_a_file_of_version_1_0_0_is_read_and_what_it_does_not_say_is_unknown() -> None:
    body = gzip.compress(b"date,sku,name,quantity,revenue,transactions\n2026-11-22,A1,Tea,2,12.34,1\n")
    (row,) = panel_form(2).decode(body).itertuples(index=False)
    assert (row.sku, row.quantity, row.revenue, row.transactions, row.largest_at) == ("A1", 2, 1234, 1, -1)
