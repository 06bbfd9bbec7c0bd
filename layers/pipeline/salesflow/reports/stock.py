"""The stock report, and the parts of it that the combined report shares."""

from collections.abc import Callable
from typing import Final

from salesflow.analytics.results import ReportContent, StockAnalysis, StockItem, StockStatus
from salesflow.reports.document import (
    Chart,
    ChartKind,
    Column,
    Document,
    Kpi,
    Section,
    Table,
    Tone,
    notes_of,
    small_print,
)
from salesflow.reports.figures import Figures, Kind

STATUS_WORDS: Final = {
    StockStatus.OUT_OF_STOCK: "Out of stock",
    StockStatus.LOW_STOCK: "Low stock",
    StockStatus.DEAD_STOCK: "Dead stock",
    StockStatus.OK: "OK",
}

_COVERAGE_STEPS: Final = (
    ("none left", 0.0, 0.0),
    ("under 7 days", 0.0, 7.0),
    ("7 to 30 days", 7.0, 30.0),
    ("30 to 90 days", 30.0, 90.0),
    ("over 90 days", 90.0, float("inf")),
)


def build_stock(content: ReportContent, figures: Figures) -> Document:
    """The document of a stock report."""
    stock = stock_of(content)
    counted = figures.moment(stock.counted_at)
    kpis, more_kpis = stock_kpis(stock, figures)
    day = figures.day_long(stock.business_date)
    return Document(
        report_type=content.report_type,
        period=content.period,
        title="Stock report",
        window_text=day,
        window_short=figures.day_with_weekday(stock.business_date),
        business_date=content.provenance.business_date,
        headline=stock_headline(stock, figures) + ".",
        finding=_finding(stock, figures),
        kpis=kpis,
        more_kpis=more_kpis,
        sections=(
            Section(
                "state",
                "State of the stock",
                charts=status_chart(stock, figures) + _coverage_chart(stock, figures) + _value_chart(stock, figures),
                lead=_history_lead(stock),
            ),
            Section("reorder", "Needs ordering", tables=(reorder_table(stock, limit=24),)),
            Section("low", "Low stock", tables=(_low_table(stock, limit=10),)),
            Section("dead", "Dead stock", tables=(dead_table(stock, limit=10),)),
        ),
        sheets=(stock_table(stock),),
        small_print=small_print(figures, content.provenance, window_text=day, stock_counted=counted),
        notes=notes_of(figures, content.provenance),
        figures=figures,
    )


def stock_of(content: ReportContent) -> StockAnalysis:
    """The stock of a report that must have it."""
    if content.stock is None:
        raise ValueError(f"A {content.report_type} report needs the stock analysis.")
    return content.stock


def stock_headline(stock: StockAnalysis, figures: Figures) -> str:
    """What state the stock is in, in one sentence without its full stop."""
    kpis = stock.kpis
    if not kpis.products:
        return "The stock list holds no product"
    of_all = f"of {figures.show(Kind.COUNT, kpis.products)} products"
    worth = f"the stock is worth {figures.money(kpis.stock_value)} at sales prices"
    if not kpis.out_of_stock and not kpis.urgent_reorders:
        return f"None {of_all} is out of stock and none runs out within 7 days; {worth}"
    out, urgent = figures.show(Kind.COUNT, kpis.out_of_stock), figures.show(Kind.COUNT, kpis.urgent_reorders)
    verb = "is" if kpis.out_of_stock == 1 else "are"
    runs = "runs" if kpis.urgent_reorders == 1 else "run"
    return f"{out} {of_all} {verb} out of stock and {urgent} more {runs} out within 7 days; {worth}"


def stock_finding(stock: StockAnalysis, figures: Figures) -> str:
    """ "3 out, 5 urgent"."""
    kpis = stock.kpis
    if not kpis.out_of_stock and not kpis.urgent_reorders:
        return "none out, none urgent"
    return f"{figures.show(Kind.COUNT, kpis.out_of_stock)} out, {figures.show(Kind.COUNT, kpis.urgent_reorders)} urgent"


def _finding(stock: StockAnalysis, figures: Figures) -> tuple[str, ...]:
    start = f"Stock {figures.day_short(stock.business_date)}:"
    found = stock_finding(stock, figures)
    worth = figures.money_short(stock.kpis.stock_value)
    return (f"{start} {found}, worth {worth}", f"{start} {found}", f"Stock: {found}")


def stock_kpis(stock: StockAnalysis, figures: Figures) -> tuple[tuple[Kpi, ...], tuple[Kpi, ...]]:
    """The four key figures of the stock, and the others."""
    now = stock.kpis

    def kpi(key: str, label: str, kind: Kind, definition: str, detail: str = "", *, bad: bool = False) -> Kpi:
        value = getattr(now, key)
        tone = Tone.BAD if bad and value else Tone.NEUTRAL
        return Kpi(key, label, kind, value, figures.show(kind, value), definition, detail, tone=tone)

    first = (
        kpi(
            "out_of_stock",
            "Out of stock",
            Kind.COUNT,
            "Products with a stock of 0 or less.",
            f"of {figures.show(Kind.COUNT, now.products)} products",
            bad=True,
        ),
        kpi(
            "urgent_reorders",
            "Urgent reorders",
            Kind.COUNT,
            "Products that sell, are in stock, and last less than 7 days.",
            "last less than 7 days",
            bad=True,
        ),
        kpi(
            "low_stock",
            "Low stock",
            Kind.COUNT,
            "Products with a stock above 0 but below their threshold (at least 1).",
            f"{figures.show(Kind.SHARE, now.low_stock_ratio)} of products",
            bad=True,
        ),
        kpi(
            "stock_value",
            "Stock value",
            Kind.MONEY,
            "Pieces in stock times sales price; a stock below 0 counts as 0.",
            f"{figures.show(Kind.COUNT, now.units)} pieces",
        ),
    )
    more = [
        kpi(
            "dead_stock",
            "Dead stock",
            Kind.COUNT,
            "Products in stock without a sale in the last 90 days.",
            f"worth {figures.money(now.dead_stock_value)}",
        ),
        kpi(
            "rotation_per_year",
            "Rotation per year",
            Kind.DECIMAL,
            "Yearly value of the pieces sold (last 90 days x 365/90, at today's prices) divided by the stock value.",
            "times the stock is sold",
        ),
        kpi(
            "average_coverage_days",
            "Average coverage",
            Kind.DECIMAL,
            "Mean of stock / average daily sales over the products that sell and are in stock.",
            "days",
        ),
    ]
    if now.cost_value is not None:
        more.insert(0, kpi("cost_value", "Stock at cost", Kind.MONEY, "Pieces in stock times cost, where it is known."))
    return first, tuple(more)


def _history_lead(stock: StockAnalysis) -> str:
    full_history = 90
    if stock.sales_days >= full_history:
        return ""
    return f"Daily sales and coverage rest on {stock.sales_days} days of sales, because no more are known."


def status_chart(stock: StockAnalysis, figures: Figures) -> tuple[Chart, ...]:
    """Number of products in each state."""
    if not stock.items:
        return ()
    counts = dict.fromkeys(StockStatus, 0)
    for item in stock.items:
        counts[item.status] += 1
    chart = Chart(
        "status",
        "Products by status",
        ChartKind.BARS,
        Kind.COUNT,
        tuple(STATUS_WORDS[status] for status in StockStatus),
        tuple(float(counts[status]) for status in StockStatus),
        "Number of products by stock status: "
        + ", ".join(f"{STATUS_WORDS[s]} {figures.show(Kind.COUNT, counts[s])}" for s in StockStatus)
        + ".",
    )
    return (chart,)


def _coverage_chart(stock: StockAnalysis, figures: Figures) -> tuple[Chart, ...]:
    """Number of selling products by how long their stock lasts."""
    counts = [0] * len(_COVERAGE_STEPS)
    for item in stock.items:
        if item.coverage_days is None or item.daily_sales <= 0:
            continue
        if item.stock <= 0:
            counts[0] += 1
            continue
        step = next(n for n, (_, low, high) in enumerate(_COVERAGE_STEPS) if n and low <= item.coverage_days < high)
        counts[step] += 1
    if not any(counts):
        return ()
    names = tuple(name for name, _, _ in _COVERAGE_STEPS)
    chart = Chart(
        "coverage",
        "Selling products by days of coverage",
        ChartKind.BARS,
        Kind.COUNT,
        names,
        tuple(float(count) for count in counts),
        "Number of products that sell, by how long the stock lasts: "
        + ", ".join(f"{name} {figures.show(Kind.COUNT, n)}" for name, n in zip(names, counts, strict=True))
        + ".",
    )
    return (chart,)


def _value_chart(stock: StockAnalysis, figures: Figures) -> tuple[Chart, ...]:
    """Where the money lies: the products with the highest stock value."""
    top = sorted((item for item in stock.items if item.value > 0), key=lambda item: (-item.value, item.sku))[:5]
    if not top:
        return ()
    return (
        Chart(
            "value",
            "Most money in stock",
            ChartKind.BARS,
            Kind.MONEY,
            tuple(figures.show(Kind.NAME, item.name or item.sku) for item in top),
            tuple(float(item.value) for item in top),
            f"The {len(top)} products with the highest stock value. First: "
            f"{figures.show(Kind.NAME, top[0].name or top[0].sku)} with {figures.money(top[0].value)}.",
            names=True,
        ),
    )


def item_state(item: StockItem) -> str:
    """The product's status in words; what would be OK but runs out within 7 days says so."""
    return "Runs out" if item.urgent and item.status is StockStatus.OK else STATUS_WORDS[item.status]


type _Cell = Callable[[StockItem], object]

_NAME: Final[tuple[Column, _Cell]] = (Column("name", "Product", Kind.NAME), lambda item: item.name)
_SKU: Final[tuple[Column, _Cell]] = (Column("sku", "SKU", Kind.NAME, minor=True), lambda item: item.sku)
_CATEGORY: Final[tuple[Column, _Cell]] = (Column("category", "Category", Kind.NAME), lambda item: item.category)
_STOCK: Final[tuple[Column, _Cell]] = (Column("stock", "Stock", Kind.COUNT), lambda item: item.stock)
_THRESHOLD: Final[tuple[Column, _Cell]] = (
    Column("threshold", "Threshold", Kind.COUNT, minor=True),
    lambda item: item.threshold,
)
_DAILY: Final[tuple[Column, _Cell]] = (
    Column("daily_sales", "Sold a day", Kind.DECIMAL, minor=True),
    lambda item: item.daily_sales,
)
_COVERAGE: Final[tuple[Column, _Cell]] = (
    Column("coverage_days", "Days left", Kind.DECIMAL),
    lambda item: item.coverage_days,
)
_LAST_SOLD: Final[tuple[Column, _Cell]] = (Column("last_sold", "Last sold", Kind.DAY), lambda item: item.last_sold)
_STATE: Final[tuple[Column, _Cell]] = (
    Column("status", "Status", Kind.TEXT, minor=True),
    item_state,
)
_STATUS: Final[tuple[Column, _Cell]] = (
    Column("status", "Status", Kind.TEXT, minor=True),
    lambda item: STATUS_WORDS[item.status],
)
_PRICE: Final[tuple[Column, _Cell]] = (Column("price", "Price", Kind.MONEY, minor=True), lambda item: item.price)
_VALUE: Final[tuple[Column, _Cell]] = (Column("value", "Stock value", Kind.MONEY, sums=True), lambda item: item.value)
_COST: Final[tuple[Column, _Cell]] = (Column("cost_value", "At cost", Kind.MONEY), lambda item: item.cost_value)
_URGENT: Final[tuple[Column, _Cell]] = (
    Column("urgent", "Urgent", Kind.TEXT),
    lambda item: "yes" if item.urgent else "",
)


def item_tone(item: StockItem) -> Tone:
    """Bad for what is out of stock."""
    return Tone.BAD if item.status is StockStatus.OUT_OF_STOCK else Tone.NEUTRAL


def _table(  # a table has this many parts
    key: str, title: str, parts: tuple[tuple[Column, _Cell], ...], items: list[StockItem], *, limit: int, lead: str
) -> Table:
    return Table(
        key=key,
        title=title,
        columns=tuple(column for column, _ in parts),
        rows=tuple(tuple(cell(item) for _, cell in parts) for item in items),
        noun="products",
        limit=limit,
        lead=lead,
        marks=tuple(item_tone(item) for item in items),
    )


def reorder_table(stock: StockAnalysis, *, limit: int) -> Table:
    """What sells and is out of stock, or runs out within 7 days; the highest value of daily sales first."""
    items = [
        item
        for item in stock.items
        if item.urgent or (item.status is StockStatus.OUT_OF_STOCK and item.daily_sales > 0)
    ]
    items.sort(key=lambda item: (-item.daily_sales * item.price, item.sku))
    return _table(
        "reorder",
        "Sells, and is out of stock or runs out within 7 days",
        (_NAME, _SKU, _STOCK, _DAILY, _COVERAGE, _STATE),
        items,
        limit=limit,
        lead="The products whose sales are worth most stand first."
        if items
        else "Nothing that sells is about to run out.",
    )


def _low_table(stock: StockAnalysis, *, limit: int) -> Table:
    """Below its threshold, and not in the table of what needs ordering."""
    items = [item for item in stock.items if item.status is StockStatus.LOW_STOCK and not item.urgent]
    return _table(
        "low",
        "Below its threshold, but lasts 7 days or more",
        (_NAME, _SKU, _STOCK, _THRESHOLD, _COVERAGE),
        items,
        limit=limit,
        lead="" if items else "No other product is below its threshold.",
    )


def dead_table(stock: StockAnalysis, *, limit: int) -> Table:
    """In stock without a sale for 90 days, the highest value first."""
    items = [item for item in stock.items if item.status is StockStatus.DEAD_STOCK]
    items.sort(key=lambda item: (-item.value, item.sku))
    return _table(
        "dead",
        "In stock, and not sold for 90 days",
        (_NAME, _SKU, _STOCK, _PRICE, _VALUE),
        items,
        limit=limit,
        lead="" if items else "Every product in stock was sold in the last 90 days.",
    )


def stock_table(stock: StockAnalysis) -> Table:
    """Every product, what needs doing first."""
    parts: tuple[tuple[Column, _Cell], ...] = (
        _NAME,
        _SKU,
        _CATEGORY,
        _STATUS,
        _URGENT,
        _STOCK,
        _THRESHOLD,
        _DAILY,
        _COVERAGE,
        _LAST_SOLD,
        _PRICE,
        _VALUE,
    )
    if stock.kpis.cost_value is not None:
        parts += (_COST,)
    items = list(stock.items)
    return _table("stock", "Stock by product", parts, items, limit=len(items), lead="")
