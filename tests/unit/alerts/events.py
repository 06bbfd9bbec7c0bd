"""Findings and days for tests of the alerts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from salesflow.alerts.lifecycle import Alert, Entry, JudgedDay, Rules, Step, advance
from salesflow.findings.event import DayState, Event, EventType, Severity, Statement
from salesflow.findings.subjects import findings_of

START = date(2026, 11, 2)

HOSTILE = "<img src=x onerror=alert(1)>\"'; rm -rf ~\r\nBcc: all@example.com\u202e"


def event(
    deviation: float = -0.6,
    *,
    sku: str | None = None,
    name: str | None = None,
    type_: EventType | None = None,
    severity: Severity = Severity.HIGH,
    on: date = START,
    since: date | None = None,
    expected: float = 200_000.0,
    metric: str = "revenue",
    **more: Any,
) -> Event:
    """An event of the given size, and what is to be said of it; amounts in minor units."""
    kind = type_ or (EventType.DROP if deviation < 0 else EventType.HIGH_SPIKE)
    value = expected * (1 + deviation)
    values: dict[str, Any] = {
        "key": f"{sku or 'shop'}/{metric}/{kind}/{since or on}",
        "statement": Statement(kind, on, since or on, metric, sku, name, value, expected),
        "value": value,
        "expected": expected,
        "score": deviation * 10,
        "deviation": deviation,
        "impact": round(expected * deviation),
        "is_new": since in (None, on),
    }
    return Event(
        type=kind, severity=severity, metric=metric, since=since or on, sku=sku, name=name, **{**values, **more}
    )


def day(
    number: int, *events: Event, state: DayState = DayState.OPEN, sold: Mapping[str, float] | None = None
) -> JudgedDay:
    """The judged day `number` days after the start."""
    return JudgedDay(START + timedelta(days=number), state, findings_of(events), sold or {})


class Story:
    """Days one after the other; what was told on each."""

    def __init__(self, rules: Rules | None = None, *, first_check: bool = False) -> None:
        self.rules = rules or Rules()
        self.alerts: tuple[Alert, ...] | None = None if first_check else ()
        self.number = 0

    def next(self, *events: Event, **more: Any) -> list[str]:
        """The next day; what is told, as `opened down|shop`."""
        return [f"{entry.change} {entry.alert}" for entry in self.step(*events, **more).entries]

    def step(self, *events: Event, **more: Any) -> Step:
        """The next day."""
        on = START + timedelta(days=self.number)
        dated = [replace(e, since=on) if e.since == START and e.is_new else e for e in events]
        step = advance(self.alerts, day(self.number, *dated, **more), self.rules)
        self.alerts, self.number = step.alerts, self.number + 1
        return step


def entries_of(*events: Event, rules: Rules | None = None) -> tuple[Entry, ...]:
    """What is told of events that are all new."""
    return advance((), day(0, *events), rules or Rules()).entries
