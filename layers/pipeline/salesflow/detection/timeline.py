"""A shop's tables as arrays on one axis of days, and the scores of its days: each by the days before it, computed once and kept."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesflow.analytics.giants import without_giants
from salesflow.analytics.services import without_price
from salesflow.detection.calendar import day_grid, missing_days, traded
from salesflow.detection.engine import SMALL, WEEKS
from salesflow.detection.hours import ORDINARY, HourMix, hour_mix
from salesflow.detection.panel import DayScores, score_windows
from salesflow.detection.product_sales import History, ProductSales
from salesflow.detection.smoothing import BLOCK, Panel
from salesflow.detection.tails import nanmedian

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

SHOP_METRICS = ("revenue", "quantity", "transactions")
HOURS = tuple(f"h{hour:02d}" for hour in range(24))
WINDOW = 7 * WEEKS
SAMPLE = 200
"""Products at most whose past days are scored to calibrate the thresholds."""

MIN_SALES_DAYS = 6
"""Products that sold on fewer days in 26 weeks are not scored: one sale is their usual week's news."""

RUN_DAYS = 7
"""Days before the judged one that may belong to its event."""

NEARLY_CLOSED = 0.33
STAKE_DAYS = 28
PRICE_DAYS, MIN_PRICES = 56, 5
SAME_PRICE = 0.1
"""|log ratio| of prices that are the same: days at today's, up to a week of them, are no measure of it, or an error would be usual on its

second day."""

SINGLE = ("refunds", "largest_sale", "largest_sale_at", "largest_refund", "largest_refund_at")


@dataclass(frozen=True)
class ProductDay:
    """The products' scores of one day: `rows` are the products that were scored, and `quantity` and `revenue` their scores."""

    rows: Ints
    quantity: DayScores
    revenue: DayScores

    def scores(self, metric: str, products: Ints) -> Floats:
        """Of these products, NaN where one was not scored."""
        scored: DayScores = getattr(self, metric)
        known = np.isin(products, self.rows)
        found = np.full(len(products), np.nan)
        found[known] = scored.scores[np.searchsorted(self.rows, products[known])]
        return found

    def due(self, product: int) -> float:
        """The revenue that was expected of a product; 0 where that is not known."""
        at = int(np.searchsorted(self.rows, product))
        known = at < len(self.rows) and self.rows[at] == product
        return float(np.nan_to_num(self.revenue.expected[at])) if known else 0.0


@dataclass(frozen=True)
class Prices:
    """A day's price a piece, and median, lowest and highest of the 56 days before with sales; [n] of the products `rows` that were sold on

    the day and on five of those days.
    """

    rows: Ints
    today: Floats
    usual: Floats
    low: Floats
    high: Floats

    def change(self, product: int) -> float | None:
        """By which share a product's price differs from its usual one; None where that is not known."""
        at = int(np.searchsorted(self.rows, product))
        known = at < len(self.rows) and self.rows[at] == product
        return float(self.today[at]) / float(self.usual[at]) - 1 if known else None


class Timeline:
    """Tables up to `until` as arrays; day t is `days[t]`. Whatever is asked of day t uses columns up to t only.

    `totals` [3, n_days]: NaN on an unknown day (missing, or a closed holiday), 0 on a trading day without sales; `sales`: the products'.
    `back` [3, n_days]: what came back, to be taken off the totals. `hours` [n_days, 24] of revenue, None where unknown. `busy`: open days
    that were not nearly closed. `single`: the day's largest sale and refund, [n_days] each, as `salesflow.history.shop_days` has them.
    `silences`, `candidates`: what the rules keep of a day.
    """

    def __init__(
        self,
        shop: pd.DataFrame,
        products: pd.DataFrame,
        until: date,
        holidays: dict[date, str],
        begin: pd.Timestamp | None = None,
        stockouts: pd.DataFrame | None = None,
    ) -> None:
        """`begin`: days before it are needed for the calendar only, and left out of the arrays."""
        arrays = shop_arrays(shop, until, holidays, begin)
        self.days, self.open, self.totals, self.hours = arrays.days, arrays.open, arrays.totals, arrays.hours
        self.learnt, self.learnt_hours, self.back = arrays.learnt, arrays.learnt_hours, arrays.back
        self.busy = self.open & ~_nearly_closed(self.totals[2], self.open)
        self.sales = ProductSales(products, self.days, np.isnan(self.totals[0]), stockouts)
        self.skus, self.called, self.largest_sale = self.sales.skus, self.sales.called, self.sales.largest_sale
        self._shop_days: dict[int, DayScores] = {}
        self._samples: dict[int, ProductDay] = {}
        self._prices: dict[int, Prices] = {}
        self._mixes: dict[int, HourMix] = {}
        self._usual: dict[int, float] = {}
        self._often: dict[int, NDArray[np.bool_]] = {}
        self._services: dict[int, NDArray[np.bool_]] = {}
        self.silences: dict[int, Any] = {}
        self.candidates: dict[tuple[object, ...], Any] = {}
        single = [n for n in SINGLE if n in shop]
        table = shop.assign(date=pd.to_datetime(shop["date"])).set_index("date")[single].reindex(self.days)
        self.single = {name: table[name].fillna(-1).to_numpy(dtype=float) for name in single}

    def position(self, day: date) -> int:
        """The index of a date on the axis."""
        return int((pd.Timestamp(day) - self.days[0]).days)

    def services(self, t: int) -> NDArray[np.bool_]:
        """Products without a price of their own, by the 26 weeks up to the last whole week, [n_products]."""
        week = t - t % 7
        if week not in self._services:
            cells, sales = self.sales.cells(week - WINDOW, week + 1), self.sales
            self._services[week] = without_price(
                sales.product[cells], sales.quantity[cells], sales.revenue[cells], len(sales)
            )
        return self._services[week]

    def usual_peak(self, product: int, t: int) -> float:
        """Pieces of a product's second best day of the 26 weeks before day t: the best may have been an event, and the last one goes on."""
        past = np.nan_to_num(self.of("quantity", product, max(t - WINDOW, 0), max(t - RUN_DAYS, 0)))
        return float(np.partition(past, -2)[-2]) if len(past) > 1 else 0.0

    def of(self, metric: str, product: int, first: int, end: int) -> Floats:
        """`quantity` or `revenue` of a product on the days from `first` to before `end`."""
        return self.sales.between(metric, np.array([product]), first, end)[0]

    def usual_day(self, t: int) -> float:
        """What an open day of the last weeks takes (minor units): what stakes are a share of; 0 without any."""
        if t not in self._usual:
            days = np.flatnonzero(self.open[:t])[-STAKE_DAYS:]
            taken = np.nan_to_num(self.totals[0, days])
            # One giant order is no usual day: it counts as three of them.
            self._usual[t] = float(np.minimum(taken, 3 * np.median(taken)).mean()) if len(days) else 0.0
        return self._usual[t]

    def scored_products(self, t: int) -> Ints:
        """The products that sold on enough of the 26 weeks up to day t to be scored on it."""
        if t not in self._often:
            self._often[t] = self.sales.days_sold(t + 1 - WINDOW, t + 1) >= MIN_SALES_DAYS
        return np.flatnonzero(self._often[t])

    def shop_days(self, days: Iterable[int]) -> list[DayScores]:
        """Scores of the shop's three totals on each day."""
        wanted = list(days)
        new = [t for t in wanted if t not in self._shop_days]
        scored = score_windows([(before(self.learnt, t), self.totals[:, t]) for t in new], money=False)
        self._shop_days.update(zip(new, scored, strict=True))
        return [self._shop_days[t] for t in wanted]

    def product_day(self, t: int) -> ProductDay:
        """Scores of every product of day t that can be scored."""
        rows = self.scored_products(t)
        return self.sampled_days([t])[0] if len(rows) <= SAMPLE else self._score({t: rows})[0]

    def sampled_days(self, days: Iterable[int]) -> list[ProductDay]:
        """Scores of up to 200 products, the dearest of all that can be scored, on each day: only these can be worth an alert."""
        wanted = list(days)
        new = {t: self._dearest(t) for t in wanted if t not in self._samples}
        self._samples.update(zip(new, self._score(new), strict=True))
        return [self._samples[t] for t in wanted]

    def _dearest(self, t: int) -> Ints:
        rows = self.scored_products(t)
        if len(rows) <= SAMPLE:
            return rows
        sold = self.sales.sums("revenue", t - WINDOW, t)[rows]
        return np.sort(rows[np.argsort(-sold, kind="stable")[:SAMPLE]])

    def recent(self, products: Ints, t: int, length: int) -> dict[str, Floats]:
        """Scores [len(products), length] of these products on the last days up to t, oldest first, by metric; NaN before t: out of stock."""
        days = list(range(max(t + 1 - length, 0), t + 1))
        scored = self.sampled_days(days)
        if any(len(s.rows) >= SAMPLE for s in scored):
            scored = self._score({d: np.union1d(s.rows, products) for d, s in zip(days, scored, strict=True)})
        gone = self.sales.gone(products, days[0], t)
        found = {m: np.stack([s.scores(m, products) for s in scored], axis=1) for m in ("quantity", "revenue")}
        for scores in found.values():
            scores[:, :-1][gone] = np.nan
        return found

    def hour_mix(self, t: int) -> HourMix:
        """How unusual the hours of trading day t were; ordinary where the tables hold no hours."""
        if self.hours is None or not self.open[t]:
            return ORDINARY
        if t not in self._mixes:
            trading = np.flatnonzero(self.open[: t + 1])
            weekdays = self.days.day_of_week.to_numpy()[trading].astype(np.intp)
            self._mixes[t] = hour_mix(self.hours[trading], weekdays, np.nan_to_num(self.totals[2, trading]))
        return self._mixes[t]

    def prices(self, t: int) -> Prices:
        """Prices of the products sold on day t against their own last eight weeks."""
        if t not in self._prices:
            first = max(t - PRICE_DAYS, 0)
            rows = np.flatnonzero((self.sales.on("quantity", t) > 0) & (self.sales.on("revenue", t) > 0))
            quantity, revenue = (
                np.nan_to_num(self.sales.between(metric, rows, first, t + 1)) for metric in ("quantity", "revenue")
            )
            sold = (quantity > 0) & (revenue > 0)
            enough = sold[:, :-1].sum(axis=1) >= MIN_PRICES
            price = np.where(sold, revenue / np.where(sold, quantity, 1.0), np.nan)[enough]
            past = price[:, :-1]
            unlike = np.abs(np.log(past / price[:, -1:])) > SAME_PRICE
            # The first column after the last day at another price.
            since = past.shape[1] - np.argmax(unlike[:, ::-1], axis=1)
            run = np.arange(past.shape[1]) >= np.maximum(since, past.shape[1] - RUN_DAYS)[:, None]
            past = np.where(run & unlike.any(axis=1, keepdims=True), np.nan, past)
            low, high = np.fmin.reduce(past, axis=1), np.fmax.reduce(past, axis=1)
            self._prices[t] = Prices(rows[enough], price[:, -1], nanmedian(past), low, high)
        return self._prices[t]

    def _score(self, rows: dict[int, Ints]) -> list[ProductDay]:
        quantity, revenue = (
            score_windows([self._window(metric, r, t) for t, r in rows.items()], money=metric == "revenue")
            for metric in ("quantity", "revenue")
        )
        return [
            ProductDay(scored, pieces, _no_lower_than_pieces(money, pieces))
            for scored, pieces, money in zip(rows.values(), quantity, revenue, strict=True)
        ]

    def _window(self, metric: str, rows: Ints, t: int) -> tuple[Panel, Floats]:
        """The 26 weeks before day t, and the day, of some products."""
        past: Panel = History(self.sales, metric, rows, t - WINDOW, t)
        return past[:] if len(rows) <= BLOCK else past, self.sales.between(metric, rows, t, t + 1)[:, 0]


@dataclass(frozen=True)
class ShopArrays:
    """The shop's table on every day of the calendar.

    `totals` [3, n_days]: NaN on an unknown day (missing, or a closed holiday), 0 on another day without sales; `back` [3, n_days]: what came
    back; `open` [n_days]; `hours` [n_days, 24] of revenue, None where the table holds none; `learnt`, `learnt_hours`: totals and hours without
    giant sales, which teach nothing.
    """

    days: pd.DatetimeIndex
    open: NDArray[np.bool_]
    totals: Floats
    learnt: Floats
    back: Floats
    hours: Floats | None
    learnt_hours: Floats | None


def shop_arrays(
    shop: pd.DataFrame, until: date, holidays: dict[date, str], begin: pd.Timestamp | None = None
) -> ShopArrays:
    """The arrays of a shop's table up to `until`; `begin`: days before it are needed for the calendar only."""
    grid = day_grid(shop, until)
    grid = grid if begin is None else grid[grid.index >= begin]
    days, is_open = pd.DatetimeIndex(grid.index), traded(grid).to_numpy()
    unknown = days.isin(pd.to_datetime(missing_days(shop, until, holidays=holidays)))
    unknown |= days.isin(pd.to_datetime(list(holidays))) & ~is_open
    totals = grid[list(SHOP_METRICS)].fillna(0).to_numpy(dtype=float, copy=True).T
    without = without_giants(shop).assign(date=pd.to_datetime(shop["date"])).set_index("date").reindex(days)
    learnt = without[list(SHOP_METRICS)].fillna(0).to_numpy(dtype=float, copy=True).T
    totals[:, unknown] = learnt[:, unknown] = np.nan
    hours, learnt_hours = (
        one[list(HOURS)].fillna(0).to_numpy(dtype=float) if set(HOURS) <= set(one.columns) else None
        for one in (grid, without)
    )
    back = np.zeros((len(SHOP_METRICS), len(days)))
    for row, metric in enumerate(SHOP_METRICS):
        if f"returned_{metric}" in grid:
            back[row] = grid[f"returned_{metric}"].fillna(0)
    return ShopArrays(days, is_open, totals, learnt, back, hours, learnt_hours)


def gross(table: pd.DataFrame) -> pd.DataFrame:
    """What was sold before returns, where the table says how much came back: what is judged, and what is usual."""
    for column in ("quantity", "revenue"):
        if f"returned_{column}" in table:
            table = table.assign(**{column: table[column] + table[f"returned_{column}"].fillna(0)})
    return table


def kept_share(sold: Floats, back: Floats) -> Floats:
    """The share of what is sold that usually stays sold, [...]: what a usual day before returns is multiplied by to be one of a report.

    `sold`, `back` [..., n_days]: of the days before. A refund larger than half a usual day counts as half of one: it teaches nothing.
    """
    known = np.isfinite(sold) & (sold > 0)
    total, days = np.where(known, sold, 0.0).sum(axis=-1), np.maximum(known.sum(axis=-1), 1)
    returned = np.where(known, np.minimum(back, 0.5 * (total / days)[..., None]), 0.0).sum(axis=-1)
    return np.asarray(1 - np.divide(returned, total, out=np.zeros_like(total), where=total > 0))


def _nearly_closed(transactions: Floats, is_open: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Open days with less than a third of the transactions of the 28 open days before: what did not sell then says little of itself."""
    sold = pd.Series(np.nan_to_num(transactions[is_open]))
    usual = sold.rolling(28, min_periods=7).median().shift(1)
    answer = np.zeros(len(transactions), dtype=bool)
    answer[is_open] = (sold < NEARLY_CLOSED * usual).to_numpy()
    return answer


def _no_lower_than_pieces(revenue: DayScores, quantity: DayScores) -> DayScores:
    """The revenue of a product of few pieces is no more surprisingly low than its pieces: no sale where four are usual is -2, not -6.

    Money has no exact distribution near zero; the pieces have. What the price did has a rule of its own.
    """
    few = (revenue.scores < 0) & (quantity.scores > revenue.scores) & (quantity.expected < SMALL)
    return replace(revenue, scores=np.where(few, np.minimum(quantity.scores, 0.0), revenue.scores))


def before(totals: Floats, t: int) -> Floats:
    """The 26 weeks before day t; days before the table began are unknown."""
    part = totals[:, max(t - WINDOW, 0) : t]
    return np.concatenate([np.full((len(totals), WINDOW - part.shape[1]), np.nan), part], axis=1)
