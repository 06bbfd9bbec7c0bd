"""What jobs read before they compute: the history brought up to date, and the stock, both at the same time."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from salesflow import clock
from salesflow.errors import SalesFlowError, SourceAccessDenied, SystemTokenMissing, SystemTokenRejected
from salesflow.history.stock import StockHistory, StockSnapshot
from salesflow.history.sync import Demand, SyncOutcome
from salesflow.job_events import SyncHistoryFields
from salesflow.jobs.frame import Run
from salesflow.observability import logger
from salesflow.source.client import SalesFlowClient


@dataclass(frozen=True, slots=True)
class Inputs:
    """The outcome of the sync, and the stock where the job asked for it.

    stock_set_aside: sentences on product records that could not be used.
    costs_known: whether the cost of any product is known.
    """

    sync: SyncOutcome
    stock: StockSnapshot | None
    stock_set_aside: tuple[str, ...]
    costs_known: bool


def read_inputs(run: Run[Any], demand: Demand, *, need_stock: bool) -> Inputs:
    """Bring the history up to date and read the stock of the business date; neither waits for the other.

    need_stock: whether a stock that cannot be read is an error; else there is none, and the log says why: at once where the account may
    not read it, and where Lambda will try again, by the retry. Without a system token the run fails in any case, whichever of the two asked
    for it first.
    """
    runtime = run.runtime
    # Before there are two threads: what both of them would make is made twice then, and each knows half of what was read.
    source, history, stocks = _source(run), runtime.history, runtime.stock_history
    with ThreadPoolExecutor(max_workers=1) as pool:
        counting = pool.submit(_read_stock, stocks, source, demand, runtime.settings.zone)
        sync = history.sync(source, demand, read_at=clock.now(), shared_for=_shared_for(run))
        stock, set_aside, costs_known = _counted(counting, need_stock=need_stock, is_tried_again=_is_tried_again(run))
    _log_set_aside(sync)
    run.claim.ensure_held()
    return Inputs(sync, stock, set_aside, costs_known)


type _Counted = tuple[StockSnapshot | None, tuple[str, ...], bool]


def _counted(counting: "Future[_Counted]", *, need_stock: bool, is_tried_again: bool) -> _Counted:
    try:
        return counting.result()
    except SalesFlowError as error:
        may_pass = is_tried_again and not isinstance(error, SourceAccessDenied)
        if need_stock or may_pass or isinstance(error, SystemTokenMissing | SystemTokenRejected):
            raise
        logger.warning("the stock cannot be read: the report says nothing of orders and costs", why=str(error))
        return None, (), False


def _is_tried_again(run: Run[Any]) -> bool:
    """Whether Lambda tries the run again if it fails: the first try of what nobody waits for."""
    return run.request.trigger != "manual" and run.claim.attempt == 1


def sync_panel(run: Run[Any], demand: Demand) -> SyncOutcome:
    """Bring the daily panel up to date, for the model functions: without sale lines, which need pyarrow."""
    runtime = run.runtime
    sync = runtime.panel_history.sync(_source(run), demand, read_at=clock.now(), shared_for=_shared_for(run))
    _log_set_aside(sync)
    run.claim.ensure_held()
    return sync


def told_of(sync: SyncOutcome) -> dict[str, Any]:
    """What a sync did that its reader should know, for the answer, the ledger and a manifest (JSON values); mostly nothing.

    months_read_again: they were not in the bucket as they had been written. history_read_again: why all of it was.
    sales_gone: what the source no longer has. source_clock: what speaks against the source's clock or zone.
    """
    told: dict[str, Any] = {}
    if sync.plan.lost:
        told["months_read_again"] = list(sync.plan.lost)
    if sync.plan.because:
        told["history_read_again"] = list(sync.plan.because)
    if sync.loss is not None:
        told["sales_gone"] = sync.loss.reason
    if sync.clock_trouble:
        told["source_clock"] = sync.clock_trouble
    return told


def _source(run: Run[Any]) -> SalesFlowClient:
    source = run.runtime.source
    return source if run.deadline is None else source.with_deadline(run.deadline)


def _shared_for(run: Run[Any]) -> timedelta:
    """How old another job's read may be: who fires by hand or by force, or takes up a date again, wants to know how it is now, and a
    sync is there to read."""
    request = run.request
    asked_for_anew = request.trigger == "manual" or request.fields.force or run.claim.attempt > 1
    if asked_for_anew or isinstance(request.fields, SyncHistoryFields):
        return timedelta(0)
    return timedelta(minutes=run.runtime.settings.reads_shared_minutes)


def _log_set_aside(sync: SyncOutcome) -> None:
    if told := told_of(sync):
        logger.warning("the history or the source was not as it should be", **told)
    for record in sync.set_aside:
        logger.warning(
            "record set aside", call=record.call, record=record.record, field=record.field, why=record.reason
        )


def _read_stock(stocks: StockHistory, source: SalesFlowClient, demand: Demand, zone: ZoneInfo) -> _Counted:
    """The stock at the close of the business date: the snapshot kept for it, or else what the API says now.

    What is read now is kept as the snapshot of the business date, unless that day is not over yet.
    """
    kept = stocks.read(demand.business_date) if demand.complete else None
    if kept is not None:
        return kept, (), bool(kept.items["cost"].notna().any())
    batch = source.fetch_stock()
    counted_at = clock.now().astimezone(zone).replace(tzinfo=None, microsecond=0)
    snapshot = StockSnapshot(batch.items, counted_at)
    if demand.complete:
        snapshot = stocks.keep(demand.business_date, snapshot)
    set_aside = tuple(f"{r.call}, {r.record}, {r.field}: {r.reason}" for r in batch.rejected)
    return snapshot, set_aside, batch.costs_known
