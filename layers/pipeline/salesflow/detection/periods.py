"""Weeks and months judged as a whole: sums of 7 or 28 days against the same sums before.

Slow declines and lumpy products, which no single day shows, show in sums. A "month" is the four weeks that end on the
business date, so that a month with five Saturdays or 31 days is no news. Each sum is compared with an exponentially
weighted mean of the sums before it (half-life `HALF_LIFE` sums), on a log scale; its spread is the median absolute
one-step error that this very forecast made in the past, so seasons and promotions widen it by themselves. Thresholds come
from `salesflow.detection.threshold_for`, as for days; the floors of the policy apply.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesflow.detection import DetectionResult, Policy, threshold_for
from salesflow.detection.reported import Back
from salesflow.detection.tails import nanmedian
from salesflow.detection.timeline import gross, kept_share
from salesflow.findings.event import DayState, Event, EventType, Note, NoteKind, Severity, Statement
from salesflow.windows import CHECK_DAYS, Period

Floats = npt.NDArray[np.float64]

HALF_LIFE = 4.0
MIN_PAST = 8
MOST_PAST = 52
HIGH_ABOVE = 1.5
SHOP_SHARE = 0.25
IMPACT_SHARE = 0.005
LEAST_SPREAD = 0.05
LEAST_THRESHOLD = 3.0
"""A sum is judged once a week or month, against few others: from fewer than 3 sigma nothing is said, whatever the budget."""

METRICS = ("revenue", "quantity", "transactions")


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of whole periods, oldest first, the last the one that is judged: [n_series, n_periods], before returns; `back`: what came back;

    `money_back` [n_series]: in money, of the last period; `ends`: the periods' last days.
    """

    values: Floats
    back: Floats
    money_back: Floats
    ends: tuple[date, ...]


class _Scores(NamedTuple):
    scores: Floats
    """[n_series, n_periods]; NaN where too few periods came before."""
    expected: Floats
    spread: Floats
    """[n_series], of the log of the last period."""


def detect_period(
    shop: pd.DataFrame,
    products: pd.DataFrame,
    business_date: date,
    period: Period,
    policy: Policy,
    *,
    known_from: date,
) -> DetectionResult:
    """What was unusual in the week or the four weeks that end on `business_date`.

    Tables as for `salesflow.detection.detect`: judged before returns, told with returns taken off as a report does. known_from: the first
    day that the history covers. Fewer than `MIN_PAST` whole periods before: learning, nothing is said.
    """
    shop, products = gross(shop), gross(products)
    length = CHECK_DAYS[period]
    count = min(((business_date - known_from).days + 1) // length, MOST_PAST + 1)
    result = DetectionResult(business_date, DayState.OPEN, None, (), (), 1.0, np.inf, np.inf, False, 0)
    if count < MIN_PAST + 1:
        return replace(result, learning=True)
    shop_sums = shop_sums_of(shop, business_date, length, count)
    scored = _score(shop_sums.values)
    worst = np.nanmax(np.abs(scored.scores[:, MIN_PAST:-1]), axis=0, initial=0)
    budget = policy.alerts_per_month * length  # scores come once a period, not once a day
    threshold = threshold_for(worst[None, :], alerts_per_month=budget * SHOP_SHARE, tests=len(METRICS))
    threshold = max(threshold, LEAST_THRESHOLD)
    shop_events = _events(
        [(metric, None, None) for metric in METRICS], shop_sums, scored, threshold, policy, period, shop_sums.values[0]
    )
    skus, names, quantity, revenue = product_sums_of(products, business_date, length, count)
    if not skus:
        return replace(result, shop=shop_events, threshold_shop=threshold)
    floor = policy.min_impact
    if floor is None:
        floor = round(IMPACT_SHARE * float(scored.expected[0, -1]))
    pieces, money = _score(quantity.values), _score(revenue.values)
    past = np.fmax(np.abs(pieces.scores), np.abs(money.scores))[:, MIN_PAST:-1]
    gap = np.abs(revenue.values - money.expected)[:, MIN_PAST:-1]
    past = np.where(np.isfinite(past) & (gap < floor), 0.0, past)
    product_threshold = threshold_for(past, alerts_per_month=budget * (1 - SHOP_SHARE), tests=2, series=len(skus))
    product_threshold = max(product_threshold, LEAST_THRESHOLD)
    louder = np.abs(np.nan_to_num(money.scores[:, -1])) > np.abs(np.nan_to_num(pieces.scores[:, -1]))
    events = [
        event
        for metric, sums, scores, rows in (("quantity", quantity, pieces, ~louder), ("revenue", revenue, money, louder))
        for event in _events(
            [(metric, sku, name) for sku, name in zip(skus, names, strict=True)],
            sums,
            scores,
            product_threshold,
            policy,
            period,
            revenue.values - money.expected,
            floor=floor,
            rows=rows,
        )
    ]
    events.sort(key=lambda event: (-abs(event.impact), event.key))
    return replace(
        result,
        shop=shop_events,
        products=tuple(events),
        threshold_shop=threshold,
        threshold_products=product_threshold,
        products_scored=len(skus),
    )


def shop_sums_of(shop: pd.DataFrame, business_date: date, length: int, count: int) -> Sums:
    """Revenue, quantity and transactions of the last `count` periods."""
    number, ends = _numbers(shop["date"], business_date, length, count)
    inside = (number >= 0) & (number < count)
    values, back = np.zeros((2, len(METRICS), count))
    for row, metric in enumerate(METRICS):
        for sums, column in ((values, metric), (back, f"returned_{metric}")):
            if column in shop:
                np.add.at(sums[row], number[inside], shop[column].to_numpy(dtype=float)[inside])
    return Sums(values, back, np.full(len(METRICS), back[0, -1]), ends)


def product_sums_of(
    products: pd.DataFrame, business_date: date, length: int, count: int
) -> tuple[list[str], list[str], Sums, Sums]:
    """SKUs that sold in at least `MIN_PAST` of the last `count` periods, their names, and sums of quantity and revenue."""
    number, ends = _numbers(products["date"], business_date, length, count)
    inside = (number >= 0) & (number < count) & (products["sku"].to_numpy() != "")
    rows = products[inside]
    code, skus = pd.factorize(rows["sku"], sort=True)
    sums = np.zeros((2, 2, len(skus), count))
    for row, metric in enumerate(("quantity", "revenue")):
        for part, column in enumerate((metric, f"returned_{metric}")):
            if column in rows:
                np.add.at(sums[row, part], (code, number[inside]), rows[column].to_numpy(dtype=float))
    kept = (sums[0, 0] > 0).sum(axis=1) >= MIN_PAST
    names = rows.drop_duplicates("sku", keep="last").set_index("sku")["name"]
    found = [str(sku) for sku in np.asarray(skus)[kept]]
    labels = [str(names[sku]) for sku in found]
    quantity, revenue = (Sums(of[0, kept], of[1, kept], sums[1, 1, kept, -1], ends) for of in sums)
    return found, labels, quantity, revenue


def _numbers(
    days: pd.Series, business_date: date, length: int, count: int
) -> tuple[npt.NDArray[np.int64], tuple[date, ...]]:
    """The number of each day's period, the judged one the last; and the periods' last days."""
    back = (np.datetime64(business_date, "D") - days.to_numpy().astype("datetime64[D]")).astype(np.int64)
    number = np.where(back < 0, -1, count - 1 - back // length)
    return number, tuple(business_date - timedelta(days=length * (count - 1 - n)) for n in range(count))


def _score(values: Floats) -> _Scores:
    """One-step errors of the weighted mean, as multiples of the spread that they had before."""
    n, periods = values.shape
    positive = np.maximum(values, 0)
    began = np.argmax(
        positive > 0, axis=1
    )  # what was not sold yet has no usual: nor has it one before it is eight periods old
    lived = np.arange(periods) >= began[:, None]
    offset = np.maximum(
        0.1 * positive.sum(axis=1, keepdims=True) / np.maximum(lived.sum(axis=1, keepdims=True), 1), 1e-9
    )
    level = np.log(positive + offset)
    decay = 0.5 ** (1 / HALF_LIFE)
    scores = np.full((n, periods), np.nan)
    expected = np.full((n, periods), np.nan)
    errors = np.full((n, periods), np.nan)
    spread = np.full(n, np.nan)
    for at in range(2, periods):
        weights = decay ** np.arange(at - 1, -1, -1) * lived[:, :at]
        known = at >= began + 2
        predicted = (level[:, :at] * weights).sum(axis=1) / np.where(known, weights.sum(axis=1), 1.0)
        expected[:, at] = np.where(known, np.maximum(np.exp(predicted) - offset[:, 0], 0), np.nan)
        errors[:, at] = np.where(known, level[:, at] - predicted, np.nan)
        if at >= MIN_PAST:
            deviations = 1.4826 * nanmedian(np.abs(errors[:, 2:at]))
            counting = 1 / np.sqrt(np.maximum(expected[:, at], 1.0)) if values.max(initial=0) < 1e5 else 0.0
            spread = np.maximum(np.maximum(deviations, LEAST_SPREAD), counting)
            scores[:, at] = np.where(at >= began + MIN_PAST, errors[:, at] / spread, np.nan)
            # What was an event then must not widen or lift what is expected now.
            clipped = np.clip(errors[:, at], -3 * spread, 3 * spread)
            level[:, at] = np.where(np.abs(errors[:, at]) > 3 * spread, predicted + clipped, level[:, at])
    return _Scores(scores, expected, spread)


def _events(
    series: list[tuple[str, str | None, str | None]],
    sums: Sums,
    scored: _Scores,
    threshold: float,
    policy: Policy,
    period: Period,
    gaps: Floats,
    *,
    floor: int | None = None,
    rows: npt.NDArray[np.bool_] | None = None,
) -> tuple[Event, ...]:
    """The series beyond the threshold. gaps: revenue above the expected [n_series, n_periods], or the shop's revenue [n_periods]."""
    end = sums.ends[-1]
    since = end - timedelta(days=CHECK_DAYS[period] - 1)
    found = []
    for row, (metric, sku, name) in enumerate(series):
        score = scored.scores[row, -1]
        if not np.isfinite(score) or abs(score) < threshold or (rows is not None and not rows[row]):
            continue
        value, expected = float(sums.values[row, -1]), float(scored.expected[row, -1])
        back = Back(float(sums.back[row, -1]), float(kept_share(sums.values[row, :-1], sums.back[row, :-1])))
        notes: tuple[Note, ...] = ()
        if back.tells_the_same(value, expected):
            value, expected = value - back.value, back.kept * expected
        else:
            notes = (Note(NoteKind.BEFORE_RETURNS, amount=round(float(sums.money_back[row]))),)
        deviation = value / expected - 1 if expected > 0 else None
        impact = round(float(gaps[row, -1] if gaps.ndim == 2 else gaps[-1] - scored.expected[0, -1]))
        least = (policy.min_impact or 0) if floor is None else floor
        small = abs(impact) < least or (deviation is not None and abs(deviation) < policy.min_deviation)
        severity = Severity.LOW if small else Severity.HIGH if abs(score) >= threshold + HIGH_ABOVE else Severity.MEDIUM
        type_ = EventType.HIGH_SPIKE if score > 0 else EventType.ZERO_DROP if value <= 0 else EventType.DROP
        lower, upper = (
            float(np.clip((expected + 1e-9) * np.exp(sign * threshold * scored.spread[row]), 0, None))
            for sign in (-1, 1)
        )
        said = Statement(type_, end, since, metric, sku, name, value, expected, days=CHECK_DAYS[period])
        found.append(
            Event(
                f"{sku or 'shop'}/{metric}/{type_}/{period}/{end}", type_, severity, metric, since, True, said, sku, name, value, expected,
                lower, upper, float(score), deviation, impact, notes=notes,
            )
        )  # fmt: skip
    return tuple(found)
