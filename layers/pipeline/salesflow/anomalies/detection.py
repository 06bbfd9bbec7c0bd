"""`detect`: one business date of a shop, judged by what came before it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesflow.anomalies.budget import (
    SHOP_REPLAY,
    Thresholds,
    price_changes,
    product_floor,
    rare_sales,
    share_budget,
    stopped_products,
)
from salesflow.anomalies.calendar import DayFinding, classify_day, traded
from salesflow.anomalies.causes import shop_causes
from salesflow.anomalies.model import (
    Causes,
    DayState,
    DetectionResult,
    Event,
    EventType,
    Note,
    NoteKind,
    Policy,
    Severity,
    Statement,
)
from salesflow.anomalies.panel import DayScores
from salesflow.anomalies.timeline import SHOP_METRICS, WINDOW, ProductDay, Timeline

Floats = NDArray[np.float64]

RECENT = 28
"""Days that are looked back at for the first day of what is going on."""

SHIFT_DAYS = 3
SHOP_COLUMNS = ("date", "revenue", "quantity", "transactions", "first_sale", "last_sale")
PRODUCT_COLUMNS = ("date", "sku", "name", "quantity", "revenue", "transactions")


@dataclass(frozen=True)
class _Line:
    """One scored series on the business date, with its recent days (oldest first, today last)."""

    metric: str
    sku: str | None
    name: str | None
    value: float
    recent_scores: Floats
    recent_values: Floats
    expected: float
    lower: float
    upper: float
    profile: Floats

    @property
    def score(self) -> float:
        return float(self.recent_scores[-1])

    @property
    def deviation(self) -> float | None:
        return self.value / self.expected - 1 if self.expected > 0 else None


def detect(
    shop: pd.DataFrame,
    products: pd.DataFrame,
    business_date: date,
    policy: Policy | None = None,
    *,
    data_as_of: datetime | None = None,
    stock: dict[str, int] | None = None,
    skus: Collection[str] | None = None,
) -> DetectionResult:
    """What was unusual on `business_date`, judged by the days before it; later rows are ignored.

    `shop`: one row a day: date, revenue (minor units), quantity, transactions, first_sale, last_sale (local times), and, where known,
    hourly revenue h00..h23. `products`: one row a day and SKU: date, sku, name, quantity, revenue (minor), transactions. Both may have
    `returned_quantity` and `returned_revenue` (positive, already taken off the others): then what was sold is judged, before returns, so
    that an order cancelled minutes later is seen. `data_as_of`: until when the source is complete. `stock`: pieces on hand, by SKU.
    `skus`: tell of these products only; thresholds, day factor and the shop's own events still come from all.

    Raises ValueError naming a missing column or a doubled day.
    """
    days = detect_days(
        shop, products, [business_date], [policy or Policy()], data_as_of=data_as_of, stock=stock, skus=skus
    )
    return next(iter(days))[0]


def detect_days(
    shop: pd.DataFrame,
    products: pd.DataFrame,
    business_dates: Sequence[date],
    policies: Sequence[Policy],
    *,
    data_as_of: datetime | None = None,
    stock: dict[str, int] | None = None,
    skus: Collection[str] | None = None,
) -> Iterator[tuple[DetectionResult, ...]]:
    """`detect` on each date under each policy, one tuple a date: the same answers, at a fraction of the work of as many calls.

    For replays ("how many alerts a month at each sensitivity?"). The policies must agree on the holidays, which change the history.

    Raises ValueError as `detect` does, and for policies with different holidays.
    """
    shop, products = (
        _gross(_require(shop, SHOP_COLUMNS, "shop")),
        _gross(_require(products, PRODUCT_COLUMNS, "products")),
    )
    if not business_dates or not policies:
        return
    if any(p.holidays != policies[0].holidays for p in policies):
        raise ValueError("policies judged together must have the same holidays")
    until = max(business_dates)
    begin = pd.Timestamp(min(business_dates) - timedelta(days=WINDOW + SHOP_REPLAY + 7))
    shop = shop[pd.to_datetime(shop["date"]) <= pd.Timestamp(until)]
    line: Timeline | None = None
    for day in business_dates:
        finding = classify_day(shop, day, holidays=policies[0].holidays, data_as_of=data_as_of)
        if finding.state in (DayState.OPEN, DayState.PARTIAL) and line is None:
            line = Timeline(shop, products, until, policies[0].holidays, begin)
        yield tuple(_judged(line, day, finding, policy, stock or {}, skus) for policy in policies)


def _judged(
    line: Timeline | None,
    day: date,
    finding: DayFinding,
    policy: Policy,
    stock: dict[str, int],
    skus: Collection[str] | None,
) -> DetectionResult:
    result = DetectionResult(day, finding.state, policy.holidays.get(day), (), (), 1.0, np.inf, np.inf, False, 0, 0, 0)
    if finding.state is DayState.MISSING:
        said = Statement(EventType.MISSING_DAY, day, finding.since)
        event = Event(
            f"shop/day/MISSING_DAY/{finding.since}", EventType.MISSING_DAY, Severity.HIGH, "day", finding.since,
            finding.since == day, said, link="shop/day/down",
        )  # fmt: skip
        return replace(result, shop=(event,))
    if line is None or finding.state in (DayState.STALE, DayState.CLOSED):
        return result
    partial: tuple[Event, ...] = ()
    if finding.state is DayState.PARTIAL:
        late = finding.cut_at < "12:00" and finding.usual_edge < finding.cut_at
        said = Statement(
            EventType.PARTIAL_DAY, day, day, cut_at=finding.cut_at, usual_edge=finding.usual_edge, late_start=late
        )
        partial = (
            Event(
                f"shop/day/PARTIAL_DAY/{day}", EventType.PARTIAL_DAY, Severity.MEDIUM, "day", day, True, said,
                link="shop/day/down",
            ),
        )  # fmt: skip
    return _scored(line, line.position(day), policy, stock, skus, result, partial)


def _scored(
    line: Timeline,
    t: int,
    policy: Policy,
    stock: dict[str, int],
    skus: Collection[str] | None,
    result: DetectionResult,
    partial: tuple[Event, ...],
) -> DetectionResult:
    widening = policy.holiday_widening if result.holiday else 1.0
    upward_only = result.state is DayState.PARTIAL
    thresholds = share_budget(line, t, policy)
    recent_days = range(max(t + 1 - RECENT, 0), t + 1)
    recent = np.stack([d.scores for d in line.shop_days(recent_days)], axis=1)
    today = line.shop_days([t])[0]
    lines = [
        _line(metric, None, None, line.totals[row, recent_days], recent[row], today, row, widening)
        for row, metric in enumerate(SHOP_METRICS)
    ]
    scored = line.product_day(t)
    shop_events = _shop_events(line, t, lines, scored, policy, thresholds, upward_only, result.holiday)
    floor = product_floor(line, t, policy)
    for_products = replace(policy, min_impact=round(floor))
    product_events = _product_events(
        line, t, scored, for_products, thresholds, upward_only, widening, result.holiday, stock, skus
    )
    muted = [e for e in product_events if e.sku in policy.muted]
    told = sorted((e for e in product_events if e.sku not in policy.muted), key=lambda e: (-abs(e.impact), e.key))
    loud = [e for e in told if e.severity is not Severity.LOW]
    quiet = [e for e in told if e.severity is Severity.LOW]
    kept = (loud + quiet)[: policy.top_k]
    return replace(
        result,
        shop=partial + shop_events,
        products=tuple(kept),
        day_factor=scored.quantity.factor,
        threshold_shop=thresholds.shop,
        threshold_products=thresholds.products,
        learning=bool(np.isnan(today.expected).all()),
        untold=len(told) - len(kept),
        muted=len(muted),
        products_scored=int(np.isfinite(scored.quantity.scores).sum()),
    )


def _line(
    metric: str,
    sku: str | None,
    name: str | None,
    recent_values: Floats,
    recent_scores: Floats,
    today: DayScores,
    row: int,
    widening: float,
) -> _Line:
    past = recent_scores.copy()
    past[-1] = today.scores[row] / widening
    expected, lower, upper = (float(a[row]) for a in (today.expected, today.lower, today.upper))
    return _Line(
        metric, sku, name, float(recent_values[-1]), past, recent_values, expected,
        max(expected - (expected - lower) * widening, 0.0), expected + (upper - expected) * widening, today.profile[row],
    )  # fmt: skip


@dataclass(frozen=True)
class _Run:
    """Days on the same side up to today: the first, how many, and whether it was told before today."""

    since: pd.Timestamp
    days: int
    told_before: bool


def _run(line: _Line, dates: pd.DatetimeIndex, threshold: float) -> _Run:
    """The run of days beyond half the threshold on today's side; one quieter day does not end it, days that say nothing are passed over."""
    sign = np.sign(line.score)
    start, length, told, quiet = len(line.recent_scores) - 1, 0, False, 0
    for back in range(len(line.recent_scores) - 1, -1, -1):
        z = line.recent_scores[back]
        if np.isnan(z) or (z == 0 and line.recent_values[back] == 0):
            continue
        if z * sign < 0.5 * threshold:
            quiet += 1
            if quiet > 1 or z * sign < -0.5 * threshold:
                break
            continue
        start, length, quiet = back, length + 1, 0
        told |= back < len(line.recent_scores) - 1 and bool(z * sign >= threshold)
    return _Run(dates[len(dates) - len(line.recent_scores) + start], length, told)


def _classify(line: _Line, today: pd.Timestamp, run: _Run) -> tuple[EventType, int | None]:
    """Type and (weekday break) the weekday whose level the day took."""
    if line.value == 0 and line.expected > 0:
        return EventType.ZERO_DROP, None
    if run.days >= SHIFT_DAYS:
        return EventType.LEVEL_SHIFT, None
    like = _other_weekday(line, today)
    if like is not None:
        return EventType.WEEKDAY_BREAK, like
    return (EventType.HIGH_SPIKE if line.score > 0 else EventType.DROP), None


def _other_weekday(line: _Line, today: pd.Timestamp) -> int | None:
    """The weekday (0 Monday) whose usual level the day took to within 10%, where that differs clearly (factor 1.5) from today's."""
    if line.expected < 20 or line.profile[0] <= 0:
        return None
    levels = line.expected * line.profile / line.profile[0]
    apart = np.where(levels > 0, np.abs(np.log(np.maximum(levels, 1e-9) / line.expected)), 0) > np.log(1.5)
    close = np.abs(line.value / np.maximum(levels, 1e-9) - 1)
    best = int(np.argmin(np.where(apart, close, np.inf)))
    if not apart[best] or close[best] > 0.10:
        return None
    return (today.day_of_week + best) % 7


def _severity(score: float, high: float, deviation: float | None, impact: int, policy: Policy) -> Severity:
    if (deviation is not None and abs(deviation) < policy.min_deviation) or abs(impact) < (policy.min_impact or 0):
        return Severity.LOW
    return Severity.HIGH if abs(score) >= high else Severity.MEDIUM


def _event(
    line: _Line, dates: pd.DatetimeIndex, policy: Policy, thresholds: tuple[float, float], impact: int, holiday: str | None,
    causes: Causes | None = None, notes: tuple[Note, ...] = (),
) -> Event:  # fmt: skip
    """`thresholds`: |z| of MEDIUM and of HIGH."""
    run = _run(line, dates, thresholds[0])
    type_, like = _classify(line, dates[-1], run)
    day, since = dates[-1].date(), run.since.date()
    said = Statement(
        type_, day, since, line.metric, line.sku, line.name, line.value, line.expected, like=like, holiday=holiday
    )
    return Event(
        key=f"{line.sku or 'shop'}/{line.metric}/{type_}/{since}",
        type=type_,
        severity=_severity(line.score, thresholds[1], line.deviation, impact, policy),
        metric=line.metric,
        since=since,
        is_new=not run.told_before,
        statement=said,
        sku=line.sku,
        name=line.name,
        value=line.value,
        expected=line.expected,
        lower=line.lower,
        upper=line.upper,
        score=line.score,
        deviation=line.deviation,
        impact=impact,
        causes=causes,
        notes=notes,
        link=f"{line.sku or 'shop'}/{'sales' if line.sku else line.metric}/{'up' if line.score > 0 else 'down'}",
    )


def _shop_events(
    line: Timeline, t: int, lines: list[_Line], scored: ProductDay, policy: Policy, thresholds: Thresholds, upward_only: bool,
    holiday: str | None,
) -> tuple[Event, ...]:  # fmt: skip
    flagged = [
        one
        for one in lines
        if np.isfinite(one.score) and abs(one.score) >= thresholds.shop and not (upward_only and one.score < 0)
    ]
    if not flagged:
        return ()
    revenue, quantity, transactions = lines
    rare, rare_revenue, rare_expected = rare_sales(line, t)
    names = [_called(*line.called(int(p), t)) for p in (*scored.rows, *rare)]
    expected = np.r_[np.nan_to_num(scored.revenue.expected / scored.revenue.factor), rare_expected]
    actual = np.r_[np.nan_to_num(line.revenue[scored.rows, t]), rare_revenue]
    grid = line.grid.iloc[: t + 1]
    hour_columns = [f"h{h:02d}" for h in range(24)]
    hours, usual = np.zeros(24, dtype=np.int64), np.ones(24)
    if set(hour_columns) <= set(grid.columns):
        hours = grid[hour_columns].iloc[-1].fillna(0).to_numpy().astype(np.int64)
        same_weekday = pd.DatetimeIndex(grid.index).day_of_week == line.days[t].day_of_week
        past = grid[traded(grid) & same_weekday].iloc[:-1].iloc[-8:]
        usual = past[hour_columns].fillna(0).to_numpy(dtype=float).clip(min=0).sum(axis=0)
    causes = shop_causes(
        round(revenue.value), revenue.expected, quantity=quantity.value, expected_quantity=quantity.expected,
        transactions=transactions.value, expected_transactions=transactions.expected, names=names,
        product_revenue=actual, product_expected=expected, hours=hours, usual_hours=usual,
    )  # fmt: skip
    levels = (thresholds.shop, thresholds.shop_high)
    return tuple(_event(one, line.days[: t + 1], policy, levels, causes.difference, holiday, causes) for one in flagged)


def _product_events(
    line: Timeline, t: int, scored: ProductDay, policy: Policy, thresholds: Thresholds, upward_only: bool, widening: float,
    holiday: str | None, stock: dict[str, int], skus: Collection[str] | None,
) -> list[Event]:  # fmt: skip
    """Of every product, or of `skus`; a product is told for one reason: it stopped, sold unusually, or at another price."""
    day = line.days[t].date()
    factor = 1.0 if upward_only else scored.quantity.factor
    prices = line.prices(t)
    told: set[int] = set()

    def wanted(products: Iterable[int]) -> list[int]:
        fresh = [int(p) for p in products if int(p) not in told and (skus is None or line.skus[int(p)] in skus)]
        told.update(fresh)
        return fresh

    events = _rare_events(line, t, policy, thresholds, wanted)
    stopped = {} if upward_only else stopped_products(line, t, policy, thresholds)
    for product in wanted(stopped):
        first, length, a_week, impact = stopped[product]
        sku, name = line.called(product, t)
        since = line.days[first].date()
        said = Statement(
            EventType.STOPPED_SELLING, day, since, "quantity", sku, name, silent_days=length, a_week=a_week
        )
        severity = Severity.LOW if abs(impact) < (policy.min_impact or 0) else Severity.HIGH
        events.append(
            Event(
                f"{sku}/quantity/STOPPED_SELLING/{since}", EventType.STOPPED_SELLING, severity, "quantity", since, True, said,
                sku=sku, name=name, value=0.0, expected=a_week / 7, impact=impact, notes=_notes(sku, stock, factor, None, None),
                link=f"{sku}/sales/down",
            )
        )  # fmt: skip
    z = {m: np.nan_to_num(s) / widening for m, s in scored.score.items()}
    by_money = np.abs(z["revenue"]) > np.abs(z["quantity"])
    loudest = np.where(by_money, z["revenue"], z["quantity"])
    beyond = (np.abs(loudest) >= thresholds.products) & ~(upward_only & (loudest < 0))
    flagged = np.array(wanted(np.flatnonzero(beyond)), dtype=np.intp)
    if len(flagged):
        recent = line.recent(flagged, t, RECENT)
        place = {int(p): row for row, p in enumerate(scored.rows)}
        days = range(max(t + 1 - RECENT, 0), t + 1)
        for at, product in enumerate(flagged):
            metric, values, today = ("quantity", line.quantity, scored.quantity)
            if by_money[product]:
                metric, values, today = ("revenue", line.revenue, scored.revenue)
            sku, name = line.called(int(product), t)
            one = _line(
                metric, sku, name, values[product, days], recent[metric][at], today, place[int(product)], widening
            )  # fmt: skip
            gap = line.revenue[product, t] - np.nan_to_num(scored.expected["revenue"][product])
            notes = _notes(sku, stock, factor, float(prices.today[product]), float(prices.usual[product]))
            levels = (thresholds.products, thresholds.products_high)
            events.append(_event(one, line.days[: t + 1], policy, levels, round(gap), holiday, None, notes))
    changes = {c.product: c for c in price_changes(line, t, policy, scored) if c.excess >= thresholds.price}
    for product in wanted(changes):
        found = changes[product]
        severity = Severity.HIGH if found.excess >= thresholds.price_high else Severity.MEDIUM
        sku, name = line.called(product, t)
        said = Statement(
            EventType.PRICE_CHANGE, day, day, "revenue", sku, name, price=found.price, usual_price=found.usual
        )
        events.append(
            Event(
                f"{sku}/revenue/PRICE_CHANGE/{day}", EventType.PRICE_CHANGE, severity, "revenue", day, True, said,
                sku=sku, name=name, value=float(line.revenue[product, t]),
                expected=float(found.usual * line.quantity[product, t]), deviation=found.price / found.usual - 1,
                impact=round(found.impact), link=f"{sku}/price/{'up' if found.price > found.usual else 'down'}",
            )
        )  # fmt: skip
    return events


def _rare_events(
    line: Timeline, t: int, policy: Policy, thresholds: Thresholds, wanted: Callable[[Iterable[int]], list[int]]
) -> list[Event]:
    """Products without a history to score that made a tenth of the shop's usual revenue in one day."""
    rows, revenue, expected = rare_sales(line, t)
    usual = float(np.nan_to_num(line.shop_days([t])[0].expected[0]))
    impacts = {int(p): round(i) for p, i in zip(rows, revenue - expected, strict=True)}
    large = [p for p, impact in impacts.items() if usual > 0 and impact >= thresholds.rare_share * usual]
    day = line.days[t].date()
    events = []
    for product in wanted(large):
        sku, name = line.called(product, t)
        quantity = float(line.quantity[product, t])
        severity = Severity.LOW if impacts[product] < (policy.min_impact or 0) else Severity.HIGH
        said = Statement(EventType.HIGH_SPIKE, day, day, "quantity", sku, name, quantity, 0.0, seldom=True)
        events.append(
            Event(
                f"{sku}/quantity/HIGH_SPIKE/{day}", EventType.HIGH_SPIKE, severity, "quantity", day, True, said, sku=sku,
                name=name, value=quantity, expected=0.0, impact=impacts[product], link=f"{sku}/sales/up",
            )
        )  # fmt: skip
    return events


def _called(sku: str, name: str) -> str:
    """Name (SKU); the SKU alone where it has no name."""
    return sku if name in ("", "None", "nan", sku) else f"{name} ({sku})"


def _notes(
    sku: str, stock: dict[str, int], factor: float, price: float | None, usual: float | None
) -> tuple[Note, ...]:
    notes = []
    if sku in stock and stock[sku] <= 0:
        notes.append(Note(NoteKind.OUT_OF_STOCK))
    if abs(factor - 1) >= 0.1:
        notes.append(Note(NoteKind.SHOP_LEVEL, factor - 1))
    if price and usual and np.isfinite(price) and np.isfinite(usual) and abs(np.log(price / usual)) > 0.1:
        notes.append(Note(NoteKind.PRICE, price / usual - 1))
    return tuple(notes)


def _require(table: pd.DataFrame, columns: tuple[str, ...], what: str) -> pd.DataFrame:
    missing = [c for c in columns if c not in table]
    if missing:
        raise ValueError(f"{what} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
    return table


def _gross(table: pd.DataFrame) -> pd.DataFrame:
    """What was sold before returns, where the table says how much came back."""
    for column in ("quantity", "revenue"):
        if f"returned_{column}" in table:
            table = table.assign(**{column: table[column] + table[f"returned_{column}"].fillna(0)})
    return table
