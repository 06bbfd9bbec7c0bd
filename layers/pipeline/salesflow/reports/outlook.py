"""What comes next: the forecast's section in a report, and its table in a workbook."""

from typing import Final

from salesflow.analytics.results import ForecastSummary, TrendDirection
from salesflow.reports.document import Column, Section, Table, Tone
from salesflow.reports.figures import Figures, Kind

_MODELS: Final = {
    "last_week": "last week repeated",
    "straight_line": "a straight line",
    "level": "level and weekdays",
    "steady_level": "steady level and weekdays",
    "trend": "trend and weekdays",
    "last_year": "last year's rhythm",
    "regression": "regression",
    "boosting": "gradient boosting",
    "blend": "several models together",
}
_TRENDS: Final = {
    TrendDirection.UPWARD: "upward",
    TrendDirection.DOWNWARD: "downward",
    TrendDirection.STABLE: "stable",
    TrendDirection.UNKNOWN: "",
}


def outlook_section(forecast: ForecastSummary | None, figures: Figures) -> tuple[Section, ...]:
    """The section, or none where there is no forecast."""
    if forecast is None:
        return ()
    made = (
        f"Made after {figures.day_with_weekday(forecast.made_after)} with {_MODELS.get(forecast.model, forecast.model)}. "
        "Low and high: the total lies between them in about 80 of 100 cases."
    )
    lead = f"{forecast.stale} {made}" if forecast.stale else made
    return (Section("forecast", "Next days", tables=outlook_table(forecast), lead=lead),)


def outlook_table(forecast: ForecastSummary | None) -> tuple[Table, ...]:
    """One row a horizon."""
    if forecast is None:
        return ()
    return (
        Table(
            key="forecast",
            title="Expected revenue",
            columns=(
                Column("horizon", "Days", Kind.TEXT),
                Column("total", "Expected", Kind.MONEY),
                Column("lower80", "Low", Kind.MONEY),
                Column("upper80", "High", Kind.MONEY),
                Column("daily_average", "A day", Kind.MONEY, minor=True),
                Column("peak_day", "Best day", Kind.DAY, minor=True),
                Column("peak_value", "On it", Kind.MONEY, minor=True),
                Column("trend", "Trend", Kind.TEXT, minor=True),
            ),
            rows=tuple(
                (
                    f"Next {h.days}",
                    h.total,
                    h.lower80,
                    h.upper80,
                    h.daily_average,
                    h.peak_day,
                    h.peak_value,
                    _TRENDS[h.trend],
                )
                for h in forecast.horizons
            ),
            noun="horizons",
            limit=len(forecast.horizons),
            marks=(Tone.NEUTRAL,) * len(forecast.horizons),
        ),
    )


def outlook_lines(forecast: ForecastSummary | None, figures: Figures) -> tuple[str, ...]:
    """The same for a mail, one sentence a horizon."""
    if forecast is None:
        return ()
    lines = [
        f"Next {h.days} days: {figures.money_short(h.total)} "
        f"({figures.money_short(h.lower80)} to {figures.money_short(h.upper80)}), "
        f"{figures.money_short(h.daily_average)} a day; best day {figures.day_with_weekday(h.peak_day)} "
        f"with {figures.money_short(h.peak_value)}; trend {_TRENDS[h.trend] or 'unknown'}"
        for h in forecast.horizons
    ]
    return (*lines, forecast.stale) if forecast.stale else tuple(lines)
