"""What comes next: the forecast's section in a report, and its table in a workbook."""

from dataclasses import replace
from typing import Any

from salesflow.analytics.results import ForecastSummary, TrendDirection
from salesflow.figures import Figures, Kind
from salesflow.language import Text
from salesflow.reports.content.document import Column, Section, Table, Tone

_MODELS = {
    "last_week": Text("last week repeated"),
    "straight_line": Text("a straight line"),
    "level": Text("level and weekdays"),
    "steady_level": Text("steady level and weekdays"),
    "trend": Text("trend and weekdays"),
    "last_year": Text("last year's rhythm"),
    "regression": Text("regression"),
    "boosting": Text("gradient boosting"),
    "blend": Text("several models together"),
}
_TRENDS = {
    TrendDirection.UPWARD: Text("upward"),
    TrendDirection.DOWNWARD: Text("downward"),
    TrendDirection.STABLE: Text("stable"),
}
_AMOUNTS = ("total", "lower80", "upper80", "daily_average", "peak_value")


def outlook_section(forecast: ForecastSummary | None, figures: Figures) -> tuple[Section, ...]:
    """The section, or none where there is no forecast."""
    if forecast is None:
        return ()
    _ = figures.words
    made = _(
        "Made after {day} with {model}.",
        day=figures.day_with_weekday(forecast.made_after),
        model=_.say(_MODELS[forecast.model]) if forecast.model in _MODELS else forecast.model,
    )
    bounds = _("Low and high: the total lies between them in about 80 of 100 cases.")
    lead = figures.sentences(forecast.stale, made, bounds)
    tables = outlook_table(_rounded(forecast, figures), figures, Kind.ESTIMATE)
    return (Section("forecast", _("Next days"), tables=tables, lead=lead),)


def _rounded(forecast: ForecastSummary, figures: Figures) -> ForecastSummary:
    """The amounts with the two digits that an estimate knows."""
    rounded: list[dict[str, Any]] = [
        {name: figures.about(getattr(each, name)) for name in _AMOUNTS} for each in forecast.horizons
    ]
    horizons = (replace(each, **amounts) for each, amounts in zip(forecast.horizons, rounded, strict=True))
    return replace(forecast, horizons=tuple(horizons))


def outlook_table(forecast: ForecastSummary | None, figures: Figures, amounts: Kind = Kind.MONEY) -> tuple[Table, ...]:
    """One row a horizon; of which kind its amounts are."""
    if forecast is None:
        return ()
    _ = figures.words
    columns = (
        Column("horizon", _("Days"), Kind.TEXT),
        Column("total", _("Expected"), amounts),
        Column("lower80", _.context("forecast", "Low"), amounts),
        Column("upper80", _.context("forecast", "High"), amounts),
        Column("daily_average", _("A day"), amounts, minor=True),
        Column("peak_day", _("Best day"), Kind.DAY, minor=True),
        Column("peak_value", _("On it"), amounts, minor=True),
        Column("trend", _("Trend"), Kind.TEXT, minor=True),
    )
    rows = []
    for each in forecast.horizons:
        days = _("Next {n}", n=figures.show(Kind.COUNT, each.days))
        trend = _.say(_TRENDS[each.trend]) if each.trend in _TRENDS else ""
        rows.append((days, *(getattr(each, column.key) for column in columns[1:-1]), trend))
    marks = (Tone.NEUTRAL,) * len(rows)
    return (Table("forecast", _("Expected sales"), columns, tuple(rows), limit=len(rows), marks=marks),)
