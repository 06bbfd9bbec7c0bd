"""The charts of sales: revenue by day, hour and weekday, and the top products."""

from salesflow.analytics.results import DaySales, SalesAnalysis
from salesflow.figures import Figures, Kind
from salesflow.reports.content.document import Chart, ChartKind
from salesflow.windows import WEEKLY_DAYS

_MEAN_DAYS = 7


def days_known(sales: SalesAnalysis) -> tuple[DaySales, ...]:
    """The days before the window that are known, and the window's own, in order."""
    days = {day.day: day for day in sales.context} | {day.day: day for day in sales.daily}
    return tuple(days[day] for day in sorted(days))


def revenue_charts(sales: SalesAnalysis, figures: Figures) -> tuple[Chart, ...]:
    """Revenue by day, by hour and, over a week or more, by weekday."""
    _ = figures.words
    charts = [trend_chart(sales, figures)] if any(day.revenue for day in days_known(sales)) else []
    if sales.is_empty:
        return tuple(charts)
    hours = sales.by_hour
    best = max(range(24), key=lambda hour: hours[hour])
    charts.append(
        Chart(
            "hours",
            _("By hour of the day"),
            ChartKind.COLUMNS,
            Kind.MONEY,
            tuple(figures.clock(hour) for hour in range(24)),
            tuple(float(value) for value in hours),
            _(
                "Revenue by hour of sale. The strongest hour is {hour} with {amount}.",
                hour=figures.clock(best),
                amount=figures.money(hours[best]),
            ),
            label_every=6,
        )
    )
    if sales.window.days >= WEEKLY_DAYS:
        week = sales.by_weekday
        top = max(range(7), key=lambda day: week[day])
        charts.append(
            Chart(
                "weekdays",
                _("By day of the week"),
                ChartKind.COLUMNS,
                Kind.MONEY,
                tuple(figures.weekday_short(day) for day in range(7)),
                tuple(float(value) for value in week),
                _(
                    "Revenue by weekday. The strongest is {weekday} with {amount}.",
                    weekday=figures.weekday(top),
                    amount=figures.money(week[top]),
                ),
            )
        )
    return tuple(charts)


def trend_chart(sales: SalesAnalysis, figures: Figures) -> Chart:
    """Revenue of each day that is known (one at least), the report's own in the strong colour, with the mean of seven days."""
    _, days = figures.words, days_known(sales)
    values = [day.revenue for day in days]
    means: list[float | None] = [
        sum(values[n - _MEAN_DAYS + 1 : n + 1]) / _MEAN_DAYS if n >= _MEAN_DAYS - 1 else None
        for n in range(len(values))
    ]
    own = frozenset(n for n, day in enumerate(days) if sales.window.first <= day.day <= sales.window.last)
    has_mean = len(days) > _MEAN_DAYS
    caption = figures.sentences(
        _("Strong colour: the days of this report.") if len(own) < len(days) else "",
        _("Line: mean of 7 days.") if has_mean else "",
    )
    low, high = min(days, key=lambda day: day.revenue), max(days, key=lambda day: day.revenue)
    alt = figures.sentences(
        _("Revenue by day from {first} to {last}.", first=figures.day(days[0].day), last=figures.day(days[-1].day)),
        _(
            "Highest {high} on {best}, lowest {low} on {worst}.",
            high=figures.money(high.revenue),
            best=figures.day_short(high.day),
            low=figures.money(low.revenue),
            worst=figures.day_short(low.day),
        ),
    )
    return Chart(
        "trend",
        _("By day"),
        ChartKind.COLUMNS,
        Kind.MONEY,
        tuple(figures.day_short(day.day) for day in days),
        tuple(float(value) for value in values),
        alt,
        label_every=max(1, -(-len(days) // 6)),
        strong=own if len(own) < len(days) else frozenset(),
        line=tuple(means) if has_mean else (),
        line_label=_("mean of 7 days"),
        caption=caption,
    )


def top_products_chart(sales: SalesAnalysis, figures: Figures) -> tuple[Chart, ...]:
    """The five products with the highest revenue."""
    _, top = figures.words, sales.top_products
    if not top:
        return ()
    first = top[0]
    return (
        Chart(
            "top_products",
            _("Top products by revenue") if len(top) > 1 else _("The product sold"),
            ChartKind.BARS,
            Kind.MONEY,
            tuple(figures.show(Kind.NAME, product.name or product.sku) for product in top),
            tuple(float(product.revenue) for product in top),
            _(
                "The products with the highest revenue. First: {product} with {amount}, {share} of all products.",
                product=figures.show(Kind.NAME, first.name or first.sku),
                amount=figures.money(first.revenue),
                share=figures.show(Kind.SHARE, first.share),
            ),
            names=True,
        ),
    )
