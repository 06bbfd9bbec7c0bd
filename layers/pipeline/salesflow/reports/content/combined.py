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
from salesflow.reports.content.compare import why
from salesflow.reports.content.document import Document, Section
from salesflow.reports.content.headline import sales_finding, sales_headline
from salesflow.reports.content.orders import vanished_section, vanished_table
from salesflow.reports.content.sales import headline_of, sales_kpis, sales_of, sales_sections, sheets_of, subject_words
from salesflow.reports.content.stock import (
    dead_table,
    reorder_table,
    stock_finding,
    stock_headline,
    stock_kpis,
    stock_of,
    stock_table,
)


def build_combined(content: ReportContent, figures: Figures) -> Document:
    """The document of a combined report."""
    _, sales, stock = figures.words, sales_of(content), stock_of(content)
    stock_first, stock_more = stock_kpis(stock, figures)
    return Document(
        content,
        figures,
        title=_("Sales and stock"),
        window=sales.window,
        headline=_headline(content, sales, stock, figures),
        why=why(content, figures),
        finding=(*subject_words(content, figures), *_finding(sales, stock, figures)),
        kpis=sales_kpis(content, figures) + stock_first,
        sections=(*sales_sections(content, figures), *_stock_sections(content, stock, figures)),
        sheets=(
            *sheets_of(content, figures),
            stock_table(stock, figures),
            *vanished_table(content.vanished, figures),
        ),
        more_kpis=stock_more,
    )


def _headline(content: ReportContent, sales: SalesAnalysis, stock: StockAnalysis, figures: Figures) -> str:
    _ = figures.words
    if content.usual is not None and content.usual.revenue and not sales.is_empty and sales.kpis.revenue >= 0:
        return headline_of(content, figures)
    return _(
        "{sales}; {stock}.",
        sales=sales_headline(sales, content.period, figures),
        stock=_stock_phrase(sales, stock, figures),
    )


def _stock_sections(content: ReportContent, stock: StockAnalysis, figures: Figures) -> tuple[Section, ...]:
    """What the order list does not say: the products to reorder where there is no list, and what does not sell."""
    _ = figures.words
    found = []
    if content.orders is None:
        found.append(Section("reorder", _("Needs ordering"), tables=(reorder_table(stock, figures, limit=12),)))
    found += vanished_section(content.vanished, figures)
    dead = dead_table(stock, figures, limit=6)
    if dead.rows:
        found.append(Section("dead", _("Dead stock"), tables=(dead,), extra=True))
    return tuple(found)


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
    return figures.plural(
        "{n} product that was sold is out of stock or nearly so (it makes {share} of product revenue)",
        "{n} products that were sold are out of stock or nearly so (they make {share} of product revenue)",
        len(at_risk),
        share=figures.show(Kind.SHARE, _share_of(at_risk, sales)),
    )


def _share_of(at_risk: tuple[tuple[ProductSales, StockItem], ...], sales: SalesAnalysis) -> float | None:
    """Their share of all products' revenue; None where that is not above 0."""
    total = sum(product.revenue for product in sales.products)
    return sum(product.revenue for product, _ in at_risk) / total if total > 0 else None


def _finding(sales: SalesAnalysis, stock: StockAnalysis, figures: Figures) -> tuple[str, ...]:
    _ = figures.words
    findings = sales_finding(_("Shop"), sales, figures)
    with_both = [
        _("{sales}; {stock}", sales=finding, stock=found)
        for found in stock_finding(stock, figures)
        for finding in findings[:2]
    ]
    return (*with_both, *findings)
