"""What was unusual of products: one reason each, whether it stopped, sold unusually, or at another price."""

from collections.abc import Callable, Collection, Iterable

import numpy as np

from salesflow.detection.budget import Thresholds, price_changes, rare_sales, stopped_products
from salesflow.detection.lines import RECENT, day_line, event_of
from salesflow.detection.model import Policy
from salesflow.detection.timeline import ProductDay, Timeline
from salesflow.findings.event import Event, EventType, Note, NoteKind, Severity, Statement


def product_events(
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
        silence = stopped[product]
        sku, name = line.called(product, t)
        since = line.days[silence.first].date()
        said = Statement(
            EventType.STOPPED_SELLING, day, since, "quantity", sku, name,
            silent_days=silence.days, last_sold=line.days[silence.last_sold].date(), a_week=silence.a_week,
        )  # fmt: skip
        severity = Severity.LOW if abs(silence.impact) < (policy.min_impact or 0) else Severity.HIGH
        events.append(
            Event(
                f"{sku}/quantity/STOPPED_SELLING/{since}", EventType.STOPPED_SELLING, severity, "quantity", since, True, said,
                sku=sku, name=name, value=0.0, expected=silence.a_week / 7, impact=silence.impact,
                notes=_notes(sku, stock, factor, None, None),
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
            one = day_line(
                metric, sku, name, values[product, days], recent[metric][at], today, place[int(product)], widening
            )  # fmt: skip
            gap = line.revenue[product, t] - np.nan_to_num(scored.expected["revenue"][product])
            notes = _notes(sku, stock, factor, float(prices.today[product]), float(prices.usual[product]))
            levels = (thresholds.products, thresholds.products_high)
            events.append(event_of(one, line.days[: t + 1], policy, levels, round(gap), holiday, None, notes))
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
                impact=round(found.impact),
            )
        )  # fmt: skip
    return events


def _rare_events(
    line: Timeline, t: int, policy: Policy, thresholds: Thresholds, wanted: Callable[[Iterable[int]], list[int]]
) -> list[Event]:
    """Products without a history to score that made a tenth of the shop's usual revenue in one day."""
    rows, revenue, expected = rare_sales(line, t)
    usual = line.usual_revenue(t)
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
                name=name, value=quantity, expected=0.0, impact=impacts[product],
            )
        )  # fmt: skip
    return events


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
