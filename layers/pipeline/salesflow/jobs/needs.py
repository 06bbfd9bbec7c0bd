"""What each job needs of the history: what its first step, the sync, goes by, and what a dry run says of it."""

from datetime import date, timedelta
from typing import Any

from salesflow.analytics.sales import days_needed
from salesflow.formats import ReportType
from salesflow.history.plan import Demand
from salesflow.job_events import AnomalyCheckFields, ForecastFields, JobRequest, ReportFields, SyncHistoryFields
from salesflow.settings import Settings
from salesflow.windows import Period, window_of


def demand_of(request: JobRequest[Any], settings: Settings) -> Demand:
    """What the job of this request needs. TypeError for a job that reads no history."""
    fields, day = request.fields, request.business_date
    fresh_from = None
    if isinstance(fields, ReportFields) and fields.report_type is not ReportType.STOCK:
        fresh_from = window_of(fields.period, day).first
    return Demand(
        business_date=day,
        complete=request.day_is_over(settings.zone),
        first_day=_first_day(fields, day, settings),
        asked_on=request.asked_on(settings.zone),
        rebuild=isinstance(fields, SyncHistoryFields) and fields.rebuild,
        fresh_from=fresh_from,
    )


def _first_day(fields: object, day: date, settings: Settings) -> date:
    """The earliest day that the job looks at."""
    match fields:
        case ReportFields():
            return days_needed(fields.period, day).first
        case SyncHistoryFields():
            return days_needed(Period.QUARTERLY, day).first
        case ForecastFields():
            return day - timedelta(days=settings.history_days)
        case AnomalyCheckFields():
            from salesflow.alerts.judging import HISTORY_DAYS  # the detection, which no other job imports

            return day - timedelta(days=HISTORY_DAYS)
        case _:
            raise TypeError(f"{type(fields).__name__} are of a job that reads no history.")
