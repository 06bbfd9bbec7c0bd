"""The level has moved: a slow doubling or halving, which no single day shows, found by the last two weeks against the weeks before."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from salesflow.detection.model import Policy
from salesflow.detection.reported import back_of_shop
from salesflow.detection.stakes import HIGH_SHARE
from salesflow.detection.timeline import Timeline
from salesflow.findings.event import Event, EventType, Severity, Statement

Floats = NDArray[np.float64]

NEW, OLD = 14, 28
"""Open days that are the new level, and those before them that are the old one."""

FAR = 42
"""Open days between the new level and an older one, which a slow change is measured from."""

LAST = 4
"""Open days at the end that must stand at the new level too: what is over is none."""

RATIO, FAR_RATIO = np.log(1.25), np.log(1.6)
ERRORS = 4.0
"""So many standard errors the levels must lie apart; neighbouring days are alike, so that theirs is taken half as wide again."""

BESIDE_LEVEL = 1.6
"""A day may be off by so many times what the usual still has to learn of the new level, and is explained by it."""

WIDER = 1.5
TRIMMED = 0.15


def level_event(line: Timeline, t: int, policy: Policy) -> tuple[Event, ...]:
    """The shop's sales stand at a new level on day t, weekdays evened out."""
    found = _moved(line, t)
    if found is None:
        return ()
    new, old, since = found
    before = _moved(line, int(np.flatnonzero(line.busy[:t])[-1]))
    is_new = before is None or (before[0] > before[1]) != (new > old)
    deviation, day, first = new / old - 1, line.days[t].date(), line.days[since].date()
    kept = back_of_shop(line, t)["revenue"].kept
    new, old = kept * new, kept * old
    impact = round((new - old) * NEW)
    severity = Severity.HIGH if abs(deviation) >= HIGH_SHARE else Severity.MEDIUM
    if abs(deviation) < policy.min_deviation or abs(impact) < (policy.min_impact or 0):
        severity = Severity.LOW
    said = Statement(EventType.LEVEL_MOVED, day, first, "revenue", value=new, expected=old)
    return (
        Event(
            f"shop/revenue/LEVEL_MOVED/{'up' if new > old else 'down'}/{first}", EventType.LEVEL_MOVED, severity, "revenue", first, is_new,
            said, value=new, expected=old, score=ERRORS if new > old else -ERRORS, deviation=deviation, impact=impact,
        ),
    )  # fmt: skip


def under_new_level(line: Timeline, t: int, events: tuple[Event, ...], moved: tuple[Event, ...]) -> tuple[Event, ...]:
    """The shop's events of day t; those that the new level explains are no findings of their own: what is usual has not learnt all of it yet."""
    if not moved:
        return events
    learnt = back_of_shop(line, t)["revenue"].kept * float(line.shop_days([t])[0].level[0])
    step, up = (moved[0].value or 0.0) / max(learnt, 1e-9), (moved[0].deviation or 0.0) > 0

    def is_explained(event: Event) -> bool:
        times = 1 + (event.deviation or 0.0)
        return 1 < times <= max(step, 1.0) * BESIDE_LEVEL if up else 1 > times >= min(step, 1.0) / BESIDE_LEVEL

    return tuple(replace(one, severity=Severity.LOW) if is_explained(one) else one for one in events)


def _moved(line: Timeline, t: int) -> tuple[float, float, int] | None:
    """New and old level a day (minor units), and the first day of the new one; None where it has not moved.

    Back at an older level after some low or high weeks it has not moved; nor were those weeks what was usual.
    """
    trading = np.flatnonzero(line.busy[: t + 1])
    if len(trading) < NEW + OLD or trading[-1] != t:
        return None
    trading = trading[-(NEW + FAR + OLD) :]
    values = line.totals[0, trading]
    evened = values / _weekdays(line, t)[trading % 7]
    new, old, far = evened[-NEW:], evened[-NEW - OLD : -NEW], evened[: -NEW - FAR]
    level, older = _trimmed(new), [_trimmed(one) for one in (old, far) if len(one) >= OLD // 2]
    if min(level, *older) <= 0:
        return None
    for earlier, before, least in zip((old, far), older, (RATIO, FAR_RATIO), strict=False):
        spread = np.hypot(_spread(new, level) / np.sqrt(len(new)), _spread(earlier, before) / np.sqrt(len(earlier)))
        apart = np.log(level / before)
        parts = (_trimmed(new[: NEW // 2]), _trimmed(new[NEW // 2 :]), float(np.median(new[-LAST:])))
        there = all(np.log(max(part, 1e-9) / before) * np.sign(apart) > least / 2 for part in parts)
        usual = before if earlier is far else max(older) if apart > 0 else min(older)
        there &= all(np.log(level / one) * np.sign(apart) >= (RATIO / 2 if earlier is far else RATIO) for one in older)
        if abs(apart) >= max(least, ERRORS * WIDER * float(spread)) and there:
            return level, usual, int(trading[-NEW])
    return None


def _weekdays(line: Timeline, t: int) -> Floats:
    """[7] by position modulo 7: what the days of a week take against their mean, by medians of the last 26 weeks against their own weeks."""
    days = np.flatnonzero(line.busy[: t + 1])[-182:]
    values = line.totals[0, days]
    weeks = (days - days[0]) // 7
    mean = np.bincount(weeks, values) / np.maximum(np.bincount(weeks), 1)
    ratio = values / np.maximum(mean[weeks], 1e-9)
    shares = np.array([np.median(ratio[days % 7 == slot]) if (days % 7 == slot).any() else 1.0 for slot in range(7)])
    return np.maximum(shares, 0.05)


def _trimmed(values: Floats) -> float:
    """The mean without the largest and smallest 15%: one giant order is no level."""
    cut = int(len(values) * TRIMMED)
    return float(np.sort(values)[cut : len(values) - cut].mean())


def _spread(values: Floats, level: float) -> float:
    return float(1.4826 * np.median(np.abs(values / level - 1)))
