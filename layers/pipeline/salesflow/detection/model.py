"""What a detection says, as values: states, events, causes and the policy that rules which of them are told."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Any, Self


class DayState(StrEnum):
    """What kind of day the business date was, before any statistics."""

    OPEN = "open"
    CLOSED = "closed"
    MISSING = "missing"
    PARTIAL = "partial"
    STALE = "stale"


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


class Severity(StrEnum):
    """LOW is logged, MEDIUM flagged, HIGH mailed."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


@dataclass(frozen=True)
class Policy:
    """How much the operator wants to hear.

    `alerts_per_month`: false alarms a month (30 days) to be expected in a healthy shop: new events of at least `alert_severity`,
    whatever found them; `shop_share` of them about the whole shop (all, if no product can be scored; what the floors leave of one part
    goes to the other). An event that goes on is one alert. `alert_severity` HIGH is for those who are only told of HIGH events: the
    number is then kept for these, and MEDIUM ones come on top. The floors `min_deviation` (share of the expected value) and
    `min_impact` (minor units; None: for products half a percent of the shop's usual revenue of the day) turn a smaller event into LOW.
    `holidays`: date to label; their intervals are `holiday_widening` times as wide, and a closed holiday is no missing day.
    `muted`: SKUs never told. `top_k`: products told at most, by impact.
    """

    alerts_per_month: float = 4.0
    min_deviation: float = 0.2
    min_impact: int | None = None
    holidays: dict[date, str] = field(default_factory=dict)
    holiday_widening: float = 1.5
    muted: frozenset[str] = frozenset()
    top_k: int = 10
    alert_severity: Severity = Severity.MEDIUM
    shop_share: float = 0.25

    def __post_init__(self) -> None:
        for name, value, low in (
            ("alerts_per_month", self.alerts_per_month, 0.05),
            ("min_deviation", self.min_deviation, 0.0),
            ("min_impact", self.min_impact or 0, 0),
            ("holiday_widening", self.holiday_widening, 1.0),
            ("top_k", self.top_k, 1),
        ):
            if not value >= low:
                raise ValueError(f"{name} must be at least {low}, not {value}")
        if not 0 <= self.shop_share <= 1:
            raise ValueError(f"shop_share must be between 0 and 1, not {self.shop_share}")


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
    product without a history to judge by. `gained`, `lost`: the hours that had a larger, and a smaller, part of a day than usual. What an
    event's type does not have keeps its default.
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

    def as_dict(self) -> dict[str, Any]:
        """As JSON values; what has its default is left out."""
        given = asdict(self)
        values = {one.name: given[one.name] for one in fields(self) if given[one.name] != one.default}
        days = {name: value.isoformat() for name, value in values.items() if isinstance(value, date)}
        return values | days | {"type": self.type.value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The statement that `as_dict` made these values of."""
        days = {name: date.fromisoformat(values[name]) for name in ("day", "since", "last_sold") if name in values}
        spans = {name: HourSpan(**values[name]) for name in ("gained", "lost") if name in values}
        return cls(**{**values, **days, **spans, "type": EventType(values["type"])})


class NoteKind(StrEnum):
    """What there is to know beside an event."""

    OUT_OF_STOCK = "out_of_stock"
    SHOP_LEVEL = "shop_level"
    """The whole shop was above or below its usual level, which is already taken into account."""
    PRICE = "price"
    """The average price was not the usual one."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know beside an event. `deviation`: of the shop's level or of the price (0.2 = 20% above the usual)."""

    kind: NoteKind
    deviation: float = 0.0


@dataclass(frozen=True)
class Event:
    """One finding. `metric` revenue|quantity|transactions|day; `sku` and `name` are None for the whole shop.

    `link` ("sku or shop/what/up or down") stays the same while the event goes on, whatever its type becomes: an alert's identity is its
    link, from the first day it is told until the first day it is not. `key` adds type and `since`, the event's first day. A spike that lasts
    becomes a LEVEL_SHIFT: same link, same `since`, other key. `is_new`: on no earlier day of this run was it told.
    `deviation` is a share of expected (-0.38 = 38% below). `impact` in minor units, signed. Money metrics are in minor units.
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
    link: str = ""


@dataclass(frozen=True)
class DetectionResult:
    """Everything found on one business date: `shop` events first, then `products` by impact.

    `day_factor`: the whole shop against what its products led to expect. `thresholds`: |z| from which the whole shop and a product are
    told. `learning`: too little history to score. `untold`: product events beyond `top_k`; `muted`: events of muted SKUs.
    """

    business_date: date
    state: DayState
    holiday: str | None
    shop: tuple[Event, ...]
    products: tuple[Event, ...]
    day_factor: float
    threshold_shop: float
    threshold_products: float
    learning: bool
    untold: int
    muted: int
    products_scored: int
