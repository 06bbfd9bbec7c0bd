"""What known methods would have told of the same shops: a score a day of the shop's takings and of each product's, and one threshold.

Each is given more than it would have in use: of the thresholds the one with which it tells as often as ours did in the same months, what
is worth telling ranked by surprise or by money x surprise, whichever does better by the truth; runs of days are one alert, and products
under a day on which the whole shop is told, in the same direction, are none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from tests.benchmarks.alerts.replay import Marks, Telling, marks
from tests.benchmarks.alerts.shops import DAYS, START, Shop
from tests.benchmarks.detection.methods import Method, auto_ets, same_weekday_mad, z_score_90

SAME_RUN = 2
"""Days between two days of one series in one direction that are one alert: our own lifecycle's."""

REFIT = 28

COMPETITORS: dict[str, Method] = {
    "z-score": z_score_90,
    "same-weekday MAD": same_weekday_mad,
    "AutoETS": partial(auto_ets, refit=REFIT),
}


@dataclass(frozen=True)
class Scored:
    """A method's `scores` of the last days, [1 + n_products, n_days], the shop first, and how many usual days' takings each was off by."""

    shop: Shop
    scores: np.ndarray
    off: np.ndarray

    def marks(self, openings: int) -> Marks:
        """How the method did with so many alerts at most."""
        surprise = np.abs(self.scores)
        tried = [self._marked(weight, openings) for weight in (surprise, surprise * self.off)]
        return max(tried, key=lambda m: (m.told, m.true))

    def _marked(self, weight: np.ndarray, openings: int) -> Marks:
        best: list[Telling] = []
        for least in np.unique(weight)[::-1][: 100 * openings]:
            told = list(_openings(self.shop, np.sign(self.scores) * (weight >= least)))
            if len(told) > 2 * openings:
                break
            best = told if len(best) <= len(told) <= openings else best
        return marks(self.shop, best, self.scores.shape[1])


def scored(shop: Shop, method: Method, days: int) -> Scored:
    """The last `days` of a shop, each scored by the days before it."""
    takings = _takings(shop)
    dates = np.datetime64(START) + np.arange(DAYS)
    learnt = takings[:, :-days]
    usual_day = learnt[0].sum() / (learnt[0] > 0).sum()
    # In sales and in pieces of the usual price: what a method knows of counts holds, and a wrong price is seen.
    sale = learnt[0].sum() / shop.lines.loc[shop.lines["sold_at"] < dates[-days], "sale_id"].nunique()
    piece = np.array([sale, *(100 * shop.prices[sku] for sku in _skus(shop))])
    scores = method(takings / piece[:, None], dates, evaluate_last=days, rows=np.arange(len(takings)))
    off = np.abs(takings[:, -days:] - np.median(learnt[:, -84:], axis=1)[:, None]) / usual_day
    return Scored(shop, np.nan_to_num(scores, posinf=1e6, neginf=-1e6), off)


def _openings(shop: Shop, flags: np.ndarray) -> Iterable[Telling]:
    """The first days of runs, [n_series, n_days] of -1, 0, 1; the shop is the first series."""
    flags = np.vstack([flags[:1], np.where(flags[1:] == flags[0], 0, flags[1:])])
    names = [None, *_skus(shop)]
    for row, sign in ((row, sign) for row in np.flatnonzero(flags.any(axis=1)) for sign in (-1, 1)):
        at = np.flatnonzero(flags[row] == sign)
        for day in at[np.diff(at, prepend=-SAME_RUN - 2) > SAME_RUN].tolist():
            number = DAYS - flags.shape[1] + day
            yield Telling(number, names[row], ends=False, outside=row == 0, since=number)


def _skus(shop: Shop) -> list[str]:
    return [str(sku) for sku in shop.lines["sku"].cat.categories]


def _takings(shop: Shop) -> np.ndarray:
    """Minor units a day, what came back taken off: of the shop, then of each product, [1 + n_products, n_days]."""
    lines, products = shop.lines, len(_skus(shop))
    at = lines["product_id"].to_numpy() * DAYS + (lines["sold_at"] - np.datetime64(START)).dt.days.to_numpy()
    of_products = np.bincount(at, lines["subtotal"], products * DAYS).reshape(products, DAYS)
    return np.vstack([of_products.sum(axis=0), of_products])
