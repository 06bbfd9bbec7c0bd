"""What a report's figures are held against: the usual days, the month and the year before, the costs, what to order."""

from dataclasses import replace
from datetime import timedelta

from salesflow.analytics.lines import SaleLines
from salesflow.analytics.merchant import OrderList, VanishedStock
from salesflow.analytics.orders import orders_of
from salesflow.analytics.progress import YEAR_BACK, progress_of
from salesflow.analytics.results import ReportContent, StockAnalysis
from salesflow.analytics.services import services_among
from salesflow.analytics.sold_days import SoldDays
from salesflow.analytics.statement import state_money, usual_profit, wares_of
from salesflow.analytics.vanished import vanished_between
from salesflow.formats import Format
from salesflow.history.stock import StockSnapshot
from salesflow.job_events import ReportFields
from salesflow.jobs.frame import Run
from salesflow.jobs.outlook import Outlook
from salesflow.jobs.usual import days_of_usual, shop_series, usual_of
from salesflow.reports.content import notes
from salesflow.windows import Period, Window, window_of

MOST_COUNTS = 31
MOST_SELLERS = 100
"""Of so many products that brought most it is asked whether they are goods: more are on no page."""


def with_comparisons(
    run: Run[ReportFields],
    content: ReportContent,
    sold: SoldDays,
    snapshot: StockSnapshot | None,
    stock: StockAnalysis | None,
    outlook: Outlook | None,
) -> ReportContent:
    """The content with everything that it is compared with, as far as that is known. stock: counted from the snapshot."""
    settings, fields = run.runtime.settings, run.request.fields
    wares = {} if snapshot is None else wares_of(snapshot.items)
    orders = None
    if stock is not None:
        costs = {sku: ware.cost for sku, ware in wares.items()}
        orders = _orders(run, stock, outlook, costs, 1 if content.sales is None else content.sales.window.days)
    if content.stock is not None and snapshot is not None:
        content = replace(
            content, vanished=_vanished(run, sold, snapshot, window_of(fields.period, run.request.business_date))
        )
    if content.sales is None:
        return replace(content, orders=orders)
    window = content.sales.window
    span = days_of_usual(fields.period, window)
    first = span.first if fields.period is Period.DAILY else min(span.first, window.first - YEAR_BACK)
    shop = run.runtime.history.read_shop_days(first, window.last)
    series = shop_series(shop)
    known_from = series[0].day if series else window.first
    usual = usual_of(shop, fields.period, window)
    statement = state_money(content.sales.kpis, content.sales.products, wares, vat_percent=settings.vat_percent)
    profit = usual_profit(sold, window, wares, None if usual is None else usual.revenue)
    sellers = {product.sku for product in content.sales.products[:MOST_SELLERS]}
    lists_lines = Format.EXCEL in fields.formats and content.sales.rows <= notes.MOST_SALE_LINES
    return replace(
        content,
        orders=orders,
        sales=replace(content.sales, services=tuple(sorted(services_among(sold, sellers)))),
        usual=usual,
        statement=replace(statement, usual_gross_profit=profit),
        progress=progress_of(series, known_from, window),
        sale_lines=_lines(run, window) if lists_lines else None,
    )


def _lines(run: Run[ReportFields], window: Window) -> SaleLines:
    table = run.runtime.history.read_lines(window.first, window.last)
    return SaleLines.from_table(table, run.runtime.settings.day_ends_at)


def _vanished(run: Run[ReportFields], sold: SoldDays, snapshot: StockSnapshot, window: Window) -> VanishedStock | None:
    """What disappeared in the window, of a month at the most, by the counts that were kept."""
    days = (window.last - timedelta(days=back) for back in range(min(window.days, MOST_COUNTS), 0, -1))
    kept = [(day, count) for day in days if (count := run.runtime.stock_history.read(day)) is not None]
    return vanished_between(
        [(day, count.counted_at, count.items) for day, count in [*kept, (window.last, snapshot)]], sold
    )


def _orders(
    run: Run[ReportFields],
    stock: StockAnalysis,
    outlook: Outlook | None,
    costs: dict[str, int | None],
    window_days: int,
) -> OrderList:
    settings = run.runtime.settings
    return orders_of(
        stock.items,
        {} if outlook is None else outlook.products,
        stock.business_date,
        window_days=window_days,
        costs=costs,
        lead_days=settings.lead_days,
        cover_days=settings.cover_days,
    )
