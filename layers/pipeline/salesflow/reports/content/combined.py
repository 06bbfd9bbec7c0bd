"""The combined report: sales and stock, and what only both together show."""

from salesflow.analytics.results import (
    ProductSales,
    ReportContent,
    SalesAnalysis,
    StockAnalysis,
    StockItem,
    StockStatus,
)
from salesflow.figures import Figures, Kind
from salesflow.reports.content.document import Column, Document, Noun, Section, Table, notes_of, small_print
from salesflow.reports.content.outlook import outlook_section, outlook_table
from salesflow.reports.content.sales import revenue_section, sales_finding, sales_headline, sales_kpis, sales_of
from salesflow.reports.content.sales_charts import revenue_charts, top_products_chart
from salesflow.reports.content.sales_tables import products_table, returns_table, sales_sheets
from salesflow.reports.content.stock import (
    dead_table,
    item_tone,
    reorder_table,
    state_words,
    status_chart,
    stock_finding,
    stock_headline,
    stock_kpis,
    stock_of,
    stock_table,
)
from salesflow.reports.content.unusual import unusual_section, unusual_table


def build_combined(content: ReportContent, figures: Figures) -> Document:
    """The document of a combined report."""
    _ = figures.words
    sales, stock = sales_of(content), stock_of(content)
    window_text = figures.window(sales.window)
    at_risk = sold_and_short(sales, stock)
    sales_first, sales_more = sales_kpis(sales, figures)
    stock_first, stock_more = stock_kpis(stock, figures)
    counted = figures.moment(stock.counted_at)
    return Document(
        report_type=content.report_type,
        period=content.period,
        title=_("Sales and stock report"),
        window_text=window_text,
        window_short=figures.window_short(sales.window),
        business_date=content.provenance.business_date,
        headline=_(
            "{sales}; {stock}.",
            sales=sales_headline(sales, content.period, figures),
            stock=_stock_phrase(sales, stock, figures),
        ),
        finding=_finding(sales, stock, figures),
        kpis=sales_first + stock_first,
        more_kpis=sales_more + stock_more,
        sections=(
            *revenue_section(
                sales, (*revenue_charts(sales, figures)[:2], *top_products_chart(sales, figures)), figures
            ),
            *unusual_section(content.unusual, figures),
            Section("at_risk", _("Sold, and running out"), tables=(_at_risk_table(at_risk, figures),)),
            Section("products", _("Products"), tables=(products_table(sales, figures, limit=15),)),
            Section(
                "state",
                _("Stock"),
                charts=status_chart(stock, figures),
                tables=(reorder_table(stock, figures, limit=12),),
            ),
            *outlook_section(content.forecast, figures),
            Section("dead", _("Dead stock"), tables=(dead_table(stock, figures, limit=6),)),
            *_returns_section(sales, figures),
        ),
        sheets=(
            *sales_sheets(sales, figures),
            *unusual_table(content.unusual, figures),
            *outlook_table(content.forecast, figures),
            stock_table(stock, figures),
        ),
        small_print=small_print(figures, content.provenance, window_text=window_text, stock_counted=counted),
        notes=notes_of(figures, content.provenance),
        figures=figures,
    )


def _returns_section(sales: SalesAnalysis, figures: Figures) -> tuple[Section, ...]:
    if not sales.kpis.returns:
        return ()
    _ = figures.words
    return (Section("returns", _("Returns"), tables=(returns_table(sales, figures, limit=5),)),)


def sold_and_short(sales: SalesAnalysis, stock: StockAnalysis) -> tuple[tuple[ProductSales, StockItem], ...]:
    """The products sold in the window that are now out of stock or run out within 7 days, by revenue."""
    items = {i.sku: i for i in stock.items if i.sku and (i.urgent or i.status is StockStatus.OUT_OF_STOCK)}
    return tuple(
        (product, items[product.sku]) for product in sales.products if product.sku in items and product.quantity > 0
    )


def _stock_phrase(sales: SalesAnalysis, stock: StockAnalysis, figures: Figures) -> str:
    """What both together say, as it stands after a semicolon."""
    _, at_risk = figures.words, sold_and_short(sales, stock)
    if sales.is_empty or not stock.items:
        phrase = stock_headline(stock, figures)
        return phrase[:1].lower() + phrase[1:]  # no sentence of ours begins with a name
    if not at_risk:
        return _("nothing that was sold is about to run out")
    return _.plural(
        "{n} product that was sold is out of stock or nearly so (it makes {share} of product revenue)",
        "{n} products that were sold are out of stock or nearly so (they make {share} of product revenue)",
        len(at_risk),
        n=figures.show(Kind.COUNT, len(at_risk)),
        share=figures.show(Kind.SHARE, _share_of(at_risk, sales)),
    )


def _share_of(at_risk: tuple[tuple[ProductSales, StockItem], ...], sales: SalesAnalysis) -> float | None:
    """Their share of all products' revenue; None where that is not above 0."""
    total = sum(product.revenue for product in sales.products)
    return sum(product.revenue for product, _ in at_risk) / total if total > 0 else None


def _at_risk_table(at_risk: tuple[tuple[ProductSales, StockItem], ...], figures: Figures) -> Table:
    _, state = figures.words, state_words(figures)
    return Table(
        key="at_risk",
        title=_("Sold in these days, and out of stock or gone within 7 days"),
        columns=(
            Column("name", _("Product"), Kind.NAME),
            Column("sku", _("SKU"), Kind.NAME, minor=True),
            Column("revenue", _("Revenue"), Kind.MONEY, sums=True),
            Column("quantity", _("Pieces"), Kind.COUNT, sums=True, minor=True),
            Column("stock", _("Stock"), Kind.COUNT, minor=True),
            Column("coverage_days", _("Days left"), Kind.DECIMAL),
            Column("status", _("Status"), Kind.TEXT, minor=True),
        ),
        rows=tuple(
            (
                product.name,
                product.sku,
                product.revenue,
                product.quantity,
                item.stock,
                item.coverage_days,
                state(item),
            )
            for product, item in at_risk
        ),
        limit=12,
        lead="" if at_risk else _("None of the products sold is out of stock or runs out within 7 days."),
        marks=tuple(item_tone(item) for product, item in at_risk),
        noun=Noun.PRODUCT,
    )


def _finding(sales: SalesAnalysis, stock: StockAnalysis, figures: Figures) -> tuple[str, ...]:
    _ = figures.words
    findings = sales_finding(_("Shop"), sales, figures)
    with_both = [
        _("{sales}; {stock}", sales=finding, stock=found)
        for found in stock_finding(stock, figures)
        for finding in findings[:2]
    ]
    return (*with_both, *findings)
