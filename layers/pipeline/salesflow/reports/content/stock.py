"""The stock report, and the parts of it that the combined report shares."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from salesflow.analytics.results import ReportContent, StockAnalysis, StockItem, StockStatus
from salesflow.figures import Figures, Kind
from salesflow.reports.content.compare import why
from salesflow.reports.content.document import (
    Chart,
    ChartKind,
    Column,
    Document,
    Kpi,
    Section,
    Table,
    Tone,
)
from salesflow.reports.content.orders import orders_section, vanished_section, vanished_table
from salesflow.windows import Window

_COVERAGE_STEPS: Final = (0.0, 7.0, 30.0, 90.0)
"""Days of coverage where the steps of the chart begin, after a first one for what is out of stock."""


def status_words(figures: Figures) -> dict[StockStatus, str]:
    """What each status is called."""
    _ = figures.words
    return {
        StockStatus.OUT_OF_STOCK: _("Out of stock"),
        StockStatus.LOW_STOCK: _("Low stock"),
        StockStatus.DEAD_STOCK: _("Dead stock"),
        StockStatus.OK: _("OK"),
    }


def build_stock(content: ReportContent, figures: Figures) -> Document:
    """The document of a stock report."""
    _, stock = figures.words, stock_of(content)
    kpis, more_kpis = stock_kpis(stock, figures)
    return Document(
        content,
        figures,
        title=_("Stock"),
        window=Window(stock.business_date, stock.business_date),
        headline=_("{sentence}.", sentence=stock_headline(stock, figures)),
        why=why(content, figures),
        finding=_finding(content, stock, figures),
        kpis=kpis,
        sections=(
            *_what_to_order(content, stock, figures),
            *vanished_section(content.vanished, figures),
            *_the_rest(stock, figures),
        ),
        sheets=(stock_table(stock, figures), *vanished_table(content.vanished, figures)),
        more_kpis=more_kpis,
    )


def _what_to_order(content: ReportContent, stock: StockAnalysis, figures: Figures) -> tuple[Section, ...]:
    """The order list, or without one what is out of stock or about to be, beside the state of the stock."""
    _ = figures.words
    charts = _charts(stock, figures)
    state = Section("state", _("State of the stock"), charts=charts, lead=_history_lead(stock, figures), share=0.5)
    ordering = orders_section(content.orders, figures, limit=24, share=0.5)
    if not ordering:
        ordering = (Section("reorder", _("Needs ordering"), tables=(reorder_table(stock, figures, limit=24),)),)
        state = replace(state, share=1.0)
    return (*ordering, state)


def _the_rest(stock: StockAnalysis, figures: Figures) -> tuple[Section, ...]:
    """Below its threshold, and not sold for long; sections with nothing in them are left out."""
    _ = figures.words
    low, dead = _low_table(stock, figures, limit=10), dead_table(stock, figures, limit=10)
    named = (("low", _("Low stock"), low), ("dead", _("Dead stock"), dead))
    return tuple(
        Section(key, title, tables=(table,), share=0.5, extra=True) for key, title, table in named if table.rows
    )


def stock_of(content: ReportContent) -> StockAnalysis:
    """The stock of a report that must have it."""
    if content.stock is None:
        raise ValueError(f"A {content.report_type} report needs the stock analysis.")
    return content.stock


def stock_headline(stock: StockAnalysis, figures: Figures) -> str:
    """What state the stock is in, in one sentence without its full stop."""
    _, kpis = figures.words, stock.kpis
    if not kpis.products:
        return _("The stock list holds no product")
    of_all, value = figures.show(Kind.COUNT, kpis.products), figures.money_short(kpis.stock_value)
    if not kpis.out_of_stock and not kpis.urgent_reorders:
        return _(
            "None of {all} products is out of stock and none runs out within 7 days; "
            "the stock is worth {value} at sales prices",
            all=of_all,
            value=value,
        )
    out = figures.plural(
        "{n} of {all} products is out of stock", "{n} of {all} products are out of stock", kpis.out_of_stock, all=of_all
    )
    urgent = figures.plural("{n} more runs out within 7 days", "{n} more run out within 7 days", kpis.urgent_reorders)
    return _("{out} and {urgent}; the stock is worth {value} at sales prices", out=out, urgent=urgent, value=value)


def stock_finding(stock: StockAnalysis, figures: Figures) -> tuple[str, ...]:
    """ "3 out, 5 urgent", and a shorter one."""
    _, kpis = figures.words, stock.kpis
    if not kpis.out_of_stock and not kpis.urgent_reorders:
        return (_("none out, none urgent"),)
    out = figures.plural("{n} out", "{n} out", kpis.out_of_stock)
    urgent = figures.plural("{n} urgent", "{n} urgent", kpis.urgent_reorders)
    return _("{out}, {urgent}", out=out, urgent=urgent), out if kpis.out_of_stock else urgent


def _finding(content: ReportContent, stock: StockAnalysis, figures: Figures) -> tuple[str, ...]:
    _, days = figures.words, figures.day_short(stock.business_date)
    title = content.shop or _("Stock")
    found = stock_finding(stock, figures)
    worth = figures.money_short(stock.kpis.stock_value)
    return (
        _("{title} {days}: {found}, worth {value}", title=title, days=days, found=found[0], value=worth),
        *(_("{title} {days}: {found}", title=title, days=days, found=text) for text in found),
        _("{title}: {found}", title=title, found=found[-1]),
    )


def stock_kpis(stock: StockAnalysis, figures: Figures) -> tuple[tuple[Kpi, ...], tuple[Kpi, ...]]:
    """The four key figures of the stock, and the others."""
    _, now = figures.words, stock.kpis

    def kpi(key: str, label: str, kind: Kind, definition: str, detail: str = "", *, bad: bool = False) -> Kpi:
        value = getattr(now, key)
        tone = Tone.BAD if bad and value else Tone.NEUTRAL
        return Kpi(key, label, kind, value, figures.show(kind, value), definition, detail, tone=tone)

    first = (
        kpi(
            "out_of_stock",
            _("Out of stock"),
            Kind.COUNT,
            _("Products with a stock of 0 or less."),
            figures.plural("of {n} product", "of {n} products", now.products),
            bad=True,
        ),
        kpi(
            "urgent_reorders",
            _("Urgent reorders"),
            Kind.COUNT,
            _("Products that sell, are in stock, and last less than 7 days."),
            _("last less than 7 days"),
            bad=True,
        ),
        kpi(
            "low_stock",
            _("Low stock"),
            Kind.COUNT,
            _("Products with a stock above 0 but below their threshold (at least 1)."),
            _("{share} of products", share=figures.show(Kind.SHARE, now.low_stock_ratio)),
            bad=True,
        ),
        kpi(
            "stock_value",
            _("Stock value, {currency}", currency=figures.currency_symbol),
            Kind.MONEY,
            _("Pieces in stock times sales price; a stock below 0 counts as 0."),
            figures.plural("{n} piece", "{n} pieces", now.units),
        ),
    )
    more = [
        kpi(
            "dead_stock",
            _("Dead stock"),
            Kind.COUNT,
            _("Products in stock without a sale in the last 90 days."),
            _("worth {value}", value=figures.money(now.dead_stock_value)) if now.dead_stock else "",
        ),
        kpi(
            "rotation_per_year",
            _("Rotation per year"),
            Kind.DECIMAL,
            _("Yearly value of the pieces sold (last 90 days x 365/90, at today's prices) divided by the stock value."),
            _("times the stock is sold"),
        ),
        kpi(
            "average_coverage_days",
            _("Average coverage"),
            Kind.DECIMAL,
            _("Mean of stock / average daily sales over the products that sell and are in stock."),
            _("days"),
        ),
    ]
    if now.cost_value is not None:
        definition = _("Pieces in stock times cost, where it is known.")
        more.insert(
            0,
            kpi("cost_value", _("Stock at cost, {currency}", currency=figures.currency_symbol), Kind.MONEY, definition),
        )
    return first, tuple(more)


def _history_lead(stock: StockAnalysis, figures: Figures) -> str:
    full_history = 90
    if stock.sales_days >= full_history:
        return ""
    _ = figures.words
    return figures.plural(
        "Daily sales and coverage rest on {n} day of sales, because no more are known.",
        "Daily sales and coverage rest on {n} days of sales, because no more are known.",
        stock.sales_days,
    )


def _charts(stock: StockAnalysis, figures: Figures) -> tuple[Chart, ...]:
    """How many products are in each state, and how many that sell by how long their stock lasts."""
    if not stock.items:
        return ()
    _, names = figures.words, status_words(figures)
    states = {names[status]: sum(item.status is status for item in stock.items) for status in StockStatus}
    said = _("Number of products by stock status: {list}.", list=figures.pairs(states.items()))
    charts = [_counts("status", _("Products by status"), states, said)]
    steps = (_("none left"), _("under 7 days"), _("7 to 30 days"), _("30 to 90 days"), _("over 90 days"))
    lasts = dict.fromkeys(steps, 0)
    for item in stock.items:
        if item.coverage_days is not None and item.daily_sales > 0:
            lasts[steps[0 if item.stock <= 0 else sum(item.coverage_days >= start for start in _COVERAGE_STEPS)]] += 1
    if any(lasts.values()):
        said = _(
            "Number of products that sell, by how long the stock lasts: {list}.", list=figures.pairs(lasts.items())
        )
        charts.append(_counts("coverage", _("Selling products by days of coverage"), lasts, said))
    return tuple(charts)


def _counts(key: str, title: str, counts: dict[str, int], alt: str) -> Chart:
    return Chart(key, title, ChartKind.BARS, Kind.COUNT, tuple(counts), tuple(map(float, counts.values())), alt)


def state_words(figures: Figures) -> Callable[[StockItem], str]:
    """Says a product's status in words; what would be OK but runs out within 7 days says so."""
    _, names = figures.words, status_words(figures)
    runs_out = _("Runs out")
    return lambda item: runs_out if item.urgent and item.status is StockStatus.OK else names[item.status]


type _Part = tuple[Column, Callable[[StockItem], object]]
"""A column, and what stands in it for a product."""


def _parts(figures: Figures, *keys: str) -> tuple[_Part, ...]:
    """The columns of those keys, in their order."""
    _, names = figures.words, status_words(figures)
    urgent = _("yes")
    parts: dict[str, _Part] = {
        "name": (Column("name", _("Product"), Kind.NAME), lambda item: item.name),
        "sku": (Column("sku", _("SKU"), Kind.NAME, minor=True), lambda item: item.sku),
        "category": (Column("category", _("Category"), Kind.NAME), lambda item: item.category),
        "stock": (Column("stock", _("Stock"), Kind.COUNT), lambda item: item.stock),
        "threshold": (Column("threshold", _("Threshold"), Kind.COUNT, minor=True), lambda item: item.threshold),
        "daily_sales": (
            Column("daily_sales", _("Sold a day"), Kind.DECIMAL, minor=True),
            lambda item: item.daily_sales,
        ),
        "coverage_days": (Column("coverage_days", _("Days left"), Kind.DECIMAL), lambda item: item.coverage_days),
        "last_sold": (Column("last_sold", _("Last sold"), Kind.DAY), lambda item: item.last_sold),
        "state": (Column("status", _("Status"), Kind.TEXT, minor=True), state_words(figures)),
        "status": (Column("status", _("Status"), Kind.TEXT, minor=True), lambda item: names[item.status]),
        "price": (Column("price", _("Price"), Kind.MONEY, minor=True), lambda item: item.price),
        "value": (Column("value", _("Stock value"), Kind.MONEY, sums=True), lambda item: item.value),
        "cost_value": (Column("cost_value", _("At cost"), Kind.MONEY), lambda item: item.cost_value),
        "urgent": (Column("urgent", _("Urgent"), Kind.TEXT), lambda item: urgent if item.urgent else ""),
    }
    return tuple(parts[key] for key in keys)


def _table(key: str, title: str, parts: tuple[_Part, ...], items: list[StockItem], *, limit: int, lead: str) -> Table:
    return Table(
        key=key,
        title=title,
        columns=tuple(column for column, _ in parts),
        rows=tuple(tuple(cell(item) for _, cell in parts) for item in items),
        limit=limit,
        lead=lead,
        marks=tuple(Tone.BAD if item.status is StockStatus.OUT_OF_STOCK else Tone.NEUTRAL for item in items),
        noun="product",
    )


def reorder_table(stock: StockAnalysis, figures: Figures, *, limit: int) -> Table:
    """What sells and is out of stock, or runs out within 7 days; the highest value of daily sales first."""
    items = [
        item
        for item in stock.items
        if item.urgent or (item.status is StockStatus.OUT_OF_STOCK and item.daily_sales > 0)
    ]
    items.sort(key=lambda item: (-item.daily_sales * item.price, item.sku))
    _ = figures.words
    return _table(
        "reorder",
        _("Sells, and is out of stock or runs out within 7 days"),
        _parts(figures, "name", "sku", "stock", "daily_sales", "coverage_days", "state"),
        items,
        limit=limit,
        lead=_("The products whose sales are worth most stand first.")
        if items
        else _("Nothing that sells is about to run out."),
    )


def _low_table(stock: StockAnalysis, figures: Figures, *, limit: int) -> Table:
    """Below its threshold, and not in the table of what needs ordering."""
    items = [item for item in stock.items if item.status is StockStatus.LOW_STOCK and not item.urgent]
    _ = figures.words
    return _table(
        "low",
        _("Below its threshold, but lasts 7 days or more"),
        _parts(figures, "name", "sku", "stock", "threshold", "coverage_days"),
        items,
        limit=limit,
        lead="" if items else _("No other product is below its threshold."),
    )


def dead_table(stock: StockAnalysis, figures: Figures, *, limit: int) -> Table:
    """In stock without a sale for 90 days, the highest value first."""
    items = [item for item in stock.items if item.status is StockStatus.DEAD_STOCK]
    items.sort(key=lambda item: (-item.value, item.sku))
    _ = figures.words
    return _table(
        "dead",
        _("In stock, and not sold for 90 days"),
        _parts(figures, "name", "stock", "price", "value"),
        items,
        limit=limit,
        lead="" if items else _("Every product in stock was sold in the last 90 days."),
    )


def stock_table(stock: StockAnalysis, figures: Figures) -> Table:
    """Every product, what needs doing first."""
    _ = figures.words
    keys = ["name", "sku", "category", "status", "urgent", "stock", "threshold"]
    keys += ["daily_sales", "coverage_days", "last_sold", "price", "value"]
    if stock.kpis.cost_value is not None:
        keys.append("cost_value")
    items = list(stock.items)
    table = _table("stock", _("Stock by product"), _parts(figures, *keys), items, limit=len(items), lead="")
    if not items:
        return table
    sums = {"name": _("All products"), "value": stock.kpis.stock_value, "cost_value": stock.kpis.cost_value}
    return replace(table, totals=(tuple(sums.get(key, "") for key in keys),))
