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
NAME_DAYS, STAKE_DAYS = 90, 28
PRICE_DAYS, MIN_PRICES = 56, 5
NO_NAMES = ("", "None", "nan", "<NA>")
LARGEST = ("largest_quantity", "largest_revenue", "largest_at")
SINGLE = ("refunds", "largest_sale", "largest_sale_at", "largest_refund", "largest_refund_at")


@dataclass(frozen=True)
class ProductDay:
    """The products' scores of one day; arrays [n_products of the shop], NaN where a product was not scored."""

    rows: Ints
    """The products that were scored."""
    quantity: DayScores
    revenue: DayScores
    """Of `rows`."""
    score: dict[str, Floats]
    expected: dict[str, Floats]


@dataclass(frozen=True)
class Prices:
    """A day's price a piece, and median, lowest and highest of the 56 days before with sales; [n_products], NaN under five such days."""

    today: Floats
    usual: Floats
    low: Floats
    high: Floats


class Timeline:
    """Tables up to `until` as arrays; day t is `days[t]`. Whatever is asked of day t uses columns up to t only.

    `totals` [3, n_days]; `quantity`, `revenue`, `baskets` [n_products, n_days], products in the order of `skus`. NaN: an unknown day
    (missing, or a closed holiday); a trading day without sales is 0. `back` [3, n_days]: what came back, to be taken off the totals.
    `hours` [n_days, 24] of revenue, None where unknown. `busy`: open days that were not nearly closed. `single`: the day's largest sale
    and refund, [n_days] each, as `salesflow.history.shop_days` has them. `returned`: what came back, one row a day and product: positions
    of product and day, pieces, money. `silences`, `candidates`: what the rules keep of a day.
    """

    def __init__(
        self,
        shop: pd.DataFrame,
        products: pd.DataFrame,
        until: date,
        holidays: dict[date, str],
        begin: pd.Timestamp | None = None,
    ) -> None:
        """`begin`: days before it are needed for the calendar only, and left out of the arrays."""
        arrays = shop_arrays(shop, until, holidays, begin)
        self.days, self.open, self.totals, self.hours = arrays.days, arrays.open, arrays.totals, arrays.hours
        self.learnt, self.back = arrays.learnt, arrays.back
        self.busy = self.open & ~_nearly_closed(self.totals[2], self.open)
        self._read_products(products, np.isnan(self.totals[0]))
        self._shop_days: dict[int, DayScores] = {}
        self._samples: dict[int, ProductDay] = {}
        self._prices: dict[int, Prices] = {}
        self._mixes: dict[int, HourMix] = {}
        self._usual: dict[int, float] = {}
        self._services: dict[int, NDArray[np.bool_]] = {}
        self.silences: dict[int, Any] = {}
        self.candidates: dict[tuple[object, ...], Any] = {}
        single = [n for n in SINGLE if n in shop]
        table = shop.assign(date=pd.to_datetime(shop["date"])).set_index("date")[single].reindex(self.days)
        self.single = {name: table[name].fillna(-1).to_numpy(dtype=float) for name in single}

    def _read_products(self, products: pd.DataFrame, unknown: NDArray[np.bool_]) -> None:
        rows = products.assign(date=pd.to_datetime(products["date"]), sku=products["sku"].astype(str))
        rows = rows[(rows["sku"] != "") & (rows["date"] >= self.days[0]) & (rows["date"] <= self.days[-1])]
        rows = rows.sort_values(["sku", "date"], kind="stable")
        codes, skus = pd.factorize(rows["sku"], sort=True)
        self.skus: list[str] = [str(s) for s in skus]
        self._row_day = (rows["date"] - self.days[0]).dt.days.to_numpy()
        self._row_name = rows["name"].astype(str).to_numpy(dtype=object)
        self._row_start = np.searchsorted(codes, np.arange(len(self.skus) + 1))
        self._row_paid = np.where(rows["revenue"].to_numpy() > 0, rows["transactions"].to_numpy(), 0)
        self._row_largest = rows[list(LARGEST)].to_numpy(dtype=float) if set(LARGEST) <= set(rows) else None
        self.returned = np.zeros((4, 0))
        if "returned_quantity" in rows:
            back = np.flatnonzero((rows["returned_quantity"] > 0) | (rows["returned_revenue"] > 0))
            amounts = rows[["returned_quantity", "returned_revenue"]].to_numpy(dtype=float)[back].T
            self.returned = np.concatenate([np.stack([codes[back], self._row_day[back]]), amounts])
        shape = (len(self.skus), len(self.days))
        self.quantity, self.revenue, self.baskets = (np.zeros(shape) for _ in range(3))
        for column, values in (
            ("quantity", self.quantity),
            ("revenue", self.revenue),
            ("transactions", self.baskets),
        ):
            np.add.at(values, (codes, self._row_day), rows[column].fillna(0).to_numpy(dtype=float))
            values[:, unknown] = np.nan
        sold = np.nan_to_num(self.quantity) != 0
        self._days_sold = np.concatenate([np.zeros((shape[0], 1), dtype=np.int32), np.cumsum(sold, axis=1)], axis=1)

    def position(self, day: date) -> int:
        """The index of a date on the axis."""
        return int((pd.Timestamp(day) - self.days[0]).days)

    def called(self, product: int, t: int) -> tuple[str, str]:
        """SKU and name of a product as of day t: the commonest name of its paid lines in 90 days; the SKU where it has none."""
        sku, rows = self.skus[product], self._rows_of(product, t)
        since = int(np.searchsorted(self._row_day[rows], t - NAME_DAYS, side="right"))
        recent = slice(rows.start + since, rows.stop) if rows.start + since < rows.stop else rows
        sold: dict[str, int] = {}
        for name, times in zip(self._row_name[recent], self._row_paid[recent], strict=True):
            if name not in NO_NAMES:
                sold[name] = sold.get(name, 0) + int(times)
        return sku, max(reversed(sold), key=sold.__getitem__) if sold else sku

    def largest_sale(self, product: int, t: int) -> tuple[int, int, int] | None:
        """Pieces, money and second of the day of the one sale that held most of a product on day t; None where it is not known."""
        rows = self._rows_of(product, t)
        if self._row_largest is None or rows.stop <= rows.start or self._row_day[rows.stop - 1] != t:
            return None
        pieces, money, at = (int(value) for value in self._row_largest[rows.stop - 1])
        return None if at < 0 else (pieces, money, at)

    def _rows_of(self, product: int, t: int) -> slice:
        """The rows of a product up to day t."""
        start, end = int(self._row_start[product]), int(self._row_start[product + 1])
        return slice(start, start + int(np.searchsorted(self._row_day[start:end], t, side="right")))

    def services(self, t: int) -> NDArray[np.bool_]:
        """Products without a price of their own, by the 26 weeks up to the last whole week, [n_products]."""
        week = t - t % 7
        if week not in self._services:
            columns = slice(max(week - WINDOW, 0), week + 1)
            self._services[week] = without_price(self.quantity[:, columns], self.revenue[:, columns])
        return self._services[week]

    def usual_peak(self, product: int, t: int) -> float:
        """Pieces of a product's second best day of the 26 weeks before day t: the best may have been an event, and the last one goes on."""
        past = np.nan_to_num(self.quantity[product, max(t - WINDOW, 0) : max(t - RUN_DAYS, 0)])
        return float(np.partition(past, -2)[-2]) if len(past) > 1 else 0.0

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
        since = self._days_sold[:, t + 1] - self._days_sold[:, max(t + 1 - WINDOW, 0)]
        return np.flatnonzero(since >= MIN_SALES_DAYS)

    def shop_days(self, days: Iterable[int]) -> list[DayScores]:
        """Scores of the shop's three totals on each day."""
        wanted = list(days)
        new = [t for t in wanted if t not in self._shop_days]
        scored = score_windows([np.c_[_window(self.learnt, t)[:, :-1], self.totals[:, t]] for t in new], money=False)
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
        sold = np.nansum(self.revenue[rows, max(t - WINDOW, 0) : t], axis=1)
        return np.sort(rows[np.argsort(-sold, kind="stable")[:SAMPLE]])

    def recent(self, products: Ints, t: int, length: int) -> dict[str, Floats]:
        """Scores [len(products), length] of these products on the last days up to t, oldest first, by metric."""
        days = list(range(max(t + 1 - length, 0), t + 1))
        scored = self.sampled_days(days)
        if any(len(s.rows) >= SAMPLE for s in scored):
            scored = self._score({d: np.union1d(s.rows, products) for d, s in zip(days, scored, strict=True)})
        return {m: np.stack([s.score[m][products] for s in scored], axis=1) for m in ("quantity", "revenue")}

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
        """Prices of every product on day t against its own last eight weeks."""
        if t not in self._prices:
            columns = slice(max(t - PRICE_DAYS, 0), t + 1)
            quantity, revenue = np.nan_to_num(self.quantity[:, columns]), np.nan_to_num(self.revenue[:, columns])
            sold = (quantity > 0) & (revenue > 0)
            price = np.where(sold, revenue / np.where(sold, quantity, 1.0), np.nan)
            usual, low, high = (np.full(len(price), np.nan) for _ in range(3))
            enough = np.flatnonzero((sold[:, :-1].sum(axis=1) >= MIN_PRICES) & sold[:, -1])
            if len(enough):
                past = price[enough, :-1]
                usual[enough], low[enough], high[enough] = (
                    np.nanmedian(past, axis=1), np.nanmin(past, axis=1), np.nanmax(past, axis=1),
                )  # fmt: skip
            self._prices[t] = Prices(price[:, -1], usual, low, high)
        return self._prices[t]

    def _score(self, rows: dict[int, Ints]) -> list[ProductDay]:
        scores = {
            metric: score_windows([_window(values, t)[r] for t, r in rows.items()], money=metric == "revenue")
            if len(self.skus)
            else []
            for metric, values in (("quantity", self.quantity), ("revenue", self.revenue))
        }
        answers = []
        for place, scored in enumerate(rows.values()):
            quantity = scores["quantity"][place]
            by_metric = {"quantity": quantity, "revenue": _no_lower_than_pieces(scores["revenue"][place], quantity)}
            answers.append(
                ProductDay(
                    scored, by_metric["quantity"], by_metric["revenue"],
                    {m: self._everywhere(scored, d.scores) for m, d in by_metric.items()},
                    {m: self._everywhere(scored, d.expected) for m, d in by_metric.items()},
                )
            )  # fmt: skip
        return answers

    def _everywhere(self, rows: Ints, values: Floats) -> Floats:
        full = np.full(len(self.skus), np.nan)
        full[rows] = values
        return full


@dataclass(frozen=True)
class ShopArrays:
    """The shop's table on every day of the calendar.

    `totals` [3, n_days]: NaN on an unknown day (missing, or a closed holiday), 0 on another day without sales; `learnt`: the same without
    giant sales, which teach nothing; `back` [3, n_days]: what came back; `open` [n_days]; `hours` [n_days, 24] of revenue, None where the
    table holds none.
    """

    days: pd.DatetimeIndex
    open: NDArray[np.bool_]
    totals: Floats
    learnt: Floats
    back: Floats
    hours: Floats | None


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
    learnt = without_giants(shop).assign(date=pd.to_datetime(shop["date"])).set_index("date")
    learnt = learnt[list(SHOP_METRICS)].reindex(days).fillna(0).to_numpy(dtype=float, copy=True).T
    totals[:, unknown] = learnt[:, unknown] = np.nan
    hours = grid[list(HOURS)].fillna(0).to_numpy(dtype=float) if set(HOURS) <= set(grid.columns) else None
    back = np.zeros((len(SHOP_METRICS), len(days)))
    for row, metric in enumerate(SHOP_METRICS):
        if f"returned_{metric}" in grid:
            back[row] = grid[f"returned_{metric}"].fillna(0)
    return ShopArrays(days, is_open, totals, learnt, back, hours)


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


def _window(values: Floats, t: int) -> Floats:
    """Day t and the 26 weeks before it; days before the table began are unknown."""
    begin = t - WINDOW
    part = values[:, max(begin, 0) : t + 1]
    return part if begin >= 0 else np.concatenate([np.full((len(values), -begin), np.nan), part], axis=1)
