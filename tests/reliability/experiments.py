"""The experiments by name, each to be run in a process of its own."""

import gc
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.reliability.alert_year import watch_alerts
from tests.reliability.clicks import Clicked, click_all
from tests.reliability.corner import CORNER
from tests.reliability.corrections import interrupted, overtaken_by_correction
from tests.reliability.desk import change_all
from tests.reliability.faults import Fault, crowd, everything_written, inject, token_in
from tests.reliability.field import EVENTS, live_in_the_field
from tests.reliability.findings import Finding
from tests.reliability.fuzz import KINDS
from tests.reliability.night import BAD, night
from tests.reliability.proofs import PROOFS, Proof, prove
from tests.reliability.scenarios import BY_FIGURES, FIRST_SYNC, Scenario, Stage, scenarios
from tests.reliability.side_by_side import WAYS, two_shops, ways_in_turn
from tests.reliability.soak import soak
from tests.reliability.sweep import Swept, changing, overtaken, sweep
from tests.reliability.table import Row
from tests.reliability.walks import walk
from tests.reliability.world import World
from tests.stand_ins.gateway import Point, without_more_of_a_kind

EVERY_FAULT = ("sales pdf",)
"""Scenarios of which each call (without more of a kind) meets each fault, of those alike one in turn. A report begins with what a sync does."""

LASTING_FAULTS = ("channel and links", "sync", "stock excel", "anomalies", "forecast", FIRST_SYNC)
"""Scenarios of which each of these calls meets the faults that last, and the end of the function's time."""

OVERTAKEN = ("sales pdf", "channel and links", FIRST_SYNC, "anomalies")
LASTING = (*(fault for fault in Fault if fault.lasts), Fault.LATE)
CASES = 10_000
CROWDS = (2, 10)
QUICK_POINTS = 6


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment: its section, its name, and what does it."""

    section: str
    name: str
    run: Callable[[], Row]


def experiments(*, quick: bool = False, wide: bool = False, seed: int = 1) -> list[Experiment]:
    """Everything there is to do, the long ones first: all processors then have work to the end.

    quick: a few minutes' worth of each; wide: more scenarios, every read of a kind, and beside another shop every fault at each call.
    """
    chosen = scenarios(quick=quick, wide=wide)
    found = [Experiment("soak", "soak", partial(_soak, 3 if quick else 365, seed))]
    found += [
        Experiment("faults", f"faults: {each.name}", partial(_faults, each, quick=quick, wide=wide))
        for each in sorted(chosen, key=lambda each: each.name not in EVERY_FAULT)
        if each.name in EVERY_FAULT + LASTING_FAULTS
    ]
    found.append(Experiment("alerts", "alerts", partial(_alerts, *((16, 20) if quick else (365, 0)))))
    found.append(Experiment("field", "field", partial(_field, len(EVENTS) if quick else 180, seed)))
    found.append(
        Experiment("night", "a night of many shops", partial(_night, 12 if quick else 100, () if quick else BAD))
    )
    found.append(Experiment("walks", "walks", partial(_walks, 25 if quick else 250, 20 if quick else 40)))
    found.append(Experiment("shops", "two shops side by side", partial(_side_by_side, quick=quick, wide=wide)))
    found.append(Experiment("clicks", "clicks on links", partial(_clicked, click_all, quick=quick)))
    found.append(Experiment("settings", "settings changes", partial(_clicked, change_all, quick=quick)))
    found += [
        Experiment("sweep", f"crashes: {each.name}", partial(_sweep, each, quick=quick, wide=wide))
        for each in chosen
        if each.name != BY_FIGURES or wide
    ]
    found += [
        Experiment("sweep", f"overtaken: {each.name}", partial(_overtaken, each, quick=quick, wide=wide))
        for each in chosen
        if each.name in OVERTAKEN
    ]
    found += [
        Experiment("sweep", f"corrected: {each.name}", partial(_corrected, each, quick=quick))
        for each in chosen
        if each.name == BY_FIGURES
    ]
    found += [
        Experiment("fuzz", f"fuzzing: {kind}", partial(_fuzz, kind, 300 if quick else CASES, seed)) for kind in KINDS
    ]
    if not quick:
        found += [Experiment("proofs", f"proof: {each.sabotage}", partial(_proof, each)) for each in PROOFS]
    return found


def run(experiment: Experiment) -> Row:
    """Run one experiment; what it cannot even do counts as silent."""
    gc.freeze()  # what is imported stays to the end
    began = time.perf_counter()
    try:
        row = experiment.run()
    except Exception as error:  # noqa: BLE001 - one experiment that breaks must not hide the others
        row = Row("", findings=[Finding("silent", experiment.name, f"{type(error).__name__}: {error}"[:3_000])])
    row.name, row.seconds = experiment.name, time.perf_counter() - began
    return row


def _night(others: int, bad: Sequence[str]) -> Row:
    with night(others, bad, at_once=4) as done:
        counts = {"shops that had a night": len(done.shops), "of them bad": len(bad), "firings": len(done.firings)}
        return Row("night", counts, findings=done.findings())


def _clicked(all_of_them: Callable[..., Clicked], *, quick: bool) -> Row:
    clicked = all_of_them(quick=quick)
    return Row("", clicked.counts, findings=clicked.findings)


def _sweep(scenario: Scenario, *, quick: bool, wide: bool) -> Row:
    with World.opened(sold_days=scenario.sold_days) as world:
        stage = Stage(world, scenario)
        points = _some(stage, quick=quick, wide=wide or scenario.name == FIRST_SYNC)
        swept = sweep(stage, points=points if wide else changing(points))
        findings = swept.findings + _leaks(world, scenario)
    counts = {"crash points swept": swept.points, "mails repeated in the known gap": swept.tolerated}
    return Row(scenario.name, counts, findings=findings)


def _overtaken(scenario: Scenario, *, quick: bool, wide: bool) -> Row:
    with World.opened() as world:
        stage = Stage(world, scenario)
        swept = overtaken(stage, points=_some(stage, quick=quick, wide=wide))
        findings = swept.findings + _leaks(world, scenario)
    counts = {"times overtaken": swept.points, "mails repeated in the known gap": swept.tolerated}
    return Row(scenario.name, counts, findings=findings)


def _corrected(scenario: Scenario, *, quick: bool) -> Row:
    with World.opened() as world:
        stage = Stage(world, scenario)
        points = [point for point in _some(stage, quick=quick, wide=True) if not point.reads]
        killed, overtook = interrupted(stage, points), overtaken_by_correction(stage, points)
    counts = {"corrections between two tries": killed.points + overtook.points}
    return Row(scenario.name, counts, findings=killed.findings + overtook.findings)


def _side_by_side(*, quick: bool, wide: bool) -> Row:
    swept = Swept()
    with two_shops() as two:
        for shop in two.points:
            points = without_more_of_a_kind(two.points[shop])
            points = points[:: len(points) // 2] if quick else points
            for number, point in enumerate(points):
                ways = WAYS if wide else ways_in_turn(point, number, alone=shop == CORNER)
                two.disturbed([point], shop=shop, ways=ways, into=swept)
    counts = {"disturbed beside another shop": swept.points, "mails repeated in the known gap": swept.tolerated}
    return Row("side by side", counts, findings=swept.findings)


def _faults(scenario: Scenario, *, quick: bool, wide: bool) -> Row:
    with World.opened() as world:
        stage = Stage(world, scenario, counted=scenario.name not in EVERY_FAULT)
        crowds = {size: crowd(stage, size) for size in CROWDS}
        points = _some(stage, quick=quick, wide=wide)
        every = tuple(Fault) if wide else None
        injected = inject(stage, faults=every if scenario.name in EVERY_FAULT else LASTING, points=points)
        if scenario.name == FIRST_SYNC:
            stream = [point for point in points if point.name.startswith("api GET /sales")]
            inject(stage, faults=[fault for fault in Fault if fault not in LASTING], points=stream, into=injected)
        findings = injected.findings + _leaks(world, scenario)
    findings += [finding for each in crowds.values() for finding in each.findings]
    counts = {
        "faults injected": injected.faults,
        "completed all the same": injected.ended["completed"],
        "failed and made good": injected.ended["failed"],
        "ended by Lambda": injected.ended["killed"],
        "runs at the same moment": sum(crowds),
        "mails repeated in the known gap": injected.tolerated,
    }
    return Row(scenario.name, counts, findings=findings)


def _fuzz(kind: str, cases: int, seed: int) -> Row:
    fuzzed = KINDS[kind](cases, seed)
    return Row(kind, {"cases fuzzed": fuzzed.cases, **fuzzed.outcomes}, findings=fuzzed.findings)


def _soak(days: int, seed: int) -> Row:
    soaked = soak(days, seed=seed)
    counts = {
        "days simulated": soaked.days,
        "firings": soaked.firings,
        "mails": soaked.mails,
        **soaked.troubles,
        "redriven": soaked.redriven,
        "bytes grown": soaked.grown_bytes,
    }
    return Row("soak", counts, findings=soaked.findings)


def _alerts(days: int, begin: int) -> Row:
    watched = watch_alerts(days, begin)
    counts = {"days checked": watched.days, "changes told": watched.told, "mails of alerts": watched.mails}
    return Row("alerts", counts, findings=watched.findings)


def _field(days: int, seed: int) -> Row:
    fielded = live_in_the_field(days, seed=seed)
    return Row("field", {"days in the field": fielded.days, **fielded.events}, findings=fielded.findings)


def _walks(walks: int, steps: int) -> Row:
    """What goes wrong on a walk is raised, and so a finding."""
    fired = walk(walks, steps)
    return Row("walks", {"steps walked": walks * steps, "firings on walks": fired.total()})


def _proof(proof: Proof) -> Row:
    return Row(proof.sabotage, {"sabotages looked for": 1}, findings=prove(proof))


def _some(stage: Stage, *, quick: bool, wide: bool) -> tuple[Point, ...]:
    """The points of a stage without more of a kind, or for the wide form all; for the quick one some of them, spread over the run."""
    points = stage.expected.points if wide else without_more_of_a_kind(stage.expected.points)
    if not quick:
        return points
    step = max(1, len(points) // QUICK_POINTS)
    return tuple(itertools.islice(reversed(points), 0, None, step))


def _leaks(world: World, scenario: Scenario) -> list[Finding]:
    """Where the token can be read: in the logs of all runs, and in what the last one left."""
    return [
        Finding("silent", scenario.name, f"the token can be read: {text}")
        for text in token_in(everything_written(world), world.token)
    ]
