"""Products that stopped selling: whose silence is no accident, what it costs, and what the stock says of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.calibration import silence_days
from salesflow.detection.smoothing import BLOCK
from salesflow.detection.timeline import Ints, Timeline

Floats = NDArray[np.float64]

CHANCE, STOPPED_DAYS = 1e-4, 3
"""A silence is told when its chance falls below, and from so many trading days on."""

OUT_OF_STOCK_CHANCE, OUT_OF_STOCK_DAYS = 1e-2, 2
"""The same for a product whose stock is gone: there the reason is known, and the sooner it is told the better."""

WINDOW, KNOWN = 156, 40
"""Trading days before the silence that say how often a product sells, and how many there must be."""

RECENT = 28
FADED = 0.35
"""A product that in its last 28 trading days sold less than this share of what it sold before has had its season: no alert."""

TOLD_DAYS = 10
PRICE_SALES = 28


@dataclass(frozen=True)
class Silences:
    """Products [n] that can be said to have stopped: `rows`, silent trading days `now`, the chance-given days `needed` (and `needed_out`,
    where the stock is gone), pieces a trading day before (`a_day`)."""

    rows: Ints
    now: Ints
    needed: Ints
    needed_out: Ints
    a_day: Floats


@dataclass(frozen=True, slots=True)
class Stopped:
    """A product that stopped selling. `first`: its first silent day, `last_sold`: the one on which it sold last (positions on the timeline);

    `days`: silent trading days; `a_week`: pieces that are usual, worth `week` (minor units); `pieces`, `impact` (negative): lost so
    far; `is_new`: became so today.
    """

    first: int
    last_sold: int
    days: int
    a_week: float
    week: float
    pieces: float
    impact: int
    is_new: bool


def silences(line: Timeline, t: int) -> Silences:
    """The silences that day t ends; kept, as neighbouring days ask for them again."""
    if t not in line.silences:
        line.silences[t] = _silences(line, t)
    found: Silences = line.silences[t]
    return found


def _silences(line: Timeline, t: int) -> Silences:
    none = np.zeros(0, dtype=np.intp)
    nothing = Silences(none, none, none, none, np.zeros(0))
    trading = np.flatnonzero(line.busy[: t + 1])
    if not len(trading) or trading[-1] != t:
        return nothing
    days = trading[-WINDOW:]
    place = np.full(len(line.days), -1)
    place[days] = np.arange(len(days))
    cells, many = line.sales.cells(int(days[0]), t + 1), len(line.sales)
    cells = cells[place[line.sales.day[cells]] >= 0]
    sold = cells[line.sales.quantity[cells] > 0]
    product, at = line.sales.product[sold], place[line.sales.day[sold]]

    def count(which: NDArray[np.bool_]) -> Ints:
        return np.bincount(product[which], minlength=many)

    first, last = np.full(many, len(days)), np.full(many, -1)
    np.minimum.at(first, product, at)
    np.maximum.at(last, product, at)
    now, known = np.where(last < 0, 0, len(days) - 1 - last), np.where(last < 0, 0, last + 1 - first)
    silent = np.zeros(many, dtype=bool)
    silent[line.scored_products(t)] = True
    silent &= (known >= KNOWN) & (now >= OUT_OF_STOCK_DAYS)
    rows = np.flatnonzero(silent)
    late = at > last[product] - RECENT
    days_sold, lately = count(np.ones(len(sold), dtype=bool))[rows], count(late)[rows]
    now = now[rows]
    gone, gone_lately = _out_of_stock(line, days, rows, first[rows], last[rows])
    known, recent = known[rows] - gone, RECENT - gone_lately
    # What it sold of late counts as well as what it sold in all: a product that fades is silent for longer.
    needed, needed_out = (
        np.maximum.reduce(
            [
                silence_days(known - days_sold, known, chance),
                silence_days(recent - lately, recent, chance),
                np.full(len(now), least),
            ]
        ).astype(np.intp)
        for chance, least in ((CHANCE, STOPPED_DAYS), (OUT_OF_STOCK_CHANCE, OUT_OF_STOCK_DAYS))
    )
    pieces = line.sales.quantity[cells]
    of, when = line.sales.product[cells], place[line.sales.day[cells]]
    lately_sold = np.bincount(of, pieces * ((when > last[of] - RECENT) & (when <= last[of])), many)[rows]
    sold_before = np.bincount(of, pieces * ((when >= first[of]) & (when <= last[of] - RECENT)), many)[rows]
    faded = lately_sold / recent < FADED * (sold_before / np.maximum(known - recent, 1))
    a_day = np.bincount(of, pieces, many)[rows] / known
    # What was over long ago is nobody's news, and of 100,000 products most is.
    kept = (now >= np.minimum(needed, needed_out)) & (now < np.maximum(needed, needed_out) + TOLD_DAYS) & ~faded
    return Silences(rows[kept], now[kept], needed[kept], needed_out[kept], a_day[kept])


def _out_of_stock(line: Timeline, days: Ints, rows: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """On how many of these trading days some products were out of stock between their first and their last sale, and in its last 28 days.

    `first`, `last` [n]: positions among the days. Some products at a time: the days of 100,000 would fill the memory.
    """
    at, found = np.arange(len(days)), np.zeros((2, len(rows)), dtype=np.intp)
    for begin in range(0, len(rows), BLOCK):
        part = slice(begin, begin + BLOCK)
        gone = line.sales.gone(rows[part], int(days[0]), int(days[-1]) + 1)[:, days - days[0]]
        gone &= (at > first[part, None]) & (at < last[part, None])
        found[:, part] = gone.sum(axis=1), (gone & (at > last[part, None] - RECENT)).sum(axis=1)
    return found[0], found[1]


def stopped_products(line: Timeline, t: int, out_of_stock: NDArray[np.bool_] | None = None) -> dict[int, Stopped]:
    """Products whose silence is too long on day t, and became so in the last ten trading days.

    `out_of_stock` [n_products]: the stock is gone.
    """
    silent = silences(line, t)
    if not len(silent.rows):
        return {}
    needed = silent.needed
    if out_of_stock is not None:
        needed = np.where(out_of_stock[silent.rows], silent.needed_out, needed)
    trading = np.flatnonzero(line.busy[: t + 1])
    open_share = float(line.open[max(t - 181, 0) : t + 1].mean())
    found: dict[int, Stopped] = {}
    for at in np.flatnonzero((silent.now >= needed) & (silent.now < needed + TOLD_DAYS)):
        product, length = int(silent.rows[at]), int(silent.now[at])
        first = int(trading[-length])
        quantity, revenue = (np.nan_to_num(line.of(metric, product, 0, first)) for metric in ("quantity", "revenue"))
        sold = np.flatnonzero(quantity > 0)[-PRICE_SALES:]
        price = float(revenue[sold].sum() / quantity[sold].sum())
        pieces, a_week = float(silent.a_day[at]) * length, float(silent.a_day[at]) * 7 * open_share
        is_new = bool(length == needed[at])
        found[product] = Stopped(
            first, int(sold[-1]), length, a_week, a_week * price, pieces, -round(pieces * price), is_new
        )
    return found
