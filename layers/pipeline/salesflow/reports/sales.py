"""The sales report, and the parts of it that the combined report shares."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from salesflow.analytics.results import (
    TREND_HORIZON_DAYS,
    DaySales,
    ProductSales,
    ReportContent,
    SalesAnalysis,
    TrendDirection,
)
from salesflow.reports.document import (
    Change,
    Chart,
    ChartKind,
    Column,
    Document,
    Kpi,
    Section,
    Table,
    Tone,
    change_of,
    changes_of,
    notes_of,
    small_print,
)
from salesflow.reports.figures import Figures, Kind
from salesflow.reports.outlook import outlook_section, outlook_table
from salesflow.windows import WEEKLY_DAYS, Period, Window

_MEAN_DAYS: Final = 7
_SAME: Final = 0.0005

_BEFORE: Final = {
    Period.DAILY: "the day before",
    Period.WEEKLY: "the 7 days before",
    Period.MONTHLY: "the same days of the month before",
    Period.QUARTERLY: "the 90 days before",
}


def build_sales(content: ReportContent, figures: Figures) -> Document:
    """The document of a sales report."""
    sales = sales_of(content)
    window_text = figures.window(sales.window)
    kpis, more_kpis = sales_kpis(sales, figures)
    return Document(
        report_type=content.report_type,
        period=content.period,
        title="Sales report",
        window_text=window_text,
        window_short=figures.window_short(sales.window),
        business_date=content.provenance.business_date,
        headline=sales_headline(sales, content.period, figures) + ".",
        finding=sales_finding("Sales", sales, figures),
        kpis=kpis,
        more_kpis=more_kpis,
        sections=(
            *revenue_section(sales, revenue_charts(sales, figures), figures),
            Section(
                "products",
                "Products",
                charts=top_products_chart(sales, figures),
                tables=(products_table(sales, limit=34 if sales.window.days == 1 else 40),),
            ),
            *_daily_section(sales),
            *outlook_section(content.forecast, figures),
            Section("returns", "Returns", tables=(returns_table(sales, limit=8),), lead=_returns_lead(sales, figures)),
        ),
        sheets=(*sales_sheets(sales), *outlook_table(content.forecast)),
        small_print=small_print(figures, content.provenance, window_text=window_text, stock_counted=None),
        notes=notes_of(figures, content.provenance),
        figures=figures,
    )


def sales_of(content: ReportContent) -> SalesAnalysis:
    """The sales of a report that must have them."""
    if content.sales is None:
        raise ValueError(f"A {content.report_type} report needs the sales analysis.")
    return content.sales


def sales_headline(sales: SalesAnalysis, period: str, figures: Figures) -> str:
    """What was sold, in one sentence without its full stop."""
    kpis = sales.kpis
    on = "on" if sales.window.days == 1 else "of"
    days = figures.window(sales.window)
    comparisons = _comparisons(sales, period, figures)
    if sales.is_empty:
        before = f", after {figures.money(sales.previous.revenue)} {_before(sales, period)}" if sales.previous else ""
        return f"Nothing was sold {on} {days}{before}"
    sentence = (
        f"Sales {on} {days} came to {figures.money(kpis.revenue)} from {_transactions(kpis.transactions, figures)}"
    )
    if kpis.revenue < 0:
        sentence = (
            f"More was given back than sold {on} {days}: revenue is {figures.money(kpis.revenue)} "
            f"from {_transactions(kpis.transactions, figures)}"
        )
    if not comparisons:
        return f"{sentence}; there is nothing earlier to compare with"
    return f"{sentence}: {' and '.join(comparisons)}"


def _transactions(count: int, figures: Figures) -> str:
    return f"{figures.show(Kind.COUNT, count)} transaction{'' if count == 1 else 's'}"


def pieces_text(count: int, figures: Figures) -> str:
    """ "1 piece", "2 pieces"."""
    return f"{figures.show(Kind.COUNT, count)} piece{'' if count == 1 else 's'}"


def _before(sales: SalesAnalysis, period: str) -> str:
    """What the window before is called: a whole month is not "the same days" of another."""
    whole_month = (sales.previous_window.last + timedelta(days=1)).day == 1
    return "the month before" if period == Period.MONTHLY and whole_month else _BEFORE[Period(period)]


def _comparisons(sales: SalesAnalysis, period: str, figures: Figures) -> list[str]:
    """ "8.2% more than the day before", against each earlier window that is known and above nothing."""
    named = [(sales.previous, _before(sales, period))]
    if sales.window.days == 1:
        weekday = figures.weekday(sales.same_weekday_window.first.weekday())
        named.append((sales.same_weekday, f"the {weekday} before"))
    phrases = []
    for earlier, name in named:
        if earlier is None:
            continue
        if earlier.revenue <= 0 or sales.kpis.revenue < 0:
            phrases.append(f"{name} had {'none' if earlier.revenue == 0 else figures.money(earlier.revenue)}")
            continue
        change = sales.kpis.revenue / earlier.revenue - 1
        if abs(change) < _SAME:
            phrases.append(f"as much as {name}")
        else:
            size = figures.change(abs(change)).lstrip("+")
            phrases.append(f"{size} {'more' if change > 0 else 'less'} than {name}")
    return phrases


def sales_finding(title: str, sales: SalesAnalysis, figures: Figures) -> tuple[str, ...]:
    """The finding for a subject line, long to short."""
    start = f"{title} {figures.window_shortest(sales.window)}:"
    if sales.is_empty:
        return (f"{start} nothing sold",)
    change = ""
    if sales.previous is not None and sales.previous.revenue > 0 and sales.kpis.revenue >= 0:
        fraction = sales.kpis.revenue / sales.previous.revenue - 1
        change = f" ({figures.change_short(fraction)})"
    money = figures.money_short(sales.kpis.revenue)
    return (f"{start} {money}{change}", f"{start} {money}", f"{title}: {money}")


def sales_kpis(sales: SalesAnalysis, figures: Figures) -> tuple[tuple[Kpi, ...], tuple[Kpi, ...]]:
    """The four key figures of sales with their changes, and the others."""
    now = sales.kpis
    earlier: tuple[tuple[Window, object], ...] = ((sales.previous_window, sales.previous),)
    if sales.window.days == 1:
        earlier += ((sales.same_weekday_window, sales.same_weekday),)

    def kpi(key: str, label: str, kind: Kind, definition: str, *, more_is: Tone = Tone.GOOD, detail: str = "") -> Kpi:
        value = getattr(now, key)
        changes = changes_of(figures, kind, value, earlier, lambda kpis: int(getattr(kpis, key)), more_is=more_is)  # type: ignore[arg-type]  # pairs of window and KPIs
        return Kpi(key, label, kind, value, figures.show(kind, value), definition, detail, changes)

    first = (
        kpi("revenue", "Revenue", Kind.MONEY, "What the customers paid for their sales, returns taken off."),
        kpi("transactions", "Transactions", Kind.COUNT, "Number of sales, returns included."),
        kpi("average_ticket", "Average ticket", Kind.MONEY, "Revenue divided by transactions; 0 with none."),
        kpi("quantity", "Pieces sold", Kind.COUNT, "Pieces sold, returned pieces taken off."),
    )
    pieces = f"{pieces_text(now.returned_quantity, figures)} in {_transactions(now.returns, figures)}"
    more = [
        kpi(
            "returned_amount",
            "Returned",
            Kind.MONEY,
            "Value of the lines with a negative quantity, shown as a positive amount. Revenue has it taken off already.",
            more_is=Tone.BAD,
            detail=pieces if now.returns else "",
        ),
        Kpi(
            "adjustments",
            "Discounts and rounding",
            Kind.MONEY,
            now.adjustments,
            figures.money(now.adjustments),
            "Revenue less the sum of all sale lines: discounts (negative) and rounding on whole sales.",
        ),
        Kpi(
            "products_sold",
            "Products sold",
            Kind.COUNT,
            sum(product.quantity > 0 for product in sales.products),
            figures.show(Kind.COUNT, sum(product.quantity > 0 for product in sales.products)),
            "Number of different products with more pieces sold than returned.",
        ),
    ]
    if sales.window.days > 1 and sales.daily:
        more.insert(0, _last_day_kpi(sales, figures))
    return first, tuple(more)


def _last_day_kpi(sales: SalesAnalysis, figures: Figures) -> Kpi:
    """The business date's own revenue against the same weekday last week, for reports of more than one day."""
    last = sales.daily[-1]
    changes: tuple[Change, ...] = ()
    if sales.same_weekday is not None:
        against = f"vs {figures.window_short(sales.same_weekday_window)}"
        changes = (change_of(figures, Kind.MONEY, last.revenue, sales.same_weekday.revenue, against),)
    return Kpi(
        "last_day_revenue",
        f"Revenue on {figures.day_with_weekday(last.day)}",
        Kind.MONEY,
        last.revenue,
        figures.money(last.revenue),
        "Revenue of the business date alone, against the same weekday a week before.",
        changes=changes,
    )


def trend_lead(sales: SalesAnalysis, figures: Figures) -> str:
    """The trend and the week's rhythm in words; empty where too little is known."""
    trend = sales.trend
    if trend.direction is TrendDirection.UNKNOWN:
        return ""
    words = {
        TrendDirection.UPWARD: "Revenue is rising",
        TrendDirection.DOWNWARD: "Revenue is falling",
        TrendDirection.STABLE: "Revenue is stable",
    }[trend.direction]
    text = f"{words}: {figures.change(trend.daily_change * TREND_HORIZON_DAYS)} in 30 days, judged by the last {trend.days}."
    if trend.strongest_weekday is not None and trend.weakest_weekday is not None:
        strongest, weakest = figures.weekday(trend.strongest_weekday), figures.weekday(trend.weakest_weekday)
        text += f" {strongest} is the strongest day of the week, {weakest} the weakest."
    return text


def revenue_section(sales: SalesAnalysis, charts: tuple[Chart, ...], figures: Figures) -> tuple[Section, ...]:
    """Revenue over time; none on the first day of a shop that has sold nothing."""
    lead = trend_lead(sales, figures)
    return (Section("revenue", "Revenue", charts=charts, lead=lead),) if charts else ()


def days_known(sales: SalesAnalysis) -> tuple[DaySales, ...]:
    """The days before the window that are known, and the window's own, in order."""
    days = {day.day: day for day in sales.context} | {day.day: day for day in sales.daily}
    return tuple(days[day] for day in sorted(days))


def revenue_charts(sales: SalesAnalysis, figures: Figures) -> tuple[Chart, ...]:
    """Revenue by day, by hour and, over a week or more, by weekday."""
    charts = [trend_chart(sales, figures)] if any(day.revenue for day in days_known(sales)) else []
    if sales.is_empty:
        return tuple(charts)
    hours = sales.by_hour
    best = max(range(24), key=lambda hour: hours[hour])
    charts.append(
        Chart(
            "hours",
            "By hour of the day",
            ChartKind.COLUMNS,
            Kind.MONEY,
            tuple(figures.clock(hour) for hour in range(24)),
            tuple(float(value) for value in hours),
            f"Revenue by hour of sale. The strongest hour is {figures.clock(best)} with {figures.money(hours[best])}.",
            label_every=6,
        )
    )
    if sales.window.days >= WEEKLY_DAYS:
        week = sales.by_weekday
        top = max(range(7), key=lambda day: week[day])
        charts.append(
            Chart(
                "weekdays",
                "By day of the week",
                ChartKind.COLUMNS,
                Kind.MONEY,
                tuple(figures.weekday_short(day) for day in range(7)),
                tuple(float(value) for value in week),
                f"Revenue by weekday. The strongest is {figures.weekday(top)} with {figures.money(week[top])}.",
            )
        )
    return tuple(charts)


def trend_chart(sales: SalesAnalysis, figures: Figures) -> Chart:
    """Revenue of each day that is known, the report's own days in the strong colour, with the mean of seven days."""
    days = days_known(sales)
    values = [day.revenue for day in days]
    means: list[float | None] = [
        sum(values[n - _MEAN_DAYS + 1 : n + 1]) / _MEAN_DAYS if n >= _MEAN_DAYS - 1 else None
        for n in range(len(values))
    ]
    own = frozenset(n for n, day in enumerate(days) if sales.window.first <= day.day <= sales.window.last)
    has_mean = len(days) > _MEAN_DAYS
    caption = "Dark: the days of this report." if len(own) < len(days) else ""
    if has_mean:
        caption = f"{caption} Line: mean of 7 days.".strip()
    alt = f"Revenue by day from {figures.day(days[0].day)} to {figures.day(days[-1].day)}." if days else "No day known."
    if days:
        low, high = min(days, key=lambda day: day.revenue), max(days, key=lambda day: day.revenue)
        alt += (
            f" Highest {figures.money(high.revenue)} on {figures.day_short(high.day)}, "
            f"lowest {figures.money(low.revenue)} on {figures.day_short(low.day)}."
        )
    return Chart(
        "trend",
        "By day",
        ChartKind.COLUMNS,
        Kind.MONEY,
        tuple(figures.day_short(day.day) for day in days),
        tuple(float(value) for value in values),
        alt,
        label_every=max(1, -(-len(days) // 6)),
        strong=own if len(own) < len(days) else frozenset(),
        line=tuple(means) if has_mean else (),
        line_label="mean of 7 days",
        caption=caption,
    )


def top_products_chart(sales: SalesAnalysis, figures: Figures) -> tuple[Chart, ...]:
    """The five products with the highest revenue."""
    top = sales.top_products
    if not top:
        return ()
    first = top[0]
    return (
        Chart(
            "top_products",
            "Top products by revenue" if len(top) > 1 else "The product sold",
            ChartKind.BARS,
            Kind.MONEY,
            tuple(figures.show(Kind.NAME, product.name or product.sku) for product in top),
            tuple(float(product.revenue) for product in top),
            f"The {len(top)} products with the highest revenue. First: {figures.show(Kind.NAME, first.name or first.sku)} "
            f"with {figures.money(first.revenue)}, {figures.show(Kind.SHARE, first.share)} of all products.",
            names=True,
        ),
    )


_PRODUCT_COLUMNS: Final = (
    Column("name", "Product", Kind.NAME),
    Column("sku", "SKU", Kind.NAME, minor=True),
    Column("quantity", "Pieces", Kind.COUNT, sums=True, minor=True),
    Column("revenue", "Revenue", Kind.MONEY, sums=True),
    Column("share", "Share", Kind.SHARE, sums=True, minor=True),
    Column("previous_revenue", "Before", Kind.MONEY, sums=True, minor=True),
    Column("change", "Change", Kind.CHANGE),
)


def products_table(sales: SalesAnalysis, *, limit: int) -> Table:
    """Products by revenue; its totals lead to the revenue of the key figures, so that the money adds up."""
    before_known = sales.previous is not None
    columns = _PRODUCT_COLUMNS if before_known else _PRODUCT_COLUMNS[:5]

    def cells(product: ProductSales) -> tuple[object, ...]:
        comparable = product.previous_revenue > 0 and product.revenue >= 0
        fraction = product.revenue / product.previous_revenue - 1 if comparable else None
        row = (product.name, product.sku, product.quantity, product.revenue, product.share)
        return (*row, product.previous_revenue, fraction) if before_known else row

    lines = sum(product.revenue for product in sales.products)
    pieces = sum(product.quantity for product in sales.products)
    padding = ("",) * (len(columns) - 4)
    totals = [("Discounts and rounding", "", "", sales.kpis.adjustments, *padding)] if sales.kpis.adjustments else []
    if totals:
        totals.insert(0, ("All products", "", pieces, lines, *padding))
    totals.append(("Revenue", "", pieces, sales.kpis.revenue, *padding))
    return Table(
        key="products",
        title="Products by revenue",
        columns=columns,
        rows=tuple(cells(product) for product in sales.products),
        noun="products",
        limit=limit,
        totals=tuple(totals),
        lead="" if sales.products else "No product was sold.",
    )


def returns_table(sales: SalesAnalysis, *, limit: int) -> Table:
    """Products that came back, the highest amount first."""
    returned = sorted(
        (product for product in sales.products if product.returned_quantity),
        key=lambda product: (-product.returned_amount, product.sku),
    )
    kpis = sales.kpis
    return Table(
        key="returns",
        title="Returned products",
        columns=(
            Column("name", "Product", Kind.NAME),
            Column("sku", "SKU", Kind.NAME, minor=True),
            Column("returned_quantity", "Pieces returned", Kind.COUNT, sums=True),
            Column("returned_amount", "Amount returned", Kind.MONEY, sums=True),
        ),
        rows=tuple((p.name, p.sku, p.returned_quantity, p.returned_amount) for p in returned),
        noun="products",
        limit=limit,
        totals=(("All returns", "", kpis.returned_quantity, kpis.returned_amount),) if returned else (),
    )


def _returns_lead(sales: SalesAnalysis, figures: Figures) -> str:
    kpis = sales.kpis
    if not kpis.returns:
        return "Nothing was returned."
    return (
        f"{pieces_text(kpis.returned_quantity, figures)} for {figures.money(kpis.returned_amount)} came back "
        f"in {_transactions(kpis.returns, figures)}; revenue has them taken off already."
    )


def daily_table(days: Sequence[DaySales], window: Window, *, own_column: bool) -> Table:
    """One row a day; `own_column` adds whether the day belongs to the report's window."""
    columns = [
        Column("day", "Day", Kind.DAY),
        Column("weekday", "Weekday", Kind.WEEKDAY, minor=True),
        Column("revenue", "Revenue", Kind.MONEY, sums=True),
        Column("transactions", "Transactions", Kind.COUNT, sums=True),
        Column("average_ticket", "Average ticket", Kind.MONEY, minor=True),
        Column("quantity", "Pieces", Kind.COUNT, sums=True, minor=True),
    ]
    if own_column:
        columns.append(Column("own", "In this report", Kind.TEXT))
    rows = []
    for day in days:
        ticket = round(day.revenue / day.transactions) if day.transactions else 0
        row = (day.day, day.day.weekday(), day.revenue, day.transactions, ticket, day.quantity)
        rows.append((*row, "yes" if window.first <= day.day <= window.last else "no") if own_column else row)
    return Table("daily", "Day by day", tuple(columns), tuple(rows), "days", limit=31)


def _daily_section(sales: SalesAnalysis) -> tuple[Section, ...]:
    """Day by day, for a week or a month; for longer the chart says it and the sheet holds the rows."""
    if not 1 < sales.window.days <= 31:  # a calendar month
        return ()
    return (Section("daily", "Day by day", tables=(daily_table(sales.daily, sales.window, own_column=False),)),)


def sales_sheets(sales: SalesAnalysis) -> tuple[Table, ...]:
    """The whole tables: days, products, hours, weekdays, returns."""
    revenue = sales.kpis.revenue

    def share(value: int) -> float:
        return value / revenue if revenue else 0.0

    hours = tuple((hour, value, share(value)) for hour, value in enumerate(sales.by_hour))
    weekdays = tuple((day, value, share(value)) for day, value in enumerate(sales.by_weekday))
    value_columns = (Column("revenue", "Revenue", Kind.MONEY, sums=True), Column("share", "Share", Kind.SHARE))
    return (
        daily_table(days_known(sales), sales.window, own_column=True),
        products_table(sales, limit=len(sales.products)),
        Table("hours", "Revenue by hour", (Column("hour", "Hour", Kind.HOUR), *value_columns), hours, "hours", 24),
        Table(
            "weekdays",
            "Revenue by weekday",
            (Column("weekday", "Weekday", Kind.WEEKDAY), *value_columns),
            weekdays,
            "weekdays",
            7,
        ),
        returns_table(sales, limit=len(sales.products)),
    )
