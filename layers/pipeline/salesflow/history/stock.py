"""Stock snapshots: the stock at the close of a day, so that a past stock report can be made again, and which products were gone when."""

from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from salesflow.analytics.stockouts import none_known, with_count
from salesflow.errors import HistoryDamaged, HistoryWrittenOtherwise
from salesflow.history.csv_table import MEDIA_TYPE, CsvTable, Kind
from salesflow.history.terms import Terms
from salesflow.s3 import ObjectStore, StoredObject

COLUMNS = {
    "product_id": Kind.COUNT,
    "sku": Kind.TEXT,
    "name": Kind.TEXT,
    "price": Kind.COUNT,
    "stock_quantity": Kind.COUNT,
    "low_stock_threshold": Kind.COUNT,
    "cost": Kind.KNOWN_COUNT,
    "category": Kind.LABEL,
}
"""Amounts are integer minor units; the object's metadata says of what."""
_STOCKOUTS = "history/out-of-stock.csv.gz"
_STOCKOUT_COLUMNS = {"sku": Kind.TEXT, "first": Kind.DAY, "last": Kind.DAY}
_DEPENDS_ON = ("schema", "currency", "digits", "zone")
_ACTION = "Delete it (the bucket keeps the old version) and run the job again; it takes a new snapshot."


@dataclass(frozen=True, slots=True)
class StockSnapshot:
    """The stock of all products (schema: `salesflow.analytics.stock`) and when it was counted (naive, merchant's zone)."""

    items: pd.DataFrame
    counted_at: datetime

    @property
    def pieces(self) -> dict[str, int]:
        """Pieces on hand by SKU."""
        return pieces_of(self.items)


def pieces_of(items: pd.DataFrame) -> dict[str, int]:
    """Pieces on hand by SKU, of a stock table."""
    return dict(zip(items["sku"].astype(str), items["stock_quantity"].tolist(), strict=True))


class StockHistory:
    """One snapshot a business date, kept as it was first taken."""

    def __init__(self, store: ObjectStore, terms: Terms) -> None:
        self._store = store
        self._terms = terms
        self._form = CsvTable(COLUMNS, terms.currency.digits)
        self._spells = CsvTable(_STOCKOUT_COLUMNS, terms.currency.digits)

    def read(self, business_date: date) -> StockSnapshot | None:
        """The snapshot of a date, None where none was kept.

        Raises HistoryDamaged where it cannot be read back, HistoryWrittenOtherwise where its amounts are of another currency.
        """
        stored = self._store.read(_key(business_date))
        if stored is None:
            return None
        where = self._store.place(_key(business_date))
        words = {name: stored.metadata[name] for name in _DEPENDS_ON if name in stored.metadata}
        if differences := self._terms.differences(words, where):
            raise HistoryWrittenOtherwise(
                f"s3://{where} was counted under other settings: {', '.join(differences)}.", action=_ACTION
            )
        try:
            return StockSnapshot(self._form.decode(stored.body), datetime.fromisoformat(stored.metadata["counted-at"]))
        except Exception as error:  # a damaged file makes its decoder fail in any way at all
            raise HistoryDamaged(f"s3://{where} cannot be read ({type(error).__name__}).", action=_ACTION) from error

    def keep(self, business_date: date, snapshot: StockSnapshot) -> StockSnapshot:
        """Store the snapshot of a date and answer the one that stands: the first one, if another run was faster."""
        self._store.update(_STOCKOUTS, lambda stored: self._counted(stored, business_date, snapshot), MEDIA_TYPE)
        metadata = {"counted-at": snapshot.counted_at.isoformat(timespec="seconds")} | self._terms.words
        if self._store.write_new(_key(business_date), self._form.encode(snapshot.items), MEDIA_TYPE, metadata):
            return snapshot
        kept = self.read(business_date)
        return snapshot if kept is None else kept

    def stockouts(self) -> pd.DataFrame:
        """When products were out of stock, by all counts since version 1.1 (`salesflow.analytics.stockouts`). Raises HistoryDamaged."""
        return self._stockouts(self._store.read(_STOCKOUTS))

    def _stockouts(self, stored: StoredObject | None) -> pd.DataFrame:
        if stored is None:
            return none_known()
        try:
            return self._spells.decode(stored.body)
        except Exception as error:  # a damaged file makes its decoder fail in any way at all
            where = self._store.place(_STOCKOUTS)
            raise HistoryDamaged(
                f"s3://{where} cannot be read ({type(error).__name__}).",
                action="Delete it (the bucket keeps the old version); the next counts of the stock begin it anew.",
            ) from error

    def _counted(self, stored: StoredObject | None, day: date, snapshot: StockSnapshot) -> tuple[bytes, dict[str, str]]:
        gone = [sku for sku, pieces in snapshot.pieces.items() if sku and pieces <= 0]
        return self._spells.encode(with_count(self._stockouts(stored), day, gone)), {}


def _key(business_date: date) -> str:
    return f"history/stock/{business_date.isoformat()}.csv.gz"
