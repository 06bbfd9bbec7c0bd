"""The nightly forecast: daily sales in, the next 90 days with honest intervals out. Pure: no clock, no files, no network.

forecast = forecast_sales(DailyHistory(shop, panel), business_date=date(2026, 11, 22))
week = forecast.revenue.horizon(7)
week.total, week.interval.lower80, week.interval.upper80  # whole minor units
"""

from salesflow.forecasting.forecast import HORIZONS, forecast_sales
from salesflow.forecasting.history import DailyHistory, NotEnoughHistory
from salesflow.forecasting.results import Direction, Forecast, SeriesForecast

__all__ = ["HORIZONS", "DailyHistory", "Direction", "Forecast", "NotEnoughHistory", "SeriesForecast", "forecast_sales"]
