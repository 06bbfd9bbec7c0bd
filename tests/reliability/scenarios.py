"""What is put to the test: the jobs, each on a stack in the states that it meets, and what an undisturbed run leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from tests.reliability.containers import Result
from tests.reliability.world import (
    BUSINESS_DATE,
    LINK_KEYS,
    MOMENT,
    PROGRAM,
    READERS,
    RETRY_AFTER,
    EndState,
    Objects,
    World,
)
from tests.stand_ins.gateway import HarnessError, Point

TICK = {"scheduled_time": "2026-11-20T23:00:00Z"}


BY_FIGURES = "sales json"
"""A report whose figures can be read; else it does what `sales pdf` does."""
FIRST_SYNC = "first sync"
"""Half a year in one answer of several pieces, stored a month after the other."""


class Before(StrEnum):
    """The state of the stack before the run."""

    FRESH = "fresh"
    """Nothing was ever run."""
    BEHIND = "behind"
    """Synced two days ago, the same job done yesterday."""


@dataclass(frozen=True)
class Scenario:
    """One firing of one job, of a shop that has sold for some days. quick: also part of the shortened form; wide: only of the wide one, as
    others do much the same."""

    name: str
    function: str
    fields: Mapping[str, Any]
    before: Before = Before.BEHIND
    settings: Mapping[str, str] = field(default_factory=dict)
    sold_days: int = 200
    quick: bool = False
    wide: bool = False

    @property
    def event(self) -> dict[str, Any]:
        """What the schedule sends."""
        return {"schedule": f"scheduled-{self.name}".replace(" ", "-"), **TICK, **self.fields}


_ALL = (
    Scenario("sales pdf", "report", {"formats": ["pdf"]}, quick=True),
    Scenario(BY_FIGURES, "report", {"formats": ["json"]}, quick=True),
    Scenario("stock excel", "report", {"report_type": "stock", "formats": ["excel"]}, wide=True),
    Scenario(
        "combined weekly",
        "report",
        {"report_type": "combined", "formats": ["pdf", "excel"], "period": "weekly"},
        wide=True,
    ),
    Scenario(
        "first report",
        "report",
        {"report_type": "combined", "formats": ["csv", "json", "html", "parquet"]},
        Before.FRESH,
        sold_days=45,
    ),
    Scenario("forced", "report", {"formats": ["csv"], "force": True}),
    Scenario(
        "channel and links",
        "report",
        {"formats": ["csv"]},
        settings={
            "REPORT_RECIPIENTS": f"{PROGRAM},{READERS[0]}",
            "LINKS_URL": "https://links.shop.example.com/",
            "LINKS_SECRET_ID": LINK_KEYS,
        },
        quick=True,
    ),
    Scenario("sync", "sync_history", {}, quick=True),
    Scenario(FIRST_SYNC, "sync_history", {}, Before.FRESH),
    Scenario("anomalies", "anomaly_check", {}),
    Scenario("forecast", "forecast", {}),
)


@cache
def scenarios(*, quick: bool = False, wide: bool = False) -> tuple[Scenario, ...]:
    """The scenarios; quick: a few; wide: also those that differ little from others."""
    return tuple(each for each in _ALL if (each.quick or not quick) and (wide or not each.wide))


@dataclass(frozen=True)
class Expected:
    """What an undisturbed run does: its status, the end states of a run at the tick and of one at the time of the retry.

    There are two because a report says when the stock was counted. points: every outside call, in the order in which the
    first of the two made them.
    """

    status: str
    ends: tuple[EndState, EndState]
    points: tuple[Point, ...]


class Stage:
    """A world with one scenario on it: puts the stack back before each experiment.

    counted: with the stock of the business date counted before the run. What a run counts itself says when, and that
    moves with every pause; this way the files do not depend on the time that a fault takes.
    """

    def __init__(self, world: World, scenario: Scenario, *, counted: bool = False) -> None:
        self.world = world
        self.scenario = scenario
        world.settings = dict(scenario.settings)
        self.objects_before = self._before()
        if counted:
            self.reset()
            self._must_do("sync_history", {"business_date": BUSINESS_DATE.isoformat()})
            key = f"history/stock/{BUSINESS_DATE}.csv.gz"
            self.objects_before[key] = world.objects()[key]
        self.expected = self._undisturbed()

    def reset(self) -> None:
        """The stack as it is before the run, at the tick."""
        self.world.reset(self.objects_before)

    def run(self, *, broken: str = "") -> Result:
        """The job on the stack put back, undisturbed; with a fault built in if one is named."""
        self.reset()
        return self.world.run(self.scenario.function, self.scenario.event, "request-1", broken=broken)

    def _before(self) -> Objects:
        world, scenario = self.world, self.scenario
        if scenario.before is Before.FRESH:
            return {}
        world.reset(moment=MOMENT - timedelta(days=2))
        self._must_do("sync_history", {})
        world.clock.set(MOMENT - timedelta(days=1))
        fields = {name: value for name, value in scenario.fields.items() if name != "force"}
        self._must_do(scenario.function, fields)
        return world.objects()

    def _must_do(self, function: str, event: Mapping[str, Any]) -> None:
        result = self.world.run(function, event, "before")
        if result.answer is None:
            raise HarnessError(f"{function} fails without any fault: {result}")

    def _undisturbed(self) -> Expected:
        ends, points, statuses = [], [], set()
        for delay in (timedelta(0), RETRY_AFTER):
            self.reset()
            self.world.clock.set(MOMENT + delay)
            result = self.world.run(self.scenario.function, self.scenario.event, "request-1")
            if result.answer is None:
                raise HarnessError(f"{self.scenario.name} fails without any fault: {result}")
            statuses.add(result.answer["status"])
            points.append([call.point for call in self.world.gateway.calls if not call.is_heartbeat])
            ends.append(self.world.end_state())
        if len(statuses) > 1 or set(points[0]) != set(points[1]) or len(set(points[0])) != len(points[0]):
            raise HarnessError(f"{self.scenario.name} does not make the same calls twice: {points}")
        return Expected(statuses.pop(), (ends[0], ends[1]), tuple(points[0]))
