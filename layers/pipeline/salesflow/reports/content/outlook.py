"""What comes next: the forecast's section in a report, and its table in a workbook."""

from salesflow.analytics.results import ForecastSummary, TrendDirection
from salesflow.figures import Figures, Kind
from salesflow.reports.content.document import Column, Section, Table, Tone


def _model(name: str, figures: Figures) -> str:
    """What a model is called; its own name where it is a new one."""
    _ = figures.words
    return {
        "last_week": _("last week repeated"),
        "straight_line": _("a straight line"),
        "level": _("level and weekdays"),
        "steady_level": _("steady level and weekdays"),
        "trend": _("trend and weekdays"),
        "last_year": _("last year's rhythm"),
        "regression": _("regression"),
        "boosting": _("gradient boosting"),
        "blend": _("several models together"),
    }.get(name, name)


def _trend(direction: TrendDirection, figures: Figures) -> str:
    _ = figures.words
    return {
        TrendDirection.UPWARD: _("upward"),
        TrendDirection.DOWNWARD: _("downward"),
        TrendDirection.STABLE: _("stable"),
        TrendDirection.UNKNOWN: _("unknown"),
    }[direction]


def outlook_section(forecast: ForecastSummary | None, figures: Figures) -> tuple[Section, ...]:
    """The section, or none where there is no forecast."""
    if forecast is None:
        return ()
    _ = figures.words
    made = _(
        "Made after {day} with {model}.",
        day=figures.day_with_weekday(forecast.made_after),
        model=_model(forecast.model, figures),
    )
    bounds = _("Low and high: the total lies between them in about 80 of 100 cases.")
    lead = figures.sentences(forecast.stale, made, bounds)
    return (Section("forecast", _("Next days"), tables=outlook_table(forecast, figures), lead=lead),)


def outlook_table(forecast: ForecastSummary | None, figures: Figures) -> tuple[Table, ...]:
    """One row a horizon."""
    if forecast is None:
        return ()
    _ = figures.words
    return (
        Table(
            key="forecast",
            title=_("Expected revenue"),
            columns=(
                Column("horizon", _("Days"), Kind.TEXT),
                Column("total", _("Expected"), Kind.MONEY),
                Column("lower80", _.context("forecast", "Low"), Kind.MONEY),
                Column("upper80", _.context("forecast", "High"), Kind.MONEY),
                Column("daily_average", _("A day"), Kind.MONEY, minor=True),
                Column("peak_day", _("Best day"), Kind.DAY, minor=True),
                Column("peak_value", _("On it"), Kind.MONEY, minor=True),
                Column("trend", _("Trend"), Kind.TEXT, minor=True),
            ),
            rows=tuple(
                (
                    _("Next {n}", n=figures.show(Kind.COUNT, h.days)),
                    h.total,
                    h.lower80,
                    h.upper80,
                    h.daily_average,
                    h.peak_day,
                    h.peak_value,
                    "" if h.trend is TrendDirection.UNKNOWN else _trend(h.trend, figures),
                )
                for h in forecast.horizons
            ),
            limit=len(forecast.horizons),
            marks=(Tone.NEUTRAL,) * len(forecast.horizons),
        ),
    )


def outlook_lines(forecast: ForecastSummary | None, figures: Figures) -> tuple[str, ...]:
    """The same for a mail, one sentence a horizon."""
    if forecast is None:
        return ()
    _ = figures.words
    lines = [
        _(
            "Next {n} days: {total} ({low} to {high}), {average} a day; best day {day} with {peak}; trend {trend}",
            n=figures.show(Kind.COUNT, h.days),
            total=figures.money_short(h.total),
            low=figures.money_short(h.lower80),
            high=figures.money_short(h.upper80),
            average=figures.money_short(h.daily_average),
            day=figures.day_with_weekday(h.peak_day),
            peak=figures.money_short(h.peak_value),
            trend=_trend(h.trend, figures),
        )
        for h in forecast.horizons
    ]
    return (*lines, forecast.stale) if forecast.stale else tuple(lines)
