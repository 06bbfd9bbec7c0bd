"""`forecast_sales`: the nightly forecast of the shop and its top products."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from threadpoolctl import threadpool_limits

from salesflow.forecasting.backtest import (
    Backtest,
    Evening,
    Origins,
    choose,
    errors_of,
    fit_boosting,
    forecast_evenings,
    origin_counts,
    run_backtest,
)
from salesflow.forecasting.history import (
    TOP_PRODUCTS,
    DailyHistory,
    Floats,
    ProductDays,
    ShopDays,
    date_of,
    day_number,
    product_days,
    shop_days,
    weekdays,
)
from salesflow.forecasting.intervals import Residuals, day_bounds, measured_coverage, total_bounds
from salesflow.forecasting.models import LAST_YEAR_MIN_DAYS, ModelName
from salesflow.forecasting.opening import Opening, closed_weekdays, expected_opening
from salesflow.forecasting.pattern import take_apart
from salesflow.forecasting.results import (
    DayForecast,
    Direction,
    Forecast,
    HorizonForecast,
    Interval,
    Measure,
    Number,
    ProductForecast,
    SeriesForecast,
)

HORIZONS = (7, 30, 90)
MAX_HORIZON = 90
SIMPLIFIED_DAYS = 84
DIRECTION_CHANGE = 0.05
_SIMPLE = (ModelName.BLEND, ModelName.LAST_WEEK, ModelName.LEVEL, ModelName.STEADY_LEVEL)


def forecast_sales(
    history: DailyHistory,
    *,
    business_date: date,
    horizons: Sequence[int] = HORIZONS,
    top_products: int = TOP_PRODUCTS,
    holidays: Mapping[date, str] | None = None,
) -> Forecast:
    """Forecast the shop's revenue and quantity, and its top products', for the days after `business_date`.

    history: up to the business date, which must be complete (a day cut short reads as a drop); later rows are ignored.
    horizons: days, 1 to 90, ascending. top_products: how many, by revenue of the last 90 days. holidays: dates and names, past and future.

    Each series is forecast by the model that did best on past evenings, with intervals from its errors then. The same
    input gives the same result, on one thread. Raises NotEnoughHistory under four weeks of sales, ValueError for a bad table or horizon.
    """
    if not horizons or list(horizons) != sorted(set(horizons)) or not 1 <= horizons[0] <= horizons[-1] <= MAX_HORIZON:
        raise ValueError(f"horizons must be ascending numbers of days from 1 to {MAX_HORIZON}, not {tuple(horizons)}")
    shop = shop_days(history, business_date)
    products = product_days(history, shop, top_products)
    with threadpool_limits(limits=1):  # sums in another order would be other numbers
        return _Night(shop, dict(holidays or {}), tuple(horizons)).forecast(products)


class _Night:
    """One night's work on one shop: the calendar that all series share."""

    def __init__(self, shop: ShopDays, holidays: dict[date, str], horizons: tuple[int, ...]) -> None:
        self.shop, self.holidays, self.horizons = shop, holidays, horizons
        self.total = len(shop.days)
        self.simplified = self.total < SIMPLIFIED_DAYS
        self.special = np.isin(shop.days, [day_number(day) for day in holidays])
        self.opening = self._opening(self.total)
        self.ahead = [date_of(int(self.shop.days[-1]) + 1 + n) for n in range(horizons[-1])]

    def forecast(self, products: ProductDays) -> Forecast:
        first, step, most = (21, 3, 20) if self.simplified else (56, 8, 36)
        revenue, quantity = self._series(
            self.shop.values, ("revenue", "quantity"), self._origins(first, step, most), boosted=True
        )
        forecasts: list[ProductForecast] = []
        if products.skus:
            count = len(products.skus)
            both: tuple[Measure, Measure] = ("quantity", "revenue")
            series = self._series(
                np.concatenate([products.quantity, products.revenue]),
                [measure for measure in both for _ in range(count)],
                self._origins(first, 3 if self.simplified else 15, 16),
                boosted=False,
            )
            forecasts = [
                ProductForecast(sku, name, series[n], series[count + n])
                for n, (sku, name) in enumerate(zip(products.skus, products.names, strict=True))
            ]
        return Forecast(
            business_date=date_of(int(self.shop.days[-1])),
            history_days=self.total,
            open_days=int(self.shop.open.sum()),
            simplified=self.simplified,
            closed_weekdays=closed_weekdays(self.shop.days, self.shop.open),
            revenue=revenue,
            quantity=quantity,
            products=tuple(forecasts),
            skipped=products.skipped,
            notes=self._notes(),
        )

    def _origins(self, first: int, step: int, most: int) -> Origins:
        counts = origin_counts(self.total, first=first, step=step, most=most)
        return Origins(counts, self.horizons[-1], tuple(self._opening(count) for count in counts.tolist()))

    def _opening(self, count: int) -> Opening:
        """What was expected of the days ahead after the first `count` days."""
        days, was_open = self.shop.days[:count], self.shop.open[:count]
        unusual = np.full(count, np.nan)
        if self.special[:count].any():
            revenue = self.shop.values[:1, :count]
            pattern = take_apart(np.where(self.special[:count], np.nan, revenue), days)
            unusual = (revenue / (pattern.level * pattern.weekly))[0]
        ahead = days[-1] + 1 + np.arange(self.horizons[-1])
        return expected_opening(days, was_open, unusual, ahead, self.holidays)

    def _series(
        self, actual: Floats, measures: Sequence[Measure], origins: Origins, *, boosted: bool
    ) -> list[SeriesForecast]:
        """The forecasts of series [n, total]."""
        learn = np.where(self.special, np.nan, actual)
        backtest = run_backtest(learn, actual, self.shop.days, origins, boosted=boosted)
        boosting = fit_boosting(learn, self.shop.days) if boosted else None
        (evening,) = forecast_evenings([(learn, self.shop.days, self.opening)], boosting)
        return [self._one(backtest, evening, n, measure) for n, measure in enumerate(measures)]

    def _one(self, backtest: Backtest, evening: Evening, row: int, measure: Measure) -> SeriesForecast:
        candidates = [
            name
            for name, forecast in evening.forecasts.items()
            if np.isfinite(forecast[row]).all() and (not self.simplified or name in _SIMPLE)
        ]
        model = choose(backtest, row, self.horizons, candidates)
        errors = errors_of(backtest, row, self.horizons)
        point = evening.forecasts[model][row]
        pattern = evening.pattern
        usual = pattern.level[row] * pattern.profile[row, weekdays(pattern.days)]
        noise = (pattern.values[row] - usual)[pattern.known[row]] / usual[pattern.known[row]]
        past = Residuals(
            counts=backtest.counts,
            open=backtest.open,
            forecast=backtest.forecasts[model][:, row],
            actual=backtest.actual[:, row],
            in_sample=noise,
            typical=float(evening.scale[row, 0]),
            season_known=self.total >= LAST_YEAR_MIN_DAYS,
        )
        bounds = day_bounds(past, point, self.opening)
        digits = 0 if measure == "revenue" else 2
        values = [_number(value, digits) for value in point.tolist()]
        daily = tuple(
            DayForecast(day, value, _interval(value, four, digits), is_open, self.holidays.get(day, ""))
            for day, value, four, is_open in zip(
                self.ahead, values, bounds.T.tolist(), self.opening.open.tolist(), strict=True
            )
        )
        level = float(evening.level[row] * evening.scale[row, 0])
        weekly = pattern.profile[row, weekdays(self.shop.days[-1] + 1 + np.arange(len(point)))]
        return SeriesForecast(
            measure=measure,
            model=model,
            errors={model: errors.get(model, ())} | errors,
            coverage=measured_coverage(past, self.total),
            horizons=tuple(
                _horizon(
                    daily,
                    total_bounds(past, point, bounds, days),
                    days,
                    self._change(point, weekly, level, days),
                    digits,
                )
                for days in self.horizons
            ),
            daily=daily,
        )

    def _change(self, point: Floats, weekly: Floats, level: float, days: int) -> float:
        """The average open day ahead against today's level, the mix of weekdays taken out."""
        opened = self.opening.open[:days]
        usual = level * float(weekly[:days][opened].sum())
        return round(float(point[:days][opened].sum()) / usual - 1, 4) if usual > 1e-9 else 0.0

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if self.simplified:
            notes.append(f"Only {self.total} days of history: a simple forecast, hardly tested, with wide intervals.")
        elif self.total < LAST_YEAR_MIN_DAYS:
            notes.append("Less than thirteen months of history: the yearly rhythm is not known yet.")
        silent = int(np.argmax(self.shop.open[::-1]))
        if silent > 7:
            notes.append(f"No sales in the last {silent} days; the forecast assumes that the shop opens again.")
        return tuple(notes)


def _horizon(
    daily: Sequence[DayForecast], bounds: Sequence[float], days: int, change: float, digits: int
) -> HorizonForecast:
    part = daily[:days]
    total = _number(sum(entry.value for entry in part), digits)
    peak = max(part, key=lambda entry: entry.value)  # the first of equals
    direction = Direction.STABLE
    if abs(change) >= DIRECTION_CHANGE:
        direction = Direction.UPWARD if change > 0 else Direction.DOWNWARD
    return HorizonForecast(
        days=days,
        total=total,
        interval=_interval(total, bounds, digits),
        daily_average=_number(total / days, digits),
        peak_value=peak.value,
        peak_day=peak.day,
        direction=direction,
        change=change,
    )


def _interval(value: Number, bounds: Sequence[float], digits: int) -> Interval:
    """Rounded bounds that hold the rounded value, the 95% ones around the 80% ones."""
    lower80, upper80 = min(_number(bounds[0], digits), value), max(_number(bounds[1], digits), value)
    lower95, upper95 = min(_number(bounds[2], digits), lower80), max(_number(bounds[3], digits), upper80)
    return Interval(lower80, upper80, lower95, upper95)


def _number(value: float, digits: int) -> Number:
    return round(float(value), digits) if digits else round(float(value))
