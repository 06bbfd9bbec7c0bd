"""What was found, as values: the event, its causes, and the statement that `salesflow.findings.wording` says in a language."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any, Self

import msgspec


class EventType(StrEnum):
    """What happened."""

    HIGH_SPIKE = "HIGH_SPIKE"
    DROP = "DROP"
    ZERO_DROP = "ZERO_DROP"
    LEVEL_SHIFT = "LEVEL_SHIFT"
    WEEKDAY_BREAK = "WEEKDAY_BREAK"
    STOPPED_SELLING = "STOPPED_SELLING"
    MISSING_DAY = "MISSING_DAY"
    PARTIAL_DAY = "PARTIAL_DAY"
    PRICE_CHANGE = "PRICE_CHANGE"
    UNUSUAL_MIX = "UNUSUAL_MIX"
    RETURNS = "RETURNS"
    LEVEL_MOVED = "LEVEL_MOVED"


class DayState(StrEnum):
    """What kind of day the business date was, before any statistics."""

    OPEN = "open"
    CLOSED = "closed"
    MISSING = "missing"
    PARTIAL = "partial"


class NoteKind(StrEnum):
    """What there is to know beside an event."""

    OUT_OF_STOCK = "out_of_stock"
    SHOP_LEVEL = "shop_level"
    """The whole shop was above or below its usual level, which is already taken into account."""
    PRICE = "price"
    """The average price was not the usual one."""
    ONE_SALE = "one_sale"
    """One sale made it."""
    NOT_LISTED = "not_listed"
    """The product list does not hold it any more."""
    RECORD = "record"
    """No day since `day` had as much."""
    BEFORE_RETURNS = "before_returns"
    """The figures are those before returns: so much came back on the day that it would tell another story."""


class Severity(StrEnum):
    """LOW is logged, MEDIUM flagged, HIGH mailed."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


OTHERS = "other products"
RETURNED = "sold and returned"
"""Contributions that are no product and no hour, but what is left."""


@dataclass(frozen=True)
class Contribution:
    """A part of a difference: `name` (a product, an hour, "customers", ...), and its share of it in minor units."""

    name: str
    amount: int


@dataclass(frozen=True)
class Causes:
    """Three ways to take the same revenue difference apart; each adds up to `difference` exactly (minor units)."""

    difference: int
    products: tuple[Contribution, ...]
    hours: tuple[Contribution, ...]
    price_volume: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class HourSpan:
    """Hours of a day (`first`, and the hour after the last), their share of its sales, and the share that is usual."""

    first: int
    end: int
    share: float
    usual: float


@dataclass(frozen=True, slots=True)
class Statement:
    """What is to be said of an event, as data: `wording.sentence` says it in a language.

    `day`: the date that was judged, `days` the length of the period that ends with it; `since`: the event's first day. `value` and
    `expected` in the unit of `metric` (minor units for revenue). `like`: the weekday (0 Monday) whose level the day took. `holiday`: what
    the day was. `cut_at`, `usual_edge`: when a partial day stops (`late_start`: starts), and usually does, as HH:MM. `silent_days`: trading
    days without a sale, after `last_sold`; `a_week`: pieces a week that are usual. `price`, `usual_price`: minor units a piece. `seldom`: a
    product without a history to judge by. `gained`, `lost`: the hours that had a larger, and a smaller, part of a day than usual. `stock`:
    pieces on hand of a product that stopped, None where unknown; `pieces`, `amount` (minor units): what it probably lost since, or what came
    back; `refunds`: sales that gave something back; `at`: time (HH:MM) of the largest refund, and `largest` its amount. What an event's type
    does not have keeps its default.
    """

    type: EventType
    day: date
    since: date
    metric: str = "day"
    sku: str | None = None
    name: str | None = None
    value: float | None = None
    expected: float | None = None
    days: int = 1
    like: int | None = None
    holiday: str | None = None
    cut_at: str = ""
    usual_edge: str = ""
    late_start: bool = False
    silent_days: int = 0
    last_sold: date | None = None
    a_week: float = 0.0
    price: float = 0.0
    usual_price: float = 0.0
    seldom: bool = False
    gained: HourSpan | None = None
    lost: HourSpan | None = None
    stock: int | None = None
    pieces: float = 0.0
    amount: int = 0
    refunds: int = 0
    at: str = ""
    largest: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As JSON values; what has its default is left out."""
        given: dict[str, Any] = msgspec.to_builtins(self, enc_hook=float)
        return {one.name: given[one.name] for one in fields(self) if getattr(self, one.name) != one.default}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The statement that `as_dict` made these values of; what another version says besides is passed over."""
        return msgspec.convert(values, cls)


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know beside an event. `deviation`: of the shop's level or of the price (0.2 = 20% above the usual).

    Of the one sale: its `pieces` (0: of many products), `amount` in minor units, and time `at` (HH:MM). Before returns: the `amount` that
    came back. `day`: of the older record; None:
    there was none in what is known.
    """

    kind: NoteKind
    deviation: float = 0.0
    pieces: int = 0
    amount: int = 0
    at: str = ""
    day: date | None = None


@dataclass(frozen=True)
class Event:
    """One finding. `metric` revenue|quantity|transactions|day; `sku` and `name` are None for the whole shop.

    `since`: the event's first day; a spike that lasts becomes a LEVEL_SHIFT with the same `since`. `key`: of what, which type, since
    when. `is_new`: on no earlier day of this run was it told.
    `deviation` is a share of expected (-0.38 = 38% below). `impact` in minor units, signed. Money metrics are in minor units.
    `within_budget`: one of the dearest that the month's alerts are for; others are kept in the file and not told, however severe.
    """

    key: str
    type: EventType
    severity: Severity
    metric: str
    since: date
    is_new: bool
    statement: Statement
    sku: str | None = None
    name: str | None = None
    value: float | None = None
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    score: float | None = None
    deviation: float | None = None
    impact: int = 0
    causes: Causes | None = None
    notes: tuple[Note, ...] = ()
    within_budget: bool = True
