"""The sales report, and the parts of it that the combined report shares."""

from dataclasses import replace

from salesflow.analytics.results import TREND_HORIZON_DAYS, ReportContent, SalesAnalysis, TrendDirection
from salesflow.figures import Figures, Kind
from salesflow.language import Text
from salesflow.reports.content.compare import (
    each_weekday,
    odd_hours,
    odd_weekdays,
    spans_text,
    usual_change,
    usual_subject,
    why,
)
from salesflow.reports.content.document import (
    Change,
    Chart,
    Document,
    Kpi,
    Section,
    Table,
    Tone,
    change_of,
    deviation,
)
from salesflow.reports.content.headline import sales_finding, sales_headline
from salesflow.reports.content.money import money_section
from salesflow.reports.content.month import month_section
from salesflow.reports.content.orders import orders_section
from salesflow.reports.content.outlook import outlook_section, outlook_table
from salesflow.reports.content.sales_charts import (
    DAYS_SHOWN,
    hours_chart,
    last_year_chart,
    trend_chart,
    weekdays_chart,
    weeks_chart,
)
from salesflow.reports.content.sales_tables import (
    best_sellers_table,
    daily_table,
    returns_table,
    sales_sheets,
)
from salesflow.reports.content.unusual import unusual_section, unusual_table
from salesflow.windows import WEEKLY_DAYS

_ROWS = 16
_LAST_WEEKS = {
    Tone.BAD: Text("The last four weeks: a slow {weekday}"),
    Tone.GOOD: Text("The last four weeks: a strong {weekday}"),
    Tone.NEUTRAL: Text("The last four weeks: a usual {weekday}"),
}
_LAST_TWELVE_WEEKS = {
    Tone.BAD: Text("The last {n} weeks: a slow one"),
    Tone.GOOD: Text("The last {n} weeks: a strong one"),
    Tone.NEUTRAL: Text("The last {n} weeks: a usual one"),
}
_TRENDS = {
    TrendDirection.UPWARD: Text("Sales are rising: {change} in 30 days, judged by the last {days}."),
    TrendDirection.DOWNWARD: Text("Sales are falling: {change} in 30 days, judged by the last {days}."),
    TrendDirection.STABLE: Text("Sales are stable: {change} in 30 days, judged by the last {days}."),
}


def build_sales(content: ReportContent, figures: Figures) -> Document:
    """The document of a sales report."""
    _, sales = figures.words, sales_of(content)
    return Document(
        content,
        figures,
        title=_("Sales"),
        window=sales.window,
        headline=sales_headline(sales, content.usual, content.period, figures),
        why=why(content, figures),
        finding=(*subject_words(content, figures), *sales_finding(content.shop or _("Sales"), sales, figures)),
        kpis=sales_kpis(content, figures),
        sections=sales_sections(content, figures),
        sheets=sheets_of(content, figures),
    )


def sheets_of(content: ReportContent, figures: Figures) -> tuple[Table, ...]:
    """The whole tables of the sales, of what is unusual and of what is to be expected."""
    return (
        *sales_sheets(sales_of(content), figures, content.statement),
        *unusual_table(content.unusual, figures),
        *outlook_table(content.forecast, figures),
    )


def sales_of(content: ReportContent) -> SalesAnalysis:
    """The sales of a report that must have them."""
    if content.sales is None:
        raise ValueError(f"A {content.report_type} report needs the sales analysis.")
    return content.sales


def subject_words(content: ReportContent, figures: Figures) -> tuple[str, ...]:
    """The headline for a subject, with the shop's name (or what the report is of) before it, shorter with each try."""
    _, sales = figures.words, sales_of(content)
    title = content.shop or _("Sales")
    return tuple(
        _("{title}: {found}", title=title, found=found) for found in usual_subject(sales, content.usual, figures)
    )


def sales_sections(content: ReportContent, figures: Figures) -> tuple[Section, ...]:
    """What a page shows of the sales: days and hours, best sellers and what to order, the money, what is unusual, month and week."""
    _, sales = figures.words, sales_of(content)
    one_day = sales.window.days == 1
    halves = list(orders_section(content.orders, figures, limit=_ROWS))
    best = best_sellers_table(sales, figures, limit=_ROWS)
    if best.rows or not halves:  # nothing sold leaves the room to what there is to order
        halves.insert(0, Section("products", _("Best sellers"), tables=(best,)))
    thirds = [
        *money_section(content.statement, figures),
        *unusual_section(content.unusual, figures),
        *month_section(content.progress, content.forecast, figures),
    ]
    sections = [
        *_revenue_sections(content, figures),
        *(replace(section, share=1 / len(halves)) for section in halves),
        *(replace(section, share=1 / max(len(thirds), 2)) for section in thirds),
    ]
    if not one_day:
        sections += last_year_section(content, figures)
        sections += [*_daily_section(sales, figures), *outlook_section(content.forecast, figures)]
        if sales.kpis.returns:
            lead = returns_lead(sales, figures)
            sections.append(
                Section("returns", _("Returns"), tables=(returns_table(sales, figures, limit=8),), lead=lead)
            )
    return tuple(sections)


def _revenue_sections(content: ReportContent, figures: Figures) -> tuple[Section, ...]:
    """Days on the left, hours or weekdays on the right; none on the first day of a shop that has sold nothing."""
    _, sales = figures.words, sales_of(content)
    beside: tuple[Section, ...] = ()
    if not sales.is_empty:
        drawn = hours_chart if sales.window.days < WEEKLY_DAYS else weekdays_chart
        chart = drawn(sales, content.usual, figures)
        beside = (Section("hours", _busy_title(content, figures), charts=(chart,), share=0.38),)
    days = weeks_chart(content, figures) or trend_chart(content, figures)
    if days is None:
        return tuple(replace(section, share=1.0) for section in beside)
    title = _days_title(content, days, figures)
    first = Section("revenue", title, charts=(days,), paragraphs=_trend_said(sales, figures))
    return (replace(first, share=0.62), *beside) if beside else (first,)


def last_year_section(content: ReportContent, figures: Figures) -> tuple[Section, ...]:
    """This year against the last, where both are known."""
    _, chart = figures.words, last_year_chart(content, figures)
    if chart is None:
        return ()
    before, now = chart.values
    off = deviation(now, before)
    title = _("This year and the last")
    if off is not None:
        percent = figures.percent(abs(off))
        title = (
            _("{percent} more than a year ago", percent=percent)
            if off > 0
            else _("{percent} less than a year ago", percent=percent)
        )
    return (Section("year", title, charts=(chart,)),)


def _tone(content: ReportContent, figures: Figures) -> Tone | None:
    """How the sales stand to the usual; None where that is unknown."""
    usual = None if content.usual is None else content.usual.revenue
    changes = usual_change(figures, Kind.MONEY, sales_of(content).kpis.revenue, usual)
    return changes[0].tone if changes else None


def _days_title(content: ReportContent, chart: Chart, figures: Figures) -> str:
    """What is to be seen in the days, or in the weeks."""
    _, sales, tone = figures.words, sales_of(content), _tone(content, figures)
    if chart.key == "weeks":
        weeks = figures.show(Kind.COUNT, len(chart.values) - len(chart.expected))
        return _("The last {n} weeks", n=weeks) if tone is None else _.say(_LAST_TWELVE_WEEKS[tone], n=weeks)
    if sales.window.days > 1:
        best = max(sales.daily, key=lambda day: day.revenue)
        return _("Best day: {day}", day=figures.day_with_weekday(best.day)) if best.revenue > 0 else _("Sales by day")
    if len(chart.values) - len(chart.expected) < DAYS_SHOWN:
        return _("Sales by day")
    if tone is None:
        return _("The last four weeks")
    return _.say(_LAST_WEEKS[tone], weekday=figures.weekday(sales.window.last.weekday()))


def _busy_title(content: ReportContent, figures: Figures) -> str:
    """What is to be seen in the hours, or in the weekdays: where the difference from the usual comes from, else the strongest."""
    _, sales, tone = figures.words, sales_of(content), _tone(content, figures)
    if sales.window.days < WEEKLY_DAYS:
        said = spans_text(spans, figures) if (spans := odd_hours(sales, content.usual)) else ""
        best = max(range(24), key=sales.by_hour.__getitem__)
        strongest, above = _("Strongest hour: {hour}", hour=figures.clock(best)), sales.by_hour[best] > 0
        plain = _("By hour of the day")
    else:
        names = [figures.weekday(day) for day in odd_weekdays(sales, content.usual)]
        said = (
            names[0] if len(names) == 1 else _("{first} and {second}", first=names[0], second=names[1]) if names else ""
        )
        week = each_weekday(sales, sales.by_weekday)
        best = max(range(7), key=week.__getitem__)
        strongest, above = _("Strongest day: {weekday}", weekday=figures.weekday(best)), week[best] > 0
        plain = _("By day of the week")
    if not said or tone in (None, Tone.NEUTRAL):
        return strongest if above else plain
    return _("Busy: {hours}", hours=said) if tone is Tone.GOOD else _("Quiet: {hours}", hours=said)


def sales_kpis(content: ReportContent, figures: Figures) -> tuple[Kpi, ...]:
    """The four key figures of sales against the usual, or against the days before where the usual is not known."""
    _, sales, usual, money = figures.words, sales_of(content), content.usual, figures.currency_symbol
    now = sales.kpis
    expected: dict[str, float | None] = {}
    if usual is not None:
        expected = {key: getattr(usual, key) for key in ("revenue", "transactions", "average_ticket", "quantity")}

    def kpi(key: str, label: str, kind: Kind, definition: str) -> Kpi:
        value = getattr(now, key)
        beside = usual_change(figures, kind, value, expected.get(key))
        changes = _earlier(sales, key, kind, figures) if usual is None else beside
        return Kpi(key, label, kind, value, figures.show(kind, value), definition, "", changes)

    found = [
        kpi(
            "revenue",
            _("Sales, {currency}", currency=money),
            Kind.MONEY,
            _("What the customers paid for their sales, returns taken off."),
        ),
        kpi("transactions", _("Number of sales"), Kind.COUNT, _("Number of sales, returns included.")),
        kpi(
            "average_ticket",
            _("Per sale, {currency}", currency=money),
            Kind.MONEY,
            _("Sales divided by the number of sales; 0 with none."),
        ),
    ]
    profit = _profit_kpi(content, figures)
    return (
        *found,
        profit or kpi("quantity", _("Pieces sold"), Kind.COUNT, _("Pieces sold, returned pieces taken off.")),
    )


def _profit_kpi(content: ReportContent, figures: Figures) -> Kpi | None:
    _, statement = figures.words, content.statement
    if statement is None or statement.gross_profit is None:
        return None
    share = statement.cost_known_share
    parts = []
    if statement.margin is not None:
        parts.append(_("margin {share}", share=figures.percent(statement.margin)))
    if share is not None and share < 1:
        parts.append(_("of {share} of sales", share=figures.part(share)))
    return Kpi(
        "gross_profit",
        _("Gross profit, {currency}", currency=figures.currency_symbol),
        Kind.MONEY,
        statement.gross_profit,
        figures.show(Kind.MONEY, statement.gross_profit),
        _("Sales less what the pieces sold cost, by the costs of today, where they are known."),
        figures.listed(parts),
        usual_change(figures, Kind.MONEY, statement.gross_profit, statement.usual_gross_profit),
    )


def _earlier(sales: SalesAnalysis, key: str, kind: Kind, figures: Figures) -> tuple[Change, ...]:
    """Against the same weekday a week before, or the days before a longer window."""
    one_day = sales.window.days == 1
    earlier, window = (
        (sales.same_weekday, sales.same_weekday_window) if one_day else (sales.previous, sales.previous_window)
    )
    if earlier is None:
        return ()
    _ = figures.words
    against = _("vs {days}", days=figures.window_short(window))
    return (change_of(figures, kind, getattr(sales.kpis, key), getattr(earlier, key), against),)


def _trend_said(sales: SalesAnalysis, figures: Figures) -> tuple[str, ...]:
    """The trend in words, for reports of more than a day; none where too little is known."""
    _, trend = figures.words, sales.trend
    if sales.window.days == 1 or trend.direction not in _TRENDS:
        return ()
    days = figures.show(Kind.COUNT, trend.days)
    text = _.say(_TRENDS[trend.direction], change=figures.change(trend.daily_change * TREND_HORIZON_DAYS), days=days)
    if trend.strongest_weekday is None or trend.weakest_weekday is None:
        return (text,)
    rhythm = _(
        "{strongest} is the strongest day of the week, {weakest} the weakest.",
        strongest=figures.weekday(trend.strongest_weekday),
        weakest=figures.weekday(trend.weakest_weekday),
    )
    return (figures.sentences(text, rhythm),)


def returns_lead(sales: SalesAnalysis, figures: Figures) -> str:
    """How much came back."""
    _, kpis = figures.words, sales.kpis
    pieces = figures.plural("{n} piece", "{n} pieces", kpis.returned_quantity)
    said = figures.plural(
        "{pieces} for {amount} came back in {n} sale; the sales above have them taken off already.",
        "{pieces} for {amount} came back in {n} sales; the sales above have them taken off already.",
        kpis.returns,
        pieces=pieces,
        amount=figures.money(kpis.returned_amount),
    )
    return figures.begun(said)


def _daily_section(sales: SalesAnalysis, figures: Figures) -> tuple[Section, ...]:
    """Day by day, for a week or a month; for longer the chart says it and the sheet holds the rows."""
    if sales.window.days > 31:  # a calendar month
        return ()
    _ = figures.words
    table = daily_table(sales.daily, sales.window, figures, own_column=False)
    return (Section("daily", _("Day by day"), tables=(table,)),)
