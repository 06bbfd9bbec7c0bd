"""What a forecast says, as values; `to_document` and `from_document` carry them to and from `forecasts/{business_date}.json`.

Units: revenue in whole minor units (int), quantity in pieces with at most two decimals (float: an expected value). Shares, errors and
changes are fractions (0.25 is 25%). Intervals hold the point forecast, and are never below zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Literal

import msgspec

from salesflow.forecasting.models import ModelName


class Direction(StrEnum):
    """Where sales go within a horizon, against the usual level now."""

    UPWARD = "upward"
    DOWNWARD = "downward"
    STABLE = "stable"


DOCUMENT_VERSION = 1

type Number = int | float
type Measure = Literal["revenue", "quantity"]
"""What is forecast."""
type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Interval:
    """lower80..upper80 holds the truth in about 80 of 100 cases, lower95..upper95 in about 95."""

    lower80: Number
    upper80: Number
    lower95: Number
    upper95: Number


@dataclass(frozen=True, slots=True)
class DayForecast:
    """One day to come. open: whether the shop is expected to sell (else everything is 0). holiday: its name, "" on other days."""

    day: date
    value: Number
    interval: Interval
    open: bool
    holiday: str


@dataclass(frozen=True, slots=True)
class HorizonForecast:
    """The next `days` days together.

    total: sum of the daily values; interval: of that total. daily_average: total over all days, closed ones included.
    peak_value, peak_day: the best day. change: the average open day against the level now, weekday mix taken out (0.1 = 10% more);
    direction: upward or downward from 5% on.
    """

    days: int
    total: Number
    interval: Interval
    daily_average: Number
    peak_value: Number
    peak_day: date
    direction: Direction
    change: float


@dataclass(frozen=True, slots=True)
class HorizonError:
    """A model's error in the backtest for one horizon: `wape` is sum |actual - forecast| / sum |actual| over days (closed or missing days
    left out), `total_error` the same over horizon totals; newer origins weigh more. origins: how many forecasts that were compared."""

    days: int
    wape: float
    total_error: float
    origins: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often past actual days lay inside the intervals that would have been given at the time: shares of `days` tested days."""

    days: int
    within80: float
    within95: float


@dataclass(frozen=True, slots=True)
class SeriesForecast:
    """One measure of the shop or of a product.

    model: the one that won the backtest. errors: of all candidates, the winner's first, for the horizons that the history was long enough
    to test. coverage: None where too little could be tested.
    daily: every day of the longest horizon, in order.
    """

    measure: Measure
    model: ModelName
    errors: Mapping[ModelName, tuple[HorizonError, ...]]
    coverage: Coverage | None
    horizons: tuple[HorizonForecast, ...]
    daily: tuple[DayForecast, ...]

    def horizon(self, days: int) -> HorizonForecast:
        """The horizon of that many days (KeyError naming those there are)."""
        for horizon in self.horizons:
            if horizon.days == days:
                return horizon
        raise KeyError(f"no horizon of {days} days; there are {[h.days for h in self.horizons]}")


@dataclass(frozen=True, slots=True)
class ProductForecast:
    """One of the top products; the best seller stands first."""

    sku: str
    name: str
    quantity: SeriesForecast
    revenue: SeriesForecast


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast made after `business_date` closed.

    history_days: from the first sale to the business date; open_days: those with sales. simplified: the history is shorter than twelve
    weeks, the models are few and hardly tested. closed_weekdays: 0 Monday to 6 Sunday. skipped: (sku, why) of top products without a
    forecast. notes: English sentences for operators; what a merchant should know is worded from the other fields where it is shown.
    """

    business_date: date
    history_days: int
    open_days: int
    simplified: bool
    closed_weekdays: tuple[int, ...]
    revenue: SeriesForecast
    quantity: SeriesForecast
    products: tuple[ProductForecast, ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def to_document(self) -> Document:
        """A JSON-able dict with stable keys; the same forecast gives the same document."""
        return {
            "version": DOCUMENT_VERSION,
            "business_date": self.business_date.isoformat(),
            "history_days": self.history_days,
            "open_days": self.open_days,
            "simplified": self.simplified,
            "closed_weekdays": list(self.closed_weekdays),
            "notes": list(self.notes),
            "shop": {"revenue": _series_document(self.revenue), "quantity": _series_document(self.quantity)},
            "products": [
                {
                    "sku": product.sku,
                    "name": product.name,
                    "quantity": _series_document(product.quantity),
                    "revenue": _series_document(product.revenue),
                }
                for product in self.products
            ],
            "skipped": [{"sku": sku, "reason": reason} for sku, reason in self.skipped],
        }

    @classmethod
    def from_document(cls, document: Document) -> "Forecast":
        """The forecast of a document. Raises ValueError for one of another version or that is damaged."""
        if document.get("version") != DOCUMENT_VERSION:
            raise ValueError(
                f"a forecast document of version {document.get('version')!r}; this reads {DOCUMENT_VERSION}"
            )
        try:
            return cls(
                business_date=date.fromisoformat(document["business_date"]),
                history_days=document["history_days"],
                open_days=document["open_days"],
                simplified=document["simplified"],
                closed_weekdays=tuple(document["closed_weekdays"]),
                revenue=_series_of(document["shop"]["revenue"]),
                quantity=_series_of(document["shop"]["quantity"]),
                products=tuple(
                    ProductForecast(p["sku"], p["name"], _series_of(p["quantity"]), _series_of(p["revenue"]))
                    for p in document["products"]
                ),
                skipped=tuple((entry["sku"], entry["reason"]) for entry in document["skipped"]),
                notes=tuple(document["notes"]),
            )
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
            raise ValueError(f"a damaged forecast document: {error!r}") from error


_BOUNDS = ("lower80", "upper80", "lower95", "upper95")


def _series_document(series: SeriesForecast) -> Document:
    return {
        "measure": series.measure,
        "model": series.model.value,
        "errors": [{"model": model.value, "horizons": _plain(errors)} for model, errors in series.errors.items()],
        "coverage": _plain(series.coverage),
        "horizons": [_horizon_document(horizon) for horizon in series.horizons],
        # columns, not one object a day: a third of the bytes
        "daily": {
            "day": [entry.day.isoformat() for entry in series.daily],
            "value": [entry.value for entry in series.daily],
            **{bound: [getattr(entry.interval, bound) for entry in series.daily] for bound in _BOUNDS},
            "open": [entry.open for entry in series.daily],
            "holiday": [entry.holiday for entry in series.daily],
        },
    }


def _series_of(document: Document) -> SeriesForecast:
    daily = document["daily"]
    columns = [daily[key] for key in ("day", "value", *_BOUNDS, "open", "holiday")]
    return SeriesForecast(
        measure=msgspec.convert(document["measure"], Literal["revenue", "quantity"]),
        model=ModelName(document["model"]),
        errors={
            ModelName(entry["model"]): msgspec.convert(entry["horizons"], tuple[HorizonError, ...])
            for entry in document["errors"]
        },
        coverage=msgspec.convert(document["coverage"], Coverage | None),
        horizons=tuple(msgspec.convert(entry | {"interval": entry}, HorizonForecast) for entry in document["horizons"]),
        daily=tuple(
            DayForecast(date.fromisoformat(day), value, Interval(l80, u80, l95, u95), is_open, holiday)
            for day, value, l80, u80, l95, u95, is_open, holiday in zip(*columns, strict=True)
        ),
    )


def _horizon_document(horizon: HorizonForecast) -> Document:
    """Its fields, and those of its interval beside them."""
    values: Document = _plain(horizon)
    interval: Document = values.pop("interval")
    return interval | values


def _plain(values: object) -> Any:
    return msgspec.to_builtins(values, enc_hook=float)
