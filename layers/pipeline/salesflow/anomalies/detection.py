"""`detect`: one business date of a shop, judged by what came before it."""

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesflow.anomalies import wording
from salesflow.anomalies.calendar import classify_day, day_grid, missing_days, traded
from salesflow.anomalies.calibration import threshold_for
from salesflow.anomalies.causes import shop_causes
from salesflow.anomalies.engine import WEEKS
from salesflow.anomalies.model import Causes, DayState, DetectionResult, Event, EventType, Policy, Severity
from salesflow.anomalies.panel import PanelScores, score_panel

Floats = NDArray[np.float64]

SHOP_METRICS = ("revenue", "quantity", "transactions")
SHOP_REPLAY = 63
PRODUCT_REPLAY = 42
SAMPLE = 250
"""Days, and products at most, whose past scores calibrate the thresholds."""

MIN_SALES_DAYS = 6
"""Products that sold on fewer days in 26 weeks are not scored: one sale is their usual week's news."""

RARE_SHARE = 0.1
IMPACT_SHARE = 0.005
SHOP_SHARE = 0.25
HIGH_ABOVE = 1.5
SHIFT_DAYS = 3
STOPPED_P, STOPPED_DAYS = 1e-4, 3
PRICE_CHANGE = 0.25
SHOP_COLUMNS = ("date", "revenue", "quantity", "transactions", "first_sale", "last_sale")
PRODUCT_COLUMNS = ("date", "sku", "name", "quantity", "revenue", "transactions")


@dataclass(frozen=True)
class _Line:
    """One scored series on the business date, with its recent days (oldest first, today last)."""

    metric: str
    sku: str | None
    product: str | None
    value: float
    recent_scores: Floats
    recent_values: Floats
    expected: float
    lower: float
    upper: float
    profile: Floats
    level: float

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
) -> DetectionResult:
    """What was unusual on `business_date`, judged by the days before it; later rows are ignored.

    `shop`: one row a day: date, revenue (minor units), quantity, transactions, first_sale, last_sale (local times), and, where known,
    hourly revenue h00..h23. `products`: one row a day and SKU: date, sku, name, quantity, revenue (minor), transactions. Both may have
    `returned_quantity` and `returned_revenue` (positive, already taken off the others): then what was sold is judged, before returns, so
    that an order cancelled minutes later is seen. `data_as_of`: until when the source is complete. `stock`: pieces on hand, by SKU.

    Raises ValueError naming a missing column or a doubled day.
    """
    policy = policy or Policy()
    shop, products = (
        _gross(_require(shop, SHOP_COLUMNS, "shop")),
        _gross(_require(products, PRODUCT_COLUMNS, "products")),
    )
    day = pd.Timestamp(business_date)
    shop = shop[pd.to_datetime(shop["date"]) <= day]
    products = products[pd.to_datetime(products["date"]) <= day]
    holiday = policy.holidays.get(business_date)
    finding = classify_day(shop, business_date, holidays=policy.holidays, data_as_of=data_as_of)
    result = DetectionResult(business_date, finding.state, holiday, (), (), 1.0, np.inf, np.inf, False, 0, 0, 0)
    if finding.state in (DayState.STALE, DayState.CLOSED):
        return result
    if finding.state is DayState.MISSING:
        text = wording.explain_missing(business_date, finding.since)
        event = Event(
            f"shop/day/MISSING_DAY/{finding.since}", EventType.MISSING_DAY, Severity.HIGH, "day", finding.since,
            finding.since == business_date, text,
        )  # fmt: skip
        return replace(result, shop=(event,))
    partial: tuple[Event, ...] = ()
    if finding.state is DayState.PARTIAL:
        late = finding.cut_at < "12:00" and finding.usual_edge < finding.cut_at
        text = wording.explain_partial(
            business_date, cut_at=finding.cut_at, usual_edge=finding.usual_edge, late_start=late
        )
        partial = (
            Event(
                f"shop/day/PARTIAL_DAY/{business_date}",
                EventType.PARTIAL_DAY,
                Severity.MEDIUM,
                "day",
                business_date,
                True,
                text,
            ),
        )
    return _scored(shop, products, business_date, policy, stock or {}, result, partial)


def _scored(
    shop: pd.DataFrame,
    products: pd.DataFrame,
    business_date: date,
    policy: Policy,
    stock: dict[str, int],
    result: DetectionResult,
    partial: tuple[Event, ...],
) -> DetectionResult:
    grid = day_grid(shop, business_date)
    grid = grid.iloc[-(7 * WEEKS + SHOP_REPLAY) :]
    dates = grid.index.to_numpy().astype("datetime64[D]")
    unknown = grid.index.isin(pd.to_datetime(missing_days(shop, business_date, holidays=policy.holidays)))
    unknown |= (
        grid.index.isin(pd.to_datetime([d for d in policy.holidays if d < business_date])) & ~traded(grid).to_numpy()
    )
    widening = policy.holiday_widening if result.holiday else 1.0

    totals = grid[list(SHOP_METRICS)].fillna(0).to_numpy(dtype=float, copy=True).T
    totals[:, unknown] = np.nan
    replay = min(SHOP_REPLAY, len(dates))
    shop_scores = score_panel(totals, dates, evaluate_last=replay)
    worst = _row_max(shop_scores.scores[:, :-1])
    threshold_shop = threshold_for(
        worst[None, :], alerts_per_month=policy.alerts_per_month * SHOP_SHARE, tests=len(SHOP_METRICS)
    )

    table = _Products.build(products, grid, unknown)
    usual_revenue = float(np.nan_to_num(shop_scores.expected[0, -1]))
    for_products = policy
    if policy.min_impact is None:
        for_products = replace(policy, min_impact=round(IMPACT_SHARE * usual_revenue))
    thresholds, product_scores, recent = table.score(dates, for_products)
    lines = [_line(metric, None, None, totals[i], shop_scores, i, widening) for i, metric in enumerate(SHOP_METRICS)]
    upward_only = result.state is DayState.PARTIAL
    shop_events = _shop_events(lines, grid, policy, threshold_shop, upward_only, result.holiday, table, product_scores)
    product_events = _product_events(
        table, product_scores, recent, business_date, grid, for_products, thresholds, upward_only, widening, result.holiday, stock,
        usual_revenue,
    )  # fmt: skip
    muted = [e for e in product_events if e.sku in policy.muted]
    told = sorted((e for e in product_events if e.sku not in policy.muted), key=lambda e: (-abs(e.impact), e.key))
    loud = [e for e in told if e.severity is not Severity.LOW]
    quiet = [e for e in told if e.severity is Severity.LOW]
    kept = (loud + quiet)[: policy.top_k]
    factor = float(product_scores["quantity"].day_factor[-1]) if table.skus else 1.0
    return replace(
        result,
        shop=partial + shop_events,
        products=tuple(kept),
        day_factor=factor,
        threshold_shop=threshold_shop,
        threshold_products=thresholds,
        learning=bool(np.isnan(shop_scores.expected[:, -1]).all()),
        untold=len(told) - len(kept),
        muted=len(muted),
        products_scored=int(np.isfinite(product_scores["quantity"].scores[:, -1]).sum()) if table.skus else 0,
    )


@dataclass(frozen=True)
class _Products:
    """The products that are scored: rows in the order of `skus`; `quantity`, `revenue` [n_products, n_days], NaN on unknown days."""

    skus: list[str]
    names: list[str]
    quantity: Floats
    revenue: Floats
    baskets: Floats
    """Transactions of each product on the business date."""
    rare: pd.DataFrame
    """Sold today but too seldom to be scored: one row a SKU with name, quantity, revenue, and expected revenue of a trading day."""

    @classmethod
    def build(cls, products: pd.DataFrame, grid: pd.DataFrame, unknown: NDArray[np.bool_]) -> "_Products":
        start = grid.index[0]
        rows = products.assign(date=pd.to_datetime(products["date"]), sku=products["sku"].astype(str))
        rows = rows[(rows["date"] >= start) & (rows["sku"] != "")]
        recent = rows[(rows["date"] > grid.index[-1] - pd.Timedelta(weeks=WEEKS)) & (rows["quantity"] != 0)]
        days_sold = recent.groupby("sku")["date"].nunique()
        skus = sorted(days_sold.index[days_sold >= MIN_SALES_DAYS])
        seldom = rows[~rows["sku"].isin(skus)]
        per_sku = seldom[seldom["date"] < grid.index[-1]].groupby("sku")["revenue"].sum() / max(
            int(traded(grid).sum()), 1
        )
        rare = (
            seldom[seldom["date"] == grid.index[-1]]
            .groupby("sku")
            .agg(name=("name", "last"), quantity=("quantity", "sum"), revenue=("revenue", "sum"))
        )
        rare["expected"] = per_sku.reindex(rare.index).fillna(0.0)
        rows = rows[rows["sku"].isin(skus)]
        labels = rows.sort_values("date").groupby("sku")["name"].last().astype(str).to_dict()
        arrays = []
        for column in ("quantity", "revenue"):
            wide = rows.pivot_table(index="sku", columns="date", values=column, aggfunc="sum", observed=True)
            values = wide.reindex(index=skus, columns=grid.index).fillna(0).to_numpy(dtype=float, copy=True)
            values[:, unknown] = np.nan
            arrays.append(values)
        last = rows[rows["date"] == grid.index[-1]].groupby("sku")["transactions"].sum()
        baskets = last.reindex(skus).fillna(0).to_numpy(dtype=float)
        return cls(skus, [labels.get(s) or s for s in skus], arrays[0], arrays[1], baskets, rare)

    def score(
        self, dates: NDArray[np.datetime64], policy: Policy
    ) -> tuple[float, dict[str, PanelScores], dict[str, PanelScores]]:
        """Threshold, today's scores of all, and the recent scores of the sample (first) and of the flagged products.

        Recent scores have all rows, NaN where a product was not scored again.
        """
        metrics = {"quantity": (self.quantity, False), "revenue": (self.revenue, True)}
        n = len(self.skus)
        if n == 0:
            return np.inf, {}, {}
        today = {m: score_panel(v, dates, evaluate_last=1, money=money) for m, (v, money) in metrics.items()}
        loud = np.nanmax(np.abs(np.nan_to_num(np.stack([today[m].scores[:, 0] for m in metrics]))), axis=0) >= 2.0
        sample = np.zeros(n, dtype=bool)
        sample[np.linspace(0, n - 1, min(SAMPLE, n)).astype(int)] = True
        again = np.flatnonzero(sample | loud)
        days = min(PRODUCT_REPLAY, len(dates))
        recent: dict[str, PanelScores] = {}
        parts: dict[str, PanelScores] = {}
        for metric, (values, money) in metrics.items():
            part = score_panel(values[again], dates, evaluate_last=days, money=money)
            parts[metric] = part
            full = np.full((n, days), np.nan)
            full[again] = part.scores
            recent[metric] = replace(part, scores=full)
        past = np.fmax(np.abs(recent["quantity"].scores), np.abs(recent["revenue"].scores))[again]
        impact = np.zeros(past.shape)
        for metric, (values, _) in metrics.items():
            gap = values[again, -days:] - parts[metric].expected
            share = np.abs(gap) / np.maximum(parts[metric].expected, 1e-9)
            past = np.where(share < policy.min_deviation, np.where(np.isnan(past), np.nan, 0.0), past)
            impact = np.abs(gap) if metric == "revenue" else impact
        past = np.where(impact < (policy.min_impact or 0), np.where(np.isnan(past), np.nan, 0.0), past)
        past = past[sample[again], :-1]
        alerts = policy.alerts_per_month * (1 - SHOP_SHARE)
        scored = int(np.isfinite(today["quantity"].scores[:, 0]).sum())
        return threshold_for(past, alerts_per_month=alerts, series=max(scored, 1), tests=2), today, recent


def _line(
    metric: str,
    sku: str | None,
    product: str | None,
    values: Floats,
    scores: PanelScores,
    row: int,
    widening: float,
    recent: Floats | None = None,
) -> _Line:
    past = scores.scores[row] if recent is None else np.r_[recent[:-1], scores.scores[row, -1]]
    past = past.copy()
    past[-1] /= widening
    expected, lower, upper = (float(a[row, -1]) for a in (scores.expected, scores.lower, scores.upper))
    return _Line(
        metric, sku, product, float(values[-1]), past, values[-len(past) :], expected,
        max(expected - (expected - lower) * widening, 0.0), expected + (upper - expected) * widening,
        scores.profile[row, -1], float(scores.level[row, -1]),
    )  # fmt: skip


def _classify(line: _Line, dates: pd.DatetimeIndex, threshold: float) -> tuple[EventType, pd.Timestamp, str | None]:
    """Type, first day and (weekday break) the weekday whose level the day took."""
    today = dates[-1]
    sign = np.sign(line.score)
    # The run of days on the same side, passing over days that were not scored or on which the shop expects nothing.
    start, run = today, 0
    for back in range(len(line.recent_scores) - 1, -1, -1):
        z = line.recent_scores[back]
        if np.isnan(z) or (z == 0 and line.recent_values[back] == 0):
            continue
        if z * sign < 0.5 * threshold:
            break
        start, run = dates[len(dates) - len(line.recent_scores) + back], run + 1
    silent = line.value == 0 and line.expected > 0
    if run >= SHIFT_DAYS and not silent:
        return EventType.LEVEL_SHIFT, start, None
    if silent:
        return EventType.ZERO_DROP, start, None
    like = _other_weekday(line, today)
    if like is not None:
        return EventType.WEEKDAY_BREAK, today, like
    return (EventType.HIGH_SPIKE if sign > 0 else EventType.DROP), today, None


def _other_weekday(line: _Line, today: pd.Timestamp) -> str | None:
    """The weekday whose usual level the day took to within 10%, where that differs clearly (factor 1.5) from today's."""
    if line.expected < 20 or line.profile[0] <= 0:
        return None
    levels = line.expected * line.profile / line.profile[0]
    apart = np.where(levels > 0, np.abs(np.log(np.maximum(levels, 1e-9) / line.expected)), 0) > np.log(1.5)
    close = np.abs(line.value / np.maximum(levels, 1e-9) - 1)
    best = int(np.argmin(np.where(apart, close, np.inf)))
    if not apart[best] or close[best] > 0.10:
        return None
    return wording.WEEKDAYS[(today.day_of_week + best) % 7]


def _severity(score: float, threshold: float, deviation: float | None, impact: int, policy: Policy) -> Severity:
    if (deviation is not None and abs(deviation) < policy.min_deviation) or abs(impact) < (policy.min_impact or 0):
        return Severity.LOW
    return Severity.HIGH if abs(score) >= threshold + HIGH_ABOVE else Severity.MEDIUM


def _event(
    line: _Line, dates: pd.DatetimeIndex, policy: Policy, threshold: float, impact: int, holiday: str | None,
    causes: Causes | None = None, notes: tuple[str, ...] = (),
) -> Event:  # fmt: skip
    type_, since, like = _classify(line, dates, threshold)
    day = dates[-1].date()
    text = wording.explain(
        type_, day=day, since=since.date(), metric=line.metric, value=line.value, expected=line.expected,
        minor_digits=policy.minor_digits, product=line.product, like=like, holiday=holiday,
    )  # fmt: skip
    return Event(
        key=f"{line.sku or 'shop'}/{line.metric}/{type_}/{since.date()}",
        type=type_,
        severity=_severity(line.score, threshold, line.deviation, impact, policy),
        metric=line.metric,
        since=since.date(),
        is_new=since == dates[-1] or (type_ is EventType.LEVEL_SHIFT and int((dates >= since).sum()) <= SHIFT_DAYS),
        explanation=text,
        sku=line.sku,
        name=line.product,
        value=line.value,
        expected=line.expected,
        lower=line.lower,
        upper=line.upper,
        score=line.score,
        deviation=line.deviation,
        impact=impact,
        causes=causes,
        notes=notes,
    )


def _shop_events(
    lines: list[_Line], grid: pd.DataFrame, policy: Policy, threshold: float, upward_only: bool,
    holiday: str | None, table: _Products, product_scores: dict[str, PanelScores],
) -> tuple[Event, ...]:  # fmt: skip
    flagged = [
        line
        for line in lines
        if np.isfinite(line.score) and abs(line.score) >= threshold and not (upward_only and line.score < 0)
    ]
    if not flagged:
        return ()
    revenue, quantity, transactions = lines
    names = [_called(sku, name) for sku, name in zip(table.skus, table.names, strict=True)]
    names += [_called(str(sku), str(name)) for sku, name in table.rare["name"].items()]
    if table.skus:
        today = product_scores["revenue"]
        product_expected = today.expected[:, -1] / today.day_factor[-1]
        product_revenue = table.revenue[:, -1]
    else:
        product_expected = product_revenue = np.zeros(0)
    product_expected = np.r_[np.nan_to_num(product_expected), table.rare["expected"].to_numpy(dtype=float)]
    product_revenue = np.r_[product_revenue, table.rare["revenue"].to_numpy(dtype=float)]
    hour_columns = [f"h{h:02d}" for h in range(24)]
    hours, usual = np.zeros(24, dtype=np.int64), np.ones(24)
    if set(hour_columns) <= set(grid.columns):
        hours = grid[hour_columns].iloc[-1].fillna(0).to_numpy().astype(np.int64)
        past = (
            grid[traded(grid) & (pd.DatetimeIndex(grid.index).day_of_week == grid.index[-1].day_of_week)]
            .iloc[:-1]
            .iloc[-8:]
        )
        usual = past[hour_columns].fillna(0).to_numpy(dtype=float).clip(min=0).sum(axis=0)
    causes = shop_causes(
        round(revenue.value), revenue.expected, quantity=quantity.value, expected_quantity=quantity.expected,
        transactions=transactions.value, expected_transactions=transactions.expected, names=names,
        product_revenue=product_revenue, product_expected=product_expected, hours=hours, usual_hours=usual,
    )  # fmt: skip
    return tuple(
        _event(line, pd.DatetimeIndex(grid.index), policy, threshold, causes.difference, holiday, causes)
        for line in sorted(flagged, key=lambda line: SHOP_METRICS.index(line.metric))
    )


def _product_events(
    table: _Products, today: dict[str, PanelScores], recent: dict[str, PanelScores], business_date: date, grid: pd.DataFrame,
    policy: Policy, threshold: float, upward_only: bool, widening: float, holiday: str | None, stock: dict[str, int],
    shop_revenue: float,
) -> list[Event]:  # fmt: skip
    events = _rare_events(table, business_date, policy, shop_revenue)
    if not table.skus:
        return events
    open_days = traded(grid).to_numpy()
    factor = 1.0 if upward_only else float(today["quantity"].day_factor[-1])
    arrays = {"quantity": table.quantity, "revenue": table.revenue}
    scores = {m: np.nan_to_num(s.scores[:, -1]) / widening for m, s in today.items()}
    prices = _prices(table)
    stopped = _stopped(table, open_days) if not upward_only else {}
    for row, (sku, name) in enumerate(zip(table.skus, table.names, strict=True)):
        product = _called(sku, name)
        price, usual_price, low, high = (float(column[row]) for column in prices)
        if row in stopped:
            first, length, per_week = stopped[row]
            since = grid.index[first].date()
            impact = -round(per_week / 7 * np.nan_to_num(usual_price) * (len(grid) - first))
            text = wording.explain_stopped(product, since=since, days=length, per_week=per_week)
            severity = Severity.LOW if abs(impact) < (policy.min_impact or 0) else Severity.MEDIUM
            events.append(
                Event(
                    f"{sku}/quantity/STOPPED_SELLING/{since}", EventType.STOPPED_SELLING, severity, "quantity", since, True, text,
                    sku=sku, name=name, value=0.0, expected=per_week / 7, impact=impact, notes=_notes(sku, stock, factor, None, None),
                )
            )  # fmt: skip
            continue
        metric = max(arrays, key=lambda m: abs(scores[m][row]))
        if abs(scores[metric][row]) >= threshold and not (upward_only and scores[metric][row] < 0):
            line = _line(
                metric, sku, product, arrays[metric][row], today[metric], row, widening, recent[metric].scores[row]
            )
            gap = table.revenue[row, -1] - np.nan_to_num(today["revenue"].expected[row, -1])
            notes = _notes(sku, stock, factor, price, usual_price)
            events.append(
                _event(line, pd.DatetimeIndex(grid.index), policy, threshold, round(gap), holiday, None, notes)
            )
        elif (
            abs(scores["quantity"][row]) < 2
            and table.baskets[row] >= 2
            and abs(np.log(max(price, 1e-9) / max(usual_price, 1e-9))) > PRICE_CHANGE
            and not low / 1.1 <= price <= high * 1.1
            and np.isfinite(usual_price * price)
        ):
            impact = round((price - usual_price) * table.quantity[row, -1])
            text = wording.explain_price(product, price=price, usual=usual_price, minor_digits=policy.minor_digits)
            deviation = float(price / usual_price - 1)
            severity = _severity(threshold, threshold, deviation, impact, policy)
            events.append(
                Event(
                    f"{sku}/revenue/PRICE_CHANGE/{business_date}", EventType.PRICE_CHANGE, severity, "revenue", business_date,
                    True, text, sku=sku, name=name, value=float(table.revenue[row, -1]),
                    expected=float(usual_price * table.quantity[row, -1]), deviation=deviation, impact=impact,
                )
            )  # fmt: skip
    return events


def _rare_events(table: _Products, business_date: date, policy: Policy, shop_revenue: float) -> list[Event]:
    """Products without a history to score that made a tenth of the shop's usual revenue in one day."""
    events = []
    for sku, row in table.rare.iterrows():
        impact = round(row["revenue"] - row["expected"])
        if shop_revenue <= 0 or impact < RARE_SHARE * shop_revenue:
            continue
        product = _called(str(sku), str(row["name"]))
        severity = Severity.LOW if impact < (policy.min_impact or 0) else Severity.HIGH
        text = wording.explain_rare(product, day=business_date, quantity=float(row["quantity"]))
        events.append(
            Event(
                f"{sku}/quantity/HIGH_SPIKE/{business_date}", EventType.HIGH_SPIKE, severity, "quantity", business_date, True, text,
                sku=str(sku), name=product, value=float(row["quantity"]), expected=0.0, impact=impact,
            )
        )  # fmt: skip
    return events


def _called(sku: str, name: str) -> str:
    """Name (SKU); the SKU alone where it has no name."""
    return sku if name in ("", "None", "nan", sku) else f"{name} ({sku})"


def _notes(sku: str, stock: dict[str, int], factor: float, price: float | None, usual: float | None) -> tuple[str, ...]:
    notes = []
    if sku in stock and stock[sku] <= 0:
        notes.append("out of stock")
    if abs(factor - 1) >= 0.1:
        notes.append(
            f"the whole shop was {wording.change(factor - 1)} its usual level, which is already taken into account"
        )
    if price and usual and np.isfinite(price) and np.isfinite(usual) and abs(np.log(price / usual)) > 0.1:
        notes.append(f"average price {wording.change(price / usual - 1)} the usual")
    return tuple(notes)


def _prices(table: _Products) -> tuple[Floats, Floats, Floats, Floats]:
    """Today's price a piece; and the median, lowest and highest of the last 56 days with sales (NaN under five such days)."""
    sold = (np.nan_to_num(table.quantity) > 0) & (np.nan_to_num(table.revenue) > 0)
    price = np.where(sold, np.nan_to_num(table.revenue) / np.where(sold, table.quantity, 1.0), np.nan)
    usual, low, high = (np.full(len(price), np.nan) for _ in range(3))
    for row in np.flatnonzero(sold[:, -57:-1].sum(axis=1) >= 5):
        past = price[row, -57:-1][sold[row, -57:-1]]
        usual[row], low[row], high[row] = np.median(past), past.min(), past.max()
    return price[:, -1], usual, low, high


def _stopped(table: _Products, open_days: NDArray[np.bool_]) -> dict[int, tuple[int, int, float]]:
    """Products whose run of zeros became improbable (p0^n < 1e-4) on the last day: row to (first silent day, length, pieces a week).

    p0 is the share of silent trading days in the 26 weeks before the run.
    """
    found: dict[int, tuple[int, int, float]] = {}
    days = np.flatnonzero(open_days)
    if not len(days) or days[-1] != len(open_days) - 1:
        return found
    quantity = np.nan_to_num(table.quantity[:, days])
    for row in np.flatnonzero(quantity[:, -1] <= 0):
        sold = np.flatnonzero(quantity[row] > 0)
        if not len(sold):
            continue
        length = quantity.shape[1] - 1 - sold[-1]
        before = quantity[row, max(sold[-1] + 1 - 156, sold[0]) : sold[-1] + 1]
        if len(before) < 40:
            continue
        silent = ((before <= 0).sum() + 0.5) / (len(before) + 1)
        if length == max(int(np.floor(np.log(STOPPED_P) / np.log(silent))) + 1, STOPPED_DAYS):
            per_week = float(before.mean() * 7 * open_days.mean())
            found[int(row)] = (int(days[sold[-1] + 1]), int(length), per_week)
    return found


def _row_max(scores: Floats) -> Floats:
    """Largest |z| of each day over the rows [n_days]; NaN where none is known."""
    known = np.isfinite(scores)
    return np.where(known.any(axis=0), np.where(known, np.abs(scores), 0.0).max(axis=0), np.nan)


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
