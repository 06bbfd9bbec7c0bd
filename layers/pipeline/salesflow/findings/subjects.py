"""Findings: what a detection found about one subject in one direction, so that one cause is told once.

A detection may flag a shop's revenue, pieces and transactions of the same slow day; that is one finding. And its type
changes while the event goes on (a drop, then no sale at all, then a level shift): so a finding is known by its subject
(the whole shop, or a SKU) and its facet (the day itself, up, down, its price, or its mix), not by its type or its first day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from salesflow.findings.event import Event, EventType, Severity, Statement

SHOP = "shop"
RANK = {Severity.LOW: 0, Severity.MEDIUM: 1, Severity.HIGH: 2}
_METRIC_ORDER = {"day": 0, "revenue": 1, "quantity": 2, "transactions": 3}


class Facet(StrEnum):
    """What about a subject is unusual."""

    DAY = "day"
    UP = "up"
    DOWN = "down"
    PRICE = "price"
    MIX = "mix"
    RETURNS = "returns"
    LEVEL_UP = "level-up"
    LEVEL_DOWN = "level-down"


_FACETS = {
    EventType.MISSING_DAY: Facet.DAY,
    EventType.PARTIAL_DAY: Facet.DAY,
    EventType.PRICE_CHANGE: Facet.PRICE,
    EventType.UNUSUAL_MIX: Facet.MIX,
    EventType.RETURNS: Facet.RETURNS,
    EventType.STOPPED_SELLING: Facet.DOWN,
    EventType.ZERO_DROP: Facet.DOWN,
    EventType.DROP: Facet.DOWN,
    EventType.HIGH_SPIKE: Facet.UP,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. event: its loudest event. also: what the others say."""

    event: Event
    facet: Facet
    also: tuple[Statement, ...] = ()

    @property
    def subject(self) -> str:
        """`shop`, or `sku:` and the SKU."""
        return subject_of(self.event.sku)

    @property
    def id(self) -> str:
        """What makes it the same alert tomorrow."""
        return f"{self.facet}|{self.subject}"


def subject_of(sku: str | None) -> str:
    """The subject that a SKU is; None is the whole shop."""
    return SHOP if sku is None else f"sku:{sku}"


def findings_of(events: Iterable[Event]) -> tuple[Finding, ...]:
    """One finding for each subject and facet, in the order in which they first appear."""
    grouped: dict[tuple[str, Facet], list[Event]] = {}
    for event in events:
        grouped.setdefault((subject_of(event.sku), facet_of(event)), []).append(event)
    found = []
    for (_, facet), together in grouped.items():
        ranked = sorted(together, key=lambda e: (-RANK[e.severity], _METRIC_ORDER.get(e.metric, 9), e.key))
        found.append(Finding(ranked[0], facet, tuple(event.statement for event in ranked[1:])))
    return tuple(found)


def facet_of(event: Event) -> Facet:
    """The facet that an event belongs to."""
    sign = event.deviation if event.type is EventType.LEVEL_MOVED else event.score or event.deviation or event.impact
    falls = (sign or 0) < 0
    if event.type is EventType.LEVEL_MOVED:
        return Facet.LEVEL_DOWN if falls else Facet.LEVEL_UP
    return _FACETS.get(event.type, Facet.DOWN if falls else Facet.UP)


def event_as_dict(event: Event) -> dict[str, Any]:
    """The event as JSON values."""
    values: dict[str, Any] = msgspec.to_builtins(event, enc_hook=float)
    return values | {"statement": event.statement.as_dict()}
