"""The combined report: sales and stock, and what only both together show."""

from salesflow.analytics.results import ReportContent, SalesAnalysis, StockAnalysis
from salesflow.figures import Figures
from salesflow.reports.content.compare import why
from salesflow.reports.content.document import Document, Section
from salesflow.reports.content.headline import sales_finding, sales_headline
from salesflow.reports.content.orders import vanished_section, vanished_table
from salesflow.reports.content.sales import sales_kpis, sales_of, sales_sections, sheets_of, subject_words
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
        headline=sales_headline(sales, content.usual, content.period, figures),
        why=figures.sentences(why(content, figures), _stock_said(content, stock, figures)),
        finding=(*subject_words(content, figures), *_finding(content.shop or _("Shop"), sales, stock, figures)),
        kpis=sales_kpis(content, figures) + stock_first,
        sections=(*sales_sections(content, figures), *_stock_sections(content, stock, figures)),
        sheets=(
            *sheets_of(content, figures),
            stock_table(stock, figures),
            *vanished_table(content.vanished, figures),
        ),
        more_kpis=stock_more,
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


def _stock_said(content: ReportContent, stock: StockAnalysis, figures: Figures) -> str:
    """The state of the stock, where no list of orders says what is to be done about it."""
    _ = figures.words
    return "" if content.orders else _("{sentence}.", sentence=stock_headline(stock, figures))


def _finding(title: str, sales: SalesAnalysis, stock: StockAnalysis, figures: Figures) -> tuple[str, ...]:
    _ = figures.words
    findings = sales_finding(title, sales, figures)
    with_both = [
        _("{sales}; {stock}", sales=finding, stock=found)
        for found in stock_finding(stock, figures)
        for finding in findings[:2]
    ]
    return (*with_both, *findings)
