"""What the owner of a shop is told about a day, and what not."""

from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from salesflow.anomalies import (
    Contribution,
    DayState,
    DetectionResult,
    Event,
    EventType,
    Policy,
    Severity,
    detect,
    missing_days,
)
from tests.unit.anomalies.shops import REAL, day_table, made_up, real

SATURDAY = date(2025, 8, 2)  # day 208 of the made-up shop
ON_SATURDAY = f"{SATURDAY}"


def judge(
    products: pd.DataFrame, day: date = SATURDAY, policy: Policy | None = None, **more: object
) -> DetectionResult:
    return detect(day_table(products), products, day, policy, **more)  # type: ignore[arg-type]  # keywords pass through


def times(products: pd.DataFrame, factor: float, *, days: list[date], sku: str | None = None) -> pd.DataFrame:
    """The same shop, with the sales of these days (of one product) multiplied; the price stays."""
    changed = products.copy()
    at = changed["date"].dt.date.isin(days) & ((changed["sku"] == sku) if sku else True)
    price = changed["revenue"] // changed["quantity"]
    changed.loc[at, "quantity"] = (changed.loc[at, "quantity"] * factor).round().astype(int)
    changed.loc[at, "transactions"] = (changed.loc[at, "transactions"] * factor).round().astype(int)
    changed["revenue"] = changed["quantity"] * price
    return changed[changed["quantity"] > 0]


def only(events: tuple[Event, ...], type_: EventType) -> list[Event]:
    return [e for e in events if e.type is type_]


def total(parts: tuple[Contribution, ...]) -> int:
    return sum(p.amount for p in parts)


def test_an_ordinary_day_and_an_ordinary_closed_day_say_nothing() -> None:
    products = made_up()
    assert [e for e in judge(products).shop if e.severity is Severity.HIGH] == []
    sunday = judge(products, SATURDAY + timedelta(days=1))
    assert (sunday.state, sunday.shop, sunday.products) == (DayState.CLOSED, (), ())


def test_a_slow_saturday_is_told_in_numbers_with_causes_that_add_up_and_products_stay_quiet() -> None:
    result = judge(times(made_up(), 0.4, days=[SATURDAY]))
    event = next(e for e in result.shop if e.metric == "revenue")
    assert event.type in (EventType.DROP, EventType.WEEKDAY_BREAK)
    assert event.severity is Severity.HIGH
    assert event.explanation.startswith("Saturday's sales were ")
    assert " instead of about " in event.explanation
    assert event.deviation == pytest.approx(-0.6, abs=0.1)
    assert event.causes is not None
    assert event.value is not None
    assert event.expected is not None
    assert event.causes.difference == event.impact == round(event.value) - round(event.expected)
    for split in (event.causes.products, event.causes.hours, event.causes.price_volume):
        assert total(split) == event.causes.difference
    customers = event.causes.price_volume[0]
    assert customers.name == "customers"
    assert customers.amount == pytest.approx(event.impact, rel=0.2)
    assert result.day_factor == pytest.approx(0.4, abs=0.08)
    assert only(result.products, EventType.DROP) == []


def test_one_products_bulk_order_is_the_products_event_and_the_shops_first_cause() -> None:
    result = judge(times(made_up(), 12, days=[SATURDAY], sku="P09"))
    assert result.products[0].sku == "P09"
    assert result.products[0].type is EventType.HIGH_SPIKE
    causes = next(e.causes for e in result.shop if e.metric == "revenue")
    assert causes is not None
    assert causes.products[0].name == "Product 9 (P09)"


def test_a_new_level_is_one_event_with_its_first_day() -> None:
    days = [SATURDAY - timedelta(days=back) for back in range(5)]
    result = judge(times(made_up(), 2.2, days=days, sku="P09"))
    event = next(e for e in result.products if e.sku == "P09")
    assert event.type is EventType.LEVEL_SHIFT
    assert event.since == days[-1]
    assert "since Tuesday 29 July" in event.explanation
    tomorrow = times(made_up(), 2.2, days=days[1:], sku="P09")
    before = next(e for e in judge(tomorrow, SATURDAY - timedelta(days=1)).products if e.sku == "P09")
    assert before.key == event.key


def test_a_saturday_like_a_monday_is_named_so() -> None:
    result = judge(times(made_up(), 0.5, days=[SATURDAY]))
    assert any(
        e.type is EventType.WEEKDAY_BREAK
        and ("those of a Monday" in e.explanation or "those of a Tuesday" in e.explanation)
        for e in result.shop
    )


def test_a_product_that_stopped_is_told_once_and_says_if_it_is_out_of_stock() -> None:
    products = made_up()
    gone = [SATURDAY - timedelta(days=back) for back in range(9)]
    products = products[~((products["sku"] == "P04") & products["date"].dt.date.isin(gone))]
    told = []
    for day in reversed(gone):
        result = judge(products, day, Policy(min_impact=0), stock={"P04": 0})
        told += [e for e in only(result.products, EventType.STOPPED_SELLING) if e.sku == "P04"]
    assert len(told) == 1
    assert told[0].since == gone[-1]
    assert "out of stock" in told[0].notes
    assert told[0].impact < 0


def test_the_same_pieces_at_a_tenth_of_the_price_are_a_price_change() -> None:
    products = made_up()
    at = (products["date"].dt.date == SATURDAY) & (products["sku"] == "P05")
    products.loc[at, "revenue"] //= 10
    event = next(e for e in judge(products, policy=Policy(min_impact=0)).products if e.sku == "P05")
    assert event.type is EventType.PRICE_CHANGE or "average price" in " ".join(event.notes)


def test_a_trading_day_without_sales_is_missing_and_stays_one_event_while_it_lasts() -> None:
    products = made_up()
    dead = [SATURDAY - timedelta(days=back) for back in range(10)]
    products = products[~products["date"].dt.date.isin(dead)]
    results = [judge(products, day) for day in reversed(dead)]
    events = [e for r in results for e in r.shop]
    assert len({e.key for e in events}) == 1
    assert [e.is_new for e in events].count(True) == 1
    assert {r.state for r in results} == {DayState.MISSING, DayState.CLOSED}  # the Sunday between
    assert all(r.products == () for r in results)


def test_a_known_holiday_is_closed_and_when_open_its_interval_is_wider_and_named() -> None:
    policy = Policy(holidays={SATURDAY: "Founders' Day"})
    slow = times(made_up(), 0.4, days=[SATURDAY])
    closed = slow[slow["date"].dt.date != SATURDAY]
    assert judge(closed, policy=policy).state is DayState.CLOSED
    plain, holiday = judge(slow), judge(slow, policy=policy)
    assert holiday.holiday == "Founders' Day"
    for event in holiday.shop:
        twin = next(e for e in plain.shop if e.metric == event.metric)
        assert abs(event.score or 0) < abs(twin.score or 0)
        assert "Founders' Day" in event.explanation or event.type is EventType.WEEKDAY_BREAK


def test_a_day_cut_off_at_noon_is_partial_and_no_drop() -> None:
    products = times(made_up(), 0.35, days=[SATURDAY])
    shop = day_table(products, cut_at={ON_SATURDAY: 12})
    result = detect(shop, products, SATURDAY)
    assert result.state is DayState.PARTIAL
    assert [e.type for e in result.shop] == [EventType.PARTIAL_DAY]
    assert "stops at 11:53" in result.shop[0].explanation
    assert result.products == ()


def test_a_source_that_ends_before_the_day_is_stale_and_nothing_is_judged() -> None:
    result = judge(made_up(), data_as_of=datetime(2025, 8, 1, 20, 0))
    assert (result.state, result.shop, result.products) == (DayState.STALE, (), ())


def test_later_rows_change_nothing() -> None:
    products = made_up()
    day = SATURDAY - timedelta(days=4)
    known = products[products["date"].dt.date <= day]
    assert judge(products, day) == judge(known, day)


def test_floors_mutes_and_top_k_hold() -> None:
    days = [SATURDAY]
    products = made_up()
    for sku in ("P01", "P02", "P03", "P04"):
        products = times(products, 15, days=days, sku=sku)
    loud = judge(products)
    assert {"P01", "P02", "P03", "P04"} <= {e.sku for e in loud.products}
    impacts = [abs(e.impact) for e in loud.products if e.severity is not Severity.LOW]
    assert impacts == sorted(impacts, reverse=True)
    limited = judge(products, policy=Policy(top_k=2, muted=frozenset({"P01"})))
    assert len(limited.products) == 2
    assert limited.untold >= 1
    assert limited.muted == 1
    assert "P01" not in {e.sku for e in limited.products}
    floored = judge(products, policy=Policy(min_impact=10**9))
    assert {e.severity for e in floored.products} <= {Severity.LOW}


def test_too_little_history_learns_and_tells_nothing() -> None:
    products = made_up(days=60)
    result = judge(products, date(2025, 3, 1))
    assert result.learning
    assert result.products == ()
    assert result.shop == ()


@pytest.mark.parametrize(
    ("broken", "says"),
    [("column", "shop lacks the columns? last_sale"), ("doubled", "shop has more than one row for 2025-08-01")],
)
def test_a_broken_table_is_refused_by_name(broken: str, says: str) -> None:
    products = made_up()
    shop = day_table(products)
    twice = pd.concat([shop, shop[shop["date"] == "2025-08-01"]])
    shop = shop.drop(columns="last_sale") if broken == "column" else twice
    with pytest.raises(ValueError, match=says):
        detect(shop, products, SATURDAY)


@pytest.mark.skipif(not REAL.exists(), reason=f"no real sales at {REAL.name}")
def test_the_real_shops_closures_its_cut_off_day_and_its_giant_order() -> None:
    shop, products = real()
    missing = missing_days(shop, date(2011, 12, 9))
    assert {date(2011, 5, 30), date(2011, 8, 29)} <= set(missing)
    assert not [d for d in missing if d.weekday() == 5]  # it never trades on Saturdays

    christmas = [detect(shop, products, date(2010, 12, 24) + timedelta(days=n)) for n in range(11)]
    assert len({e.key for r in christmas for e in r.shop}) == 1
    assert sum(e.is_new for r in christmas for e in r.shop) == 1

    last = detect(shop, products, date(2011, 12, 9))
    assert last.state is DayState.PARTIAL
    assert last.shop[0].type is EventType.PARTIAL_DAY
    assert not [e for e in last.shop + last.products if (e.score or 0) < 0]
    spike = next(e for e in last.shop if e.type is EventType.HIGH_SPIKE and e.metric == "revenue")
    assert spike.causes is not None
    assert "23843" in spike.causes.products[0].name
    assert last.products[0].sku == "23843"
    assert "80,995 pieces" in last.products[0].explanation
