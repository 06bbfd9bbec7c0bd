"""Reports with everything in them: the usual, orders, money, forecast, findings, returns, a shop's name. Made by the analytics from sale
lines, in any currency and of any size, so that every part of a page is there when its layout and its figures are judged."""

import random
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import cache

import pandas as pd

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.merchant import Usual, UsualDay, Vanished, VanishedStock
from salesflow.analytics.orders import ProductOutlook, orders_of
from salesflow.analytics.progress import progress_of
from salesflow.analytics.results import (
    DaySales,
    ForecastHorizon,
    ForecastSummary,
    Provenance,
    ReportContent,
    TrendDirection,
    UnusualFinding,
    UnusualSummary,
)
from salesflow.analytics.sales import analyse_sales
from salesflow.analytics.statement import state_money, usual_profit, wares_of
from salesflow.analytics.stock import analyse_stock
from salesflow.figures import Figures
from salesflow.language import Language
from salesflow.windows import Period, Window, window_of
from tests.unit.analytics.tables import Item, Sale, lines_of
from tests.unit.reports.names import LONG_NAME, NAMES
from tests.unit.reports.samples import BUSINESS_DATE, content_of

SHOP = "Épicerie du Marché"
CATEGORIES = ("Épicerie", "Boissons", "茶 Tea", None)
WARES = (
    *NAMES[:17],
    LONG_NAME,
    "Postage",
    "Sucre roux 1 kg",
    "Riz parfumé 5 kg",
    "Piles AA (4)",
    "Sel fin 500 g",
    "酱油 500 毫升",
)
_DAYS, _TWELVE_WEEKS = 98, 84
_HOURS = (8, 9, 11, 12, 12, 14, 17, 18, 18, 19)


@cache
def sale_lines(price: int, day_factor: float = 1.0) -> pd.DataFrame:
    """The lines of 14 weeks up to the business date, at prices of about `price` minor units; the last day sells `day_factor` of its usual."""
    rng = random.Random(11)
    sales = []
    for back in range(_DAYS - 1, -1, -1):
        day = BUSINESS_DATE - timedelta(days=back)
        busy = (0.8, 0.85, 0.9, 1.0, 1.25, 1.5, 1.1)[day.weekday()] * rng.uniform(0.85, 1.15)
        for _ in range(max(1, round(12 * busy * (1.0 if back else day_factor)))):
            moment = datetime.combine(day, time(rng.choice(_HOURS), rng.randrange(60), rng.randrange(60)))
            items = []
            for n in rng.sample(range(len(WARES)), rng.randrange(1, 5)):
                pieces = -1 if rng.random() < 0.03 else rng.randrange(1, 4)
                items.append(Item(f"SKU-{n:03d}", WARES[n], pieces, pieces * _price(n, price)))
            total = sum(item.subtotal for item in items)
            sales.append(Sale(moment, tuple(items), total - (total // 20 if rng.random() < 0.2 else 0)))
    return lines_of(sales)


def _price(n: int, price: int) -> int:
    return max(price * (1 + n * 7 % 9) // 3, 1)


def stock_table(price: int) -> pd.DataFrame:
    """The stock list behind those lines: some products out, some about to be, one cost unknown, one dead, one lasting for years."""
    rows = [
        (
            n,
            f"SKU-{n:03d}",
            name,
            _price(n, price),
            (0, 3, 25, 90, 4000, -2)[n % 6],
            6,
            None if n == 5 else _price(n, price) * (12 if n == 8 else 6) // 10,
            CATEGORIES[n % 4],
        )
        for n, name in enumerate((*WARES, "Cola 33 cl, invendu", "Bougies (boîte de 10)"))
    ]
    names = ["product_id", "sku", "name", "price", "stock_quantity", "low_stock_threshold", "cost", "category"]
    return pd.DataFrame(rows, columns=names)


def whole_content(
    report_type: str = "combined",
    period: Period = Period.DAILY,
    *,
    currency: str = "CNY",
    language: Language = Language.EN,
    price: int = 1_250,
    day_factor: float = 0.6,
    vat_percent: float = 13.0,
    table: pd.DataFrame | None = None,
    inventory: pd.DataFrame | None = None,
    days_known: int = _DAYS,
) -> ReportContent:
    """A report with all its parts, of `table` and `inventory` where they are given. The usual is known of a shop of twelve weeks."""
    figures = Figures(currency, language)
    table = sale_lines(price, day_factor) if table is None else table
    first = BUSINESS_DATE - timedelta(days=days_known - 1)
    lines = SaleLines.from_table(table[table["sold_at"] >= pd.Timestamp(first)])
    window = window_of(period, BUSINESS_DATE)
    sales = analyse_sales(lines, period, BUSINESS_DATE, known_from=first)
    inventory = stock_table(price) if inventory is None else inventory
    counted = datetime.combine(BUSINESS_DATE + timedelta(days=1), time(2, 0, 11))
    stock = analyse_stock(inventory, lines, BUSINESS_DATE, known_from=first, counted_at=counted)
    wares = wares_of(inventory)
    outlooks = {
        item.sku: ProductOutlook((item.daily_sales,) * 90, 14, item.daily_sales * 9, item.daily_sales * 18)
        for item in stock.items[::2]
    }
    orders = orders_of(
        stock.items,
        outlooks,
        BUSINESS_DATE,
        window_days=window.days,
        costs={sku: ware.cost for sku, ware in wares.items()},
        lead_days=3,
        cover_days=14,
    )
    days = analyse_sales(lines, Period.QUARTERLY, BUSINESS_DATE, known_from=first).daily
    year = [replace(day, day=day.day - timedelta(weeks=52), revenue=day.revenue * 9 // 10) for day in days]
    usual = _usual(days, sales.by_hour, window) if days_known >= _TWELVE_WEEKS else None
    wants_sales, wants_stock = report_type != "stock", report_type != "sales"
    plain = content_of(
        report_type,
        period,
        currency,
        sales,
        stock,
        Provenance(
            business_date=BUSINESS_DATE,
            timezone="Africa/Lubumbashi",
            data_as_of=sales.data_as_of,
            sales_rows=sales.rows,
            stock_rows=len(stock.items) if wants_stock else 0,
            set_aside=1,
            set_aside_reasons=("sale 1042: totalAmount is missing",),
            notes=("2026-11-20 is now 1,204.50, was 1,190.00: 1 sale came later.",),
            version="1.1.0",
        ),
    )
    return replace(
        plain,
        forecast=_forecast(days) if wants_sales and usual else None,
        unusual=_unusual(figures, days) if wants_sales and usual else None,
        shop=SHOP,
        usual=usual if wants_sales else None,
        statement=replace(
            state_money(sales.kpis, sales.products, wares, vat_percent=vat_percent),
            usual_gross_profit=usual_profit(lines, window, wares, usual.revenue) if usual else None,
        )
        if wants_sales
        else None,
        orders=orders,
        progress=progress_of([*year, *days], first - timedelta(weeks=52 if usual else 0), window)
        if wants_sales
        else None,
        sale_lines=lines.within(window) if wants_sales else None,
        vanished=_vanished(price) if wants_stock else None,
    )


def _vanished(price: int) -> VanishedStock:
    gone = tuple(Vanished(f"SKU-{n:03d}", WARES[n], 12 - n, (12 - n) * price) for n in range(10))
    since = BUSINESS_DATE - timedelta(days=1)
    return VanishedStock(since, gone, sum(one.pieces for one in gone), sum(one.value for one in gone))


def _usual(days: tuple[DaySales, ...], hours: tuple[int, ...], window: Window) -> Usual:
    """Of each day the mean of its weekday: as good as any for a page to show."""

    def mean(day: DaySales, name: str) -> float:
        same = [getattr(other, name) for other in days if other.day.weekday() == day.day.weekday()]
        return sum(same) / len(same)

    usual = tuple(
        UsualDay(day.day, round(mean(day, "revenue")), mean(day, "transactions"), mean(day, "quantity")) for day in days
    )
    own = usual[-window.days :]
    revenue = sum(day.revenue or 0 for day in own)
    spread = [1 + (9 <= hour <= 13) * 2 if 7 < hour < 20 else 0 for hour in range(24)]
    by_hour = tuple(revenue * part // sum(spread) for part in spread) if window.days == 1 else ()
    return Usual(
        usual, by_hour, revenue, sum(day.transactions or 0 for day in own), sum(day.quantity or 0 for day in own)
    )


def _forecast(days: tuple[DaySales, ...]) -> ForecastSummary:
    mean = sum(day.revenue for day in days) // len(days)
    peak = BUSINESS_DATE + timedelta(days=6)
    horizons = tuple(
        ForecastHorizon(n, mean * n, mean * n * 8 // 10, mean * n * 12 // 10, mean, mean * 3 // 2, peak, trend, 0.04)
        for n, trend in ((7, TrendDirection.STABLE), (30, TrendDirection.UPWARD), (90, TrendDirection.DOWNWARD))
    )
    return ForecastSummary(
        BUSINESS_DATE, "blend", horizons, "", f"forecasts/{BUSINESS_DATE}.json", (mean,) * 6 + (mean * 3 // 2,)
    )


def _unusual(figures: Figures, days: tuple[DaySales, ...]) -> UnusualSummary:
    amount = figures.money(days[-1].revenue)
    findings = tuple(
        UnusualFinding(date(2026, 11, 20), "DROP", f"{name}: {amount} ({amount})", is_high=n == 0)
        for n, name in enumerate((LONG_NAME, *NAMES[:6]))
    )
    return UnusualSummary(BUSINESS_DATE, findings)
