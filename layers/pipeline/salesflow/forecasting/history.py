"""The history that a forecast is made from: daily tables in, arrays on every day of the calendar out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.analytics.stockouts import out_of_stock
from salesflow.errors import SalesFlowError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MIN_DAYS = 28
MIN_OPEN_DAYS = 12
TOP_PRODUCTS = 50
RANKING_DAYS = 90
PRODUCT_MIN_SELLING_DAYS = 8
PRODUCT_RECENT_DAYS = 182
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class NotEnoughHistory(SalesFlowError):
    """The shop's sales reach back less than four weeks, or it was open on too few of their days."""


@dataclass(frozen=True)
class DailyHistory:
    """What is known of a shop's days; rows after the business date are ignored.

    shop: one row a day: `date` (datetime64), `revenue` (int, minor units), `quantity` (int, pieces); other columns are ignored.
        A day without a row, or with a row that has neither revenue nor quantity, is a day on which the shop was closed or its
        sales are missing: nothing is learnt from it.
    panel: one row a day and product: `date`, `sku`, `name`, `quantity`, `revenue` (int, minor units), as `salesflow.history.panel` has it.
        An open day without a row of a product is a day on which none of it was sold, from its first row on.
    stockouts: when products were out of stock (`salesflow.analytics.stockouts`): a day then without a sale is unknown.
    """

    shop: pd.DataFrame
    panel: pd.DataFrame
    stockouts: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class ShopDays:
    """The shop on every day from its first sale to the business date.

    days: day numbers since 1970-01-01, [n_days], consecutive.
    values: [2, n_days], revenue (minor units) and quantity; NaN where the shop was closed or its sales are missing.
    """

    days: Integers
    values: Floats

    @property
    def open(self) -> Flags:
        """[n_days]: whether anything was sold."""
        flags: Flags = np.isfinite(self.values[0])
        return flags


@dataclass(frozen=True, eq=False)
class ProductDays:
    """The products of a forecast on the shop's days, the best seller by revenue first.

    revenue, quantity: [n_products, n_days]; NaN on days on which the shop was not open, and before a product's first sale.
    skipped: (sku, why) of the products that rank among them but cannot be forecast.
    """

    skus: tuple[str, ...]
    names: tuple[str, ...]
    revenue: Floats
    quantity: Floats
    skipped: tuple[tuple[str, str], ...]


def shop_days(history: DailyHistory, business_date: date) -> ShopDays:
    """The shop's series up to the business date. Raises NotEnoughHistory, or ValueError for a table that is not as documented."""
    last = day_number(business_date)
    table_days = _days_of(history.shop, ("date", "revenue", "quantity"), "shop")
    if len(np.unique(table_days)) != len(table_days):
        raise ValueError("The shop's table has two rows for one day.")
    rows = np.stack([history.shop[column].to_numpy(dtype=float) for column in ("revenue", "quantity")])
    known = np.isfinite(rows).all(axis=0) & (rows != 0).any(axis=0) & (table_days <= last)
    open_days = table_days[known]
    first = int(open_days.min()) if len(open_days) else last + 1
    if last - first + 1 < MIN_DAYS or len(open_days) < MIN_OPEN_DAYS:
        raise NotEnoughHistory(
            f"A forecast needs {MIN_DAYS} days of sales, with sales on {MIN_OPEN_DAYS} of them; there are {max(last - first + 1, 0)} up to "
            f"{business_date}, with sales on {len(open_days)}.",
            action="Let the history grow, or load older sales with sync_history.",
        )
    values = np.full((2, last - first + 1), np.nan)
    values[:, open_days - first] = rows[:, known]
    return ShopDays(np.arange(first, last + 1), values)


def product_days(history: DailyHistory, shop: ShopDays, top: int) -> ProductDays:
    """The `top` products by revenue of the last 90 days (then by SKU) on the shop's days."""
    first, last = int(shop.days[0]), int(shop.days[-1])
    table_days = _days_of(history.panel, ("date", "sku", "name", "quantity", "revenue"), "panel")
    best = best_sellers(history.panel, business_date=date_of(last), top=top)
    row = pd.Index(best, dtype="str").get_indexer(history.panel["sku"])
    mine = (row >= 0) & (table_days >= first) & (table_days <= last)
    panel, cell = history.panel[mine], (row[mine], table_days[mine] - first)
    tables = []
    for column in ("revenue", "quantity"):
        values = np.zeros((len(best), len(shop.days)))
        np.add.at(values, cell, panel[column].to_numpy(dtype=float))
        tables.append(np.where(shop.open, values, np.nan))
    if history.stockouts is not None:
        gone = out_of_stock(history.stockouts, best, date_of(first), len(shop.days))
        for values in tables:
            values[gone & (values == 0)] = np.nan
    by_day = np.argsort(cell[1], kind="stable")
    names = dict(zip(cell[0][by_day].tolist(), panel["name"].to_numpy()[by_day], strict=True))
    begins = np.full(len(best), len(shop.days))
    np.minimum.at(begins, *cell)
    for values in tables:
        values[np.arange(len(shop.days)) < begins[:, None]] = np.nan
    return _enough(best, [str(names[n]) for n in range(len(best))], tables[0], tables[1], begins)


def best_sellers(panel: pd.DataFrame, *, business_date: date, top: int = TOP_PRODUCTS) -> list[str]:
    """The SKUs of the `top` products by revenue of the 90 days up to the business date, then by SKU, of those that brought any."""
    days, last = _days_of(panel, ("date", "sku", "revenue"), "panel"), day_number(business_date)
    recent = panel[(days > last - RANKING_DAYS) & (days <= last)]
    revenue = recent.groupby("sku")["revenue"].sum()
    ranked = revenue[revenue > 0].sort_values(ascending=False, kind="stable")
    return [str(sku) for sku in ranked.index[: max(top, 0)]]


def _enough(
    skus: Sequence[str], names: Sequence[str], revenue: Floats, quantity: Floats, begins: Integers
) -> ProductDays:
    age = revenue.shape[1] - begins
    selling = (quantity[:, -PRODUCT_RECENT_DAYS:] > 0).sum(axis=1)
    young, rare = age < MIN_DAYS, selling < PRODUCT_MIN_SELLING_DAYS
    keep = np.flatnonzero(~(young | rare)).tolist()
    skipped = [
        (
            skus[n],
            f"on sale for {age[n]} days; {MIN_DAYS} are needed"
            if young[n]
            else f"sold on {selling[n]} of the last {PRODUCT_RECENT_DAYS} days; {PRODUCT_MIN_SELLING_DAYS} are needed",
        )
        for n in np.flatnonzero(young | rare).tolist()
    ]
    return ProductDays(
        tuple(skus[n] for n in keep), tuple(names[n] for n in keep), revenue[keep], quantity[keep], tuple(skipped)
    )


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def date_of(number: int) -> date:
    """The date of a day number."""
    return date.fromordinal(int(number) + _EPOCH_ORDINAL)


def weekdays(days: Integers) -> Integers:
    """0 Monday to 6 Sunday, of day numbers."""
    numbers: Integers = (days + 3) % 7  # 1970-01-01 was a Thursday
    return numbers


def _days_of(table: pd.DataFrame, columns: Sequence[str], what: str) -> Integers:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"The {what} table lacks the columns {', '.join(missing)}.")
    days = table["date"].to_numpy().astype("datetime64[D]")
    if np.isnat(days).any():
        raise ValueError(f"The {what} table has a row without a date.")
    numbers: Integers = days.astype(np.int64)
    return numbers
