"""One date judged for one scope and period: detection, findings, and what the lifecycle needs to know of the day.

The job and the replay (`salesflow-ops simulate anomalies`) both judge through this, so that a replay tells the truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd

from salesflow.alerts.lifecycle import CLEAR_DAYS, Alert, JudgedDay, Rules
from salesflow.detection import DetectionResult, Policy, detect
from salesflow.detection.periods import detect_period
from salesflow.detection.timeline import gross
from salesflow.findings.event import DayState, Event, NoteKind, Severity
from salesflow.findings.subjects import SHOP, Facet, Finding, findings_of
from salesflow.job_events import Scope
from salesflow.settings import AlertSettings
from salesflow.windows import CHECK_DAYS, Period

HISTORY_DAYS = 26 * 7 + 91 + 21
"""What a daily judgement looks at: 26 weeks before each of the 91 days that set its thresholds, and three to catch up."""

COMPARED = 6

BACK_DAYS, BEFORE_DAYS, BACK_WITHIN = 4, 42, 0.25
"""The last days are compared with their weekdays in the six weeks before: within a quarter (half, for a product) they are back."""


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What is judged. shop: the shop's days; products: the daily panel with what came back; stock: pieces by SKU as last counted (also for

    a day that is made up for: it is told today); stockouts: when products were out of stock before (`salesflow.analytics.stockouts`).
    """

    shop: pd.DataFrame
    products: pd.DataFrame
    known_from: date
    stock: dict[str, int] = field(default_factory=dict)
    stockouts: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What a date came to. `findings` of the scope alone, the whole shop first, then products by money at stake."""

    result: DetectionResult
    findings: tuple[Finding, ...]
    shop_day: JudgedDay
    products_day: JudgedDay


def policy_of(settings: AlertSettings, holidays: dict[date, str], *, one_product: bool) -> Policy:
    """The detection's policy as the operator set it.

    `alerts_per_month` is what is mailed: HIGH findings alone, unless medium ones are mailed too. A minimum impact of 0 leaves products to
    the detection's own floor; a product asked for by name has none.
    """
    least = settings.money.to_minor(_exactly(settings.alert_min_impact)) if settings.alert_min_impact else None
    return Policy(
        alerts_per_month=settings.alerts_per_month,
        min_deviation=settings.alert_min_deviation_percent / 100,
        min_impact=0 if least is None and one_product else least,
        holidays=holidays,
        alert_severity=_mailed_from(settings),
    )


def rules_of(settings: AlertSettings, period: Period, mutes: Mapping[str, date], day: date) -> Rules:
    """Who is told of what on a date."""
    muted = {f"sku:{sku}" for sku in settings.muted_skus} | {s for s, until in mutes.items() if until >= day}
    return Rules(
        mail_from=_mailed_from(settings),
        top=settings.alert_top_products,
        clear_days=CLEAR_DAYS if period is Period.DAILY else 1,
        is_muted=muted.__contains__,
        mail_ends=settings.alert_ends == "mail",
    )


def _mailed_from(settings: AlertSettings) -> Severity:
    return Severity.MEDIUM if settings.alert_medium == "mail" else Severity.HIGH


def judge(tables: Tables, day: date, *, scope: Scope, sku: str | None, period: Period, policy: Policy) -> Judgement:
    """Judge one date, by the days before it."""
    if period is Period.DAILY:
        skus = None if sku is None else [sku]
        result = detect(
            tables.shop, tables.products, day, policy, stock=tables.stock, stockouts=tables.stockouts, skus=skus
        )
    else:
        result = detect_period(tables.shop, tables.products, day, period, policy, known_from=tables.known_from)
    return judgement_of(tables, result, scope=scope, sku=sku, period=period)


def judgement_of(
    tables: Tables, result: DetectionResult, *, scope: Scope, sku: str | None, period: Period
) -> Judgement:
    """What a detection means for the alerts of a scope."""
    day = result.business_date
    products = tuple(event for event in result.products if sku is None or event.sku == sku)
    shop = result.shop if scope is Scope.GLOBAL else ()
    result = replace(result, products=products, shop=shop)
    sold = _sold(tables, day)
    in_shop, of_products = findings_of(shop), findings_of(products)

    def recent(event: Event) -> tuple[tuple[str, float], ...]:
        return compared(tables, event, day, period)

    def is_back(alert: Alert) -> bool:
        return stands_as_before(tables, alert, day)

    def is_back_today(alert: Alert) -> bool:
        return stands_as_before(tables, alert, day, days=1)

    return Judgement(
        result,
        in_shop + of_products,
        JudgedDay(day, result.state, in_shop, sold, recent, is_back, is_back_today),
        JudgedDay(day, result.state, of_products, sold, recent, is_back, is_back_today),
    )


def stands_as_before(tables: Tables, alert: Alert, day: date, *, days: int = BACK_DAYS) -> bool:
    """Whether the sales of the last days stand where the same weekdays stood before an alert began: only then is it over."""
    by_day = _by_day(tables, alert.sku, alert.metric)
    before = [alert.since - timedelta(days=n) for n in range(1, BEFORE_DAYS + 1)]
    actual = usual = 0.0
    for back in range(days):
        one = day - timedelta(days=back)
        same = [by_day.get(pd.Timestamp(d), 0.0) for d in before if d.weekday() == one.weekday()]
        if one > alert.last_seen and same:
            actual, usual = actual + float(by_day.get(pd.Timestamp(one), 0.0)), usual + sum(same) / len(same)
    room = BACK_WITHIN if alert.sku is None else 2 * BACK_WITHIN
    return usual > 0 and 1 / (1 + room) <= actual / usual <= 1 + room


def _by_day(tables: Tables, sku: str | None, metric: str, *, net: bool = False) -> "pd.Series[float]":
    """A metric of the shop or of a product by day; before returns, unless `net`."""
    table = tables.shop if sku is None else tables.products[tables.products["sku"] == sku]
    metric = metric if metric in ("revenue", "quantity", "transactions") else "revenue"
    return (table if net else gross(table)).groupby("date")[metric].sum()


def unfinished(judgement: Judgement) -> Judgement:
    """The judgement of a day that is not over: only what is too much already; nothing is missing yet."""
    kept = tuple(f for f in judgement.findings if f.facet in (Facet.UP, Facet.PRICE))
    events = {id(finding.event) for finding in kept}
    result = replace(
        judgement.result,
        state=DayState.PARTIAL,
        shop=tuple(e for e in judgement.result.shop if id(e) in events),
        products=tuple(e for e in judgement.result.products if id(e) in events),
    )
    return replace(judgement, result=result, findings=kept)


def compared(tables: Tables, event: Event, day: date, period: Period) -> tuple[tuple[str, float], ...]:
    """ISO dates and values of the same weekdays (or of the periods) before, and of the day itself, the last one."""
    by_day = _by_day(
        tables, event.sku, event.metric, net=all(n.kind is not NoteKind.BEFORE_RETURNS for n in event.notes)
    )
    length = CHECK_DAYS.get(period, 1)
    step = 7 if period is Period.DAILY else length
    points = []
    for back in range(COMPARED, -1, -1):
        end = day - timedelta(days=step * back)
        first = end - timedelta(days=length - 1)
        if first >= tables.known_from:
            points.append((end.isoformat(), float(by_day.loc[pd.Timestamp(first) : pd.Timestamp(end)].sum())))
    return tuple(points)


def _sold(tables: Tables, day: date) -> dict[str, float]:
    rows = gross(tables.products[tables.products["date"] == pd.Timestamp(day)])
    sold = {str(sku): float(quantity) for sku, quantity in zip(rows["sku"], rows["quantity"], strict=True)}
    return sold | {SHOP: sum(sold.values())}


def _exactly(amount: float) -> Decimal:
    return Decimal(str(amount))
