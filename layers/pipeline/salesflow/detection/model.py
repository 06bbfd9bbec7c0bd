"""What rules a detection, and what one answers."""

from dataclasses import dataclass, field
from datetime import date

from salesflow.findings.event import DayState, Event, Severity


@dataclass(frozen=True)
class Policy:
    """How much the operator wants to hear.

    `alerts_per_month`: products' findings in a month (30 days) that are told, the dearest by money x surprise that the shop's own past
    had; findings of the whole shop stand outside it. `alert_severity`: the least severity that is told at all. The floors
    `min_deviation` (share of the expected value) and `min_impact` (minor units; None: none; 0: a product is measured by its own usual
    day, not by the shop's) turn a smaller event into LOW.
    `holidays`: date to label; their intervals are `holiday_widening` times as wide, and a closed holiday is no missing day.
    """

    alerts_per_month: float = 4.0
    min_deviation: float = 0.2
    min_impact: int | None = None
    holidays: dict[date, str] = field(default_factory=dict)
    holiday_widening: float = 1.5
    alert_severity: Severity = Severity.HIGH

    def __post_init__(self) -> None:
        for name, value, low in (
            ("alerts_per_month", self.alerts_per_month, 0.05),
            ("min_deviation", self.min_deviation, 0.0),
            ("min_impact", self.min_impact or 0, 0),
            ("holiday_widening", self.holiday_widening, 1.0),
        ):
            if not value >= low:
                raise ValueError(f"{name} must be at least {low}, not {value}")


@dataclass(frozen=True)
class DetectionResult:
    """Everything found on one business date: `shop` events first, then `products` by impact.

    `day_factor`: the whole shop against what its products led to expect. `threshold_shop`: |z| from which the whole
    shop is unusual; `threshold_products`: the weight (`stakes`) that a product's finding must exceed to be told; infinite where nothing
    came near enough to ask. `learning`: too little
    history to score.
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
    products_scored: int
