"""Products that stopped selling: whose silence is no accident, what it costs, and what the stock says of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.calibration import silence_days
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
    where the stock is gone), pieces a trading day before (`a_day`), whether the season was over (`faded`)."""

    rows: Ints
    now: Ints
    needed: Ints
    needed_out: Ints
    a_day: Floats
    faded: NDArray[np.bool_]


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
    nothing = Silences(none, none, none, none, np.zeros(0), np.zeros(0, dtype=bool))
    trading = np.flatnonzero(line.busy[: t + 1])
    rows = line.scored_products(t)
    if not len(rows) or not len(trading) or trading[-1] != t:
        return nothing
    quantity = np.nan_to_num(line.quantity[np.ix_(rows, trading[-WINDOW:])])
    sold = quantity > 0
    now = np.argmax(sold[:, ::-1], axis=1)
    known = np.where(sold.any(axis=1), sold.shape[1] - now - np.argmax(sold, axis=1), 0)
    silent = np.flatnonzero((known >= KNOWN) & (now >= OUT_OF_STOCK_DAYS))
    if not len(silent):
        return nothing
    quantity, known, now = quantity[silent], known[silent], now[silent]
    a_day = quantity.sum(axis=1) / known
    columns = np.arange(quantity.shape[1])
    end = quantity.shape[1] - now[:, None]
    late = (columns >= end - RECENT) & (columns < end)
    # What it sold of late counts as well as what it sold in all: a product that fades is silent for longer.
    days_sold, lately = (quantity > 0).sum(axis=1), ((quantity > 0) & late).sum(axis=1)
    needed, needed_out = (
        np.maximum.reduce(
            [
                silence_days(known - days_sold, known, chance),
                silence_days(RECENT - lately, np.full(len(now), RECENT), chance),
                np.full(len(now), least),
            ]
        ).astype(np.intp)
        for chance, least in ((CHANCE, STOPPED_DAYS), (OUT_OF_STOCK_CHANCE, OUT_OF_STOCK_DAYS))
    )
    before = (columns >= end - known[:, None]) & (columns < end - RECENT)
    recently = (quantity * late).sum(axis=1) / RECENT
    earlier = (quantity * before).sum(axis=1) / np.maximum(before.sum(axis=1), 1)
    return Silences(rows[silent], now.astype(np.intp), needed, needed_out, a_day, recently < FADED * earlier)


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
    for at in np.flatnonzero((silent.now >= needed) & (silent.now < needed + TOLD_DAYS) & ~silent.faded):
        product, length = int(silent.rows[at]), int(silent.now[at])
        first = int(trading[-length])
        sold = np.flatnonzero(np.nan_to_num(line.quantity[product, :first]) > 0)[-PRICE_SALES:]
        price = float(line.revenue[product, sold].sum() / line.quantity[product, sold].sum())
        pieces, a_week = float(silent.a_day[at]) * length, float(silent.a_day[at]) * 7 * open_share
        is_new = bool(length == needed[at])
        found[product] = Stopped(
            first, int(sold[-1]), length, a_week, a_week * price, pieces, -round(pieces * price), is_new
        )
    return found
