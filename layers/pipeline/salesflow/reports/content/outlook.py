"""What comes next: the forecast's section in a report, and its table in a workbook."""

from dataclasses import replace

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
    return (Section("forecast", _("Next days"), tables=outlook_table(_rounded(forecast, figures), figures), lead=lead),)


def _rounded(forecast: ForecastSummary, figures: Figures) -> ForecastSummary:
    """The amounts with the two digits that an estimate knows."""
    about = figures.about
    return replace(
        forecast,
        horizons=tuple(
            replace(
                each,
                total=about(each.total),
                lower80=about(each.lower80),
                upper80=about(each.upper80),
                daily_average=about(each.daily_average),
                peak_value=about(each.peak_value),
            )
            for each in forecast.horizons
        ),
    )


def outlook_table(forecast: ForecastSummary | None, figures: Figures) -> tuple[Table, ...]:
    """One row a horizon."""
    if forecast is None:
        return ()
    _ = figures.words
    return (
        Table(
            key="forecast",
            title=_("Expected sales"),
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
