"""The month so far, the same days a year ago, and what is to be expected."""

from salesflow.analytics.merchant import Comparison, Progress
from salesflow.analytics.results import ForecastSummary
from salesflow.figures import Figures, Kind
from salesflow.reports.content.document import Section, deviation

_WEEK = 7


def month_section(
    progress: Progress | None, forecast: ForecastSummary | None, figures: Figures, *, share: float = 1.0
) -> tuple[Section, ...]:
    """A few sentences; none where there is nothing to say."""
    _, said = figures.words, month_lines(progress, forecast, figures)
    return (Section("month", _("Month and week"), paragraphs=said, share=share),) if said else ()


def month_lines(progress: Progress | None, forecast: ForecastSummary | None, figures: Figures) -> tuple[str, ...]:
    """The sentences, one each."""
    said = []
    if progress is not None:
        said += [_so_far(progress, figures), _last_year(progress.year, figures)]
    if forecast is not None:
        said += [_next_week(forecast, figures), forecast.stale]
    return tuple(filter(None, said))


def _so_far(progress: Progress, figures: Figures) -> str:
    _, month = figures.words, progress.month
    if progress.month_revenue is None:
        return ""
    amount = figures.money_short(progress.month_revenue)
    off = None if month is None else deviation(month.revenue, month.earlier_revenue)
    if month is None or off is None:
        return _("This month so far: {amount}.", amount=amount)
    return _(
        "This month so far: {amount}, {change} against {days}.",
        amount=amount,
        change=figures.change_short(off),
        days=figures.window_short(month.earlier_window),
    )


def _last_year(year: Comparison | None, figures: Figures) -> str:
    off = None if year is None else deviation(year.revenue, year.earlier_revenue)
    if year is None or off is None:
        return ""
    _ = figures.words
    return _(
        "A year ago, by weekday ({days}): {amount}; now {change}.",
        days=figures.window_shortest(year.earlier_window),
        amount=figures.money_short(year.earlier_revenue),
        change=figures.change_short(off),
    )


def _next_week(forecast: ForecastSummary, figures: Figures) -> str:
    _ = figures.words
    week = next((horizon for horizon in forecast.horizons if horizon.days == _WEEK), None)
    if week is None:
        return ""
    about = _(
        "Next 7 days: about {amount}; best day {weekday}.",
        amount=figures.money_about(week.total, beside=week.upper80),
        weekday=figures.show(Kind.WEEKDAY, week.peak_day.weekday()),
    )
    range_ = _(
        "80 of 100 such weeks end between {low} and {high}.",
        low=figures.money_about(week.lower80, beside=week.upper80),
        high=figures.money_about(week.upper80),
    )
    return figures.sentences(about, range_)
