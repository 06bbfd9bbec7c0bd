"""Replays for the operator: which alerts a period would have sent, and how many a month at each sensitivity."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ops.complaints import Failed, Misused, NotFound
from salesflow.alerts.judging import HISTORY_DAYS, Tables, judgement_of, policy_of, rules_of
from salesflow.alerts.lifecycle import Alert, Change, Entry, advance, in_order, to_tell
from salesflow.alerts.wording import told_sentence
from salesflow.analytics.lines import SaleLines
from salesflow.detection import detect_days
from salesflow.errors import InvalidSettings
from salesflow.figures import Figures
from salesflow.history.coverage import Coverage, read_coverage
from salesflow.history.panel import DailyPanel, panel_of
from salesflow.history.shop_days import ShopDays, returns_of, shop_days_of, with_returns
from salesflow.history.stock import StockHistory
from salesflow.history.terms import Terms
from salesflow.holiday_dates import holiday_dates
from salesflow.job_events import Scope
from salesflow.s3 import ObjectStore
from salesflow.settings import AlertSettings
from salesflow.source.decode import decode_sales
from salesflow.windows import Period

if TYPE_CHECKING:
    from ops.target import Stack

USUAL_DAYS, LISTED_DAYS = 60, 7
MONTH_DAYS = 30


class Told(NamedTuple):
    """One thing that a mail would have said."""

    change: Change
    text: str


@dataclass(frozen=True, slots=True)
class Replay:
    """One sensitivity over a period of `days`: what would have been told, on each date that had something to tell."""

    alerts_per_month: float
    digests: tuple[tuple[date, tuple[Told, ...]], ...]
    days: int

    @property
    def mails(self) -> int:
        """How many mails each recipient would have got."""
        return len(self.digests)

    def count(self, change: Change) -> int:
        """How many alerts would have been told as opened, worse or resolved."""
        return sum(told.change is change for _, digest in self.digests for told in digest)

    def a_month(self, number: int) -> float:
        """A number of the period as one of 30 days."""
        return number * MONTH_DAYS / self.days


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """A shop's days from `first` to `last`, how its alerts are set, and which subjects are muted until when."""

    read: Callable[[date], Tables]
    """The days to judge by, for a period that begins then."""
    first: date
    last: date
    settings: AlertSettings
    mutes: Mapping[str, date] = field(default_factory=dict)
    stock: Callable[[date], Mapping[str, int]] = lambda _: {}
    """Pieces by SKU at the close of a day; empty where none were counted."""

    def listed(self) -> Collection[str]:
        """The SKUs of the product list, as of the newest stock of the last week; none where it is not known."""
        counts = (self.stock(self.last - timedelta(days=back)) for back in range(LISTED_DAYS))
        return next((count for count in counts if count), {})

    def period(self, first: date | None, last: date | None) -> tuple[date, date]:
        """The period asked for; without an end up to the last day, without a beginning 60 days long. Raises Misused."""
        until = last or self.last
        since = first or max(until - timedelta(days=USUAL_DAYS - 1), self.first)
        if since > until:
            raise Misused(f"--from {since} lies after --to {until}.", action="Turn them round.")
        if since < self.first or until > self.last:
            raise Failed(
                f"The sales are known from {self.first} to {self.last}, not for all of {since} to {until}.",
                action="Choose a period within.",
            )
        return since, until


def replay(
    past: Past,
    since: date,
    until: date,
    sensitivities: Sequence[float],
    *,
    judged: Callable[[date], object] = lambda _: None,
) -> tuple[Replay, ...]:
    """Judge day after day with the alerts of the day before in memory, exactly as the job does with the state table.

    One answer a sensitivity (`alerts_per_month`). As on a first deployment, what began before the first day is known and not told.
    `judged` is called with each day when it is done.
    """
    settings, tables = past.settings, past.read(since)
    holidays = holiday_dates(settings.holidays, range(tables.known_from.year, until.year + 1), settings.language_code)
    policy = policy_of(settings, holidays, one_product=False)
    policies = [replace(policy, alerts_per_month=one) for one in sensitivities]
    figures = Figures(settings.currency)
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    shop: list[tuple[Alert, ...] | None] = [None] * len(policies)
    products: list[tuple[Alert, ...] | None] = [None] * len(policies)
    waiting: list[tuple[Entry, ...]] = [()] * (2 * len(policies))
    digests: list[list[tuple[date, tuple[Told, ...]]]] = [[] for _ in policies]
    for day, results in zip(
        days,
        detect_days(tables.shop, tables.products, days, policies, stock=past.stock, stockouts=tables.stockouts),
        strict=True,
    ):
        rules = rules_of(settings, Period.DAILY, past.mutes, day)
        for number, result in enumerate(results):
            judgement = judgement_of(tables, result, scope=Scope.GLOBAL, sku=None, period=Period.DAILY)
            of_shop = advance(shop[number], judgement.shop_day, rules)
            of_products = advance(products[number], judgement.products_day, rules)
            shop[number], products[number] = of_shop.alerts, of_products.alerts
            told: list[Entry] = []
            for place, step in ((2 * number, of_shop), (2 * number + 1, of_products)):
                entries, waiting[place] = to_tell((*waiting[place], *step.entries), day, step)
                told += entries
            if entries := in_order(told):
                digests[number].append((day, tuple(_told(entry, figures) for entry in entries)))
        judged(day)
    return tuple(Replay(one, tuple(found), len(days)) for one, found in zip(sensitivities, digests, strict=True))


def past_of_sales(body: bytes, first: date, last: date, currency: str, said: Mapping[str, str]) -> Past:
    """The past that sales tell, given as the API answers them. `said` is as for `past_of_stack`. Raises Misused."""
    with _correcting():
        settings = AlertSettings.from_environment({"CURRENCY": currency, **said})
    batch = decode_sales(body, call="the file", minor_digits=settings.money.digits)
    lines = SaleLines.from_table(batch.lines, settings.day_ends_at)
    tables = Tables(shop_days_of(lines), with_returns(panel_of(lines), returns_of(lines)), first)
    return Past(lambda _: tables, first, last, settings)


def past_of_stack(stack: Stack, said: Mapping[str, str]) -> Past:
    """A stack's own history and settings. `said` are settings that have the last word, named as the functions' variables.

    Raises Misused, NotFound, and what looking things up raises.
    """
    from salesflow.alerts.book import AlertBook

    with _correcting():
        settings = stack.settings.overlaid({name.lower(): value for name, value in said.items()}, "What is said")
    store = stack.objects
    covered = read_coverage(store, "shop")
    if covered is None:
        raise NotFound(
            f"The stack {stack.name} has no history of sales yet.", action="Fetch it: `salesflow-ops run sync-history`."
        )
    mutes = AlertBook(stack.rows).mutes()
    terms = Terms(settings.money, stack.settings.timezone, settings.day_ends_at)
    kept = StockHistory(store, terms)

    def stock(day: date) -> Mapping[str, int]:
        snapshot = kept.read(day)
        return {} if snapshot is None else snapshot.pieces

    return Past(
        lambda since: _tables(store, terms, covered, since), covered.first, covered.last, settings, mutes, stock
    )


def _tables(store: ObjectStore, terms: Terms, covered: Coverage, since: date) -> Tables:
    first = max(covered.first, since - timedelta(days=HISTORY_DAYS))
    days, panel = ShopDays(store, terms), DailyPanel(store, terms)
    products = with_returns(panel.read(first, covered.last), days.read_returns(first, covered.last))
    shop = days.read(first, covered.last)
    return Tables(
        shop, products, first if shop.empty else max(first, shop["date"].min().date()),
        stockouts=StockHistory(store, terms).stockouts(),
    )  # fmt: skip


@contextmanager
def _correcting() -> Iterator[None]:
    """Around settings that options name. Raises Misused."""
    try:
        yield
    except InvalidSettings as error:
        raise Misused(error.message, action="Correct the option of that name, or the shop's setting.") from None


def _told(entry: Entry, figures: Figures) -> Told:
    return Told(entry.change, told_sentence(entry, figures))
