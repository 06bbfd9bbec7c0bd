"""Report contents as the analytics make them, for every case that a report must survive. Seeded: always the same."""

import random
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from statistics import fmean
from typing import Any

from salesflow.analytics.results import (
    DaySales,
    ProductSales,
    Provenance,
    ReportContent,
    SalesAnalysis,
    SalesKpis,
    StockAnalysis,
    StockItem,
    StockKpis,
    StockStatus,
    TrendDirection,
    TrendHint,
)
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.money import divide_minor
from salesflow.reports import render
from salesflow.reports.mail import MailMode, MailText, compose_report_mail
from salesflow.windows import Period, Window, previous_window, same_weekday_last_week, window_of
from tests.unit.reports.names import HOSTILE_NAMES, LONG_NAME, NAMES, RIGHT_TO_LEFT_AND_EMOJI_NAMES

BUSINESS_DATE = date(2026, 11, 22)


def _kpis(
    revenue: int, quantity: int, transactions: int, returned: tuple[int, int, int], adjustments: int
) -> SalesKpis:
    amount, pieces, sales = returned
    ticket = divide_minor(revenue, transactions)
    return SalesKpis(revenue, quantity, transactions, ticket, amount, pieces, sales, adjustments)


def _split(total: int, weights: list[float]) -> tuple[int, ...]:
    """Whole parts of `total` in proportion to the weights, adding up to it."""
    scale = sum(weights) or 1.0
    parts = [int(total * weight / scale) for weight in weights]
    parts[max(range(len(weights)), key=lambda n: weights[n])] += total - sum(parts)
    return tuple(parts)


def _products(names: list[str], revenue: int, seed: int) -> tuple[ProductSales, ...]:
    rng = random.Random(seed)
    parts = sorted(_split(revenue, [1 / (n + 2) + rng.random() / 40 for n in range(len(names))]), reverse=True)
    products = []
    for n, (name, part) in enumerate(zip(names, parts, strict=True)):
        returned = 1 if n % 9 == 4 else 0
        before = 0 if n % 7 == 6 else int(part * (0.6 + rng.random()))
        quantity = 1 + int(40 / (n + 1)) + rng.randrange(4)
        products.append(
            ProductSales(
                sku=f"SKU-{n + 1:05d}",
                name=name,
                quantity=quantity,
                revenue=part,
                share=part / revenue if revenue else 0.0,
                transactions=max(1, quantity - 2),
                returned_quantity=returned,
                returned_amount=returned * (part // max(quantity, 1)),
                previous_quantity=quantity + 1,
                previous_revenue=before,
            )
        )
    return tuple(products)


def make_sales(period: Period, names: list[str], *, daily_revenue: int = 184_350, seed: int = 7) -> SalesAnalysis:
    """Sales of a shop that has been open for longer than the report looks back."""
    rng = random.Random(seed)
    window = window_of(period, BUSINESS_DATE)
    rhythm = (0.8, 0.85, 0.9, 1.0, 1.25, 1.5, 1.1)

    def day_of(day: date) -> DaySales:
        noise = random.Random(day.toordinal() * 31 + seed).uniform(0.75, 1.25)
        revenue = int(daily_revenue * rhythm[day.weekday()] * noise * (1 + (day - BUSINESS_DATE).days * 0.002))
        transactions = max(1, round(revenue / (daily_revenue / 34)))
        return DaySales(day, revenue, transactions * 3, transactions)

    def kpis_of(days: Window, adjustments: int, returned: tuple[int, int, int]) -> SalesKpis:
        series = [day_of(day) for day in days.dates]
        return _kpis(
            sum(day.revenue for day in series),
            sum(day.quantity for day in series),
            sum(day.transactions for day in series),
            returned,
            adjustments,
        )

    daily = tuple(day_of(day) for day in window.dates)
    revenue = sum(day.revenue for day in daily)
    adjustments = -(revenue // 90)
    products = _products(names, revenue - adjustments, seed)
    returned = (
        sum(product.returned_amount for product in products),
        sum(product.returned_quantity for product in products),
        sum(product.returned_quantity > 0 for product in products),
    )
    weekdays = [0] * 7
    for day in daily:
        weekdays[day.day.weekday()] += day.revenue
    hours = [0.0] * 8 + [rng.uniform(0.3, 1) + (2 if hour in (12, 18, 19) else 0) for hour in range(8, 22)] + [0.0] * 2
    previous, same = previous_window(period, window), same_weekday_last_week(BUSINESS_DATE)
    context = tuple(day_of(BUSINESS_DATE - timedelta(days=back)) for back in range(89, -1, -1))
    return SalesAnalysis(
        window=window,
        kpis=_kpis(revenue, sum(d.quantity for d in daily), sum(d.transactions for d in daily), returned, adjustments),
        previous_window=previous,
        previous=kpis_of(previous, 0, (returned[0] + 900, returned[1] + 1, returned[2] + 1)),
        same_weekday_window=same,
        same_weekday=kpis_of(same, 0, (0, 0, 0)),
        products=products,
        daily=daily,
        by_hour=_split(revenue, hours),
        by_weekday=tuple(weekdays),
        context=context,
        trend=TrendHint(TrendDirection.UPWARD, 0.0021, 90, 5, 0),
        data_as_of=datetime(2026, 11, 22, 21, 47, 3),
        rows=sum(day.quantity for day in daily),
    )


def empty_sales(*, first_day: bool = False) -> SalesAnalysis:
    """A day on which nothing was sold; with `first_day` nothing was ever sold before."""
    some = make_sales(Period.DAILY, list(NAMES[:3]))
    nothing = _kpis(0, 0, 0, (0, 0, 0), 0)
    today = DaySales(BUSINESS_DATE, 0, 0, 0)
    empty = replace(
        some,
        kpis=nothing,
        products=(),
        daily=(today,),
        by_hour=(0,) * 24,
        by_weekday=(0,) * 7,
        context=(*some.context[:-1], today),
        rows=0,
    )
    if not first_day:
        return empty
    unknown = TrendHint(TrendDirection.UNKNOWN, 0.0, 1, None, None)
    return replace(empty, previous=None, same_weekday=None, context=(today,), trend=unknown, data_as_of=None)


def one_sale() -> SalesAnalysis:
    """The first sale of a new shop: one piece of one product, and nothing to compare with."""
    empty = empty_sales(first_day=True)
    product = ProductSales("A-1", "Café crème moulu 250 g", 1, 1999, 1.0, 1, 0, 0, 0, 0)
    today = DaySales(BUSINESS_DATE, 1999, 1, 1)
    hours = [0] * 24
    hours[10] = 1999
    return replace(
        empty,
        kpis=_kpis(1999, 1, 1, (0, 0, 0), 0),
        products=(product,),
        daily=(today,),
        by_hour=tuple(hours),
        by_weekday=(0, 0, 0, 0, 0, 0, 1999),
        context=(today,),
        data_as_of=datetime(2026, 11, 22, 10, 5),
        rows=1,
    )


def returns_above_sales() -> SalesAnalysis:
    """A day on which more came back than was sold."""
    base = make_sales(Period.DAILY, list(NAMES[:2]))
    back = ProductSales("B-1", "Гречневая крупа 800 г", -9, -90_000, -0.9, 3, 9, 90_000, 4, 40_000)
    sold = ProductSales("A-1", "龙井茶 特级 100克", 1, 12_500, 0.1, 1, 0, 0, 2, 25_000)
    revenue = -77_500
    today = DaySales(BUSINESS_DATE, revenue, -8, 4)
    hours = [0] * 24
    hours[9], hours[15] = 12_500, -90_000
    return replace(
        base,
        kpis=_kpis(revenue, -8, 4, (90_000, 9, 3), 0),
        products=(sold, back),
        daily=(today,),
        by_hour=tuple(hours),
        by_weekday=(0,) * 6 + (revenue,),
        context=(*base.context[:-1], today),
        rows=4,
    )


def make_stock(names: list[str], *, price: int = 1_250, seed: int = 3) -> StockAnalysis:
    """A stock list with every status in it, ordered as the analytics order it."""
    rng = random.Random(seed)
    items = []
    for n, name in enumerate(names):
        unit = price * (1 + n % 9)
        daily = 0.0 if n % 6 == 5 else round(rng.uniform(0.05, 6.0), 2)
        stock = (0, rng.randrange(1, 6), rng.randrange(6, 40), rng.randrange(40, 400))[n % 4]
        threshold = 6
        if stock <= 0:
            status = StockStatus.OUT_OF_STOCK
        elif stock < threshold:
            status = StockStatus.LOW_STOCK
        elif daily == 0:
            status = StockStatus.DEAD_STOCK
        else:
            status = StockStatus.OK
        coverage = stock / daily if daily else None
        items.append(
            StockItem(
                sku=f"SKU-{n + 1:05d}",
                name=name,
                category=None if n % 5 == 4 else "茶 Tea" if n % 2 else "Pantry",
                stock=stock,
                threshold=threshold,
                price=unit,
                value=max(stock, 0) * unit,
                cost_value=max(stock, 0) * unit * 6 // 10 if n % 3 else None,
                daily_sales=daily,
                coverage_days=coverage,
                last_sold=BUSINESS_DATE - timedelta(days=n % 60) if daily else None,
                status=status,
                urgent=bool(daily and stock > 0 and stock / daily < 7),
            )
        )
    order = list(StockStatus)
    items.sort(key=lambda i: (order.index(i.status), i.coverage_days is None, i.coverage_days or 0.0, i.sku))
    return StockAnalysis(BUSINESS_DATE, _stock_kpis(items), tuple(items), datetime(2026, 11, 23, 2, 0, 11), 90)


def _stock_kpis(items: list[StockItem]) -> StockKpis:
    """The key figures as `StockKpis` defines them, product by product, by no code of the analytics."""
    every = Counter(item.status.name for item in items)
    total: Counter[str] = Counter()
    known_costs, days_left = [], []
    for item in items:
        total["pieces"] += max(0, item.stock)
        total["worth"] += item.value
        total["dead worth"] += item.value if item.status.name == "DEAD_STOCK" else 0
        total["urgent"] += item.urgent
        if item.cost_value is not None:
            known_costs.append(item.cost_value)
        if item.stock > 0 and item.coverage_days is not None:
            days_left.append(item.coverage_days)
    a_year = 365 * sum(item.price * item.daily_sales for item in items)
    return StockKpis(
        len(items),
        total["pieces"],
        total["worth"],
        sum(known_costs) if known_costs else None,
        every["OUT_OF_STOCK"],
        every["LOW_STOCK"],
        every["LOW_STOCK"] / max(len(items), 1),
        total["urgent"],
        every["DEAD_STOCK"],
        total["dead worth"],
        a_year / total["worth"] if total["worth"] else None,
        fmean(days_left) if days_left else None,
    )


def content_of(
    report_type: str,
    period: Period,
    currency: str,
    sales: SalesAnalysis | None,
    stock: StockAnalysis | None,
    provenance: Provenance,
) -> ReportContent:
    """A report of every format around those of the analyses that its type shows."""
    parts = (sales if report_type != "stock" else None, stock if report_type != "sales" else None)
    return ReportContent(report_type, period.value, currency, *parts, provenance, made=tuple(Format))


def make_content(
    report_type: str,
    *,
    sales: SalesAnalysis | None = None,
    stock: StockAnalysis | None = None,
    period: Period = Period.DAILY,
    currency: str = "CNY",
    notes: tuple[str, ...] = ("Stock was read after the business date ended.",),
    set_aside_reasons: tuple[str, ...] = ("sale 1042: totalAmount is missing",),
) -> ReportContent:
    """A content of that type around the analyses it needs."""
    provenance = Provenance(
        business_date=BUSINESS_DATE,
        timezone="Asia/Shanghai",
        data_as_of=sales.data_as_of if sales else datetime(2026, 11, 22, 21, 47, 3),
        sales_rows=sales.rows if sales else 9_184,
        stock_rows=len(stock.items) if stock else 0,
        set_aside=len(set_aside_reasons),
        set_aside_reasons=set_aside_reasons,
        notes=notes,
        version="0.1.0",
    )
    return content_of(report_type, period, currency, sales, stock, provenance)


def many_names(count: int) -> list[str]:
    """So many names, in many scripts, the hostile ones among the first."""
    pool = [*NAMES, *HOSTILE_NAMES]
    return [pool[n] if n < len(pool) else f"{NAMES[n % len(NAMES)]} {n}" for n in range(count)]


@cache
def all_samples() -> dict[str, ReportContent]:
    """Every case by its name."""
    plain = list(NAMES[:12])
    daily, stock = make_sales(Period.DAILY, plain), make_stock(plain + [f"Product {n}" for n in range(28)])
    forty = many_names(40)
    many = many_names(10_000)
    rich = make_sales(Period.DAILY, plain, daily_revenue=123_456_789_012)
    yen = make_sales(Period.DAILY, plain, daily_revenue=184_350)
    alone: dict[str, Any] = {
        "previous": None,
        "same_weekday": None,
        "trend": TrendHint(TrendDirection.UNKNOWN, 0.0, 1, None, None),
    }
    first = replace(daily, context=daily.daily, **alone)
    long_names = [LONG_NAME, *plain[:5]]
    turned = [*RIGHT_TO_LEFT_AND_EMOJI_NAMES, *plain[:4]]
    return {
        "sales-daily": make_content("sales", sales=daily),
        "stock-daily": make_content("stock", stock=stock),
        "combined-daily": make_content("combined", sales=daily, stock=stock),
        "combined-weekly-40-scripts": make_content(
            "combined", sales=make_sales(Period.WEEKLY, forty), stock=make_stock(forty), period=Period.WEEKLY
        ),
        "sales-monthly-40-scripts": make_content(
            "sales", sales=make_sales(Period.MONTHLY, forty), period=Period.MONTHLY
        ),
        "sales-quarterly": make_content("sales", sales=make_sales(Period.QUARTERLY, forty), period=Period.QUARTERLY),
        "sales-empty": make_content("sales", sales=empty_sales()),
        "combined-empty-first-day": make_content(
            "combined", sales=empty_sales(first_day=True), stock=make_stock([]), notes=(), set_aside_reasons=()
        ),
        "sales-one": make_content("sales", sales=one_sale(), notes=(), set_aside_reasons=()),
        "sales-returns-above": make_content("sales", sales=returns_above_sales()),
        "combined-10000": make_content("combined", sales=make_sales(Period.DAILY, many), stock=make_stock(many)),
        "stock-10000": make_content("stock", stock=make_stock(many)),
        "combined-10-digits": make_content("combined", sales=rich, stock=make_stock(plain, price=98_765_432_100)),
        "combined-yen": make_content("combined", sales=yen, stock=make_stock(plain), currency="JPY"),
        "sales-dinar": make_content("sales", sales=daily, currency="KWD"),
        "sales-first-day": make_content("sales", sales=first),
        "combined-long-name": make_content(
            "combined", sales=make_sales(Period.DAILY, long_names), stock=make_stock(long_names)
        ),
        "combined-right-to-left-and-emoji": make_content(
            "combined", sales=make_sales(Period.DAILY, turned), stock=make_stock(turned)
        ),
        "combined-hostile-notes": make_content(
            "combined",
            sales=daily,
            stock=stock,
            notes=tuple(f"<b>note</b> {n} & {'x' * 300}\r\nBcc: someone" for n in range(20)),
            set_aside_reasons=tuple(f"sale {n}: <i>{'y' * 900}</i>" for n in range(20)),
        ),
    }


@cache
def rendered(name: str, fmt: Format, paper: str = "A4") -> bytes:
    """One case in one format, made once for all tests."""
    return render(all_samples()[name], fmt, paper=paper)


def mail_of(content: ReportContent, *, mode: MailMode = "full", language: Language = Language.EN) -> MailText:
    """The mail that brings a report and names no file."""
    return compose_report_mail(
        content,
        mode=mode,
        attached=(),
        left_out=(),
        locations=(),
        reference="ab12cd",
        run_id="run-0001",
        reply_to=None,
        language=language,
    )
