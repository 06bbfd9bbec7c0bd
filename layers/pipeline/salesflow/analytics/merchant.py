"""What a merchant acts on, as values that every report format prints alike: the usual, the money, the orders, the month and the year.

Amounts are whole minor units of the shop's currency, shares are fractions.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from salesflow.windows import Window

type DaysLeft = Literal["out", "today", "this_week", "enough", "dead"]
"""A product's state, worst first."""


@dataclass(frozen=True, slots=True)
class UsualDay:
    """What was to be expected of a day before it began: minor units, sales, pieces. None where the history is too short."""

    day: date
    revenue: int | None
    transactions: float | None
    quantity: float | None


@dataclass(frozen=True, slots=True)
class Usual:
    """The usual of a report's days.

    days: of each day of the report's chart, in order, those of the window among them. by_hour: of each hour of the business date, minor
    units, empty where it is unknown. revenue, transactions, quantity: of the window, None where a day of it is unknown.
    """

    days: tuple[UsualDay, ...]
    by_hour: tuple[int, ...]
    revenue: int | None
    transactions: float | None
    quantity: float | None

    @property
    def average_ticket(self) -> int | None:
        """The usual size of a sale, in minor units."""
        return round(self.revenue / self.transactions) if self.revenue is not None and self.transactions else None


@dataclass(frozen=True, slots=True)
class ProductProfit:
    """What a product cost and brought. cost: of the pieces sold (returned ones taken off), profit: revenue less cost, margin: profit of
    revenue; None where its cost is unknown (margin also where returns left next to nothing of the revenue). rank: A, B or C by revenue.
    unit_cost: of one piece."""

    sku: str
    name: str
    category: str | None
    quantity: int
    revenue: int
    cost: int | None
    profit: int | None
    margin: float | None
    rank: str
    unit_cost: int | None = None


@dataclass(frozen=True, slots=True)
class CategorySales:
    """A category's sales; category: None for the products that have none."""

    category: str | None
    quantity: int
    revenue: int


@dataclass(frozen=True, slots=True)
class MoneyStatement:
    """The money of a window.

    sold: lines with pieces sold; returned: lines of returned pieces, as a positive figure; adjustments: discounts (negative) and rounding
    on whole sales; revenue: what the customers paid. vat: the tax in `revenue` at `vat_percent`; None where no rate is set.
    cost: of what was sold and whose cost is known; gross_profit: the sales of those products less their cost (of all of `revenue` where
    every cost is known); margin: of those sales. None where no cost is known. cost_known_share: of product sales whose cost is known.
    """

    sold: int
    returned: int
    returned_quantity: int
    adjustments: int
    revenue: int
    vat_percent: float
    vat: int | None
    cost: int | None
    gross_profit: int | None
    margin: float | None
    cost_known_share: float | None
    categories: tuple[CategorySales, ...]
    products: tuple[ProductProfit, ...]
    below_cost: tuple[str, ...]
    """SKUs sold at less than they cost, the largest loss first."""
    usual_gross_profit: int | None = None
    """What such a window usually brings; None where that is unknown."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One product.

    a_day: pieces expected a day over the days that an order covers. days_left: None where nothing sells. quantity: pieces to order; low,
    high: the same for the 80% range of its forecast, None without one. cost: a piece's, None where unknown.
    lost_pieces, lost_revenue: an estimate of what did not sell in the window because there was none left.
    """

    sku: str
    name: str
    stock: int
    a_day: float
    days_left: float | None
    state: DaysLeft
    quantity: int
    low: int | None
    high: int | None
    price: int
    cost: int | None
    lost_pieces: float
    lost_revenue: int


@dataclass(frozen=True, slots=True)
class OrderList:
    """What to order, the most urgent first, and what else the stock says of money.

    lines: products to order now. out: how many of them are out of stock. lost_*: over all of them. overstock: products that last longer
    than `OVERSTOCK_DAYS`, and the value at sales prices of what is beyond.
    """

    lines: tuple[OrderLine, ...]
    lead_days: int
    cover_days: int
    out: int
    lost_pieces: float
    lost_revenue: int
    overstock: int
    overstock_value: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """Pieces of a product that disappeared, and what they are worth: at cost, at the sales price where that is unknown."""

    sku: str
    name: str
    pieces: int
    value: int


@dataclass(frozen=True, slots=True)
class VanishedStock:
    """What disappeared since the close of a day, the dearest first, with the sums over all of it."""

    since: date
    products: tuple[Vanished, ...]
    pieces: int
    value: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Revenue of some days against that of earlier ones, in minor units; earlier_window: which those are."""

    window: Window
    revenue: int
    earlier_window: Window
    earlier_revenue: int


@dataclass(frozen=True, slots=True)
class Progress:
    """month: the calendar month up to the business date against the same days of the month before. year: the report's days against the
    same weekdays 52 weeks before. None where the earlier days are not all known."""

    month: Comparison | None
    month_revenue: int | None
    year: Comparison | None
