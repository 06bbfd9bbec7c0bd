"""One budget of alerts a month, shared by the tests of the whole shop, the tests of the products, and the rules beside them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.calibration import LOWEST, MONTH, exceeded, record_threshold, silence_days, threshold_for
from salesflow.detection.model import Policy
from salesflow.detection.timeline import SHOP_METRICS, Ints, ProductDay, Timeline
from salesflow.findings.event import Severity

Floats = NDArray[np.float64]

SHOP_REPLAY, PRODUCT_REPLAY = 91, 42
"""Past days whose scores calibrate the thresholds."""

HIGH_ABOVE = 1.5
IMPACT_SHARE = 0.005
RARE_SHARE = 0.1
PRICE_CHANGE, PRICE_CHANGE_HIGH = 0.25, 0.69
"""|log ratio| to the usual price from which it is told, and (half or twice the price) from which it is HIGH."""

STOPPED_P, STOPPED_DAYS = 1e-4, 3
STOPPED_PART, PRICE_PART, RARE_PART, HOURS_PART = 0.10, 0.05, 0.05, 0.05
"""How much of the budget the rules may take."""

HOURS, HOURS_HIGH = 2.0, 3.0
"""Scores of a day's hours from which they are told, and from which they are HIGH."""

PRICE_SALES = 28
STOPPED_WINDOW, STOPPED_KNOWN = 156, 40
"""Trading days before the silence that say how often a product sells, and how many there must be."""


@dataclass(frozen=True)
class Thresholds:
    """From where on something is told. `shop`, `products`: |z| of MEDIUM, `_high` of HIGH; `price`: |log ratio| to the usual price;

    `price_high`, where it is HIGH; `rare_share`: of the shop's usual day; `silence`: trading days without a sale.
    """

    shop: float
    shop_high: float
    products: float
    products_high: float
    price: float
    price_high: float
    rare_share: float
    silence: "Silence"


@dataclass(frozen=True)
class Silence:
    """Products that can be said to have stopped: `rows`, after how many silent trading days (`needed`), how many it is now (`now`),

    and pieces a trading day before. `rate`: false alarms a month of saying so.
    """

    rows: Ints
    needed: Ints
    now: Ints
    a_day: Floats
    rate: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """A product that stopped selling. `first`: its first silent day, `last_sold`: the one on which it sold last (positions on the timeline);

    `days`: silent trading days; `a_week`: pieces that are usual; `impact`: money, negative, in minor units.
    """

    first: int
    last_sold: int
    days: int
    a_week: float
    impact: int


def share_budget(line: Timeline, t: int, policy: Policy) -> Thresholds:
    """Thresholds for day t, by the days before it, such that a healthy shop raises `policy.alerts_per_month` in all.

    The rules take what they need up to their parts; the tests of the shop take `policy.shop_share`; the tests of the products
    the rest, with what floors left unspent. If they cannot spend it either, it goes back to the shop.
    """
    budget = policy.alerts_per_month
    rows = line.scored_products(t)
    shop_past, product_past = _shop_past(line, t, policy), _product_past(line, t, policy)
    only_high = policy.alert_severity is Severity.HIGH

    silence = _silence(line, t, policy)
    past_days = range(max(t - PRODUCT_REPLAY, 0), t)
    price_past = np.array([_price_peak(line, d, policy) for d in past_days])
    rare_past = np.array([_rare_peak(line, d) for d in past_days])
    price = record_threshold(price_past, floor=PRICE_CHANGE, alerts_per_month=budget * PRICE_PART)
    price_high = record_threshold(price_past, floor=PRICE_CHANGE_HIGH, alerts_per_month=budget * PRICE_PART)
    rare_share = record_threshold(rare_past, floor=RARE_SHARE, alerts_per_month=budget * RARE_PART)
    rules = _a_month(rare_past, rare_share) + silence.rate + _a_month(price_past, price_high if only_high else price)
    told = (price, max(price, price_high), rare_share)

    def tests(scores: Floats, alerts: float, *, series: int, metrics: int) -> float:
        return threshold_for(scores, alerts_per_month=max(alerts, 0.02), series=series, tests=metrics)

    for_shop = budget * (policy.shop_share if len(rows) else 1.0)
    shop = tests(shop_past, for_shop, series=1, metrics=len(SHOP_METRICS))
    if not len(rows):
        return _thresholds(shop, np.inf, policy, told, silence)
    spent = min(exceeded(shop_past, shop), for_shop) if shop <= LOWEST else for_shop
    for_products = max(budget - rules - spent, 0.3 * budget)
    products = tests(product_past, for_products, series=len(rows), metrics=2)
    if products <= LOWEST and shop > LOWEST:
        left = for_products - min(exceeded(product_past, products, series=len(rows)), for_products)
        shop = tests(shop_past, for_shop + left, series=1, metrics=len(SHOP_METRICS))
    return _thresholds(shop, products, policy, told, silence)


def _thresholds(
    shop: float, products: float, policy: Policy, rules: tuple[float, float, float], silence: Silence
) -> Thresholds:
    """`rules`: price, price_high, rare_share."""
    if policy.alert_severity is Severity.HIGH:
        low = (max(shop - HIGH_ABOVE, LOWEST), max(products - HIGH_ABOVE, LOWEST))
        return Thresholds(low[0], shop, low[1], products, *rules, silence)
    return Thresholds(shop, shop + HIGH_ABOVE, products, products + HIGH_ABOVE, *rules, silence)


def _a_month(past: Floats, threshold: float) -> float:
    """Alerts a month of a rule: its past days above the threshold, and half a day more if it ever had anything to say."""
    if not len(past) or not (past > 0).any():
        return 0.0
    return float(((past >= threshold).sum() + 0.5) / (len(past) + 1) * MONTH)


def product_floor(line: Timeline, t: int, policy: Policy) -> float:
    """The smallest impact (minor units) of a product that is told on day t."""
    return float(policy.min_impact) if policy.min_impact is not None else IMPACT_SHARE * line.usual_revenue(t)


def _shop_past(line: Timeline, t: int, policy: Policy) -> Floats:
    """Largest |z| of the shop's totals on each past day, [1, days]: 0 below the floors, NaN where nothing was scored."""
    days = range(max(t - SHOP_REPLAY, 0), t)
    if not days:
        return np.full((1, 0), np.nan)
    scored = line.shop_days(days)
    z = np.abs(np.stack([s.scores for s in scored], axis=1))
    expected = np.stack([s.expected for s in scored], axis=1)
    values = line.totals[:, days.start : days.stop]
    small = np.abs(values / np.maximum(expected, 1e-9) - 1) < policy.min_deviation
    small |= np.abs(values[0] - expected[0]) < (policy.min_impact or 0)
    known = np.isfinite(z)
    worst = np.where(known & ~small, z, 0.0).max(axis=0)
    return np.where(known.any(axis=0), worst, np.nan)[None, :]


def _product_past(line: Timeline, t: int, policy: Policy) -> Floats:
    """Largest |z| of each sampled product on each past day, [products, days]: 0 below the floors, NaN where it was not scored."""
    days = range(max(t - PRODUCT_REPLAY, 0), t)
    if not days or not line.skus:
        return np.full((0, 0), np.nan)
    scored = line.sampled_days(days)
    floors = np.array([product_floor(line, d, policy) for d in days])
    at = slice(days.start, days.stop)
    z = {m: np.abs(np.stack([s.score[m] for s in scored], axis=1)) for m in ("quantity", "revenue")}
    expected = {m: np.stack([s.expected[m] for s in scored], axis=1) for m in ("quantity", "revenue")}
    away = {
        "quantity": np.abs(line.quantity[:, at] - expected["quantity"]) / np.maximum(expected["quantity"], 1e-9),
        "revenue": np.abs(line.revenue[:, at] - expected["revenue"]) / np.maximum(expected["revenue"], 1e-9),
    }
    by_money = z["revenue"] > z["quantity"]
    worst = np.where(by_money, z["revenue"], z["quantity"])
    deviation = np.where(by_money, away["revenue"], away["quantity"])
    impact = np.abs(line.revenue[:, at] - expected["revenue"])
    told = (deviation >= policy.min_deviation) & (impact >= floors)
    return np.where(np.isnan(worst), np.nan, np.where(told, worst, 0.0))


def _silence(line: Timeline, t: int, policy: Policy) -> Silence:
    """When a product's silence is no accident.

    A product that sells on a share s of its days begins a silence of n days with probability s (1-s)^n a day: with the same chance p for
    every product, a month has p x 30 x (sum of s) of them, over those whose silence would be worth the money. p is such that they take
    their part of the budget, and at most 1e-4.
    """
    none = np.zeros(0, dtype=np.intp)
    nothing = Silence(none, none, none, np.zeros(0), 0.0)
    trading = np.flatnonzero(line.busy[: t + 1])
    rows = line.scored_products(t)
    if not len(rows) or not len(trading) or trading[-1] != t:
        return nothing
    quantity = np.nan_to_num(line.quantity[np.ix_(rows, trading[-STOPPED_WINDOW:])])
    revenue = np.nan_to_num(line.revenue[np.ix_(rows, trading[-STOPPED_WINDOW:])])
    sold = quantity > 0
    now = np.argmax(sold[:, ::-1], axis=1)
    known = np.where(sold.any(axis=1), sold.shape[1] - now - np.argmax(sold, axis=1), 0)
    enough = np.flatnonzero(known >= STOPPED_KNOWN)
    if not len(enough):
        return nothing
    known, now, days_sold = known[enough], now[enough], sold[enough].sum(axis=1)
    share = days_sold / known
    worth = revenue[enough].sum(axis=1) / known * np.log(STOPPED_P) / np.log(np.clip(1 - share, 1e-3, 1 - 1e-3))
    told = worth >= product_floor(line, t, policy)
    a_month = MONTH * line.open[max(t - 55, 0) : t + 1].mean() * share[told].sum()
    alerts = policy.alerts_per_month * STOPPED_PART
    chance = float(np.clip(alerts / max(a_month, 1e-9), 1e-8, STOPPED_P))
    needed = np.maximum(silence_days(known - days_sold, known, chance), STOPPED_DAYS)
    return Silence(
        rows[enough], np.asarray(needed, dtype=np.intp), np.asarray(now, dtype=np.intp), quantity[enough].sum(axis=1) / known,
        chance * a_month,
    )  # fmt: skip


def stopped_products(line: Timeline, t: int, policy: Policy, thresholds: Thresholds) -> dict[int, Stopped]:
    """Products whose silence became too long on day t, told once."""
    found: dict[int, Stopped] = {}
    silence = thresholds.silence
    over = np.flatnonzero(silence.now >= silence.needed)
    if not len(over):
        return found
    trading = np.flatnonzero(line.busy[: t + 1])
    before = _silence(line, int(trading[-2]), policy)
    already = set(before.rows[before.now >= before.needed].tolist())
    open_share = float(line.open[max(t - 181, 0) : t + 1].mean())
    for at in over:
        product = int(silence.rows[at])
        if product in already:
            continue
        length = int(silence.now[at])
        first = int(trading[-length])
        a_week = float(silence.a_day[at]) * 7 * open_share
        sold = np.flatnonzero(np.nan_to_num(line.quantity[product, :first]) > 0)[-PRICE_SALES:]
        price = line.revenue[product, sold].sum() / line.quantity[product, sold].sum()
        impact = -round(a_week / 7 * price * (t + 1 - first))
        found[product] = Stopped(first, int(sold[-1]), length, a_week, impact)
    return found


def hours_severity(line: Timeline, t: int, policy: Policy) -> Severity | None:
    """How loudly the hours of day t are told, within their part of the budget; None: they were ordinary."""
    score = line.hour_mix(t).score
    if score < HOURS:
        return None
    past = np.array([line.hour_mix(d).score for d in range(max(t - SHOP_REPLAY, 0), t)])
    budget = policy.alerts_per_month * HOURS_PART
    least, high = (record_threshold(past, floor=floor, alerts_per_month=budget) for floor in (HOURS, HOURS_HIGH))
    if score < (least if policy.alert_severity is not Severity.HIGH else HOURS):
        return None
    return Severity.HIGH if score >= high else Severity.MEDIUM


@dataclass(frozen=True)
class PriceFinding:
    """A product whose pieces are as usual and whose price is not: `excess` = |log(price / usual)|."""

    product: int
    excess: float
    price: float
    usual: float
    impact: float


def price_changes(line: Timeline, t: int, policy: Policy, scored: ProductDay | None = None) -> list[PriceFinding]:
    """Products sold at least twice on day t at an average price 25% off the usual and outside all of the last eight weeks by 10%.

    `scored`: scores of the day, if those of the sample are not enough.
    """
    if not line.skus:
        return []
    day, scored = line.prices(t), scored or line.sampled_days([t])[0]
    known = np.flatnonzero(np.isfinite(day.usual) & np.isfinite(day.today) & (line.baskets[:, t] >= 2))
    price, usual = day.today[known], day.usual[known]
    away = np.abs(np.log(price / usual))
    ordinary = ~(np.abs(scored.score["quantity"][known]) >= 2)
    outside = (price < day.low[known] / 1.1) | (price > day.high[known] * 1.1)
    impact = (price - usual) * line.quantity[known, t]
    floor = product_floor(line, t, policy)
    found = ordinary & outside & (away > PRICE_CHANGE)
    found &= (np.abs(impact) >= floor) & (np.abs(price / usual - 1) >= policy.min_deviation)
    return [
        PriceFinding(int(known[i]), float(away[i]), float(price[i]), float(usual[i]), float(impact[i]))
        for i in np.flatnonzero(found)
    ]


def rare_sales(line: Timeline, t: int) -> tuple[Ints, Floats, Floats]:
    """Products that sold on day t but too seldom to be scored; their revenue, and that of an average trading day of the last months."""
    columns = slice(max(t - 245, 0), t)
    seldom = np.ones(len(line.skus), dtype=bool)
    seldom[line.scored_products(t)] = False
    rows = np.flatnonzero(seldom & (np.nan_to_num(line.quantity[:, t]) > 0))
    before = np.nansum(line.revenue[rows, columns], axis=1) / max(int(line.open[columns].sum()), 1)
    return rows, np.nan_to_num(line.revenue[rows, t]), before


def _rare_peak(line: Timeline, t: int) -> float:
    """The largest share of the shop's usual day that such a product brought on day t."""
    if t not in line.rare_peaks:
        _, revenue, expected = rare_sales(line, t)
        usual = line.usual_revenue(t)
        line.rare_peaks[t] = float((revenue - expected).max(initial=0.0) / usual) if usual > 0 else 0.0
    return line.rare_peaks[t]


def _price_peak(line: Timeline, t: int, policy: Policy) -> float:
    """The largest excess of a price change on day t."""
    key = (t, policy.min_impact, policy.min_deviation)
    if key not in line.price_peaks:
        line.price_peaks[key] = max((found.excess for found in price_changes(line, t, policy)), default=0.0)
    return line.price_peaks[key]
