"""The combined report: sales and stock, and what only both together show."""

from salesflow.analytics.results import (
    ProductSales,
    ReportContent,
    SalesAnalysis,
    StockAnalysis,
    StockItem,
    StockStatus,
)
from salesflow.reports.document import Column, Document, Section, Table, notes_of, small_print
from salesflow.reports.figures import Figures, Kind
from salesflow.reports.outlook import outlook_section, outlook_table
from salesflow.reports.sales import (
    products_table,
    returns_table,
    revenue_charts,
    revenue_section,
    sales_finding,
    sales_headline,
    sales_kpis,
    sales_of,
    sales_sheets,
    top_products_chart,
)
from salesflow.reports.stock import (
    dead_table,
    item_state,
    item_tone,
    reorder_table,
    status_chart,
    stock_finding,
    stock_headline,
    stock_kpis,
    stock_of,
    stock_table,
)


def build_combined(content: ReportContent, figures: Figures) -> Document:
    """The document of a combined report."""
    sales, stock = sales_of(content), stock_of(content)
    window_text = figures.window(sales.window)
    at_risk = sold_and_short(sales, stock)
    sales_first, sales_more = sales_kpis(sales, figures)
    stock_first, stock_more = stock_kpis(stock, figures)
    counted = figures.moment(stock.counted_at)
    return Document(
        report_type=content.report_type,
        period=content.period,
        title="Sales and stock report",
        window_text=window_text,
        window_short=figures.window_short(sales.window),
        business_date=content.provenance.business_date,
        headline=f"{sales_headline(sales, content.period, figures)}; {_stock_phrase(sales, stock, figures)}.",
        finding=_finding(sales, stock, figures),
        kpis=sales_first + stock_first,
        more_kpis=sales_more + stock_more,
        sections=(
            *revenue_section(
                sales, (*revenue_charts(sales, figures)[:2], *top_products_chart(sales, figures)), figures
            ),
            Section("at_risk", "Sold, and running out", tables=(_at_risk_table(at_risk),)),
            Section("products", "Products", tables=(products_table(sales, limit=15),)),
            Section("state", "Stock", charts=status_chart(stock, figures), tables=(reorder_table(stock, limit=12),)),
            *outlook_section(content.forecast, figures),
            Section("dead", "Dead stock", tables=(dead_table(stock, limit=6),)),
            *((Section("returns", "Returns", tables=(returns_table(sales, limit=5),)),) if sales.kpis.returns else ()),
        ),
        sheets=(*sales_sheets(sales), *outlook_table(content.forecast), stock_table(stock)),
        small_print=small_print(figures, content.provenance, window_text=window_text, stock_counted=counted),
        notes=notes_of(figures, content.provenance),
        figures=figures,
    )


def sold_and_short(sales: SalesAnalysis, stock: StockAnalysis) -> tuple[tuple[ProductSales, StockItem], ...]:
    """The products sold in the window that are now out of stock or run out within 7 days, by revenue."""
    items = {i.sku: i for i in stock.items if i.sku and (i.urgent or i.status is StockStatus.OUT_OF_STOCK)}
    return tuple(
        (product, items[product.sku]) for product in sales.products if product.sku in items and product.quantity > 0
    )


def _stock_phrase(sales: SalesAnalysis, stock: StockAnalysis, figures: Figures) -> str:
    at_risk = sold_and_short(sales, stock)
    if sales.is_empty or not stock.items:
        phrase = stock_headline(stock, figures)
        return phrase[:1].lower() + phrase[1:]
    if not at_risk:
        return "nothing that was sold is about to run out"
    many = len(at_risk) > 1
    count = figures.show(Kind.COUNT, len(at_risk))
    share = figures.show(Kind.SHARE, sum(product.share for product, _ in at_risk))
    products = "products that were sold are" if many else "product that was sold is"
    they = "they make" if many else "it makes"
    return f"{count} {products} out of stock or nearly so ({they} {share} of product revenue)"


def _at_risk_table(at_risk: tuple[tuple[ProductSales, StockItem], ...]) -> Table:
    return Table(
        key="at_risk",
        title="Sold in these days, and out of stock or gone within 7 days",
        columns=(
            Column("name", "Product", Kind.NAME),
            Column("sku", "SKU", Kind.NAME, minor=True),
            Column("revenue", "Revenue", Kind.MONEY, sums=True),
            Column("quantity", "Pieces", Kind.COUNT, sums=True, minor=True),
            Column("stock", "Stock", Kind.COUNT, minor=True),
            Column("coverage_days", "Days left", Kind.DECIMAL),
            Column("status", "Status", Kind.TEXT, minor=True),
        ),
        rows=tuple(
            (
                product.name,
                product.sku,
                product.revenue,
                product.quantity,
                item.stock,
                item.coverage_days,
                item_state(item),
            )
            for product, item in at_risk
        ),
        noun="products",
        limit=12,
        lead="" if at_risk else "None of the products sold is out of stock or runs out within 7 days.",
        marks=tuple(item_tone(item) for _, item in at_risk),
    )


def _finding(sales: SalesAnalysis, stock: StockAnalysis, figures: Figures) -> tuple[str, ...]:
    found = stock_finding(stock, figures)
    with_both = tuple(f"{finding}; {found}" for finding in sales_finding("Shop", sales, figures)[:2])
    return with_both + sales_finding("Shop", sales, figures)
