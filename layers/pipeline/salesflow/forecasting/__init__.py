"""The nightly forecast: daily sales in, the next 90 days with honest intervals out. Pure: no clock, no files, no network.

forecast = forecast_sales(DailyHistory(shop, panel), business_date=date(2026, 11, 22))
week = forecast.revenue.horizon(7)
week.total, week.interval.lower80, week.interval.upper80  # whole minor units
"""

from salesflow.forecasting.forecast import HORIZONS, forecast_sales
from salesflow.forecasting.history import DailyHistory, NotEnoughHistory
from salesflow.forecasting.models import ModelName
from salesflow.forecasting.results import (
    Coverage,
    DayForecast,
    Direction,
    Forecast,
    HorizonError,
    HorizonForecast,
    Interval,
    Measure,
    ModelErrors,
    ProductForecast,
    SeriesForecast,
)

__all__ = [
    "HORIZONS",
    "Coverage",
    "DailyHistory",
    "DayForecast",
    "Direction",
    "Forecast",
    "HorizonError",
    "HorizonForecast",
    "Interval",
    "Measure",
    "ModelErrors",
    "ModelName",
    "NotEnoughHistory",
    "ProductForecast",
    "SeriesForecast",
    "forecast_sales",
]
