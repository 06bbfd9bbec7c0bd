"""A source that changes between a run and its retry, on machines whose clocks differ: what each reader was told must still agree.

The crash and overtaking sweeps ask whether a retry ends where an undisturbed run does; here there is no such run to compare with, as the
shop corrects a sale in the meantime. The oracle holds mails, files, manifest, ledger and raw sales against each other instead.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from local.api import Sale, SaleItem, SalesStore
from tests.reliability.containers import Result
from tests.reliability.findings import Finding
from tests.reliability.oracle import Takings, contradictions, takings_of
from tests.reliability.scenarios import Stage
from tests.reliability.sweep import Kill, Pause, When, overtake
from tests.reliability.world import BUSINESS_DATE, READERS, RETRY_AFTER, World
from tests.stand_ins.gateway import HarnessError, Point

AHEAD = (0.0, 25.0, -25.0)
"""Seconds by which the clock of the first try is ahead of its retry's."""

TRIES = 3
CORRECTION = 10**9


@dataclass
class Corrected:
    """What came of it."""

    points: int = 0
    findings: list[Finding] = field(default_factory=list)


def correct(store: SalesStore) -> None:
    """The shop enters a sale of the business date that was forgotten, and takes one back."""
    first = next(sale for sale in store.sales if sale.sold_at.date() == BUSINESS_DATE)
    store.remove_sale(first.id)
    noon = datetime.combine(BUSINESS_DATE, datetime.min.time()).replace(hour=12)
    store.put_sale(Sale(CORRECTION, noon, 5_000.0, (SaleItem(1, "Forgotten", "TILL", 1, 5_000.0, 5_000.0),)))


def interrupted(stage: Stage, points: Iterable[Point], *, broken: str = "") -> Corrected:
    """Kill a run at each point, correct the source, and let Lambda's retries come, their clocks ahead and behind."""
    came = Corrected()
    for point in points:
        for when, ahead in ((When.BEFORE, AHEAD[1]), (When.AFTER, AHEAD[2]), (When.BEFORE, AHEAD[0])):
            where = f"killed {when} {point}, {ahead:+.0f} s ahead, then corrected"

            def disturb(world: World, point: Point = point, when: When = when, ahead: float = ahead) -> None:
                kill = Kill(point, when)
                container = world.start(stage.scenario.function, broken=broken, seconds_ahead=ahead)
                kill.container.append(container)
                with world.gateway.interfering(kill):
                    container.invoke(stage.scenario.event, "request-1")
                container.close()
                if kill.victim is None:
                    raise HarnessError(f"{point} did not come.")

            came.findings += _with_correction(stage, where, disturb, broken)
            came.points += 1
    return came


def overtaken_by_correction(stage: Stage, points: Iterable[Point], *, broken: str = "") -> Corrected:
    """Let a run stand still at each point while the source is corrected and the retry does the work; then it goes on."""
    came = Corrected()
    for point in points:
        where = f"overtaken at {point} by a corrected run"
        stage.reset()
        store = stage.world.api.store
        sales = list(store.sales)
        before = takings_of(sales, BUSINESS_DATE, BUSINESS_DATE)
        try:
            pause = Pause(point, When.BEFORE)
            _, retried = overtake(stage, pause, broken=broken, meanwhile=partial(correct, store))
            came.findings += _judged(stage, where, retried, before)
        finally:
            stage.world.api.store = SalesStore(sales, store.products)
        came.points += 1
    return came


def _with_correction(stage: Stage, where: str, disturb: Callable[[World], None], broken: str) -> list[Finding]:
    stage.reset()
    world = stage.world
    sales = list(world.api.store.sales)
    before = takings_of(sales, BUSINESS_DATE, BUSINESS_DATE)
    try:
        disturb(world)
        correct(world.api.store)
        result = Result(None, None)
        for _ in range(TRIES):
            world.clock.advance(RETRY_AFTER.total_seconds())
            result = world.run(stage.scenario.function, stage.scenario.event, "request-1", broken=broken)
            if result.answer is not None:
                break  # Lambda takes any answer for success
        return _judged(stage, where, result, before)
    finally:
        world.api.store = SalesStore(sales, world.api.store.products)


def _judged(stage: Stage, where: str, last: Result, before: Takings) -> list[Finding]:
    world = stage.world
    state = world.end_state()
    found = contradictions(
        where, state, BUSINESS_DATE, {before, takings_of(world.api.store.sales, BUSINESS_DATE, BUSINESS_DATE)}
    )
    statuses = [
        run["status"]["S"]
        for (pk, day), run in state.runs.items()
        if day == BUSINESS_DATE.isoformat() and pk.startswith("run#report")
    ]
    if statuses != ["SUCCEEDED"]:
        found.append(Finding("silent", where, f"the ledger says {statuses} after the last try: {last}"))
    told = {mail.recipient for mail in state.mails}
    found += [Finding("lost", where, f"{reader} was not mailed") for reader in READERS if reader not in told]
    return found
