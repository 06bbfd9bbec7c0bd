"""A shop replayed day after day through detection and lifecycle, as the job does it, and what of it was true."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesflow.alerts.judging import Tables, judgement_of
from salesflow.alerts.lifecycle import Alert, Change, Entry, Rules, advance, in_order, to_tell
from salesflow.detection import Policy, detect_days
from salesflow.findings.event import DayState, EventType
from salesflow.job_events import Scope
from salesflow.windows import Period
from tests.benchmarks.alerts.shops import LEARNT, START, Planted, Shop, drift

OUTSIDE = {
    EventType.MISSING_DAY,
    EventType.PARTIAL_DAY,
    EventType.LEVEL_MOVED,
    EventType.RETURNS,
    EventType.UNUSUAL_MIX,
}


@dataclass(frozen=True)
class Telling:
    """What a method told: day (number since START), the subject (None: the whole shop), whether it ends something."""

    day: int
    sku: str | None
    ends: bool
    outside: bool
    text: str = ""
    since: int = 0
    level: float = 0.0
    """Of a new level: new over old."""


def tellings(
    tables: Tables, first: date, last: date, budget: float, stock: Callable[[date], Mapping[str, int]] = lambda _: {}
) -> list[Telling]:
    """What the alerts' own pipeline tells from `first` to `last` under a budget."""
    from salesflow.alerts.wording import told_sentence
    from salesflow.figures import Figures

    figures, rules, policy = Figures("EUR"), Rules(), Policy(alerts_per_month=budget)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    open_alerts: list[tuple[Alert, ...] | None] = [None, None]
    waiting: list[tuple[Entry, ...]] = [(), ()]
    told: list[Telling] = []
    for day, (result,) in zip(
        days, detect_days(tables.shop, tables.products, days, [policy], stock=stock), strict=True
    ):
        judged = judgement_of(tables, result, scope=Scope.GLOBAL, sku=None, period=Period.DAILY)
        for place, one in enumerate((judged.shop_day, judged.products_day)):
            step = advance(open_alerts[place], one, rules)
            open_alerts[place] = step.alerts
            entries, waiting[place] = to_tell((*waiting[place], *step.entries), day)
            told += [
                Telling(
                    (e.on - START).days, e.sku, e.change is Change.RESOLVED, e.sku is None or e.statement.type in OUTSIDE,
                    f"{e.change}: {told_sentence(e, figures)}", ((e.since or e.on) - START).days,
                    (e.statement.value or 0) / (e.statement.expected or 1) if e.statement.type is EventType.LEVEL_MOVED else 0.0,
                )
                for e in in_order(entries)
            ]  # fmt: skip
    return told


@dataclass(frozen=True)
class Marks:
    """How a method did on a shop. `a_month`: products' openings; `of_shop`: the whole shop's; `true`: of all openings; `told` of `planted`;

    `late`: told, but later than two days (slow: 14 open days); `ends`, `untrue_ends`; `mails` a month.
    """

    a_month: float
    of_shop: float
    openings: int
    true: int
    planted: int
    told: int
    in_time: int
    ends: int
    untrue_ends: int
    mails: float
    missed: tuple[str, ...]


def marks(shop: Shop, told: list[Telling], days: int) -> Marks:
    """Openings against the planted events; an opening is true within an event, or as its consequence in the two days after it."""
    opened = [t for t in told if not t.ends]
    true = sum(any(_belongs(t, p) for p in shop.planted) or _moved(shop, t) for t in opened)
    wanted = [p for p in shop.planted if p.told]
    delays = {id(p): min((t.day - p.first for t in opened if _belongs(t, p)), default=None) for p in wanted}
    found = [p for p in wanted if delays[id(p)] is not None]
    in_time = [p for p in found if (delays[id(p)] or 0) <= _allowed(p)]
    ends = [t for t in told if t.ends]
    month = days / 30
    return Marks(
        sum(not t.outside for t in opened) / month,
        sum(t.outside for t in opened) / month,
        len(opened),
        true,
        len(wanted),
        len(found),
        len(in_time),
        len(ends),
        sum(not _is_over(shop, t) for t in ends),
        len({t.day for t in told}) / month,
        tuple(p.what for p in wanted if p not in in_time),
    )


def _allowed(event: Planted) -> int:
    if event.what == "slow doubling":
        return 45  # it takes 40 days: 14 open days after it has grown by a half
    return 14 if event.slow else 2


def _belongs(telling: Telling, event: Planted) -> bool:
    inside = event.first <= telling.day <= event.last + 2
    return inside and event.told and (telling.sku is None or not event.skus or telling.sku in event.skus)


def _moved(shop: Shop, telling: Telling) -> bool:
    """Whether a level that is said to have moved did, by the season or the growth of the shop, in the twelve weeks before."""
    if not telling.level:
        return False
    now, before = (
        np.mean(
            [shop.level(None, day) * drift(shop.kind, day) for day in range(telling.day - since, telling.day - until)]
        )
        for since, until in ((13, -1), (83, 13))
    )
    return bool(abs(np.log(now / before)) > np.log(1.15) and (now > before) == (telling.level > 1))


def _is_over(shop: Shop, telling: Telling) -> bool:
    """Whether the true level on the day of an end is that of before."""
    now, before = (shop.level(telling.sku, day) for day in (telling.day, telling.since - 1))
    return before > 0 and abs(now / before - 1) < 0.2


def tables_of(lines: pd.DataFrame) -> Tables:
    """The tables that the job would have."""
    from salesflow.analytics.lines import SaleLines
    from salesflow.history.panel import panel_of
    from salesflow.history.shop_days import returns_of, shop_days_of, with_returns

    sold = SaleLines.from_table(lines)
    return Tables(shop_days_of(sold), with_returns(panel_of(sold), returns_of(sold)), START)


def first_and_last(days: int) -> tuple[date, date]:
    """The days that are replayed."""
    return START + timedelta(days=LEARNT - 10), START + timedelta(days=days - 1)


__all__ = ["DayState", "Marks", "Telling", "first_and_last", "marks", "tables_of", "tellings"]
