"""Daily sales of many products, kept as the days that hold some: of 100,000 products most days hold none."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesflow.detection.smoothing import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

NAME_DAYS = 90
NO_NAMES = ("", "None", "nan", "<NA>")
LARGEST = ("largest_quantity", "largest_revenue", "largest_at")


class ProductSales:
    """The products of a daily panel on an axis of days, in the order of `skus`; a cell is a product's day that the panel has a row of.

    Cells [n_cells], by product and day: `product`, `day` (positions), `quantity`, `revenue`, `baskets`, all zero on a day that is unknown;
    `returned`: what came back, one column a day and product: positions of product and day, pieces, money, pieces sold that day.
    """

    def __init__(
        self,
        products: pd.DataFrame,
        days: pd.DatetimeIndex,
        unknown: NDArray[np.bool_],
        stockouts: pd.DataFrame | None = None,
    ) -> None:
        """`products`, `stockouts` as `detect` takes them; rows without a SKU and of other days are left out. `unknown` [n_days]."""
        day = (pd.to_datetime(products["date"]) - days[0]).dt.days.to_numpy()
        sku = products["sku"]
        coded = (sku if isinstance(sku.dtype, pd.CategoricalDtype) else sku.astype(str).astype("category")).cat
        codes, skus = coded.codes.to_numpy(), coded.categories
        inside = np.flatnonzero((day >= 0) & (day < len(days)) & (np.append(np.asarray(skus) != "", False)[codes]))
        rows = inside[np.lexsort((day[inside], codes[inside]))]
        used = np.bincount(codes[rows], minlength=len(skus)) > 0
        self.skus: list[str] = [str(sku) for sku in np.asarray(skus)[used]]
        self._unknown, self._days = unknown, len(days)
        product, day = (np.cumsum(used) - 1)[codes[rows]].astype(np.int32), day[rows].astype(np.int32)
        opens = np.append(True, (np.diff(product) != 0) | (np.diff(day) != 0))[: len(rows)]
        cell = np.cumsum(opens) - 1
        self.product, self.day = product[opens], day[opens]
        known = ~unknown[self.day]
        self.quantity, self.revenue, self.baskets = (
            np.bincount(cell, products[column].fillna(0).to_numpy(dtype=float)[rows], len(known)) * known
            for column in ("quantity", "revenue", "transactions")
        )
        self.start = np.searchsorted(self.product, np.arange(len(self.skus) + 1))
        by_day = np.argsort(self.day, kind="stable").astype(np.int32)
        self._by_day = np.split(by_day, np.cumsum(np.bincount(self.day, minlength=len(days)))[:-1])
        self._row = rows[np.append(np.flatnonzero(opens)[1:], len(rows)) - 1] if len(rows) else rows
        self._names = products["name"]
        self._largest = [products[column].to_numpy() for column in LARGEST] if set(LARGEST) <= set(products) else None
        self.returned = np.zeros((5, 0))
        if "returned_quantity" in products:
            pieces, money = (products[f"returned_{of}"].to_numpy()[rows] for of in ("quantity", "revenue"))
            back = np.flatnonzero((pieces > 0) | (money > 0))
            sold = self.quantity[cell]
            self.returned = np.stack([values[back].astype(float) for values in (product, day, pieces, money, sold)])
        self._gone = np.zeros((2, 0), dtype=np.intp)
        self._gone_start = np.zeros(len(self.skus) + 1, dtype=np.intp)
        if stockouts is not None:
            at = pd.Index(self.skus).get_indexer(stockouts["sku"])
            order = np.argsort(at, kind="stable")[(at < 0).sum() :]
            since, until = ((stockouts[of] - days[0]).dt.days.to_numpy()[order] for of in ("first", "last"))
            self._gone = np.stack([since, until + 1])
            self._gone_start = np.searchsorted(at[order], np.arange(len(self.skus) + 1))

    def __len__(self) -> int:
        return len(self.skus)

    def on(self, metric: str, t: int) -> Floats:
        """`quantity`, `revenue` or `baskets` of day t, [n_products]; 0 where nothing was sold or the day is unknown."""
        cells, values = self._by_day[t], np.zeros(len(self))
        values[self.product[cells]] = getattr(self, metric)[cells]
        return values

    def between(self, metric: str, rows: Ints, first: int, end: int) -> Floats:
        """Of some products on the days from `first` to before `end`, [len(rows), days]: 0 without a sale, NaN on an unknown day and before

        the table begins.
        """
        row, cell = _listed(self.start, rows)
        inside = (self.day[cell] >= first) & (self.day[cell] < end)
        row, cell = row[inside], cell[inside]
        values = np.zeros((len(rows), end - first))
        values[row, self.day[cell] - first] = getattr(self, metric)[cell]
        values[:, np.append(np.ones(max(-first, 0), dtype=bool), self._unknown[max(first, 0) : end])] = np.nan
        return values

    def gone(self, rows: Ints, first: int, end: int) -> NDArray[np.bool_]:
        """Whether some products were out of stock at the close of the days from `first` to before `end`, and not sold, [len(rows), days]."""
        if not self._gone.size:
            return np.zeros((len(rows), end - first), dtype=bool)
        row, spell = _listed(self._gone_start, rows)
        steps = np.zeros((len(rows), end - first + 1), dtype=np.int32)
        for at, step in zip(np.clip(self._gone[:, spell] - first, 0, end - first), (1, -1), strict=True):
            np.add.at(steps, (row, at), step)
        unsold = self.between("quantity", rows, first, end) == 0
        return (np.cumsum(steps, axis=1)[:, :-1] > 0) & unsold

    def cells(self, first: int, end: int) -> Ints:
        """The cells of the days from `first` to before `end`."""
        return np.flatnonzero((self.day >= first) & (self.day < end))

    def sums(self, metric: str, first: int, end: int) -> Floats:
        """Of each product on the days from `first` to before `end`, [n_products]."""
        cells = self.cells(first, end)
        return np.bincount(self.product[cells], getattr(self, metric)[cells], len(self)).astype(float)

    def days_sold(self, first: int, end: int) -> Ints:
        """On how many of the days from `first` to before `end` each product was sold or came back, [n_products]."""
        cells = self.cells(first, end)
        return np.bincount(self.product[cells[self.quantity[cells] != 0]], minlength=len(self))

    def called(self, product: int, t: int) -> tuple[str, str]:
        """SKU and name of a product as of day t: the commonest name of its paid lines in 90 days; the SKU where it has none."""
        sku, cells = self.skus[product], self._cells_of(product, t)
        since = int(np.searchsorted(self.day[cells], t - NAME_DAYS, side="right"))
        recent = slice(cells.start + since, cells.stop) if cells.start + since < cells.stop else cells
        paid = np.where(self.revenue[recent] > 0, self.baskets[recent], 0)
        sold: dict[str, int] = {}
        for name, times in zip(self._names.iloc[self._row[recent]].astype(str), paid.tolist(), strict=True):
            if name not in NO_NAMES:
                sold[name] = sold.get(name, 0) + int(times)
        return sku, max(reversed(sold), key=sold.__getitem__) if sold else sku

    def largest_sale(self, product: int, t: int) -> tuple[int, int, int] | None:
        """Pieces, money and second of the day of the one sale that held most of a product on day t; None where it is not known."""
        cells = self._cells_of(product, t)
        if self._largest is None or cells.stop <= cells.start or self.day[cells.stop - 1] != t:
            return None
        pieces, money, at = (int(values[self._row[cells.stop - 1]]) for values in self._largest)
        return None if at < 0 else (pieces, money, at)

    def _cells_of(self, product: int, t: int) -> slice:
        """The cells of a product up to day t."""
        start, end = int(self.start[product]), int(self.start[product + 1])
        return slice(start, start + int(np.searchsorted(self.day[start:end], t, side="right")))


def _listed(start: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """What belongs to some products, one after the other: the place in `rows`, and in what begins at `start` for each product."""
    many = start[rows + 1] - start[rows]
    row = np.repeat(np.arange(len(rows)), many)
    return row, np.arange(len(row)) + np.repeat(start[rows] - (np.cumsum(many) - many), many)


@dataclass(frozen=True, eq=False)
class History:
    """Some products' days from `first` to before `end`, as the engine's panel: made dense some rows at a time.

    A day without a sale on which a product was out of stock is unknown.
    """

    sales: ProductSales
    metric: str
    rows: Ints
    first: int
    end: int

    @property
    def shape(self) -> tuple[int, int]:
        """Products and days."""
        return len(self.rows), self.end - self.first

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Rows, /) -> Floats:
        values = self.sales.between(self.metric, self.rows[rows], self.first, self.end)
        values[self.sales.gone(self.rows[rows], self.first, self.end)] = np.nan
        return values
