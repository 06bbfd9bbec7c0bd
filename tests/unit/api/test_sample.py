from collections import defaultdict
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from local.api import SalesStore, Surprise, sample_sales

END = date(2026, 11, 22)
CLOSING = datetime(2026, 11, 22, 23, 59)


@pytest.fixture(scope="module")
def shop() -> SalesStore:
    return sample_sales(7, END, 760)


def revenue_by_day(store: SalesStore) -> dict[date, float]:
    revenue: defaultdict[date, float] = defaultdict(float)
    for sale in store.sales:
        revenue[sale.sold_at.date()] += sale.total_amount
    return revenue


def test_the_same_arguments_give_the_same_bytes() -> None:
    one, other = (sample_sales(3, END, 30).history_json(30, CLOSING) for _ in range(2))
    assert [bytes(piece) for piece in one] == [bytes(piece) for piece in other]
    assert bytes(sample_sales(4, END, 30).history_json(30, CLOSING)[0]) != bytes(one[0])


def test_it_ends_on_its_last_day_and_keeps_opening_hours(shop: SalesStore) -> None:
    assert shop.sales[-1].sold_at.date() == END
    assert shop.sales[0].sold_at.date() == END - timedelta(days=759)
    assert all(8 <= sale.sold_at.hour < 20 for sale in shop.sales)
    assert all(9 <= sale.sold_at.hour < 14 for sale in shop.sales if sale.sold_at.weekday() == 6)
    assert not [sale for sale in shop.sales if (sale.sold_at.month, sale.sold_at.day) == (1, 1)]


def test_saturdays_are_busy_and_schools_start_in_september(shop: SalesStore) -> None:
    by_weekday: defaultdict[int, list[float]] = defaultdict(list)
    for day, revenue in revenue_by_day(shop).items():
        by_weekday[day.weekday()].append(revenue)
    assert np.mean(by_weekday[5]) > 1.3 * np.mean(by_weekday[1])
    september = shop.daily_quantities("CAH-096", 200, datetime(2026, 9, 30, 23))
    spring = shop.daily_quantities("CAH-096", 200, datetime(2026, 4, 30, 23))
    assert sum(n for day, n in september.items() if day >= date(2026, 9, 1)) > 3 * sum(
        n for day, n in spring.items() if day >= date(2026, 4, 1)
    )


def test_lines_have_what_bites(shop: SalesStore) -> None:
    items = [item for sale in shop.sales for item in sale.items]
    assert any(item.quantity < 0 for item in items)
    assert any(item.unit_price == 0 for item in items)
    differing = [s for s in shop.sales if round(s.total_amount * 100) != sum(round(i.subtotal * 100) for i in s.items)]
    assert 0.01 < len(differing) / len(shop.sales) < 0.2
    names = {item.product_name for item in items}
    for text in ("é", "绿茶", "Pondu", "Шоколад", "🍬"):
        assert any(text in (name or "") for name in names), text
    assert {item.product_name for item in items if item.sku == "NOU-001"} == {"方便面", "方便面 牛肉味"}
    assert {len(str(sale.sold_at)) for sale in shop.sales} == {19, 26}  # with and without a fraction


def test_stock_agrees_with_the_sales_and_has_every_state(shop: SalesStore) -> None:
    states = set()
    for product in shop.products:
        start = CLOSING - timedelta(days=20)
        sold = sum(
            item.quantity
            for sale in shop.sales
            if sale.sold_at > start
            for item in sale.items
            if item.sku == product.sku and item.quantity > 0
        )
        delivered = sum(
            max(0, after - before)
            for (_, before), (moment, after) in zip(product.levels, product.levels[1:], strict=False)
            if moment > start
        )
        written_off = shop.stock_of(product, start) + delivered - sold - shop.stock_of(product, CLOSING)
        assert min(level for _, level in product.levels) >= 0
        assert written_off == 0 or product.sku in {"BOU-010", "AMP-LED"}
        stock = shop.stock_of(product, CLOSING)
        if stock <= 0:
            states.add("out")
        elif stock < product.low_stock_threshold:
            states.add("low")
        elif not shop.daily_quantities(product.sku, 90, CLOSING):
            states.add("dead")
        else:
            states.add("ok")
    assert states == {"out", "low", "dead", "ok"}


def test_a_surprise_changes_its_day_and_product_only() -> None:
    surprising = sample_sales(7, END, 30, surprises=[Surprise(END, 4.0, sku="COL-033")])
    plain = sample_sales(7, END, 30)
    day_before = CLOSING - timedelta(days=1)
    assert surprising.daily_quantities("COL-033", 0, CLOSING)[END] > plain.daily_quantities("COL-033", 0, CLOSING)[END]
    assert (
        surprising.daily_quantities("COL-033", 9, day_before).keys()
        == plain.daily_quantities("COL-033", 9, day_before).keys()
    )


def test_late_sales_are_synced_after_they_were_made() -> None:
    late = [sale for sale in sample_sales(7, END, 60, late_share=0.1).sales if sale.synced_at is not None]
    assert 100 < len(late) < 400
    assert all(sale.known_at > sale.sold_at for sale in late)


def test_a_shop_without_days_is_refused() -> None:
    with pytest.raises(ValueError, match="days is 0"):
        sample_sales(7, END, 0)
