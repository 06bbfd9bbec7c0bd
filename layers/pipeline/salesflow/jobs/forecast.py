"""The `forecast` job: the next 90 days of the shop and its top products, made each night, saved, and mailed to nobody."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import salesflow
from salesflow.analytics.giants import without_giants
from salesflow.delivery.forecasts import ForecastStore
from salesflow.errors import SalesFlowError
from salesflow.holiday_dates import holiday_dates
from salesflow.identity import FORECAST
from salesflow.job_events import ForecastFields
from salesflow.jobs.frame import Job, LambdaContext, Outcome, Run, run_job
from salesflow.jobs.inputs import sync_panel, told_of
from salesflow.jobs.needs import demand_of
from salesflow.jobs.runtime import Runtime
from salesflow.ledger import RunStatus
from salesflow.observability import MetricUnit, logger, metrics

if TYPE_CHECKING:
    from salesflow.forecasting import Forecast

LAST_GOOD_DAYS = 30
"""How old a forecast may be that stands in for one that could not be made."""
DAYS_AHEAD = 90


@dataclass(frozen=True, slots=True)
class _Made:
    """What the night came to: a forecast or none, what kept it from being this night's own, and sentences for the reader."""

    forecast: "Forecast | None"
    reason: str = ""
    notes: tuple[str, ...] = ()
    too_young: bool = False
    """The shop has not sold for long enough to forecast anything: nothing failed."""

    @property
    def state(self) -> str:
        """What the document says that it holds (`salesflow.delivery.forecasts`)."""
        return "none" if self.forecast is None else "fallback" if self.reason else "fresh"


def forecast(event: object, context: LambdaContext | None, runtime: Runtime) -> dict[str, Any]:
    """Run the job for an event; see `salesflow.jobs.frame.run_job` for the answer and the errors."""
    return run_job(_JOB, event, context, runtime)


def _work(run: Run[ForecastFields]) -> Outcome:
    request, runtime = run.request, run.runtime
    business_date, settings = request.business_date, runtime.settings
    complete = request.day_is_over(settings.zone)
    sync = sync_panel(run, demand_of(request, settings))
    last_known = business_date if complete else business_date - timedelta(days=1)
    holidays = holiday_dates(
        settings.holidays,
        range(sync.coverage.first.year, (business_date + timedelta(days=DAYS_AHEAD)).year + 1),
        settings.language_code,
    )
    forecasts = ForecastStore(runtime.store)
    made = _make(runtime, (sync.coverage.first, last_known), business_date, holidays)
    if made.forecast is None:
        made = _last_good(forecasts, business_date, settings.currency, made)
    elif not complete:
        made = replace(made, notes=(f"{business_date} is not over yet; its sales so far were not used.", *made.notes))
    run.claim.ensure_held()
    artifact = forecasts.save(_document(run, made), run.claim.held.fence)
    metrics.add_metric(name="ForecastsFallenBack", unit=MetricUnit.Count, value=int(bool(made.reason)))
    return Outcome(
        _status(made, complete=complete),
        _reason(made, complete=complete),
        (artifact,),
        details={**_details(made), "set_aside": len(sync.set_aside), **told_of(sync)},
    )


def _make(runtime: Runtime, known: tuple[date, date], business_date: date, holidays: dict[date, str]) -> _Made:
    """This night's own forecast, or why there is none. known: the first and the last day that it is made from."""
    from salesflow.forecasting import DailyHistory, NotEnoughHistory, forecast_sales
    from salesflow.forecasting.history import RANKING_DAYS, best_sellers

    kept, shop = runtime.panel_history, runtime.panel_history.read_shop_days(*known)
    try:
        ranked = kept.read_panel(known[1] - timedelta(days=RANKING_DAYS), known[1])
        best = best_sellers(ranked, business_date=business_date)
        del ranked
        panel = kept.read_panel(*known, skus=best)
        history = DailyHistory(without_giants(shop), panel, runtime.stock_history.stockouts())
        found = forecast_sales(history, business_date=business_date, holidays=holidays)
    except NotEnoughHistory as error:
        return _Made(None, error.message, too_young=True)
    except SalesFlowError:  # the history cannot be read: that is no fault of the models
        raise
    except Exception as error:  # noqa: BLE001 - whatever the models stumble over, yesterday's forecast still stands
        logger.exception("the models failed", error=type(error).__name__)
        return _Made(None, f"The models failed ({type(error).__name__}: {error}).")
    return _Made(found, notes=found.notes)


def _last_good(forecasts: ForecastStore, business_date: date, currency: str, failed: _Made) -> _Made:
    """The newest forecast before the business date that was made from its own day's history, in the currency of now."""
    from salesflow.forecasting import Forecast

    for stored in forecasts.newest_first(business_date - timedelta(days=1), LAST_GOOD_DAYS):
        if stored.reason or stored.forecast is None or stored.currency != currency:
            continue
        try:
            found = Forecast.from_document(dict(stored.forecast))
        except ValueError as error:
            logger.warning("a stored forecast is passed over", key=stored.key, why=str(error))
            continue
        note = f"This is the forecast made after {stored.made_after}: none could be made after {business_date}."
        return _Made(found, failed.reason, (note, *stored.notes))
    return replace(failed, notes=("There is no forecast yet.",))


def _document(run: Run[ForecastFields], made: _Made) -> dict[str, Any]:
    settings = run.runtime.settings
    return {
        "business_date": run.request.business_date.isoformat(),
        "state": made.state,
        "made_after": None if made.forecast is None else made.forecast.business_date.isoformat(),
        "reason": made.reason,
        "notes": list(made.notes),
        "currency": settings.currency,
        "minor_digits": settings.money.digits,
        "timezone": settings.timezone,
        "version": salesflow.__version__,
        "forecast": None if made.forecast is None else made.forecast.to_document(),
    }


def _status(made: _Made, *, complete: bool) -> RunStatus:
    if made.too_young and complete and made.forecast is None:
        return RunStatus.SKIPPED_EMPTY  # every night of a new shop's first weeks: no news for the owner
    return RunStatus.SUCCEEDED if complete and not made.reason else RunStatus.PARTIAL


def _reason(made: _Made, *, complete: bool) -> str:
    if made.forecast is None:
        return f"{made.reason} There is no earlier forecast to fall back on."
    if made.reason:
        return f"{made.reason} The forecast made after {made.forecast.business_date} stands in for it."
    unfinished = "" if complete else " The business date is not over yet; its sales so far were not used."
    return (
        f"Forecast the shop and {len(made.forecast.products)} products for {DAYS_AHEAD} days "
        f"from {made.forecast.open_days} days with sales; model {made.forecast.revenue.model}.{unfinished}"
    )


def _details(made: _Made) -> dict[str, Any]:
    found = made.forecast
    if found is None:
        return {"state": made.state}
    return {
        "state": made.state,
        "made_after": found.business_date.isoformat(),
        "model": found.revenue.model.value,
        "products": len(found.products),
        "expected_revenue": {str(horizon.days): horizon.total for horizon in found.revenue.horizons},
    }


_JOB = Job.of(FORECAST, _work)
