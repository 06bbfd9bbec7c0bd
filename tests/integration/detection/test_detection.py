"""What the owner of a shop is told about a day, and what not."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from salesflow.detection import DetectionResult, Policy, detect, detect_days
from salesflow.detection.calendar import missing_days
from salesflow.figures import Figures
from salesflow.findings.event import Contribution, DayState, Event, EventType, Severity
from salesflow.findings.wording import sentence
from tests.stand_ins.shops import REAL_SALES
from tests.unit.detection.shops import day_table, made_up, real

SATURDAY = date(2025, 8, 2)  # day 208 of the made-up shop
ON_SATURDAY = f"{SATURDAY}"


def said(event: Event) -> str:
    """What a reader is told, in English."""
    return sentence(event.statement, Figures("CNY"))


def judge(
    products: pd.DataFrame, day: date = SATURDAY, policy: Policy | None = None, **more: object
) -> DetectionResult:
    return detect(day_table(products), products, day, policy, **more)  # type: ignore[arg-type]  # keywords pass through


def judge_days(
    products: pd.DataFrame, days: list[date], policy: Policy | None = None, **more: object
) -> list[DetectionResult]:
    found = detect_days(day_table(products), products, days, [policy or Policy()], **more)  # type: ignore[arg-type]  # as above
    return [results[0] for results in found]


@pytest.fixture(scope="module")
def ordinary() -> pd.DataFrame:
    """The made-up shop; tests change copies of it."""
    return made_up()


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


def test_an_ordinary_day_and_an_ordinary_closed_day_say_nothing(ordinary: pd.DataFrame) -> None:
    assert [e for e in judge(ordinary).shop if e.severity is Severity.HIGH] == []
    sunday = judge(ordinary, SATURDAY + timedelta(days=1))
    assert (sunday.state, sunday.shop, sunday.products) == (DayState.CLOSED, (), ())


def test_a_slow_saturday_is_told_in_numbers_with_causes_that_add_up_and_products_stay_quiet(
    ordinary: pd.DataFrame,
) -> None:
    result = judge(times(ordinary, 0.4, days=[SATURDAY]))
    event = next(e for e in result.shop if e.metric == "revenue")
    assert event.type in (EventType.DROP, EventType.WEEKDAY_BREAK)
    assert event.severity is Severity.HIGH
    assert said(event).startswith("Saturday's sales were ")
    assert " instead of about " in said(event)
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


def test_fewer_customers_are_told_in_money(ordinary: pd.DataFrame) -> None:
    shop = day_table(times(ordinary, 0.8, days=[SATURDAY]))
    at = shop["date"] == pd.Timestamp(SATURDAY)
    shop.loc[at, "transactions"] = (shop.loc[at, "transactions"] * 0.4).round().astype(int)
    result = detect(shop, ordinary, SATURDAY)
    assert [e.metric for e in result.shop][:2] == ["revenue", "transactions"]


def test_one_products_bulk_order_is_the_products_event_and_the_shops_first_cause(ordinary: pd.DataFrame) -> None:
    result = judge(times(ordinary, 12, days=[SATURDAY], sku="P09"))
    assert result.products[0].sku == "P09"
    assert result.products[0].type is EventType.HIGH_SPIKE
    causes = next(e.causes for e in result.shop if e.metric == "revenue")
    assert causes is not None
    assert causes.products[0].name == "Product 9 (P09)"


def test_a_new_level_is_reported_once_with_its_first_day(ordinary: pd.DataFrame) -> None:
    days = [SATURDAY - timedelta(days=back) for back in range(5)][::-1]
    results = judge_days(times(ordinary, 6, days=days, sku="P09"), days, Policy(min_impact=0))
    events = [e for r in results for e in r.products if e.sku == "P09"]
    assert [e.is_new for e in events] == [True] + [False] * (len(events) - 1)
    assert {e.since for e in events} == {days[0]}
    assert events[0].type is EventType.HIGH_SPIKE
    assert [e.type for e in events[2:]] == [EventType.LEVEL_SHIFT] * (len(events) - 2)
    assert len({e.key for e in events[2:]}) == 1
    assert "since Tuesday, 29 July" in said(events[-1])


def test_no_sale_where_a_few_pieces_are_usual_is_no_event_whatever_they_cost() -> None:
    products = made_up(n_products=12, mean=(2.0, 3.0))
    at = (products["date"].dt.date == SATURDAY) & products["sku"].isin([f"P{i:02d}" for i in range(3)])
    result = judge(products[~at], policy=Policy(min_impact=0))
    assert [e for e in result.products if e.type is EventType.ZERO_DROP and e.severity is not Severity.LOW] == []


def test_judging_many_days_and_policies_together_gives_the_same_answers(ordinary: pd.DataFrame) -> None:
    products = times(ordinary, 6, days=[SATURDAY], sku="P02")
    days = [SATURDAY - timedelta(days=1), SATURDAY]
    policies = [Policy(alerts_per_month=2), Policy(alerts_per_month=12, min_impact=0)]
    together = list(detect_days(day_table(products), products, days, policies))
    assert together[1] == tuple(judge(products, SATURDAY, p) for p in policies)
    assert together[1][0].products[0].sku == "P02"
    with pytest.raises(ValueError, match="same holidays"):
        list(detect_days(day_table(products), products, days, [Policy(), Policy(holidays={SATURDAY: "Fair"})]))


def test_one_product_can_be_judged_and_the_shop_is_still_taken_out_by_all(ordinary: pd.DataFrame) -> None:
    products = times(times(ordinary, 0.4, days=[SATURDAY]), 8, days=[SATURDAY], sku="P09")
    everything = judge(products, policy=Policy())
    one = judge(products, policy=Policy(), skus={"P09"})
    assert [e for e in everything.products if e.sku == "P09"] == list(one.products) != []
    assert (one.shop, one.day_factor, one.threshold_shop) == (
        everything.shop, everything.day_factor, everything.threshold_shop,
    )  # fmt: skip
    assert judge(products, skus={"P08"}).products == ()


def test_a_saturday_like_a_monday_is_named_so() -> None:
    result = judge(times(made_up(n_products=25), 0.5, days=[SATURDAY]))
    assert any(
        e.type is EventType.WEEKDAY_BREAK and ("those of a Monday" in said(e) or "those of a Tuesday" in said(e))
        for e in result.shop
    )


def test_a_product_that_stopped_is_told_once_and_says_if_it_is_out_of_stock(ordinary: pd.DataFrame) -> None:
    gone = [SATURDAY - timedelta(days=back) for back in range(9)]
    products = ordinary[~((ordinary["sku"] == "P04") & ordinary["date"].dt.date.isin(gone))]
    results = judge_days(products, gone[::-1], Policy(min_impact=0), stock=lambda _: {"P04": 0})
    told = [e for r in results for e in only(r.products, EventType.STOPPED_SELLING) if e.sku == "P04"]
    assert [one.is_new for one in told] == [True] + [False] * (len(told) - 1)
    assert {one.since for one in told} == {gone[-1]}
    assert said(told[0]).startswith("Product 4 (P04) is out of stock and has not sold since Thursday, 24 July: about ")
    assert told[0].impact < 0


def a_small_seller_fell(days: int, *, shop: float = 1.0) -> tuple[pd.DataFrame, list[date]]:
    """Products of 3 to 6 pieces a day, of which the dearest sells two on one of the last days and one on each of the others; and these days.

    `shop`: what the others sell then, as a share.
    """
    products = made_up(n_products=24, mean=(3.0, 6.0))
    last = [SATURDAY - timedelta(days=back) for back in range(days)][::-1]
    dearest = products.groupby("sku")["revenue"].sum().idxmax()
    at = (products["sku"] == dearest) & products["date"].dt.date.isin(last)
    price = products["revenue"] // products["quantity"]
    products.loc[at, "quantity"] = 1
    products.loc[at & (products["date"].dt.date == last[1]), "quantity"] = 2
    products["revenue"] = products["quantity"] * price
    others = products["sku"].unique()[products["sku"].unique() != dearest]
    for sku in others if shop != 1 else ():
        products = times(products, shop, days=last, sku=sku)
    return products, last


def test_a_small_seller_that_sells_less_is_told_with_its_first_day_before_any_single_day_says_so() -> None:
    products, last = a_small_seller_fell(6)
    results = judge_days(products, last)
    fell = [e for r in results for e in only(r.products, EventType.LEVEL_SHIFT) if e.severity is Severity.HIGH]
    assert fell
    assert fell[0].is_new
    assert not any(e.is_new for e in fell[1:])
    assert last[0] <= fell[-1].since <= last[2]
    saturdays = products[(products["sku"] == fell[-1].sku) & (products["date"].dt.day_of_week == 5)]
    assert fell[-1].expected == pytest.approx(saturdays["quantity"].iloc[-9:-1].mean(), rel=0.25)
    assert "Fewer pieces have been sold since Monday, 28 July: 1 on Saturday instead of about " in said(fell[-1])
    assert fell[-1].within_budget
    assert fell[-1].impact < 0
    assert {e.type for r in results for e in r.products if e.sku == fell[0].sku and e.severity is Severity.HIGH} == {
        EventType.LEVEL_SHIFT
    }


def test_what_the_whole_shop_sold_less_is_no_products_fall() -> None:
    products, last = a_small_seller_fell(6, shop=0.3)
    for result in judge_days(products, last):
        assert [e for e in only(result.products, EventType.LEVEL_SHIFT) if e.severity is Severity.HIGH] == []


@pytest.mark.parametrize(("left", "severity"), [(0, Severity.HIGH), (7, Severity.MEDIUM)])
def test_a_smaller_product_is_missed_where_its_stock_is_known_to_be_gone(
    ordinary: pd.DataFrame, left: int, severity: Severity
) -> None:
    products = ordinary.copy()
    mine = products["sku"] == products.groupby("sku")["quantity"].sum().idxmin()
    whole = products.loc[~mine, "revenue"].sum()
    products.loc[mine, "revenue"] = (
        0.022 * whole * products.loc[mine, "quantity"] / products.loc[mine, "quantity"].sum()
    ).astype(int)
    gone = [SATURDAY - timedelta(days=back) for back in range(9)]
    stock = {str(sku): left for sku in products["sku"].unique()}
    days = judge_days(products[~(mine & products["date"].dt.date.isin(gone))], gone[::-1], stock=lambda _: stock)
    told = [e for day in days for e in only(day.products, EventType.STOPPED_SELLING)]
    assert {e.severity for e in told} == {severity}


def test_a_product_that_was_out_of_stock_is_judged_by_the_days_on_which_it_could_be_bought(
    ordinary: pd.DataFrame,
) -> None:
    largest = str(ordinary.groupby("sku")["quantity"].sum().idxmax())
    gone = [SATURDAY - timedelta(days=back) for back in range(1, 22)]
    products = ordinary[~((ordinary["sku"] == largest) & ordinary["date"].dt.date.isin(gone))]
    usual = float(products[products["sku"] == largest].tail(1)["quantity"].iloc[0])
    stockouts = pd.DataFrame({"sku": [largest], "first": [pd.Timestamp(gone[-1])], "last": [pd.Timestamp(gone[0])]})
    half = times(products, 0.4, days=[SATURDAY], sku=largest)
    with_stock, without = (
        [e for e in judge(half, policy=Policy(min_impact=0), stockouts=known).products if e.sku == largest]
        for known in (stockouts, None)
    )
    (event,) = with_stock
    assert event.since == SATURDAY  # the days before are no part of what began today
    assert event.expected == pytest.approx(usual, rel=0.3)
    assert all(other.expected is None or other.expected < 0.7 * usual for other in without)


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_the_same_pieces_at_a_tenth_of_the_price_are_a_price_change_on_the_second_day_too(
    ordinary: pd.DataFrame, share: float
) -> None:
    products, days = ordinary.copy(), [SATURDAY - timedelta(days=1), SATURDAY]
    at = products["date"].dt.date.isin(days) & (products["sku"] == "P05")
    price = products.loc[at, "revenue"] // products.loc[at, "quantity"] // 10
    products.loc[at, "quantity"] = (share * products.loc[at, "quantity"]).astype(int)  # a slow day makes it no smaller
    products.loc[at, "revenue"] = products.loc[at, "quantity"] * price
    for result in judge_days(products, days):
        event = next(e for e in result.products if e.sku == "P05")
        assert event.type is EventType.PRICE_CHANGE
        assert event.severity is Severity.HIGH  # a week of it is a good part of a day's sales
        assert event.within_budget


@pytest.mark.parametrize(("times_usual", "told"), [(1.5, False), (2.6, True)])
def test_a_day_worth_two_is_told_in_a_shop_whose_days_swing_widely(times_usual: float, told: bool) -> None:
    products = made_up()
    rng = np.random.default_rng(3)
    swing = dict(zip(pd.date_range("2025-01-06", periods=210), np.exp(rng.normal(0, 0.45, 210)), strict=True))
    swing[pd.Timestamp(SATURDAY)] = times_usual
    for column in ("quantity", "revenue"):
        products[column] = (products[column] * products["date"].map(swing)).round().astype(int) + 1
    events = [e for e in judge(products).shop if e.metric == "revenue" and e.severity is Severity.HIGH]
    assert bool(events) is told


def test_what_never_had_one_price_has_none_that_could_be_wrong(ordinary: pd.DataFrame) -> None:
    products = ordinary.copy()
    postage = products["sku"] == "P05"
    products.loc[postage, "revenue"] *= products.loc[postage, "date"].dt.day % 5 + 1
    at = (products["date"].dt.date == SATURDAY) & postage
    products.loc[at, "revenue"] *= 10
    assert only(judge(products).products, EventType.PRICE_CHANGE) == []


def test_a_trading_day_without_sales_is_missing_and_stays_one_event_while_it_lasts(ordinary: pd.DataFrame) -> None:
    dead = [SATURDAY - timedelta(days=back) for back in range(10)]
    results = judge_days(ordinary[~ordinary["date"].dt.date.isin(dead)], dead[::-1])
    events = [e for r in results for e in r.shop]
    assert len({e.key for e in events}) == 1
    assert [e.is_new for e in events].count(True) == 1
    assert {r.state for r in results} == {DayState.MISSING, DayState.CLOSED}  # the Sunday between
    assert all(r.products == () for r in results)


def test_a_known_holiday_is_closed_and_when_open_its_interval_is_wider_and_named(ordinary: pd.DataFrame) -> None:
    policy = Policy(holidays={SATURDAY: "Founders' Day"})
    slow = times(ordinary, 0.4, days=[SATURDAY])
    closed = slow[slow["date"].dt.date != SATURDAY]
    assert judge(closed, policy=policy).state is DayState.CLOSED
    plain, holiday = judge(slow), judge(slow, policy=policy)
    assert holiday.holiday == "Founders' Day"
    for event in holiday.shop:
        twin = next(e for e in plain.shop if e.metric == event.metric)
        assert abs(event.score or 0) < abs(twin.score or 0)
        assert "It was Founders' Day." in said(event)


def test_a_day_cut_off_at_noon_is_partial_and_no_drop(ordinary: pd.DataFrame) -> None:
    products = times(ordinary, 0.35, days=[SATURDAY])
    shop = day_table(products, cut_at={ON_SATURDAY: 12})
    result = detect(shop, products, SATURDAY)
    assert result.state is DayState.PARTIAL
    assert [e.type for e in result.shop] == [EventType.PARTIAL_DAY]
    (value,) = products.loc[products["date"].dt.date == SATURDAY, ["revenue"]].sum()
    assert said(result.shop[0]).startswith("Saturday, 2 August stops at 11:53, usually not before ")
    assert f"{round(value / 100):,} came in, where about " in said(result.shop[0])
    assert result.products == ()


def test_a_very_slow_day_whose_few_sales_ended_early_is_a_drop_and_not_partial(ordinary: pd.DataFrame) -> None:
    shop = day_table(times(ordinary, 0.15, days=[SATURDAY]), cut_at={ON_SATURDAY: 14})
    shop.loc[shop["date"] == pd.Timestamp(SATURDAY), "transactions"] = 5
    result = detect(shop, times(ordinary, 0.15, days=[SATURDAY]), SATURDAY)
    assert result.state is DayState.OPEN
    assert EventType.DROP in {e.type for e in result.shop}


def test_an_ordinary_sum_at_unusual_hours_is_told_once_with_the_hours_that_moved(ordinary: pd.DataFrame) -> None:
    shop = day_table(ordinary)
    on_day = shop["date"] == pd.Timestamp(SATURDAY)
    columns = [f"h{hour:02d}" for hour in range(24)]
    shop.loc[on_day, columns] = np.roll(shop.loc[on_day, columns].to_numpy(), 6, axis=1)
    result = detect(shop, ordinary, SATURDAY)
    (event,) = (e for e in result.shop if e.severity is not Severity.LOW)
    assert (event.type, event.severity) == (EventType.UNUSUAL_MIX, Severity.HIGH)
    assert "Saturday's sales came at unusual hours" in said(event)
    assert "44% of them from 18:00 to 22:00 instead of 0%" in said(event)
    assert event.causes is not None
    assert total(event.causes.hours) == event.causes.difference == 0
    assert sum(part.amount for part in event.causes.hours if part.amount > 0) > 0.5 * shop.loc[on_day, "revenue"].item()
    slow = times(ordinary, 0.3, days=[SATURDAY])
    told = detect(shop.assign(**day_table(slow)[["revenue", "quantity", "transactions"]]), slow, SATURDAY)
    assert not only(told.shop, EventType.UNUSUAL_MIX)  # the drop is told, with its hours


def test_later_rows_change_nothing(ordinary: pd.DataFrame) -> None:
    day = SATURDAY - timedelta(days=4)
    assert judge(ordinary, day) == judge(ordinary[ordinary["date"].dt.date <= day], day)


def test_the_floor_holds_and_products_come_by_what_is_at_stake(ordinary: pd.DataFrame) -> None:
    products = ordinary
    for sku in ("P01", "P02", "P03", "P04"):
        products = times(products, 15, days=[SATURDAY], sku=sku)
    [(loud, floored)] = detect_days(day_table(products), products, [SATURDAY], [Policy(), Policy(min_impact=10**9)])
    assert {"P01", "P02", "P03", "P04"} <= {e.sku for e in loud.products}
    impacts = [abs(e.impact) for e in loud.products if e.severity is not Severity.LOW]
    assert impacts == sorted(impacts, reverse=True)
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
    shop = day_table(products := made_up())
    twice = pd.concat([shop, shop[shop["date"] == "2025-08-01"]])
    with pytest.raises(ValueError, match=says):
        detect(shop.drop(columns="last_sale") if broken == "column" else twice, products, SATURDAY)


@pytest.mark.skipif(not REAL_SALES.exists(), reason=f"no real sales at {REAL_SALES.name}")
def test_the_real_shops_closures_its_cut_off_day_and_its_giant_order() -> None:
    shop, products = real()
    missing = missing_days(shop, date(2011, 12, 9))
    assert {date(2011, 5, 30), date(2011, 8, 29)} <= set(missing)
    assert not [d for d in missing if d.weekday() == 5]  # it never trades on Saturdays

    days = [date(2010, 12, 24) + timedelta(days=n) for n in range(11)] + [date(2011, 12, 9)]
    *christmas, last = [results[0] for results in detect_days(shop, products, days, [Policy()])]
    assert len({e.key for r in christmas for e in r.shop}) == 1
    assert sum(e.is_new for r in christmas for e in r.shop) == 1
    assert last.state is DayState.PARTIAL
    assert last.shop[0].type is EventType.PARTIAL_DAY
    assert not [e for e in last.shop + last.products if (e.score or 0) < 0]
    spike = next(e for e in last.shop if e.type is EventType.HIGH_SPIKE and e.metric == "revenue")
    assert spike.causes is not None
    assert "23843" in spike.causes.products[0].name
    assert last.products[0].sku == "23843"
    assert "80,995 pieces" in said(last.products[0])
