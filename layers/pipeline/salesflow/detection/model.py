"""What rules a detection, and what one answers."""

from dataclasses import dataclass, field
from datetime import date

from salesflow.findings.event import DayState, Event, Severity


@dataclass(frozen=True)
class Policy:
    """How much the operator wants to hear.

    `alerts_per_month`: false alarms a month (30 days) to be expected in a healthy shop: new events of at least `alert_severity`,
    whatever found them; `shop_share` of them about the whole shop (all, if no product can be scored; what the floors leave of one part
    goes to the other). An event that goes on is one alert. `alert_severity` HIGH is for those who are only told of HIGH events: the
    number is then kept for these, and MEDIUM ones come on top. The floors `min_deviation` (share of the expected value) and
    `min_impact` (minor units; None: for products half a percent of the shop's usual revenue of the day) turn a smaller event into LOW.
    `holidays`: date to label; their intervals are `holiday_widening` times as wide, and a closed holiday is no missing day.
    """

    alerts_per_month: float = 4.0
    min_deviation: float = 0.2
    min_impact: int | None = None
    holidays: dict[date, str] = field(default_factory=dict)
    holiday_widening: float = 1.5
    alert_severity: Severity = Severity.MEDIUM
    shop_share: float = 0.25

    def __post_init__(self) -> None:
        for name, value, low in (
            ("alerts_per_month", self.alerts_per_month, 0.05),
            ("min_deviation", self.min_deviation, 0.0),
            ("min_impact", self.min_impact or 0, 0),
            ("holiday_widening", self.holiday_widening, 1.0),
        ):
            if not value >= low:
                raise ValueError(f"{name} must be at least {low}, not {value}")
        if not 0 <= self.shop_share <= 1:
            raise ValueError(f"shop_share must be between 0 and 1, not {self.shop_share}")


@dataclass(frozen=True)
class DetectionResult:
    """Everything found on one business date: `shop` events first, then `products` by impact.

    `day_factor`: the whole shop against what its products led to expect. `thresholds`: |z| from which the whole shop and a product are
    told. `learning`: too little history to score.
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
