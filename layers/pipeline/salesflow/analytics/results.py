"""What the analytics find, as values that every report format prints alike.

Amounts are whole minor units of the shop's currency (`salesflow.money`), quantities are pieces. Shares and ratios are
fractions (0.25 is 25%).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from salesflow.analytics.merchant import MoneyStatement, OrderList, Progress, Usual, VanishedStock
from salesflow.windows import Window

if TYPE_CHECKING:  # who only mails a notice needs no tables
    from salesflow.analytics.lines import SaleLines


@dataclass(frozen=True, slots=True)
class SalesKpis:
    """The headline figures of a window.

    revenue: sum of what the customers paid for their sales (`totalAmount`), returns taken off.
    quantity: pieces sold, returned pieces taken off.
    transactions: number of sales, returns included.
    average_ticket: revenue / transactions, 0 with none.
    returned_amount, returned_quantity: the lines with a negative quantity, as positive figures.
    returns: number of sales that hold a returned line.
    adjustments: revenue less the sum of all line subtotals: discounts (negative) and rounding on whole sales.
    """

    revenue: int
    quantity: int
    transactions: int
    average_ticket: int
    returned_amount: int
    returned_quantity: int
    returns: int
    adjustments: int


_LEAST_LEFT = 0.1


def is_base(revenue: int, returned: int) -> bool:
    """Whether parts of a revenue are figures: it is above 0, and returns have left a tenth or more of what was sold. Parts of nothing,
    of less, or of what is left by chance (2,001% of the sales) are none."""
    return revenue > 0 and revenue >= _LEAST_LEFT * (revenue + returned)


@dataclass(frozen=True, slots=True)
class ProductSales:
    """One product in a window. `revenue` sums its line subtotals; `share` is of all products' revenue, None where that is no
    base (`is_base`). `usual_revenue`: what it brings on such days by the twelve weeks before, None
    where it is younger than four."""

    sku: str
    name: str
    quantity: int
    revenue: int
    share: float | None
    transactions: int
    returned_quantity: int
    returned_amount: int
    previous_quantity: int
    previous_revenue: int
    usual_revenue: int | None = None


@dataclass(frozen=True, slots=True)
class DaySales:
    """One day of the daily series."""

    day: date
    revenue: int
    quantity: int
    transactions: int


class TrendDirection(StrEnum):
    """Where the daily revenue goes."""

    UPWARD = "upward"
    DOWNWARD = "downward"
    STABLE = "stable"
    UNKNOWN = "unknown"


class StockStatus(StrEnum):
    """A product's state; the first that applies, in this order."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    LOW_STOCK = "LOW_STOCK"
    DEAD_STOCK = "DEAD_STOCK"
    OK = "OK"


TREND_HORIZON_DAYS = 30
"""A trend is told as what it makes of the daily revenue in so many days."""


@dataclass(frozen=True, slots=True)
class TrendHint:
    """A hint at trend and season from the days before and in the window.

    daily_change: the slope of a robust line (Theil-Sen) through the daily revenue of `days` days, a day, as a share of
    the median day with sales.
    strongest_weekday, weakest_weekday: 0 Monday to 6 Sunday by mean revenue, of the weekdays with any sale;
    None where too few weeks are known.
    """

    direction: TrendDirection
    daily_change: float
    days: int
    strongest_weekday: int | None
    weakest_weekday: int | None


@dataclass(frozen=True, slots=True)
class SalesAnalysis:
    """Everything that a sales report shows.

    previous, same_weekday: None where the history does not reach back that far.
    products: every product sold or returned in the window, by revenue, the largest first (SKU decides ties).
    daily: one entry a day of the window, days without a sale included.
    by_hour: 24 revenues by hour of sale; by_weekday: 7 revenues, Monday first; both are sums over the window and add up to its revenue.
    context: the daily series of up to 90 days that end on the business date, for the trend chart.
    data_as_of: moment of the newest sale up to the window's end (naive, the merchant's zone), None with none at all.
    rows: sale lines in the window. services: SKUs among those that sold most which are no goods (postage, fees): in every total, and no
    best sellers.
    """

    window: Window
    kpis: SalesKpis
    previous_window: Window
    previous: SalesKpis | None
    same_weekday_window: Window
    same_weekday: SalesKpis | None
    products: tuple[ProductSales, ...]
    daily: tuple[DaySales, ...]
    by_hour: tuple[int, ...]
    by_weekday: tuple[int, ...]
    context: tuple[DaySales, ...]
    trend: TrendHint
    data_as_of: datetime | None
    rows: int
    services: tuple[str, ...] = ()

    @property
    def best_sellers(self) -> tuple[ProductSales, ...]:
        """The products that brought something, by revenue; services left out."""
        return tuple(product for product in self.products if product.revenue > 0 and product.sku not in self.services)

    @property
    def is_empty(self) -> bool:
        """Whether the window holds no sale at all."""
        return self.kpis.transactions == 0


@dataclass(frozen=True, slots=True)
class StockItem:
    """One product's stock.

    value: stock (not below 0) at its sales price; cost_value: at its cost, None where that is unknown.
    daily_sales: average pieces sold a day over the last 90 days or since its first sale (`salesflow.analytics.demand`), returns taken
    off, not below 0.
    coverage_days: stock / daily_sales, None where nothing sells.
    last_sold: last day with a sale in the last 90 days, None without one.
    urgent: sells, is in stock, and lasts less than 7 days.
    """

    sku: str
    name: str
    category: str | None
    stock: int
    threshold: int
    price: int
    value: int
    cost_value: int | None
    daily_sales: float
    coverage_days: float | None
    last_sold: date | None
    status: StockStatus
    urgent: bool


@dataclass(frozen=True, slots=True)
class StockKpis:
    """The headline figures of the stock, as `domain` defines them.

    stock_value: at sales prices; cost_value: at cost, None where no cost is known at all.
    low_stock_ratio: low-stock products / products.
    rotation_per_year: yearly value of the pieces sold (last 90 days x 365/90, at today's prices) / stock value; None where that is 0.
    average_coverage_days: mean coverage of the products that sell and are in stock; None with none.
    """

    products: int
    units: int
    stock_value: int
    cost_value: int | None
    out_of_stock: int
    low_stock: int
    low_stock_ratio: float
    urgent_reorders: int
    dead_stock: int
    dead_stock_value: int
    rotation_per_year: float | None
    average_coverage_days: float | None


@dataclass(frozen=True, slots=True)
class StockAnalysis:
    """Everything that a stock report shows.

    items: every product; out of stock first, then by status and days of coverage, so that what needs doing stands on top.
    counted_at: when the stock was read (naive, the merchant's zone).
    sales_days: days of sales history behind the averages (90 unless the shop's first known sale is younger).
    """

    business_date: date
    kpis: StockKpis
    items: tuple[StockItem, ...]
    counted_at: datetime
    sales_days: int


@dataclass(frozen=True, slots=True)
class ForecastHorizon:
    """The next `days` days together, in whole minor units.

    lower80, upper80: `total` lies between them in about 80 of 100 cases. daily_average: total / days. peak_value, peak_day: the best day.
    trend: where the sales go against the usual level when it was made; change: the same as a fraction.
    """

    days: int
    total: int
    lower80: int
    upper80: int
    daily_average: int
    peak_value: int
    peak_day: date
    trend: TrendDirection
    change: float


@dataclass(frozen=True, slots=True)
class ForecastSummary:
    """The shop's revenue to come, from the newest forecast up to the business date.

    made_after: the day whose close it was made after; the horizons begin the day after. model: the one that did best on past days.
    next_days: the days after `made_after`, one by one, in minor units.
    stale: what to know where it is not the business date's own forecast; empty where it is. source: the key of its document.
    """

    made_after: date
    model: str
    horizons: tuple[ForecastHorizon, ...]
    stale: str
    source: str
    next_days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UnusualFinding:
    """Something unusual that is not over. since: its first day. kind: what it is, for programs. text: a sentence that names its
    product, in the reader's language. is_high: whether it was worth a mail of its own.
    """

    since: date
    kind: str
    text: str
    is_high: bool


@dataclass(frozen=True, slots=True)
class UnusualSummary:
    """What the checks for anomalies have found and is not over, as of `checked_on`, the newest date checked up to the business date."""

    checked_on: date
    findings: tuple[UnusualFinding, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """The small print: where the figures come from. Nothing here changes when the same inputs are run again.

    data_as_of: the newest sale's moment up to the window's end (naive, merchant's zone).
    sales_rows, stock_rows: rows used; set_aside: records that could not be used, with up to a few reasons in `set_aside_reasons`.
    notes: sentences for the reader (no costs known, stock counted later than the business date, day not over yet, ...).
    cautions: those of them without which the figures mislead, said first.
    """

    business_date: date
    timezone: str
    data_as_of: datetime | None
    sales_rows: int
    stock_rows: int
    set_aside: int
    set_aside_reasons: tuple[str, ...]
    notes: tuple[str, ...]
    version: str
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brand:
    """How a shop marks what is its own. color: #RRGGBB; logo: a PNG in base64; each empty where it has none."""

    color: str = ""
    logo: str = ""


@dataclass(frozen=True, slots=True)
class ReportContent:
    """One report before it takes a format. A sales report has `sales`, a stock report `stock`, a combined one both.

    shop: its name, empty where it has none. usual, statement, orders, progress, vanished: None where too little is known for them, or where the
    report is of another type. made: the formats made in the same run, the only files that a page may name. sale_lines: the window's
    for the workbook; no part of the JSON file.
    """

    report_type: str
    period: str
    currency: str
    sales: SalesAnalysis | None
    stock: StockAnalysis | None
    provenance: Provenance
    forecast: ForecastSummary | None = None
    unusual: UnusualSummary | None = None
    shop: str = ""
    usual: Usual | None = None
    statement: MoneyStatement | None = None
    orders: OrderList | None = None
    progress: Progress | None = None
    made: tuple[str, ...] = ()
    sale_lines: "SaleLines | None" = None
    vanished: VanishedStock | None = None
    brand: Brand = Brand()
