"""The crash sweep: every job, killed before and after every outside call that it makes, then retried as Lambda does.

The process is killed from outside in the moment in which the call passes the gateway: before the service has seen it, or
when it has taken effect and the answer is on its way. In the overtaking sweep the process is not killed but stands still
at the call until its successor has done the work, and then goes on: as after a network partition.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from tests.reliability.containers import Container, Result
from tests.reliability.findings import Finding, Outcome, half_done, judge, mailed_without_file
from tests.reliability.scenarios import Before, Stage
from tests.reliability.world import RETRY_AFTER, ZONE, EndState
from tests.stand_ins.aws import Answer
from tests.stand_ins.gateway import Call, Forward, HarnessError, Point, wait_until

OVERLAP = timedelta(days=7)
"""What each sync reads again by default."""
_READ = "api GET /sales/history"

type Progress = Callable[[str], None]


class When(StrEnum):
    """On which side of the call's effect."""

    BEFORE = "before"
    AFTER = "after"


@dataclass
class Swept(Outcome):
    """What a sweep came to."""

    points: int = 0


def sides(point: Point) -> Iterable[When]:
    """On which sides of a call its run is disturbed: before a read everything is as after it, so that one of the two is enough."""
    return (When.AFTER,) if point.reads else When


def changing(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points at which a kill leaves what no other does: after a read everything is as after the call before it, but for the first one."""
    return tuple(point for number, point in enumerate(points) if number == 0 or not point.reads)


class Kill:
    """Interference that kills the container at one point."""

    def __init__(self, point: Point, when: When) -> None:
        self.point = point
        self.when = when
        self.container: list[Container] = []
        self.victim: Call | None = None

    def __call__(self, call: Call, forward: Forward) -> Answer | None:
        """Pass a call on, or kill."""
        if self.victim is not None:
            return None  # the process is dead: nothing that it still sent off is answered
        if call.point != self.point:
            return forward()
        if self.when is When.AFTER:
            forward()
        self.victim = call
        self.container[0].kill()
        return None


def may_repeat(call: Call, when: When) -> set[str]:
    """The recipient in the gap that no system without an idempotency token can close: accepted, not yet recorded."""
    if call.mails and when is When.AFTER:
        return {call.mails}
    if call.records and when is When.BEFORE:
        return {call.records}
    return set()


type Attempt = Callable[[str, Point, When], tuple[list[Finding], set[str]]]
"""Disturbs the job at a point and lets the retry do the work: what went wrong on the way, and who may have been mailed once more."""


def sweep(
    stage: Stage,
    *,
    points: Iterable[Point] | None = None,
    on: Collection[When] = tuple(When),
    broken: str = "",
    progress: Progress = print,
) -> Swept:
    """Kill the stage's job at every point (or at those given), before and after (or `on` one side), and look at what the retry leaves."""
    world, scenario = stage.world, stage.scenario

    def killed(where: str, point: Point, when: When) -> tuple[list[Finding], set[str]]:
        kill = Kill(point, when)
        first = world.run(
            scenario.function, scenario.event, "request-1", interference=kill, broken=broken, started=kill.container
        )
        if kill.victim is None or not first.killed:
            raise HarnessError(f"{where}: the point did not come; the run ended as {first}")
        between = world.end_state()
        found = [Finding("lost", where, problem) for problem in half_done(between)]
        found += mailed_without_file(f"{where}, before the retry", between)
        world.clock.advance(RETRY_AFTER.total_seconds())
        second = world.run(scenario.function, scenario.event, "request-1", broken=broken)
        found += _read_again(where, between, stage)
        return found + _retried(where, second, stage), may_repeat(kill.victim, when)

    swept = _swept(stage, "killed", killed, points, on=on, shows=True)
    progress(f"{scenario.name}: {swept.points} crashes, {len(swept.findings)} findings")
    return swept


def _swept(
    stage: Stage,
    how: str,
    attempt: Attempt,
    points: Iterable[Point] | None,
    *,
    on: Collection[When] = tuple(When),
    shows: bool = False,
) -> Swept:
    """Disturb the job at every point, on both sides of its effect, and judge each end; `shows`: what the library page tells, too."""
    swept = Swept()
    for point in stage.expected.points if points is None else points:
        for when in (side for side in sides(point) if side in on):
            where = f"{stage.scenario.name}: {how} {when} {point}"
            stage.reset()
            found, again = attempt(where, point, when)
            end = stage.world.end_state()
            swept.findings += found + judge(where, end, stage.expected, may_repeat=again)
            swept.findings += _shown(where, end, stage) if shows else []
            swept.tolerated += end.repeated
            swept.points += 1
    return swept


def _retried(where: str, result: Result, stage: Stage) -> list[Finding]:
    if result.answer is None:
        return [Finding("lost", where, f"the retry ended as {result}")]
    if result.answer["status"] not in {stage.expected.status, "DUPLICATE"}:
        return [Finding("silent", where, f"the retry answered {result}")]
    return []


def _read_again(where: str, between: EndState, stage: Stage) -> list[Finding]:
    """Of a history that is read for the first time, the retry reads no more again than the month that was being stored, and the overlap."""
    if stage.scenario.before is not Before.FRESH:
        return []
    indexes = [body for key, body in between.objects.items() if key.startswith("history/coverage/")]
    asked = [urlsplit(call.request.path).query for call in stage.world.gateway.calls if _READ in call.point.name]
    if len(indexes) < len([key for key in stage.expected.ends[0].objects if key.startswith("history/coverage/")]):
        return []
    stored = min(date.fromisoformat(json.loads(body)["last"]) for body in indexes)
    at_worst = (stored + timedelta(days=1)).replace(day=1) - OVERLAP
    today = stage.world.clock().astimezone(ZONE).date()
    since = [today - timedelta(days=int(parse_qs(query)["days"][0]) - 1) for query in asked]
    return [
        Finding("doubled", where, f"the retry read from {first} on, and all was stored to {stored}")
        for first in since
        if first < at_worst
    ]


def _shown(where: str, end: EndState, stage: Stage) -> list[Finding]:
    """The library page tells what an undisturbed run's would: the same files, and how the same runs ended."""
    told, wanted = (_said(page) for page in (end.page, stage.expected.ends[0].page))
    return [] if told == wanted else [Finding("lost", where, f"the library page says {told} and not {wanted}")]


def _said(page: bytes | None) -> list[str]:
    return [] if page is None else re.findall(r'<a href="([^"]+)"|<td class="status">(.*?)</td>', page.decode())


def overtake(
    stage: Stage, pause: "Pause", *, broken: str = "", meanwhile: Callable[[], object] = lambda: None
) -> tuple[Result, Result]:
    """Let a run stand still at its pause, something happen `meanwhile`, and the retry do the work: how the run and its retry ended."""
    world, scenario = stage.world, stage.scenario
    late = world.start(scenario.function, broken=broken)
    with world.gateway.interfering(pause):
        ends = late.begin(scenario.event, "request-1", seconds=3_600)
        wait_until(lambda: pause.state == "held")
        late.freeze()
        meanwhile()
        world.clock.advance(RETRY_AFTER.total_seconds())
        second = world.start(scenario.function, broken=broken)
        retried = second.invoke(scenario.event, "request-1")
        second.close()
        late.thaw()
        pause.state = "over"
        first = late.end(ends)
    late.close()
    return first, retried


def overtaken(
    stage: Stage, *, points: Iterable[Point] | None = None, broken: str = "", progress: Progress = print
) -> Swept:
    """Let the job stand still at every call while the retry does the work, and then go on."""

    def paused(where: str, point: Point, when: When) -> tuple[list[Finding], set[str]]:
        pause = Pause(point, when)
        first, retried = overtake(stage, pause, broken=broken)
        found = _retried(where, retried, stage)
        if first.failure is not None and not first.failure.is_named:
            found.append(Finding("silent", where, f"the late run ended as {first}"))
        assert pause.held is not None
        return found, may_repeat(pause.held, when) | ({pause.held.mails} if pause.held.mails else set())

    swept = _swept(stage, "overtaken", paused, points)
    progress(f"{stage.scenario.name}: {swept.points} times overtaken, {len(swept.findings)} findings")
    return swept


class Pause:
    """Interference that holds one call of the first run until told to go on; the successor's calls pass."""

    def __init__(self, point: Point, when: When) -> None:
        self.point = point
        self.when = when
        self.state: Literal["waiting", "held", "over"] = "waiting"
        self.held: Call | None = None

    def __call__(self, call: Call, forward: Forward) -> Answer | None:
        """Pass a call on, or hold it."""
        if self.state != "waiting" or call.point != self.point:
            return forward()
        answer = forward() if self.when is When.AFTER else None
        self.held = call
        self.state = "held"
        wait_until(lambda: self.state == "over")
        return answer if self.when is When.AFTER else forward()
