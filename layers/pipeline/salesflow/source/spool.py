"""Sale lines out of the way: a piece of an answer after the other on disk, compressed, and read back for some days at a time.

A sale is 26 bytes here and a line of it 24, about half of that compressed; as records of the API's JSON they were 150.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from tempfile import SpooledTemporaryFile
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.source.schema import tidy

type Columns = Mapping[str, npt.NDArray[Any]]
type Article = tuple[int | None, str | None, str | None]
"""A line's product id, SKU and name, as the API gives them."""

_IN_MEMORY: Final = 16 * 2**20
_OF_SALES: Final = {"id": "<i8", "moment": "<M8[us]", "total": "<i8", "length": "<i4"}
_OF_LINES: Final = {"article": "<i4", "quantity": "<i4", "unit_price": "<f8", "subtotal": "<i8"}


class Articles(dict[Article, int]):
    """A code for each article, in the order of their coming. characters: of all their texts."""

    characters = 0

    def __missing__(self, article: Article) -> int:
        self[article] = code = len(self)
        self.characters += sum(len(text) for text in article[1:] if isinstance(text, str))
        return code


@dataclass(frozen=True, slots=True)
class Block:
    """A piece that was put away. place: where; ends: behind it. first, last: the moments of its first and its last sale."""

    place: int
    ends: int
    sales: int
    lines: int
    first: np.datetime64
    last: np.datetime64


class Spool:
    """Pieces of sales with their lines, on disk where they are many; the file is gone with the object."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it lives as long as the object

    def put(self, sales: Columns, lines: Columns, place: int) -> Block:
        """Write a piece (not an empty one) over what stands from `place` on. OSError where the disk is full."""
        columns = [sales[name].astype(kind) for name, kind in _OF_SALES.items()]
        columns += [lines[name].astype(kind) for name, kind in _OF_LINES.items()]
        # Bytes of the same weight together: most of them are alike, which is all that fast compression sees.
        planes = b"".join(one.view(np.uint8).reshape(-1, one.itemsize).T.tobytes() for one in columns)
        self._file.seek(place)
        self._file.truncate()
        self._file.write(zlib.compress(planes, 1))
        moments = sales["moment"]
        return Block(place, self._file.tell(), len(moments), len(lines["article"]), moments.min(), moments.max())

    def get(self, block: Block) -> tuple[dict[str, npt.NDArray[Any]], dict[str, npt.NDArray[Any]]]:
        """The columns of a piece, as they were put."""
        self._file.seek(block.place)
        planes = np.frombuffer(zlib.decompress(self._file.read(block.ends - block.place)), np.uint8)
        tables: list[dict[str, npt.NDArray[Any]]] = []
        at = 0
        for kinds, size in ((_OF_SALES, block.sales), (_OF_LINES, block.lines)):
            table = {}
            for name, kind in kinds.items():
                width = np.dtype(kind).itemsize
                table[name] = planes[at : at + size * width].reshape(width, size).T.copy().view(kind)[:, 0]
                at += size * width
            tables.append(table)
        return tables[0], tables[1]


@dataclass(frozen=True, slots=True, eq=False)
class SpooledSales:
    """The sales of an answer that stand. dropped: the numbers, among all that were put, of those that do not, ascending.

    since: no sale before it counts (None: all do).
    """

    spool: Spool
    blocks: Sequence[Block]
    articles: Sequence[Article]
    dropped: npt.NDArray[np.intp]
    since: np.datetime64 | None = None

    @property
    def span(self) -> tuple[np.datetime64, np.datetime64]:
        """Moments between which all sales lie; the second one is behind them."""
        first = self.since or min((block.first for block in self.blocks), default=np.datetime64(0, "us"))
        return first, max((block.last for block in self.blocks), default=first) + np.timedelta64(1, "us")

    @property
    def moments(self) -> Iterator[npt.NDArray[np.datetime64]]:
        """The moment of each sale, piece by piece in the order of the answer (naive, datetime64[us])."""
        return (sales["moment"] for sales, _ in self._between(*self.span))

    def most_lines(self, first: datetime | np.datetime64, end: datetime | np.datetime64) -> int:
        """How many lines there are at most from `first` to before `end`."""
        first, end = np.datetime64(first, "us"), np.datetime64(end, "us")
        return sum(block.lines for block in self.blocks if block.last >= first and block.first < end)

    def lines(self, first: datetime | np.datetime64, end: datetime | np.datetime64) -> pd.DataFrame:
        """The table of `salesflow.analytics.lines` of the sales from `first` to before `end`, sorted."""
        first, end = np.datetime64(first, "us"), np.datetime64(end, "us")
        found = list(self._between(first, end))
        sales = {name: _joined([sale[name] for sale, _ in found], kind) for name, kind in _OF_SALES.items()}
        lines = {name: _joined([line[name] for _, line in found], kind) for name, kind in _OF_LINES.items()}
        del found
        lengths = sales["length"].astype(np.int64)
        starts = np.cumsum(lengths) - lengths
        order = np.lexsort((sales["id"], sales["moment"]))
        if np.any(order[1:] < order[:-1]):
            sales = {name: column[order] for name, column in sales.items()}
            lengths, old_starts = lengths[order], starts[order]
            starts = np.cumsum(lengths) - lengths
            place = np.repeat(old_starts - starts, lengths) + np.arange(int(lengths.sum()))
            lines = {name: column[place] for name, column in lines.items()}
        used, article = np.unique(lines.pop("article"), return_inverse=True)
        ids, skus, names = _described([self.articles[code] for code in used.tolist()])
        return pd.DataFrame(
            {
                "sale_id": np.repeat(sales["id"], lengths),
                "line": (np.arange(len(article)) - np.repeat(starts, lengths)).astype(np.int32),
                "sold_at": np.repeat(sales["moment"], lengths),
                "sale_total": np.repeat(sales["total"], lengths),
                "product_id": ids[article],
                "sku": skus.take(article),
                "name": names.take(article),
                "quantity": lines["quantity"].astype(np.int64),
                "unit_price": lines["unit_price"],
                "subtotal": lines["subtotal"],
            },
            copy=False,
        )

    def _between(
        self, first: np.datetime64, end: np.datetime64
    ) -> Iterator[tuple[dict[str, npt.NDArray[Any]], dict[str, npt.NDArray[Any]]]]:
        """Of each piece what stands and lies in the time."""
        begins = np.cumsum([0, *(block.sales for block in self.blocks)]).tolist()
        for block, (start, stop) in zip(self.blocks, pairwise(begins), strict=True):
            if block.last < first or block.first >= end:
                continue
            sales, lines = self.spool.get(block)
            keep = (sales["moment"] >= first) & (sales["moment"] < end)
            gone = self.dropped[np.searchsorted(self.dropped, start) : np.searchsorted(self.dropped, stop)]
            keep[gone - start] = False
            of_line = np.repeat(keep, sales["length"])
            yield (
                {name: column[keep] for name, column in sales.items()},
                {name: column[of_line] for name, column in lines.items()},
            )


def _joined(columns: list[npt.NDArray[Any]], kind: str) -> npt.NDArray[Any]:
    return np.concatenate(columns) if columns else np.empty(0, kind)


def _described(articles: list[Article]) -> tuple[npt.NDArray[np.int64], pd.Categorical, pd.Categorical]:
    """Product ids, SKUs and names of articles; the texts as categoricals with sorted categories."""
    ids = np.array([number or 0 for number, _, _ in articles], np.int64)
    skus = [tidy(sku) for _, sku, _ in articles]
    names = [tidy(name) or sku for (_, _, name), sku in zip(articles, skus, strict=True)]
    return ids, _categorical(skus), _categorical(names)


def _categorical(texts: list[str]) -> pd.Categorical:
    values = np.empty(len(texts), dtype=object)
    values[:] = texts
    codes, known = pd.factorize(values, sort=True)
    return pd.Categorical.from_codes(codes, categories=pd.Index(known, dtype="str"))
