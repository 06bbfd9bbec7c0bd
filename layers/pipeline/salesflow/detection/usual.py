"""The usual day: what a shop's sales of a day should have been, by the days before it. For whoever compares a day with the usual one.

The same model judges the days (`salesflow.detection.engine`), and what usually comes back is taken off in the same way
(`timeline.kept_share`), so that a report and an alert say the same figures.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesflow.detection import engine
from salesflow.detection.smoothing import MIN_DAYS
from salesflow.detection.tails import gamma_quantile
from salesflow.detection.timeline import HOURS, SHOP_METRICS, WINDOW, before, gross, kept_share, shop_arrays

Floats = NDArray[np.float64]

BAND = 1.645
"""|z| of the bounds: nine of ten ordinary days lie between them."""

HOUR_DAYS = 8


class Usual(NamedTuple):
    """What is usual, and between which bounds nine of ten ordinary days lie."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class UsualDay:
    """The usual `day`, by the days before it. `revenue` in minor units, `quantity` in pieces, `transactions` in sales; what usually comes
    back is taken off.

    `per_sale`: revenue of one sale (minor units). `hours`: revenue of each hour (24, minor units; they add up to that of the day), empty
    where the tables hold none. On a weekday on which the shop does not trade all of it is zero.
    """

    day: date
    revenue: Usual
    quantity: Usual
    transactions: Usual
    per_sale: float
    hours: tuple[float, ...]


def usual_days(
    shop: pd.DataFrame, first: date, last: date, *, holidays: dict[date, str] | None = None
) -> dict[date, UsualDay | None]:
    """The usual day of each date from `first` to `last`; None where less than twelve weeks came before it: unknown, not zero.

    `shop`: one row a day, as `detect` takes it (`salesflow.history.shop_days`): date, revenue (minor units), quantity, transactions,
    and, where known, h00..h23 and what came back (`returned_revenue`, `returned_quantity`). Rows from a date on say nothing about its own
    usual day. `holidays`: dates on which a closed shop is no missing day. numpy and pandas alone are needed.

    Raises ValueError for two rows of one day.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    known = shop[pd.to_datetime(shop["date"]) <= pd.Timestamp(last)]
    if not days or known.empty:
        return dict.fromkeys(days)
    arrays = shop_arrays(gross(known), last, holidays or {})
    positions = [int((pd.Timestamp(day) - arrays.days[0]).days) for day in days]
    ready = [(day, t) for day, t in zip(days, positions, strict=True) if t >= MIN_DAYS]
    models = engine.fit_each([before(arrays.learnt, t) for _, t in ready])
    found: dict[date, UsualDay | None] = dict.fromkeys(days)
    for (day, t), model in zip(ready, models, strict=True):
        if model.ready.all():
            kept = kept_share(arrays.totals[:, max(t - WINDOW, 0) : t], arrays.back[:, max(t - WINDOW, 0) : t])
            revenue, quantity, transactions = (_usual(model, row, kept[row]) for row in range(len(SHOP_METRICS)))
            per_sale = revenue.value / transactions.value if transactions.value > 0 else 0.0
            hours = _hours(arrays.learnt_hours, arrays.open, t, revenue.value)
            found[day] = UsualDay(day, revenue, quantity, transactions, per_sale, hours)
    return found


def _usual(model: engine.DayModel, row: int, kept: float) -> Usual:
    mean = float(model.mean[row])
    if model.closed[row] or not mean > 0:
        return Usual(0.0, 0.0, 0.0)
    cv2 = min(float(model.cv2[row] * model.scale[row] ** 2), 4.0)
    lower, upper = (float(gamma_quantile(z, np.array([mean]), np.array([cv2]))[0]) for z in (-BAND, BAND))
    return Usual(*(float(kept * value) for value in (mean, min(lower, mean), max(upper, mean))))


def _hours(hours: Floats | None, is_open: NDArray[np.bool_], t: int, total: float) -> tuple[float, ...]:
    """The total spread over the hours as the last eight days of the weekday were."""
    if hours is None:
        return ()
    same = np.flatnonzero(is_open[:t] & ((t - np.arange(t)) % 7 == 0))[-HOUR_DAYS:]
    sums = hours[same].clip(min=0).sum(axis=0)
    if total <= 0 or sums.sum() <= 0:
        return (0.0,) * len(HOURS)
    return tuple((total * sums / sums.sum()).tolist())
