"""The charts of sales: days, hours and weekdays against the usual, and the top products."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from salesflow.analytics.merchant import Usual
from salesflow.analytics.results import DaySales, ReportContent, SalesAnalysis
from salesflow.figures import Figures, Kind
from salesflow.reports.content.compare import each_weekday, usual_by_weekday
from salesflow.reports.content.document import Chart, ChartKind
from salesflow.windows import WEEKLY_DAYS, Period, Window

DAYS_SHOWN: Final = 28
"""Days in the chart of a day's report, and of a week's where not two weeks are known."""
_DAYS_TO_COME: Final = 7
_WEEKS_SHOWN: Final = 12


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
    shown = max(DAYS_SHOWN if content.period in (Period.DAILY, Period.WEEKLY) else 0, sales.window.days)
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


def weeks_chart(content: ReportContent, figures: Figures) -> Chart | None:
    """The last twelve weeks up to a week's report, each with its usual, and the next one; None where not two are wholly known.

    A week ends on the weekday on which the report's own does.
    """
    sales = content.sales
    if sales is None or sales.window.days != WEEKLY_DAYS:
        return None
    _, days = figures.words, days_known(sales)
    count = min(len(days) // WEEKLY_DAYS, _WEEKS_SHOWN)
    days = days[len(days) - count * WEEKLY_DAYS :]
    weeks = [days[n * WEEKLY_DAYS : (n + 1) * WEEKLY_DAYS] for n in range(count)]
    if len(weeks) < 2 or not any(day.revenue for day in days):
        return None
    usual = {} if content.usual is None else {day.day: day.revenue for day in content.usual.days}
    marks = []
    for week in weeks:
        each = [usual.get(day.day) for day in week]
        marks.append(None if None in each else float(sum(value or 0 for value in each)))
    values = [sum(day.revenue for day in week) for week in weeks]
    spans = [Window(week[0].day, week[-1].day) for week in weeks]
    expected = content.forecast.next_days[:WEEKLY_DAYS] if content.forecast else ()
    to_come = [sum(expected)] if len(expected) == WEEKLY_DAYS else []
    if to_come:
        spans.append(Window(*(day + timedelta(days=WEEKLY_DAYS) for day in (spans[-1].first, spans[-1].last))))
    low, high = min(range(len(values)), key=values.__getitem__), max(range(len(values)), key=values.__getitem__)
    return _columns(
        "weeks",
        _("By week"),
        tuple(map(figures.window_shortest, spans)),
        (*values, *to_come),
        figures.sentences(
            _("Sales of the last {n} weeks.", n=figures.show(Kind.COUNT, len(weeks))),
            _(
                "Highest {high} on {best}, lowest {low} on {worst}.",
                high=figures.money(values[high]),
                best=figures.window_shortest(spans[high]),
                low=figures.money(values[low]),
                worst=figures.window_shortest(spans[low]),
            ),
        ),
        label_every=max(1, -(-len(spans) // 4)),
        strong=frozenset({len(weeks) - 1}),
        marks=(*marks, *(None for _week in to_come)) if any(marks) else (),
        expected=frozenset(range(len(weeks), len(spans))),
        caption=figures.sentences(
            _("Marks: what each week usually brings.") if any(marks) else "",
            _("Outlined: expected.") if to_come else "",
        ),
    )


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


def weekdays_chart(sales: SalesAnalysis, usual: Usual | None, figures: Figures) -> Chart:
    """Sales of each weekday, each with its usual; of a longer window than a week those of one such day."""
    _ = figures.words
    week, marks = (each_weekday(sales, sums) for sums in (sales.by_weekday, usual_by_weekday(sales, usual) or (0,) * 7))
    mean = _("Mean of each weekday.") if sales.window.days > WEEKLY_DAYS else ""
    top = max(range(7), key=lambda day: week[day])
    return _columns(
        "weekdays",
        mean.rstrip(".。") or _("By day of the week"),
        [figures.weekday_short(day) for day in range(7)],
        week,
        figures.sentences(
            _(
                "Sales by weekday. The strongest is {weekday} with {amount}.",
                weekday=figures.weekday(top),
                amount=figures.money(week[top]),
            ),
            mean,
        ),
        marks=tuple(map(float, marks)) if any(marks) else (),
        caption=figures.sentences(mean, _("Marks: the usual.") if any(marks) else ""),
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
