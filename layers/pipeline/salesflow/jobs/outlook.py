"""The forecast that a report shows: the business date's own, or the newest one before it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from salesflow.analytics.results import ForecastHorizon, ForecastSummary, TrendDirection
from salesflow.delivery.forecasts import ForecastStore
from salesflow.language import Words
from salesflow.observability import logger
from salesflow.reports.content.notes import forecast_is_older

OLDEST_DAYS = 8
"""How many days of documents are looked at, the business date's among them: a fallback in the newest may hold an older one."""


def read_outlook(forecasts: ForecastStore, business_date: date, currency: str, _: Words) -> ForecastSummary | None:
    """The newest usable forecast up to the business date; None where there is none. What was made later is never shown.

    _: the words of the reader's language, for what there is to know about an older one.
    """
    for stored in forecasts.newest_first(business_date, OLDEST_DAYS):
        if stored.forecast is None or stored.made_after is None or stored.currency != currency:
            continue
        try:
            series = stored.forecast["shop"]["revenue"]
            horizons = tuple(_horizon(entry) for entry in series["horizons"])
            model = str(series["model"])
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("a forecast is passed over", key=stored.key, why=repr(error))
            continue
        stale = ""
        if stored.made_after != business_date:
            stale = forecast_is_older(_, business_date, stored.made_after)
        return ForecastSummary(stored.made_after, model, horizons, stale, stored.key)
    return None


def _horizon(entry: Mapping[str, Any]) -> ForecastHorizon:
    return ForecastHorizon(
        days=int(entry["days"]),
        total=int(entry["total"]),
        lower80=int(entry["lower80"]),
        upper80=int(entry["upper80"]),
        daily_average=int(entry["daily_average"]),
        peak_value=int(entry["peak_value"]),
        peak_day=date.fromisoformat(entry["peak_day"]),
        trend=TrendDirection(entry["direction"]),
        change=float(entry["change"]),
    )
