"""One scored series on the business date, and the event that it is: type, first day, severity."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesflow.detection.panel import DayScores
from salesflow.findings.event import Causes, Event, EventType, Note, Severity, Statement

Floats = NDArray[np.float64]

SHIFT_DAYS = 3
LASTING, LASTING_SCORE = 3, 1.5
RECENT = 28
"""Days that are looked back at for the first day of what is going on."""

RUN_SCORE = 1.5
"""Days belong to a run from half the threshold on, and from this |z| at least: a shift of level is not made of ordinary days."""


@dataclass(frozen=True)
class DayLine:
    """One scored series on the business date, with its recent days (oldest first, today last)."""

    metric: str
    sku: str | None
    name: str | None
    value: float
    recent_scores: Floats
    recent_values: Floats
    expected: float
    lower: float
    upper: float
    profile: Floats

    @property
    def score(self) -> float:
        return float(self.recent_scores[-1])

    @property
    def evidence(self) -> float:
        """The day's z, or that of the last three days together where all three lie on one side: a shift shows in them before in any one."""
        last = self.recent_scores[np.isfinite(self.recent_scores) & (self.recent_values != 0)][-LASTING:]
        together = float(last.sum() / np.sqrt(LASTING)) if len(last) == LASTING else 0.0
        lasts = len(last) == LASTING and bool((last * np.sign(together) >= LASTING_SCORE).all())
        return together if lasts and together * self.score > 0 and abs(together) > abs(self.score) else self.score

    @property
    def deviation(self) -> float | None:
        return self.value / self.expected - 1 if self.expected > 0 else None


def day_line(
    metric: str,
    sku: str | None,
    name: str | None,
    recent_values: Floats,
    recent_scores: Floats,
    today: DayScores,
    row: int,
    widening: float,
) -> DayLine:
    """Row `row` of a day's scores; `widening`: of a holiday's interval."""
    past = recent_scores.copy()
    past[-1] = today.scores[row] / widening
    expected, lower, upper = (float(a[row]) for a in (today.expected, today.lower, today.upper))
    return DayLine(
        metric, sku, name, float(recent_values[-1]), past, recent_values, expected,
        max(expected - (expected - lower) * widening, 0.0), expected + (upper - expected) * widening, today.profile[row],
    )  # fmt: skip


@dataclass(frozen=True)
class _Run:
    """Days on the same side up to today: the first, how many, and whether it was told before today."""

    since: pd.Timestamp
    days: int
    told_before: bool


def _run(line: DayLine, dates: pd.DatetimeIndex, threshold: float) -> _Run:
    """The run of days beyond half the threshold on today's side; one quieter day does not end it, days that say nothing are passed over."""
    sign = np.sign(line.score)
    least = max(0.5 * threshold, RUN_SCORE)
    start, length, told, quiet = len(line.recent_scores) - 1, 0, False, 0
    for back in range(len(line.recent_scores) - 1, -1, -1):
        z = line.recent_scores[back]
        if np.isnan(z) or (z == 0 and line.recent_values[back] == 0):
            continue
        if z * sign < least:
            quiet += 1
            if quiet > 1 or z * sign < -least:
                break
            continue
        start, length, quiet = back, length + 1, 0
        told |= back < len(line.recent_scores) - 1 and bool(z * sign >= threshold)
    return _Run(dates[len(dates) - len(line.recent_scores) + start], length, told)


def _classify(line: DayLine, today: pd.Timestamp, run: _Run) -> tuple[EventType, int | None]:
    """Type and (weekday break) the weekday whose level the day took."""
    if line.value == 0 and line.expected > 0:
        return EventType.ZERO_DROP, None
    if run.days >= SHIFT_DAYS:
        return EventType.LEVEL_SHIFT, None
    like = _other_weekday(line, today)
    if like is not None:
        return EventType.WEEKDAY_BREAK, like
    return (EventType.HIGH_SPIKE if line.score > 0 else EventType.DROP), None


def _other_weekday(line: DayLine, today: pd.Timestamp) -> int | None:
    """The weekday (0 Monday) whose usual level the day took to within 10%, where that differs clearly (factor 1.5) from today's."""
    if line.expected < 20 or line.profile[0] <= 0 or (line.sku is None and line.metric != "revenue"):
        return None  # of the shop its money says it: its pieces might be those of a third weekday
    levels = line.expected * line.profile / line.profile[0]
    apart = np.where(levels > 0, np.abs(np.log(np.maximum(levels, 1e-9) / line.expected)), 0) > np.log(1.5)
    close = np.abs(line.value / np.maximum(levels, 1e-9) - 1)
    best = int(np.argmin(np.where(apart, close, np.inf)))
    if not apart[best] or close[best] > 0.10:
        return None
    return (today.day_of_week + best) % 7


def event_of(
    line: DayLine, dates: pd.DatetimeIndex, severity: Severity, threshold: float, impact: int, holiday: str | None,
    causes: Causes | None = None, notes: tuple[Note, ...] = (),
) -> Event:  # fmt: skip
    """`threshold`: |z| from which a day belongs to what goes on."""
    run = _run(line, dates, threshold)
    type_, like = _classify(line, dates[-1], run)
    day, since = dates[-1].date(), run.since.date()
    said = Statement(
        type_, day, since, line.metric, line.sku, line.name, line.value, line.expected, like=like, holiday=holiday
    )
    return Event(
        f"{line.sku or 'shop'}/{line.metric}/{type_}/{since}", type_, severity, line.metric, since, not run.told_before, said, line.sku,
        line.name, line.value, line.expected, line.lower, line.upper, line.score, line.deviation, impact, causes, notes,
    )  # fmt: skip


def called(sku: str, name: str) -> str:
    """Name (SKU); the SKU alone where it has no name."""
    return sku if name in ("", "None", "nan", sku) else f"{name} ({sku})"


def clock(seconds: int) -> str:
    """HH:MM of seconds since midnight."""
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}"
