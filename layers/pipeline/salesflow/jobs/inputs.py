"""What jobs read before they compute: the history brought up to date, and the stock, both at the same time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from salesflow.history.stock import StockSnapshot
from salesflow.history.sync import Demand, SyncOutcome
from salesflow.observability import logger
from salesflow.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Inputs:
    """The outcome of the sync, and the stock where the job asked for it.

    stock_set_aside: sentences on product records that could not be used.
    stock_is_late: the stock was counted after the business date had ended by more than a day; no snapshot was kept then.
    """

    sync: SyncOutcome
    stock: StockSnapshot | None
    stock_set_aside: tuple[str, ...]
    costs_known: bool


def read_inputs(runtime: Runtime, demand: Demand, *, want_stock: bool, now: datetime) -> Inputs:
    """Bring the history up to date and read the stock of the business date; neither waits for the other."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        stock = pool.submit(_read_stock, runtime, demand, now) if want_stock else None
        sync = runtime.history.sync(runtime.source, demand, read_at=now)
        snapshot, set_aside, costs_known = stock.result() if stock else (None, (), False)
    for record in sync.batch.rejected:
        logger.warning("record set aside", call=record.call, record=record.record, field=record.field, why=record.reason)
    return Inputs(sync, snapshot, set_aside, costs_known)


def _read_stock(runtime: Runtime, demand: Demand, now: datetime) -> tuple[StockSnapshot, tuple[str, ...], bool]:
    """The stock at the close of the business date: the snapshot kept for it, or else what the API says now.

    What is read now is kept as the snapshot of the business date, unless that day is not over yet.
    """
    kept = runtime.stock_history.read(demand.business_date) if demand.complete else None
    if kept is not None:
        return kept, (), bool(kept.items["cost"].notna().any())
    batch = runtime.source.fetch_stock()
    counted_at = now.astimezone(runtime.settings.zone).replace(tzinfo=None, microsecond=0)
    snapshot = StockSnapshot(batch.items, counted_at)
    if demand.complete:
        snapshot = runtime.stock_history.keep(demand.business_date, snapshot)
    set_aside = tuple(f"{r.call}: {r.record}, {r.field}: {r.reason}" for r in batch.rejected)
    return snapshot, set_aside, bool(batch.items["cost"].notna().any())
