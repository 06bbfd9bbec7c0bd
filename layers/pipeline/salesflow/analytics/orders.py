"""What to order, and how many: each product's days left, the quantity that covers the days to come, and what an empty shelf costs.

days left = stock / expected sales a day. Order = expected sales over (lead time + days to cover) - stock, at least 0, rounded up.
Expected sales are the product's own forecast where there is one, else its mean (`salesflow.analytics.demand`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from salesflow.analytics.merchant import DaysLeft, OrderLine, OrderList
from salesflow.analytics.results import StockItem, StockStatus

SOON_DAYS = 7.0
"""What lasts less than this, or less than an order takes to arrive, is to be ordered now."""
OVERSTOCK_DAYS = 180.0
"""What lasts longer ties up money: the part beyond these days counts as too much."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ProductOutlook:
    """A product's forecast of pieces, a value a day from the day after the business date on, and the bounds of its sum over `days` days
    between which it lies in 80 of 100 cases."""

    daily: tuple[float, ...]
    days: int
    lower80: float
    upper80: float

    def over(self, days: int) -> float:
        """The pieces expected in so many days; beyond the forecast's end its mean goes on."""
        known = sum(self.daily[:days])
        beyond = max(days - len(self.daily), 0)
        return known + beyond * (sum(self.daily) / len(self.daily) if self.daily else 0.0)


def orders_of(
    items: Sequence[StockItem],
    outlooks: Mapping[str, ProductOutlook],
    business_date: date,
    *,
    window_days: int,
    costs: Mapping[str, int | None],
    lead_days: int,
    cover_days: int,
) -> OrderList:
    """The order list of a stock at the close of `business_date`. outlooks, costs: by SKU. window_days: the report's, for lost sales."""
    span = lead_days + cover_days
    lines, too_much = [], []
    for item in items:
        outlook = outlooks.get(item.sku)
        lasts = days_left_of(item, outlook)
        if lasts is not None and lasts > OVERSTOCK_DAYS:
            too_much.append(round((max(item.stock, 0) - OVERSTOCK_DAYS * item.daily_sales) * item.price))
        if lasts is None or lasts >= max(SOON_DAYS, lead_days):
            continue
        pieces = outlook.over(span) if outlook else item.daily_sales * span
        quantity = order_quantity(pieces, item.stock)
        if not quantity:
            continue
        low = high = None
        if outlook and outlook.days:
            share = pieces / expected if (expected := outlook.over(outlook.days)) > 0 else 0.0
            low, high = (order_quantity(bound * share, item.stock) for bound in (outlook.lower80, outlook.upper80))
        empty = 0
        if item.stock <= 0 and item.last_sold is not None:
            empty = min((business_date - item.last_sold).days, window_days)
        lost = item.daily_sales * empty
        lines.append(
            OrderLine(
                item.sku,
                item.name,
                item.stock,
                pieces / span,
                lasts,
                state_of(item, lasts),
                quantity,
                low,
                high,
                item.price,
                costs.get(item.sku),
                lost,
                round(lost * item.price),
            )
        )
    lines.sort(key=lambda line: (line.days_left or 0.0, -line.a_day * line.price, line.sku))
    return OrderList(
        tuple(lines),
        lead_days,
        cover_days,
        sum(line.state == "out" for line in lines),
        sum(line.lost_pieces for line in lines),
        sum(line.lost_revenue for line in lines),
        len(too_much),
        sum(too_much),
    )


def order_quantity(pieces: float, stock: int) -> int:
    """Whole pieces that are lacking for an expected sale of so many; what is oversold (a stock below 0) is lacking, too."""
    return max(0, math.ceil(pieces - stock - _ROUNDING))


def days_left_of(item: StockItem, outlook: ProductOutlook | None) -> float | None:
    """Days until the stock is sold, by the forecast day by day where there is one; None where nothing is expected to sell."""
    left = float(max(item.stock, 0))
    if outlook is None or sum(outlook.daily) <= 0:
        return item.coverage_days
    for n, pieces in enumerate(outlook.daily):
        if pieces >= left:
            return n + (left / pieces if pieces > 0 else 0.0)
        left -= pieces
    return len(outlook.daily) + left / (sum(outlook.daily) / len(outlook.daily))


def state_of(item: StockItem, lasts: float | None) -> DaysLeft:
    """A product's state by its days left."""
    if item.stock <= 0:
        return "out"
    if item.status is StockStatus.DEAD_STOCK:
        return "dead"
    if lasts is None or lasts >= SOON_DAYS:
        return "enough"
    return "today" if lasts < 1 else "this_week"
