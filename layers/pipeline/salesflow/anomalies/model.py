"""What a detection says, as values: states, events, causes and the policy that rules which of them are told."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


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
    `muted`: SKUs never told. `top_k`: products told at most, by impact. `minor_digits`: decimal digits of the currency, for the wording.
    """

    alerts_per_month: float = 4.0
    min_deviation: float = 0.2
    min_impact: int | None = None
    holidays: dict[date, str] = field(default_factory=dict)
    holiday_widening: float = 1.5
    muted: frozenset[str] = frozenset()
    top_k: int = 10
    minor_digits: int = 2
    alert_severity: Severity = Severity.MEDIUM
    shop_share: float = 0.25

    def __post_init__(self) -> None:
        for name, value, low in (
            ("alerts_per_month", self.alerts_per_month, 0.05),
            ("min_deviation", self.min_deviation, 0.0),
            ("min_impact", self.min_impact or 0, 0),
            ("holiday_widening", self.holiday_widening, 1.0),
            ("top_k", self.top_k, 1),
            ("minor_digits", self.minor_digits, 0),
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
    explanation: str
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
    notes: tuple[str, ...] = ()
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
