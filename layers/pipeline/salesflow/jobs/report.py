"""The `report` job: one report of one business date, saved, verified, mailed, and recorded."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import salesflow
from salesflow.analytics.freshness import Staleness, age_of, staleness
from salesflow.analytics.opening import trading_weekdays
from salesflow.analytics.results import Brand, Provenance, ReportContent
from salesflow.analytics.sales import analyse_sales, days_needed
from salesflow.analytics.sold_days import SoldDays
from salesflow.analytics.stock import analyse_stock
from salesflow.delivery.forecasts import ForecastStore
from salesflow.figures import Figures, printable
from salesflow.formats import Format, ReportType
from salesflow.history.sync import SyncOutcome
from salesflow.identity import REPORT
from salesflow.job_events import ReportFields
from salesflow.jobs.comparisons import with_comparisons
from salesflow.jobs.frame import Job, LambdaContext, Outcome, Run, run_job
from salesflow.jobs.inputs import Inputs, read_inputs, told_of
from salesflow.jobs.needs import demand_of
from salesflow.jobs.outlook import read_outlook
from salesflow.jobs.recipients import refuse_strangers
from salesflow.jobs.runtime import Runtime
from salesflow.jobs.unusual import read_unusual
from salesflow.language import words
from salesflow.ledger import RunStatus
from salesflow.memory import give_back
from salesflow.observability import MetricUnit, metrics
from salesflow.reports import render
from salesflow.reports.content import notes
from salesflow.windows import window_of

if TYPE_CHECKING:
    from salesflow.jobs.report_mailing import MadeReport


def report(event: object, context: LambdaContext | None, runtime: Runtime) -> dict[str, Any]:
    """Run the job for an event; see `salesflow.jobs.frame.run_job` for the answer and the errors."""
    return run_job(_JOB, event, context, runtime)


def _work(run: Run[ReportFields]) -> Outcome:
    # Mail has imports of its own, which a cold start need not pay for before there is something to mail.
    from salesflow.jobs.mailing import tell

    made = _kept(run) or _make(run)
    if isinstance(made, Outcome):
        return made
    told = tell(run, made.mail)
    metrics.add_metric(name="MailsSent", unit=MetricUnit.Count, value=len(told.now))
    problems = [*told.problems, *made.problems]
    if problems:
        return Outcome(RunStatus.PARTIAL, " ".join(problems), made.artifacts, told.notified, told.now, made.details)
    reason = f"Made {', '.join(artifact.format for artifact in made.artifacts)}; {_counted(len(told.notified))} told.{told.peace}"
    if run.claim.held.tells_rest:
        reason = f"The report stood; {_counted(len(told.now))} told who had not been, {len(told.notified)} in all.{told.peace}"
    return Outcome(RunStatus.SUCCEEDED, reason, made.artifacts, told.notified, told.now, made.details)


def _counted(recipients: int) -> str:
    return f"{recipients} recipient{'' if recipients == 1 else 's'}"


def _kept(run: Run[ReportFields]) -> "MadeReport | None":
    """What a run before this one saved for the edition, where somebody may have got it."""
    if not run.claim.held.continues:
        return None
    from salesflow.jobs.report_mailing import kept_report

    return kept_report(run)


def _make(run: Run[ReportFields]) -> "MadeReport | Outcome":
    """Read, analyse, render, save; or why there is no report to make."""
    request, claim, runtime = run.request, run.claim, run.runtime
    content, stale, sync = _content(run)
    details = _details(content) | told_of(sync)
    metrics.add_metric(name="SalesRows", unit=MetricUnit.Count, value=content.provenance.sales_rows)
    nothing_to_show = _is_empty(content) and runtime.settings.empty_reports == "skip"
    if stale and (nothing_to_show or runtime.settings.stale_reports == "skip"):
        return Outcome(RunStatus.SKIPPED_STALE, f"{stale.reason} No report was made.", details=details)
    if nothing_to_show:
        return Outcome(RunStatus.SKIPPED_EMPTY, _why_empty(content), details=details)
    files = {}
    for fmt in request.fields.formats:
        claim.ensure_held()
        give_back()
        files[fmt] = render(content, fmt, paper=runtime.settings.paper, language=runtime.settings.language_code)
    claim.ensure_held()
    saved = runtime.store.save(
        report_type=request.fields.report_type,
        period=request.fields.period,
        business_date=request.business_date,
        files=files,
        manifest=_manifest(content) | told_of(sync) | {"settings": runtime.settings.digest},
        fence=claim.held.fence,
    )
    if content.sales is not None and request.day_is_over(runtime.settings.zone):
        runtime.reported_days.remember(content.sales.context, request.business_date)
    from salesflow.jobs.report_mailing import keep_report

    problems = [stale.reason] if stale else []
    problems += [sync.loss.reason] if sync.loss else []
    problems += _cuts(content, day_is_over=request.day_is_over(runtime.settings.zone))
    return keep_report(run, content, files, saved, problems, details)  # last: the run's retry goes on from here


def _content(run: Run[ReportFields]) -> tuple[ReportContent, Staleness | None, SyncOutcome]:
    """Read, analyse, and note where the figures come from; and why they are too old to be trusted, where they are; and how they were read."""
    request, runtime = run.request, run.runtime
    settings, fields, business_date = runtime.settings, request.fields, request.business_date
    wants_sales = fields.report_type is not ReportType.STOCK
    wants_stock = fields.report_type is not ReportType.SALES
    needed = days_needed(fields.period, business_date)
    complete = request.day_is_over(settings.zone)
    own_days = window_of(fields.period, business_date)
    inputs = read_inputs(run, demand_of(request, settings), need_stock=wants_stock)
    sold = runtime.history.read_sold_days(needed.first, business_date)
    known_from = runtime.history.known_from(inputs.sync.coverage, needed.first)
    sales = analyse_sales(sold, fields.period, business_date, known_from=known_from) if wants_sales else None
    stale = _stale(run, inputs, sold)
    _ = words(settings.language_code)
    outlook = read_outlook(ForecastStore(runtime.store), business_date, settings.currency, _)
    figures = Figures(settings.currency, settings.language_code)
    unusual = read_unusual(run.runtime.alert_book, business_date, figures) if wants_sales else None
    found = [] if complete else [notes.day_not_over(_, business_date)]
    if stale:
        found.append(notes.data_too_old(_, stale))
    if inputs.sync.loss is not None:
        found.append(notes.sales_gone(_, inputs.sync.loss))
    cautions = tuple(found)
    if sales is not None and Format.EXCEL in fields.formats and sales.rows > notes.MOST_SALE_LINES:
        found.append(notes.too_many_sale_lines(figures, sales.rows))
    if sales is not None and complete:
        found += notes.days_changed(figures, runtime.reported_days.changes(sales.context, business_date))
    stock = counted = None
    if (snapshot := inputs.stock) is not None:
        counted = analyse_stock(
            snapshot.items, sold, business_date, known_from=known_from, counted_at=snapshot.counted_at
        )
        if snapshot.counted_at.date() > business_date + timedelta(days=1):
            found.append(notes.stock_counted_later(_, business_date, snapshot.counted_at))
        if wants_stock and not inputs.costs_known:
            found.append(notes.costs_unknown(_))
        stock = counted if wants_stock else None
    else:
        found.append(notes.stock_not_read(_))
    set_aside = runtime.history.set_aside(own_days.first, own_days.last) if wants_sales else []
    reasons = [f"{r.call}, record {r.record}, {r.field}: {r.reason}" for r in set_aside]
    reasons += inputs.stock_set_aside if wants_stock else ()
    content = ReportContent(
        report_type=fields.report_type,
        period=fields.period,
        currency=settings.currency,
        sales=sales,
        stock=stock,
        provenance=Provenance(
            business_date=business_date,
            timezone=settings.timezone,
            data_as_of=sold.newest if sales is None else sales.data_as_of,
            sales_rows=sold.rows if sales is None else sales.rows,
            stock_rows=0 if stock is None else len(stock.items),
            set_aside=len(reasons),
            set_aside_reasons=tuple(reasons[:10]),
            notes=tuple(found),
            version=salesflow.__version__,
            cautions=cautions,
        ),
        forecast=outlook.shop if outlook is not None and wants_sales else None,
        unusual=unusual,
        shop=printable(settings.shop_name),
        brand=Brand(settings.brand_color, settings.logo),
        made=tuple(str(fmt) for fmt in fields.formats),
    )
    return with_comparisons(run, content, sold, snapshot, counted, outlook), stale, inputs.sync


def _stale(run: Run[ReportFields], inputs: Inputs, sold: SoldDays) -> Staleness | None:
    """Whether the newest sale that the source knows, of whatever day, is too old for this business date."""
    settings, business_date = run.runtime.settings, run.request.business_date
    asked_at = run.request.scheduled_time.astimezone(settings.zone).replace(tzinfo=None)
    read = inputs.sync.newest_sale
    if not len(sold) and read is None:  # nothing in the report's own days: look through all that is known
        sold = run.runtime.history.read_sold_days(inputs.sync.coverage.first, business_date)
    newest = max((moment for moment in (sold.newest, read) if moment is not None), default=None)
    if newest is None:  # a shop that never sold has no age
        return None
    trading = trading_weekdays(*sold.open_days)
    age = age_of(newest, business_date, asked_at, trading=trading, day_ends_at=settings.day_ends_at)
    metrics.add_metric(name="DataAgeHours", unit=MetricUnit.Count, value=age / timedelta(hours=1))
    return staleness(newest, age, limit_hours=settings.stale_after_hours)


def _is_empty(content: ReportContent) -> bool:
    no_sales = content.sales is None or content.sales.is_empty
    no_stock = content.stock is None or not content.stock.items
    return no_sales and no_stock


def _why_empty(content: ReportContent) -> str:
    if content.sales is None:
        return "The source lists no product, so there is no stock to report."
    window = content.sales.window
    days = f"on {window.last}" if window.days == 1 else f"from {window.first} to {window.last}"
    return f"The source was read and holds no sale {days}; no report was made (setting empty_reports)."


def _cuts(content: ReportContent, *, day_is_over: bool) -> list[str]:
    """What keeps the report from being whole."""
    cuts = [] if day_is_over else [f"{content.provenance.business_date} is not over yet."]
    if content.provenance.set_aside:
        cuts.append(
            f"{content.provenance.set_aside} records of the source could not be used and are listed in the report."
        )
    return cuts


def _details(content: ReportContent) -> dict[str, Any]:
    provenance = content.provenance
    return {
        "report_type": content.report_type,
        "period": content.period,
        "data_as_of": None if provenance.data_as_of is None else provenance.data_as_of.isoformat(),
        "sales_rows": provenance.sales_rows,
        "stock_rows": provenance.stock_rows,
        "set_aside": provenance.set_aside,
    }


def _manifest(content: ReportContent) -> dict[str, Any]:
    """What the files were made from; the same inputs give the same manifest."""
    return {
        **{name: value for name, value in _details(content).items() if name not in ("report_type", "period")},
        "timezone": content.provenance.timezone,
        "currency": content.currency,
        "set_aside_reasons": list(content.provenance.set_aside_reasons),
        "notes": list(content.provenance.notes),
        "stock_counted_at": None if content.stock is None else content.stock.counted_at.isoformat(),
        "forecast": None if content.forecast is None else content.forecast.source,
        "unusual_as_of": None if content.unusual is None else content.unusual.checked_on.isoformat(),
        "version": content.provenance.version,
    }


_JOB = Job.of(REPORT, _work, refuse_strangers)
