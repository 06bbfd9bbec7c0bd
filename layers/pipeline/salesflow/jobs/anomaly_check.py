"""The `anomaly_check` job: one date judged, its result saved, and what is new, worse or over told once, in one mail."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

import salesflow
from salesflow.alerts.book import Told, chain_of
from salesflow.alerts.judging import (
    Judgement,
    Tables,
    judge,
    policy_of,
    rules_of,
    unfinished,
)
from salesflow.alerts.lifecycle import Alert, Entry, Rules, Step, advance, in_order
from salesflow.alerts.result import result_document, result_key
from salesflow.alerts.wording import told_sentence
from salesflow.detection import Policy, find_product
from salesflow.errors import SalesFlowError
from salesflow.figures import Figures
from salesflow.findings.event import Severity
from salesflow.findings.wording import sentence
from salesflow.history.shop_days import with_returns
from salesflow.history.stock import pieces_of
from salesflow.history.sync import SyncOutcome
from salesflow.holiday_dates import holiday_dates
from salesflow.identity import ANOMALY_CHECK
from salesflow.job_events import AnomalyCheckFields, Notify, Scope
from salesflow.jobs.check_reason import reason_of, seldom_sold
from salesflow.jobs.frame import Job, LambdaContext, Outcome, Run, run_job
from salesflow.jobs.inputs import sync_panel
from salesflow.jobs.needs import demand_of
from salesflow.jobs.recipients import recipients_of, refuse_strangers
from salesflow.ledger import Claim, RunStatus
from salesflow.links.things import MailList, finding_thing, mails_thing
from salesflow.memory import give_back
from salesflow.observability import MetricUnit, logger, metrics
from salesflow.windows import Period, skipped_dates

if TYPE_CHECKING:
    from salesflow.jobs.mailing import Mailed

RESUME_DAYS = 7
"""How far back a check looks for earlier ones that found something and could not tell it."""

STOCK_AGE = timedelta(days=1)


def anomaly_check(event: object, context: LambdaContext | None, runtime: Any) -> dict[str, Any]:
    """Run the job for an event; see `salesflow.jobs.frame.run_job` for the answer and the errors."""
    return run_job(_JOB, event, context, runtime)


@dataclass(frozen=True, slots=True, eq=False)
class _Check:
    """What a check works with, for its own date and for earlier ones that it makes up for."""

    tables: Tables
    policy: Policy
    mutes: dict[str, date]
    sku: str | None
    name: str | None
    set_aside: int
    judged: dict[date, Judgement]


def _work(run: Run[AnomalyCheckFields]) -> Outcome:
    check = _prepare(run)
    if check.tables.shop.empty:
        reason = f"The source was read and holds no sale up to {run.request.business_date}; there is nothing to check."
        return Outcome(RunStatus.SKIPPED_EMPTY, reason, details=_scope_details(run, check))
    if run.request.day_is_over(run.runtime.settings.zone) and run.request.fields.notify is not Notify.NONE:
        _resume_earlier(run, check)
    return _check_date(run, check)


def _prepare(run: Run[AnomalyCheckFields]) -> _Check:
    """Bring the history up to date and read what is judged."""
    request, runtime = run.request, run.runtime
    settings, fields, day = runtime.settings, request.fields, request.business_date
    demand = demand_of(request, settings)
    sync = sync_panel(run, demand)
    first = demand.first_day if fields.period is Period.DAILY else sync.coverage.first
    history = runtime.panel_history
    shop = history.read_shop_days(first, day)
    products = with_returns(history.read_panel(first, day), history.read_returns(first, day))
    items = _stock(run, day)
    sku, name = _product(fields, products, items)
    stock = {} if items is None else pieces_of(items)
    holidays = holiday_dates(settings.holidays, range(first.year, day.year + 1), settings.language_code)
    holidays |= dict.fromkeys(skipped_dates(settings.zone, first, day), "")  # nobody missed a sale on them
    del items
    give_back()
    known_from = max(first, sync.coverage.first)
    if not shop.empty:
        known_from = max(known_from, shop["date"].min().date())
    return _Check(
        Tables(shop, products, known_from, stock, runtime.stock_history.stockouts()),
        policy_of(settings, holidays, one_product=sku is not None),
        runtime.alert_book.mutes(),
        sku,
        name,
        _set_aside(sync, first),
        {},
    )


def _check_date(run: Run[AnomalyCheckFields], check: _Check) -> Outcome:
    """Judge the run's date, turn the alerts to it, save, tell."""
    request, claim, runtime = run.request, run.claim, run.runtime
    fields, settings, day = request.fields, runtime.settings, request.business_date
    over = request.day_is_over(settings.zone)
    judgement = _judgement(run, check, day)
    rules = rules_of(settings, fields.period, check.mutes, day)
    told: list[Told] = []
    if not over:
        judgement = unfinished(judgement)
    elif fields.notify is not Notify.NONE:
        claim.ensure_held()
        told = _turn_pages(run, check)
    document = result_document(judgement, told, rules, _head(run, check))
    claim.ensure_held()
    artifact = runtime.store.save_document(_key(run, check), document, claim.held.fence)
    entries = in_order(entry for part in told for entry in part.entries)
    left_out = sum(part.left_out for part in told)
    delivered = _deliver(run, check, judgement, entries, left_out) if entries else None
    notified, told_now = (delivered.notified, delivered.now) if delivered else ((), ())
    problems = list(delivered.problems) if delivered else []
    metrics.add_metric(name="AlertsTold", unit=MetricUnit.Count, value=len(entries))
    if not over:
        problems.append(f"{day} is not over yet: only what is too much already was looked for, and nobody was told.")
    details = _details(run, check, judgement, entries, told, rules)
    if problems:
        return Outcome(RunStatus.PARTIAL, " ".join(problems), (artifact,), notified, told_now, details)
    reason = reason_of(judgement, entries, notified, told, fields.notify) + seldom_sold(
        check.tables.products, check.sku, day
    )
    reason += delivered.peace if delivered else ""
    return Outcome(RunStatus.SUCCEEDED, reason, (artifact,), notified, told_now, details)


def _turn_pages(run: Run[AnomalyCheckFields], check: _Check) -> list[Told]:
    """Write the date's page of each chain that the scope has, and answer what this run has to tell."""
    fields, claim, day = run.request.fields, run.claim, run.request.business_date
    settings = run.runtime.settings
    told = []
    for chain in _chains(fields, check.sku):
        of_shop = chain.startswith("shop/")

        def step(on: date, before: tuple[Alert, ...] | None, of_shop: bool = of_shop) -> Step:
            judgement = _judgement(run, check, on)
            judged = judgement.shop_day if of_shop else judgement.products_day
            return advance(before, judged, rules_of(settings, fields.period, check.mutes, on))

        told.append(
            run.runtime.alert_book.turn_to(
                chain,
                day,
                teller=_teller(claim),
                run_id=claim.run_id,
                judge=step,
                afresh=fields.force,
                catch_up=fields.period is Period.DAILY,
            )
        )
    return told


def _resume_earlier(run: Run[AnomalyCheckFields], check: _Check) -> None:
    """Make up for checks of the last days that wrote down what to tell and then failed to tell it to everybody."""
    identity, day, runtime = run.claim.identity, run.request.business_date, run.runtime
    since, until = day - timedelta(days=RESUME_DAYS), day - timedelta(days=1)
    for record in runtime.ledger.runs(identity, since, until):
        if record.status not in (RunStatus.FAILED, RunStatus.RUNNING):
            continue
        teller = f"{identity}|{record.edition}"
        chains = _chains(run.request.fields, check.sku)
        if not any(runtime.alert_book.has_untold(chain, record.business_date, teller) for chain in chains):
            continue
        claim = runtime.ledger.claim(
            identity,
            record.business_date,
            request_id=record.request_id,
            schedule=record.schedule,
            scheduled_time=record.scheduled_time,
            force=False,
            day_is_over=True,
            audience=run.claim.held.audience,
            settings=runtime.settings_used,
        )
        if not isinstance(claim, Claim):
            continue  # it is alive, or was finished in this moment
        earlier = replace(run, request=replace(run.request, business_date=record.business_date), claim=claim)
        try:
            with claim:
                outcome = _check_date(earlier, check)
                reason = f"{outcome.reason} Made up for by run {run.claim.run_id}."
                claim.finish(
                    outcome.status,
                    reason=reason,
                    artifacts=outcome.artifacts,
                    notified=outcome.notified,
                    details=outcome.details,
                )
        except SalesFlowError as error:
            logger.warning("an earlier check is still untold", business_date=record.business_date, why=error.message)


def _judgement(run: Run[AnomalyCheckFields], check: _Check, day: date) -> Judgement:
    """The judgement of a date, made once."""
    if day not in check.judged:
        fields = run.request.fields
        check.judged[day] = judge(
            check.tables, day, scope=fields.scope, sku=check.sku, period=fields.period, policy=check.policy
        )
    return check.judged[day]


def _chains(fields: AnomalyCheckFields, sku: str | None) -> list[str]:
    if sku is not None:
        return [chain_of("product", fields.period, sku)]
    products = chain_of("products", fields.period)
    return [chain_of("shop", fields.period), products] if fields.scope is Scope.GLOBAL else [products]


def _teller(claim: Claim) -> str:
    return f"{claim.identity}|{claim.edition}"


# --- the product asked for, its stock, what was set aside ------------------------------------------------------------


def _product(
    fields: AnomalyCheckFields, products: pd.DataFrame, items: pd.DataFrame | None
) -> tuple[str | None, str | None]:
    """The SKU and the name of the one product asked for; Nones for a check of many. Raises UnknownProduct."""
    if fields.sku is None and fields.name is None:
        return None, None
    stock = None if items is None else dict(zip(items["sku"].astype(str), items["name"].astype(str), strict=True))
    return find_product(products, sku=fields.sku, name=fields.name, stock=stock)


def _stock(run: Run[AnomalyCheckFields], day: date) -> pd.DataFrame | None:
    """The stock at the close of the date, for the causes; None where it cannot be known. Alerts do not wait for it."""
    runtime = run.runtime
    kept = runtime.stock_history.read(day)
    if kept is not None:
        return kept.items
    if run.request.asked_on(runtime.settings.zone) - day > STOCK_AGE:
        return None
    source = runtime.source if run.deadline is None else runtime.source.with_deadline(run.deadline)
    try:
        return source.fetch_stock().items
    except SalesFlowError as error:
        logger.warning("the stock is not known", why=error.message)
        return None


def _set_aside(sync: SyncOutcome, first: date) -> int:
    return sum(1 for record in sync.set_aside if record.day is None or record.day >= first.isoformat())


# --- mail, answer and file -------------------------------------------------------------------------------------------


def _deliver(
    run: Run[AnomalyCheckFields],
    check: _Check,
    judgement: Judgement,
    entries: tuple[Entry, ...],
    left_out: int,
) -> "Mailed | None":
    """Mail the digest; None where it is for nobody."""
    # Mail has imports of its own, which a cold start need not pay for before there is something to mail.
    from salesflow.alerts.mail import MailFacts, compose_alert_mail
    from salesflow.jobs.mailing import Places, mail_of, tell

    claim, settings = run.claim, run.runtime.settings
    if not recipients_of(run.request.fields, settings):
        return None
    places, key = Places(claim.run_id), _key(run, check)
    has_links = run.runtime.links is not None
    text = compose_alert_mail(
        entries,
        MailFacts(
            business_date=run.request.business_date,
            period=run.request.fields.period,
            currency=settings.currency,
            timezone=settings.timezone,
            stack=settings.stack_name,
            data_as_of=_data_as_of(check, run.request.business_date),
            left_out=left_out,
            flagged=_flagged(judgement, entries),
            set_aside=check.set_aside,
            reference=claim.reference,
            run_id=claim.run_id,
            reply_to=settings.reply_to,
            shop=settings.shop_name,
            language=settings.language_code,
            link=(lambda entry: places.of(finding_thing(key, entry.key))) if has_links else None,
            stop=places.of(mails_thing(MailList.ALERTS)) if has_links else "",
        ),
    )
    return tell(run, mail_of(run, text, MailList.ALERTS, places=places))


def _key(run: Run[AnomalyCheckFields], check: _Check) -> str:
    """The key of the check's file."""
    return result_key(run.request.fields.scope, check.sku, run.request.fields.period, run.request.business_date)


def _flagged(judgement: Judgement, entries: Iterable[Entry]) -> int:
    """Findings of medium severity that the digest does not tell."""
    told = {entry.alert for entry in entries}
    return sum(1 for f in judgement.findings if f.event.severity is Severity.MEDIUM and f.id not in told)


def _data_as_of(check: _Check, day: date) -> datetime | None:
    known = check.tables.shop.loc[check.tables.shop["date"] <= pd.Timestamp(day), "last_sale"]
    return None if known.empty else known.max().to_pydatetime()


def _head(run: Run[AnomalyCheckFields], check: _Check) -> dict[str, Any]:
    settings, policy = run.runtime.settings, check.policy
    as_of = _data_as_of(check, run.request.business_date)
    return {
        **_scope_details(run, check),
        "business_date": run.request.business_date.isoformat(),
        "timezone": settings.timezone,
        "currency": settings.currency,
        "minor_digits": settings.money.digits,
        "data_as_of": None if as_of is None else as_of.isoformat(),
        "history_from": check.tables.known_from.isoformat(),
        "set_aside": check.set_aside,
        "policy": {
            "alerts_per_month": policy.alerts_per_month,
            "min_deviation": policy.min_deviation,
            "min_impact": policy.min_impact,
            "medium": settings.alert_medium,
            "top_products": settings.alert_top_products,
        },
        "version": salesflow.__version__,
    }


def _scope_details(run: Run[AnomalyCheckFields], check: _Check) -> dict[str, Any]:
    fields = run.request.fields
    return {"scope": fields.scope, "sku": check.sku, "name": check.name, "period": fields.period}


def _details(
    run: Run[AnomalyCheckFields],
    check: _Check,
    judgement: Judgement,
    entries: tuple[Entry, ...],
    told: list[Told],
    rules: Rules,
) -> dict[str, Any]:
    as_of, english = _data_as_of(check, run.request.business_date), Figures(run.runtime.settings.currency)
    by_severity = {
        severity.value: sum(1 for finding in judgement.findings if finding.event.severity is severity)
        for severity in (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    }
    medium = [f for f in judgement.findings if f.event.severity is Severity.MEDIUM and not rules.is_muted(f.subject)]
    for finding in judgement.findings:
        if finding.event.severity is Severity.LOW:
            logger.info("low anomaly", alert=finding.id, event=finding.event.type)
    return {
        **_scope_details(run, check),
        "state": judgement.result.state,
        "learning": judgement.result.learning,
        "findings": by_severity,
        "flagged": [sentence(f.event.statement, english) for f in medium[:20]],
        "told": [
            {"change": entry.change, "alert": entry.alert, "text": told_sentence(entry, english)}
            for entry in entries[:20]
        ],
        "open_alerts": sum(len(part.open) for part in told),
        "data_as_of": None if as_of is None else as_of.isoformat(),
        "set_aside": check.set_aside,
    }


_JOB = Job.of(ANOMALY_CHECK, _work, refuse_strangers)
