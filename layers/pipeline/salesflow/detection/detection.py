"""`detect`: one business date of a shop, judged by what came before it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesflow.detection.budget import shop_threshold
from salesflow.detection.calendar import CUT_BY_CHANCE, DayFinding, classify_days
from salesflow.detection.levels import level_event, under_new_level
from salesflow.detection.lines import RECENT, day_line
from salesflow.detection.model import DetectionResult, Policy
from salesflow.detection.product_events import product_events
from salesflow.detection.reported import back_of_shop
from salesflow.detection.returns import returns_event
from salesflow.detection.shop_events import hours_event, shop_events
from salesflow.detection.stakes import MEDIUM_SCORE
from salesflow.detection.timeline import SHOP_METRICS, WINDOW, Timeline, gross
from salesflow.findings.event import DayState, Event, EventType, Severity, Statement

REPLAY_DAYS = 91

PARTIAL_SHARE = 0.3
"""Of the expected revenue: what an unfinished day lacks to be serious."""

SHOP_COLUMNS = ("date", "revenue", "quantity", "transactions", "first_sale", "last_sale")
PRODUCT_COLUMNS = ("date", "sku", "name", "quantity", "revenue", "transactions")


def detect(
    shop: pd.DataFrame,
    products: pd.DataFrame,
    business_date: date,
    policy: Policy | None = None,
    *,
    stock: Mapping[str, int] | None = None,
    stockouts: pd.DataFrame | None = None,
    skus: Collection[str] | None = None,
) -> DetectionResult:
    """What was unusual on `business_date`, judged by the days before it; later rows are ignored.

    `shop`: one row a day: date, revenue (minor units), quantity, transactions, first_sale, last_sale (local times), and, where known,
    hourly revenue h00..h23. `products`: one row a day and SKU: date, sku, name, quantity, revenue (minor), transactions. Both may have
    `returned_quantity` and `returned_revenue` (positive, already taken off the others): then what was sold is judged, before returns, so
    that an order cancelled minutes later is seen. `stock`: pieces on hand, by SKU. `stockouts` (`salesflow.analytics.stockouts`): days
    of the past on which a product could not be bought, and which say nothing of how it sells.
    `skus`: tell of these products only; thresholds, day factor and the shop's own events still come from all.

    Raises ValueError naming a missing column or a doubled day.
    """
    days = detect_days(
        shop, products, [business_date], [policy or Policy()],
        stock=lambda _: stock or {}, stockouts=stockouts, skus=skus,
    )  # fmt: skip
    return next(iter(days))[0]


def detect_days(
    shop: pd.DataFrame,
    products: pd.DataFrame,
    business_dates: Sequence[date],
    policies: Sequence[Policy],
    *,
    stock: Callable[[date], Mapping[str, int]] = lambda _: {},
    stockouts: pd.DataFrame | None = None,
    skus: Collection[str] | None = None,
) -> Iterator[tuple[DetectionResult, ...]]:
    """`detect` on each date under each policy, one tuple a date: the same answers, at a fraction of the work of as many calls.

    For replays ("how many alerts a month at each sensitivity?"). The policies must agree on the holidays, which change the history.
    `stock`: pieces on hand by SKU at the close of a date; empty where that is not known.

    Raises ValueError as `detect` does, and for policies with different holidays.
    """
    net = shop
    shop, products = (
        gross(_require(shop, SHOP_COLUMNS, "shop")),
        gross(_require(products, PRODUCT_COLUMNS, "products")),
    )
    if not business_dates or not policies:
        return
    if any(p.holidays != policies[0].holidays for p in policies):
        raise ValueError("policies judged together must have the same holidays")
    until = max(business_dates)
    begin = pd.Timestamp(min(business_dates) - timedelta(days=WINDOW + REPLAY_DAYS + 7))
    shop = shop[pd.to_datetime(shop["date"]) <= pd.Timestamp(until)]
    line: Timeline | None = None
    states = classify_days(shop, business_dates, holidays=policies[0].holidays)
    for day, finding in zip(business_dates, states, strict=True):
        if finding.state in (DayState.OPEN, DayState.PARTIAL) and line is None:
            line = Timeline(shop, products, until, policies[0].holidays, begin, stockouts)
        usual = _usual(net, day) if finding.state is DayState.MISSING else 0.0
        yield tuple(_judged(line, day, finding, policy, stock(day), skus, usual) for policy in policies)


def _usual(shop: pd.DataFrame, day: date) -> float:
    """The median of the weekday's last eight days with sales: what a day without any would have taken."""
    days = pd.to_datetime(shop["date"])
    same = shop[(days < pd.Timestamp(day)) & (days.dt.day_of_week == day.weekday()) & (shop["transactions"] > 0)]
    taken = same.sort_values("date")["revenue"].tail(8)
    return float(taken.median()) if len(taken) else 0.0


def _judged(
    line: Timeline | None,
    day: date,
    finding: DayFinding,
    policy: Policy,
    stock: Mapping[str, int],
    skus: Collection[str] | None,
    usual: float,
) -> DetectionResult:
    result = DetectionResult(day, finding.state, policy.holidays.get(day), (), (), 1.0, np.inf, np.inf, False, 0)
    if finding.state is DayState.MISSING:
        said = Statement(EventType.MISSING_DAY, day, finding.since, expected=usual if usual > 0 else None)
        chance = Severity.MEDIUM if finding.by_chance > CUT_BY_CHANCE else Severity.HIGH
        severity = Severity.LOW if finding.again else chance
        event = Event(
            f"shop/day/MISSING_DAY/{finding.since}", EventType.MISSING_DAY, severity, "day", finding.since,
            finding.since == day, said,
        )  # fmt: skip
        return replace(result, shop=(event,))
    if line is None or finding.state is DayState.CLOSED:
        return result
    t = line.position(day)
    partial: tuple[Event, ...] = ()
    if finding.state is DayState.PARTIAL:
        partial = (_partial(line, t, finding, result.holiday),)
    return _scored(line, t, policy, stock, skus, result, partial)


def _partial(line: Timeline, t: int, finding: DayFinding, holiday: str | None) -> Event:
    """A day that stops or starts hours away from the usual: serious where the money is missing too, it is no holiday, and no new habit."""
    day = line.days[t].date()
    value, expected = float(line.totals[0, t]), float(np.nan_to_num(line.shop_days([t])[0].expected[0]))
    missing = min(value - expected, 0.0)
    serious = holiday is None and -missing >= PARTIAL_SHARE * expected > 0
    back = back_of_shop(line, t)["revenue"]  # judged before returns, told as a report has it
    said = Statement(
        EventType.PARTIAL_DAY, day, day, value=value - back.value, expected=back.kept * expected or None,
        cut_at=finding.cut_at, usual_edge=finding.usual_edge, late_start=finding.late_start,
    )  # fmt: skip
    severity = Severity.LOW if finding.again else Severity.HIGH if serious else Severity.MEDIUM
    key = f"shop/day/PARTIAL_DAY/{day}"
    return Event(key, EventType.PARTIAL_DAY, severity, "day", day, True, said, impact=round(missing))


def _scored(
    line: Timeline,
    t: int,
    policy: Policy,
    stock: Mapping[str, int],
    skus: Collection[str] | None,
    result: DetectionResult,
    partial: tuple[Event, ...],
) -> DetectionResult:
    given_back = returns_event(line, t, policy)
    today = line.shop_days([t])[0]
    if np.isnan(today.expected).all():
        return replace(result, shop=partial + given_back, learning=True)
    widening = policy.holiday_widening if result.holiday else 1.0
    upward_only = result.state is DayState.PARTIAL
    recent_days = range(max(t + 1 - RECENT, 0), t + 1)
    recent = np.stack([d.scores for d in line.shop_days(recent_days)], axis=1)
    lines = [
        day_line(metric, None, None, line.totals[row, recent_days], recent[row], today, row, widening)
        for row, metric in enumerate(SHOP_METRICS)
    ]
    near = any(
        abs(one.evidence) >= MEDIUM_SCORE for one in lines
    )  # below it nothing is told, whatever the days before were
    threshold = shop_threshold(line, t, policy) if near else np.inf
    scored = line.product_day(t)
    of_shop = shop_events(line, t, lines, scored, policy, threshold, upward_only, result.holiday)
    usually_open, quiet = today.expected[0] > 0, all(e.severity is Severity.LOW for e in of_shop)
    if result.state is DayState.OPEN and result.holiday is None and quiet and usually_open:
        of_shop += hours_event(line, t)
    of_products, least = list[Event](), np.inf
    # What is sold on a weekday on which the shop usually does not trade is one fact of the shop, and none of its products.
    if usually_open or not line.totals[0, t] > 0:
        of_products, least = product_events(
            line, t, scored, policy, upward_only, result.holiday, stock, skus, () if skus is not None else of_shop
        )
    of_products.sort(key=lambda e: (e.severity is Severity.LOW, -abs(e.impact), e.key))
    moved = level_event(line, t, policy) if result.state is DayState.OPEN else ()
    return replace(
        result,
        shop=partial + under_new_level(line, t, of_shop, moved) + given_back + moved,
        products=tuple(of_products),
        day_factor=scored.quantity.factor,
        threshold_shop=threshold,
        threshold_products=least,
        products_scored=int(np.isfinite(scored.quantity.scores).sum()),
    )


def _require(table: pd.DataFrame, columns: tuple[str, ...], what: str) -> pd.DataFrame:
    missing = [c for c in columns if c not in table]
    if missing:
        raise ValueError(f"{what} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
    return table
