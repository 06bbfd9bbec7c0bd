"""Stock figures at the close of a business date.

The table of stock has one row a product: product_id int64, sku str, name str, price int64 (minor), stock_quantity int64,
low_stock_threshold int64, cost (minor, missing where unknown), category (str, missing where unknown).
"""

from datetime import date, datetime, timedelta

import pandas as pd

from salesflow.analytics.demand import ProductDemand, demand_by_sku
from salesflow.analytics.lines import SaleLines
from salesflow.analytics.results import StockAnalysis, StockItem, StockKpis, StockStatus
from salesflow.analytics.sold_days import SoldDays
from salesflow.windows import Window

SALES_DAYS = 90
"""Days of sales behind the average, the dead-stock rule and the rotation."""
URGENT_COVERAGE_DAYS = 7
_ORDER = {status: n for n, status in enumerate(StockStatus)}


def analyse_stock(
    stock: pd.DataFrame, sold: SaleLines | SoldDays, business_date: date, *, known_from: date, counted_at: datetime
) -> StockAnalysis:
    """The stock analysis at the close of `business_date`.

    sold: what covers the 90 days up to the business date, as far as they are known (from `known_from`, and from the first
    sale among them on).
    counted_at: when the stock was read (naive, the merchant's zone).
    """
    sold = SoldDays.of(sold)
    first = max(sold.known_since(known_from, business_date), business_date - timedelta(days=SALES_DAYS - 1))
    window = Window(min(first, business_date), business_date)
    demand = demand_by_sku(sold.within(window), window)
    items = [_item(row, demand.get(row.sku, ProductDemand()), window) for row in stock.itertuples(index=False)]
    items.sort(key=lambda item: (_ORDER[item.status], not item.urgent, _coverage_order(item), item.sku))
    return StockAnalysis(business_date, _kpis(items), tuple(items), counted_at, window.days)


def _item(row, demand: ProductDemand, window: Window) -> StockItem:  # type: ignore[no-untyped-def]  # a pandas named tuple
    stock, threshold, price = int(row.stock_quantity), int(row.low_stock_threshold), int(row.price)
    on_hand = max(stock, 0)
    daily_sales = demand.a_day(out_of_stock=stock <= 0)
    coverage = on_hand / daily_sales if daily_sales > 0 else None
    if stock <= 0:
        status = StockStatus.OUT_OF_STOCK
    elif stock < max(threshold, 1):
        status = StockStatus.LOW_STOCK
    elif demand.last is None and window.days >= SALES_DAYS:
        status = StockStatus.DEAD_STOCK
    else:
        status = StockStatus.OK
    return StockItem(
        sku=str(row.sku),
        name=str(row.name),
        category=None if pd.isna(row.category) else str(row.category),
        stock=stock,
        threshold=threshold,
        price=price,
        value=on_hand * price,
        cost_value=None if pd.isna(row.cost) else on_hand * int(row.cost),
        daily_sales=daily_sales,
        coverage_days=coverage,
        last_sold=demand.last,
        status=status,
        urgent=coverage is not None and stock > 0 and coverage < URGENT_COVERAGE_DAYS,
    )


def _kpis(items: list[StockItem]) -> StockKpis:
    value = sum(item.value for item in items)
    costs = [item.cost_value for item in items if item.cost_value is not None]
    coverages = [item.coverage_days for item in items if item.coverage_days is not None and item.stock > 0]
    sold_value_per_day = sum(item.daily_sales * item.price for item in items)
    dead = [item for item in items if item.status is StockStatus.DEAD_STOCK]
    low = sum(item.status is StockStatus.LOW_STOCK for item in items)
    return StockKpis(
        products=len(items),
        units=sum(max(item.stock, 0) for item in items),
        stock_value=value,
        cost_value=sum(costs) if costs else None,
        out_of_stock=sum(item.status is StockStatus.OUT_OF_STOCK for item in items),
        low_stock=low,
        low_stock_ratio=low / len(items) if items else 0.0,
        urgent_reorders=sum(item.urgent for item in items),
        dead_stock=len(dead),
        dead_stock_value=sum(item.value for item in dead),
        rotation_per_year=sold_value_per_day * 365 / value if value else None,
        average_coverage_days=sum(coverages) / len(coverages) if coverages else None,
    )


def _coverage_order(item: StockItem) -> float:
    return float("inf") if item.coverage_days is None else item.coverage_days
