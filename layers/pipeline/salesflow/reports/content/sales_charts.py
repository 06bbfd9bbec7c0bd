"""The charts of sales: days, hours and weekdays against the usual, and the top products."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from salesflow.analytics.merchant import Usual
from salesflow.analytics.results import DaySales, ReportContent, SalesAnalysis
from salesflow.figures import Figures, Kind
from salesflow.reports.content.document import Chart, ChartKind
from salesflow.windows import Period

_DAYS_SHOWN = {Period.DAILY: 28, Period.WEEKLY: 42}
_DAYS_TO_COME = 7


def days_known(sales: SalesAnalysis) -> tuple[DaySales, ...]:
    """The days before the window that are known, and the window's own, in order."""
    days = {day.day: day for day in sales.context} | {day.day: day for day in sales.daily}
    return tuple(days[day] for day in sorted(days))


def trend_chart(content: ReportContent, figures: Figures) -> Chart | None:
    """Sales of the days before and of the report's own, each with its usual, and of the days to come; None where nothing was ever sold.

    The report's days are strong; of a day's report the same weekdays stand out from the others.
    """
    sales = content.sales
    if sales is None:
        return None
    _, days = figures.words, days_known(sales)
    shown = max(_DAYS_SHOWN.get(Period(content.period), 0), sales.window.days)
    days = days[-shown:]
    if not any(day.revenue for day in days):
        return None
    expected = (
        content.forecast.next_days[:_DAYS_TO_COME] if content.forecast and sales.window.days <= _DAYS_TO_COME else ()
    )
    usual = {} if content.usual is None else {day.day: day.revenue for day in content.usual.days}
    own = frozenset(n for n, day in enumerate(days) if sales.window.first <= day.day <= sales.window.last)
    weekday = sales.window.last.weekday()
    alike = (
        frozenset(n for n, day in enumerate(days) if day.day.weekday() == weekday) - own
        if sales.window.days == 1
        else frozenset[int]()
    )
    marks = [usual.get(day.day) for day in days]
    values = [day.revenue for day in days]
    labels = [figures.day_short(day.day) for day in days]
    labels += [figures.day_short(days[-1].day + timedelta(days=n + 1)) for n in range(len(expected))]
    low, high = min(days, key=lambda day: day.revenue), max(days, key=lambda day: day.revenue)
    caption = figures.sentences(
        _("Marks: what each day usually brings.") if any(mark is not None for mark in marks) else "",
        _("Outlined: expected.") if expected else "",
    )
    alt = figures.sentences(
        _("Sales by day from {first} to {last}.", first=figures.day(days[0].day), last=figures.day(days[-1].day)),
        _(
            "Highest {high} on {best}, lowest {low} on {worst}.",
            high=figures.money(high.revenue),
            best=figures.day_short(high.day),
            low=figures.money(low.revenue),
            worst=figures.day_short(low.day),
        ),
    )
    return _columns(
        "trend",
        _("By day"),
        labels,
        (*values, *expected),
        alt,
        label_every=7 if len(days) % 7 == 0 and len(days) <= 28 else max(1, -(-len(labels) // 6)),
        strong=own,
        marks=(*(None if mark is None else float(mark) for mark in marks), *(None,) * len(expected))
        if any(marks)
        else (),
        alike=alike,
        expected=frozenset(range(len(days), len(days) + len(expected))),
        caption=caption,
    )


def _columns(key: str, title: str, labels: Sequence[str], values: Iterable[float], alt: str, **more: Any) -> Chart:
    """Amounts of money as columns."""
    return Chart(key, title, ChartKind.COLUMNS, Kind.MONEY, tuple(labels), tuple(map(float, values)), alt, **more)


def hours_chart(sales: SalesAnalysis, usual: Usual | None, figures: Figures) -> Chart:
    """Sales of each hour from the first to the last with any, each with its usual."""
    _, hours = figures.words, sales.by_hour
    marks = usual.by_hour if usual is not None and sales.window.days == 1 else ()
    least = sum(marks) / 100
    busy = [hour for hour in range(24) if hours[hour] or (marks and marks[hour] > least)]
    shown = range(min(busy, default=8), max(busy, default=20) + 1)
    best = max(range(24), key=lambda hour: hours[hour])
    return _columns(
        "hours",
        _("By hour of the day"),
        [figures.clock(hour) for hour in shown],
        [hours[hour] for hour in shown],
        _(
            "Sales by hour. The strongest hour is {hour} with {amount}.",
            hour=figures.clock(best),
            amount=figures.money(hours[best]),
        ),
        label_every=2 if len(shown) <= 12 else 4,
        marks=tuple(float(marks[hour]) for hour in shown) if marks else (),
        caption=_("Marks: the usual.") if marks else "",
    )


def weekdays_chart(sales: SalesAnalysis, figures: Figures) -> Chart:
    """Sales of each weekday."""
    _, week = figures.words, sales.by_weekday
    top = max(range(7), key=lambda day: week[day])
    return _columns(
        "weekdays",
        _("By day of the week"),
        [figures.weekday_short(day) for day in range(7)],
        week,
        _(
            "Sales by weekday. The strongest is {weekday} with {amount}.",
            weekday=figures.weekday(top),
            amount=figures.money(week[top]),
        ),
    )


def last_year_chart(content: ReportContent, figures: Figures) -> Chart | None:
    """The report's days beside the same weekdays a year before; None where these are not known, or of a single day."""
    year = content.progress.year if content.progress is not None else None
    if year is None or year.window.days == 1:
        return None
    _ = figures.words
    labels = (figures.window(year.earlier_window), figures.window(year.window))
    values = (year.earlier_revenue, year.revenue)
    return Chart(
        "year",
        _("The same weekdays a year ago, and now"),
        ChartKind.BARS,
        Kind.MONEY,
        labels,
        tuple(map(float, values)),
        _(
            "A year ago {before}, now {now}.",
            before=figures.money(year.earlier_revenue),
            now=figures.money(year.revenue),
        ),
    )
