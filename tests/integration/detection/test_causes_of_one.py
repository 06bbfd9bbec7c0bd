"""One cause is one finding: a sale, an open day, a refund; and what is no product is none."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from salesflow.analytics.giants import without_giants
from salesflow.analytics.services import services_of
from salesflow.detection import DetectionResult, Policy, detect
from salesflow.detection.usual import usual_days
from salesflow.figures import Figures
from salesflow.findings.event import Event, EventType, NoteKind, Severity
from salesflow.findings.wording import sentence
from tests.unit.detection.shops import day_table, made_up

SATURDAY, SUNDAY = date(2025, 8, 2), date(2025, 8, 3)


@pytest.fixture(scope="module")
def products() -> pd.DataFrame:
    return made_up(n_products=16).assign(largest_quantity=2, largest_revenue=2000, largest_at=36_000)


def at(products: pd.DataFrame, day: date, *skus: str) -> "pd.Series[bool]":
    return (products["date"] == pd.Timestamp(day)) & products["sku"].isin(skus)


def day_of(products: pd.DataFrame, day: date = SATURDAY, **shop: object) -> DetectionResult:
    table = day_table(products)
    back = products.groupby("date")[["returned_quantity", "returned_revenue"]].sum().reset_index()
    table = table.merge(back, on="date")
    table[["quantity", "revenue"]] -= table[["returned_quantity", "returned_revenue"]].to_numpy()
    net = products.assign(
        quantity=products["quantity"] - products["returned_quantity"],
        revenue=products["revenue"] - products["returned_revenue"],
    )
    return detect(table.assign(**shop), net, day, Policy())


def returned(products: pd.DataFrame, sku: str, pieces: int, money: int, day: date = SATURDAY) -> pd.DataFrame:
    table = products.assign(returned_quantity=0, returned_revenue=0)
    table.loc[at(table, day, sku), ["returned_quantity", "returned_revenue"]] = pieces, money
    return table


def returns(result: DetectionResult) -> list[Event]:
    return [event for event in result.shop if event.type is EventType.RETURNS]


def test_a_refund_of_twelve_days_takings_is_told_with_its_sale_and_its_product(products: pd.DataFrame) -> None:
    usual = day_table(products)["revenue"].mean()
    table = returned(products, "P09", 1250, round(12 * usual))
    one = {
        "refunds": 1,
        "largest_sale": 0,
        "largest_sale_at": -1,
        "largest_refund": round(12 * usual),
        "largest_refund_at": 63_000,
    }
    (event,) = returns(day_of(table, **one))
    assert event.severity is Severity.HIGH
    assert event.impact == -round(12 * usual)
    text = sentence(event.statement, Figures("EUR"))
    assert "was given back on Saturday for 1,250 pieces, where usually nothing is. It was one refund, at 17:30." in text
    assert event.causes is not None
    assert event.causes.products[0].name == "Product 9 (P09)"


def test_an_order_that_is_given_back_the_same_day_is_quiet(products: pd.DataFrame) -> None:
    table = products.copy()
    here = at(table, SATURDAY, "P09")
    price = int(table.loc[here, "revenue"].iloc[0] / table.loc[here, "quantity"].iloc[0])
    table.loc[here, "quantity"] += 1250
    table.loc[here, "revenue"] += 1250 * price
    result = day_of(returned(table, "P09", 1250, 1250 * price))
    assert returns(result) == []
    for event in (result.shop[0], result.products[0]):  # a report shows an ordinary day: this says why it does not
        (note,) = [n for n in event.notes if n.kind is NoteKind.BEFORE_RETURNS]
        assert note.amount == 1250 * price
        assert NoteKind.RECORD not in {n.kind for n in event.notes}  # nothing of it is left


@pytest.mark.parametrize("sold", [0, 1250])
def test_a_refund_of_no_known_product_is_told_unless_it_cancels_what_was_sold_that_day(
    products: pd.DataFrame, sold: int
) -> None:
    nameless = {"date": pd.Timestamp(SATURDAY), "sku": "", "name": "", "quantity": sold, "revenue": 400 * sold}
    table = pd.concat([products, pd.DataFrame([{**nameless, "transactions": 1}])], ignore_index=True)
    found = returns(day_of(returned(table, "", 1250, 500_000)))
    assert [(event.impact, event.statement.pieces) for event in found] == ([] if sold else [(-500_000, 1250)])


def test_on_a_closed_weekday_a_refund_is_no_opening_and_one_sale_no_change_of_hours(products: pd.DataFrame) -> None:
    (one,) = products[at(products, SATURDAY, "P09")].assign(date=pd.Timestamp(SUNDAY)).to_dict("records")
    refunded = pd.DataFrame([{**one, "quantity": 0, "revenue": 0, "transactions": 1}])
    result = day_of(returned(pd.concat([products, refunded], ignore_index=True), "P09", 900, 900_000, SUNDAY), SUNDAY)
    assert [event.type for event in result.shop] == [EventType.RETURNS]
    cheap = pd.DataFrame([{**one, "quantity": 1, "revenue": 150, "transactions": 1}])
    at_eleven = {
        f"h{hour:02d}": lambda t, hour=hour: t[f"h{hour:02d}"].where(
            t["date"] != pd.Timestamp(SUNDAY), 150 * (hour == 11)
        )
        for hour in range(24)
    }
    table = returned(pd.concat([products, cheap], ignore_index=True), "", 0, 0)
    assert EventType.UNUSUAL_MIX not in {event.type for event in day_of(table, SUNDAY, **at_eleven).shop}


def test_many_small_refunds_are_told_and_the_usual_few_are_not(products: pd.DataFrame) -> None:
    table = products.assign(returned_quantity=0, returned_revenue=0)
    table.loc[table["date"] == pd.Timestamp(SATURDAY), ["returned_quantity", "returned_revenue"]] = 1, 150
    sales = float(day_table(products)["transactions"].tail(28).mean())
    many, few = (
        day_of(table, refunds=np.where(day_table(products)["date"] == pd.Timestamp(SATURDAY), n, 1)) for n in (sales, 2)
    )
    assert [event.severity for event in returns(many)] == [Severity.HIGH]
    assert returns(few) == []


def test_opening_on_a_closed_weekday_is_one_fact_of_the_shop(products: pd.DataFrame) -> None:
    sunday = products[products["date"] == pd.Timestamp(SATURDAY)].assign(date=pd.Timestamp(SUNDAY))
    result = day_of(pd.concat([products, sunday]).assign(returned_quantity=0, returned_revenue=0), SUNDAY)
    assert result.products == ()
    (event,) = result.shop  # and said once: in money
    assert (event.metric, event.severity) == ("revenue", Severity.HIGH)
    assert event.causes is not None
    assert event.causes.products
    assert event.causes.price_volume == ()  # nothing is usual of which there could be more


def test_products_of_one_sale_are_told_under_the_dearest_of_them(products: pd.DataFrame) -> None:
    table = products.assign(returned_quantity=0, returned_revenue=0)
    for sku in ("P02", "P05", "P09"):
        here = at(table, SATURDAY, sku)
        extra, price = 400, table.loc[here, "revenue"].iloc[0] // table.loc[here, "quantity"].iloc[0]
        table.loc[here, ["quantity", "revenue"]] += [extra, extra * price]
        table.loc[here, ["largest_quantity", "largest_revenue", "largest_at"]] = extra, extra * price, 51_120
    spikes = [event for event in day_of(table).products if event.sku in {"P02", "P05", "P09"}]
    notes = {event.sku: {note.kind: note for note in event.notes} for event in spikes}
    assert len(spikes) == 3
    assert all(NoteKind.ONE_SALE in found for found in notes.values())
    assert {found[NoteKind.ONE_SALE].at for found in notes.values()} == {"14:12"}
    assert sorted(found[NoteKind.ONE_SALE].deviation for found in notes.values()) == [0, 0, 2]


def test_what_a_day_of_the_whole_shop_explains_is_not_told_of_its_products(products: pd.DataFrame) -> None:
    table = products.assign(returned_quantity=0, returned_revenue=0)
    here = at(table, SATURDAY, "P02")
    table.loc[here, ["quantity", "revenue"]] *= 60
    result = day_of(table)
    assert any(event.severity is Severity.HIGH and event.type is EventType.HIGH_SPIKE for event in result.shop)
    assert not [event for event in result.products if event.within_budget and event.impact > 0]


def test_a_giant_order_teaches_neither_the_usual_day_nor_the_forecast(products: pd.DataFrame) -> None:
    table = day_table(products).assign(largest_sale=5_000, largest_sale_at=36_000)
    day = pd.Timestamp(SATURDAY - timedelta(days=7))
    giant = table.copy()
    row = giant["date"] == day
    giant.loc[row, "largest_sale"] = 40 * int(giant["revenue"].mean())
    giant.loc[row, "revenue"] += giant.loc[row, "largest_sale"]
    (before,), (after,) = (usual_days(one, SATURDAY, SATURDAY).values() for one in (table, giant))
    assert before is not None
    assert after is not None
    assert after.revenue.value == pytest.approx(before.revenue.value, rel=0.02)
    giant.loc[row, "h10"] += giant.loc[row, "largest_sale"]
    (taught,) = usual_days(giant, SATURDAY, SATURDAY).values()
    assert taught is not None
    assert taught.hours == pytest.approx(before.hours, rel=0.05)  # nor the hours
    taught = without_giants(giant)
    assert int(taught.loc[row, "revenue"].iloc[0]) == pytest.approx(int(table.loc[row, "revenue"].iloc[0]), rel=0.1)
    assert taught[~row].equals(giant[~row])


def test_services_are_what_has_no_price_of_its_own_or_is_not_in_the_product_list(products: pd.DataFrame) -> None:
    postage = products[products["sku"] == "P03"].assign(sku="POST", quantity=1)
    postage["revenue"] = np.geomspace(100, 100_000, len(postage)).astype(int)
    table = pd.concat([products, postage])
    (post,) = services_of(table)
    assert (post.sku, post.listed, post.revenue) == ("POST", True, postage["revenue"].sum())
    assert post.low is not None
    assert post.high is not None
    assert 10 * post.low < post.high <= 100_000
    listed = set(table["sku"]) - {"P07"}
    assert {(one.sku, one.listed, one.low is None) for one in services_of(table, listed)} == {
        ("POST", True, False), ("P07", False, True),
    }  # fmt: skip


def test_a_product_is_called_as_on_its_paid_lines_not_as_on_a_write_off(products: pd.DataFrame) -> None:
    table = products.assign(returned_quantity=0, returned_revenue=0)
    here = at(table, SATURDAY, "P02")
    table.loc[here, ["quantity", "revenue"]] *= 60
    table.loc[here, "name"] = "wet, thrown away"
    spike = next(event for event in day_of(table).products if event.sku == "P02")
    assert spike.name == "Product 2"


def test_a_doubling_of_the_level_is_found_within_fourteen_open_days_and_told_with_both(products: pd.DataFrame) -> None:
    table = products.assign(returned_quantity=0, returned_revenue=0)
    first = SATURDAY - timedelta(days=15)
    later = table["date"] >= pd.Timestamp(first)
    table.loc[later, ["quantity", "revenue"]] *= 2
    found = {
        back: [e for e in day_of(table, SATURDAY - timedelta(days=back)).shop if e.type is EventType.LEVEL_MOVED]
        for back in (14, 0)
    }
    assert found[14] == []
    (moved,) = found[0]
    assert moved.statement.value == pytest.approx(2 * (moved.statement.expected or 0), rel=0.15)
    beside = [e.severity for e in day_of(table).shop if e.type is not EventType.LEVEL_MOVED]
    assert set(beside) <= {Severity.LOW}  # the new level explains the day
    table.loc[table["date"] == pd.Timestamp(SATURDAY), ["quantity", "revenue"]] *= 4
    beside = [e.severity for e in day_of(table).shop if e.type is not EventType.LEVEL_MOVED]
    assert Severity.HIGH in beside  # and not one of four times the new level
    steady = products.assign(returned_quantity=0, returned_revenue=0)
    assert [e for e in day_of(steady).shop if e.type is EventType.LEVEL_MOVED] == []


@pytest.mark.parametrize(
    ("first", "last", "what"),
    [
        (22, 3, "a low that is over is no level"),
        (50, 15, "sales back where they stood before a low are no higher level"),
    ],
)
def test_a_low_and_its_end_are_no_new_level(products: pd.DataFrame, first: int, last: int, what: str) -> None:
    table = products.assign(returned_quantity=0, returned_revenue=0)
    low = table["date"].between(*(pd.Timestamp(SATURDAY - timedelta(days=back)) for back in (first, last)))
    for column in ("quantity", "revenue"):
        table.loc[low, column] = np.ceil(table.loc[low, column] * 0.4).astype(int)
    assert [e for e in day_of(table).shop if e.type is EventType.LEVEL_MOVED] == [], what


def test_a_day_worth_two_of_a_level_that_is_the_usual_by_now_is_told_beside_it(products: pd.DataFrame) -> None:
    table = products.assign(returned_quantity=0, returned_revenue=0)
    table.loc[table["date"] >= pd.Timestamp(SATURDAY - timedelta(days=15)), ["quantity", "revenue"]] *= 3
    table.loc[table["date"] == pd.Timestamp(SATURDAY), ["quantity", "revenue"]] *= 2
    events = day_of(table).shop
    assert EventType.LEVEL_MOVED in {e.type for e in events}
    assert Severity.HIGH in [e.severity for e in events if e.type is not EventType.LEVEL_MOVED]
