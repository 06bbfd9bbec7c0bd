"""The sales report, and the parts of it that the combined report shares."""

from datetime import timedelta
from typing import Final

from salesflow.analytics.results import (
    TREND_HORIZON_DAYS,
    ReportContent,
    SalesAnalysis,
    TrendDirection,
)
from salesflow.figures import Figures, Kind
from salesflow.reports.content.document import (
    Change,
    Chart,
    Document,
    Kpi,
    Section,
    Tone,
    change_of,
    changes_of,
    notes_of,
    small_print,
)
from salesflow.reports.content.outlook import outlook_section, outlook_table
from salesflow.reports.content.sales_charts import revenue_charts, top_products_chart
from salesflow.reports.content.sales_tables import daily_table, products_table, returns_table, sales_sheets
from salesflow.reports.content.unusual import unusual_section, unusual_table
from salesflow.windows import Period, Window

_SAME: Final = 0.0005


def build_sales(content: ReportContent, figures: Figures) -> Document:
    """The document of a sales report."""
    _ = figures.words
    sales = sales_of(content)
    window_text = figures.window(sales.window)
    kpis, more_kpis = sales_kpis(sales, figures)
    return Document(
        report_type=content.report_type,
        period=content.period,
        title=_("Sales report"),
        window_text=window_text,
        window_short=figures.window_short(sales.window),
        business_date=content.provenance.business_date,
        headline=_("{sentence}.", sentence=sales_headline(sales, content.period, figures)),
        finding=sales_finding(_("Sales"), sales, figures),
        kpis=kpis,
        more_kpis=more_kpis,
        sections=(
            *revenue_section(sales, revenue_charts(sales, figures), figures),
            *unusual_section(content.unusual, figures),
            Section(
                "products",
                _("Products"),
                charts=top_products_chart(sales, figures),
                tables=(products_table(sales, figures, limit=34 if sales.window.days == 1 else 40),),
            ),
            *_daily_section(sales, figures),
            *outlook_section(content.forecast, figures),
            Section(
                "returns",
                _("Returns"),
                tables=(returns_table(sales, figures, limit=8),),
                lead=_returns_lead(sales, figures),
            ),
        ),
        sheets=(
            *sales_sheets(sales, figures),
            *unusual_table(content.unusual, figures),
            *outlook_table(content.forecast, figures),
        ),
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
    _ = figures.words
    if sales.is_empty:
        return _nothing_sold(sales, period, figures)
    sentence = _what_was_sold(sales, figures)
    comparisons = _comparisons(sales, period, figures)
    if not comparisons:
        return _("{sentence}; there is nothing earlier to compare with", sentence=sentence)
    if len(comparisons) == 1:
        return _("{sentence}: {comparison}", sentence=sentence, comparison=comparisons[0])
    first, second = comparisons
    return _("{sentence}: {first} and {second}", sentence=sentence, first=first, second=second)


def _nothing_sold(sales: SalesAnalysis, period: str, figures: Figures) -> str:
    _, days = figures.words, figures.window(sales.window)
    one_day = sales.window.days == 1
    if sales.previous is None:
        return _("Nothing was sold on {day}", day=days) if one_day else _("Nothing was sold in {days}", days=days)
    amount, earlier = figures.money(sales.previous.revenue), _before(sales, period, figures)
    if one_day:
        return _("Nothing was sold on {day}, after {amount} {earlier}", day=days, amount=amount, earlier=earlier)
    return _("Nothing was sold in {days}, after {amount} {earlier}", days=days, amount=amount, earlier=earlier)


def _what_was_sold(sales: SalesAnalysis, figures: Figures) -> str:
    _, days, count = figures.words, figures.window(sales.window), sales.kpis.transactions
    revenue, n = figures.money(sales.kpis.revenue), figures.show(Kind.COUNT, count)
    match sales.window.days == 1, sales.kpis.revenue < 0:
        case True, False:
            return _.plural(
                "Sales on {day} came to {revenue} from {n} transaction",
                "Sales on {day} came to {revenue} from {n} transactions",
                count,
                day=days,
                revenue=revenue,
                n=n,
            )
        case False, False:
            return _.plural(
                "Sales of {days} came to {revenue} from {n} transaction",
                "Sales of {days} came to {revenue} from {n} transactions",
                count,
                days=days,
                revenue=revenue,
                n=n,
            )
        case True, True:
            return _.plural(
                "More was given back than sold on {day}, and revenue is {revenue} from {n} transaction",
                "More was given back than sold on {day}, and revenue is {revenue} from {n} transactions",
                count,
                day=days,
                revenue=revenue,
                n=n,
            )
        case _:
            return _.plural(
                "More was given back than sold in {days}, and revenue is {revenue} from {n} transaction",
                "More was given back than sold in {days}, and revenue is {revenue} from {n} transactions",
                count,
                days=days,
                revenue=revenue,
                n=n,
            )


def pieces_text(count: int, figures: Figures) -> str:
    """ "1 piece", "2 pieces"."""
    _ = figures.words
    return _.plural("{n} piece", "{n} pieces", count, n=figures.show(Kind.COUNT, count))


def _before(sales: SalesAnalysis, period: str, figures: Figures) -> str:
    """What the window before is called: a whole month is not "the same days" of another."""
    _ = figures.words
    whole_month = (sales.previous_window.last + timedelta(days=1)).day == 1
    match Period(period):
        case Period.DAILY:
            return _("the day before")
        case Period.WEEKLY:
            return _("the 7 days before")
        case Period.MONTHLY if whole_month:
            return _("the month before")
        case Period.MONTHLY:
            return _("the same days of the month before")
        case Period.QUARTERLY:
            return _("the 90 days before")


def _comparisons(sales: SalesAnalysis, period: str, figures: Figures) -> list[str]:
    """ "8.2% more than the day before", against each earlier window that is known and above nothing.

    {earlier} is a name of earlier days, "the day before", which stands unchanged wherever the languages here put it.
    """
    _ = figures.words
    named = [(sales.previous, _before(sales, period, figures))]
    if sales.window.days == 1:
        weekday = figures.weekday(sales.same_weekday_window.first.weekday())
        named.append((sales.same_weekday, _("the {weekday} before", weekday=weekday)))
    phrases = []
    for earlier, name in named:
        if earlier is None:
            continue
        if earlier.revenue == 0:
            phrases.append(_("{earlier} had none", earlier=name))
            continue
        if earlier.revenue < 0 or sales.kpis.revenue < 0:
            phrases.append(_("{earlier} had {amount}", earlier=name, amount=figures.money(earlier.revenue)))
            continue
        change = sales.kpis.revenue / earlier.revenue - 1
        size = figures.change(abs(change)).lstrip("+")
        if abs(change) < _SAME:
            phrases.append(_("as much as {earlier}", earlier=name))
        elif change > 0:
            phrases.append(_("{percent} more than {earlier}", percent=size, earlier=name))
        else:
            phrases.append(_("{percent} less than {earlier}", percent=size, earlier=name))
    return phrases


def sales_finding(title: str, sales: SalesAnalysis, figures: Figures) -> tuple[str, ...]:
    """The finding for a subject line, long to short."""
    _, days = figures.words, figures.window_shortest(sales.window)
    if sales.is_empty:
        return (
            _("{title} {days}: nothing sold", title=title, days=days),
            _("{title}: {found}", title=title, found=_("nothing sold")),
        )
    money = figures.money_short(sales.kpis.revenue)
    findings = [
        _("{title} {days}: {found}", title=title, days=days, found=money),
        _("{title}: {found}", title=title, found=money),
    ]
    if sales.previous is not None and sales.previous.revenue > 0 and sales.kpis.revenue >= 0:
        change = figures.change_short(sales.kpis.revenue / sales.previous.revenue - 1)
        findings.insert(
            0, _("{title} {days}: {revenue} ({change})", title=title, days=days, revenue=money, change=change)
        )
    return tuple(findings)


def sales_kpis(sales: SalesAnalysis, figures: Figures) -> tuple[tuple[Kpi, ...], tuple[Kpi, ...]]:
    """The four key figures of sales with their changes, and the others."""
    _, now = figures.words, sales.kpis
    earlier: tuple[tuple[Window, object], ...] = ((sales.previous_window, sales.previous),)
    if sales.window.days == 1:
        earlier += ((sales.same_weekday_window, sales.same_weekday),)

    def kpi(key: str, label: str, kind: Kind, definition: str, *, more_is: Tone = Tone.GOOD, detail: str = "") -> Kpi:
        value = getattr(now, key)
        changes = changes_of(figures, kind, value, earlier, lambda kpis: int(getattr(kpis, key)), more_is=more_is)  # type: ignore[arg-type]  # pairs of window and KPIs
        return Kpi(key, label, kind, value, figures.show(kind, value), definition, detail, changes)

    first = (
        kpi("revenue", _("Revenue"), Kind.MONEY, _("What the customers paid for their sales, returns taken off.")),
        kpi("transactions", _("Transactions"), Kind.COUNT, _("Number of sales, returns included.")),
        kpi("average_ticket", _("Average ticket"), Kind.MONEY, _("Revenue divided by transactions; 0 with none.")),
        kpi("quantity", _("Pieces sold"), Kind.COUNT, _("Pieces sold, returned pieces taken off.")),
    )
    pieces = _.plural(
        "{pieces} in {n} transaction",
        "{pieces} in {n} transactions",
        now.returns,
        pieces=pieces_text(now.returned_quantity, figures),
        n=figures.show(Kind.COUNT, now.returns),
    )
    more = [
        kpi(
            "returned_amount",
            _("Returned"),
            Kind.MONEY,
            _(
                "Value of the lines with a negative quantity, shown as a positive amount. "
                "Revenue has it taken off already."
            ),
            more_is=Tone.BAD,
            detail=pieces if now.returns else "",
        ),
        Kpi(
            "adjustments",
            _("Discounts and rounding"),
            Kind.MONEY,
            now.adjustments,
            figures.money(now.adjustments),
            _("Revenue less the sum of all sale lines: discounts (negative) and rounding on whole sales."),
        ),
        Kpi(
            "products_sold",
            _("Products sold"),
            Kind.COUNT,
            sum(product.quantity > 0 for product in sales.products),
            figures.show(Kind.COUNT, sum(product.quantity > 0 for product in sales.products)),
            _("Number of different products with more pieces sold than returned."),
        ),
    ]
    if sales.window.days > 1 and sales.daily:
        more.insert(0, _last_day_kpi(sales, figures))
    return first, tuple(more)


def _last_day_kpi(sales: SalesAnalysis, figures: Figures) -> Kpi:
    """The business date's own revenue against the same weekday last week, for reports of more than one day."""
    _, last = figures.words, sales.daily[-1]
    changes: tuple[Change, ...] = ()
    if sales.same_weekday is not None:
        against = _("vs {days}", days=figures.window_short(sales.same_weekday_window))
        changes = (change_of(figures, Kind.MONEY, last.revenue, sales.same_weekday.revenue, against),)
    return Kpi(
        "last_day_revenue",
        _("Revenue on {day}", day=figures.day_with_weekday(last.day)),
        Kind.MONEY,
        last.revenue,
        figures.money(last.revenue),
        _("Revenue of the business date alone, against the same weekday a week before."),
        changes=changes,
    )


def trend_lead(sales: SalesAnalysis, figures: Figures) -> str:
    """The trend and the week's rhythm in words; empty where too little is known."""
    _, trend = figures.words, sales.trend
    change, days = figures.change(trend.daily_change * TREND_HORIZON_DAYS), figures.show(Kind.COUNT, trend.days)
    text = ""
    match trend.direction:
        case TrendDirection.UNKNOWN:
            return ""
        case TrendDirection.UPWARD:
            text = _("Revenue is rising: {change} in 30 days, judged by the last {days}.", change=change, days=days)
        case TrendDirection.DOWNWARD:
            text = _("Revenue is falling: {change} in 30 days, judged by the last {days}.", change=change, days=days)
        case TrendDirection.STABLE:
            text = _("Revenue is stable: {change} in 30 days, judged by the last {days}.", change=change, days=days)
    if trend.strongest_weekday is None or trend.weakest_weekday is None:
        return text
    rhythm = _(
        "{strongest} is the strongest day of the week, {weakest} the weakest.",
        strongest=figures.weekday(trend.strongest_weekday),
        weakest=figures.weekday(trend.weakest_weekday),
    )
    return figures.sentences(text, rhythm)


def revenue_section(sales: SalesAnalysis, charts: tuple[Chart, ...], figures: Figures) -> tuple[Section, ...]:
    """Revenue over time; none on the first day of a shop that has sold nothing."""
    _, lead = figures.words, trend_lead(sales, figures)
    return (Section("revenue", _("Revenue"), charts=charts, lead=lead),) if charts else ()


def _returns_lead(sales: SalesAnalysis, figures: Figures) -> str:
    _, kpis = figures.words, sales.kpis
    if not kpis.returns:
        return _("Nothing was returned.")
    return _.plural(
        "{pieces} for {amount} came back in {n} transaction; revenue has them taken off already.",
        "{pieces} for {amount} came back in {n} transactions; revenue has them taken off already.",
        kpis.returns,
        pieces=pieces_text(kpis.returned_quantity, figures),
        amount=figures.money(kpis.returned_amount),
        n=figures.show(Kind.COUNT, kpis.returns),
    )


def _daily_section(sales: SalesAnalysis, figures: Figures) -> tuple[Section, ...]:
    """Day by day, for a week or a month; for longer the chart says it and the sheet holds the rows."""
    if not 1 < sales.window.days <= 31:  # a calendar month
        return ()
    _ = figures.words
    table = daily_table(sales.daily, sales.window, figures, own_column=False)
    return (Section("daily", _("Day by day"), tables=(table,)),)
