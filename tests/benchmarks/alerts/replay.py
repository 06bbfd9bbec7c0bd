"""A shop replayed day after day through detection and lifecycle, as the job does it, and what of it was true."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Self

import numpy as np
import pandas as pd

from salesflow.alerts.judging import Tables, judgement_of
from salesflow.alerts.lifecycle import Alert, Change, Entry, Rules, advance, in_order, to_tell
from salesflow.alerts.wording import told_sentence
from salesflow.analytics.lines import SaleLines
from salesflow.detection import DetectionResult, Policy, detect_days
from salesflow.figures import Figures
from salesflow.findings.event import EventType
from salesflow.history.panel import panel_of
from salesflow.history.shop_days import returns_of, shop_days_of, with_returns
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
    tables: Tables,
    first: date,
    last: date,
    policies: Sequence[Policy],
    stock: Callable[[date], Mapping[str, int]] = lambda _: {},
) -> list[list[Telling]]:
    """What the alerts' own pipeline tells from `first` to `last` under each policy."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    results = list(detect_days(tables.shop, tables.products, days, policies, stock=stock))
    return [
        list(_told(tables, days, of_policy, policy))
        for of_policy, policy in zip(zip(*results, strict=True), policies, strict=True)
    ]


def _told(tables: Tables, days: list[date], results: Iterable[DetectionResult], policy: Policy) -> Iterator[Telling]:
    figures, rules = Figures("EUR"), Rules(mail_from=policy.alert_severity)
    open_alerts: list[tuple[Alert, ...] | None] = [None, None]
    waiting: list[tuple[Entry, ...]] = [(), ()]
    for day, result in zip(days, results, strict=True):
        judged = judgement_of(tables, result, scope=Scope.GLOBAL, sku=None, period=Period.DAILY)
        for place, one in enumerate((judged.shop_day, judged.products_day)):
            step = advance(open_alerts[place], one, rules)
            open_alerts[place] = step.alerts
            entries, waiting[place] = to_tell((*waiting[place], *step.entries), day, step)
            for e in in_order(entries):
                moved = e.statement.type is EventType.LEVEL_MOVED
                yield Telling(
                    (e.on - START).days, e.sku, e.change is Change.RESOLVED, e.sku is None or e.statement.type in OUTSIDE,
                    f"{e.change}: {told_sentence(e, figures)}", ((e.since or e.on) - START).days,
                    (e.statement.value or 0) / (e.statement.expected or 1) if moved else 0.0,
                )  # fmt: skip


@dataclass(frozen=True)
class Marks:
    """How a method did on a shop in `days`; of two replays, one added to the other.

    `of_products`, `of_shop`: openings; `true`: of both; `told` of `planted`; `in_time`: of these, within two days (slow ones: 14 open
    days); `delays` in days of what was told; `ends`, `untrue_ends`; `mails`; `missed`: what was not told, or too late.
    """

    days: int
    of_products: int
    of_shop: int
    true: int
    planted: int
    told: int
    in_time: int
    delays: tuple[int, ...]
    ends: int
    untrue_ends: int
    mails: int
    missed: tuple[str, ...]

    @property
    def openings(self) -> int:
        """What was told as new, or as worse."""
        return self.of_products + self.of_shop

    def a_month(self, number: int) -> float:
        """A number of all days as one of 30."""
        return 30 * number / self.days

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def marks(shop: Shop, told: list[Telling], days: int) -> Marks:
    """Openings against the planted events; an opening is true within an event, or as its consequence in the two days after it."""
    opened = [t for t in told if not t.ends]
    wanted = [p for p in shop.planted if p.told]
    first_told = [min((t.day - p.first for t in opened if _belongs(t, p)), default=None) for p in wanted]
    in_time = [delay is not None and delay <= _allowed(p) for p, delay in zip(wanted, first_told, strict=True)]
    delays = tuple(delay for delay in first_told if delay is not None)
    ends = [t for t in told if t.ends]
    return Marks(
        days,
        sum(not t.outside for t in opened),
        sum(t.outside for t in opened),
        sum(any(_belongs(t, p) for p in shop.planted) or _moved(shop, t) for t in opened),
        len(wanted),
        len(delays),
        sum(in_time),
        delays,
        len(ends),
        sum(not _is_over(shop, t) for t in ends),
        len({t.day for t in told}),
        tuple(p.what for p, soon in zip(wanted, in_time, strict=True) if not soon),
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
    sold = SaleLines.from_table(lines)
    return Tables(shop_days_of(sold), with_returns(panel_of(sold), returns_of(sold)), START)


def first_and_last(days: int) -> tuple[date, date]:
    """The days that are replayed."""
    return START + timedelta(days=LEARNT - 10), START + timedelta(days=days - 1)
