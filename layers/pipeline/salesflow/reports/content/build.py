"""From a report's content to its document."""

from salesflow.analytics.results import ReportContent
from salesflow.figures import Figures
from salesflow.formats import ReportType
from salesflow.language import Language
from salesflow.money import Currency
from salesflow.reports.content.combined import build_combined
from salesflow.reports.content.document import Document
from salesflow.reports.content.sales import build_sales
from salesflow.reports.content.stock import build_stock


def build_document(content: ReportContent, *, language: Language = Language.EN) -> Document:
    """The document of a report, by its type.

    Raises ValueError where the content lacks the analysis that its type needs.
    """
    figures = Figures(content.currency, language, whole=_whole(content))
    return _BUILDERS[ReportType(content.report_type)](content, figures)


_BUILDERS = {ReportType.SALES: build_sales, ReportType.STOCK: build_stock, ReportType.COMBINED: build_combined}


def _whole(content: ReportContent) -> bool:
    """Whether no amount of the shop has digits after the point, though its currency would."""
    unit = 10 ** Currency(content.currency).digits
    sales, stock = content.sales, content.stock
    amounts = [item.price for item in stock.items] if stock else []
    if sales is not None:
        amounts += [sales.kpis.revenue, sales.kpis.adjustments, *(product.revenue for product in sales.products)]
    return unit > 1 and any(amounts) and all(amount % unit == 0 for amount in amounts)
