"""Anomalies put into a panel on purpose, and the words in which detection is measured."""

from dataclasses import dataclass

import numpy as np

from tests.benchmarks.detection.panels import Panel

FACTORS = {"spike": (2, 5), "drop": (0, 0.4), "shift_up": (1.8, 3), "shift_down": (0.2, 0.5)}
"""What a change multiplies sales by: the bounds that it is drawn from."""

KINDS = ("spike", "drop", "outage", "shift_up", "shift_down", "weekday")


@dataclass(frozen=True)
class Event:
    """One injected anomaly: series, its first day (index into the scored days), how many days, and its kind."""

    series: int
    start: int
    days: int
    kind: str


@dataclass(frozen=True)
class Metrics:
    """Precision, recall and F1 at the usual threshold; `false_alarms` per series per 30 days on the series without injections;

    `recall_half`: recall with the threshold at which `false_alarms` is 0.5. `by_kind`: recall at the usual threshold, by kind.
    """

    precision: float
    recall: float
    f1: float
    false_alarms: float
    recall_half: float
    by_kind: dict[str, float]


def inject(panel: Panel, *, seed: int, per_series: int = 2) -> tuple[np.ndarray, list[Event]]:
    """A copy of the panel's values with `per_series` events in each scored series, at least 12 days apart, on days with sales."""
    rng = np.random.default_rng(seed)
    values = panel.values.copy()
    n_days = values.shape[1]
    first = n_days - panel.evaluate_last
    weekday = (panel.dates.astype(int) + 3) % 7
    events: list[Event] = []
    for series in panel.scored:
        clean = panel.values[series]
        usual = np.array([clean[first - 84 : first][weekday[first - 84 : first] == d].mean() for d in range(7)])
        taken: list[int] = []
        for _ in range(per_series):
            kind = str(rng.choice(KINDS))
            days = int(rng.integers(4, 7)) if kind.startswith("shift") else 1
            starts = [
                d
                for d in range(panel.evaluate_last - days + 1)
                if clean[first + d] > 0 and all(abs(d - t) >= 12 for t in taken)
            ]
            if not starts:
                continue
            start = int(rng.choice(starts))
            at = slice(first + start, first + start + days)
            today = weekday[first + start]
            factor = 0.0  # an outage
            others = [d for d in range(7) if usual[today] > 0 and abs(np.log((usual[d] + 1e-9) / usual[today])) > 0.4]
            if kind == "weekday" and not others:
                kind = "drop"
            if kind == "weekday":
                factor = usual[rng.choice(others)] / usual[today]
            elif kind in FACTORS:
                factor = rng.uniform(*FACTORS[kind])
            changed = clean[at] * factor
            values[series, at] = np.rint(changed) if np.all(clean == np.rint(clean)) else changed
            taken.append(start)
            events.append(Event(int(series), start, days, kind))
    return values, events


def threshold_at(scores: np.ndarray, false_alarms: float) -> float:
    """The threshold at which clean `scores` [n_series, n_days] give `false_alarms` per series per 30 days."""
    known = np.sort(np.abs(scores[np.isfinite(scores)]))[::-1]
    allowed = int(false_alarms / 30 * known.size)
    return float(known[min(allowed, known.size - 1)]) if known.size else np.inf


def measure(
    clean: np.ndarray, scored: list[tuple[np.ndarray, list[Event]]], *, threshold: float, scored_rows: np.ndarray
) -> Metrics:
    """Metrics of one method on one panel.

    `clean` are its scores of the untouched panel; `scored` its scores of each injected copy with the copy's events. An event is found
    when any of its days is flagged; a flagged day outside every event is a false alarm.
    """
    clean = clean[scored_rows]
    alarms = np.abs(clean) >= threshold
    fa = float(alarms.sum() / max(np.isfinite(clean).sum(), 1) * 30)
    half = threshold_at(clean, 0.5)
    found = found_half = total = wrong = 0
    by_kind: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for scores, events in scored:
        inside = np.zeros(scores.shape, dtype=bool)
        for e in events:
            at = np.s_[e.series, e.start : e.start + e.days]
            inside[at] = True
            peak = np.nanmax(np.abs(scores[at]), initial=0)
            found += peak >= threshold
            found_half += peak > half
            by_kind[e.kind].append(int(peak >= threshold))
            total += 1
        flagged = np.abs(scores) >= threshold
        wrong += int((flagged & ~inside)[scored_rows].sum())
    recall = found / max(total, 1)
    precision = found / max(found + wrong, 1)
    return Metrics(
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / max(precision + recall, 1e-9),
        false_alarms=fa,
        recall_half=found_half / max(total, 1),
        by_kind={k: float(np.mean(v)) if v else float("nan") for k, v in by_kind.items()},
    )
