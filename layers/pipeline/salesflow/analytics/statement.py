"""How the money adds up: from what was sold to the gross profit, by product and by category.

Amounts are whole minor units; `sold` - `returned` + `adjustments` = `revenue`, exactly. What a product cost is the stock list's cost of
today: the source keeps no older one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.merchant import CategorySales, MoneyStatement, ProductProfit
from salesflow.analytics.results import ProductSales, SalesKpis, is_base
from salesflow.analytics.sales import USUAL_DAYS
from salesflow.analytics.sold_days import SoldDays
from salesflow.windows import Window

CLASS_A, CLASS_B = 0.8, 0.95
"""Products that bring the first 80% of sales are A, those up to 95% B, the rest C (Pareto)."""


@dataclass(frozen=True, slots=True)
class Ware:
    """What the stock list says of a product: its cost in minor units and its category, None where they are unknown."""

    cost: int | None
    category: str | None


def wares_of(stock: pd.DataFrame) -> dict[str, Ware]:
    """What is known of each SKU of a stock table (schema: `salesflow.analytics.stock`)."""
    return {
        str(row.sku): Ware(
            None if pd.isna(row.cost) else int(row.cost), None if pd.isna(row.category) else str(row.category)
        )
        for row in stock.itertuples(index=False)
    }


def state_money(
    kpis: SalesKpis, products: Sequence[ProductSales], wares: Mapping[str, Ware], *, vat_percent: float = 0.0
) -> MoneyStatement:
    """The statement of a window; `products` are all that were sold or returned in it, by revenue."""
    lines = sum(product.revenue for product in products)
    sound = is_base(lines, kpis.returned_amount)
    profits = _profits(products, wares, lines if sound else 0)
    known = [profit for profit in profits if profit.cost is not None]
    known_revenue = sum(profit.revenue for profit in known)
    cost = sum(profit.cost or 0 for profit in known) if known else None
    base = kpis.revenue if len(known) == len(profits) else known_revenue
    profit = None if cost is None else base - cost
    losses = sorted(
        (p for p in known if p.profit is not None and p.quantity > 0 > p.profit), key=lambda p: (p.profit, p.sku)
    )
    return MoneyStatement(
        sold=lines + kpis.returned_amount,
        returned=kpis.returned_amount,
        returned_quantity=kpis.returned_quantity,
        adjustments=kpis.adjustments,
        revenue=kpis.revenue,
        vat_percent=vat_percent,
        vat=vat_in(kpis.revenue, vat_percent) if vat_percent else None,
        cost=cost,
        gross_profit=profit,
        margin=profit / base if profit is not None and is_base(base, kpis.returned_amount) else None,
        cost_known_share=known_revenue / lines if sound else None,
        categories=_categories(profits),
        products=profits,
        below_cost=tuple(profit.sku for profit in losses),
    )


def usual_profit(
    sold: SaleLines | SoldDays, window: Window, wares: Mapping[str, Ware], usual: int | None
) -> int | None:
    """What a window usually brings in gross profit: its usual sales, times what was profit of the sales of the twelve weeks before it.

    usual: the window's usual sales. Costs are those of today; products whose cost is unknown bring no profit, as in the statement. None
    where the usual sales are unknown, nothing was sold, or no cost of what was sold is known.
    """
    before = Window(window.first - timedelta(days=USUAL_DAYS), window.first - timedelta(days=1))
    past = SoldDays.of(sold).within(before)
    paid = int(past.days.by_hour.sum())
    costs = [wares.get(str(sku), Ware(None, None)).cost for sku in past.skus]
    items = past.products
    known = np.array([cost is not None for cost in costs], dtype=bool)[items.sku]
    if usual is None or paid <= 0 or not known.any():
        return None
    spent = int((np.array([cost or 0 for cost in costs], dtype=np.int64)[items.sku] * items.quantity).sum())
    base = paid if known.all() else int(items.revenue[known].sum())
    return round(usual * (base - spent) / paid)


def vat_in(revenue: int, percent: float) -> int:
    """The tax inside of an amount that holds it: amount x rate / (100 + rate), half a unit rounded away from zero."""
    rate = Decimal(str(percent))
    return int((Decimal(revenue) * rate / (100 + rate)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _profits(products: Sequence[ProductSales], wares: Mapping[str, Ware], lines: int) -> tuple[ProductProfit, ...]:
    found, before = [], 0
    for product in products:
        ware = wares.get(product.sku, Ware(None, None))
        cost = None if ware.cost is None else ware.cost * product.quantity
        profit = None if cost is None else product.revenue - cost
        sound = is_base(product.revenue, product.returned_amount)
        margin = profit / product.revenue if profit is not None and sound else None
        rank = "" if lines <= 0 else "A" if before < CLASS_A * lines else "B" if before < CLASS_B * lines else "C"
        before += product.revenue
        found.append(
            ProductProfit(
                product.sku,
                product.name,
                ware.category,
                product.quantity,
                product.revenue,
                cost,
                profit,
                margin,
                rank,
                ware.cost,
            )
        )
    return tuple(found)


def _categories(profits: Sequence[ProductProfit]) -> tuple[CategorySales, ...]:
    sums: dict[str | None, tuple[int, int]] = {}
    for profit in profits:
        quantity, revenue = sums.get(profit.category, (0, 0))
        sums[profit.category] = (quantity + profit.quantity, revenue + profit.revenue)
    found = [CategorySales(category, *amounts) for category, amounts in sums.items()]
    return tuple(sorted(found, key=lambda each: (-each.revenue, each.category or "")))
