"""The API's sales, read piece by piece, with what can only be said of all of them together."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from salesflow.source.amounts import is_exact, minor_units
from salesflow.source.listing import MEMORY_OF_A_CHARACTER, Hold, ListReader, ensure_good, without_limit
from salesflow.source.records import RejectedRecord, SalesBatch
from salesflow.source.refusals import broken, too_large
from salesflow.source.schema import Sale, SaleItem, numbers
from salesflow.source.spool import Articles, Block, Spool, SpooledSales

MOST_IN_THE_FUTURE = 0.5
"""An answer with a larger share of sales dated in the future comes from a server whose clock or zone is wrong."""

EARLIEST = np.datetime64("1990-01-01", "us")
"""A sale dated before this was mistyped, or dated by a program that knew no date: no history reaches so far back."""

_MEMORY_OF_A_SALE = 40
"""Its id, and what is made of it while ids are compared."""
_MEMORY_OF_AN_ARTICLE = 600
_NO_ITEMS = [SaleItem(product_id=0, sku="", quantity=0, unit_price=0.0, subtotal=0.0, product_name="")]
_ARTICLE = attrgetter("product_id", "sku", "product_name")

type Ids = npt.NDArray[np.int64]
type Moments = npt.NDArray[np.datetime64]
type Prints = npt.NDArray[np.uint64]


class SalesReader(ListReader[Sale]):
    """Reads the sales of a call; `batch` says what they are once all is read.

    minor_digits: digits after the point of the currency. since: leave sales before this day out. not_after: the latest
    moment (naive, in the merchant's zone) that a sale can have; later ones are set aside, without a day, for theirs is
    wrong. Of two different sales with one id the later in the answer stands and the other is set aside.
    """

    def __init__(
        self,
        call: str,
        *,
        minor_digits: int,
        since: date | None = None,
        not_after: datetime | None = None,
        hold: Hold = without_limit,
    ) -> None:
        super().__init__(Sale, call, hold)
        self._digits = minor_digits
        self._since = since
        self._not_after = not_after
        self._spool = Spool()
        self._articles = Articles()
        self._blocks: list[Block] = []
        self._ids: list[Ids] = []
        self._future: list[RejectedRecord] = []
        self._growing = (*self._growing, self._blocks, self._ids, self._future)

    def take(self, sales: Sequence[Sale]) -> None:
        """Put a piece's sales away, but for those that are bad, of the future, or of a time without such sales."""
        moments, undated = _moments([sale.sale_date for sale in sales])
        bad = {place: self._aside(sales[place], "saleDate", "No such date or time") for place in undated}
        for place in np.flatnonzero(moments < EARLIEST).tolist():
            reason = f"Dated before {EARLIEST.item():%Y}: {_minute(moments[place])}"
            bad[place] = self._aside(sales[place], "saleDate", reason)
        reason = f"More decimals than the currency has ({self._digits})"
        for place, field in _inexact(sales, self._digits).items():
            bad.setdefault(place, self._aside(sales[place], field, reason, moments[place]))
        self.rejected += bad.values()
        out = dict.fromkeys(bad)
        if self._not_after is not None:
            read_at = f"{self._not_after:%Y-%m-%d %H:%M}"
            for place in _later_than(self._not_after, moments):
                if place not in bad:
                    reason = f"Dated in the future: {_minute(moments[place])}, and read at {read_at}"
                    self._future.append(self._aside(sales[place], "saleDate", reason))
                    out[place] = None
        if out:
            sales = [sale for place, sale in enumerate(sales) if place not in out]
            moments = np.delete(moments, list(out))
        if sales:
            self._put(sales, moments)

    def batch(self) -> SalesBatch:
        """All that was read. Raises SourceContractBroken where too much of it is bad, or of the future."""
        ensure_good(self.call, self.rejected, self.answered)
        future = len(self._future)
        if future > MOST_IN_THE_FUTURE * self.answered and future > 1:
            raise broken(
                self.call,
                f"answered {self.answered} sales of which {future} are dated later than now ({self._not_after:%Y-%m-%d %H:%M}): "
                "the server's clock, or the shop's time zone (setting timezone), is wrong",
            )
        ids = np.concatenate([np.empty(0, np.int64), *self._ids])
        dropped = _earlier_ones(ids)
        shared = self._of_one_id(ids, dropped) if len(dropped) else []
        duplicates = len(dropped) - len(shared)
        rejected, records = (*map(self._of_a_day, self.rejected), *self._future, *shared), self.answered
        since = None if self._since is None else np.datetime64(self._since, "us")
        sales = SpooledSales(self._spool, self._blocks, list(self._articles), dropped, since)
        if self._since is not None:
            rejected = tuple(
                record for record in rejected if record.moment is None or record.moment.date() >= self._since
            )
            records = sum(map(len, sales.moments)) + duplicates + len(rejected)
        return SalesBatch(sales, rejected, records, duplicates, future)

    @property
    def _held(self) -> int:
        sales, articles = sum(map(len, self._ids)), self._articles
        texts = _MEMORY_OF_AN_ARTICLE * len(articles) + MEMORY_OF_A_CHARACTER * articles.characters
        return super()._held + _MEMORY_OF_A_SALE * sales + texts

    def _aside(self, sale: Sale, field: str, reason: str, moment: np.datetime64 | None = None) -> RejectedRecord:
        """A sale that is set aside; `moment`: its day is known and right."""
        return _of_moment(RejectedRecord(self.call, f"id {sale.id}", field, reason), moment)

    def _of_a_day(self, record: RejectedRecord) -> RejectedRecord:
        """A bad record without its day where that is none of those that were asked for: no report would ever tell of it."""
        day = None if record.moment is None else record.moment.date()
        is_late = day is not None and self._not_after is not None and day > self._not_after.date()
        is_early = day is not None and self._since is not None and day < self._since
        return replace(record, moment=None) if is_late or (is_early and record.field == "saleDate") else record

    def _put(self, sales: Sequence[Sale], moments: Moments) -> None:
        items = list(chain.from_iterable(sale.items or _NO_ITEMS for sale in sales))
        of_sales = {
            "id": numbers(sales, "id", np.int64),
            "moment": moments,
            "total": minor_units(numbers(sales, "total_amount", np.float64), self._digits),
            "length": np.fromiter((len(sale.items or _NO_ITEMS) for sale in sales), np.int64, len(sales)),
        }
        of_lines = {
            "article": np.fromiter(map(self._articles.__getitem__, map(_ARTICLE, items)), np.int64, len(items)),
            "quantity": numbers(items, "quantity", np.int64),
            "unit_price": numbers(items, "unit_price", np.float64),
            "subtotal": minor_units(numbers(items, "subtotal", np.float64), self._digits),
        }
        place = self._blocks[-1].ends if self._blocks else 0
        try:
            self._blocks.append(self._spool.put(of_sales, of_lines, place))
        except OSError:
            raise too_large(self.call, place, "disk") from None
        self._ids.append(of_sales["id"])

    def _of_one_id(self, ids: Ids, dropped: npt.NDArray[np.intp]) -> list[RejectedRecord]:
        """Of the dropped sales those that are set aside, since they are not the same as another one of their id."""
        of_shared = np.flatnonzero(np.isin(ids, ids[dropped]))
        stands = dict(zip(ids[of_shared].tolist(), of_shared.tolist(), strict=True))  # the last of each id
        moments, prints = self._looked_up(of_shared)
        seen: defaultdict[int, list[int]] = defaultdict(list)
        shared = []
        for place in dropped[::-1].tolist():
            number = int(ids[place])
            others = [stands[number], *seen[number]]
            if any(prints[place] == prints[other] for other in others):
                continue
            seen[number].append(place)
            reason = (
                f"Another sale has this id: {_minute(moments[place])} is left out, {_minute(moments[others[0]])} stands"
            )
            shared.append(_of_moment(RejectedRecord(self.call, f"id {number}", "id", reason), moments[place]))
        return shared[::-1]

    def _looked_up(self, places: npt.NDArray[np.intp]) -> tuple[dict[int, np.datetime64], dict[int, np.uint64]]:
        """The moments and the prints of some sales (their numbers ascending), from what was put away."""
        moments: dict[int, np.datetime64] = {}
        prints: dict[int, np.uint64] = {}
        start = 0
        for block in self._blocks:
            here = places[np.searchsorted(places, start) : np.searchsorted(places, start + block.sales)]
            if len(here):
                sales, lines = self._spool.get(block)
                moments |= zip(here.tolist(), sales["moment"][here - start], strict=True)
                prints |= zip(here.tolist(), _prints(sales, lines)[here - start], strict=True)
            start += block.sales
        return moments, prints


def _earlier_ones(ids: Ids) -> npt.NDArray[np.intp]:
    """The numbers of the sales whose id a later one has too, ascending."""
    if np.all(ids[1:] > ids[:-1]):
        return np.empty(0, np.intp)
    order = np.argsort(ids, kind="stable")
    return np.sort(order[:-1][ids[order[1:]] == ids[order[:-1]]])


def _later_than(not_after: datetime, moments: Moments) -> list[int]:
    """The places of the sales dated later than that."""
    return np.flatnonzero(moments > np.datetime64(not_after, "us")).tolist()


def _inexact(sales: Sequence[Sale], digits: int) -> dict[int, str]:
    """The places of sales with an amount that the currency cannot hold, and the first such field of each."""
    found = dict.fromkeys(
        np.flatnonzero(~is_exact(numbers(sales, "total_amount", np.float64), digits)).tolist(), "totalAmount"
    )
    items = list(chain.from_iterable(sale.items or () for sale in sales))
    lines = np.flatnonzero(~is_exact(numbers(items, "subtotal", np.float64), digits))
    if len(lines):
        ends = np.cumsum(np.fromiter((len(sale.items or ()) for sale in sales), np.int64, len(sales)))
        for line in lines.tolist():
            place = int(np.searchsorted(ends, line, side="right"))
            found.setdefault(place, f"items[{line - int(ends[place]) + len(sales[place].items or ())}].subtotal")
    return found


def _minute(moment: np.datetime64) -> str:
    return f"{moment.astype('datetime64[m]').item():%Y-%m-%d %H:%M}"


def _of_moment(record: RejectedRecord, moment: np.datetime64 | None) -> RejectedRecord:
    return record if moment is None else replace(record, moment=moment.astype("datetime64[s]").item())


def _moments(texts: list[str]) -> tuple[npt.NDArray[np.datetime64], list[int]]:
    """The moments of texts that look like dates, datetime64[us]; and the places of those that are none (30 February)."""
    try:
        return np.array(texts, "datetime64[us]"), []
    except ValueError:
        pass
    bad = []
    for place, text in enumerate(texts):
        try:
            np.datetime64(text, "us")
        except ValueError:
            bad.append(place)
    blank = set(bad)
    good = ["NaT" if place in blank else text for place, text in enumerate(texts)]
    return np.array(good, "datetime64[us]"), bad


def _prints(sales: dict[str, npt.NDArray[Any]], lines: dict[str, npt.NDArray[Any]]) -> Prints:
    """A number of 64 bits for each sale: the same for the same moment, total and lines in whatever order, and for no two that differ

    but by a chance of one in 2**64."""
    starts = np.cumsum(sales["length"]) - sales["length"]
    whole = (lines[name].astype(np.int64) for name in ("article", "quantity"))
    line = _mixed(*whole, lines["unit_price"], lines["subtotal"])
    return _mixed(sales["moment"], sales["total"], np.add.reduceat(line, starts))


def _mixed(*columns: npt.NDArray[Any]) -> Prints:
    """The columns' 64-bit values as one number a row (the steps of MurmurHash3's finaliser between them)."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        mixed = (mixed ^ column.view(np.uint64)) * np.uint64(0xFF51AFD7ED558CCD)
        mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
        mixed ^= mixed >> np.uint64(33)
    return mixed
