"""The forecast that a report shows and orders by: the business date's own, or the newest one before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from salesflow.analytics.orders import ProductOutlook
from salesflow.analytics.results import ForecastHorizon, ForecastSummary, TrendDirection
from salesflow.delivery.forecasts import ForecastStore
from salesflow.language import Words
from salesflow.observability import logger
from salesflow.reports.content.notes import forecast_is_older

_ORDER_DAYS = 14
OLDEST_DAYS = 8
"""How many days of documents are looked at, the business date's among them: a fallback in the newest may hold an older one."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The shop's forecast, and its products' by SKU."""

    shop: ForecastSummary
    products: Mapping[str, ProductOutlook]


def read_outlook(forecasts: ForecastStore, business_date: date, currency: str, _: Words) -> Outlook | None:
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
            past = (business_date - stored.made_after).days
            next_days = tuple(round(value) for value in series["daily"]["value"][past:])
            products = {str(entry["sku"]): _product(entry["quantity"], past) for entry in stored.forecast["products"]}
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("a forecast is passed over", key=stored.key, why=repr(error))
            continue
        stale = ""
        if stored.made_after != business_date:
            stale = forecast_is_older(_, business_date, stored.made_after)
        summary = ForecastSummary(stored.made_after, model, horizons, stale, stored.key, next_days)
        return Outlook(summary, {sku: product for sku, product in products.items() if product.daily})
    return None


def _product(series: Mapping[str, Any], past: int) -> ProductOutlook:
    """A product's pieces from the day after the business date on, with the range of the shortest horizon that covers an order."""
    horizon = next((entry for entry in series["horizons"] if int(entry["days"]) >= _ORDER_DAYS), series["horizons"][-1])
    daily = tuple(float(value) for value in series["daily"]["value"][past:])
    return ProductOutlook(daily, int(horizon["days"]), float(horizon["lower80"]), float(horizon["upper80"]))


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
