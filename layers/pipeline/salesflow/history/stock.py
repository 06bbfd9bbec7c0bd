"""Stock snapshots: the stock at the close of a day, so that a past stock report can be made again."""

import gzip
import io
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from salesflow.errors import HistoryDamaged
from salesflow.s3 import ObjectStore

_TYPES = {
    "product_id": "int64",
    "sku": "str",
    "name": "str",
    "price": "int64",
    "stock_quantity": "int64",
    "low_stock_threshold": "int64",
    "cost": "Int64",
    "category": "str",
}


@dataclass(frozen=True, slots=True)
class StockSnapshot:
    """The stock of all products (schema: `salesflow.analytics.stock`) and when it was counted (naive, merchant's zone)."""

    items: pd.DataFrame
    counted_at: datetime


class StockHistory:
    """One snapshot a business date, kept as it was first taken."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self, business_date: date) -> StockSnapshot | None:
        """The snapshot of a date, None where none was kept; HistoryDamaged where it cannot be read back."""
        stored = self._store.read(_key(business_date))
        if stored is None:
            return None
        try:
            counted_at = datetime.fromisoformat(stored.metadata["counted-at"])
            items = pd.read_csv(
                io.BytesIO(gzip.decompress(stored.body)), dtype=_TYPES, keep_default_na=False, na_values={"cost": [""]}
            )
            return StockSnapshot(items.assign(category=items["category"].where(items["category"] != "")), counted_at)
        except Exception as error:  # a damaged file makes its decoder fail in any way at all
            raise HistoryDamaged(
                f"s3://{self._store.bucket}/{_key(business_date)} cannot be read ({type(error).__name__}).",
                action="Delete it (the bucket keeps the old version) and run the job again; it takes a new snapshot.",
            ) from error

    def keep(self, business_date: date, snapshot: StockSnapshot) -> StockSnapshot:
        """Store the snapshot of a date and answer the one that stands: the first one, if another run was faster."""
        csv = snapshot.items.to_csv(index=False, columns=list(_TYPES), lineterminator="\n").encode()
        metadata = {"counted-at": snapshot.counted_at.isoformat(timespec="seconds")}
        self._store.write_new(_key(business_date), gzip.compress(csv, mtime=0), "application/gzip", metadata)
        kept = self.read(business_date)
        return snapshot if kept is None else kept


def _key(business_date: date) -> str:
    return f"history/stock/{business_date.isoformat()}.csv.gz"
